"""One event as the cells of one row after venue, symbol and clocks; a batch of option rows as whole rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from aftershock.model.events import OPTION_COLUMNS, DerivativeTicker, Liquidation, OptionQuotes, Quote, Trade
from aftershock.model.instruments import Instrument, Kind
from aftershock.model.liquidations import Liquidated
from aftershock.model.order import option_stream
from aftershock.model.symbols import parse_symbol
from aftershock.model.table import InstrumentTable
from aftershock.sim.market.cells import clock, exact_percent, name, not_negative, number, price, printed, traded
from aftershock.sim.tardis import HEADERS

__all__ = ["option_rows", "option_terms", "print_row", "quote_row", "ticker_row"]

_SIDES = {Liquidated.LONG: "sell", Liquidated.SHORT: "buy", Liquidated.UNKNOWN: "unknown"}
_TAKER_SIDES = ("buy", "sell", "unknown")

_PERCENT_VENUES = ("deribit",)
"""Venues that print volatility in percent, which Tardis passes through; OKX, Bybit and Binance print fractions."""

_VOLATILITIES = ("bid_iv", "ask_iv", "mark_iv")
_CELLS: dict[str, Callable[[float, str], str]] = {
    **dict.fromkeys(("bid", "ask"), price),
    **dict.fromkeys(("delta", "gamma", "vega", "theta", "rho", *_VOLATILITIES), number),
}
_AFTER_TERMS = [
    {"bid_price": "bid", "ask_price": "ask"}.get(cell, cell) for cell in HEADERS["options_chain"].split(",")[7:]
]
"""Columns of a file after venue, symbol, clocks and terms, by our names."""


def quote_row(event: Quote) -> str:
    """Return ask amount, ask, bid, bid amount."""
    return ",".join(
        (
            not_negative(event.ask_amount, "ask_amount"),
            price(event.ask, "ask"),
            price(event.bid, "bid"),
            not_negative(event.bid_amount, "bid_amount"),
        )
    )


def ticker_row(event: DerivativeTicker) -> str:
    """Return the cells of a ticker; its prices may be negative, as those of spreads are."""
    return ",".join(
        (
            clock(event.funding_ts, "funding_ts") if event.funding_ts else "",
            number(event.funding_rate, "funding_rate"),
            number(event.predicted_funding_rate, "predicted_funding_rate"),
            not_negative(event.open_interest, "open_interest"),
            number(event.last_price, "last_price"),
            number(event.index_price, "index_price"),
            number(event.mark_price, "mark_price"),
        )
    )


def print_row(event: Trade | Liquidation, table: InstrumentTable) -> str:
    """Return id, side, price, amount.

    Raises:
        ValueError: It is a liquidation of another sort than the table says the venue printed at that time: a file
            can't say what its prices mean, so its reader would take the table's word.
    """
    if isinstance(event, Trade):
        row_id, side = event.trade_id, event.side
        if side not in _TAKER_SIDES:
            raise ValueError(f"the side is {side!r}, not one of {', '.join(_TAKER_SIDES)}")
    else:
        row_id, side = event.liquidation_id, _SIDES[event.liquidated]
        known = table.coverage(event.venue, event.ts_event)
        if (event.price_kind, event.completeness) != (known.price_kind, known.completeness):
            raise ValueError(
                f"its price is of kind {event.price_kind.value} and its feed {event.completeness.value}, but a file "
                f"of that venue and time is read as {known.price_kind.value} and {known.completeness.value}"
            )
    cells = (
        name(row_id, "the id", required=False),
        side,
        traded(event.price, "price"),
        printed(event.amount, "amount"),
    )
    return ",".join(cells)


def option_terms(instrument: Instrument) -> str:
    """Return type, strike and expiration of an option.

    Raises:
        ValueError: It is no option, or its symbol says something else.
    """
    if instrument.kind is not Kind.OPTION or instrument.expiry_ns is None or instrument.is_call is None:
        raise ValueError(f"{instrument.instrument_id} is no option")
    parsed = parse_symbol(instrument.venue, instrument.symbol)
    terms = instrument.strike, instrument.is_call, instrument.expiry_ns
    if parsed is not None and terms != (float(parsed.strike or 0), parsed.is_call, parsed.expiry_ns):
        raise ValueError(f"the symbol {instrument.symbol} contradicts strike, type or expiry of its instrument")
    kind = "call" if instrument.is_call else "put"
    return f"{kind},{traded(instrument.strike, 'strike')},{clock(instrument.expiry_ns, 'expiry_ns')}"


def option_rows(event: OptionQuotes, terms: Sequence[str]) -> tuple[list[str], int]:
    """Return the rows of a batch whole, and how many volatilities are left out for want of an exact percentage.

    Raises:
        ValueError: A row belongs to another stream, or reading it would not give it back.
    """
    venue = event.stream.venue
    columns, without_percentage = _option_columns(event)
    rows = []
    for i, (symbol, ts_event, ts_init) in enumerate(
        zip(event.symbols, event.row_ts_event.tolist(), event.row_ts_init.tolist(), strict=True)
    ):
        if option_stream(venue, symbol) != event.stream:
            raise ValueError(f"{symbol} is of the stream {option_stream(venue, symbol)}, not of this one")
        stamps = f"{clock(ts_event, 'ts_event')},{clock(ts_init, 'ts_init')}"
        cells = ",".join([column[i] for column in columns])
        rows.append(f"{venue},{symbol},{stamps},{terms[i]},{cells}")
    return rows, without_percentage


def _option_columns(event: OptionQuotes) -> tuple[list[list[str]], int]:
    """Return the columns after the terms, in the order of the file."""
    missing = 0
    texts = {}
    for column in OPTION_COLUMNS:
        values = event.columns[column].tolist()
        if column in _VOLATILITIES and event.stream.venue in _PERCENT_VENUES:
            absent = sum(value != value for value in values)  # noqa: PLR0124  NaN
            values = [exact_percent(value) for value in values]
            missing += sum(value != value for value in values) - absent  # noqa: PLR0124  NaN
        write = _CELLS.get(column, not_negative)
        # Nearly all are positive and finite, which any cell may hold.
        texts[column] = [repr(value) if 0.0 < value < math.inf else write(value, column) for value in values]
    texts["underlying_index"] = [name(text, "underlying_index", required=False) for text in event.underlying_index]
    return [texts[column] for column in _AFTER_TERMS], missing
