"""The smile of one expiry: implied volatility as a function of k = ln(K/F), from whatever is quoted.

Five distinct strikes or more: raw SVI (`svi.py`). Three or four: a weighted parabola in volatility, two: a
line, one: a constant. A parabola that is not positive between its quotes gives way to the line, and a line to
the weighted mean. Outside the quoted strikes SVI goes on by its own formula, towards straight lines in total
variance; the simpler fits keep their value at the edge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from aftershock.pricing.arrays import FloatArray, positive
from aftershock.pricing.normalised import MAX_LOG_MONEYNESS
from aftershock.pricing.solve import solve_positive
from aftershock.pricing.svi import Svi, fit_svi

_SVI_STRIKES = 5
_GRID_POINTS = 61
_GRID_MARGIN = 0.5


class SmileMethod(StrEnum):
    """The curve that was fitted."""

    SVI = "svi"
    QUADRATIC = "quadratic"
    LINEAR = "linear"
    FLAT = "flat"
    NONE = "none"


class FitStatus(StrEnum):
    """How a fit ended."""

    OK = "ok"
    NOT_SETTLED = "not settled"
    """SVI ran out of steps: the best curve found."""
    NO_QUOTES = "no quotes"
    """Nothing usable was given: every volatility of this smile is NaN."""


@dataclass(frozen=True, slots=True)
class Smile:
    """A fitted smile.

    Attributes:
        method: The curve.
        params: SVI: (a, b, rho, m, sigma) of total variance. Otherwise volatility in powers of k, constant
            first.
        tau: Time to expiry in years that the quotes had.
        k_min: Least quoted k.
        k_max: Greatest quoted k.
        rms: Root mean square of fitted less quoted volatility, unweighted, as a fraction.
        n: Quotes used.
        status: How the fit ended.
        min_g: Least `butterfly_g` on a grid over the quoted range and half of it again on either side, NaN
            without
            quotes. Below zero the curve has butterfly arbitrage somewhere there.
    """

    method: SmileMethod
    params: tuple[float, ...]
    tau: float
    k_min: float
    k_max: float
    rms: float
    n: int
    status: FitStatus
    min_g: float

    def iv(self, k: ArrayLike) -> FloatArray:
        """Return the volatility at k, a fraction."""
        values = np.asarray(k, dtype=np.float64)
        if self.method is SmileMethod.SVI:
            with np.errstate(all="ignore"):
                return np.sqrt(Svi(*self.params).total_variance(values) / self.tau)
        return _power_series(self.params, _held_inside(values, self.k_min, self.k_max))

    def slope_atm(self) -> float:
        """Return d iv / d k at k = 0; zero where an edge value is held."""
        _, slope, _ = self._iv_derivatives(np.zeros(1))
        return float(slope[0])

    def butterfly_g(self, k: ArrayLike) -> FloatArray:
        """Return Gatheral's g: the density that the smile implies is not negative where g >= 0.

        `g = (1 - k w'/(2w))^2 - (w'^2/4) (1/w + 1/4) + w''/2`.
        """
        values = np.asarray(k, dtype=np.float64)
        with np.errstate(all="ignore"):
            w, w1, w2 = self._variance_derivatives(values)
            g: FloatArray = (1.0 - 0.5 * values * w1 / w) ** 2 - 0.25 * w1 * w1 * (1.0 / w + 0.25) + 0.5 * w2
        return g

    def _variance_derivatives(self, k: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return total variance and its first two derivatives by k."""
        if self.method is SmileMethod.SVI:
            svi = Svi(*self.params)
            return svi.total_variance(k), *svi.slopes(k)
        iv, slope, bend = self._iv_derivatives(k)
        return (
            iv * iv * self.tau,
            2.0 * self.tau * iv * slope,
            2.0 * self.tau * (slope * slope + iv * bend),
        )

    def _iv_derivatives(self, k: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the volatility and its first two derivatives by k."""
        iv = self.iv(k)
        if self.method is SmileMethod.SVI:
            w1, w2 = Svi(*self.params).slopes(k)
            slope = w1 / (2.0 * self.tau * iv)
            return iv, slope, w2 / (2.0 * self.tau * iv) - slope * slope / iv
        if self.method is SmileMethod.NONE:
            return iv, iv, iv
        first = tuple(power * value for power, value in enumerate(self.params))[1:]
        second = tuple(power * value for power, value in enumerate(first))[1:]
        inside = (k >= self.k_min) & (k <= self.k_max)
        return (
            iv,
            np.where(inside, _power_series(first, k), 0.0),
            np.where(inside, _power_series(second, k), 0.0),
        )


def fit_smile(k: ArrayLike, iv: ArrayLike, weight: ArrayLike, tau: float) -> Smile:
    """Fit the smile of one expiry. The same quotes always give the same digits.

    Quotes whose k is absurd, or whose volatility or weight is not positive and finite, are left out. SVI minimises
    the weighted squares of `(w_fit - w) / (2 iv tau)`, to first order those of the volatility.

    Args:
        k: ln(K/F) of each quote; one side per strike, chosen by the caller (out of the money).
        iv: Mid volatility of each, a fraction.
        weight: Weight of each, usually `1/(ask_iv - bid_iv)^2`.
        tau: Time to expiry in years.
    """
    ks, ivs, weights = (np.asarray(values, dtype=np.float64).ravel() for values in (k, iv, weight))
    usable = (np.abs(ks) <= MAX_LOG_MONEYNESS) & positive(ivs) & positive(weights)
    if not usable.any() or not 0.0 < tau < math.inf:
        return Smile(SmileMethod.NONE, (math.nan,), tau, math.nan, math.nan, math.nan, 0, FitStatus.NO_QUOTES, math.nan)
    ks, ivs, weights = ks[usable], ivs[usable], weights[usable]
    order = np.argsort(ks, kind="stable")
    ks, ivs, weights = ks[order], ivs[order], weights[order] / float(weights.max())
    with np.errstate(all="ignore"):
        method, params, settled = _fit_curve(ks, ivs, weights, tau)
        bare = Smile(
            method=method,
            params=params,
            tau=tau,
            k_min=float(ks[0]),
            k_max=float(ks[-1]),
            rms=math.nan,
            n=len(ks),
            status=FitStatus.OK if settled else FitStatus.NOT_SETTLED,
            min_g=math.nan,
        )
        return _with_quality(bare, ks, ivs)


def _fit_curve(
    k: FloatArray, iv: FloatArray, weight: FloatArray, tau: float
) -> tuple[SmileMethod, tuple[float, ...], bool]:
    """Return the curve that the number of distinct strikes allows, its parameters, and whether it settled."""
    distinct = 1 + int(np.count_nonzero(np.diff(k)))
    if distinct >= _SVI_STRIKES:
        svi, settled = fit_svi(k, iv * iv * tau, weight / (iv * iv))
        return SmileMethod.SVI, tuple(svi), settled
    if distinct >= 3:
        params = _polynomial(k, iv, weight, 2)
        if params is not None and _positive_between(params, float(k[0]), float(k[-1])):
            return SmileMethod.QUADRATIC, params, True
    if distinct >= 2:
        params = _polynomial(k, iv, weight, 1)
        if params is not None and _positive_between(params, float(k[0]), float(k[-1])):
            return SmileMethod.LINEAR, params, True
    return SmileMethod.FLAT, (float((weight * iv).sum() / weight.sum()),), True


def _polynomial(k: FloatArray, iv: FloatArray, weight: FloatArray, degree: int) -> tuple[float, ...] | None:
    """Return the weighted least-squares polynomial in powers of k; None if strikes are too close to tell."""
    scale = float(np.abs(k).max())
    columns = np.stack([(k / scale) ** power for power in range(degree + 1)] + [iv]) * np.sqrt(weight)
    products = (columns[:, None, :] * columns[None, :, :]).sum(axis=2).tolist()
    solution = solve_positive([row[:-1] for row in products[:-1]], products[-1][:-1])
    if solution is None:
        return None
    return tuple(value / scale**power for power, value in enumerate(solution))


def _positive_between(params: tuple[float, ...], low: float, high: float) -> bool:
    """Tell whether a parabola or line is positive on an interval."""
    places = [low, high]
    if len(params) == 3 and params[2] > 0.0:
        places.append(min(max(-0.5 * params[1] / params[2], low), high))
    return all(float(_power_series(params, np.asarray(place))) > 0.0 for place in places)


def _power_series(params: tuple[float, ...], k: FloatArray) -> FloatArray:
    """Evaluate a polynomial in k, constant first; no parameters at all are zero."""
    total = np.zeros_like(k)
    for value in reversed(params):
        total = total * k + value
    return total


def _held_inside(k: FloatArray, low: float, high: float) -> FloatArray:
    """Return k moved to the nearest edge of an interval."""
    return np.minimum(np.maximum(k, low), high)


def _with_quality(smile: Smile, k: FloatArray, iv: FloatArray) -> Smile:
    """Return the smile with its error and its least g."""
    miss = smile.iv(k) - iv
    margin = _GRID_MARGIN * (smile.k_max - smile.k_min)
    grid = np.linspace(smile.k_min - margin, smile.k_max + margin, _GRID_POINTS)
    return replace(smile, rms=math.sqrt(float((miss * miss).mean())), min_g=float(smile.butterfly_g(grid).min()))
