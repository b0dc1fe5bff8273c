"""The journal of a live run: instruments, every input in full, every effect, its end; and its inputs read back.

Option rows are recorded one by one, so that where batches were cut leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import numpy as np

from aftershock.app.numerics import code_version, numerics, table_digest
from aftershock.app.outcome import Effect
from aftershock.app.records import END, End, decode_end, encode_effect, encode_end, encode_stats
from aftershock.core.config import EngineConfig
from aftershock.core.stats import EngineStats
from aftershock.errors import JournalError
from aftershock.journal import Codec, Head, JournalReader, JournalWriter
from aftershock.model import events as ev
from aftershock.model.instruments import FeeSchedule, Instrument
from aftershock.model.orders import Fill
from aftershock.model.table import InstrumentTable
from aftershock.venues.tardis import FileReport

__all__ = ["EVENT", "OPTION_ROW", "TERMS", "LiveInputs", "LiveRecording", "Terms", "encode_event", "review_replies"]

EVENT, OPTION_ROW, TERMS = 2, 3, 4
"""Kinds of input records: an event, one row of option quotes, and what the table of instruments was given."""

_Recorded = (
    ev.Trade
    | ev.Liquidation
    | ev.Quote
    | ev.BookSnapshot
    | ev.DerivativeTicker
    | ev.Settlement
    | ev.Gap
    | ev.Stale
    | ev.Restored
    | ev.ClockStep
    | ev.Timer
    | ev.Halt
    | ev.Resume
    | ev.ReviewReply
    | ev.OrderUpdate
    | Fill
)


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Instruments and fees that go before the bundled ones."""

    instruments: tuple[Instrument, ...] = ()
    fees: tuple[FeeSchedule, ...] = ()

    def table(self) -> InstrumentTable:
        """Return a table in which nothing has been looked up yet."""
        return InstrumentTable(self.instruments, self.fees)


class _Row(msgspec.Struct, frozen=True, array_like=True):
    """One row of option quotes; `values` are little-endian doubles in the order of `OPTION_COLUMNS`."""

    stream: ev.StreamId
    symbol: str
    ts_event: int
    ts_init: int
    underlying_index: str
    values: bytes


_EVENTS: Codec[ev.Event] = Codec(_Recorded)  # type: ignore[arg-type]  # a union is a type to msgspec, not to mypy
_ROWS = Codec(_Row)
_TERMS = Codec(Terms)


def encode_event(event: ev.Event) -> Iterator[tuple[int, bytes]]:
    """Yield kind and payload of the records of an event: one, or one for each row of a batch."""
    if not isinstance(event, ev.OptionQuotes):
        yield EVENT, _EVENTS.encode(event)
        return
    values = np.column_stack([event.columns[name] for name in ev.OPTION_COLUMNS]).astype("<f8", copy=False)
    for i, symbol in enumerate(event.symbols):
        row = _Row(
            stream=event.stream, symbol=symbol, ts_event=int(event.row_ts_event[i]),
            ts_init=int(event.row_ts_init[i]), underlying_index=event.underlying_index[i], values=values[i].tobytes(),
        )  # fmt: skip
        yield OPTION_ROW, _ROWS.encode(row)


def _decode_event(kind: int, payload: bytes) -> ev.Event:
    if kind == EVENT:
        return _EVENTS.decode(payload)
    row = _ROWS.decode(payload)
    values = np.frombuffer(row.values, "<f8")
    if len(values) != len(ev.OPTION_COLUMNS):
        raise JournalError(f"a record of option quotes has {len(values)} columns: read it with the version that wrote")
    return ev.OptionQuotes(
        ts_event=row.ts_event,
        ts_init=row.ts_init,
        stream=row.stream,
        symbols=[row.symbol],
        row_ts_event=np.array([row.ts_event], dtype=np.int64),
        row_ts_init=np.array([row.ts_init], dtype=np.int64),
        columns={name: values[i : i + 1] for i, name in enumerate(ev.OPTION_COLUMNS)},
        underlying_index=[row.underlying_index],
    )


def review_replies(reader: JournalReader) -> Iterator[ev.ReviewReply]:
    """Yield the answers of models among the inputs of a journal; one of files holds none."""
    for _, kind, payload in reader.inputs():
        if kind == EVENT:
            event = _EVENTS.decode(payload)
            if isinstance(event, ev.ReviewReply):
                yield event


class LiveRecording:
    """Writes the journal of one live run; as a context manager it is left without a seal by an exception."""

    def __init__(self, folder: Path, config: EngineConfig, terms: Terms) -> None:
        """Start the journal.

        Raises:
            InputError: The folder holds something or can't be written.
        """
        head = Head(
            code_version=code_version(),
            config=msgspec.to_builtins(config),
            instruments_digest=table_digest(terms.table()),
            numerics=numerics(),
        )
        self.folder = folder
        self._writer = JournalWriter.create(folder, head)
        self._writer.append_input(TERMS, _TERMS.encode(terms))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._writer.__exit__(kind, error, traceback)

    def add_input(self, event: ev.Event) -> None:
        """Record an event before the engine sees it."""
        for kind, payload in encode_event(event):
            self._writer.append_input(kind, payload)

    def add_effect(self, effect: Effect) -> None:
        """Record what the engine said."""
        self._writer.append_output(*encode_effect(effect))

    def flush(self) -> None:
        """Hand everything to the system: it survives the death of this process."""
        self._writer.flush()

    def sync(self) -> None:
        """Return once everything is on the disk: only then may an order leave."""
        self._writer.sync()

    def finish(self, stats: EngineStats, end: End) -> None:
        """Record the end and the counts."""
        self._writer.append_input(END, encode_end(end))
        self._writer.append_output(*encode_stats(stats))


class LiveInputs:
    """The inputs of a live run's journal, to run the engine on again.

    Attributes:
        table: Instruments of that run.
        between_moments: Always; any two events of a live run may be told apart.
    """

    def __init__(self, reader: JournalReader) -> None:
        """Read what the table was given.

        Raises:
            JournalError: The journal does not begin with it, or the tables of this version differ.
        """
        self._reader = reader
        self._report = FileReport(path=str(reader.folder), kind="journal", format="journal", clocks="two")
        first = next(iter(reader.inputs()), None)
        if first is None or first[1] != TERMS:
            raise JournalError(f"journal {reader.folder} names no input file and does not begin as one of a live run")
        self.table = _TERMS.decode(first[2]).table()
        self.table_digest = table_digest(self.table)
        self.between_moments = True

    @property
    def rows_read(self) -> int:
        """Return the number of records handed out so far."""
        return self._report.rows

    @property
    def reports(self) -> tuple[FileReport, ...]:
        """Return what was read, as if the journal were a file."""
        return (self._report,)

    def events(self) -> LiveInputs:
        """Return the events, in the order of arrival."""
        return self

    def __iter__(self) -> Iterator[ev.Event]:
        """Iterate over the events up to the recorded end."""
        for _, kind, payload in self._reader.inputs():
            if kind == END:
                decode_end(payload)
            elif kind in (EVENT, OPTION_ROW):
                event = _decode_event(kind, payload)
                self._report.rows += 1
                self._report.saw(event.ts_init, event.ts_init, two_clocks=True)
                yield event
