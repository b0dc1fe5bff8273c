"""`aftershock evaluate`: labelled simulated markets, and figures with their intervals."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

import click

from aftershock.app.evaluation.evaluate import Request, check_training, evaluate, log_held_out, train
from aftershock.app.evaluation.live_reviewer import Live
from aftershock.app.evaluation.plan import ABLATIONS, BASELINES, STRATEGIES
from aftershock.cli.console import note, show, show_json
from aftershock.cli.evaluate_review import asked, chosen_review, gateway_settings
from aftershock.cli.shared import Finite, as_json, config_file, environment, path
from aftershock.cli.stop import StopRequest
from aftershock.errors import InputError, UsageError
from aftershock.study.calibration import FIRST_HELD_OUT_SEED, encode_calibration
from aftershock.study.html import evaluation_page
from aftershock.study.report_data import document
from aftershock.study.text import evaluation_text

__all__ = ["evaluate_command"]

_EPILOG = """\b
Examples:
  aftershock evaluate --seeds 1-4 --jobs 2
  aftershock evaluate --seeds 1-20 --makers fast --makers slow --latency-ms 20 --latency-ms 100 --keep runs/eval
  aftershock evaluate --seeds 1-20 --baselines --ablations --report evaluation.html
  aftershock evaluate --seeds 1-40 --train --write calibration.json     learn thresholds (training seeds only)

\b
A seed is 20 triggers. Seeds from 100,000 on are held out for judging: nothing may be tuned on them, and each run on
them is logged in the folder of --keep. The market is SIMULATED: docs/evaluation.md says what its figures can't say."""


@click.command("evaluate", epilog=_EPILOG)
@click.option("--seeds", required=True, metavar="A-B", help="Seeds, both included; A alone is one seed.")
@click.option(
    "--world", "worlds", type=click.Choice(["base", "shifted"]), multiple=True, help="Repeatable. Default: base."
)
@click.option("--makers", type=click.Choice(["fast", "slow"]), multiple=True, help="Repeatable. Default: slow.")
@click.option(
    "--latency-ms",
    "latencies",
    type=Finite(0, 60_000),
    multiple=True,
    metavar="MS",
    help="Decision to venue; repeatable, tried on the same decisions. Default: 20.",
)
@click.option(
    "--feed-ms",
    type=Finite(0, 60_000),
    metavar="MS",
    help="Median way of the feeds to us. Default: the world's.",
)
@click.option(
    "--strategy", "strategies", type=click.Choice(STRATEGIES), multiple=True, help="Repeatable. Default: engine."
)
@click.option("--baselines", is_flag=True, help=f"Also {', '.join(BASELINES)}.")
@click.option("--ablations", is_flag=True, help=f"Also {', '.join(ABLATIONS)}.")
@click.option("--prior", type=Finite(0.0001, 0.9999), default=0.10, show_default=True, help="Main prior.")
@click.option(
    "--decoys-each",
    type=click.IntRange(0, 100_000),
    default=0,
    metavar="N",
    help="At least N triggers of each decoy of which none may be ordered, beside the seeds' own.",
)
@click.option("--calibration", metavar="bundled|none|FILE", help="Thresholds and probabilities. Default: bundled.")
@click.option(
    "--reviewer",
    metavar="WHO",
    help="Also the engine with a second opinion: stand-in (rules, no evidence), recorded, or a provider's name.",
)
@click.option("--review-mode", type=click.Choice(["veto", "gate"]), default="veto", show_default=True)
@click.option(
    "--review-deadline-ms",
    type=Finite(0.001, 600_000),
    default=1_000.0,
    show_default=True,
    metavar="MS",
    help="How long an order waits; long enough by default that the reviewer's own latency counts.",
)
@click.option(
    "--review-latency-ms", type=Finite(0, 600_000), metavar="MS", help="What the stand-in takes. Default: 300."
)
@click.option("--recording", type=path(), metavar="FILE", help="Answers: taken from it, or a provider's kept in it.")
@config_file
@click.option("--train", "training", is_flag=True, help="Learn a calibration from these seeds instead of judging.")
@click.option("--write", type=path(), metavar="FILE", help="Where a learnt calibration goes.")
@click.option(
    "--trials", type=click.IntRange(0), default=0, help="What was tried before, for the calibration's record."
)
@click.option(
    "--jobs", type=click.IntRange(1, 1024), default=os.cpu_count() or 1, show_default="all cores", help="Processes."
)
@click.option(
    "--keep", type=path(), metavar="DIR", help="Keep finished seeds there; the same command goes on from them."
)
@click.option("--report", type=path(), metavar="HTML", help="Also write a self-contained page with plots.")
@as_json
def evaluate_command(  # noqa: PLR0913 - click passes each option by name
    *,
    seeds: str,
    worlds: tuple[str, ...],
    makers: tuple[str, ...],
    latencies: tuple[float, ...],
    feed_ms: float | None,
    strategies: tuple[str, ...],
    baselines: bool,
    ablations: bool,
    prior: float,
    decoys_each: int,
    calibration: str | None,
    training: bool,
    write: Path | None,
    trials: int,
    jobs: int,
    keep: Path | None,
    report: Path | None,
    json_output: bool,
    reviewer: str | None,
    review_mode: Literal["veto", "gate"],
    review_deadline_ms: float,
    review_latency_ms: float | None,
    recording: Path | None,
    config_file: Path | None,
) -> int:
    """Judge the engine on simulated markets whose truth it cannot see."""
    first, last = _seeds(seeds)
    gateway = gateway_settings(reviewer, config_file, environment(), recording)
    review = chosen_review(reviewer, recording, review_latency_ms, gateway)
    wanted = [*(strategies or ("engine",)), *(BASELINES if baselines else ()), *(ABLATIONS if ablations else ())]
    request = Request(
        first=first,
        last=last,
        worlds=tuple(dict.fromkeys(worlds)) or ("base",),  # type: ignore[arg-type]
        makers=tuple(dict.fromkeys(makers)) or ("slow",),  # type: ignore[arg-type]
        latencies_ms=tuple(dict.fromkeys(latencies)) or (20.0,),
        strategies=tuple(dict.fromkeys(wanted)),
        prior=prior,
        decoys_each=decoys_each,
        calibration=calibration,
        feed_ms=feed_ms,
        jobs=jobs,
        keep=keep,
        review=review,
        review_mode=review_mode,
        review_deadline_ms=review_deadline_ms,
    )
    if training and review is not None:
        raise UsageError("--train asks no reviewer: what is learnt is the rules' own")
    if training != (write is not None):
        raise UsageError("--train and --write FILE go together: what is learnt needs a file")
    if last >= FIRST_HELD_OUT_SEED and not training:
        log_held_out(request, keep or Path(), _commit())
        note("held-out seeds: this run is logged in held_out.jsonl; nothing may be tuned on it")
    with StopRequest() as stop:
        progress = _Seeds()
        if training and write is not None:
            check_training(request)
            learnt = train(request, name=write.stem, commit=_commit(), trials=trials, progress=progress.update,
                           should_stop=lambda: bool(stop))  # fmt: skip
            progress.clear()
            _write(write, encode_calibration(learnt))
            show(f"{write}: {len(learnt.types)} kinds and sides learnt from seeds {learnt.seeds}")
            return stop.exit_code
        with asked(review, gateway, environment()) as live:
            result = evaluate(request, progress=progress.update, should_stop=lambda: bool(stop), reviewer=live)
        progress.clear()
        if live is not None:
            note(f"{live.calls:,} requests to {reviewer} in this run, {_usd(live)}")
    if result.undone:
        note(
            f"stopped: {result.undone} seeds are not done; "
            + ("the same command goes on" if keep else "--keep DIR would let it go on")
        )
    if result.evaluation is None:
        raise UsageError("no seed was finished: nothing to report")
    if json_output:
        show_json({**document(result.evaluation), "undone": result.undone})
    else:
        show("SIMULATED markets; no figure says anything about a real one.\n\n" + evaluation_text(result.evaluation))
    if report is not None:
        _write(report, evaluation_page(result.evaluation).encode())
    return stop.exit_code or int(result.undone > 0)


def _usd(live: Live) -> str:
    if not math.isfinite(live.spent_usd):
        return "at a price that the table does not know"
    return f"{live.spent_usd:.6f} USD" + (" (in part an estimate)" if live.is_estimate else "")


def _seeds(text: str) -> tuple[int, int]:
    parts = text.replace(",", "").split("-")
    if len(parts) > 2 or not all(part.isascii() and part.isdigit() for part in parts):
        raise UsageError(f"--seeds {text!r} is not A-B: write 1-20, or 7 for one seed")
    return int(parts[0]), int(parts[-1])


def _commit() -> str:
    """Return the commit of a clone, with a mark if it has changes; `unknown` where there is no clone or no git."""
    here = Path(__file__).resolve().parent
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],  # noqa: S607 - whichever git the user has
            cwd=here, capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()


def _write(target: Path, data: bytes) -> None:
    try:
        target.write_bytes(data)
    except OSError as error:
        raise InputError(f"can't write {target}: {error.strerror}; name another file") from error


class _Seeds:
    """Progress on a terminal: seeds done, and when the rest will be."""

    def __init__(self) -> None:
        self._shows = sys.stderr.isatty()
        self._started = time.monotonic()
        self._first: int | None = None

    def update(self, done: int, total: int) -> None:
        """Redraw."""
        if self._first is None:
            self._first = done  # what was kept from before took no time now
        if not self._shows:
            return
        fresh = done - self._first
        left = (time.monotonic() - self._started) / fresh * (total - done) if fresh else 0.0
        sys.stderr.write(f"\r{done:,} of {total:,} seeds" + (f", {left / 60:.1f} min left   " if fresh else "   "))
        sys.stderr.flush()

    def clear(self) -> None:
        """Leave the line empty."""
        if self._shows:
            sys.stderr.write("\r" + " " * 60 + "\r")
            sys.stderr.flush()
