"""Aligned columns and short numbers for a person's eyes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

__all__ = ["duration", "money", "number", "table"]

_INDENT = "  "


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1) -> str:
    """Lay out rows under heads.

    Args:
        heads: Column titles.
        rows: Cells as text; an absent value is the empty text.
        left: So many first columns are aligned to the left, the others to the right.
    """
    lines = [list(heads), *(list(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    return "\n".join(_line(line, widths, left) for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int], left: int) -> str:
    padded = [
        cell.ljust(width) if i < left else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return (_INDENT + "  ".join(padded)).rstrip()


def number(value: float | None, decimals: int = 2, *, sign: bool = False) -> str:
    """Format a number with thousands separators; an absent one is a dash."""
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:{'+' if sign else ''},.{decimals}f}"


def money(value: float | None) -> str:
    """Format dollars, rounded to a length that can be read at a glance."""
    if value is None or not math.isfinite(value):
        return "-"
    for size, suffix in ((1e9, " bn"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= size:
            return f"{value / size:,.2f}{suffix}"
    return f"{value:,.0f}"


def duration(value_ns: int | None) -> str:
    """Format nanoseconds in the unit that leaves one to three digits before the point."""
    if value_ns is None:
        return "-"
    for size, unit in ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")):
        if value_ns >= size:
            return f"{value_ns / size:.3g} {unit}"
    return f"{value_ns} ns"
