"""`aftershock bench`."""

from __future__ import annotations

import click

from aftershock.app.bench import Measurement, environment, run_benchmarks
from aftershock.app.plain import plain
from aftershock.cli.console import note, show, show_json
from aftershock.cli.shared import as_json
from aftershock.cli.table import duration, table

__all__ = ["bench"]

_EPILOG = """\b
Examples:
  aftershock bench
  aftershock bench --steps 2000 --json > bench.json"""


@click.command(epilog=_EPILOG)
@click.option("--steps", type=click.IntRange(10, 100_000), default=200, show_default=True,
              help="Moves of the forward in the decision benchmark.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True, help="Of the made-up data.")
@as_json
def bench(*, steps: int, seed: int, json_output: bool) -> int:
    """Measure pricing, decision latency and replay, each against a named baseline in the same run.

    Ratios compare; bare times are those of this machine in this minute. Everything is made up, nothing is read.
    """
    found = run_benchmarks(steps, seed, lambda name: note(f"measuring {name}"))
    surroundings = environment()
    if json_output:
        show_json({"schema_version": 1, "environment": surroundings, "measurements": [plain(item) for item in found]})
        return 0
    head = ", ".join(f"{name} {value}" for name, value in surroundings.items())
    rows = [line for item in found for line in _rows(item)]
    show(f"{head}\n\n" + table(["what", "median", "p99", "max", "n", "ratio"], rows))
    return 0


def _rows(item: Measurement) -> list[list[str]]:
    """Return the line of a path, and below it that of its baseline."""

    def figure(value: float | None) -> str:
        if value is None:
            return ""
        return duration(round(value)) if item.unit == "ns" else f"{value:,.0f}/s"

    ratio = f"{item.ratio:.2f}x"
    return [
        [item.name, figure(item.value), figure(item.p99), figure(item.maximum), f"{item.count:,}", ratio],
        [f"  against: {item.baseline}", figure(item.baseline_value), "", "", "", ""],
    ]
