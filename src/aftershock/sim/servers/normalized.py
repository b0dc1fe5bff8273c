"""Events as tardis-machine prints them: one JSON text per message, what is missing left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from aftershock.model.events import DerivativeTicker, Event, Liquidation, OptionQuotes, Quote, Trade
from aftershock.model.liquidations import Liquidated
from aftershock.sim.servers.stamps import iso, iso_micro
from aftershock.sim.servers.terms import Terms

__all__ = ["DATA_TYPES", "Message", "data_types_of", "normalized", "rows_of"]

_SIDES = {Liquidated.LONG: "sell", Liquidated.SHORT: "buy", Liquidated.UNKNOWN: "unknown"}
_PERCENT = frozenset({"deribit"})
_MICROSECONDS = frozenset({"ftx", "ftx-restart"})
"""Venues whose own stamps have them; the machine prints what a venue gives."""
_OPTION_FIELDS = (
    # in the order of the machine's own messages
    ("bestBidPrice", "bid"),
    ("bestBidAmount", "bid_amount"),
    ("bestBidIV", "bid_iv"),
    ("bestAskPrice", "ask"),
    ("bestAskAmount", "ask_amount"),
    ("bestAskIV", "ask_iv"),
    ("lastPrice", "last_price"),
    ("openInterest", "open_interest"),
    ("markPrice", "mark_price"),
    ("markIV", "mark_iv"),
    ("delta", "delta"),
    ("gamma", "gamma"),
    ("vega", "vega"),
    ("theta", "theta"),
    ("rho", "rho"),
    ("underlyingPrice", "underlying_price"),
)
_VOLATILITIES = frozenset({"bid_iv", "ask_iv", "mark_iv"})

TermsTable = Mapping[tuple[str, str], Terms]


class Message(NamedTuple):
    """Fields of one message, and what subscriptions ask by."""

    exchange: str
    symbol: str
    fields: dict[str, Any]

    def text(self) -> str:
        """Return it as JSON."""
        return msgspec.json.encode(self.fields).decode()


def data_types_of(event: Event) -> tuple[str, ...]:
    """Return the data types that an event is a message of; none for what no recorder sees."""
    return _TYPES.get(type(event), ())


def rows_of(event: Event) -> Iterator[tuple[str, str, int]]:
    """Yield exchange, symbol and row of each instrument that an event speaks of."""
    if isinstance(event, OptionQuotes):
        for row, symbol in enumerate(event.symbols):
            yield event.stream.venue, symbol, row
    elif type(event) in _TYPES:
        yield event.venue, event.symbol, 0  # type: ignore[attr-defined]  # all the others have both


def normalized(event: Event, row: int, data_type: str, terms: TermsTable, *, live: bool) -> Message:
    """Return one message.

    Args:
        event: One of those with `data_types_of`.
        row: Of a batch of options; 0 else.
        data_type: One of them.
        terms: Of options.
        live: The recorder's stamp has milliseconds only, as in its real-time messages.
    """
    return _WRITERS[data_type](event, row, terms, iso if live else iso_micro)


Stamp = Callable[[int], str]


def _print(event: Trade | Liquidation, _row: int, _terms: TermsTable, stamp: Stamp) -> Message:
    trade = isinstance(event, Trade)
    fields: dict[str, Any] = {"type": "trade" if trade else "liquidation", "symbol": event.symbol}
    fields["exchange"] = event.venue
    name = event.trade_id if isinstance(event, Trade) else event.liquidation_id
    if name:
        fields["id"] = name
    fields |= {"price": _number(event.price), "amount": _number(event.amount)}
    fields["side"] = event.side if isinstance(event, Trade) else _SIDES[event.liquidated]
    return _stamped(event, event.symbol, fields, stamp)


def _quote(event: Quote, _row: int, _terms: TermsTable, stamp: Stamp) -> Message:
    """Write what a request for `quote` is answered with: a snapshot of depth one, an empty level as `{}`."""
    fields: dict[str, Any] = {
        "type": "book_snapshot",
        "symbol": event.symbol,
        "exchange": event.venue,
        "name": "quote",
        "depth": 1,
        "interval": 0,
        "bids": [_level(event.bid, event.bid_amount)],
        "asks": [_level(event.ask, event.ask_amount)],
    }
    return _stamped(event, event.symbol, fields, stamp)


def _book_ticker(event: Quote, _row: int, _terms: TermsTable, stamp: Stamp) -> Message:
    fields: dict[str, Any] = {"type": "book_ticker", "symbol": event.symbol, "exchange": event.venue}
    _put(fields, "askAmount", event.ask_amount)
    _put(fields, "askPrice", event.ask)
    _put(fields, "bidPrice", event.bid)
    _put(fields, "bidAmount", event.bid_amount)
    return _stamped(event, event.symbol, fields, stamp)


def _ticker(event: DerivativeTicker, _row: int, _terms: TermsTable, stamp: Stamp) -> Message:
    fields: dict[str, Any] = {"type": "derivative_ticker", "symbol": event.symbol, "exchange": event.venue}
    _put(fields, "lastPrice", event.last_price)
    _put(fields, "openInterest", event.open_interest)
    _put(fields, "fundingRate", event.funding_rate)
    if event.funding_ts:
        fields["fundingTimestamp"] = iso(event.funding_ts)
    _put(fields, "predictedFundingRate", event.predicted_funding_rate)
    _put(fields, "indexPrice", event.index_price)
    _put(fields, "markPrice", event.mark_price)
    return _stamped(event, event.symbol, fields, stamp)


def _option(event: OptionQuotes, row: int, terms: TermsTable, stamp: Stamp) -> Message:
    venue, symbol = event.stream.venue, event.symbols[row]
    contract = terms[venue, symbol]
    fields: dict[str, Any] = {
        "type": "option_summary",
        "symbol": symbol,
        "exchange": venue,
        "optionType": contract.kind,
        "strikePrice": _number(contract.strike),
        "expirationDate": iso(contract.expiry_ns),
    }
    for name, column in _OPTION_FIELDS:
        value = float(event.columns[column][row])
        _put(fields, name, 100.0 * value if column in _VOLATILITIES and venue in _PERCENT else value)
    fields["underlyingIndex"] = event.underlying_index[row]
    fields["timestamp"] = iso(int(event.row_ts_event[row]))
    fields["localTimestamp"] = stamp(int(event.row_ts_init[row]))
    return Message(venue, symbol, fields)


def _stamped(
    event: Trade | Liquidation | Quote | DerivativeTicker, symbol: str, fields: dict[str, Any], stamp: Stamp
) -> Message:
    fields["timestamp"] = (iso_micro if event.venue in _MICROSECONDS else iso)(event.ts_event)
    fields["localTimestamp"] = stamp(event.ts_init)
    return Message(event.venue, symbol, fields)


def _level(price: float, amount: float) -> dict[str, float | int]:
    return {} if price != price else {"price": _number(price), "amount": _number(amount)}  # noqa: PLR0124  NaN


def _put(fields: dict[str, Any], name: str, value: float) -> None:
    if value == value:  # noqa: PLR0124  not NaN
        fields[name] = _number(value)


def _number(value: float) -> float | int:
    """Return a number as JavaScript prints it: whole ones without a point."""
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


_WRITERS: dict[str, Callable[[Any, int, TermsTable, Stamp], Message]] = {
    "trade": _print,
    "liquidation": _print,
    "quote": _quote,
    "book_ticker": _book_ticker,
    "derivative_ticker": _ticker,
    "option_summary": _option,
}
DATA_TYPES = tuple(_WRITERS)
"""Those that this sandbox can print."""

_TYPES: dict[type[Event], tuple[str, ...]] = {
    Trade: ("trade",),
    Liquidation: ("liquidation",),
    Quote: ("quote", "book_ticker"),
    DerivativeTicker: ("derivative_ticker",),
    OptionQuotes: ("option_summary",),
}
