"""Quotes of four perpetuals and one dated future, and the ticker that carries the index."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from aftershock.model.units import BPS
from aftershock.sim.sample.chain import EXPIRIES
from aftershock.sim.sample.feeds import Table, clocks_us, text
from aftershock.sim.sample.path import Market
from aftershock.sim.sample.story import DURATION_S, Decoy

__all__ = ["FUTURES", "PERPS", "Book", "log_mid", "make_basis", "quotes", "ticker"]

_Array = NDArray[np.float64]
_BASIS_HALF_LIFE_S = 120.0
_CALM_GAP_S = (0.08, 0.26)
_STRESSED_GAP_S = (0.02, 0.08)
_STRESSED = 0.3
_TICKER_GAP_S = (0.3, 0.6)


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """How one venue quotes one perpetual or future.

    Attributes:
        venue, symbol: As Tardis names them.
        tick: Price step, USD.
        amounts_per_coin: Native amounts that make one coin near the start price; `amount_step` is their step.
        amount_step: Smallest difference of two native amounts.
        lag_s: The price follows the index so late.
        latency_ms: Median way from the venue to us.
        basis_bps: Level of the price over the index.
        half_spread_bps: When calm; one tick at least.
        depth_coins: Median size at the best price when calm.
    """

    venue: str
    symbol: str
    tick: float
    amounts_per_coin: float
    amount_step: float
    lag_s: float
    latency_ms: float
    basis_bps: float
    half_spread_bps: float
    depth_coins: float


PERPS = (
    Book(
        venue="binance-futures", symbol="BTCUSDT", tick=0.1, amounts_per_coin=1.0, amount_step=0.001,
        lag_s=0.0, latency_ms=34.0, basis_bps=3.8, half_spread_bps=0.02, depth_coins=9.0,
    ),
    Book(
        venue="okex-swap", symbol="BTC-USDT-SWAP", tick=0.1, amounts_per_coin=100.0, amount_step=0.01,
        lag_s=0.02, latency_ms=28.0, basis_bps=3.1, half_spread_bps=0.02, depth_coins=7.0,
    ),
    Book(
        venue="bybit", symbol="BTCUSDT", tick=0.1, amounts_per_coin=1.0, amount_step=0.001,
        lag_s=0.03, latency_ms=31.0, basis_bps=3.4, half_spread_bps=0.02, depth_coins=6.0,
    ),
    Book(
        venue="deribit", symbol="BTC-PERPETUAL", tick=0.5, amounts_per_coin=90_000.0, amount_step=10.0,
        lag_s=0.05, latency_ms=12.0, basis_bps=1.6, half_spread_bps=0.04, depth_coins=5.0,
    ),
)  # fmt: skip
"""The venues of the consolidated forward; the first leads."""

FUTURES = tuple(
    Book(
        venue="deribit",
        symbol=f"BTC-{expiry.name}",
        tick=2.5,
        amounts_per_coin=90_000.0,
        amount_step=10.0,
        lag_s=0.05,
        latency_ms=12.0,
        basis_bps=expiry.carry_bps,
        half_spread_bps=0.3,
        depth_coins=3.0,
    )
    for expiry in EXPIRIES
    if expiry.has_future
)


def make_basis(rng: Generator, book: Book) -> tuple[_Array, _Array]:
    """Return moments and values (bps over the index) of a basis that wobbles by half a basis point."""
    seconds = np.arange(0.0, DURATION_S + 2.0)
    keep = 0.5 ** (1.0 / _BASIS_HALF_LIFE_S)
    noise = 0.5 * np.sqrt(1 - keep * keep) * rng.standard_normal(len(seconds))
    wobble = np.zeros_like(seconds)
    for i in range(1, len(seconds)):
        wobble[i] = keep * wobble[i - 1] + noise[i]
    return seconds, book.basis_bps + wobble


def log_mid(
    market: Market, book: Book, basis: tuple[_Array, _Array], decoys: tuple[Decoy, ...], seconds: _Array
) -> _Array:
    """Return the logarithm of the venue's mid price at some moments."""
    over_bps = np.interp(seconds, *basis)
    for decoy in decoys:
        if book.venue == decoy.venue:
            corners_s = (decoy.start_s, decoy.start_s + 0.2, decoy.end_s - 0.3, decoy.end_s)
            over_bps = over_bps + decoy.move_bps * np.interp(seconds, corners_s, (0.0, 1.0, 1.0, 0.0))
    return market.at(market.log_index, seconds - book.lag_s) + over_bps / BPS


def quotes(rng: Generator, market: Market, book: Book, decoys: tuple[Decoy, ...]) -> Table:
    """Return one venue's best bid and ask, several rows a second, many more in a shock."""
    seconds = _message_times(rng, market)
    mid = np.exp(log_mid(market, book, make_basis(rng, book), decoys, seconds))
    stress = market.at(market.stress, seconds)
    half = mid / BPS * book.half_spread_bps * (1 + 8 * stress)
    bid = np.floor((mid - half) / book.tick) * book.tick
    ask = bid + np.maximum(1, np.round(2 * half / book.tick)) * book.tick
    event, local = clocks_us(rng, seconds, book.latency_ms)
    return Table(
        venue=book.venue,
        kind="quotes",
        group=book.symbol,
        symbols=[book.symbol] * len(seconds),
        timestamps_us=event,
        local_timestamps_us=local,
        columns=(
            _amounts(rng, book, stress),
            text(ask.tolist(), 1),
            text(bid.tolist(), 1),
            _amounts(rng, book, stress),
        ),
    )


def ticker(rng: Generator, market: Market, book: Book) -> Table:
    """Return the perpetual's ticker: two or three rows a second with the index."""
    seconds = np.cumsum(rng.uniform(*_TICKER_GAP_S, size=int(DURATION_S / _TICKER_GAP_S[0])))
    seconds = seconds[seconds < DURATION_S]
    index = np.exp(market.at(market.log_index, seconds))
    mark = index * np.exp(book.basis_bps / BPS)
    event, local = clocks_us(rng, seconds, book.latency_ms)
    rows = len(seconds)
    return Table(
        venue=book.venue,
        kind="derivative_ticker",
        group=book.symbol,
        symbols=[book.symbol] * rows,
        timestamps_us=event,
        local_timestamps_us=local,
        columns=(
            [""] * rows,
            ["0.00001"] * rows,
            [""] * rows,
            ["812345670"] * rows,
            text((np.round(mark / book.tick) * book.tick).tolist(), 1),
            text(index.tolist(), 2),
            text(mark.tolist(), 2),
        ),
    )


def _message_times(rng: Generator, market: Market) -> _Array:
    moments, now = [], rng.uniform(0.0, 0.2)
    draws = iter(rng.random(int(DURATION_S / _STRESSED_GAP_S[0])).tolist())
    while now < DURATION_S:
        moments.append(now)
        stressed = market.at(market.stress, np.array([now]))[0] > _STRESSED
        low, high = _STRESSED_GAP_S if stressed else _CALM_GAP_S
        now += low + (high - low) * next(draws)
    return np.array(moments)


def _amounts(rng: Generator, book: Book, stress: _Array) -> list[str]:
    coins = book.depth_coins * (1 - 0.5 * stress) * np.exp(0.5 * rng.standard_normal(len(stress)))
    steps = np.maximum(1, np.round(coins * book.amounts_per_coin / book.amount_step))
    return text((steps * book.amount_step).tolist(), 3)
