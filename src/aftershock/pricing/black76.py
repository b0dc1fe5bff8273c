"""Black-76 price and greeks of European options on a forward, on arrays or scalars.

F. Black, "The pricing of commodity contracts" (1976). With s = sigma sqrt(tau), d1 = ln(F/K)/s + s/2, d2 = d1
- s and D the discount factor to expiry:

    call = D (F N(d1) - K N(d2)),    put = D (K N(-d2) - F N(-d1)).

All of them are computed as intrinsic value plus time value, so that nothing cancels in the wings. Money is
per coin in the currency of F and K, volatility a fraction per square root of a year of 365 days, tau in such
years.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aftershock.pricing.arrays import FloatArray, positive
from aftershock.pricing.normal import SQRT_TWO_PI, norm_cdf
from aftershock.pricing.normalised import (
    MAX_LOG_MONEYNESS,
    MAX_TOTAL_VOL,
    MIN_TOTAL_VOL,
    gaussian_factor,
    half_difference,
    log_moneyness,
)
from aftershock.pricing.status import IVStatus, StatusArray

DAYS_PER_YEAR = 365.0


class Greeks(NamedTuple):
    """Black-76 price and sensitivities per coin; NaN wherever `status` is not OK.

    Attributes:
        price: Discounted premium, in the currency of the forward.
        delta: By the forward: D N(d1) for calls, D (N(d1) - 1) for puts; not adjusted by the premium.
        gamma: Delta by the forward.
        vega: By volatility, for 1.00 (100 vol points); see `vega_per_vol_point`.
        theta: Change over one calendar day at constant forward and rate, `-d price / d tau / 365`.
        rho_black76: By the rate at constant forward, `-tau price`; see `rho_spot`.
        status: `IVStatus` of each option, uint8.
    """

    price: FloatArray
    delta: FloatArray
    gamma: FloatArray
    vega: FloatArray
    theta: FloatArray
    rho_black76: FloatArray
    status: StatusArray


class _Inputs(NamedTuple):
    """Inputs broadcast to one dimension; where the status is not OK they are NaN."""

    forward: FloatArray
    strike: FloatArray
    tau: FloatArray
    sigma: FloatArray
    is_call: NDArray[np.bool_]
    discount: FloatArray
    log_moneyness: FloatArray
    total_vol: FloatArray
    status: StatusArray
    shape: tuple[int, ...]


def price(
    forward: ArrayLike,
    strike: ArrayLike,
    tau: ArrayLike,
    sigma: ArrayLike,
    is_call: ArrayLike,
    discount: ArrayLike = 1.0,
) -> FloatArray:
    """Return the Black-76 premium; arguments as in `greeks`, NaN where that would not be OK."""
    with np.errstate(all="ignore"):
        given = _checked(forward, strike, tau, sigma, is_call, discount)
        return _shaped(given.discount * _forward_value(given), given.shape)


def greeks(
    forward: ArrayLike,
    strike: ArrayLike,
    tau: ArrayLike,
    sigma: ArrayLike,
    is_call: ArrayLike,
    discount: ArrayLike = 1.0,
) -> Greeks:
    """Return premium, delta, gamma, vega, theta and rho of each option, and a status instead of an exception.

    The arguments broadcast against each other; scalars in give NumPy scalars out.

    Args:
        forward: Forward price for the option's expiry.
        strike: Strike, in the same currency.
        tau: Time to expiry in years of 365 days.
        sigma: Volatility, as a fraction.
        is_call: True for calls, False for puts.
        discount: Discount factor to expiry; 1 where premium and payoff are in a currency without interest.
    """
    with np.errstate(all="ignore"):
        given = _checked(forward, strike, tau, sigma, is_call, discount)
        s, root_tau = given.total_vol, np.sqrt(given.tau)
        premium = given.discount * _forward_value(given)
        gaussian = gaussian_factor(np.abs(given.log_moneyness), s) / SQRT_TWO_PI
        vega = given.discount * _root_forward_strike(given) * gaussian * root_tau
        d1 = given.log_moneyness / s + 0.5 * s
        sign = np.where(given.is_call, 1.0, -1.0)
        carry = -np.log(given.discount) / given.tau
        decay = -0.5 * vega * given.sigma / given.tau + carry * premium
        delta = given.discount * sign * norm_cdf(sign * d1)
        gamma = vega / (given.forward * given.forward * s * root_tau)
        theta, rho = decay / DAYS_PER_YEAR, -given.tau * premium
        # Only absurd sizes overflow; an infinite greek must not look like a greek.
        overflown = ~np.isfinite(premium + delta + gamma + vega + theta + rho)
        given.status[overflown & (given.status == IVStatus.OK)] = IVStatus.OUT_OF_RANGE
        values = (np.where(overflown, math.nan, value) for value in (premium, delta, gamma, vega, theta, rho))
        premium, delta, gamma, vega, theta, rho = (_shaped(value, given.shape) for value in values)
        return Greeks(premium, delta, gamma, vega, theta, rho, given.status.reshape(given.shape)[()])


def rho_spot(
    forward: ArrayLike,
    strike: ArrayLike,
    tau: ArrayLike,
    sigma: ArrayLike,
    is_call: ArrayLike,
    discount: ArrayLike = 1.0,
) -> FloatArray:
    """Return the price by the rate at constant *spot*, for 1.00: `D tau K N(d2)`, puts `-D tau K N(-d2)`.

    The forward then moves with the rate. This is the rho that option venues publish, there for 0.01.
    """
    with np.errstate(all="ignore"):
        given = _checked(forward, strike, tau, sigma, is_call, discount)
        sign = np.where(given.is_call, 1.0, -1.0)
        d2 = given.log_moneyness / given.total_vol - 0.5 * given.total_vol
        rho = given.discount * given.tau * given.strike * sign * norm_cdf(sign * d2)
        return _shaped(rho, given.shape)


def vega_per_vol_point(vega: ArrayLike) -> FloatArray:
    """Convert a vega for 1.00 of volatility into one for a vol point, 0.01."""
    return np.multiply(vega, 0.01)


def time_value(forward: FloatArray, strike: FloatArray, sigma: FloatArray, root_tau: float) -> FloatArray:
    """Return the undiscounted time value of options, on inputs that the caller has checked.

    It is the same for calls and puts: add `max(F - K, 0)` or `max(K - F, 0)`.
    """
    y = np.abs(log_moneyness(forward, strike))
    s = sigma * root_tau
    return np.sqrt(forward) * np.sqrt(strike) * gaussian_factor(y, s) * half_difference(y, s)


def _checked(
    forward: ArrayLike,
    strike: ArrayLike,
    tau: ArrayLike,
    sigma: ArrayLike,
    is_call: ArrayLike,
    discount: ArrayLike,
) -> _Inputs:
    """Broadcast the inputs, find what is wrong with each option, and put NaN where something is."""
    numbers = [np.asarray(value, dtype=np.float64) for value in (forward, strike, tau, sigma, discount)]
    *spread, calls = np.broadcast_arrays(*numbers, np.asarray(is_call, dtype=np.bool_))
    shape = calls.shape
    f, k, t, vol, df = (values.ravel() for values in spread)
    status = np.zeros(f.shape, dtype=np.uint8)
    good = positive(f) & positive(k) & positive(vol) & positive(df) & np.isfinite(t)
    status[~good] = IVStatus.BAD_INPUT
    status[good & (t <= 0.0)] = IVStatus.EXPIRED
    x, s = log_moneyness(f, k), vol * np.sqrt(t)
    in_range = (s >= MIN_TOTAL_VOL) & (s <= MAX_TOTAL_VOL) & (np.abs(x) <= MAX_LOG_MONEYNESS)
    status[(status == IVStatus.OK) & ~in_range] = IVStatus.OUT_OF_RANGE
    wrong = status != IVStatus.OK
    if wrong.any():
        f, k, t, vol, df, x, s = (np.where(wrong, math.nan, values) for values in (f, k, t, vol, df, x, s))
    return _Inputs(f, k, t, vol, calls.ravel(), df, x, s, status, shape)


def _root_forward_strike(given: _Inputs) -> FloatArray:
    """Return sqrt(F K), as a product of roots because F K may overflow."""
    return np.sqrt(given.forward) * np.sqrt(given.strike)


def _forward_value(given: _Inputs) -> FloatArray:
    """Return the undiscounted value: intrinsic plus time value."""
    y = np.abs(given.log_moneyness)
    gain = given.forward - given.strike
    intrinsic = np.maximum(np.where(given.is_call, gain, -gain), 0.0)
    normalised = gaussian_factor(y, given.total_vol) * half_difference(y, given.total_vol)
    return intrinsic + _root_forward_strike(given) * normalised


def _shaped(values: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Give results the shape of the inputs; scalars become NumPy scalars."""
    shaped: FloatArray = values.reshape(shape)[()]
    return shaped
