"""Cluster bootstrap by trigger with bias-corrected and accelerated (BCa) intervals.

Every statistic here is a function of sums over triggers, so a draw is a vector of how often each trigger was drawn,
and one set of draws serves all statistics of a run. Triggers are drawn within their group (stratum): the prior is
given, not estimated, and must not vary from draw to draw. No BLAS (`einsum` does without,
unless told to optimize): its last bits differ between processors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from aftershock.study.arrays import FloatArray
from aftershock.study.intervals import Interval

__all__ = ["DRAWS", "SEED", "Resampler", "Statistic", "cluster_bootstrap", "ratio"]

DRAWS = 2000
SEED = 20_261_123

Statistic = Callable[[FloatArray], FloatArray]
"""Sums of shape (m, k) to m values; NaN where a value does not exist."""

_NORMAL = NormalDist()
_CHUNK = 200


def ratio(sums: FloatArray) -> FloatArray:
    """Return the first sum over the second: a mean, a share."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sums[:, 1] != 0.0, sums[:, 0] / sums[:, 1], np.nan)


class Resampler:
    """Draws of triggers with replacement, made once.

    Args:
        strata: Group of each trigger, shape (n,); triggers are drawn within their group.
        draws: Number of draws.
        seed: Of PCG64: the same triggers get the same draws in every process.
    """

    def __init__(self, strata: Sequence[str], *, draws: int = DRAWS, seed: int = SEED) -> None:
        labels = np.array(strata, dtype=np.str_)
        self._members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
        self.size = len(labels)
        self._draws = draws
        # A row per trigger: a statistic needs the rows of the triggers that add something, often few.
        self._counts = np.zeros((self.size, draws), dtype=np.uint16)
        generator = np.random.Generator(np.random.PCG64(seed))
        for members in self._members:
            for start in range(0, draws, _CHUNK):
                rows = min(_CHUNK, draws - start)
                self._counts[members, start : start + rows] = _draw(generator, rows, len(members)).T

    def interval(self, sums: FloatArray, statistic: Statistic, *, level: float = 0.95) -> Interval:
        """Return a statistic with its BCa interval (Efron 1987; Davison and Hinkley 1997, 5.29, for strata).

        Draws in which the statistic does not exist are left out; if it does not exist on the records themselves,
        or in more than half of the draws, there is no interval. A statistic that no draw changes has an interval
        of no width, which is a limit of the method, not knowledge.

        Args:
            sums: What each trigger adds to the sums, shape (n, k).
            statistic: Function of the sums.
            level: Two-sided.
        """
        value = float(statistic(sums.sum(axis=0)[None, :])[0])
        drawn = statistic(self._totals(sums))
        drawn = drawn[np.isfinite(drawn)]
        if not math.isfinite(value) or 2 * len(drawn) < self._draws:
            return Interval(value, math.nan, math.nan)
        tiny = 1e-12 * max(1.0, abs(value))
        if float(np.ptp(drawn)) <= tiny:
            return Interval(value, value, value)
        below = float((drawn < value - tiny).mean()) + 0.5 * float((np.abs(drawn - value) <= tiny).mean())
        bias = _NORMAL.inv_cdf(min(max(below, 0.5 / len(drawn)), 1.0 - 0.5 / len(drawn)))
        acceleration = self._acceleration(sums, statistic, value)
        tails = (0.5 * (1.0 - level), 0.5 * (1.0 + level))
        low, high = np.quantile(drawn, [_adjusted(tail, bias, acceleration) for tail in tails])
        return Interval(value, float(low), float(high))

    def _totals(self, sums: FloatArray) -> FloatArray:
        adds = np.flatnonzero(np.any(sums != 0.0, axis=1))
        totals = np.zeros((sums.shape[1], self._draws))
        for start in range(0, len(adds), _CHUNK):
            some = adds[start : start + _CHUNK]
            totals += np.einsum("td,tk->kd", self._counts[some].astype(np.float64), sums[some])
        return totals.T

    def _acceleration(self, sums: FloatArray, statistic: Statistic, value: float) -> float:
        """Return a sixth of the skewness of the influence values, which leaving out one trigger at a time gives."""
        everything = sums.sum(axis=0)
        cubes = squares = 0.0
        for members in self._members:
            size = len(members)
            if size < 2:
                continue
            own = sums[members].sum(axis=0)
            without = everything - own + (own - sums[members]) * (size / (size - 1))
            influence = (size - 1) * (value - statistic(without))
            influence = influence[np.isfinite(influence)]
            squares += float((influence**2).sum()) / size**2
            cubes += float((influence**3).sum()) / size**3
        return cubes / (6.0 * squares**1.5) if squares > 0.0 else 0.0


def cluster_bootstrap(
    sums: FloatArray,
    statistic: Statistic,
    *,
    strata: Sequence[str] | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
    level: float = 0.95,
) -> Interval:
    """Return one statistic with its BCa interval; `Resampler` is for many on the same triggers."""
    groups = ["all"] * len(sums) if strata is None else strata
    return Resampler(groups, draws=draws, seed=seed).interval(sums, statistic, level=level)


def _draw(generator: np.random.Generator, rows: int, size: int) -> NDArray[np.uint16]:
    """Return how often each of `size` members is drawn in each row; a row draws `size` times."""
    drawn = generator.integers(0, size, size=(rows, size)) + size * np.arange(rows)[:, None]
    return np.bincount(drawn.ravel(), minlength=rows * size).reshape(rows, size).astype(np.uint16)


def _adjusted(tail: float, bias: float, acceleration: float) -> float:
    """Return the tail probability at which BCa reads the draws."""
    shifted = bias + _NORMAL.inv_cdf(tail)
    scale = 1.0 - acceleration * shifted
    if not scale > 0.0:
        return 1.0 if shifted > 0.0 else 0.0
    return _NORMAL.cdf(bias + shifted / scale)
