"""Is a stated probability true: Brier score, log-loss, expected calibration error, and the table behind them."""

from __future__ import annotations

import msgspec
import numpy as np

from aftershock.study.arrays import BoolArray, FloatArray, IntArray, per_cluster
from aftershock.study.bootstrap import Resampler, ratio
from aftershock.study.intervals import Interval, weighted_share

__all__ = ["BINS", "Reliability", "ReliabilityBin", "equal_count_bins", "reliability"]

BINS = 5
_LEAST = 1e-6
"""A stated probability nearer than this to 0 or 1 counts as this near, so that one mistake is not an infinite loss."""


class ReliabilityBin(msgspec.Struct, frozen=True, kw_only=True):
    """Forecasts of about the same probability, and how often they came true."""

    n: int
    stated: float
    observed: float
    low: float
    high: float


class Reliability(msgspec.Struct, frozen=True, kw_only=True):
    """Stated probabilities against outcomes.

    Attributes:
        n: Number of forecasts.
        brier: Mean of (stated - outcome)^2.
        log_loss: Mean of -ln of the probability stated for what happened.
        ece: Mean over bins of |stated - observed|, by weight.
        bins: Lowest probabilities first.
    """

    n: int
    brier: Interval
    log_loss: Interval
    ece: Interval
    bins: tuple[ReliabilityBin, ...]


def reliability(
    stated: FloatArray,
    outcome: BoolArray,
    weight: FloatArray,
    cluster: IntArray,
    resampler: Resampler,
    *,
    bins: int = BINS,
) -> Reliability:
    """Compare stated probabilities with outcomes; forecasts that are NaN were not made and are left out.

    The bins hold equal numbers of forecasts (not equal weights) and stay as they are in every bootstrap draw.

    Args:
        stated: Probabilities, shape (n,).
        outcome: What happened, likewise.
        weight: Weight of each, likewise.
        cluster: Trigger of each, likewise.
        resampler: Draws of those triggers.
        bins: Number of bins; fewer where there are fewer forecasts.
    """
    made = np.isfinite(stated)
    stated, outcome, weight, cluster = stated[made], outcome[made], weight[made], cluster[made]
    came, place = outcome.astype(np.float64), equal_count_bins(stated, bins)
    near = np.clip(stated, _LEAST, 1.0 - _LEAST)
    loss = -(came * np.log(near) + (1.0 - came) * np.log1p(-near))

    def mean(values: FloatArray) -> Interval:
        return resampler.interval(_sums([weight * values, weight], cluster, resampler.size), ratio)

    columns = [weight * (place == k) * x for k in range(bins) for x in (stated - came, np.ones_like(came))]
    return Reliability(
        n=len(stated),
        brier=mean(np.square(stated - came)),
        log_loss=mean(loss),
        ece=resampler.interval(_sums(columns, cluster, resampler.size), _ece),
        bins=tuple(
            _bin(stated[place == k], outcome[place == k], weight[place == k], cluster[place == k])
            for k in range(bins)
            if np.any(place == k)
        ),
    )


def equal_count_bins(values: FloatArray, bins: int) -> IntArray:
    """Return the bin of each value, 0 for the smallest; equal values share one, so counts may differ."""
    order = np.sort(values)
    edges = [order[(k * len(order)) // bins] for k in range(1, bins)] if len(order) else []
    return np.searchsorted(np.array(edges), values, side="right").astype(np.int64)


def _sums(columns: list[FloatArray], cluster: IntArray, count: int) -> FloatArray:
    return np.column_stack([per_cluster(column, cluster, count) for column in columns])


def _ece(sums: FloatArray) -> FloatArray:
    """Return sum over bins of |sum w (stated - outcome)| over the sum of w."""
    total = sums[:, 1::2].sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(total > 0.0, np.abs(sums[:, 0::2]).sum(axis=1) / total, np.nan)


def _bin(stated: FloatArray, outcome: BoolArray, weight: FloatArray, cluster: IntArray) -> ReliabilityBin:
    observed = weighted_share(outcome, weight, cluster)
    mean = float((weight * stated).sum() / weight.sum())
    return ReliabilityBin(n=len(stated), stated=mean, observed=observed.value, low=observed.low, high=observed.high)
