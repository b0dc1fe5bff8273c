"""A part of a report: a heading, a table, remarks; the terminal and the page each draw it in their own way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from aftershock.study.figure import Figure
from aftershock.study.words import shown, span

__all__ = ["Cell", "Mark", "Part", "Row", "figure_cells", "value_cell"]

Mark = Literal["", "weak", "met", "missed", "open"]
"""What a reader should see at once; `weak`: the sample is too small to judge by."""


class Cell(NamedTuple):
    """Text with a mark."""

    text: str
    mark: Mark = ""


Row = tuple[str | Cell, ...]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part.

    Attributes:
        name: What a plot of the page goes with.
        title: One line, without a full stop.
        heads: Column titles; none if there is no table.
        rows: As many cells each.
        words: Columns that hold words rather than numbers; negative ones count from the end.
        remarks: Sentences below the table.
    """

    name: str
    title: str
    heads: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    words: tuple[int, ...] = (0,)
    remarks: tuple[str, ...] = ()


def value_cell(name: str, found: Figure) -> Cell:
    """Return a metric's value, marked if it is not established."""
    return Cell(shown(name, found.value), "" if found.status == "ok" else "weak")


def figure_cells(name: str, found: Figure) -> Sequence[Cell]:
    """Return a metric's value and its interval."""
    return value_cell(name, found), Cell(span(name, found))
