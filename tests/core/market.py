"""Events and chains in few words: what the tests of the core are written with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec
import numpy as np

from aftershock.core.chain import Chain
from aftershock.core.config import EngineConfig
from aftershock.core.engine import Effect, Engine
from aftershock.model.events import (
    OPTION_COLUMNS,
    DerivativeTicker,
    EndOfInput,
    Event,
    Liquidation,
    OptionQuotes,
    Quote,
    StreamId,
)
from aftershock.model.instruments import Instrument
from aftershock.model.liquidations import Completeness, Liquidated, PriceKind
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NAN, NS_PER_MS, NS_PER_S, utc_ns

T0 = utc_ns(2026, 3, 2, 10)
EXPIRY_NS = utc_ns(2026, 3, 6, 8)
EXPIRY = "6MAR26"
LATER_NS = utc_ns(2026, 3, 27, 8)
LATER = "27MAR26"

PERPETUALS = {
    "binance-futures": "BTCUSDT",
    "bybit": "BTCUSDT",
    "deribit": "BTC-PERPETUAL",
    "okex-swap": "BTC-USDT-SWAP",
}


def seconds(count: float) -> int:
    return round(count * NS_PER_S)


def millis(count: float) -> int:
    return round(count * NS_PER_MS)


class Row(msgspec.Struct, kw_only=True):
    """One row of an option chain; what is not given is absent."""

    ts: int
    symbol: str
    bid: float = NAN
    ask: float = NAN
    bid_amount: float = 10.0
    ask_amount: float = 10.0
    mark_iv: float = NAN
    underlying: float = NAN


def option_quotes(rows: Sequence[Row], venue: str = "deribit", underlying: str = "BTC") -> OptionQuotes:
    """Return rows as one batch; both clocks show the same time."""
    columns = {name: np.full(len(rows), NAN) for name in OPTION_COLUMNS}
    for name in ("bid", "ask", "bid_amount", "ask_amount", "mark_iv"):
        columns[name][:] = [getattr(row, name) for row in rows]
    columns["underlying_price"][:] = [row.underlying for row in rows]
    stamps = np.array([row.ts for row in rows], dtype=np.int64)
    return OptionQuotes(
        ts_event=rows[-1].ts,
        ts_init=rows[-1].ts,
        stream=StreamId(venue, "option_quotes", underlying),
        symbols=[row.symbol for row in rows],
        row_ts_event=stamps,
        row_ts_init=stamps,
        columns=columns,
        underlying_index=[""] * len(rows),
    )


def option_row(ts: int, symbol: str, bid: float = NAN, ask: float = NAN, **more: float) -> OptionQuotes:
    """Return one row as a batch."""
    return option_quotes([Row(ts=ts, symbol=symbol, bid=bid, ask=ask, **more)])


def perp_quote(ts: int, venue: str, mid: float, *, half_spread: float = 0.5, coins: float = 20.0) -> Quote:
    """Return a perpetual's quote, as deep on both sides, in the venue's own unit."""
    native = {"deribit": coins * mid, "okex-swap": coins * 100.0}.get(venue, coins)
    return raw_quote(ts, venue, PERPETUALS[venue], mid - half_spread, mid + half_spread, native)


def index_price(ts: int, price: float) -> DerivativeTicker:
    return DerivativeTicker(ts_event=ts, ts_init=ts, venue="deribit", symbol="BTC-PERPETUAL", index_price=price)


def raw_quote(ts: int, venue: str, symbol: str, bid: float, ask: float, amount: float = 10.0) -> Quote:
    """Return a quote of anything, as deep on both sides."""
    return Quote(
        ts_event=ts, ts_init=ts, venue=venue, symbol=symbol, bid=bid, bid_amount=amount, ask=ask, ask_amount=amount
    )


def future_quote(ts: int, bid: float, ask: float, *, expiry: str = EXPIRY, usd: float = 1e6) -> Quote:
    return raw_quote(ts, "deribit", f"BTC-{expiry}", bid, ask, usd)


def liquidation(  # a few defaults spare every test the parts that it is not about
    ts: int,
    *,
    venue: str = "binance-futures",
    symbol: str = "BTCUSDT",
    price: float = 60_000.0,
    amount: float = 5.0,
    liquidated: Liquidated = Liquidated.LONG,
    price_kind: PriceKind = PriceKind.ORDER,
    completeness: Completeness = Completeness.ALL,
) -> Liquidation:
    return Liquidation(
        ts_event=ts,
        ts_init=ts,
        venue=venue,
        symbol=symbol,
        price=price,
        amount=amount,
        liquidated=liquidated,
        price_kind=price_kind,
        completeness=completeness,
    )


def instrument(venue: str, symbol: str) -> Instrument:
    """Return the bundled terms of an instrument."""
    found = InstrumentTable().resolve(venue, symbol)
    if found is None:
        raise LookupError(f"no terms for {symbol} of {venue}")
    return found


def chain_of(symbols: Iterable[str], *, confirms_stream: bool = True, family: str = "BTC") -> Chain:
    """Return a chain of these Deribit options without any quote, rows in the order of the names."""
    chain = Chain("deribit", family, confirms_stream=confirms_stream)
    for symbol in symbols:
        chain.list_instrument(instrument("deribit", symbol))
    return chain


def quote_values(bid: float = NAN, ask: float = NAN, underlying: float = NAN, size: float = 10.0) -> tuple[float, ...]:
    """Return what `Chain.update` takes."""
    return (bid, size, ask, size, NAN, NAN, underlying)


def run(engine: Engine, events: Iterable[Event], *, end: bool = True) -> list[Effect]:
    """Process events, then the end of the input, and return all effects."""
    effects: list[Effect] = []
    last = 0
    for event in events:
        last = event.ts_init
        effects += engine.process(event)
    if end:
        effects += engine.process(EndOfInput(ts_event=last, ts_init=last))
    return effects


def engine_of(config: EngineConfig | None = None) -> Engine:
    return Engine(EngineConfig() if config is None else config, InstrumentTable())


_T = TypeVar("_T")


def of_type(kind: type[_T], effects: Iterable[Effect]) -> list[_T]:
    return [effect for effect in effects if isinstance(effect, kind)]


def encoded(effects: Iterable[Effect]) -> bytes:
    """Return effects as bytes in which nothing but their own order counts."""
    return msgspec.msgpack.encode(list(effects), order="sorted")
