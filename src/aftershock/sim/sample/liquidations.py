"""Forced liquidations as three feeds show them: two print every fill, one the latest order of a second."""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from aftershock.sim.sample.feeds import Table, clocks_us, text
from aftershock.sim.sample.path import Market
from aftershock.sim.sample.story import DURATION_S, Shock

__all__ = ["FEEDS", "Feed", "liquidations"]

_Side = Literal["buy", "sell"]

_QUIET_GAP_S = 150.0
_MEDIAN_COINS = 0.25
_SPREAD = 1.3
_MOST_COINS = 12.0
_ORDER_MARGIN = 0.004
"""A liquidation order's limit stands so far beyond the market that it fills; it is not where it traded."""


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """One venue's feed.

    Attributes:
        venue, symbol, group: As Tardis names them; `group` is the file's.
        prints: Liquidations in one cascade.
        latency_ms: Median way to us.
        amount_in_usd: True where the venue counts dollars.
        throttled: True if only the latest order of each second is shown, at its limit price.
        tick: Price step, USD.
    """

    venue: str
    symbol: str
    group: str
    prints: int
    latency_ms: float
    tick: float
    amount_in_usd: bool = False
    throttled: bool = False


FEEDS = (
    Feed(venue="ftx-restart", symbol="BTC-PERP", group="PERPETUALS", prints=34, latency_ms=24.0, tick=1.0),
    Feed(
        venue="deribit", symbol="BTC-PERPETUAL", group="PERPETUALS", prints=22, latency_ms=12.0, tick=0.5,
        amount_in_usd=True,
    ),
    Feed(
        venue="binance-futures", symbol="BTCUSDT", group="PERPETUALS", prints=120, latency_ms=34.0, tick=0.1,
        throttled=True,
    ),
)  # fmt: skip


def liquidations(rng: Generator, market: Market, feed: Feed, shocks: tuple[Shock, ...]) -> Table:
    """Return one venue's liquidations: a few at any time, a burst while a shock forces one side out."""
    seconds, sides = _forced_moments(rng, feed, shocks)
    coins = np.minimum(_MOST_COINS, _MEDIAN_COINS * np.exp(_SPREAD * rng.standard_normal(len(seconds))))
    if feed.throttled:
        keep = _latest_of_each_second(seconds)
        seconds, sides, coins = seconds[keep], [sides[i] for i in keep.tolist()], coins[keep]
    buys = np.array([side == "buy" for side in sides])
    price = np.exp(market.at(market.log_index, seconds))
    if feed.throttled:
        price = price * np.where(buys, 1 + _ORDER_MARGIN, 1 - _ORDER_MARGIN)
    price = np.round(price / feed.tick) * feed.tick
    usd = np.maximum(10, np.round(coins * price / 10) * 10)
    amounts = usd if feed.amount_in_usd else np.maximum(0.001, coins)
    event, local = clocks_us(rng, seconds, feed.latency_ms)
    ids = ["" if feed.throttled else str(700_001 + i) for i in range(len(seconds))]
    return Table(
        venue=feed.venue,
        kind="liquidations",
        group=feed.group,
        symbols=[feed.symbol] * len(seconds),
        timestamps_us=event,
        local_timestamps_us=local,
        columns=(ids, list(sides), text(price.tolist(), 1), text(amounts.tolist(), 3)),
    )


def _forced_moments(rng: Generator, feed: Feed, shocks: tuple[Shock, ...]) -> tuple[NDArray[np.float64], list[_Side]]:
    """Return moments and the forced orders' sides: a long is closed by a sell."""
    now, drawn = rng.exponential(_QUIET_GAP_S), list[tuple[float, _Side]]()
    while now < DURATION_S:
        drawn.append((now, "buy" if rng.random() < 0.5 else "sell"))
        now += rng.exponential(_QUIET_GAP_S)
    for shock in shocks:
        if not shock.liquidated:
            continue
        for gulp in shock.gulps:
            count = round(feed.prints * gulp.move_bps / shock.move_bps)
            moments = gulp.start_s + gulp.length_s * rng.beta(1.2, 2.0, size=count)
            side: _Side = "sell" if shock.liquidated == "long" else "buy"
            drawn += [(moment, side) for moment in moments.tolist()]
    drawn.sort()
    return np.array([moment for moment, _ in drawn]), [side for _, side in drawn]


def _latest_of_each_second(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    second = np.floor(seconds).astype(np.int64)
    is_last = np.append(second[1:] != second[:-1], True)
    return np.flatnonzero(is_last)
