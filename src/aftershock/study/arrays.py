"""Array types of this folder, and sums per trigger."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["BoolArray", "FloatArray", "IntArray", "per_cluster"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def per_cluster(values: FloatArray, cluster: IntArray, count: int) -> FloatArray:
    """Return the sum of the values of each cluster, shape (count,)."""
    return np.bincount(cluster, weights=values, minlength=count).astype(np.float64, copy=False)
