"""Events as Tardis CSV files, streamed: reading the files gives the same events, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec

from aftershock.model.events import DerivativeTicker, Event, Liquidation, OptionQuotes, Quote, Trade
from aftershock.model.instruments import Instrument, Kind
from aftershock.model.order import Place, option_place, place
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NS_PER_DAY, iso_utc
from aftershock.sim.market.cells import clock, name
from aftershock.sim.market.rows import option_rows, option_terms, print_row, quote_row, ticker_row
from aftershock.sim.tardis import HEADERS, PackedFile, data_set_name

__all__ = ["TardisFiles", "Written", "WrittenFile", "carried", "write_tardis_files"]

_VENUE_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_GROUPS = {Kind.SPOT: "SPOT", Kind.PERPETUAL: "PERPETUALS", Kind.FUTURE: "FUTURES", Kind.OPTION: "OPTIONS"}
_CARRIED = (Quote, DerivativeTicker, Trade, Liquidation, OptionQuotes)


class WrittenFile(msgspec.Struct, frozen=True, kw_only=True):
    """One data set: a venue's rows of one kind, for a group of instruments and a day; times are `ts_init`, ns UTC."""

    path: Path
    venue: str
    kind: str
    group: str
    rows: int
    bytes: int
    first_ts: int
    last_ts: int


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the events.

    Attributes:
        files: Sorted by path.
        not_carried: Events that CSV has no place for, by their tag.
        volatilities_left_empty: Cells left empty because no percentage reads back as the fraction (`exact_percent`).
    """

    files: tuple[WrittenFile, ...]
    not_carried: dict[str, int]
    volatilities_left_empty: int

    @property
    def rows(self) -> int:
        """Return the number of rows in all files."""
        return sum(file.rows for file in self.files)


class _DataSet(NamedTuple):
    venue: str
    kind: str
    group: str


class _Open:
    """A file on its way."""

    def __init__(self, path: Path, data_set: _DataSet, day: int, ts_init: int) -> None:
        self.path, self.data_set, self.day = path, data_set, day
        self.file = PackedFile(path, HEADERS[data_set.kind])
        self.rows = 0
        self.first_ts = self.last_ts = ts_init

    def add(self, row: str, ts_init: int) -> None:
        self.file.add(row)
        self.rows += 1
        self.last_ts = ts_init

    def close(self) -> WrittenFile:
        self.file.close()
        return WrittenFile(
            path=self.path,
            **self.data_set._asdict(),
            rows=self.rows,
            bytes=self.path.stat().st_size,
            first_ts=self.first_ts,
            last_ts=self.last_ts,
        )


class TardisFiles:
    """Writer of a folder of data sets: one file per venue, kind, group of instruments and day of `ts_init`.

    Rows are packed as they come, so memory does not grow. As a context manager it closes its files; only `finish`
    says that they are whole.

    Attributes:
        rows: Number of rows so far.
    """

    def __init__(self, folder: Path, instruments: Iterable[Instrument] = ()) -> None:
        """Take an existing folder.

        Args:
            folder: Files of the same names are overwritten.
            instruments: Terms that go before the bundled ones.
        """
        self.rows = 0
        self._folder = folder
        self._table = InstrumentTable(tuple(instruments))
        self._open: dict[_DataSet, _Open] = {}
        self._closed: list[WrittenFile] = []
        self._not_carried: dict[str, int] = {}
        self._without_percentage = 0
        self._last: Place | None = None
        self._listed: dict[tuple[str, str], Instrument] = {}
        self._terms: dict[tuple[str, str], str] = {}
        self._writers: dict[type, Callable[[Any], None]] = {
            Quote: self._quote,
            DerivativeTicker: self._ticker,
            Trade: self._print,
            Liquidation: self._print,
            OptionQuotes: self._options,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with ExitStack() as stack:  # closes the others even if the disk is full
            for opened in self._open.values():
                stack.callback(opened.file.close)

    def add(self, event: Event) -> None:
        """Write one event, or count it if CSV has no place for it.

        Args:
            event: In the total order, of `model.order`.

        Raises:
            ValueError: It comes before the last one, its instrument is unknown, or reading would not give it back.
            OSError: The file can't be written.
        """
        writer = self._writers.get(type(event))
        if writer is None:
            tag = str(event.__struct_config__.tag)
            self._not_carried[tag] = self._not_carried.get(tag, 0) + 1
            return
        at = place(event)
        if self._last is not None and at < self._last:
            raise ValueError(f"{at} comes after {self._last}: put events into the total order")
        self._last = at
        try:
            writer(event)
        except ValueError as error:
            raise ValueError(
                f"{at.stream.kind} of {at.stream.symbol} of {at.stream.venue}, {iso_utc(event.ts_init)}: {error}"
            ) from error
        if isinstance(event, OptionQuotes):
            self._last = option_place(event.ts_init, event.stream)

    def finish(self) -> Written:
        """Close every file and say what is in it.

        Raises:
            OSError: A file can't be written to its end.
        """
        for data_set in list(self._open):
            self._close(data_set)
        return Written(
            files=tuple(sorted(self._closed, key=lambda file: file.path)),
            not_carried=dict(sorted(self._not_carried.items())),
            volatilities_left_empty=self._without_percentage,
        )

    def _quote(self, event: Quote) -> None:
        self._row("quotes", event.venue, event.symbol, event, quote_row(event))

    def _ticker(self, event: DerivativeTicker) -> None:
        self._row("derivative_ticker", event.venue, event.symbol, event, ticker_row(event))

    def _print(self, event: Trade | Liquidation) -> None:
        kind = "trades" if isinstance(event, Trade) else "liquidations"
        self._row(kind, event.venue, event.symbol, event, print_row(event, self._table))

    def _options(self, event: OptionQuotes) -> None:
        venue = event.stream.venue
        terms = [self._option_terms(venue, symbol) for symbol in event.symbols]
        rows, without_percentage = option_rows(event, terms)
        self._without_percentage += without_percentage
        data_set = _DataSet(venue, "options_chain", _GROUPS[Kind.OPTION])
        for row, ts_init in zip(rows, event.row_ts_init.tolist(), strict=True):
            self._write(data_set, row, ts_init)

    def _row(self, kind: str, venue: str, symbol: str, event: Event, rest: str) -> None:
        data_set = _DataSet(venue, kind, _GROUPS[self._instrument(venue, symbol).kind])
        stamps = f"{clock(event.ts_event, 'ts_event')},{clock(event.ts_init, 'ts_init')}"
        self._write(data_set, f"{venue},{symbol},{stamps},{rest}", event.ts_init)

    def _instrument(self, venue: str, symbol: str) -> Instrument:
        key = venue, symbol
        if key not in self._listed:
            name(symbol, "the symbol")
            if not venue or not _VENUE_LETTERS.issuperset(venue):
                raise ValueError(f"{venue!r} is no Tardis exchange id, which has lower-case letters, digits and dashes")
            found = self._table.resolve(venue, symbol)
            if found is None:
                raise ValueError("nobody gave its instrument, which says what group of data sets it belongs to")
            self._listed[key] = found
        return self._listed[key]

    def _option_terms(self, venue: str, symbol: str) -> str:
        key = venue, symbol
        if key not in self._terms:
            self._terms[key] = option_terms(self._instrument(venue, symbol))
        return self._terms[key]

    def _write(self, data_set: _DataSet, row: str, ts_init: int) -> None:
        self._file(data_set, ts_init).add(row, ts_init)
        self.rows += 1

    def _file(self, data_set: _DataSet, ts_init: int) -> _Open:
        day = ts_init // NS_PER_DAY
        known = self._open.get(data_set)
        if known is not None and known.day == day:
            return known
        if known is not None:
            self._close(data_set)
        file_name = data_set_name(data_set.venue, data_set.kind, iso_utc(ts_init)[:10], data_set.group)
        self._open[data_set] = _Open(self._folder / file_name, data_set, day, ts_init)
        return self._open[data_set]

    def _close(self, data_set: _DataSet) -> None:
        self._closed.append(self._open.pop(data_set).close())


def write_tardis_files(folder: Path, events: Iterable[Event], instruments: Iterable[Instrument] = ()) -> Written:
    """Write all events; arguments and errors as for `TardisFiles`."""
    with TardisFiles(folder, instruments) as files:
        for event in events:
            files.add(event)
        return files.finish()


def carried(event: Event) -> bool:
    """Tell whether CSV has a place for an event."""
    return isinstance(event, _CARRIED)
