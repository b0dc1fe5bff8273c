"""The out-of-the-money Black formula in two numbers: y = |ln(F/K)| and s = sigma sqrt(tau).

Every option is worth its intrinsic value plus the same time value `sqrt(F K) b(y, s)`, with h = y/s and t =
s/2:

    b = exp(-y/2) N(t - h) - exp(y/2) N(-t - h) = exp(-(h^2 + t^2)/2) D,
    D = (erfcx((h - t)/sqrt 2) - erfcx((h + t)/sqrt 2)) / 2

(P. Jaeckel, "Let's Be Rational", Wilmott 2015). `db/ds = exp(-(h^2 + t^2)/2) / sqrt(2 pi)`, so that `b /
(db/ds)` is `sqrt(2 pi) D`: free of the exponential, and the reason why D has a function of its own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aftershock.pricing.arrays import FloatArray
from aftershock.pricing.normal import SQRT_TWO, erfcx_of_positive, erfcx_slope_of_positive

MAX_LOG_MONEYNESS = 200.0
"""Largest |ln(F/K)| that is priced."""

MAX_TOTAL_VOL = 50.0
"""Largest sigma sqrt(tau) that is priced: from about 17 on an option is worth its upper bound to the last
digit."""

MIN_TOTAL_VOL = 1e-100
"""Smallest sigma sqrt(tau) that is priced: below, squares of h leave the range of float64."""

# Below these the two erfcx are so close that their difference is taken as a series.
_SERIES_TOTAL_VOL = 0.25
_SERIES_LOG_MONEYNESS = 1.0
_SERIES_TERMS = 11


def log_moneyness(forward: FloatArray, strike: FloatArray) -> FloatArray:
    """Return ln(F/K) with full relative accuracy at the money too, where ln of a rounded ratio has none.

    Near the money F - K is exact; W. Kahan's correction `ln(u) z / (u - 1)`, u = 1 + z, makes up for the
    rounding of u.
    """
    z = (forward - strike) / strike
    u = 1.0 + z
    near = np.abs(z) < 0.5
    rounded = u - 1.0
    corrected = np.where(rounded == 0.0, z, np.log(u) * (z / rounded))
    return np.where(near, corrected, np.log(forward / strike))


def gaussian_factor(y: FloatArray, s: FloatArray) -> FloatArray:
    """Return `exp(-(h^2 + t^2)/2)`: vega is this times `sqrt(F K tau / (2 pi))`."""
    return np.exp(log_gaussian_factor(y, s))


def log_gaussian_factor(y: FloatArray, s: FloatArray) -> FloatArray:
    """Return `-(h^2 + t^2)/2`."""
    h = y / s
    return -0.5 * (h * h + 0.25 * s * s)


def half_difference(y: FloatArray, s: FloatArray) -> FloatArray:
    """Return D to a few 1e-16 where the volatility matters, and to 1e-16 h/s in far wings.

    Args:
        y: |ln(F/K)|, at most MAX_LOG_MONEYNESS, one-dimensional.
        s: Total volatility in (0, MAX_TOTAL_VOL], of the same shape.
    """
    small = _is_small(y, s)
    if small.all():
        return _by_series(y, s)
    if not small.any():
        return _by_difference(y, s)
    large = ~small
    result = np.empty_like(s)
    result[small] = _by_series(y[small], s[small])
    result[large] = _by_difference(y[large], s[large])
    return result


def half_difference_and_tail(x: FloatArray, s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return D and the normal tail beyond |x/s + s/2|: few, long calls, for short arrays.

    NumPy costs by the call there, so every element goes both ways of `half_difference`, on one erfcx of all arguments.

    Args:
        x: ln(F/K), one-dimensional.
        s: Total volatility, of the same shape.
    """
    n, y = len(x), np.abs(x)
    a, c = _arguments(y, s)
    centre = y / (s * SQRT_TWO)
    scaled = erfcx_of_positive(np.concatenate((np.abs(a), c, centre)))
    near, far = scaled[:n], scaled[n : 2 * n]
    series = _sum_series(y, s, scaled[2 * n :], erfcx_slope_of_positive(centre))
    half = np.where(_is_small(y, s), series, _subtract(a, near, far))
    away = x / s + 0.5 * s
    return half, 0.5 * np.exp(-0.5 * away * away) * np.where(x > 0.0, far, near)


def _is_small(y: FloatArray, s: FloatArray) -> NDArray[np.bool_]:
    return (s < _SERIES_TOTAL_VOL) & (y < _SERIES_LOG_MONEYNESS)


def _arguments(y: FloatArray, s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return what erfcx is taken of: (h - t)/sqrt 2 and (h + t)/sqrt 2."""
    h, t = y / s, 0.5 * s
    return (h - t) / SQRT_TWO, (h + t) / SQRT_TWO


def _by_difference(y: FloatArray, s: FloatArray) -> FloatArray:
    a, c = _arguments(y, s)
    n = len(a)
    both = erfcx_of_positive(np.concatenate((np.abs(a), c)))
    return _subtract(a, both[:n], both[n:])


def _subtract(a: FloatArray, near: FloatArray, far: FloatArray) -> FloatArray:
    """Subtract the two erfcx; left of zero erfcx(a) is 2 exp(a^2) - erfcx(-a)."""
    negative = a < 0.0
    left = np.where(negative, 2.0 * np.exp(np.where(negative, a * a, 0.0)) - near, near)
    return 0.5 * (left - far)


def _by_series(y: FloatArray, s: FloatArray) -> FloatArray:
    centre = y / (s * SQRT_TWO)
    return _sum_series(y, s, erfcx_of_positive(centre), erfcx_slope_of_positive(centre))


def _sum_series(y: FloatArray, s: FloatArray, at_centre: FloatArray, slope: FloatArray) -> FloatArray:
    """Sum the odd terms of erfcx's Taylor series about h/sqrt 2, each positive.

    With W_n = |d^n erfcx| and the step t/sqrt 2, the terms u_n = W_n (t/sqrt 2)^n / n! follow from erfcx's
    differential equation: `(n + 1) u_{n+1} = t^2 u_{n-1} - (y/2) u_n`.
    """
    t = 0.5 * s
    t_squared, half_y = t * t, 0.5 * y
    before, term = at_centre, slope * (t / SQRT_TWO)
    total = term.copy()
    for n in range(1, _SERIES_TERMS):
        before, term = term, (t_squared * before - half_y * term) / (n + 1.0)
        if n % 2 == 0:
            total += term
    return total
