"""Platt scaling: a logistic curve through outcomes, with targets that keep it off 0 and 1."""

from __future__ import annotations

import numpy as np

from aftershock.study.arrays import FloatArray

__all__ = ["logistic", "platt_fit"]

_STEPS = 100
_CLOSE = 1e-10


def logistic(x: FloatArray) -> FloatArray:
    """Return 1/(1 + exp(-x)) without overflow."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0.0, 1.0, small) / (1.0 + small)


def platt_fit(x: FloatArray, came: FloatArray, weight: FloatArray) -> tuple[float, float]:
    """Return intercept and slope of the logistic curve of greatest weighted likelihood.

    Targets are Platt's (1999), `(N+ + 1)/(N+ + 2)` and `1/(N- + 2)`, so a maximum exists even where x separates
    the outcomes. Newton's method on two parameters, each step halved until the loss falls.

    Args:
        x: Shape (n,).
        came: 1 or 0, likewise; both occur.
        weight: Positive, likewise; sums to the (effective) number of outcomes.
    """
    hits, misses = float((weight * came).sum()), float((weight * (1.0 - came)).sum())
    target = np.where(came > 0.0, (hits + 1.0) / (hits + 2.0), 1.0 / (misses + 2.0))
    centre, scale = float(x.mean()), float(x.std()) or 1.0
    z = (x - centre) / scale
    a, b = float(np.log((hits + 1.0) / (misses + 1.0))), 0.0
    loss = _loss(a + b * z, target, weight)
    for _ in range(_STEPS):
        step_a, step_b = _newton(z, logistic(a + b * z), target, weight)
        size = 1.0
        while (trial := _loss(a + size * step_a + (b + size * step_b) * z, target, weight)) > loss and size > _CLOSE:
            size *= 0.5
        a, b, gained, loss = a + size * step_a, b + size * step_b, loss - trial, min(trial, loss)
        if not gained > _CLOSE:
            break
    return a - b * centre / scale, b / scale


def _loss(score: FloatArray, target: FloatArray, weight: FloatArray) -> float:
    return float((weight * (np.logaddexp(0.0, score) - target * score)).sum())


def _newton(z: FloatArray, p: FloatArray, target: FloatArray, weight: FloatArray) -> tuple[float, float]:
    slack, curve = weight * (target - p), weight * p * (1.0 - p)
    first, second = float(slack.sum()), float((slack * z).sum())
    # The small addition keeps the system solvable where all x are equal: the slope then stays 0.
    h00, h01, h11 = float(curve.sum()) + 1e-12, float((curve * z).sum()), float((curve * z * z).sum()) + 1e-12
    determinant = h00 * h11 - h01 * h01
    return (h11 * first - h01 * second) / determinant, (h00 * second - h01 * first) / determinant
