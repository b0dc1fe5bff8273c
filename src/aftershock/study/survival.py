"""How long an edge that was ordered on stays: survival, mean edge and money by order latency."""

from __future__ import annotations

import itertools
import math

import msgspec
import numpy as np

from aftershock.study.arrays import FloatArray
from aftershock.study.intervals import Interval
from aftershock.study.records import LATENCIES_MS, latency_key
from aftershock.study.sample import Sample

__all__ = ["LatencyPoint", "Survival", "survival"]


class LatencyPoint(msgspec.Struct, frozen=True, kw_only=True):
    """What the run's orders would have met, had they taken this long.

    Attributes:
        latency_ms: Decision to the venue.
        n: Orders whose outcome at this latency is known.
        alive: S(L): share that would have filled with an edge label above zero.
        edge_bps: Mean edge label of those that would have filled.
        per_order_bps: The same per order sent; an order that would not have filled is 0.
    """

    latency_ms: float
    n: int
    alive: Interval
    edge_bps: Interval
    per_order_bps: Interval


class Survival(msgspec.Struct, frozen=True, kw_only=True):
    """The curve over order latency.

    Attributes:
        points: Shortest latency first.
        half_life_ms: L50, where half of those alive at the shortest latency are gone; infinite if the curve does
            not come down to half, NaN without a curve.
        longest_ms: Longest latency of the curve; NaN without one.
    """

    points: tuple[LatencyPoint, ...]
    half_life_ms: float
    longest_ms: float


def survival(sample: Sample) -> Survival:
    """Return the curve at the sample's prior."""
    points = tuple(point for latency in LATENCIES_MS if (point := _point(sample, latency)).n)
    longest = points[-1].latency_ms if points else math.nan
    return Survival(points=points, half_life_ms=_half_life(points), longest_ms=longest)


def _point(sample: Sample, latency_ms: float) -> LatencyPoint:
    key, orders = latency_key(latency_ms), sample.table.orders
    known = np.array([key in order.by_latency_bps for order in orders], dtype=np.bool_)
    edge: FloatArray = np.array([order.by_latency_bps.get(key, math.nan) for order in orders], dtype=np.float64)
    fills = known & np.isfinite(edge)
    return LatencyPoint(
        latency_ms=latency_ms,
        n=int(known.sum()),
        alive=sample.order_share(fills & (edge > 0.0), known),
        edge_bps=sample.order_mean(edge, fills),
        per_order_bps=sample.order_mean(np.where(fills, edge, 0.0), known),
    )


def _half_life(points: tuple[LatencyPoint, ...]) -> float:
    """Interpolate in the logarithm of the latency, between the points around the first crossing."""
    if not points or not points[0].alive.value > 0.0:
        return math.nan
    half = 0.5 * points[0].alive.value
    for before, after in itertools.pairwise(points):
        if after.alive.value <= half:
            share = (before.alive.value - half) / (before.alive.value - after.alive.value)
            step = math.log(after.latency_ms / before.latency_ms)
            return before.latency_ms * math.exp(share * step)
    return math.inf
