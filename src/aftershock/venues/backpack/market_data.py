"""Backpack's market data over REST: instruments, books, marks."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from aftershock.errors import InputError
from aftershock.model.instruments import Instrument
from aftershock.model.units import NAN, NS_PER_US
from aftershock.venues.backpack.account import convert, number
from aftershock.venues.backpack.capabilities import all_markets
from aftershock.venues.backpack.chain import OptionQuote, instrument_of
from aftershock.venues.backpack.markets import Market, MarketType
from aftershock.venues.backpack.rest import Rest
from aftershock.venues.connection.book import BookUpdate, Snapshot
from aftershock.venues.connection.text import printable

__all__ = ["MarkPrice", "book_of", "instruments_among", "instruments_of", "option_quote"]

_DEPTH = "1000"


async def instruments_of(rest: Rest, asset: str) -> tuple[Instrument, ...]:
    """Return the perpetuals and typed options of a coin that may be traded."""
    listing = await all_markets(rest)
    listing.need(MarketType.PERP)
    return instruments_among(listing.markets, asset)


def instruments_among(markets: Iterable[Market], asset: str) -> tuple[Instrument, ...]:
    """Return the perpetuals and typed options of a coin among some markets that may be traded."""
    found = (instrument_of(each) for each in markets if each.base_symbol == asset and each.tradable)
    return tuple(each for each in found if each is not None)


async def book_of(rest: Rest, symbol: str) -> BookUpdate:
    """Return the whole book of a market.

    Raises:
        InputError: It holds what is no number.
        UnreachableError: The venue does not answer, or with something else.
    """
    document = await rest.get("/api/v1/depth", {"symbol": symbol, "limit": _DEPTH})
    depth: _Depth = convert(document, _Depth, "book")
    try:
        bids, asks = (tuple((float(p), float(q)) for p, q in side) for side in (depth.bids, depth.asks))
        update = Snapshot(int(depth.last_update_id), bids, asks)
    except ValueError:
        raise InputError(f"Backpack's book of {printable(symbol)} has what is no number: try again") from None
    return BookUpdate(symbol, depth.timestamp * NS_PER_US, rest.clock.wall_ns(), update)


class _Depth(msgspec.Struct, frozen=True, rename="camel"):
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]
    last_update_id: str
    timestamp: int


class MarkPrice(msgspec.Struct, frozen=True, rename="camel"):
    """A mark price, and the price that it rests on; decimal texts."""

    symbol: str
    mark_price: str | None = None
    index_price: str | None = None
    underlying_price: str | None = None


def option_quote(option: Instrument, book: BookUpdate, mark: MarkPrice | None) -> OptionQuote:
    """Return an option as its book and its mark have it."""
    snapshot = book.update
    bid, bid_amount = max(snapshot.bids, default=(NAN, NAN))
    ask, ask_amount = min(snapshot.asks, default=(NAN, NAN))
    return OptionQuote(
        symbol=option.symbol,
        strike=option.strike,
        expiry_ns=option.expiry_ns or 0,
        is_call=bool(option.is_call),
        bid=bid,
        bid_amount=bid_amount,
        ask=ask,
        ask_amount=ask_amount,
        mark=number(None if mark is None else mark.mark_price),
        underlying=number(None if mark is None else mark.underlying_price),
        ts_event=book.ts_event,
    )
