"""Intervals of proportions: Wilson's, by count and by weight."""

from __future__ import annotations

import math

import msgspec
import numpy as np

from aftershock.study.arrays import BoolArray, FloatArray, IntArray, per_cluster
from aftershock.study.weights import mean_weight_per_weight

__all__ = ["UNKNOWN", "Z95", "Interval", "weighted_share", "wilson"]

Z95 = 1.96
"""Two-sided 95 %, rounded as in the published formula."""


class Interval(msgspec.Struct, frozen=True):
    """A value between two bounds, 95 % unless said otherwise; NaN where nothing can be said."""

    value: float
    low: float
    high: float


UNKNOWN = Interval(math.nan, 0.0, 1.0)
"""A proportion of nothing."""


def wilson(hits: float, n: float, z: float = Z95) -> Interval:
    """Return a proportion with Wilson's interval.

    `centre = (p + z^2/2n)/(1 + z^2/n)`, `half = z sqrt(p(1-p)/n + z^2/4n^2)/(1 + z^2/n)`; without a hit the upper
    bound is `z^2/(n + z^2)`.

    Args:
        hits: Successes; may be a fraction where n is an effective size.
        n: Trials.
        z: Normal quantile.
    """
    if not n > 0.0:
        return UNKNOWN
    p, square = hits / n, z * z / n
    centre = (p + square / 2.0) / (1.0 + square)
    half = z * math.sqrt(max(p * (1.0 - p), 0.0) / n + square / (4.0 * n)) / (1.0 + square)
    # At no hit and at all hits one bound is the share itself, which rounding must not overstep.
    return Interval(p, max(min(centre - half, p), 0.0), min(max(centre + half, p), 1.0))


def weighted_share(
    hit: BoolArray, weight: FloatArray, cluster: IntArray | None = None, *, miss_unit: float = 0.0
) -> Interval:
    """Return a weighted proportion with Wilson's interval on an effective size.

    Members of one cluster count as one draw, as if they all came out alike: several fills on one stalled maker are
    one experience. Of two effective sizes the smaller is taken. One is Kish's, `W^2 / sum w^2`. The other follows
    from the score test of `p = G/(G + B)` for weights of hits G and of misses B that are counts times a unit,
    u_G and u_B: `(G - p W)^2 = z^2 p (1 - p) (G u_B + B u_G)`, so `n = W^2/(G u_B + B u_G)`. It matters where
    misses are rare and heavy: after 500 light hits and no miss, what is known about a miss that would weigh as
    much as 100 hits is what 5 trials could tell, not 500. With equal weights both are the number of clusters.

    Args:
        hit: Outcome of each draw, shape (n,).
        weight: Its weight, likewise.
        cluster: Which draws belong together, as numbers from 0; None if all stand alone.
        miss_unit: Least u_B: what a miss would weigh, where those seen (or none) do not tell.
    """
    if cluster is None:
        cluster = np.arange(len(weight), dtype=np.int64)
    count = int(cluster.max()) + 1 if len(cluster) else 0
    hits = per_cluster(np.where(hit, weight, 0.0), cluster, count)
    misses = per_cluster(np.where(hit, 0.0, weight), cluster, count)
    good, bad = float(hits.sum()), float(misses.sum())
    total = good + bad
    if not total > 0.0:
        return UNKNOWN
    unit = mean_weight_per_weight(hits + misses)
    good_unit = mean_weight_per_weight(hits) or unit
    bad_unit = max(mean_weight_per_weight(misses) or unit, miss_unit)
    n = total * total / max(good * bad_unit + bad * good_unit, total * unit)
    return wilson(good / total * n, n)
