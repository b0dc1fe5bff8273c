"""Isotonic regression: the non-decreasing values nearest to given ones."""

from __future__ import annotations

import numpy as np

from aftershock.study.arrays import FloatArray

__all__ = ["pool_adjacent_violators"]


def pool_adjacent_violators(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the non-decreasing sequence with the least weighted squared distance to `values`.

    Neighbours that descend are pooled into their mean until none do (Ayer et al. 1955); linear time.

    Args:
        values: Shape (n,).
        weights: Positive, likewise.
    """
    means: list[float] = []
    masses: list[float] = []
    sizes: list[int] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        mean, mass, size = value, weight, 1
        while means and means[-1] >= mean:
            before, its_mass = means.pop(), masses.pop()
            mean = (before * its_mass + mean * mass) / (its_mass + mass)
            mass, size = mass + its_mass, size + sizes.pop()
        means.append(mean)
        masses.append(mass)
        sizes.append(size)
    return np.repeat(np.array(means, dtype=np.float64), sizes)
