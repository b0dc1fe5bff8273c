"""What a digital is worth under a smile: to look at beside its price."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from aftershock.model.units import NAN, NS_PER_YEAR
from aftershock.pricing import greeks
from aftershock.venues.backpack.predictions import Digital

__all__ = ["digital_value"]

_STEP = 1e-4
"""Half the width of the call spread that stands for a digital, as a share of the strike."""


def digital_value(digital: Digital, forward: float, volatility: Callable[[float], float], now_ns: int) -> float:
    """Return the value of one that pays 1, without discount.

    A digital is the limit of a call spread, so the slope of the smile is in it: with a flat volatility this is N(d2).

    Args:
        digital: What pays.
        forward: Of its end, in the currency of its strike.
        volatility: Returns a fraction a year at a strike.
        now_ns: ns UTC.

    Returns:
        0 to 1; NaN where strike, end or volatility are not known, or the end is over.
    """
    tau = (digital.end_ns - now_ns) / NS_PER_YEAR
    if not tau > 0 or not forward > 0:
        return NAN

    def above(strike: float) -> float:
        if strike == 0:
            return 1.0
        if math.isinf(strike):
            return 0.0
        low, high = strike * (1 - _STEP), strike * (1 + _STEP)
        calls = [_call(forward, k, tau, volatility(k)) for k in (low, high)]
        return min(max((calls[0] - calls[1]) / (high - low), 0.0), 1.0)

    chance = above(digital.strike)
    if digital.kind == "below":
        return 1.0 - chance
    return chance - above(digital.upper) if digital.kind == "range" else chance


def _call(forward: float, strike: float, tau: float, sigma: float) -> float:
    return float(greeks(np.array([forward]), np.array([strike]), tau, np.array([sigma]), np.array([True])).price[0])
