"""A piece of a source in its place in the total order, and the order of rows that carry the same receive time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aftershock.model.events import Event, OptionQuotes, Priority, StreamId

__all__ = ["MAX_BATCH", "MAX_SAME_STAMP", "Piece", "in_order", "option_piece"]

MAX_BATCH = 4096
"""Most rows of one `OptionQuotes`."""

MAX_SAME_STAMP = 65_536
"""Most rows with one receive time that are put in order; what exceeds them is put in order by itself."""


class Piece(NamedTuple):
    """An event, or a batch of option rows of one stream, with what orders it.

    Attributes:
        ts_init: Receive time, of the first row if it is a batch.
        priority: Order among equal times.
        stream: Order among equal priorities.
        event: What happened.
        row: Number of its row in the file, the largest one so far; 0 if it has none.
        rows: The same for each row of a batch.
    """

    ts_init: int
    priority: Priority
    stream: StreamId
    event: Event
    row: int
    rows: NDArray[np.int64] | None = None


def option_piece(batch: OptionQuotes, rows: NDArray[np.int64]) -> Piece:
    """Place a batch; `rows` are the row numbers, not decreasing."""
    return Piece(int(batch.row_ts_init[0]), Priority.BOOK, batch.stream, batch, int(rows[-1]), rows)


_RANK = attrgetter("priority", "stream")


def in_order(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Sort pieces of one row each, whose times don't decrease, by priority and stream within equal times."""
    held: list[Piece] = []
    for piece in pieces:
        if held and (piece.ts_init != held[0].ts_init or len(held) >= MAX_SAME_STAMP):
            yield from _sorted(held)
            held = []
        held.append(piece)
    yield from _sorted(held)


def _sorted(held: list[Piece]) -> list[Piece]:
    if len(held) > 1:
        held.sort(key=_RANK)
    return held
