"""Peak memory of `aftershock replay` at 1, 4 and 16 times the input: it must not grow."""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from aftershock.model.units import NS_PER_S
from benchmarks.market import SPOT, START_NS, Market
from benchmarks.report import Report, Table, met, ratio, show

__all__ = ["main", "measure"]

_TIMES = (1, 4, 16)
_PASSES = 100
_PASS_S = 5
_SHOCK_EVERY_S = 200
_SHOCK = 0.0025
_FIRST_EXPIRY = 4  # the nearer ones would expire on the way
_GOAL = 1.1

_COLUMNS = {
    "open_interest": "open_interest",
    "last_price": "last_price",
    "bid_price": "bid",
    "bid_amount": "bid_amount",
    "bid_iv": "bid_iv",
    "ask_price": "ask",
    "ask_amount": "ask_amount",
    "ask_iv": "ask_iv",
    "mark_price": "mark_price",
    "mark_iv": "mark_iv",
    "underlying_price": "underlying_price",
    "delta": "delta",
    "gamma": "gamma",
    "vega": "vega",
    "theta": "theta",
    "rho": "rho",
}
_TERMS = (
    *("exchange", "symbol", "timestamp", "local_timestamp"),
    *("type", "strike_price", "expiration", "underlying_index"),
)
_IN_PERCENT = ("bid_iv", "ask_iv", "mark_iv")

# The high-water mark of this very process image: ru_maxrss would start from the parent's.
_CHILD = """
import json, re, resource, sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from aftershock.cli.main import main
with redirect_stdout(StringIO()) as output:
    code = main(sys.argv[1:])
status = Path("/proc/self/status")
peak = re.search(r"VmHWM:\\s*(\\d+)", status.read_text()) if status.exists() else None
result = json.loads(output.getvalue())
print(
    code,
    peak[1] if peak else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    result["rows"]["total"],
    result["triggers"]["count"],
    sum(result["decisions"].values()),
)
"""


class Peak(NamedTuple):
    """Peak resident memory of a run, and what the run counted."""

    mib: float
    rows: int
    triggers: int
    decisions: int


def measure() -> Report:
    """Write the inputs, replay each in a process of its own, and compare the peaks."""
    rows = []
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for name, shocks in (("calm: no trigger", False), ("a shock every 200 s: triggers and decisions", True)):
            peaks = []
            for times in _TIMES:
                path = Path(folder) / f"{times}.csv"
                _write(path, times, shocks=shocks)
                peaks.append(_replayed(path))
                path.unlink()
            first = peaks[0].mib
            worst = max(worst, *(each.mib / first for each in peaks))
            rows += [
                (name, f"{times} x", *(f"{count:,}" for count in each[1:]), ratio(each.mib / first), f"{each.mib:,.1f}")
                for times, each in zip(_TIMES, peaks, strict=True)
            ]
    return Report(
        name="memory",
        what="Peak resident memory of `aftershock replay FILE --json` in a process of its own, interpreter and NumPy "
        "included. The input is a generated options_chain CSV of the same instruments over a longer time. Baseline: "
        "the same program on one times the rows. A JSON result lists each trigger and each decision, so what grows "
        "with shocks is the result itself.",
        tables=(
            Table(
                title="Peak",
                columns=("input", "length", "rows", "triggers", "decisions", "peak / peak at 1 x", "MiB"),
                rows=tuple(rows),
            ),
        ),
        verdicts=(f"Goal flat (at most {_GOAL:g} x): {met(worst <= _GOAL)} (worst {worst:.2f} x).",),
    )


def _write(path: Path, times: int, *, shocks: bool) -> None:
    market = Market.listed()
    kept = np.flatnonzero(market.expiry_of >= _FIRST_EXPIRY).tolist()
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow((*_TERMS, *_COLUMNS))
        for number in range(times * _PASSES):
            seconds = number * _PASS_S
            up = shocks and seconds // _SHOCK_EVERY_S % 2
            quotes = market.quotes(START_NS, SPOT * (1.0 + (_SHOCK if up else 0.0)))
            columns = [
                (100.0 if name in _IN_PERCENT else 1.0) * quotes.columns[source] for name, source in _COLUMNS.items()
            ]
            stamp_us = (START_NS + seconds * NS_PER_S) // 1_000
            for at in kept:
                writer.writerow(
                    (
                        "deribit",
                        market.symbols[at],
                        stamp_us,
                        stamp_us + 5_000,
                        "call" if market.is_call[at] else "put",
                        market.strike[at],
                        market.expiry_ns[at] // 1_000,
                        "BTC",
                        *(f"{column[at]:.8g}" for column in columns),
                    )
                )


def _replayed(path: Path) -> Peak:
    done = subprocess.run(  # noqa: S603 - our own interpreter on our own code
        [sys.executable, "-c", _CHILD, "replay", str(path), "--json", "--options-feed", "stream"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0 or not done.stdout.startswith("0 "):
        raise RuntimeError(f"the replay of {path.name} failed: {done.stdout}{done.stderr}")
    _, peak_kib, *counts = (int(word) for word in done.stdout.split())
    return Peak(peak_kib / 1024.0, *counts)


def main() -> None:
    """Print it."""
    show(measure)


if __name__ == "__main__":
    main()
