"""Option rows of several streams as columns, put into the total order and cut into batches of one stream each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import msgspec
import numpy as np
from numpy.typing import NDArray

from aftershock.model.events import OPTION_COLUMNS, OptionQuotes, StreamId
from aftershock.model.order import MAX_SAME_STAMP
from aftershock.venues.tardis.piece import MAX_BATCH, Piece, option_piece

__all__ = ["OptionRows", "OptionSorter"]


class OptionRows(msgspec.Struct, frozen=True):
    """n rows in file order or in total order.

    Attributes:
        symbols: n names.
        underlying_index: n names.
        stream: int64[n], position in the file's list of streams.
        ts_event: int64[n], ns UTC.
        ts_init: int64[n], ns UTC, not decreasing.
        values: float64[columns, n], in the order of `OPTION_COLUMNS`.
        row_numbers: int64[n], from 1.
    """

    symbols: list[str]
    underlying_index: list[str]
    stream: NDArray[np.int64]
    ts_event: NDArray[np.int64]
    ts_init: NDArray[np.int64]
    values: NDArray[np.float64]
    row_numbers: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.symbols)

    def part(self, start: int, stop: int) -> OptionRows:
        """Return rows start to stop."""
        at = slice(start, stop)
        return OptionRows(
            self.symbols[at],
            self.underlying_index[at],
            self.stream[at],
            self.ts_event[at],
            self.ts_init[at],
            self.values[:, at],
            self.row_numbers[at],
        )

    def take(self, order: NDArray[np.int64]) -> OptionRows:
        """Return the rows at the given positions, in that order."""
        positions = order.tolist()
        return OptionRows(
            [self.symbols[i] for i in positions],
            [self.underlying_index[i] for i in positions],
            self.stream[order],
            self.ts_event[order],
            self.ts_init[order],
            self.values[:, order],
            self.row_numbers[order],
        )

    @staticmethod
    def join(parts: Sequence[OptionRows]) -> OptionRows:
        """Return the rows of all parts, of which there is at least one."""
        if len(parts) == 1:
            return parts[0]
        return OptionRows(
            list(chain.from_iterable(p.symbols for p in parts)),
            list(chain.from_iterable(p.underlying_index for p in parts)),
            np.concatenate([p.stream for p in parts]),
            np.concatenate([p.ts_event for p in parts]),
            np.concatenate([p.ts_init for p in parts]),
            np.concatenate([p.values for p in parts], axis=1),
            np.concatenate([p.row_numbers for p in parts]),
        )


class OptionSorter:
    """Put the blocks of one file into the total order.

    The last rows of a block may share their time with the next one's first, so they wait for it.
    """

    def __init__(self, streams: list[StreamId]) -> None:
        """Take the file's list of streams, which may grow."""
        self._streams = streams
        self._waiting: list[OptionRows] = []
        self._waiting_steps: list[Piece] = []

    def push(self, rows: OptionRows, rank: NDArray[np.int64], steps: list[Piece]) -> Iterator[Piece]:
        """Take a block and yield what is settled by it.

        Args:
            rows: In file order.
            rank: int64[streams], place of each stream in the order of streams.
            steps: Steps back of the clock within the block.
        """
        if not len(rows):
            return
        last = int(rows.ts_init[-1])
        cut = int(np.searchsorted(rows.ts_init, last, side="left"))
        same = bool(self._waiting) and int(self._waiting[0].ts_init[0]) == last
        waiting = sum(map(len, self._waiting))
        steps = [*self._waiting_steps, *steps]
        if same and waiting + len(rows) <= MAX_SAME_STAMP:
            self._waiting.append(rows)
            self._waiting_steps = steps
            return
        settled = [*self._waiting, rows.part(0, cut)] if cut else self._waiting
        self._waiting = [rows.part(cut, len(rows))]
        self._waiting_steps = [s for s in steps if s.ts_init == last]
        if settled:
            yield from self._pieces(OptionRows.join(settled), rank, [s for s in steps if s.ts_init != last])

    def finish(self, rank: NDArray[np.int64]) -> Iterator[Piece]:
        """Yield what waits for a block that does not come."""
        if self._waiting:
            rows, steps = OptionRows.join(self._waiting), self._waiting_steps
            self._waiting, self._waiting_steps = [], []
            yield from self._pieces(rows, rank, steps)

    def _pieces(self, rows: OptionRows, rank: NDArray[np.int64], steps: list[Piece]) -> Iterator[Piece]:
        place = rank[rows.stream]
        if bool(((np.diff(place) < 0) & (np.diff(rows.ts_init) == 0)).any()):
            rows = rows.take(np.lexsort((place, rows.ts_init)))
        row_numbers = np.maximum.accumulate(rows.row_numbers)
        starts = (np.flatnonzero(np.diff(rows.stream)) + 1).tolist()
        step_at: dict[int, list[Piece]] = {}
        for step in steps:
            step_at.setdefault(int(np.searchsorted(rows.ts_init, step.ts_init, side="left")), []).append(step)
        ends = sorted({*starts, *step_at, *range(0, len(rows), MAX_BATCH), len(rows)} - {0})
        start = 0
        for end in ends:
            yield from step_at.get(start, ())
            yield option_piece(self._batch(rows, start, end), row_numbers[start:end])
            start = end

    def _batch(self, rows: OptionRows, start: int, end: int) -> OptionQuotes:
        values = rows.values
        return OptionQuotes(
            ts_event=int(rows.ts_event[end - 1]),
            ts_init=int(rows.ts_init[end - 1]),
            stream=self._streams[rows.stream[start]],
            symbols=rows.symbols[start:end],
            row_ts_event=rows.ts_event[start:end],
            row_ts_init=rows.ts_init[start:end],
            columns={name: values[i, start:end] for i, name in enumerate(OPTION_COLUMNS)},
            underlying_index=rows.underlying_index[start:end],
        )
