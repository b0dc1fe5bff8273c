"""What formulas on scalars or arrays share."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

Real = TypeVar("Real", float, FloatArray)
"""All floats or all arrays for the type checker; at run time arrays and floats broadcast as in NumPy."""


def positive(values: FloatArray) -> NDArray[np.bool_]:
    """Tell which values are positive and finite."""
    return (values > 0.0) & (values < math.inf)
