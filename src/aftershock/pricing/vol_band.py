"""The band of volatilities that a quote may be worth after a shock.

With r = ln(F1/F0), g the slope of the smile at the money and s0(k) the smile before the shock, the nine scenarios are
s(K) = s0(ln(K/F1)) + R*g*r + ds for a skew-stickiness ratio R in {0, 1, 2} and a shift ds in {-down, 0, +up}
(Bergomi's ratio: 0 sticky delta, 1 sticky strike, 2 the short-dated limit). Lowest and highest are attained at the
ends.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["scenario_name", "shifts", "vol_band", "vol_ends"]

_VOL_POINT = 0.01
_LEAST_VOL = 1e-4
"""A volatility scenario below this is not one: the band ends here."""


def shifts(
    move: float, *, up_points: float, up_per_move: float, down_points: float, down_per_move: float
) -> tuple[float, float]:
    """Return the downward and upward shift in volatility (fractions) for a log move of the forward."""
    down = max(down_points, down_per_move * abs(move)) * _VOL_POINT
    up = max(up_points, up_per_move * abs(move)) * _VOL_POINT
    return down, up


def vol_band(
    base: NDArray[np.float64],
    slope: float,
    move: float,
    *,
    up_points: float,
    up_per_move: float,
    down_points: float,
    down_per_move: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lowest and highest volatility over the nine scenarios.

    Args:
        base: s0(ln(K/F1)) per option, a fraction.
        slope: g, per unit of log-moneyness.
        move: r.
        up_points: Least upward shift, vol points.
        up_per_move: Upward shift in vol points per unit of |r|.
        down_points: Least downward shift, vol points.
        down_per_move: Downward shift in vol points per unit of |r|.
    """
    down, up = shifts(
        move,
        up_points=up_points,
        up_per_move=up_per_move,
        down_points=down_points,
        down_per_move=down_per_move,
    )
    return vol_ends(base, 0.0, 2.0 * slope * move, down, up)


def vol_ends(
    base: NDArray[np.float64],
    stick_low: float | NDArray[np.float64],
    stick_high: float | NDArray[np.float64],
    down: float | NDArray[np.float64],
    up: float | NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ends of the band: the smile moved by the least or the largest R, then shifted down or up.

    Args:
        base: s0(ln(K/F1)) per option, a fraction.
        stick_low: R g r for the least ratio R of the band (0), per option or for all.
        stick_high: The same for its largest (2); which of the two raises volatility depends on the sign of g r.
        down: Shift as a fraction, likewise.
        up: Shift as a fraction, likewise.
    """
    low = np.maximum(base + (np.minimum(stick_low, stick_high) - down), _LEAST_VOL)
    return low, base + (np.maximum(stick_low, stick_high) + up)


def scenario_name(
    slope: float, move: float, shift_points: float, *, lowest: bool, ratios: tuple[float, float] = (0.0, 2.0)
) -> str:
    """Name the scenario at one end of the band, e.g. `R=2 ds=-0.50`; shift in vol points, `ratios` the band of R."""
    stick_low, stick_high = (ratio * slope * move for ratio in ratios)
    high = stick_high != stick_low and (stick_high < stick_low) == lowest
    return f"R={ratios[high]:g} ds={shift_points:+.2f}"
