"""A piece of a source in its place in the total order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aftershock.model.events import Event, OptionQuotes
from aftershock.model.order import Place, place
from aftershock.venues.connection.packed import MAX_BATCH

__all__ = ["MAX_BATCH", "Piece", "option_piece", "piece_of"]


class Piece(NamedTuple):
    """An event, or a batch of option rows of one stream, with what orders it.

    Attributes:
        place: Where it stands in the total order.
        event: What happened.
        row: Number of its row in the file, the largest one so far; 0 if it has none.
        rows: The same for each row of a batch.
    """

    place: Place
    event: Event
    row: int
    rows: NDArray[np.int64] | None = None

    @property
    def ts_init(self) -> int:
        """Return the receive time, of the first row if it is a batch."""
        return self.place.ts_init


def piece_of(event: Event, row: int) -> Piece:
    """Place an event that is one row."""
    return Piece(place(event), event, row)


def option_piece(batch: OptionQuotes, rows: NDArray[np.int64]) -> Piece:
    """Place a batch; `rows` are the row numbers, not decreasing."""
    return Piece(place(batch), batch, int(rows[-1]), rows)
