"""`evaluate`: which runs a request means, their records, and the figures; training on seeds that are for training."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from aftershock.app.evaluation.calibrations import load
from aftershock.app.evaluation.plan import MUST_BE_ZERO, Job, Review, engine_config
from aftershock.app.evaluation.pool import Progress, Records, run_jobs
from aftershock.app.evaluation.reviewers import Reviewer
from aftershock.app.numerics import code_version
from aftershock.core.config import EngineConfig, ReviewConfig
from aftershock.errors import UsageError
from aftershock.sim.market.params import MakerName, WorldName
from aftershock.study.calibrate import calibrate
from aftershock.study.calibration import FIRST_HELD_OUT_SEED, CalibrationDocument
from aftershock.study.records import RunKey, TriggerRecord
from aftershock.study.report_data import Evaluation, evaluate_runs
from aftershock.study.review_report import review_report
from aftershock.study.reviews import Reviewing, ReviewReport

__all__ = ["Request", "Result", "check_training", "evaluate", "log_held_out", "train"]

Runs = list[tuple[RunKey, list[TriggerRecord]]]

_TRAINING_BPS = 0.1
_DECOYS_PER_SEED = 20


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What to evaluate.

    Attributes:
        first, last: Seeds, both included.
        worlds, makers, latencies_ms, strategies: Every combination is a run.
        prior: Main prior.
        decoys_each: At least so many triggers of each must-be-zero decoy.
        calibration: `bundled`, `none` or a file.
        feed_ms: Median way of the feeds; None for the world's.
        jobs: Processes.
        keep: Folder of finished seeds; None to keep nothing.
        review: Who gives the engine a second opinion, in runs of their own beside those without; None for nobody.
        review_mode: `veto` or `gate`.
        review_deadline_ms: How long an order waits for an answer.
    """

    first: int
    last: int
    worlds: tuple[WorldName, ...] = ("base",)
    makers: tuple[MakerName, ...] = ("slow",)
    latencies_ms: tuple[float, ...] = (20.0,)
    strategies: tuple[str, ...] = ("engine",)
    prior: float = 0.10
    decoys_each: int = 0
    calibration: str | None = None
    feed_ms: float | None = None
    jobs: int = 1
    keep: Path | None = None
    review: Review | None = None
    review_mode: Literal["veto", "gate"] = "veto"
    review_deadline_ms: float = 1_000.0

    @property
    def seeds(self) -> str:
        """Return the seeds as the report has them."""
        return f"{self.first}-{self.last}"


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came out.

    Attributes:
        evaluation: The figures; None if nothing was finished.
        undone: Seeds that a stop left out, over all runs.
        records: What the figures were computed from.
    """

    evaluation: Evaluation | None
    undone: int
    records: Runs


def evaluate(
    request: Request,
    *,
    progress: Progress = lambda _done, _total: None,
    should_stop: Callable[[], bool] = lambda: False,
    reviewer: Reviewer | None = None,
) -> Result:
    """Run every strategy over every seed and compute the figures.

    Args:
        request: What to evaluate.
        progress: Told after each seed.
        should_stop: Asked after each seed.
        reviewer: Whom to ask if the request's reviewer is a provider.

    Raises:
        UsageError: The request makes no sense.
        ConfigError: The calibration is none.
        InputError: Kept records, or a recording, can't be read or written.
    """
    check_seeds(request)
    config = engine_config(load(request.calibration))
    jobs = _jobs(request, config)
    plain = len(jobs)
    jobs += _reviewed(request, jobs)
    records = run_jobs(
        jobs, processes=request.jobs, folder=request.keep, progress=progress, should_stop=should_stop, reviewer=reviewer
    )
    runs = _gather(jobs[:plain], records[:plain])
    evaluation = evaluate_runs(runs, seeds=request.seeds, prior=request.prior) if any(t for _, t in runs) else None
    reviewed = _gather(jobs[plain:], records[plain:])
    if evaluation is not None and reviewed:
        evaluation = msgspec.structs.replace(evaluation, reviews=_reviews(request, runs, reviewed))
    return Result(evaluation=evaluation, undone=sum(each is None for each in records), records=runs + reviewed)


def train(
    request: Request,
    *,
    name: str,
    commit: str,
    trials: int = 0,
    progress: Progress = lambda _done, _total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> CalibrationDocument:
    """Learn a calibration: every positive edge is ordered, so that its outcome can be seen.

    Raises:
        UsageError: A seed is held out, or the world is the shifted one, or the run was stopped.
    """
    check_seeds(request)
    if request.last >= FIRST_HELD_OUT_SEED or request.worlds != ("base",):
        raise UsageError(
            f"seeds from {FIRST_HELD_OUT_SEED:,} on and the shifted world are for judging: train on others"
        )
    config = msgspec.structs.replace(
        engine_config(None),
        threshold_buy_bps=_TRAINING_BPS,
        threshold_sell_bps=_TRAINING_BPS,
        threshold_static_bps=_TRAINING_BPS,
        threshold_cross_bps=_TRAINING_BPS,
        threshold_overshoot_bps=_TRAINING_BPS,
        threshold_dislocation_bps=_TRAINING_BPS,
    )
    jobs = _jobs(request, config)
    records = run_jobs(jobs, processes=request.jobs, folder=request.keep, progress=progress, should_stop=should_stop)
    if any(each is None for each in records):
        raise UsageError("stopped before every training seed was done: run the same command again to go on")
    created = datetime.now(tz=UTC).strftime("%Y-%m-%d")
    return calibrate(_gather(jobs, records), name=name, commit=commit, created=created, trials=trials)


def check_seeds(request: Request) -> None:
    """Refuse a range that ends before it begins.

    Raises:
        UsageError: It does.
    """
    if request.last < request.first:
        raise UsageError(f"--seeds {request.seeds}: the last is before the first")


def check_training(request: Request) -> None:
    """Refuse what is for judging.

    Raises:
        UsageError: A seed is held out, or the world is the shifted one.
    """
    check_seeds(request)
    if request.last >= FIRST_HELD_OUT_SEED or request.worlds != ("base",):
        raise UsageError(f"seeds from {FIRST_HELD_OUT_SEED:,} on and the shifted world are for judging, not training")


def _jobs(request: Request, config: EngineConfig) -> list[Job]:
    jobs = []
    for world in request.worlds:
        for makers in request.makers:
            for strategy in request.strategies:
                common = {
                    "world": world,
                    "makers": makers,
                    "latencies_ms": request.latencies_ms,
                    "strategy": strategy,
                    "config": config,
                    "feed_ms": request.feed_ms,
                }
                jobs += [Job(seed=seed, **common) for seed in range(request.first, request.last + 1)]  # type: ignore[arg-type]
                extra = -(-request.decoys_each // (_DECOYS_PER_SEED // len(MUST_BE_ZERO)))
                jobs += [
                    Job(seed=request.first + i, decoys=MUST_BE_ZERO, **common)  # type: ignore[arg-type]
                    for i in range(extra)
                ]
    return jobs


def _reviewed(request: Request, jobs: list[Job]) -> list[Job]:
    """Return the engine's jobs once more, with the reviewer."""
    if request.review is None:
        return []
    if "engine" not in request.strategies:
        raise UsageError("--reviewer reviews the engine: leave --strategy out, or name engine too")
    review = ReviewConfig(mode=request.review_mode, deadline_ms=request.review_deadline_ms)
    return [
        msgspec.structs.replace(job, review=request.review, config=msgspec.structs.replace(job.config, review=review))
        for job in jobs
        if job.strategy == "engine"
    ]


def _reviews(request: Request, runs: Runs, reviewed: Runs) -> tuple[ReviewReport, ...]:
    """Compare each run with the reviewer to the same one without, on the seeds that both have finished."""
    if request.review is None:
        return ()
    reviewing = Reviewing(
        reviewer=request.review.reviewer, mode=request.review_mode, deadline_ms=request.review_deadline_ms
    )
    without = dict(runs)
    found = []
    for key, triggers in reviewed:
        plain = without.get(msgspec.structs.replace(key, strategy="engine"), [])
        if {(t.seed, t.index) for t in plain} & {(t.seed, t.index) for t in triggers}:
            found.append(review_report(key, plain, triggers, reviewing, prior=request.prior))
    return tuple(found)


def _gather(jobs: list[Job], records: list[Records | None]) -> Runs:
    """Put the records of one run together; extra decoy episodes get indices of their own."""
    runs: dict[RunKey, list[TriggerRecord]] = {}
    for job, found in zip(jobs, records, strict=True):
        for key, triggers in zip(job.keys, found or [], strict=False):
            shift = job.count if job.decoys else 0
            runs.setdefault(key, []).extend(
                msgspec.structs.replace(each, index=each.index + shift) if shift else each for each in triggers
            )
    return list(runs.items())


def log_held_out(request: Request, folder: Path, commit: str) -> None:
    """Note a run on held-out seeds, with its commit: nothing may be tuned on them, and everybody can see who looked."""
    if request.last < FIRST_HELD_OUT_SEED:
        return
    line = {
        "at": datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commit": commit,
        "version": code_version(),
        "seeds": request.seeds,
        "worlds": request.worlds,
        "makers": request.makers,
        "latencies_ms": request.latencies_ms,
        "strategies": request.strategies,
        "calibration": request.calibration or "bundled",
        "reviewer": None if request.review is None else request.review.reviewer,
    }
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "held_out.jsonl").open("ab") as file:
        file.write(msgspec.json.encode(line) + b"\n")
