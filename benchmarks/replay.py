"""Rows per second of replaying the recorded option chain of a day, stage by stage, against csv.DictReader."""

from __future__ import annotations

import csv
import gzip
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from aftershock.app.inputs import Given
from aftershock.app.replay import ReplayOptions, replay
from aftershock.app.settings import choose
from aftershock.model.events import OptionQuotes
from aftershock.model.table import InstrumentTable
from aftershock.venues.tardis import merge, open_source
from benchmarks.report import Report, Table, ratio, show

__all__ = ["main", "measure"]

_FILE = "tardis/deribit_options_chain_2023-04-13_OPTIONS.csv.gz"
_ROUNDS = 3
_HEADLINE = "engine: `aftershock replay`, 30 s price move"
_NUMBERS = (
    *("strike_price", "open_interest", "last_price", "bid_price", "bid_amount", "bid_iv", "ask_price", "ask_amount"),
    *("ask_iv", "mark_price", "mark_iv", "underlying_price", "delta", "gamma", "vega", "theta", "rho"),
)


def measure() -> Report | str:
    """Time the stages in turns; return a sentence where the recording is not at hand."""
    folder = Path(os.environ.get("AFTERSHOCK_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    path = folder / _FILE
    if not path.exists():
        return f"replay: left out, {_FILE} is not in the data folder: name the folder in AFTERSHOCK_DATA"
    stages: dict[str, Callable[[], int]] = {
        "baseline: gzip + csv.DictReader + float()": lambda: _dictreader(path),
        "read": lambda: _count(open_source(path, index=0, table=InstrumentTable())),
        "read and merge": lambda: _count(merge([open_source(path, index=0, table=InstrumentTable())])),
        _HEADLINE: lambda: _engine(path, 30.0, 15.0),
        "engine: with `--trigger-window 330 --trigger-bps 30`": lambda: _engine(path, 330.0, 30.0),
        "engine: the same with `--journal`, inputs by reference": lambda: _recorded(path),
    }
    rows = 0
    seconds: dict[str, list[float]] = {name: [] for name in stages}
    for _ in range(_ROUNDS):
        for name, stage in stages.items():
            started = time.process_time()  # one thread, nothing to wait for: other processes must not count
            rows = stage()
            seconds[name].append(time.process_time() - started)
    rates = {name: rows / statistics.median(each) for name, each in seconds.items()}
    baseline = next(iter(rates.values()))
    engine = rates[_HEADLINE]
    return Report(
        name="replay",
        what=(
            f"{rows:,} recorded rows of a whole chain (Deribit, 2023-04-13, a poll), {path.stat().st_size / 1e6:.0f} "
            f"MB gzipped, CPU time, median of {_ROUNDS} rounds in turns. Each stage includes those above; the engine "
            "tests every row for parities, verticals and boxes and decides whatever a trigger opens."
        ),
        tables=(
            Table(
                title="Rows per second",
                columns=("stage", "stage / baseline", "rows/s", "us per row"),
                rows=tuple(
                    (name, ratio(rate / baseline), f"{rate:,.0f}", f"{1e6 / rate:,.1f}") for name, rate in rates.items()
                ),
            ),
        ),
        verdicts=(
            (
                f"Goal 5,000,000 quotes/s from columnar files: MISSED ({engine:,.0f} rows/s from gzipped CSV; neither "
                "columnar files nor the compiled kernel exist yet)."
            ),
        ),
    )


def _dictreader(path: Path) -> int:
    rows, total = 0, 0.0
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows += 1
            for name in _NUMBERS:
                if row[name]:
                    total += float(row[name])
    return rows


def _count(events: Iterable[object]) -> int:
    return sum(len(event) for event in events if isinstance(event, OptionQuotes))


def _engine(path: Path, window_s: float, move_bps: float, journal: Path | None = None) -> int:
    flags = {"trigger.armed": ["price-move"], "trigger.window_s": window_s, "trigger.min_move_bps": move_bps}
    return replay(ReplayOptions(given=(Given(path),), chosen=choose(flags=flags), journal=journal)).rows


def _recorded(path: Path) -> int:
    with tempfile.TemporaryDirectory() as folder:
        return _engine(path, 330.0, 30.0, Path(folder) / "journal")


def main() -> None:
    """Print it."""
    show(measure)


if __name__ == "__main__":
    main()
