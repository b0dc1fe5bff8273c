"""Four perpetuals around the efficient price: own bases, spreads and depth, and what a taker gets there."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.random import Generator

from aftershock.model.units import BPS, NS_PER_S
from aftershock.sim.market.grid import Floats, Ints, at, from_start, ornstein_uhlenbeck
from aftershock.sim.market.listing import PERPS
from aftershock.sim.market.params import World

__all__ = ["Dislocation", "PerpQuotes", "Perps", "draw_perps"]

_QUIET_HZ, _BUSY_HZ, _HOT_HZ = 2.6, 8.0, 25.0
_BUSY_BPS, _HOT_BPS = 1.0, 3.0
_MOST_HALF_SPREAD_BPS = 8.0


class Dislocation(msgspec.Struct, frozen=True, kw_only=True):
    """One venue's price leaves the others and comes back with a half-life."""

    venue: int
    from_ns: int
    to_ns: int
    size_bps: float


class PerpQuotes(msgspec.Struct, frozen=True, kw_only=True):
    """What one venue publishes: int64[k] moments and float64[k] prices and native amounts."""

    moments: Ints
    bid: Floats
    bid_amount: Floats
    ask: Floats
    ask_amount: Floats


class Perps(msgspec.Struct, frozen=True, kw_only=True):
    """All venues of one episode.

    Attributes:
        clock: int64[n]; `offsets` the same from its start.
        log_mid: float64[venues, n]; `fair` the same without what is local to a venue for a while.
        half_spread_bps: float64[venues, n].
        coins: float64[venues, n], size at the top of either side.
        cost_bps: float64[n], taker fee and half-spread of the cheapest venue.
    """

    clock: Ints
    offsets: Floats
    log_mid: Floats
    fair: Floats
    half_spread_bps: Floats
    coins: Floats
    cost_bps: Floats

    def mid(self, venue: int, moments: Ints | int) -> Floats:
        """Return a venue's middle price at some moments."""
        return np.exp(at(moments, self.clock, self.log_mid[venue], self.offsets))

    def fair_at(self, venue: int, moment: int) -> float:
        """Return a venue's price without what is local to it for a while."""
        return float(np.exp(at(moment, self.clock, self.fair[venue], self.offsets)))

    def dislocation_bps(self, venue: int) -> Floats:
        """Return on the clock what a taker gains against a venue's fair price, after both perpetuals' costs."""
        away = BPS * np.abs(self.log_mid[venue] - self.fair[venue])
        others = np.array([v for v in range(len(PERPS)) if v != venue])
        fees = np.array([perp.fee_bps for perp in PERPS])
        other = (fees[others, None] + self.half_spread_bps[others]).min(axis=0)
        gain: Floats = away - fees[venue] - self.half_spread_bps[venue] - other
        return gain

    def touch(self, venue: int, moment: int, *, buying: bool) -> tuple[float, float]:
        """Return the price and the coins that a taker meets at a moment."""
        mid = float(self.mid(venue, moment))
        half = float(at(moment, self.clock, self.half_spread_bps[venue], self.offsets)) / BPS * mid
        tick = PERPS[venue].tick
        price = np.ceil((mid + half) / tick) * tick if buying else np.floor((mid - half) / tick) * tick
        return float(np.round(price, 1)), float(at(moment, self.clock, self.coins[venue], self.offsets))

    def cost_at(self, moments: Ints | int) -> Floats:
        """Return fee and half-spread of the cheapest venue at some moments, bps."""
        return at(moments, self.clock, self.cost_bps, self.offsets)

    def quotes(self, rng: Generator, venue: int, from_ns: int, hot_ns: tuple[int, int]) -> PerpQuotes:
        """Return what a venue publishes from a moment on: seldom when quiet, most often while a shock is fresh."""
        first = int(np.searchsorted(self.clock, from_ns))
        clock, mid = self.clock[first:], np.exp(self.log_mid[venue, first:])
        fast = np.abs(BPS * (self.log_mid[venue, first:] - at(clock - NS_PER_S, self.clock, self.log_mid[venue])))
        hot = (clock >= hot_ns[0]) & (clock < hot_ns[1])
        rate = np.where(hot & (fast > _HOT_BPS), _HOT_HZ, np.where(hot & (fast > _BUSY_BPS), _BUSY_HZ, _QUIET_HZ))
        turns = np.cumsum(rate * np.diff(clock, prepend=clock[0]) / NS_PER_S) + rng.uniform()
        # A slow step is longer than a turn: every moment of it publishes, so that all venues are fresh together.
        sent = np.flatnonzero(np.diff(np.floor(turns), prepend=-1.0) > 0)
        half = self.half_spread_bps[venue, first:][sent] / BPS * mid[sent]
        perp = PERPS[venue]
        bid = np.round(np.floor((mid[sent] - half) / perp.tick) * perp.tick, 1)
        ask = np.round(np.ceil((mid[sent] + half) / perp.tick) * perp.tick, 1)
        ask = np.where(ask > bid, ask, np.round(bid + perp.tick, 1))
        sizes = self.coins[venue, first:][sent] * np.exp(0.5 * rng.standard_normal((2, len(sent))))
        return PerpQuotes(
            moments=clock[sent],
            bid=bid,
            bid_amount=perp.amount(sizes[0], bid),
            ask=ask,
            ask_amount=perp.amount(sizes[1], ask),
        )


def draw_perps(
    rng: Generator,
    world: World,
    clock: Ints,
    log_price: Floats,
    local: Floats,
    depth: Floats,
    dislocations: list[Dislocation],
    first_fine_ns: int,
) -> Perps:
    """Draw the venues of one episode.

    Args:
        rng: Source of randomness.
        world: Bases, spreads, depth.
        clock: int64[n].
        log_price: float64[n], efficient, impact included.
        local: float64[venues, n], impact not yet followed by the others.
        depth: float64[n], depth factor.
        dislocations: Planted ones.
        first_fine_ns: Bases jump (shifted world) only after this.
    """
    venues = len(PERPS)
    basis = world.basis_sd_bps / BPS * ornstein_uhlenbeck(
        rng.standard_normal((venues, len(clock))), clock, world.basis_half_life_s
    )  # fmt: skip
    for venue in range(venues):
        for _ in range(rng.poisson(world.basis_jumps)):
            moment = int(rng.integers(first_fine_ns, int(clock[-1])))
            basis[venue] += world.basis_jump_bps / BPS * rng.standard_normal() * (clock >= moment)
    fair = log_price + basis
    log_mid = fair + local
    for each in dislocations:
        inside = (clock >= each.from_ns) & (clock < each.to_ns)
        back = np.exp2(-np.maximum(clock - each.to_ns, 0) / (0.5 * NS_PER_S))
        rise = np.clip((clock - each.from_ns) / (0.3 * NS_PER_S), 0.0, 1.0)
        log_mid[each.venue] += each.size_bps / BPS * np.where(inside, rise, np.where(clock >= each.to_ns, back, 0.0))
    low, high = np.log(world.perp_half_spread_bps).tolist()
    calm = np.exp(rng.uniform(low, high, size=venues))
    half = np.minimum(calm[:, None] / depth, _MOST_HALF_SPREAD_BPS)
    coins = world.perp_depth_coins * np.exp(0.3 * rng.standard_normal(venues))[:, None] * depth
    fees = np.array([perp.fee_bps for perp in PERPS])[:, None]
    return Perps(
        clock=clock,
        offsets=from_start(clock),
        log_mid=log_mid,
        fair=fair,
        half_spread_bps=half,
        coins=coins,
        cost_bps=(fees + half).min(axis=0),
    )
