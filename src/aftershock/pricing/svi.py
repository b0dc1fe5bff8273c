"""Raw SVI: total variance of one expiry as a hyperbola in k = ln(K/F), fitted under its no-arbitrage bounds.

    w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2))

(J. Gatheral, A. Jacquier, "Arbitrage-free SVI volatility surfaces", arXiv 1204.0646). The bounds: b >= 0,
|rho| < 1, sigma > 0, least variance `a + b sigma sqrt(1 - rho^2)` positive, R. Lee's slope `b (1 + |rho|) <= 2`.

With the slopes of the two wings, `u = b (1 + rho)` on the right and `v = b (1 - rho)` on the left, w is linear in
a, u, v, and their bounds are 0 < u, v <= 2. So the fit descends in m and ln sigma only, and a, u, v follow by linear
least squares (the quasi-explicit idea of S. De Marco and C. Martini, 2009): Levenberg-Marquardt steps with the
exact Jacobian, from the best of a small grid. Nothing is random, and all systems are solved in plain floats.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from aftershock.pricing.arrays import FloatArray
from aftershock.pricing.solve import solve_positive

# Wing slopes: |rho| stays below 1 as long as neither is zero.
_MIN_WING = 1e-6
_MAX_WING = 2.0
# Fractions of the quoted range of k: a vertex outside, or a sharper or flatter one, is not determined by the quotes.
_VERTEX_MARGIN = 0.5
_MIN_SIGMA_SHARE = 0.02
_MAX_SIGMA_SHARE = 4.0
# The least variance is kept at this share of the least quoted one, so that a volatility is never zero.
_MIN_VARIANCE_SHARE = 1e-3

_GRID_VERTICES = (0.1, 0.5, 0.9)
_GRID_SIGMAS = (0.05, 0.3)

_MAX_STEPS = 40
_ENOUGH_GAIN = 1e-6
_PERFECT = 1e-20
_MAX_DAMPING = 1e6


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


class _Quotes(NamedTuple):
    """What is fitted, and the box that m and sigma stay in."""

    k: FloatArray
    w: FloatArray
    root_weight: FloatArray
    m_low: float
    m_high: float
    sigma_low: float
    sigma_high: float
    w_low: float


class _Fit(NamedTuple):
    """The best curve for one m and sigma, its inner products and its weighted sum of squares.

    `products[i][j]` are those of the weighted derivatives by a, u, v, m, ln sigma and of what is left to explain.
    """

    wings: tuple[float, float]
    m: float
    sigma: float
    level: float
    products: list[list[float]]
    cost: float


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
    quotes = _Quotes(
        k=k,
        w=w,
        root_weight=np.sqrt(weight / float(weight.max())),
        m_low=k_low - _VERTEX_MARGIN * span,
        m_high=k_high + _VERTEX_MARGIN * span,
        sigma_low=_MIN_SIGMA_SHARE * span,
        sigma_high=_MAX_SIGMA_SHARE * span,
        w_low=_MIN_VARIANCE_SHARE * float(w.min()),
    )
    grid = [
        _best_wings(quotes, k_low + vertex * span, share * span) for vertex in _GRID_VERTICES for share in _GRID_SIGMAS
    ]
    fit, settled = _descend(quotes, min(grid, key=lambda each: each.cost))
    u, v = fit.wings
    return Svi(fit.level, 0.5 * (u + v), (u - v) / (u + v), fit.m, fit.sigma), settled


def _descend(quotes: _Quotes, start: _Fit) -> tuple[_Fit, bool]:
    """Take damped steps in m and ln sigma until one gains next to nothing."""
    weighted = quotes.w * quotes.root_weight
    perfect = _PERFECT * float((weighted * weighted).sum())
    fit, damping = start, 1e-3
    for _ in range(_MAX_STEPS):
        if fit.cost <= perfect:
            return fit, True
        step_m, step_log_sigma = _damped_step(quotes, fit, damping)
        m = min(max(fit.m + step_m, quotes.m_low), quotes.m_high)
        sigma = fit.sigma * math.exp(min(max(step_log_sigma, -1.0), 1.0))
        moved = _best_wings(quotes, m, min(max(sigma, quotes.sigma_low), quotes.sigma_high))
        if moved.cost < fit.cost:
            settled = fit.cost - moved.cost <= _ENOUGH_GAIN * fit.cost
            fit, damping = moved, max(damping * 0.1, 1e-9)
            if settled:
                return fit, True
        else:
            damping *= 10.0
            if damping > _MAX_DAMPING:
                return fit, True
    return fit, False


def _damped_step(quotes: _Quotes, fit: _Fit, damping: float) -> tuple[float, float]:
    """Return Marquardt's step in m and ln sigma, with a, u, v following; none for one held at its bound."""
    products = fit.products
    linear = [0] + [i for i, wing in zip((1, 2), fit.wings, strict=True) if _MIN_WING < wing < _MAX_WING]
    followed = [[products[i][j] for j in linear] for i in linear]
    answers = [solve_positive(followed, [products[i][column] for i in linear]) for column in (3, 4, 5)]

    def remaining(row: int, column: int) -> float:
        """Return an inner product less what the linear parameters take of it."""
        answer = answers[column - 3]
        if answer is None:
            return products[row][column]
        return products[row][column] - sum(products[row][i] * x for i, x in zip(linear, answer, strict=True))

    uphill = [remaining(3, 5), remaining(4, 5)]
    free = [
        i
        for i, value, low, high in (
            (0, fit.m, quotes.m_low, quotes.m_high),
            (1, fit.sigma, quotes.sigma_low, quotes.sigma_high),
        )
        if not (value <= low and uphill[i] < 0.0) and not (value >= high and uphill[i] > 0.0)
    ]
    matrix = [[remaining(3 + i, 3 + j) * (1.0 + damping * (i == j)) for j in free] for i in free]
    solution = solve_positive(matrix, [uphill[i] for i in free])
    step = [0.0, 0.0]
    for i, change in zip(free, solution or [0.0] * len(free), strict=True):
        step[i] = change
    return step[0], step[1]


def _best_wings(quotes: _Quotes, m: float, sigma: float) -> _Fit:
    """Return the least-squares a, u, v for one m and sigma, within their bounds."""
    d = quotes.k - m
    root = np.sqrt(d * d + sigma * sigma)
    columns = np.empty((4, len(d)))
    columns[0] = 1.0
    columns[1] = 0.5 * (root + d)
    columns[2] = 0.5 * (root - d)
    columns[3] = quotes.w
    columns *= quotes.root_weight
    a, u, v = _bounded(_products(columns))
    a = max(a, quotes.w_low - sigma * math.sqrt(u * v))

    slope = d / root
    rates = np.empty((6, len(d)))
    rates[:3] = columns[:3]
    rates[3] = -0.5 * (u * (1.0 + slope) - v * (1.0 - slope)) * quotes.root_weight
    rates[4] = (0.5 * (u + v) * sigma * sigma) / root * quotes.root_weight
    rates[5] = columns[3] - a * columns[0] - u * columns[1] - v * columns[2]
    products = _products(rates)
    return _Fit((u, v), m, sigma, a, products, products[5][5])


def _bounded(products: list[list[float]]) -> list[float]:
    """Solve for a, u, v; a wing beyond its bounds is set to the nearer one and the others solved again."""
    values, free = [products[0][3] / products[0][0], _MIN_WING, _MIN_WING], [0, 1, 2]
    while True:
        fixed = [i for i in range(3) if i not in free]
        right = [products[i][3] - sum(products[i][j] * values[j] for j in fixed) for i in free]
        solution = solve_positive([[products[i][j] for j in free] for i in free], right)
        if solution is None:
            return values
        for i, value in zip(free, solution, strict=True):
            values[i] = value
        beyond = [i for i in free if i > 0 and not _MIN_WING <= values[i] <= _MAX_WING]
        for i in beyond:
            values[i] = min(max(values[i], _MIN_WING), _MAX_WING)
        if not beyond:
            return values
        free = [i for i in free if i not in beyond]


def _products(columns: FloatArray) -> list[list[float]]:
    """Return the inner products of all columns, summed without BLAS: the same digits on every machine."""
    products: list[list[float]] = (columns[:, None, :] * columns[None, :, :]).sum(axis=2).tolist()
    return products
