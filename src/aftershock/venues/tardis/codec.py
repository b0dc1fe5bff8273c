"""From tardis-machine's messages to events: pure, the same for files and for a live connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aftershock.model.events import (
    BookSnapshot,
    DerivativeTicker,
    Event,
    Liquidation,
    Quote,
    Trade,
)
from aftershock.model.liquidations import liquidated_side
from aftershock.model.order import option_stream
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NAN
from aftershock.venues.connection.packed import OptionRow, option_quotes
from aftershock.venues.tardis.iso_time import parse_iso_ns
from aftershock.venues.tardis.messages import (
    BookMessage,
    BrokenMessageError,
    LiquidationMessage,
    OptionMessage,
    TickerMessage,
    TopMessage,
    TradeMessage,
)
from aftershock.venues.tardis.option_terms import IV_PER_FRACTION, OptionTerms, contradiction
from aftershock.venues.tardis.report import Broken

__all__ = ["SIDES", "DataMessage", "OptionRow", "message_ns", "option_quotes", "option_terms", "to_event"]

SIDES = ("buy", "sell", "unknown")
"""Sides that Tardis prints."""

DataMessage = TradeMessage | LiquidationMessage | OptionMessage | TickerMessage | TopMessage | BookMessage


def message_ns(text: str) -> int:
    """Return a message's time in nanoseconds.

    Raises:
        BrokenMessageError: It is no time.
    """
    try:
        return parse_iso_ns(text)
    except ValueError as error:
        raise BrokenMessageError(Broken.TIMESTAMP) from error


def to_event(message: DataMessage, ts_init: int, table: InstrumentTable) -> Event:
    """Translate a message.

    Args:
        message: As tardis-machine sends it.
        ts_init: Our clock, ns UTC.
        table: Says what a venue's liquidation feed means.

    Returns:
        The event; an `OptionRow` for an option.

    Raises:
        BrokenMessageError: A number, time, name or side is none, or the symbol contradicts the terms.
    """
    names = (message.exchange, message.symbol)
    if not all(name and name.isprintable() for name in names):  # a control character would reach a terminal
        raise BrokenMessageError(Broken.NAME)
    return _EVENTS[type(message)](message, message_ns(message.timestamp), ts_init, table)


def option_terms(message: OptionMessage) -> OptionTerms:
    """Return what the message says about its option.

    Raises:
        BrokenMessageError: Type, strike or expiry is none.
    """
    if message.option_type not in {"call", "put"}:
        raise BrokenMessageError(Broken.OPTION_TYPE)
    _not_negative(message.strike_price)
    return OptionTerms(message.strike_price, message.option_type == "call", message_ns(message.expiration_date))


def _not_negative(*values: float) -> None:
    for value in values:
        if value < 0:
            raise BrokenMessageError(Broken.NEGATIVE)


def _present(price: float) -> float:
    """Return the price of a side of the book; zero means that nobody is there."""
    return NAN if price == 0 else price


def _trade(message: TradeMessage, ts_event: int, ts_init: int, _table: InstrumentTable) -> Trade:
    _check_print(message)
    return Trade(
        ts_event=ts_event,
        ts_init=ts_init,
        venue=message.exchange,
        symbol=message.symbol,
        price=message.price,
        amount=message.amount,
        side=message.side,
        trade_id=message.id,
    )


def _liquidation(message: LiquidationMessage, ts_event: int, ts_init: int, table: InstrumentTable) -> Liquidation:
    _check_print(message)
    coverage = table.coverage(message.exchange, ts_event)
    return Liquidation(
        ts_event=ts_event,
        ts_init=ts_init,
        venue=message.exchange,
        symbol=message.symbol,
        price=message.price,
        amount=message.amount,
        liquidated=liquidated_side(message.side),
        price_kind=coverage.price_kind,
        completeness=coverage.completeness,
        liquidation_id=message.id,
    )


def _check_print(message: TradeMessage | LiquidationMessage) -> None:
    _not_negative(message.price, message.amount)
    if message.price == 0:
        raise BrokenMessageError(Broken.NO_PRICE)
    if message.side not in SIDES:
        raise BrokenMessageError(Broken.SIDE)


def _option(message: OptionMessage, ts_event: int, ts_init: int, _table: InstrumentTable) -> OptionRow:
    if contradiction(message.exchange, message.symbol, option_terms(message)):
        raise BrokenMessageError(Broken.CONTRADICTION)
    _not_negative(
        message.best_bid_price,
        message.best_bid_amount,
        message.best_ask_price,
        message.best_ask_amount,
        message.last_price,
        message.open_interest,
        message.mark_price,
        message.underlying_price,
    )
    per_fraction = IV_PER_FRACTION.get(message.exchange, 1.0)
    values = (
        _present(message.best_bid_price),
        message.best_bid_amount,
        message.best_bid_iv / per_fraction,
        _present(message.best_ask_price),
        message.best_ask_amount,
        message.best_ask_iv / per_fraction,
        message.last_price,
        message.open_interest,
        message.mark_price,
        message.mark_iv / per_fraction,
        message.underlying_price,
        message.delta,
        message.gamma,
        message.vega,
        message.theta,
        message.rho,
    )
    return OptionRow(
        ts_event=ts_event,
        ts_init=ts_init,
        stream=option_stream(message.exchange, message.symbol),
        symbol=message.symbol,
        values=values,
        underlying_index=message.underlying_index,
    )


def _ticker(message: TickerMessage, ts_event: int, ts_init: int, _table: InstrumentTable) -> DerivativeTicker:
    # Futures spreads have tickers too, and their prices may be negative.
    _not_negative(message.open_interest)
    return DerivativeTicker(
        ts_event=ts_event,
        ts_init=ts_init,
        venue=message.exchange,
        symbol=message.symbol,
        last_price=message.last_price,
        index_price=message.index_price,
        mark_price=message.mark_price,
        open_interest=message.open_interest,
        funding_rate=message.funding_rate,
        predicted_funding_rate=message.predicted_funding_rate,
        funding_ts=message_ns(message.funding_timestamp) if message.funding_timestamp else 0,
    )


def _top(message: TopMessage, ts_event: int, ts_init: int, _table: InstrumentTable) -> Quote:
    _not_negative(message.bid_price, message.bid_amount, message.ask_price, message.ask_amount)
    return Quote(
        ts_event=ts_event,
        ts_init=ts_init,
        venue=message.exchange,
        symbol=message.symbol,
        bid=_present(message.bid_price),
        bid_amount=message.bid_amount,
        ask=_present(message.ask_price),
        ask_amount=message.ask_amount,
    )


def _book(message: BookMessage, ts_event: int, ts_init: int, _table: InstrumentTable) -> Quote | BookSnapshot:
    _not_negative(*(n for level in (*message.bids, *message.asks) for n in (level.price, level.amount)))
    bids = tuple((level.price, level.amount) for level in message.bids if level.price > 0)
    asks = tuple((level.price, level.amount) for level in message.asks if level.price > 0)
    if not message.name.startswith("quote"):
        return BookSnapshot(
            ts_event=ts_event, ts_init=ts_init, venue=message.exchange, symbol=message.symbol, bids=bids, asks=asks
        )
    (bid, bid_amount), (ask, ask_amount) = (side[0] if side else (NAN, NAN) for side in (bids, asks))
    return Quote(
        ts_event=ts_event,
        ts_init=ts_init,
        venue=message.exchange,
        symbol=message.symbol,
        bid=bid,
        bid_amount=bid_amount,
        ask=ask,
        ask_amount=ask_amount,
    )


_EVENTS: dict[type, Callable[[Any, int, int, InstrumentTable], Event]] = {
    TradeMessage: _trade,
    LiquidationMessage: _liquidation,
    OptionMessage: _option,
    TickerMessage: _ticker,
    TopMessage: _top,
    BookMessage: _book,
}
