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
    """Return the volatility at which Black-76 gives the price, NaN beyond the bounds: bisection, then Newton."""
    low, high = mp.mpf("1e-6"), mp.mpf(20)

    def excess(sigma: Number) -> Number:
        return black76(forward, strike, tau, sigma, is_call=is_call).value - price

    if not (is_number(price) and excess(low) < 0 < excess(high)):
        return mp.nan
    for _ in range(14):
        middle = (low + high) / 2
        if excess(middle) < 0:
            low = middle
        else:
            high = middle
    sigma = (low + high) / 2
    for _ in range(7):  # from 20 / 2^14 on, each step doubles the digits
        at = black76(forward, strike, tau, sigma, is_call=is_call)
        sigma -= (at.value - price) / (100 * at.vega_point)
    return sigma


class PowerSmile(NamedTuple):
    """Volatility in powers of k between the outermost quoted k; beyond them the edge value."""

    powers: list[Number]
    k_min: Number
    k_max: Number

    def __str__(self) -> str:
        """Name the curve with its numbers."""
        name = ("constant", "line", "parabola")[len(self.powers) - 1]
        return f"{name}, powers of k from the constant on: {', '.join(mp.nstr(p, 14) for p in self.powers)}"

    def sigma(self, k: Number) -> Number:
        """Return the volatility at k."""
        held = min(max(k, self.k_min), self.k_max)
        return sum((power * held**n for n, power in enumerate(self.powers)), mp.mpf(0))

    def slope_at_zero(self) -> Number:
        """Return the slope at k = 0; zero where the edge value is held."""
        if len(self.powers) < 2 or not self.k_min <= 0 <= self.k_max:
            return mp.mpf(0)
        return self.powers[1]


class SviSmile(NamedTuple):
    """Raw SVI: total variance `a + b (rho (k - m) + sqrt((k - m)^2 + s^2))`."""

    a: Number
    b: Number
    rho: Number
    m: Number
    s: Number
    tau: Number

    def __str__(self) -> str:
        """Name the curve with its numbers."""
        names = zip(("a", "b", "rho", "m", "s"), self[:5], strict=True)
        return "raw SVI, " + ", ".join(f"{name} = {mp.nstr(value, 14)}" for name, value in names)

    def sigma(self, k: Number) -> Number:
        """Return the volatility at k."""
        root = mp.sqrt((k - self.m) ** 2 + self.s**2)
        return mp.sqrt((self.a + self.b * (self.rho * (k - self.m) + root)) / self.tau)

    def slope_at_zero(self) -> Number:
        """Return the slope of the volatility at k = 0: w' over 2 sigma tau."""
        slope = self.b * (self.rho - self.m / mp.sqrt(self.m**2 + self.s**2))
        return slope / (2 * self.sigma(mp.mpf(0)) * self.tau)


Smile = PowerSmile | SviSmile


def through(points: list[tuple[Number, Number]]) -> PowerSmile:
    """Return the curve through (k, volatility): a constant for one point, a line for two, a parabola for three.

    With as many parameters as points the weights have no say.

    Raises:
        ValueError: More points.
    """
    ks = [k for k, _ in points]
    sigmas = [sigma for _, sigma in points]
    if len(points) > 3:
        message = f"{len(points)} volatilities leave a residual: not to be fitted by hand"
        raise ValueError(message)
    matrix = mp.matrix([[k**n for n in range(len(ks))] for k in ks])
    powers = list(mp.lu_solve(matrix, mp.matrix(sigmas))) if len(ks) > 1 else sigmas
    return PowerSmile(powers, min(ks), max(ks))


def svi_through(points: list[tuple[Number, Number]], parameters: list[str], tau: Number) -> SviSmile:
    """Return the raw SVI that the quotes were made with, after checking that every one of them lies on it.

    A curve of the family without residual is the weighted least-squares fit, whatever the weights; more points than
    the five parameters leave no second one.

    Raises:
        ValueError: A point lies beside the curve, or they are too few.
    """
    a, b, rho, m, s = (exact(value) for value in parameters)
    smile = SviSmile(a, b, rho, m, s, tau)
    beside = max(abs(smile.sigma(k) - sigma) for k, sigma in points)
    if len(points) < 6 or beside > mp.mpf("1e-13"):
        message = f"{len(points)} volatilities, up to {mp.nstr(beside, 3)} beside the curve"
        raise ValueError(message)
    return smile


def floor_to_lot(amount: Number, lot: Number) -> Number:
    """Return the largest whole number of lots that is not above the amount; NaN stays NaN."""
    return mp.floor(amount / lot) * lot if is_number(amount) else amount
