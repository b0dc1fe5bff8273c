"""What liquidations do to prices: the square-root law, its partial reversion, and how other venues follow."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from aftershock.model.units import BPS, NS_PER_S
from aftershock.sim.market.liquidations import LiquidationParams, Liquidations

__all__ = ["SquareRootLaw", "grid_index", "impact"]

_LN2 = math.log(2.0)


class SquareRootLaw:
    """Moves the price by one liquidation after the other, and remembers how much each side has already traded.

    With A the side's notional so far, decayed, the next Q moves the log price by
    `sgn * Y * sigma_d * (sqrt((A + Q) / (D * V_d)) - sqrt(A / (D * V_d)))`. So what is traded at one moment moves it
    equally far in one piece or in many. A is that of the whole market, like V_d: which venue printed it is no matter.
    """

    def __init__(self, params: LiquidationParams) -> None:
        """Start with nothing traded."""
        self._scale = params.impact_y * params.sigma_day_bps / BPS / math.sqrt(params.volume_day_usd)
        self._rate = _LN2 / params.memory_half_life_s
        self._traded = {1: 0.0, -1: 0.0}
        self._at_s = {1: 0.0, -1: 0.0}

    def hit(self, at_s: float, side: int, usd: float, depth: float) -> float:
        """Trade and return the move of the log price on the venue hit.

        Args:
            at_s: Moment, seconds; not before the last one.
            side: +1 forced buy, -1 forced sell.
            usd: Notional.
            depth: Of the books, relative to a normal day: 1 calm, 0.1 when nine tenths are gone.
        """
        before = self._traded[side] * math.exp(-self._rate * (at_s - self._at_s[side]))
        after = before + usd
        self._traded[side], self._at_s[side] = after, at_s
        return side * self._scale * (math.sqrt(after) - math.sqrt(before)) / math.sqrt(depth)


def impact(
    params: LiquidationParams,
    liquidations: Liquidations,
    grid_ns: NDArray[np.int64],
    depth: NDArray[np.float64],
    follow_half_life_s: tuple[float, ...],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute what liquidations add to the log prices of a path.

    The venue hit shows an impact at once; the common price follows with the half-life that belongs to that venue, so
    the other venues do. A venue's price is exogenous + common + local.

    Args:
        params: Of the impact.
        liquidations: Parents in time order.
        grid_ns: int64[n], increasing.
        depth: float64[n], constant from each grid point to the next.
        follow_half_life_s: One per venue: how long until the others have followed half of a move of this one.

    Returns:
        (common float64[n], local float64[venues, n]), both in log price.

    Raises:
        ValueError: A liquidation is on a venue that has no half-life.
    """
    venues = len(follow_half_life_s)
    if len(liquidations) and not 0 <= int(liquidations.venue.min()) <= int(liquidations.venue.max()) < venues:
        raise ValueError(f"a liquidation is on a venue beyond the {venues} that have a follow_half_life_s")
    start = int(grid_ns[0])
    at_s = (liquidations.ts_ns - start) / NS_PER_S
    moves = _moves(params, liquidations, at_s, depth[grid_index(grid_ns, liquidations.ts_ns)])
    # One row per venue for what the others have still to follow, and one for all of it.
    follow_rates = _LN2 / np.array([*follow_half_life_s, math.inf])
    states = _states(params, at_s, moves, liquidations.venue, follow_rates)
    last = np.searchsorted(liquidations.ts_ns, grid_ns, side="right")
    since_s = (grid_ns - start) / NS_PER_S - np.concatenate((np.zeros(1), at_s))[last]
    fast = np.exp(since_s * (-_LN2 / params.fast_half_life_s))
    slow = np.exp(since_s * (-_LN2 / params.slow_half_life_s))
    rows = np.empty((venues + 1, len(grid_ns)))
    for row, (state, rate) in enumerate(zip(states, follow_rates.tolist(), strict=True)):
        rows[row] = state[0][last] + state[1][last] * fast + state[2][last] * slow
        if rate:
            rows[row] *= np.exp(since_s * -rate)
    return rows[-1] - rows[:-1].sum(axis=0), rows[:-1]


def grid_index(grid_ns: NDArray[np.int64], ts_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the grid point whose values hold at each moment: the last one not after it."""
    return np.maximum(np.searchsorted(grid_ns, ts_ns, side="right") - 1, 0)


def _moves(
    params: LiquidationParams, liquidations: Liquidations, at_s: NDArray[np.float64], depth: NDArray[np.float64]
) -> NDArray[np.float64]:
    law = SquareRootLaw(params)
    rows = zip(at_s.tolist(), liquidations.forced_side.tolist(), liquidations.usd.tolist(), depth.tolist(), strict=True)
    return np.array([law.hit(*row) for row in rows], dtype=np.float64)


def _states(
    params: LiquidationParams,
    at_s: NDArray[np.float64],
    moves: NDArray[np.float64],
    venue: NDArray[np.int8],
    follow_rates: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the sums of permanent, fast and slow parts as they stand after each of m moves.

    Returns:
        float64[venues + 1, 3, m + 1]: nothing first, then after each move; the last row holds the moves of all venues.
    """
    decay_rates = np.array([0.0, _LN2 / params.fast_half_life_s, _LN2 / params.slow_half_life_s])
    kept = params.permanent_share
    parts = moves[:, np.newaxis] * np.array([kept, (1 - kept) / 2, (1 - kept) / 2])
    added = np.zeros((len(moves), len(follow_rates), 3))
    added[:, -1] = parts
    added[np.arange(len(moves)), venue] = parts
    gaps = np.diff(at_s, prepend=at_s[:1])[:, np.newaxis, np.newaxis]
    factors = np.exp(-gaps * (follow_rates[:, np.newaxis] + decay_rates))
    states = np.zeros((len(moves) + 1, len(follow_rates), 3))
    state = states[0]
    for row, (factor, more) in enumerate(zip(factors, added, strict=True), start=1):
        state = state * factor + more
        states[row] = state
    return np.ascontiguousarray(np.moveaxis(states, 0, -1))
