"""Deribit's tickers, quotes and marks as rows of a chain and as quotes."""

from __future__ import annotations

import msgspec

from aftershock.model.events import Quote
from aftershock.model.order import option_stream
from aftershock.model.units import NAN, NS_PER_MS
from aftershock.venues.connection.packed import OptionRow
from aftershock.venues.deribit.messages import MarkPrice, QuoteData, TickerData

__all__ = ["OPTION_ENDS", "PERCENT", "VENUE", "mark_row", "name_of", "number", "of_side", "option_row", "top"]

VENUE = "deribit"
OPTION_ENDS = ("-C", "-P")
PERCENT = 100.0


def option_row(data: TickerData, symbol: str, ts_init: int) -> OptionRow:
    """Return the whole row of an option, its volatilities as fractions."""
    greeks = data.greeks
    values = [
        of_side(data.best_bid_price),
        of_side(data.best_bid_amount),
        of_side(data.bid_iv) / PERCENT,
        of_side(data.best_ask_price),
        of_side(data.best_ask_amount),
        of_side(data.ask_iv) / PERCENT,
        of_side(data.last_price),
        number(data.open_interest),
        number(data.mark_price),
        number(data.mark_iv) / PERCENT,
        number(data.underlying_price),
        *(
            (NAN,) * 5
            if greeks is None
            else map(number, (greeks.delta, greeks.gamma, greeks.vega, greeks.theta, greeks.rho))
        ),
    ]
    return _row(symbol, data.timestamp, ts_init, values, data.underlying_index)


def mark_row(data: MarkPrice, ts_init: int) -> OptionRow:
    """Return a mark as a row of which nothing else is known."""
    values = [NAN] * 16
    values[8], values[9] = number(data.mark_price), number(data.iv)
    return _row(name_of(data.instrument_name), data.timestamp, ts_init, values, "")


def _row(symbol: str, timestamp_ms: int, ts_init: int, values: list[float], underlying_index: str) -> OptionRow:
    return OptionRow(
        ts_event=timestamp_ms * NS_PER_MS,
        ts_init=ts_init,
        stream=option_stream(VENUE, symbol),
        symbol=symbol,
        values=tuple(values),
        underlying_index=underlying_index,
    )


def top(data: QuoteData, symbol: str, ts_init: int) -> Quote:
    """Return best bid and ask."""
    return Quote(
        ts_event=data.timestamp * NS_PER_MS,
        ts_init=ts_init,
        venue=VENUE,
        symbol=symbol,
        bid=of_side(data.best_bid_price),
        bid_amount=of_side(data.best_bid_amount),
        ask=of_side(data.best_ask_price),
        ask_amount=of_side(data.best_ask_amount),
    )


def name_of(name: str) -> str:
    """Return a name in capitals, as Tardis has it: strikes with decimals come as `1d02`.

    Raises:
        msgspec.ValidationError: A character can't be printed.
    """
    if not name or not name.isprintable():
        raise msgspec.ValidationError("the name can't be printed")
    return name.upper()


def number(value: float | None) -> float:
    """Return a number, NaN for none."""
    return NAN if value is None else value


def of_side(value: float | None) -> float:
    """Return a number of one side of the book; Deribit prints 0 where nobody is there."""
    return value or NAN
