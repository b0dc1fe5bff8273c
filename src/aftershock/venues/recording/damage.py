"""Rows that a damaged file lost, as gaps: what they said is not known, and whoever decides must know that."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from aftershock.model.events import Gap, StreamId
from aftershock.venues.recording.block import Block
from aftershock.venues.tardis.piece import Piece, piece_of

__all__ = ["Damage"]


class Damage:
    """Turns bytes that could not be read into gaps of their venue."""

    def __init__(self, venue: str, lost_at_the_end: Callable[[], int]) -> None:
        """Take whose rows the file holds.

        Args:
            venue: Empty if that is not known: nothing is told then.
            lost_at_the_end: Damaged bytes behind the last rows, once all were read.
        """
        self._venue, self._lost_at_the_end = venue, lost_at_the_end
        self._last_ts = self._lost = self._row = 0

    def count(self, block: Block) -> None:
        """Take a block; what was lost before it is told with its first good row."""
        self._lost += block.lost
        self._row = int(block.row_numbers[-1])

    def before(self, first_ts: int, last_ts: int) -> Iterator[Piece]:
        """Yield the gap between the good rows so far and those received from `first_ts` to `last_ts`."""
        if self._lost:
            yield from self._gap(first_ts)
        self._last_ts = last_ts

    def at_the_end(self) -> Iterator[Piece]:
        """Yield the gap behind the last rows, a nanosecond after them: in their moment it would come before them."""
        self._lost += self._lost_at_the_end()
        if self._lost and self._last_ts:
            yield from self._gap(self._last_ts + 1)

    def _gap(self, ts_init: int) -> Iterator[Piece]:
        lost, self._lost = self._lost, 0
        if self._venue:
            from_ts = self._last_ts or ts_init
            detail = f"{lost:,} bytes of the recording are damaged"
            event = Gap(
                ts_event=ts_init,
                ts_init=ts_init,
                stream=StreamId(self._venue, "", ""),
                from_ts=from_ts,
                to_ts=ts_init,
                detail=detail,
            )
            yield piece_of(event, self._row)
