"""Many seeds on many cores: each seed's records in a file of their own, so that a run can be stopped and go on.

A seed's records depend on nothing but its job. So the number of processes, their order and an interruption leave no
trace in the result.
"""

from __future__ import annotations

import gc
import hashlib
import itertools
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from aftershock.app.evaluation.plan import Job, make_session, make_strategy
from aftershock.app.evaluation.reviewers import Reviewer
from aftershock.app.evaluation.runner import run_session
from aftershock.app.numerics import code_version, numerics_id
from aftershock.errors import InputError
from aftershock.model.units import NS_PER_MS
from aftershock.sim.market.episode import Episode
from aftershock.sim.market.plan import generator
from aftershock.study.records import TriggerRecord

__all__ = ["Progress", "Records", "job_digest", "run_jobs"]

Records = list[list[TriggerRecord]]
"""For each latency of a job, a record per episode."""

Progress = Callable[[int, int], None]
"""Gets the number of jobs done and their total."""

_PROBE_SEED = 7_001
_ENCODER, _DECODER = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(list[list[TriggerRecord]])


def job_digest(job: Job) -> str:
    """Return what names a job's file: every setting, the program's own source and the numerics."""
    parts = msgspec.json.encode(
        {"job": job, "code": source_digest(), "version": code_version(), "numerics": numerics_id()}
    )
    return hashlib.sha256(parts).hexdigest()[:24]


_SOURCE: list[str] = []


def source_digest() -> str:
    """Return a digest of the program's Python files: records of other code are not taken for this one's."""
    if not _SOURCE:
        root = Path(__file__).resolve().parents[2]
        digest = hashlib.sha256()
        for path in sorted(root.rglob("*.py")):
            relative = path.relative_to(root).as_posix()
            if relative.startswith(("core/", "model/", "pricing/", "review/", "sim/", "app/evaluation/")):
                digest.update(relative.encode() + b"\0" + path.read_bytes())
        _SOURCE.append(digest.hexdigest())
    return _SOURCE[0]


def run_jobs(
    jobs: Sequence[Job],
    *,
    processes: int,
    folder: Path | None = None,
    progress: Progress = lambda _done, _total: None,
    should_stop: Callable[[], bool] = lambda: False,
    reviewer: Reviewer | None = None,
) -> list[Records | None]:
    """Run jobs and return the records of each, in the order of the jobs; None for what a stop left undone.

    Args:
        jobs: What to run.
        processes: How many at a time; 1 runs in this process.
        folder: Where finished seeds are kept, and taken from if they are there already.
        progress: Told after each job.
        should_stop: Asked after each job.
        reviewer: Whom the jobs ask whose reviewer is a provider; they run in this process, one after the other.

    Raises:
        InputError: A kept file can't be read or written.
    """
    found: list[Records | None] = [_kept(job, folder) for job in jobs]
    todo = [i for i, records in enumerate(found) if records is None]
    done = len(jobs) - len(todo)
    progress(done, len(jobs))
    asking = [i for i in todo if _is_live(jobs[i])]
    rest = [(i, jobs[i]) for i in todo if not _is_live(jobs[i])]
    asked = (_run((i, jobs[i]), reviewer) for i in asking)
    for i, packed in itertools.chain(_results(rest, processes), asked):
        found[i] = _DECODER.decode(packed)
        _keep(jobs[i], folder, packed)
        done += 1
        progress(done, len(jobs))
        if should_stop():
            break
    return found


def _is_live(job: Job) -> bool:
    return job.review is not None and job.review.is_live


def _results(todo: list[tuple[int, Job]], processes: int) -> Iterator[tuple[int, bytes]]:
    if processes <= 1 or len(todo) <= 1:
        for each in todo:
            yield _run(each)
        return
    # spawn: a forked child would inherit whatever this process happens to hold.
    context = multiprocessing.get_context("spawn")
    with context.Pool(min(processes, len(todo)), initializer=_prepare) as pool:
        yield from pool.imap_unordered(_run, todo)


def _prepare() -> None:
    """Leave Ctrl-C to the parent, and collect garbage less often: an episode makes many small objects, no cycles."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(200_000, 20, 50)


def _run(each: tuple[int, Job], reviewer: Reviewer | None = None) -> tuple[int, bytes]:
    index, job = each
    session = make_session(job)
    probe = _probe_moment if job.strategy == "random_time" else None
    strategy = make_strategy(job, session, reviewer)
    records = run_session(session, strategy, job.latencies_ms, hedged=job.strategy != "no_hedge", probe_ns=probe)
    return index, _ENCODER.encode(records)


def _probe_moment(episode: Episode) -> int:
    """Return a random moment of an episode, the same for every strategy and latency."""
    span_ms = (episode.end_ns - episode.start_ns) // NS_PER_MS
    rng = generator(_PROBE_SEED, episode.plan.index, episode.start_ns % 1_000_003)
    return episode.start_ns + int(rng.integers(35_000, span_ms - 35_000)) * NS_PER_MS


def _path(job: Job, folder: Path) -> Path:
    return folder / f"{job.name}-{job.world}-{job.makers}-{job.seed}-{job_digest(job)}.msgpack"


def _kept(job: Job, folder: Path | None) -> Records | None:
    if folder is None:
        return None
    path = _path(job, folder)
    if not path.exists():
        return None
    try:
        return _DECODER.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise InputError(f"{path} can't be read as records ({error}): delete it, and its seed runs again") from error


def _keep(job: Job, folder: Path | None, packed: bytes) -> None:
    if folder is None:
        return
    path = _path(job, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(packed)
        part.replace(path)  # whole or not at all
    except OSError as error:
        raise InputError(f"can't keep records in {folder}: {error.strerror}; name another folder") from error
