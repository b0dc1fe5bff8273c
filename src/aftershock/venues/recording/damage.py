"""Rows that a damaged file lost, as gaps: what they said is not known, and whoever decides must know that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from aftershock.model.events import Gap, StreamId
from aftershock.venues.recording.block import Block
from aftershock.venues.tardis.piece import Piece, piece_of

__all__ = ["Damage"]


class Damage:
    """Turns bytes that could not be read into gaps of their venues, from the last row before them to the next one."""

    def __init__(
        self,
        venues: Sequence[str],
        lost_at_the_end: Callable[[], int],
        *,
        starts_ns: int = 0,
        next_ns: Callable[[], int] = int,
    ) -> None:
        """Take whose rows the file holds, and what lies around them.

        Args:
            venues: Of whatever may be lost; nothing is told without any.
            lost_at_the_end: Damaged bytes behind the last rows, once all were read.
            starts_ns: The first row was not received before, ns UTC; 0 if that is not known.
            next_ns: No row was received after, ns UTC, as what follows the file says; 0 if nothing does.
        """
        self._venues, self._lost_at_the_end = venues, lost_at_the_end
        self._last_ts, self._next_ns = starts_ns, next_ns
        self._lost = self._row = 0

    def count(self, block: Block) -> None:
        """Take a block; what was lost before it is told with its first good row."""
        self._lost += block.lost
        self._row = int(block.row_numbers[-1])

    def before(self, first_ts: int, last_ts: int) -> Iterator[Piece]:
        """Yield the gaps between the good rows so far and those received from `first_ts` to `last_ts`."""
        if self._lost:
            yield from self._gaps(first_ts)
        self._last_ts = last_ts

    def at_the_end(self) -> Iterator[Piece]:
        """Yield the gaps behind the last rows, a nanosecond after them at least: in their moment they'd come first."""
        self._lost += self._lost_at_the_end()
        if self._lost and self._last_ts:
            yield from self._gaps(max(self._last_ts + 1, self._next_ns()))

    def _gaps(self, ts_init: int) -> Iterator[Piece]:
        lost, self._lost = self._lost, 0
        for venue in self._venues:
            event = Gap(
                ts_event=ts_init,
                ts_init=ts_init,
                stream=StreamId(venue, "", ""),
                from_ts=min(self._last_ts or ts_init, ts_init),
                to_ts=ts_init,
                detail=f"{lost:,} bytes of the recording are damaged",
            )
            yield piece_of(event, self._row)
