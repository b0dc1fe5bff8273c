"""The formulas of docs/decision.md in 40-digit arithmetic, one scalar at a time, without the package."""

from __future__ import annotations

from typing import Any, NamedTuple

import mpmath

# A context of its own: the precision of other users of mpmath stays theirs.
mp: Any = mpmath.mp.clone()
mp.dps = 40

Number = Any
"""A 40-digit float; mpmath ships no types."""

SECONDS_PER_YEAR = 31_536_000


def exact(value: float | str | None) -> Number:
    """Return the decimal that a literal is written as; NaN for None."""
    return mp.nan if value is None else mp.mpf(str(value))


def is_number(value: Number) -> bool:
    """Tell whether a value is not NaN."""
    return not mp.isnan(value)


def median(values: list[Number]) -> Number:
    """Return the middle value, or the mean of the middle two."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def microprice(bid: Number, bid_amount: Number, ask: Number, ask_amount: Number) -> Number:
    """Return the size-weighted middle: near the side that has less."""
    return (bid * ask_amount + ask * bid_amount) / (bid_amount + ask_amount)


class Option(NamedTuple):
    """Undiscounted Black-76 value, delta and vega per vol point, USD per coin."""

    value: Number
    delta: Number
    vega_point: Number


def black76(forward: Number, strike: Number, tau: Number, sigma: Number, *, is_call: bool) -> Option:
    """Return value, delta and vega of a European option on a forward."""
    root = sigma * mp.sqrt(tau)
    d1 = (mp.log(forward / strike) + root * root / 2) / root
    call = forward * mp.ncdf(d1) - strike * mp.ncdf(d1 - root)
    vega = forward * mp.npdf(d1) * mp.sqrt(tau) / 100
    if is_call:
        return Option(call, mp.ncdf(d1), vega)
    return Option(call - forward + strike, mp.ncdf(d1) - 1, vega)


def implied_volatility(price: Number, forward: Number, strike: Number, tau: Number, *, is_call: bool) -> Number:
    """Return the volatility at which Black-76 gives the price, NaN outside the arbitrage bounds: bisection, then Newton."""
    low, high = mp.mpf("1e-6"), mp.mpf(20)

    def excess(sigma: Number) -> Number:
        return black76(forward, strike, tau, sigma, is_call=is_call).value - price

    if not (is_number(price) and excess(low) < 0 < excess(high)):
        return mp.nan
    for _ in range(40):
        middle = (low + high) / 2
        if excess(middle) < 0:
            low = middle
        else:
            high = middle
    sigma = (low + high) / 2
    for _ in range(4):  # 20 / 2^40 squared four times is far below the precision
        at = black76(forward, strike, tau, sigma, is_call=is_call)
        sigma -= (at.value - price) / (100 * at.vega_point)
    return sigma


class Smile(NamedTuple):
    """Volatility in powers of k between the outermost quoted k; beyond them the edge value."""

    powers: list[Number]
    k_min: Number
    k_max: Number
    name: str

    def sigma(self, k: Number) -> Number:
        """Return the volatility at k."""
        held = min(max(k, self.k_min), self.k_max)
        return sum((power * held**n for n, power in enumerate(self.powers)), mp.mpf(0))

    def slope_at_zero(self) -> Number:
        """Return the slope at k = 0; zero where the edge value is held."""
        if len(self.powers) < 2 or not self.k_min <= 0 <= self.k_max:
            return mp.mpf(0)
        return self.powers[1]


def fit(points: list[tuple[Number, Number]]) -> Smile:
    """Return the curve through the points: a constant through one, a line through two, a parabola through three.

    With as many parameters as points the weights have no say. Five points or more must be flat: raw SVI holds the
    constants (b = 0), which then leave no residual, so that every weighted least-squares fit is that constant.

    Raises:
        ValueError: Five or more points that are not flat, or four.
    """
    ks = [k for k, _ in points]
    sigmas = [sigma for _, sigma in points]
    if len(points) > 3:
        spread = max(sigmas) - min(sigmas)
        if len(points) == 4 or spread > mp.mpf("1e-12"):
            message = f"{len(points)} volatilities, {mp.nstr(spread, 3)} apart: not to be fitted by hand"
            raise ValueError(message)
        return Smile([sum(sigmas) / len(sigmas)], min(ks), max(ks), "constant (raw SVI with b = 0)")
    matrix = mp.matrix([[k**n for n in range(len(ks))] for k in ks])
    powers = list(mp.lu_solve(matrix, mp.matrix(sigmas))) if len(ks) > 1 else sigmas
    return Smile(powers, min(ks), max(ks), ("constant", "line", "parabola")[len(ks) - 1])


def floor_to_lot(amount: Number, lot: Number) -> Number:
    """Return the largest whole number of lots that is not above the amount; NaN stays NaN."""
    return mp.floor(amount / lot) * lot if is_number(amount) else amount
