"""What the decision path needs of Black-76 and nothing more: NaN in gives NaN out, no status, no broadcasting.

The same formulas as `black76.py`, which stays the reference; tests hold the two together.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from aftershock.pricing.arrays import FloatArray
from aftershock.pricing.normal import SQRT_TWO_PI
from aftershock.pricing.normalised import gaussian_factor, half_difference_and_tail, log_moneyness

__all__ = ["iv_within", "price_delta_vega"]

_ROOT_HALF = math.sqrt(0.5)
_ROUNDING = 1e-15


def price_delta_vega(
    forward: FloatArray, strike: FloatArray, tau: FloatArray, sigma: FloatArray, is_call: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return undiscounted price, delta by the forward and vega for 1.00, each float64[n].

    Args:
        forward: float64[n], positive or NaN.
        strike: float64[n], positive.
        tau: float64[n], years; not positive gives NaN.
        sigma: float64[n], positive or NaN.
        is_call: bool[n].
    """
    with np.errstate(all="ignore"):
        x, root_tau = log_moneyness(forward, strike), np.sqrt(tau)
        y, s = np.abs(x), sigma * root_tau
        weight = np.sqrt(forward) * np.sqrt(strike) * gaussian_factor(y, s)
        gain = np.where(is_call, forward - strike, strike - forward)
        half, tail = half_difference_and_tail(x, s)
        # N(d1) for a call and N(d1) - 1 for a put, the smaller of the two as it is.
        above = x + 0.5 * s * s > 0.0
        delta = np.where(is_call, np.where(above, 1.0 - tail, tail), np.where(above, -tail, tail - 1.0))
        return np.maximum(gain, 0.0) + weight * half, delta, weight * root_tau / SQRT_TWO_PI


def iv_within(
    price: float, forward: float, strike: float, tau: float, low: float, high: float, *, is_call: bool
) -> bool:
    """Tell whether the volatility that a price implies lies between two limits, without solving for it.

    Price rises with volatility, so the prices at the limits decide. At or below its intrinsic value an in-the-money
    option implies none, and says nothing; out of the money the answer is then no.
    """
    gain = forward - strike if is_call else strike - forward
    extra = price - max(gain, 0.0)
    if not (tau > 0 and forward > 0 and extra == extra):  # noqa: PLR0124  NaN
        return False
    if not extra > _ROUNDING * price:
        return gain > 0
    root = math.sqrt(tau)
    return _time_value(forward, strike, low * root) <= extra <= _time_value(forward, strike, high * root)


def _time_value(forward: float, strike: float, s: float) -> float:
    """Return the undiscounted value of the out-of-the-money option at total volatility s."""
    d1 = math.log(forward / strike) / s + 0.5 * s
    if strike >= forward:
        return 0.5 * (forward * math.erfc(-d1 * _ROOT_HALF) - strike * math.erfc(-(d1 - s) * _ROOT_HALF))
    return 0.5 * (strike * math.erfc((d1 - s) * _ROOT_HALF) - forward * math.erfc(d1 * _ROOT_HALF))
