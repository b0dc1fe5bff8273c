"""What a benchmark gives: tables with the ratios first, verdicts on goals, and the machine; as text or as Markdown."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np

__all__ = [
    "Report",
    "Table",
    "environment",
    "load_average",
    "markdown_lines",
    "met",
    "quantiles",
    "ratio",
    "show",
    "text_lines",
]

_CPU_FILE = Path("/proc/cpuinfo")


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of text under a title; the first column is left-aligned, the others right."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one benchmark prints.

    Attributes:
        name: Of the module: `python -m benchmarks.NAME` prints it.
        what: What was measured against what, in a few sentences.
        tables: Figures, ratios first.
        verdicts: One sentence per goal: met or missed, with the figure.
    """

    name: str
    what: str
    tables: tuple[Table, ...]
    verdicts: tuple[str, ...] = ()

    def text(self) -> str:
        """Return it for a terminal."""
        parts = [f"{self.name}: {self.what}"]
        for table in self.tables:
            parts += ["", table.title, *_aligned(table)]
        parts += ["", *self.verdicts] if self.verdicts else []
        return "\n".join(parts) + "\n"

    def markdown(self) -> str:
        """Return it as a section of docs/benchmarks.md."""
        parts = [f"## {self.name}", self.what, f"`python -m benchmarks.{self.name}`"]
        for table in self.tables:
            lines = [_cells(table.columns), _cells(["---", *["---:"] * (len(table.columns) - 1)])]
            parts += [f"**{table.title}**", "\n".join([*lines, *(_cells(row) for row in table.rows)])]
        if self.verdicts:
            parts.append("\n".join(f"- {verdict}" for verdict in self.verdicts))
        return "\n\n".join(parts) + "\n"


def environment() -> Table:
    """Return where and when: a ratio from elsewhere is another ratio."""
    return Table(
        title="Environment",
        columns=("what", "value"),
        rows=(
            ("date", f"{datetime.now(tz=UTC):%Y-%m-%d %H:%M} UTC"),
            ("CPU", _cpu()),
            ("cores", str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())),
            ("load average", load_average()),
            ("Python", f"{platform.python_implementation()} {platform.python_version()}"),
            ("NumPy", np.__version__),
            ("system", f"{platform.system()} {platform.machine()}"),
        ),
    )


def load_average() -> str:
    """Return how busy the machine is, over 1, 5 and 15 minutes: above its cores, others were in the way."""
    return " ".join(f"{load:.2f}" for load in os.getloadavg())


def quantiles(nanoseconds: Sequence[int]) -> tuple[float, float, float]:
    """Return median, 99th percentile and maximum in microseconds."""
    p50, p99 = np.quantile(np.asarray(nanoseconds, dtype=np.float64), [0.5, 0.99]) / 1e3
    return float(p50), float(p99), max(nanoseconds) / 1e3


def ratio(value: float) -> str:
    """Write a ratio with three digits."""
    return f"{value:.3g} x" if value < 1000 else f"{value:,.0f} x"


def met(reached: bool) -> str:
    """Say whether a goal was reached, so that a miss catches the eye."""
    return "met" if reached else "MISSED"


def show(measure: Callable[[], Report | str], arguments: Sequence[str] | None = None) -> None:
    """Run a benchmark as a command and print it; a text in place of a report says why it was left out.

    Args:
        measure: Runs it.
        arguments: Of the command line: `--markdown`, `--bare` for no environment.
    """
    parser = argparse.ArgumentParser(description=sys.modules[measure.__module__].__doc__)
    parser.add_argument("--markdown", action="store_true", help="print a section for docs/benchmarks.md")
    parser.add_argument("--bare", action="store_true", help="leave the environment out")
    chosen = parser.parse_args(arguments)
    made = measure()
    where = environment()
    if isinstance(made, str):
        sys.stdout.write(f"{made}\n")
    elif chosen.markdown:
        sys.stdout.write(made.markdown() if chosen.bare else f"{made.markdown()}\n{markdown_lines(where)}")
    else:
        sys.stdout.write(made.text() if chosen.bare else f"{made.text()}\n{text_lines(where)}")


def text_lines(table: Table) -> str:
    """Return a table of two columns as lines for a terminal."""
    return "".join(f"{key}: {value}\n" for key, value in table.rows)


def markdown_lines(table: Table) -> str:
    """Return a table of two columns as a Markdown list."""
    return "".join(f"- {key}: {value}\n" for key, value in table.rows)


def _cpu() -> str:
    lines = _CPU_FILE.read_text(encoding="utf-8").splitlines() if _CPU_FILE.exists() else []
    found = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return found[0] if found else platform.processor() or "unknown"


def _aligned(table: Table) -> list[str]:
    columns = list(zip(table.columns, *table.rows, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]
    return [
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (table.columns, *table.rows)
    ]


def _cells(row: Sequence[str]) -> str:
    return f"| {' | '.join(row)} |"
