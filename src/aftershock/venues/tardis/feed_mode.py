"""Whether an options file was recorded from a stream or by polling: who confirms a quote depends on it.

A stream confirms all its instruments with each message; a poll confirms only the row it fetches. A poll goes round the
chain, so between two visits of an instrument it visits nearly all others: nine gaps in ten of recorded polls are longer
than 0.98 of the chain. A stream prints what changes: some instruments come again after few rows, even if all are
equally busy (one gap in ten is then shorter than an eighth of the chain) or the venue sends a group of options at once
(shorter than half).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from aftershock.model.events import Event, OptionQuotes
from aftershock.model.table import InstrumentTable
from aftershock.venues.tardis.source import FileSource, open_source

__all__ = ["PEEK_ROWS", "FeedMode", "infer", "infer_from"]

PEEK_ROWS = 20_000
"""Rows of a file that it is inferred from."""
_TENTH_SHARE = 0.75


class FeedMode(msgspec.Struct, frozen=True):
    """How an options file was recorded.

    Attributes:
        mode: `stream` or `poll`.
        why: One sentence with the figures.
    """

    mode: str
    why: str


def infer(source: FileSource | Path) -> FeedMode:
    """Infer it from the first 20,000 rows, without touching the source's own state.

    Args:
        source: An options file, or messages that hold option summaries.

    Raises:
        InputError: The file can't be read.
    """
    path = source if isinstance(source, Path) else source.path
    expect = "options" if isinstance(source, Path) else None
    return infer_from(open_source(path, index=0, expect=expect, table=InstrumentTable(), row_limit=PEEK_ROWS))


def infer_from(peek: Iterable[Event]) -> FeedMode:
    """Infer it from the events of the first rows of a file."""
    last_row: dict[str, int] = {}
    gaps: list[int] = []
    row = 0
    for event in peek:
        if not isinstance(event, OptionQuotes):
            continue
        for symbol in event.symbols:
            row += 1
            if symbol in last_row:
                gaps.append(row - last_row[symbol])
            last_row[symbol] = row
    return _judge(np.array(gaps, dtype=np.float64), len(last_row))


def _judge(gaps: NDArray[np.float64], instruments: int) -> FeedMode:
    if not len(gaps):
        return FeedMode("poll", f"each of {instruments} instruments is there at most once, as in one pass of a poll")
    tenth, median = (float(q) / instruments for q in np.quantile(gaps, [0.1, 0.5]))
    return FeedMode(
        "poll" if tenth >= _TENTH_SHARE else "stream",
        f"between two visits of an instrument lie {median:.2f} rows per instrument in the median and {tenth:.2f} in "
        f"the lowest tenth ({len(gaps)} revisits of {instruments} instruments); in a poll that tenth is at least "
        f"{_TENTH_SHARE}",
    )
