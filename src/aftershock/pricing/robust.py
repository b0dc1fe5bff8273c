"""Lowest and highest fair value of an expiry's options after a move, over what the smile may have done.

`vol_band.py` says which volatilities: nine scenarios, each the old smile plus a shift that does not depend on
the strike. Black-76 rises with volatility, so the least and the greatest shift set the lowest and the highest
value of every option: two pricings, whatever the number of scenarios.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike

from aftershock.pricing.arrays import FloatArray, positive
from aftershock.pricing.black76 import time_value
from aftershock.pricing.normalised import log_moneyness
from aftershock.pricing.vol_band import shifts, vol_band

_STICKINESS = (0.0, 1.0, 2.0)


class SmileBefore(Protocol):
    """What is needed of the smile before the move."""

    def iv(self, k: ArrayLike) -> FloatArray:
        """Return the volatility at k = ln(K/F)."""
        ...

    def slope_atm(self) -> float:
        """Return d iv / d k at k = 0."""
        ...


class VolShock(NamedTuple):
    """How far the smile may shift in parallel; a vol point is 0.01 of volatility.

    Attributes:
        up_points: Least upward shift, in vol points.
        up_per_move: Upward shift in vol points per unit of |r|: 40 is 0.4 points for 1 %.
        down_points: Least downward shift, in vol points.
        down_per_move: Downward shift in vol points per unit of |r|.
    """

    up_points: float = 1.0
    up_per_move: float = 40.0
    down_points: float = 0.5
    down_per_move: float = 10.0


class Scenario(NamedTuple):
    """A change of the smile: `shift` is `stickiness * g * r + ds`, all of them fractions of volatility."""

    stickiness: float
    ds: float
    shift: float


class RobustValues(NamedTuple):
    """Bounds per coin, undiscounted, in the currency of the forward, and what set them.

    Attributes:
        low: Lowest value of each option.
        high: Highest value of each option.
        sigma_low: Volatility behind `low`.
        sigma_high: Volatility behind `high`.
        low_scenario: Index into `scenarios(...)` of what set `low`; -1 if nothing could be valued.
        high_scenario: Likewise for `high`.
    """

    low: FloatArray
    high: FloatArray
    sigma_low: FloatArray
    sigma_high: FloatArray
    low_scenario: int
    high_scenario: int


_DEFAULT_SHOCK = VolShock()


def scenarios(move: float, slope: float, shock: VolShock = _DEFAULT_SHOCK) -> tuple[Scenario, ...]:
    """Return the nine scenarios of a log move: each stickiness ratio with ds down, none and up, in order.

    Args:
        move: r = ln(F1/F0).
        slope: g, the slope of the smile at the money.
        shock: Sizes of ds.
    """
    down, up = shifts(move, **shock._asdict())
    return tuple(Scenario(ratio, ds, ratio * slope * move + ds) for ratio in _STICKINESS for ds in (-down, 0.0, up))


def robust_values(
    strike: ArrayLike,
    is_call: ArrayLike,
    smile: SmileBefore,
    forward_before: float,
    forward_now: float,
    tau: float,
    shock: VolShock = _DEFAULT_SHOCK,
) -> RobustValues:
    """Return the lowest and highest Black-76 value of each option of one expiry, NaN where there is none.

    Args:
        strike: Strikes, one-dimensional.
        is_call: True for calls, of the same shape.
        smile: Smile fitted on quotes from before the move.
        forward_before: Forward of this expiry that the smile was fitted at.
        forward_now: Forward now.
        tau: Time to expiry in years.
        shock: How far the smile may shift.
    """
    strikes = np.asarray(strike, dtype=np.float64)
    if not (0.0 < tau < math.inf and 0.0 < forward_before < math.inf and 0.0 < forward_now < math.inf):
        nothing = np.full(strikes.shape, math.nan)
        return RobustValues(nothing, nothing, nothing, nothing, -1, -1)
    with np.errstate(all="ignore"):
        now, slope = np.asarray(forward_now), smile.slope_atm()
        move = float(log_moneyness(now, np.asarray(forward_before)))
        strikes = np.where(positive(strikes), strikes, math.nan)
        base = smile.iv(-log_moneyness(now, strikes))
        low, high = vol_band(base, slope, move, **shock._asdict())
        sigmas = np.concatenate((low, high))
        extra = time_value(now, np.tile(strikes, 2), sigmas, math.sqrt(tau))
        gain = np.where(is_call, now - strikes, strikes - now)
        values = np.tile(np.maximum(gain, 0.0), 2) + extra
    moved = [scenario.shift for scenario in scenarios(move, slope, shock)]
    n = len(strikes)
    return RobustValues(
        low=values[:n],
        high=values[n:],
        sigma_low=low,
        sigma_high=high,
        low_scenario=moved.index(min(moved)),
        high_scenario=moved.index(max(moved)),
    )
