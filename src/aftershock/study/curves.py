"""A probability as a non-decreasing function of the edge that was claimed: isotonic, logistic, or flat."""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np

from aftershock.study.arrays import BoolArray, FloatArray, IntArray, per_cluster
from aftershock.study.isotonic import pool_adjacent_violators
from aftershock.study.platt import logistic, platt_fit
from aftershock.study.weights import effective_size

__all__ = ["BASE_RATE", "PSEUDO_COUNT", "Curve", "Method", "fit_curve", "shrink"]

PSEUDO_COUNT, BASE_RATE = 10.0, 0.1
"""A Beta(1, 9) prior: ten fills seen beforehand, one of them good."""

MIN_ISOTONIC, MIN_PLATT = 200, 40
_LEAST_STEP, _MOST_STEPS, _PLATT_KNOTS = 25, 20, 9

Method = Literal["isotonic", "platt", "flat"]


class Curve(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A probability at knots, linear between them and flat outside.

    Attributes:
        method: How it was fitted.
        knots: Ascending, bps.
        values: Probability at each.
    """

    method: Method
    knots: FloatArray
    values: FloatArray

    def at(self, spread_bps: FloatArray) -> FloatArray:
        """Return the probability at each edge."""
        return np.interp(spread_bps, self.knots, self.values)


def fit_curve(spread_bps: FloatArray, outcome: BoolArray, weight: FloatArray, cluster: IntArray) -> Curve:
    """Fit how often something came true against the edge that was claimed.

    Isotonic from 200 outcomes on: groups of at least 25 neighbours (and at most 20 groups), pooled until they
    ascend. From 40 on, with outcomes of both kinds, a logistic curve (Platt), never a falling one. Below that, flat.

    All are shrunk to the base rate: the ten pseudo-outcomes of the prior are spread over the type's data as that
    lies, so `p' = (n p + 1)/(n + 10)` with n the effective number of triggers. A rare type stays near one in ten
    whatever its few outcomes say.

    Args:
        spread_bps: Edge claimed, shape (n,).
        outcome: Whether it came true.
        weight: Weight of each.
        cluster: Trigger of each; outcomes of one trigger count as one.
    """
    count = int(cluster.max()) + 1 if len(cluster) else 0
    size = effective_size(per_cluster(weight, cluster, count))
    came = outcome.astype(np.float64)
    if len(came) >= MIN_ISOTONIC:
        curve = _isotonic(spread_bps, came, weight)
    elif len(came) >= MIN_PLATT and 0.0 < came.mean() < 1.0:
        curve = _platt(spread_bps, came, weight * (size / weight.sum()))
    else:
        curve = _flat(spread_bps, came, weight)
    return msgspec.structs.replace(curve, values=shrink(curve.values, size))


def shrink(share: FloatArray, size: float) -> FloatArray:
    """Return the share after adding the prior's pseudo-counts to `size` outcomes."""
    return (size * share + PSEUDO_COUNT * BASE_RATE) / (size + PSEUDO_COUNT)


def _isotonic(spread_bps: FloatArray, came: FloatArray, weight: FloatArray) -> Curve:
    order = np.argsort(spread_bps, kind="stable")
    spread, came, weight = spread_bps[order], came[order], weight[order]
    group = _groups(spread, max(_LEAST_STEP, -(-len(spread) // _MOST_STEPS)))
    count = int(group[-1]) + 1
    total = per_cluster(weight, group, count)
    knots = per_cluster(weight * spread, group, count) / total
    values = pool_adjacent_violators(per_cluster(weight * came, group, count) / total, total)
    return Curve(method="isotonic", knots=knots, values=values)


def _groups(ascending: FloatArray, least: int) -> IntArray:
    """Number groups of at least `least` neighbours; equal values share a group, a short rest joins the last."""
    group = np.zeros(len(ascending), dtype=np.int64)
    number = start = 0
    for place in range(1, len(ascending)):
        full = place - start >= least and len(ascending) - place >= least
        if full and ascending[place] != ascending[place - 1]:
            number, start = number + 1, place
        group[place] = number
    return group


def _platt(spread_bps: FloatArray, came: FloatArray, weight: FloatArray) -> Curve:
    intercept, slope = platt_fit(spread_bps, came, weight)
    if not slope > 0.0:
        return _flat(spread_bps, came, weight)
    knots = np.unique(np.quantile(spread_bps, np.linspace(0.0, 1.0, _PLATT_KNOTS)))
    return Curve(method="platt", knots=knots, values=logistic(intercept + slope * knots))


def _flat(spread_bps: FloatArray, came: FloatArray, weight: FloatArray) -> Curve:
    total = float(weight.sum())
    share = float((weight * came).sum()) / total if total > 0.0 else 0.0
    middle = float(np.median(spread_bps)) if len(spread_bps) else 0.0
    return Curve(method="flat", knots=np.array([middle]), values=np.array([share]))
