"""One row of an option out of what several channels say: the newest of each, and nothing from before a loss."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from aftershock.model.events import Event, Quote
from aftershock.model.order import option_stream
from aftershock.model.units import NAN, NS_PER_S
from aftershock.venues.connection.packed import OptionRow
from aftershock.venues.deribit.rows import OPTION_ENDS, VENUE
from aftershock.venues.tardis.report import FileReport

__all__ = ["Joined"]

_BID, _BID_AMOUNT, _BID_IV, _ASK, _ASK_AMOUNT, _ASK_IV = range(6)
_MARK_PRICE, _MARK_IV, _UNDERLYING = 8, 9, 10
_COLUMNS = 16
_BY_REQUEST = -1
_AHEAD_NS = NS_PER_S
"""How far the venue's clock is followed beyond ours: one wrong time must not hold back the quotes after it."""


class _Option(msgspec.Struct):
    link: int
    """That its quote came by."""
    values: list[float]
    marked_ns: int = 0


class _Underlying(msgspec.Struct):
    link: int
    ts_event: int
    price: float
    index: str


class Joined:
    """What is known of each option, and when each instrument was quoted last.

    Quotes come from `quote`, marks and volatilities of the whole chain from `markprice.options`, the price of each
    expiry's underlying from the ticker of one option. A ticker may come late: what it says of the quote then is over.

    Attributes:
        strangers: Options that a mark was told of and that nobody asked for, since they were last taken.
    """

    def __init__(self, report: FileReport) -> None:
        """Take where quotes are counted that came late."""
        self._report = report
        self.strangers: list[str] = []
        self._options: dict[str, _Option] = {}
        self._underlyings: dict[str, _Underlying] = {}
        self._quoted: dict[str, tuple[int, int]] = {}

    def know(self, rows: Iterable[OptionRow]) -> None:
        """Take over what a request answered."""
        for row in rows:
            self._options[row.symbol] = _Option(_BY_REQUEST, list(row.values))
            if row.values[_UNDERLYING] > 0:
                self._under(_BY_REQUEST, row)

    def forget(self, link: int) -> None:
        """Forget all that a connection said; which options were asked for is kept."""
        gone = (link, _BY_REQUEST)
        for symbol, option in self._options.items():
            if option.link in gone:
                self._options[symbol] = _Option(option.link, [NAN] * _COLUMNS)
        self._underlyings = {name: each for name, each in self._underlyings.items() if each.link not in gone}
        self._quoted = {symbol: each for symbol, each in self._quoted.items() if each[0] not in gone}

    def quote(self, link: int, each: Quote) -> list[Event]:
        """Return what a quote becomes: a row of an option, itself, or nothing if a newer one is known."""
        if not self._newest(link, each.symbol, each.ts_event, each.ts_init):
            return []
        if not each.symbol.endswith(OPTION_ENDS):
            return [each]
        option = self._option(link, each.symbol)
        sides = ((_BID, _BID_IV, each.bid, each.bid_amount), (_ASK, _ASK_IV, each.ask, each.ask_amount))
        for price, iv, value, amount in sides:
            if option.values[price] != value:  # its volatility is that of another price
                option.values[iv] = NAN
            option.values[price], option.values[price + 1] = value, amount
        return [self._row(each.symbol, each.ts_event, each.ts_init, option)]

    def ticker(self, link: int, row: OptionRow) -> list[Event]:
        """Return a whole row, with a newer quote or mark in it if one is known."""
        option, values = self._option(link, row.symbol), list(row.values)
        if not self._newest(link, row.symbol, row.ts_event, row.ts_init):
            for price, iv in ((_BID, _BID_IV), (_ASK, _ASK_IV)):
                if values[price] != option.values[price]:
                    values[iv] = NAN
                values[price], values[price + 1] = option.values[price], option.values[price + 1]
        if row.ts_event < option.marked_ns:
            for column in (_MARK_PRICE, _MARK_IV):
                values[column] = option.values[column]
        option.values = values
        known = self._underlyings.get(_expiry(row.symbol))
        if known is None or known.ts_event <= row.ts_event:
            self._under(link, row)
        return [self._row(row.symbol, row.ts_event, row.ts_init, option)]

    def mark(self, row: OptionRow) -> list[Event]:
        """Return the row of an option with a new mark; nothing for one that nobody asked for, or an older mark."""
        option = self._options.get(row.symbol)
        if option is None:
            self.strangers.append(row.symbol)
            return []
        if row.ts_event < option.marked_ns:
            return []
        option.marked_ns = min(row.ts_event, row.ts_init + _AHEAD_NS)
        for column in (_MARK_PRICE, _MARK_IV):
            option.values[column] = row.values[column]
        return [self._row(row.symbol, row.ts_event, row.ts_init, option)]

    def _newest(self, link: int, symbol: str, ts_event: int, ts_init: int) -> bool:
        """Tell whether no newer quote is known, and note it; else count it."""
        if ts_event < self._quoted.get(symbol, (link, 0))[1]:
            self._report.leave("older quote")
            return False
        self._quoted[symbol] = link, min(ts_event, ts_init + _AHEAD_NS)
        return True

    def _option(self, link: int, symbol: str) -> _Option:
        option = self._options.get(symbol)
        if option is None:
            option = self._options[symbol] = _Option(link, [NAN] * _COLUMNS)
        option.link = link
        return option

    def _under(self, link: int, row: OptionRow) -> None:
        known = _Underlying(link, row.ts_event, row.values[_UNDERLYING], row.underlying_index)
        self._underlyings[_expiry(row.symbol)] = known

    def _row(self, symbol: str, ts_event: int, ts_init: int, option: _Option) -> OptionRow:
        known = self._underlyings.get(_expiry(symbol))
        option.values[_UNDERLYING] = NAN if known is None else known.price
        return OptionRow(
            ts_event=ts_event,
            ts_init=ts_init,
            stream=option_stream(VENUE, symbol),
            symbol=symbol,
            values=tuple(option.values),
            underlying_index="" if known is None else known.index,
        )


def _expiry(symbol: str) -> str:
    """Return what has one underlying: `BTC-26JUN26` of `BTC-26JUN26-90000-C`."""
    return symbol.rsplit("-", 2)[0]
