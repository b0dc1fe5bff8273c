"""Forced liquidations, drawn by Ogata's thinning: two self-exciting processes fed by adverse moves, their own too."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from aftershock.model.units import NS_PER_MS, NS_PER_S
from aftershock.sim.market.impact import impact
from aftershock.sim.market.intensity import Intensity, Path
from aftershock.sim.market.liquidations import LiquidationParams, Liquidations, Regime

__all__ = ["LiquidationParams", "Liquidations", "Regime", "draw_liquidations", "impact"]

_BURST_NS = 50 * NS_PER_MS, 300 * NS_PER_MS


def draw_liquidations(
    rng: Generator,
    params: LiquidationParams,
    grid_ns: NDArray[np.int64],
    log_price: NDArray[np.float64],
    depth: NDArray[np.float64],
    regime: NDArray[np.int8],
    venue_share: tuple[float, ...],
) -> Liquidations:
    """Draw one episode. Equal arguments and an equal generator give equal bytes.

    Per side, the intensity is `mu + kappa * max(0, d10 - d0) + sum alpha * exp(-beta * (t - tj))`. d10 is the adverse
    move of the last ten seconds in basis points: of `log_price`, plus what earlier liquidations have left there.

    Args:
        rng: The only source of chance.
        params: Of liquidations and their impact.
        grid_ns: int64[n], increasing, steps of any length. Parents fall between its ends.
        log_price: float64[n], without any liquidation's impact; linear between grid points, level before the first.
        depth: float64[n], relative to a normal day, above zero; constant from each grid point to the next.
        regime: int8[n], codes of `Regime`; constant likewise.
        venue_share: Probability that a liquidation is on each venue.

    Raises:
        ValueError: The shares are no distribution, the grid has fewer than two points, or a depth is not positive.
    """
    if not (min(venue_share) >= 0 and abs(sum(venue_share) - 1) < 1e-9):
        raise ValueError(f"venue_share is {venue_share}: it must be shares that sum to 1")
    if len(grid_ns) < 2 or not float(depth.min()) > 0:
        raise ValueError("a path needs at least two grid points, and a depth above zero at each")
    start = int(grid_ns[0])
    path = Path((grid_ns - start) / NS_PER_S, log_price, depth, regime)
    seconds, sides, sizes, regimes = _parents(rng, params, path)
    ts_ns = start + np.rint(np.array(seconds) * NS_PER_S).astype(np.int64)
    usd = np.array(sizes, dtype=np.float64)
    venue = np.searchsorted(np.cumsum(venue_share)[:-1], rng.random(len(usd)), side="right").astype(np.int8)
    child_parent, child_ts_ns, child_usd = _children(rng, params, ts_ns, usd, np.array(regimes, dtype=np.int64))
    return Liquidations(
        ts_ns=ts_ns,
        forced_side=np.array(sides, dtype=np.int8),
        usd=usd,
        venue=venue,
        child_parent=child_parent,
        child_ts_ns=child_ts_ns,
        child_usd=child_usd,
    )


def _parents(
    rng: Generator, params: LiquidationParams, path: Path
) -> tuple[list[float], list[int], list[float], list[int]]:
    """Return seconds, sides, notionals and regimes of the parents, in time order."""
    seconds, sides, sizes, regimes = list[float](), list[int](), list[float](), list[int]()
    intensity = Intensity(params, path)
    # A unit exponential that the bound uses up: candidates need no new draw at a block's end.
    patience = rng.standard_exponential()
    while intensity.now_s < path.end_s:
        until_s = min(math.floor(intensity.now_s) + 1.0, path.end_s)
        bound = intensity.bound(until_s)
        spent = bound * (until_s - intensity.now_s)
        if spent <= patience:
            patience -= spent
            intensity.advance(until_s)
            continue
        intensity.advance(min(intensity.now_s + patience / bound, until_s))
        patience = rng.standard_exponential()
        buys, sells = intensity.rates()
        drawn = rng.random() * bound
        if drawn < buys + sells:
            side = 1 if drawn < buys else -1
            usd = params.size_median_usd * math.exp(params.size_sigma_ln * rng.standard_normal())
            usd = min(params.size_cap_usd, usd)
            seconds.append(intensity.now_s)
            sides.append(side)
            sizes.append(usd)
            regimes.append(intensity.add(side, usd))
    return seconds, sides, sizes, regimes


def _children(
    rng: Generator,
    params: LiquidationParams,
    ts_ns: NDArray[np.int64],
    usd: NDArray[np.float64],
    regimes: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Split each parent into a geometric number of fills: uniform times within the burst, uniform cuts of the size."""
    counts = rng.geometric(1.0 / np.array(params.children_mean)[regimes])
    parent = np.repeat(np.arange(len(usd)), counts)
    delay_ns = rng.integers(_BURST_NS[0], _BURST_NS[1], size=len(parent), endpoint=True)
    weight = rng.standard_exponential(len(parent))
    # One key for both, parents first: several times as fast as sorting by two columns.
    delay_ns = np.sort(parent * NS_PER_S + delay_ns) - parent * NS_PER_S
    total = np.bincount(parent, weights=weight, minlength=len(usd))
    return parent, ts_ns[parent] + delay_ns, usd[parent] * weight / total[parent]
