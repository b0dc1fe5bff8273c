"""The clock of one episode: a grid of integer nanoseconds, fine where something happens.

Everything that moves is defined on it and straight in between, so that a value at any nanosecond is exact.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aftershock.model.units import NS_PER_MS, NS_PER_S
from aftershock.sim.market.plan import AFTER_S, BEFORE_S

__all__ = ["Floats", "Ints", "at", "from_start", "grid", "ornstein_uhlenbeck"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_SLOW_MS, _SETTLING_MS, _CALM_MS, _HOT_MS, _COOLING_MS = 5_000, 1_000, 50, 5, 20
_SETTLING_S = 60
_HOT_BEFORE_S, _HOT_AFTER_S, _COOLING_AFTER_S = 1, 25, 90


def grid(begin_ns: int, start_ns: int, onset_ns: int) -> Ints:
    """Return the moments of one episode, ascending.

    Args:
        begin_ns: End of the episode before, from where the market is stepped slowly.
        start_ns: Start of the fine window.
        onset_ns: When the planned shock begins.
    """
    hot, cool = onset_ns - _HOT_BEFORE_S * NS_PER_S, onset_ns + _HOT_AFTER_S * NS_PER_S
    calm = onset_ns + _COOLING_AFTER_S * NS_PER_S
    end = start_ns + (BEFORE_S + AFTER_S) * NS_PER_S
    settling = max(begin_ns, start_ns - _SETTLING_S * NS_PER_S)
    parts = [
        _steps(begin_ns, settling, _SLOW_MS),
        _steps(settling, start_ns, _SETTLING_MS),
        _steps(start_ns, hot, _CALM_MS),
        _steps(hot, cool, _HOT_MS),
        _steps(cool, calm, _COOLING_MS),
        _steps(calm, end, _CALM_MS),
        np.array([end], dtype=np.int64),
    ]
    return np.concatenate(parts)


def _steps(first: int, last: int, step_ms: int) -> Ints:
    return np.arange(first, last, step_ms * NS_PER_MS, dtype=np.int64)


def at(moments: Ints | int, clock: Ints, values: Floats, offsets: Floats | None = None) -> Floats:
    """Return values at some moments, straight between those of the grid and constant beyond its ends.

    Args:
        moments: int64[m] or one, ns.
        clock: int64[n], the grid.
        values: float64[n].
        offsets: The grid as `from_start` gives it, where the caller keeps it.
    """
    known = from_start(clock) if offsets is None else offsets
    found: Floats = np.interp(np.asarray(moments - clock[0], dtype=np.float64), known, values)
    return found


def from_start(clock: Ints) -> Floats:
    """Return a grid as nanoseconds from its first moment: exact in float64, unlike those since 1970."""
    offsets: Floats = (clock - clock[0]).astype(np.float64)
    return offsets


def ornstein_uhlenbeck(normals: Floats, clock: Ints, half_life_s: float) -> Floats:
    """Return stationary Ornstein-Uhlenbeck paths of unit standard deviation on a grid of any spacing.

    Written as Brownian motion with a changed clock, exp(-kt) W(exp(2kt)), so that no step is a loop.

    Args:
        normals: float64[..., n], standard normal.
        clock: int64[n], ns.
        half_life_s: Of the mean reversion.
    """
    k = np.log(2.0) / half_life_s
    t = (clock - clock[0]) / NS_PER_S
    grown = np.exp(2.0 * k * t)
    steps = np.sqrt(np.diff(grown, prepend=0.0))
    paths: Floats = np.exp(-k * t) * np.cumsum(steps * normals, axis=-1)
    return paths
