"""The option chain of one underlying on one venue: columns, one row per instrument.

The only mutable state is here: arrays that grow by doubling, and per expiry the sorted strikes with the row of each
call and put. A quote update writes one row, O(1); a batch nobody looks into is written by array assignment.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from aftershock.model.units import NAN

if TYPE_CHECKING:
    from aftershock.model.events import OptionQuotes
    from aftershock.model.instruments import Instrument

__all__ = ["FLOAT_COLUMNS", "Chain", "Expiry"]

FLOAT_COLUMNS = (
    "bid",
    "bid_amount",
    "ask",
    "ask_amount",
    "mark_price",
    "mark_iv",
    "underlying_price",
)
_QUOTE_COLUMNS = FLOAT_COLUMNS[:4]
_FIRST_CAPACITY = 64
NO_ROW = -1


class Expiry:
    """One expiry of a chain: parallel lists of sorted strikes and the rows of their call and put.

    Attributes:
        expiry_ns: Nanoseconds UTC.
        strikes: Ascending.
        calls, puts: Row in the chain's columns, -1 where not listed.
        underlying_price: Last one seen on a row of this expiry; NaN before.
        underlying_ts: `ts_init` of that row.
        last_row: `ts_init` of the last row of any of its options.
        earlier, later: The expiries next to it in its chain.
        ladders: What a scanner made of strikes and rows, by its reach and by type; emptied when an option is listed.
        places: Likewise, by its reach and by row.
    """

    def __init__(self, expiry_ns: int) -> None:
        self.expiry_ns = expiry_ns
        self.strikes: list[float] = []
        self.calls: list[int] = []
        self.puts: list[int] = []
        self.underlying_price = NAN
        self.underlying_ts = 0
        self.last_row = 0
        self.earlier: Expiry | None = None
        self.later: Expiry | None = None
        self.ladders: dict[tuple[int, bool], Any] = {}
        self.places: dict[tuple[int, int], Any] = {}
        self._rows: NDArray[np.int64] | None = None

    def add(self, strike: float, *, is_call: bool, row: int) -> None:
        """List an option."""
        at = bisect_left(self.strikes, strike)
        if at == len(self.strikes) or self.strikes[at] != strike:
            self.strikes.insert(at, strike)
            self.calls.insert(at, NO_ROW)
            self.puts.insert(at, NO_ROW)
        (self.calls if is_call else self.puts)[at] = row
        self.ladders.clear()
        self.places.clear()
        self._rows = None

    @property
    def rows(self) -> NDArray[np.int64]:
        """Return the rows of all listed options: calls by strike, then puts by strike."""
        if self._rows is None:
            listed = [row for row in self.calls + self.puts if row != NO_ROW]
            self._rows = np.array(listed, dtype=np.int64)
        return self._rows


class Chain:
    """All options of one underlying on one venue.

    Attributes:
        venue, underlying: What it is a chain of; `key` both.
        confirms_stream: True if each row confirms every instrument (stream feed), False if only its own (poll).
        instruments: By row.
        bid, bid_amount, ask, ask_amount, mark_price, mark_iv, underlying_price: float64 columns, NaN where absent;
            prices as quoted, IV a fraction, `underlying_price` that of the instrument's last row.
        ts_changed, own_confirmed: int64 columns, ns.
        strike: float64; is_call: bool; fixed per row.
        expiries: Live expiries by `expiry_ns`, ascending.
        lag_ns: How long the newest row was on its way; `seen_log_price` the consolidated series when it came.
    """

    def __init__(self, venue: str, underlying: str, *, confirms_stream: bool) -> None:
        self.venue = venue
        self.underlying = underlying
        self.key = (venue, underlying)
        self.confirms_stream = confirms_stream
        self.instruments: list[Instrument] = []
        self.lag_ns = 0
        self.seen_log_price = NAN
        self.stream_confirmed = 0
        self.expiries: dict[int, Expiry] = {}
        self._row_of: dict[str, int] = {}
        self._size = 0
        self._allocate(_FIRST_CAPACITY)

    def _allocate(self, capacity: int) -> None:
        size = self._size
        for name in (*FLOAT_COLUMNS, "strike"):
            column = np.full(capacity, NAN)
            column[:size] = getattr(self, name)[:size] if size else ()
            setattr(self, name, column)
        for name in ("ts_changed", "own_confirmed"):
            stamps = np.zeros(capacity, dtype=np.int64)
            stamps[:size] = getattr(self, name)[:size] if size else ()
            setattr(self, name, stamps)
        calls = np.zeros(capacity, dtype=np.bool_)
        calls[:size] = self.is_call[:size] if size else ()
        self.is_call = calls
        # Scalar reads and writes go through memoryviews: a tenth of the cost of indexing an array.
        self.cells: tuple[Any, ...] = tuple(memoryview(getattr(self, name)) for name in FLOAT_COLUMNS)
        self._quote_cells, self._other_cells = self.cells[: len(_QUOTE_COLUMNS)], self.cells[len(_QUOTE_COLUMNS) :]
        self.changed_cells: Any = memoryview(cast("Any", self.ts_changed))
        self.confirmed_cells: Any = memoryview(cast("Any", self.own_confirmed))

    bid: NDArray[np.float64]
    bid_amount: NDArray[np.float64]
    ask: NDArray[np.float64]
    ask_amount: NDArray[np.float64]
    mark_price: NDArray[np.float64]
    mark_iv: NDArray[np.float64]
    underlying_price: NDArray[np.float64]
    strike: NDArray[np.float64]
    is_call: NDArray[np.bool_]
    ts_changed: NDArray[np.int64]
    own_confirmed: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of rows, expired ones included."""
        return self._size

    def row(self, symbol: str) -> int | None:
        """Return the row of an instrument, or None."""
        return self._row_of.get(symbol)

    def list_instrument(self, instrument: Instrument) -> int:
        """Give an option a row, and return it.

        Raises:
            ValueError: The instrument is not an option.
        """
        if instrument.expiry_ns is None or instrument.is_call is None:
            message = f"{instrument.instrument_id} is not an option"
            raise ValueError(message)
        row = self._size
        if row == len(self.bid):
            self._allocate(2 * row)
        self._size += 1
        self.instruments.append(instrument)
        self._row_of[instrument.symbol] = row
        self.strike[row] = instrument.strike
        self.is_call[row] = instrument.is_call
        expiry = self.expiries.get(instrument.expiry_ns)
        if expiry is None:
            expiry = Expiry(instrument.expiry_ns)
            self.expiries[instrument.expiry_ns] = expiry
            self.expiries = {ns: self.expiries[ns] for ns in sorted(self.expiries)}
            self._link()
        expiry.add(instrument.strike, is_call=instrument.is_call, row=row)
        return row

    def _link(self) -> None:
        in_order = list(self.expiries.values())
        for expiry, before, after in zip(in_order, [None, *in_order], [*in_order[1:], None], strict=False):
            expiry.earlier, expiry.later = before, after

    def update(self, row: int, ts_init: int, values: tuple[float, ...]) -> None:
        """Write one quote.

        Args:
            row: Row of the instrument.
            ts_init: Our clock, ns.
            values: In the order of `FLOAT_COLUMNS`, or the four of the quote alone: the rest then stays.
        """
        changed = False
        for cell, value in zip(self._quote_cells, values, strict=False):
            old = cell[row]
            # NaN to NaN is no change; NaN differs from itself.
            if old != value and (old == old or value == value):  # noqa: PLR0124
                cell[row] = value
                changed = True
        whole = len(values) == len(FLOAT_COLUMNS)
        if whole:
            mark_price, mark_iv, underlying_price = self._other_cells
            _, _, _, _, mark_price[row], mark_iv[row], underlying_price[row] = values
        if changed:
            self.changed_cells[row] = ts_init
        self.confirmed_cells[row] = ts_init
        self.stream_confirmed = ts_init
        expiry = self.expiries.get(self.instruments[row].expiry_ns or 0)
        if expiry is None:
            return
        expiry.last_row = ts_init
        if whole and values[-1] > 0:
            expiry.underlying_price = values[-1]
            expiry.underlying_ts = ts_init

    def update_batch(self, batch: OptionQuotes, rows: NDArray[np.int64]) -> None:
        """Write a batch by array assignment, as `update` row by row would.

        Args:
            batch: Quotes of this chain.
            rows: int64[n], the row of each.
        """
        start = 0
        for stop in _distinct_cuts(rows.tolist()):  # an instrument that comes twice is written twice
            self._write_distinct(batch, rows[start:stop], start, stop)
            start = stop

    def _write_distinct(self, batch: OptionQuotes, rows: NDArray[np.int64], start: int, stop: int) -> None:
        stamps = batch.row_ts_init[start:stop]
        changed = np.zeros(len(rows), dtype=np.bool_)
        for name in FLOAT_COLUMNS:
            column: NDArray[np.float64] = getattr(self, name)
            new, old = batch.columns[name][start:stop], column[rows]
            if name in _QUOTE_COLUMNS:
                changed |= (new != old) & ~(np.isnan(new) & np.isnan(old))
            column[rows] = new
        self.ts_changed[rows[changed]] = stamps[changed]
        self.own_confirmed[rows] = stamps
        self.stream_confirmed = int(stamps[-1])
        underlying = batch.columns["underlying_price"][start:stop]
        for i, row in enumerate(rows.tolist()):
            expiry = self.expiries.get(self.instruments[row].expiry_ns or 0)
            if expiry is None:
                continue
            expiry.last_row = int(stamps[i])
            if underlying[i] > 0:
                expiry.underlying_price = float(underlying[i])
                expiry.underlying_ts = int(stamps[i])

    def confirmed(self, row: int) -> int:
        """Return `ts_confirmed` of an instrument: of its stream, or its own where rows confirm only themselves."""
        own = int(self.confirmed_cells[row])
        return self.stream_confirmed if self.confirms_stream and own else own

    def confirmed_rows(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return `ts_confirmed` of several instruments, int64[n]."""
        own = self.own_confirmed[rows]
        return np.where(own > 0, self.stream_confirmed, own) if self.confirms_stream else own

    def forget_confirmations(self) -> None:
        """Trust no quote until its next row, as after a gap; `own_confirmed` 0 means so."""
        self.own_confirmed[:] = 0

    def forget_confirmation(self, symbol: str) -> None:
        """Trust one instrument's quote no more until its next row."""
        row = self._row_of.get(symbol)
        if row is not None:
            self.confirmed_cells[row] = 0

    def roll(self, now_ns: int) -> tuple[Expiry, ...]:
        """Take out the expiries that are over, and return them."""
        over = tuple(e for ns, e in self.expiries.items() if ns <= now_ns)
        for expiry in over:
            del self.expiries[expiry.expiry_ns]
        if over:
            self._link()
        return over


def _distinct_cuts(rows: list[int]) -> list[int]:
    """Return where to cut so that no row comes twice between two cuts; the last cut is the end."""
    cuts = []
    last_seen: dict[int, int] = {}
    start = 0
    for at, row in enumerate(rows):
        if last_seen.get(row, -1) >= start:
            cuts.append(at)
            start = at
        last_seen[row] = at
    return [*cuts, len(rows)] if rows else []
