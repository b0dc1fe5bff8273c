"""Rows of option chains: one by one out of a decoder, joined to batches for whoever uses them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from aftershock.model.events import OPTION_COLUMNS, Event, OptionQuotes, StreamId

__all__ = ["MAX_BATCH", "OptionRow", "Packed", "option_quotes"]

MAX_BATCH = 4096
"""Most rows of a batch."""


class OptionRow(Event, frozen=True, kw_only=True, tag="option_row"):
    """One row of an `OptionQuotes` to be: values in the order of `OPTION_COLUMNS`."""

    stream: StreamId
    symbol: str
    values: tuple[float, ...]
    underlying_index: str


def option_quotes(rows: Sequence[OptionRow]) -> OptionQuotes:
    """Join rows of one stream, whose `ts_init` doesn't decrease, to a batch."""
    values = np.array([row.values for row in rows]).T.copy()
    return OptionQuotes(
        ts_event=rows[-1].ts_event,
        ts_init=rows[-1].ts_init,
        stream=rows[0].stream,
        symbols=[row.symbol for row in rows],
        row_ts_event=np.array([row.ts_event for row in rows], dtype=np.int64),
        row_ts_init=np.array([row.ts_init for row in rows], dtype=np.int64),
        columns=dict(zip(OPTION_COLUMNS, values, strict=True)),
        underlying_index=[row.underlying_index for row in rows],
    )


class Packed:
    """Joins option rows of one stream that follow each other."""

    def __init__(self) -> None:
        self._held: list[OptionRow] = []

    def add(self, event: Event) -> Iterator[Event]:
        """Take an event; yield what can't be joined with what follows."""
        if not isinstance(event, OptionRow):
            yield from self.flush()
            yield event
            return
        if self._held:
            last = self._held[-1]
            if event.stream != last.stream or event.ts_init < last.ts_init or len(self._held) >= MAX_BATCH:
                yield from self.flush()
        self._held.append(event)

    def flush(self) -> Iterator[Event]:
        """Yield what is held."""
        if self._held:
            yield option_quotes(self._held)
            self._held = []
