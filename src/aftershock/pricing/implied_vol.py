"""Implied volatility: one root per option, NaN and a status where there is none.

The equation is solved for the time value, which is what is left of an in-the-money premium too, in the
variables of `normalised.py`: find s with `ln b(y, s) = ln beta`. The logarithm makes the wings smooth (P.
Jaeckel, "Let's Be Rational", Wilmott 2015). From a guess good to about 1 % two of Householder's third-order
steps reach the last digits; a bracket around the root takes over wherever a step leaves it or does not
settle.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aftershock.pricing.arrays import FloatArray, positive
from aftershock.pricing.normal import SQRT_TWO, SQRT_TWO_PI
from aftershock.pricing.normalised import (
    MAX_LOG_MONEYNESS,
    half_difference,
    log_gaussian_factor,
    log_moneyness,
)
from aftershock.pricing.status import IVStatus, StatusArray

MIN_SOLVED_TOTAL_VOL = 1e-9
"""Smallest sigma sqrt(tau) that is looked for."""

MAX_SOLVED_TOTAL_VOL = 12.0
"""Largest sigma sqrt(tau) that is looked for: beyond, float64 prices next to the upper bound hold no
volatility."""

# A premium this close to a bound, relative to its own size, is at it: the rounding of the premium itself.
_BOUND_ROUNDING = 4.0 * float(np.finfo(np.float64).eps)

# Householder's step multiplies digits by four: what follows a step of this size is below 1e-16.
_SETTLED = 3e-5
_MAX_HOUSEHOLDER_STEPS = 8
_MAX_STEPS = 100

# h/z (1 + 1/z) of the Bachelier formula in powers of (z - 1.5)/(z + 1.5), z = sqrt(ln(1 + 1/(2 psi))): see
# `_guess`.
_BACHELIER = (
    1.24664774,
    0.411151208,
    0.356877826,
    0.0626084072,
    -1.05860056,
    -0.449234641,
    0.595387089,
    0.315811764,
)


def implied_vol(
    price: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    tau: ArrayLike,
    is_call: ArrayLike,
    discount: ArrayLike = 1.0,
) -> tuple[FloatArray, StatusArray]:
    """Return the Black-76 volatility that each premium implies, and a status.

    The arguments broadcast against each other; scalars in give NumPy scalars out. Nothing raises or warns,
    and one bad quote never changes another option's result.

    Args:
        price: Discounted premium per coin, in the currency of the forward; NaN where nobody quotes.
        forward: Forward price for the option's expiry.
        strike: Strike, in the same currency.
        tau: Time to expiry in years of 365 days.
        is_call: True for calls, False for puts.
        discount: Discount factor to expiry.

    Returns:
        The volatility as a fraction, NaN unless the `IVStatus` beside it (uint8) is OK.
    """
    numbers = [np.asarray(value, dtype=np.float64) for value in (price, forward, strike, tau, discount)]
    *spread, calls = np.broadcast_arrays(*numbers, np.asarray(is_call, dtype=np.bool_))
    p, f, k, t, df = (values.ravel() for values in spread)
    with np.errstate(all="ignore"):
        value = p / df
        gain = np.where(calls.ravel(), f - k, k - f)
        extra = value - np.maximum(gain, 0.0)
        y = np.abs(log_moneyness(f, k))
        good = positive(f) & positive(k) & positive(df) & np.isfinite(t) & ~np.isinf(p)
        status = _status(good, t, value, gain, np.where(calls.ravel(), f, k), y)
        iv = np.full(p.shape, math.nan)
        solved = np.flatnonzero(status == IVStatus.OK)
        if len(solved):
            beta = extra[solved] / (np.sqrt(f[solved]) * np.sqrt(k[solved]))
            s = _total_vol(beta, y[solved])
            iv[solved] = s / np.sqrt(t[solved])
            status[solved[np.isnan(s)]] = IVStatus.OUT_OF_RANGE
    return iv.reshape(calls.shape)[()], status.reshape(calls.shape)[()]


def _status(
    good: NDArray[np.bool_],
    tau: FloatArray,
    value: FloatArray,
    gain: FloatArray,
    upper_bound: FloatArray,
    y: FloatArray,
) -> StatusArray:
    """Return the first thing wrong with each option; assigned last to first, so that the first one stays."""
    status = np.zeros(value.shape, dtype=np.uint8)
    extra = value - np.maximum(gain, 0.0)
    rounding = _BOUND_ROUNDING * np.maximum(gain, 0.0)
    status[~(y <= MAX_LOG_MONEYNESS)] = IVStatus.OUT_OF_RANGE
    status[value >= upper_bound * (1.0 - _BOUND_ROUNDING)] = IVStatus.AT_UPPER_BOUND
    status[extra <= rounding] = IVStatus.AT_INTRINSIC
    status[extra < -rounding] = IVStatus.BELOW_INTRINSIC
    status[np.isnan(value)] = IVStatus.NO_QUOTE
    status[tau <= 0.0] = IVStatus.EXPIRED
    status[~good] = IVStatus.BAD_INPUT
    return status


def _total_vol(beta: FloatArray, y: FloatArray) -> FloatArray:
    """Return s with b(y, s) = beta for each option, NaN where it is not between the solved limits."""
    target = np.log(beta)
    low = np.full_like(beta, MIN_SOLVED_TOTAL_VOL)
    high = np.full_like(beta, MAX_SOLVED_TOTAL_VOL)
    result = np.minimum(np.maximum(_guess(beta, y), 2.0 * low), 0.5 * high)
    unsettled = np.arange(len(beta))
    for number in range(_MAX_STEPS):
        s, below, above = result[unsettled], low[unsettled], high[unsettled]
        miss, step = _householder(s, y[unsettled], target[unsettled])
        below, above = np.where(miss < 0.0, s, below), np.where(miss > 0.0, s, above)
        moved = s + step
        settled = np.abs(step) <= _SETTLED * s
        trusted = settled | ((moved > below) & (moved < above) & (number < _MAX_HOUSEHOLDER_STEPS))
        result[unsettled] = np.where(trusted, moved, np.sqrt(below) * np.sqrt(above))
        low[unsettled], high[unsettled] = below, above
        unsettled = unsettled[~settled]
        if not len(unsettled):
            break
    # A root outside the limits has driven the bracket to one of them without ever settling.
    result[unsettled] = math.nan
    return result


def _householder(s: FloatArray, y: FloatArray, target: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return `g = ln b(y, s) - target` and Householder's third-order step towards its root.

    With p = b'/b, q = b''/b' = y^2/s^3 - s/4 and r = b'''/b' = q^2 - 3 y^2/s^4 - 1/4: `g' = p`, `g''/g' = q -
    p` and `g'''/g' = r - 3 p q + 2 p^2`.
    """
    d = half_difference(y, s)
    miss = log_gaussian_factor(y, s) + np.log(d) - target
    p = 1.0 / (SQRT_TWO_PI * d)
    h_over_s = y / (s * s)
    bend = h_over_s * h_over_s
    q = bend * s - 0.25 * s
    r = q * q - 3.0 * bend - 0.25
    newton = -miss / p
    second, third = q - p, r - 3.0 * p * q + 2.0 * p * p
    step = newton * (1.0 + 0.5 * second * newton) / (1.0 + newton * (second + third * newton / 6.0))
    return miss, step


def _guess(beta: FloatArray, y: FloatArray) -> FloatArray:
    """Return s to about 1 % for ordinary quotes, from the Bachelier formula.

    There the time value over |F - K| is psi(h) = phi(h)/h - N(-h), whose inverse is fitted to 0.25 % for h up
    to 37 (least squares, mpmath values). Black's s is y/h up to a factor that at the money is known, being
    the inverse of erf; S. Winitzki's closed form (2008) of that is taken at all strikes.
    """
    y = np.maximum(y, 1e-6 * beta)
    half_distance = np.where(y < 0.5, 0.5 * y * (1.0 + y * y / 24.0), 0.5 * (np.exp(0.5 * y) - np.exp(-0.5 * y)))
    z = np.sqrt(np.log(1.0 + half_distance / beta))
    mapped = (z - 1.5) / (z + 1.5)
    ratio = np.full_like(z, _BACHELIER[-1])
    for coefficient in _BACHELIER[-2::-1]:
        ratio = ratio * mapped + coefficient
    from_bachelier = y * (1.0 + z) / (z * z * ratio)

    share = np.minimum(beta * np.exp(0.5 * y), 1.0 - 1e-12)
    half_log = 0.5 * np.log(1.0 - share * share)
    centre = 2.0 / (math.pi * 0.147) + half_log
    inverse_erf = np.sqrt(np.sqrt(centre * centre - half_log / (0.5 * 0.147)) - centre)
    at_the_money = 2.0 * SQRT_TWO * inverse_erf / (SQRT_TWO_PI * share)
    guess: FloatArray = from_bachelier * np.where(share < 1e-3, 1.0, at_the_money)
    return guess
