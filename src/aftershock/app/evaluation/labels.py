"""What an order was truly worth: the edge label, the realised label, and the way from the claim to both.

Only here, in the simulator's company, is anything compared with the truth; no figure of the strategy enters a label.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from aftershock.model.orders import Leg, OrderIntent, Side
from aftershock.model.signals import ArbitrageSignal
from aftershock.model.units import BPS, NAN, NS_PER_MS, NS_PER_S
from aftershock.sim.market.episode import Episode
from aftershock.sim.market.listing import PERPS
from aftershock.study.records import HORIZONS, LATENCIES_MS, latency_key

__all__ = ["LegFill", "by_latency", "edge_bps", "leg_names", "partial_loss_usd", "realised_bps", "waterfall_bps"]

_HORIZON_NS = {"1s": NS_PER_S, "10s": 10 * NS_PER_S, "60s": 60 * NS_PER_S, "10m": 600 * NS_PER_S}
_BUSTED_BPS = -5.0
"""What a trade costs that the venue takes back: the fees and the hedge there and back, in round figures."""
_DELIVERY_BPS = 1.5
_VENUE_OF_PERP = {(perp.venue, perp.symbol): v for v, perp in enumerate(PERPS)}


class LegFill(NamedTuple):
    """One fill of one leg: when at the venue, at what quoted price, how many coins, and whether it will be undone."""

    moment: int
    price: float
    coins: float
    busted: bool


def leg_names(legs: tuple[Leg, ...]) -> tuple[str, ...]:
    """Return each leg as side, venue and symbol: with trigger and type, what an opportunity is in every run."""
    return tuple(f"{leg.side.value} {leg.venue} {leg.symbol}" for leg in legs)


def _sign(leg: Leg) -> float:
    return 1.0 if leg.side is Side.BUY else -1.0


def edge_bps(episode: Episode, intent: OrderIntent, fills: list[list[LegFill]]) -> float:
    """Return PnL0 per coin of the package in bps of the forward: truth at the fills, after fees and hedge.

    Args:
        episode: The market.
        intent: What was ordered.
        fills: Of each leg; the package counts for its smallest leg, and every leg at its average.
    """
    if any(fill.busted for leg in fills for fill in leg):
        return _BUSTED_BPS
    if all((leg.venue, leg.symbol) in _VENUE_OF_PERP for leg in intent.legs):
        return sum(_perp_edge(episode, leg, leg_fills) for leg, leg_fills in zip(intent.legs, fills, strict=True))
    if len(intent.legs) == 1:
        return _mean([(_option_edge(episode, intent.legs[0], fill), fill.coins) for fill in fills[0]])
    total = 0.0
    for leg, leg_fills in zip(intent.legs, fills, strict=True):
        total += leg.ratio * _mean([(_option_edge(episode, leg, f, hedged=False), f.coins) for f in leg_fills])
    hedge = intent.hedge
    if hedge is not None and intent.quantity > 0:
        moment = max(fill.moment for leg in fills for fill in leg)
        total -= abs(hedge.coins / intent.quantity) * float(episode.perps.cost_at(moment))
    return total - (_DELIVERY_BPS if intent.edge.startswith("B") else 0.0)


def _mean(parts: list[tuple[float, float]]) -> float:
    weight = sum(coins for _, coins in parts)
    return sum(value * coins for value, coins in parts) / weight if weight > 0 else NAN


def _option(episode: Episode, leg: Leg) -> int:
    return episode.surface.listing.position[leg.venue, leg.symbol]


def _option_edge(episode: Episode, leg: Leg, fill: LegFill, *, hedged: bool = True) -> float:
    found = episode.truth.net_bps(
        np.array([fill.moment], dtype=np.int64), np.array([_option(episode, leg)], dtype=np.int64),
        np.array([fill.price]), _sign(leg), hedged=hedged,
    )  # fmt: skip
    return float(found[0])


def _perp_edge(episode: Episode, leg: Leg, fills: list[LegFill]) -> float:
    venue = _VENUE_OF_PERP[leg.venue, leg.symbol]
    parts = [
        (
            BPS * _sign(leg) * (episode.perps.fair_at(venue, fill.moment) / fill.price - 1.0) - PERPS[venue].fee_bps,
            fill.coins,
        )
        for fill in fills
    ]
    return _mean(parts)


def realised_bps(
    episode: Episode, intent: OrderIntent, fills: list[list[LegFill]], *, hedge_delay_ns: int, hedged: bool
) -> dict[str, float]:
    """Return PnL_H per coin at each horizon, marked at the true value, the hedge bought `hedge_delay_ns` later.

    Single options only: what packages lock in is their edge, and a horizon beyond the window is NaN.
    """
    if len(intent.legs) != 1 or (intent.legs[0].venue, intent.legs[0].symbol) in _VENUE_OF_PERP:
        return {}
    if any(fill.busted for fill in fills[0]):
        return dict.fromkeys(HORIZONS, _BUSTED_BPS)
    leg, option, sign = intent.legs[0], _option(episode, intent.legs[0]), _sign(intent.legs[0])
    first = fills[0][0]
    entry = _mean([(_option_edge(episode, leg, fill), fill.coins) for fill in fills[0]])
    moments = [first.moment, *(first.moment + _HORIZON_NS[h] for h in HORIZONS)]
    inside = [min(moment, episode.end_ns) for moment in moments]
    values = episode.truth.worth_usd(np.array(inside, dtype=np.int64), np.full(len(inside), option, dtype=np.int64))
    spot = np.exp(episode.surface.log_at(np.array([first.moment + hedge_delay_ns, *inside[1:]], dtype=np.int64)))
    ratio = float(episode.truth.hedge_ratio(first.moment, option, first.price)) if hedged else 0.0
    found = {}
    for h, horizon in enumerate(HORIZONS, start=1):
        gain = sign * (values.usd[h] - values.usd[0]) - sign * ratio * (spot[h] - spot[0])
        found[horizon] = entry + BPS * float(gain / values.forward[0]) if moments[h] <= episode.end_ns else NAN
    return found


def by_latency(episode: Episode, intent: OrderIntent, decided: int, limits: list[float]) -> dict[str, float]:
    """Return PnL0 in bps had the order taken each latency, NaN where it would not have filled; one leg only."""
    keys = [latency_key(latency) for latency in LATENCIES_MS]
    leg = intent.legs[0]
    if len(intent.legs) != 1 or (leg.venue, leg.symbol) in _VENUE_OF_PERP:
        return {}
    option, buying, sign = _option(episode, leg), leg.side is Side.BUY, _sign(leg)
    moments, prices = [], []
    for latency in LATENCIES_MS:
        moment = decided + int(latency * NS_PER_MS) + episode.bump_ns(leg.venue)
        price = NAN
        if moment <= episode.end_ns:
            for level in episode.books.ladder(option, moment, asks=buying):
                if level.fillable and not level.busted and sign * (limits[0] - level.price) >= -1e-12:
                    price = level.price
                    break
        moments.append(min(moment, episode.end_ns))
        prices.append(price)
    edges = episode.truth.net_bps(
        np.array(moments, dtype=np.int64), np.full(len(moments), option, dtype=np.int64), np.array(prices), sign
    )
    return dict(zip(keys, edges.tolist(), strict=True))


def waterfall_bps(
    episode: Episode, intent: OrderIntent, signal: ArbitrageSignal | None, fills: list[list[LegFill]], edge: float
) -> dict[str, float]:
    """Return the way from the claimed gross edge to the edge label; the parts sum to the label."""
    if signal is None or edge != edge:  # noqa: PLR0124  NaN
        return {}
    forward = signal.forward
    steps = {
        "claimed_gross": signal.gross_spread_bps,
        "option_fees": -BPS * signal.fee_usd / forward,
        "hedge": -BPS * signal.hedge_cost_usd / forward,
    }
    if len(intent.legs) == 1 and (intent.legs[0].venue, intent.legs[0].symbol) not in _VENUE_OF_PERP:
        leg, option, sign = intent.legs[0], _option(episode, intent.legs[0]), _sign(intent.legs[0])
        moment = fills[0][0].moment
        worth = episode.truth.worth_usd(
            np.array([signal.ts_init, moment], dtype=np.int64), np.array([option, option], dtype=np.int64)
        )
        unit = float(worth.forward[1]) if episode.surface.listing.inverse[option] else 1.0
        paid = _mean([(fill.price * unit, fill.coins) for fill in fills[0]])
        steps["value_error"] = BPS * sign * float(worth.usd[0] - signal.value_usd) / forward
        steps["latency"] = BPS * sign * float(worth.usd[1] - worth.usd[0]) / forward
        steps["price"] = -BPS * sign * (paid - leg.price_usd) / forward
    steps["costs_differ"] = edge - sum(steps.values())
    return steps


def partial_loss_usd(episode: Episode, intent: OrderIntent, fills: list[list[LegFill]], delay_ns: int) -> float:
    """Return what it cost to get rid of legs that filled beyond the package, at most 0.

    Every excess is sold, or bought back, at what the other side of its book gives after a reply and an order have
    travelled; what the book does not hold is marked at its last price twice as far away.
    """
    if len(intent.legs) == 1:
        return 0.0
    got = [sum(fill.coins for fill in leg) for leg in fills]
    common = min(coins / leg.ratio for coins, leg in zip(got, intent.legs, strict=True))
    last = max((fill.moment for leg in fills for fill in leg), default=0)
    loss = 0.0
    for leg, leg_fills, coins in zip(intent.legs, fills, got, strict=True):
        excess = coins - common * leg.ratio
        if excess > 1e-9:
            loss += _unwound_usd(episode, leg, leg_fills, excess, min(last + delay_ns, episode.end_ns))
    return min(loss, 0.0)


def _unwound_usd(episode: Episode, leg: Leg, fills: list[LegFill], excess: float, moment: int) -> float:
    paid = _mean([(fill.price, fill.coins) for fill in fills])
    buying_back = leg.side is Side.SELL
    venue = _VENUE_OF_PERP.get((leg.venue, leg.symbol))
    if venue is not None:
        price, _ = episode.perps.touch(venue, moment, buying=buying_back)
        return (_sign(leg) * (price - paid) - 2.0 * PERPS[venue].fee_bps / BPS * paid) * excess
    option = _option(episode, leg)
    left, gained, price = excess, 0.0, paid
    for level in episode.books.ladder(option, moment, asks=buying_back):
        if level.fillable and left > 0:
            part = min(level.coins, left)
            gained += _sign(leg) * (level.price - paid) * part
            left, price = left - part, level.price
    gained += _sign(leg) * 2.0 * (price - paid) * left
    forward = float(episode.surface.forward(moment, int(episode.surface.listing.expiry[option])))
    inverse = bool(episode.surface.listing.inverse[option])
    premium = paid * (forward if inverse else 1.0)
    fee = 2.0 * min(episode.truth.costs.rate[0] * forward, episode.truth.costs.cap[0 if inverse else 1] * premium)
    return gained * (forward if inverse else 1.0) - fee * excess
