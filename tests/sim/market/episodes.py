"""Paths and hand-made liquidations for the tests of the simulated market."""

from __future__ import annotations

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from aftershock.sim.market.hawkes import LiquidationParams, Liquidations, draw_liquidations

START_NS = 1_780_000_000 * 10**9  # 28 May 2026
SECOND_NS = 10**9
SHARES = (0.45, 0.2, 0.25, 0.1)


def ns(seconds: object) -> NDArray[np.int64]:
    return START_NS + np.rint(np.asarray(seconds, dtype=np.float64) * 1e9).astype(np.int64)


def draw(
    seed: int,
    params: LiquidationParams,
    seconds: NDArray[np.float64],
    moved_bps: NDArray[np.float64] | float = 0.0,
    depth: float = 1.0,
    regime: int = 0,
) -> Liquidations:
    """Draw an episode of constant depth and regime."""
    n = len(seconds)
    return draw_liquidations(
        Generator(PCG64(seed)),
        params,
        ns(seconds),
        11.4 + np.broadcast_to(np.asarray(moved_bps, dtype=np.float64) / 1e4, n),
        np.full(n, depth),
        np.full(n, regime, dtype=np.int8),
        SHARES,
    )


def cascade(seed: int) -> Liquidations:
    """Draw 80 bps down in three seconds under stress, with a tenth of the depth."""
    seconds = np.arange(0.0, 120.0, 0.05)
    return draw(seed, LiquidationParams(), seconds, -80 * np.clip((seconds - 20) / 3, 0, 1), depth=0.1, regime=2)


def single_fills(seconds: object, venue: int, usd: object = 90_000.0, side: int = -1) -> Liquidations:
    """Make parents of one child fill each, 100 ms later; `seconds` are those of the fills."""
    fills = ns(seconds).reshape(-1)
    m = len(fills)
    notional = np.broadcast_to(np.asarray(usd, dtype=np.float64), m).copy()
    return Liquidations(
        ts_ns=fills - 10**8,
        forced_side=np.full(m, side, dtype=np.int8),
        usd=notional,
        venue=np.full(m, venue, dtype=np.int8),
        child_parent=np.arange(m),
        child_ts_ns=fills,
        child_usd=notional,
    )
