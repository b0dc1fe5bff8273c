"""Several sources as one stream of events, ordered by (`ts_init`, priority, stream, sequence)."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Protocol, TypeAlias

import numpy as np

from aftershock.model.events import OPTION_COLUMNS, Event, OptionQuotes, Priority, StreamId
from aftershock.model.order import Place
from aftershock.venues.tardis.piece import MAX_BATCH, Piece, option_piece

__all__ = ["Merged", "Source", "merge"]


class Source(Protocol):
    """What can be merged.

    A source that has an attribute `starts_ns`, a moment before which it has no row, is opened only then: of many files
    that follow each other only a few are in memory.

    Attributes:
        index: Its place among equals; no two sources share one.
        rows_read: Set here: number of the last row that was handed out.
    """

    index: int
    rows_read: int

    def pieces(self) -> Iterator[Piece]:
        """Iterate over its pieces in the total order."""
        ...


_Entry: TypeAlias = tuple[Place, int, Piece | None]
_BEFORE_ALL = StreamId("", "", "")


class Merged(Iterator[Event]):
    """Events of all sources in the total order, option rows in the longest batches of one stream that it allows.

    Attributes:
        between_moments: True if every event with the `ts_init` of the last one was handed out. Stop only here, and
            each source's `rows_read` is a row limit with which the same events come again.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        """Take the sources; nothing is read yet."""
        self._by_index = {source.index: source for source in sources}
        if len(self._by_index) != len(sources):
            raise ValueError("two sources have the same index: number them")
        self.between_moments = True
        self._events = self._joined()

    def __next__(self) -> Event:
        """Return the next event."""
        return next(self._events)

    def _joined(self) -> Iterator[Event]:
        held: list[tuple[int, Piece]] = []
        rows = 0
        for index, piece in self._cut():
            if held:
                if _joins(held[-1][1], piece, rows):
                    held.append((index, piece))
                    rows += len(piece.rows) if piece.rows is not None else 1
                    continue
                self.between_moments = piece.ts_init > held[-1][1].event.ts_init
                yield self._hand_out(held)
            held = [(index, piece)]
            rows = 1 if piece.rows is None else len(piece.rows)
        if held:
            self.between_moments = True
            yield self._hand_out(held)

    def _hand_out(self, held: list[tuple[int, Piece]]) -> Event:
        for index, piece in held:
            source = self._by_index[index]
            source.rows_read = max(source.rows_read, piece.row)
        if len(held) == 1:
            return held[0][1].event
        return _concatenated([piece.event for _, piece in held if isinstance(piece.event, OptionQuotes)])

    def _cut(self) -> Iterator[tuple[int, Piece]]:
        """Yield pieces in order, each batch cut where a row of another source comes between its rows."""
        streams = {index: source.pieces() for index, source in self._by_index.items()}
        heap: list[_Entry] = []
        for index, source in self._by_index.items():
            starts_ns = getattr(source, "starts_ns", None)
            if starts_ns is None:
                _push(heap, index, next(streams[index], None))
            else:
                heapq.heappush(heap, (Place(starts_ns, Priority.STATUS, _BEFORE_ALL), index, None))
        while heap:
            _, index, piece = heapq.heappop(heap)
            if piece is None:
                _push(heap, index, next(streams[index], None))
            elif heap and piece.rows is not None and piece.event.ts_init >= heap[0][0].ts_init:
                piece, rest = _split(piece, index, heap[0])
                yield index, piece
                _push(heap, index, rest or next(streams[index], None))
            else:
                yield index, piece
                _push(heap, index, next(streams[index], None))


def merge(sources: Sequence[Source]) -> Merged:
    """Merge sources into one stream of events.

    Args:
        sources: Each in order by itself.

    Returns:
        An iterator over the events; where rows of different streams lie in the files does not change it.
    """
    return Merged(sources)


def _push(heap: list[_Entry], index: int, piece: Piece | None) -> None:
    if piece is not None:
        heapq.heappush(heap, (piece.place, index, piece))


def _split(piece: Piece, index: int, other: _Entry) -> tuple[Piece, Piece | None]:
    """Cut a batch before the first row that comes after another source's next piece."""
    batch, rows = piece.event, piece.rows
    if not isinstance(batch, OptionQuotes) or rows is None:
        return piece, None
    theirs, their_index, _ = other
    first = (piece.place._replace(ts_init=theirs.ts_init), index) < (theirs, their_index)
    cut = int(np.searchsorted(batch.row_ts_init, theirs.ts_init, side="right" if first else "left"))
    if cut >= len(batch):
        return piece, None
    head, tail = batch.slice(0, cut), batch.slice(cut, len(batch))
    return (
        option_piece(head, rows[:cut]),
        option_piece(tail, rows[cut:]),
    )


def _joins(last: Piece, piece: Piece, rows: int) -> bool:
    """Tell whether a piece continues the batch of `rows` rows that `last` ends."""
    if piece.rows is None or last.rows is None or piece.place.stream != last.place.stream:
        return False
    return rows + len(piece.rows) <= MAX_BATCH


def _concatenated(batches: Sequence[OptionQuotes]) -> OptionQuotes:
    return OptionQuotes(
        ts_event=batches[-1].ts_event,
        ts_init=batches[-1].ts_init,
        stream=batches[0].stream,
        symbols=list(chain.from_iterable(b.symbols for b in batches)),
        row_ts_event=np.concatenate([b.row_ts_event for b in batches]),
        row_ts_init=np.concatenate([b.row_ts_init for b in batches]),
        columns={name: np.concatenate([b.columns[name] for b in batches]) for name in OPTION_COLUMNS},
        underlying_index=list(chain.from_iterable(b.underlying_index for b in batches)),
    )
