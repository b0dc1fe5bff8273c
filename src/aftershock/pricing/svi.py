"""Raw SVI: total variance of one expiry as a hyperbola in k = ln(K/F), fitted under its no-arbitrage bounds.

    w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2))

(J. Gatheral; J. Gatheral, A. Jacquier, "Arbitrage-free SVI volatility surfaces", arXiv 1204.0646). The
bounds: b >= 0, |rho| < 1, sigma > 0, least variance `a + b sigma sqrt(1 - rho^2)` positive, and R. Lee's
slope `b (1 + |rho|) <= 2`.

The start is the best of a small grid of (m, sigma), for each of which a, b rho and b solve a linear problem
(the quasi-explicit idea of S. De Marco and C. Martini, 2009). Levenberg-Marquardt steps with the exact
Jacobian follow, each projected onto the bounds. Nothing is random, and the 3x3 and 5x5 systems are solved in
plain floats.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from aftershock.pricing.arrays import FloatArray
from aftershock.pricing.solve import solve_positive

_MAX_RHO = 0.999
_MAX_WING_SLOPE = 2.0
# Fractions of the quoted range of k: a vertex outside, or a sharper or flatter one, is not determined by the
# quotes.
_VERTEX_MARGIN = 0.5
_MIN_SIGMA_SHARE = 0.02
_MAX_SIGMA_SHARE = 4.0
# The least variance is kept at this share of the least quoted one, so that a volatility is never zero.
_MIN_VARIANCE_SHARE = 1e-3

_GRID_VERTICES = (0.0, 0.25, 0.5, 0.75, 1.0)
_GRID_SIGMAS = (0.05, 0.2, 0.8)

_MAX_STEPS = 60
_ENOUGH_GAIN = 1e-7


class Svi(NamedTuple):
    """Parameters of raw SVI."""

    a: float
    b: float
    rho: float
    m: float
    sigma: float

    def total_variance(self, k: FloatArray) -> FloatArray:
        """Return w at each k."""
        d = k - self.m
        return self.a + self.b * (self.rho * d + np.sqrt(d * d + self.sigma * self.sigma))

    def slopes(self, k: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return dw/dk and its derivative at each k."""
        d = k - self.m
        root = np.sqrt(d * d + self.sigma * self.sigma)
        return self.b * (self.rho + d / root), self.b * self.sigma * self.sigma / (root * root * root)


class _Bounds(NamedTuple):
    """Box of m and sigma, and the least variance."""

    m_low: float
    m_high: float
    sigma_low: float
    sigma_high: float
    w_low: float

    def project(self, p: Svi) -> Svi:
        """Return the parameters moved to where the bounds hold."""
        rho = min(max(p.rho, -_MAX_RHO), _MAX_RHO)
        b = min(max(p.b, 0.0), _MAX_WING_SLOPE / (1.0 + abs(rho)))
        sigma = min(max(p.sigma, self.sigma_low), self.sigma_high)
        a = max(p.a, self.w_low - b * sigma * math.sqrt(1.0 - rho * rho))
        return Svi(a, b, rho, min(max(p.m, self.m_low), self.m_high), sigma)


def fit_svi(k: FloatArray, w: FloatArray, weight: FloatArray) -> tuple[Svi, bool]:
    """Fit raw SVI to total variances, minimising `sum weight (w_fit - w)^2`.

    Args:
        k: ln(K/F) of at least five distinct strikes.
        w: Total variances, positive.
        weight: Positive weights.

    Returns:
        The parameters, and whether the steps settled.
    """
    k_low, k_high = float(k.min()), float(k.max())
    span = k_high - k_low
    bounds = _Bounds(
        k_low - _VERTEX_MARGIN * span,
        k_high + _VERTEX_MARGIN * span,
        _MIN_SIGMA_SHARE * span,
        _MAX_SIGMA_SHARE * span,
        _MIN_VARIANCE_SHARE * float(w.min()),
    )
    root_weight = np.sqrt(weight / float(weight.max()))
    start = _best_of_grid(k, w, root_weight, bounds)
    return _levenberg_marquardt(k, w, root_weight, start, bounds)


def _best_of_grid(k: FloatArray, w: FloatArray, root_weight: FloatArray, bounds: _Bounds) -> Svi:
    """Return the best of the linear fits for vertices and sigmas on a grid."""
    k_low, span = float(k.min()), float(k.max() - k.min())
    best, least = Svi(float(w.mean()), 0.0, 0.0, k_low + 0.5 * span, span), math.inf
    for vertex in _GRID_VERTICES:
        d = k - (k_low + vertex * span)
        for share in _GRID_SIGMAS:
            sigma = share * span
            columns = np.stack((np.ones_like(k), d, np.sqrt(d * d + sigma * sigma), w)) * root_weight
            products = _products(columns)
            solution = solve_positive([row[:3] for row in products[:3]], products[3][:3])
            if solution is None:
                continue
            a, b_rho, b = solution
            rho = b_rho / b if b > 0.0 else 0.0
            candidate = bounds.project(Svi(a, b, rho, k_low + vertex * span, sigma))
            cost = _cost(candidate, k, w, root_weight)
            if cost < least:
                best, least = candidate, cost
    return best


def _levenberg_marquardt(
    k: FloatArray, w: FloatArray, root_weight: FloatArray, start: Svi, bounds: _Bounds
) -> tuple[Svi, bool]:
    """Descend from a start; a step that the projection spoils is shortened like one that overshoots."""
    fit, cost, damping = start, _cost(start, k, w, root_weight), 1e-3
    perfect = 1e-28 * float(np.sum((w * root_weight) ** 2))
    products = _products(_columns(fit, k, w, root_weight))
    for _ in range(_MAX_STEPS):
        if cost <= perfect:
            return fit, True
        step = _damped_step(products, damping)
        moved = bounds.project(Svi(*(value + change for value, change in zip(fit, step, strict=True))))
        new_cost = _cost(moved, k, w, root_weight)
        if new_cost < cost:
            settled = cost - new_cost <= _ENOUGH_GAIN * cost
            fit, cost, damping = moved, new_cost, max(damping * 0.1, 1e-12)
            if settled:
                return fit, True
            products = _products(_columns(fit, k, w, root_weight))
        else:
            damping *= 10.0
            if damping > 1e8:
                return fit, True
    return fit, False


def _damped_step(products: list[list[float]], damping: float) -> list[float]:
    """Solve the normal equations with Marquardt's scaled diagonal; no step if they are singular."""
    matrix = [row[:5] for row in products[:5]]
    for i in range(5):
        matrix[i][i] += damping * matrix[i][i] + 1e-300
    return solve_positive(matrix, products[5][:5]) or [0.0] * 5


def _columns(p: Svi, k: FloatArray, w: FloatArray, root_weight: FloatArray) -> FloatArray:
    """Return the weighted derivatives by a, b, rho, m, sigma and, last, what is left to explain."""
    d = k - p.m
    root = np.sqrt(d * d + p.sigma * p.sigma)
    shape = p.rho * d + root
    columns = np.empty((6, len(k)))
    columns[0] = 1.0
    columns[1] = shape
    columns[2] = p.b * d
    columns[3] = -p.b * (p.rho + d / root)
    columns[4] = (p.b * p.sigma) / root
    columns[5] = w - p.a - p.b * shape
    columns *= root_weight
    return columns


def _products(columns: FloatArray) -> list[list[float]]:
    """Return the inner products of all columns, summed without BLAS so that every machine gets the same."""
    products: list[list[float]] = (columns[:, None, :] * columns[None, :, :]).sum(axis=2).tolist()
    return products


def _cost(p: Svi, k: FloatArray, w: FloatArray, root_weight: FloatArray) -> float:
    """Return the weighted sum of squares."""
    miss = (p.total_variance(k) - w) * root_weight
    return float((miss * miss).sum())
