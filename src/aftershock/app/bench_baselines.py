"""What the benchmark compares with: the plain ways of doing the same."""

from __future__ import annotations

import csv
import gzip
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aftershock.app.bench_market import INDEX, BenchChain
from aftershock.pricing.vol_band import vol_band

__all__ = ["newton", "nine_scenarios", "read_plainly", "vol_bounds"]

_MOVE = 30e-4
_SLOPE = -0.02


def vol_bounds(chain: BenchChain) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the volatilities of the two bounds, as the engine computes them."""
    return vol_band(chain.sigma, _SLOPE, _MOVE, up_points=1.0, up_per_move=40.0, down_points=0.5, down_per_move=10.0)


def nine_scenarios(chain: BenchChain) -> list[NDArray[np.float64]]:
    """Return the volatilities of the nine scenarios, one after the other."""
    return [chain.sigma + ratio * _SLOPE * _MOVE + shift for ratio in (0.0, 1.0, 2.0) for shift in (-0.005, 0.0, 0.01)]


def read_plainly(path: Path) -> int:
    """Read an options file with csv.reader and float(), and return its rows."""
    count = 0
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        for row in reader:
            [float(cell) if cell and cell[0] in "-0123456789" else math.nan for cell in row[4:]]
            count += 1
    return count


def newton(premium: float, strike: float, tau: float, is_call: bool) -> float:
    """Return an implied volatility the way a tutorial would: one option, Newton's method, math.erf."""
    sigma, root = 0.5, math.sqrt(tau)
    for _ in range(50):
        d1 = math.log(INDEX / strike) / (sigma * root) + 0.5 * sigma * root
        d2 = d1 - sigma * root
        call = INDEX * _normal(d1) - strike * _normal(d2)
        value = call if is_call else call - INDEX + strike
        vega = INDEX * math.exp(-0.5 * d1 * d1) / math.sqrt(2 * math.pi) * root
        if vega < 1e-9 or abs(value - premium) < 1e-9:
            break
        sigma = min(max(sigma - (value - premium) / vega, 1e-3), 10.0)
    return sigma


def _normal(x: float) -> float:
    return 0.5 * (1.0 + math.erf(x / math.sqrt(2.0)))
