"""From the edge that was claimed to the edge that was there: mean of each step over the fills."""

from __future__ import annotations

import math

import msgspec
import numpy as np

from aftershock.study.intervals import Interval
from aftershock.study.sample import Sample

__all__ = ["Step", "Waterfall", "waterfall"]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step: a signed mean in bps of the forward."""

    name: str
    bps: Interval


class Waterfall(msgspec.Struct, frozen=True, kw_only=True):
    """Steps and what they lead to.

    Attributes:
        n: Fills with a waterfall.
        steps: In the records' order, the claimed gross edge first.
        net_bps: Mean edge label of those fills.
        gap_bps: Largest difference on one fill between the sum of its steps and its label: 0 but for rounding.
    """

    n: int
    steps: tuple[Step, ...]
    net_bps: Interval
    gap_bps: float


def waterfall(sample: Sample) -> Waterfall:
    """Return the mean waterfall of the fills at the sample's prior; a step that a fill lacks is 0 there."""
    table = sample.table
    shown = table.filled & np.array([bool(order.waterfall_bps) for order in table.orders], dtype=np.bool_)
    names = dict.fromkeys(
        name for order, has in zip(table.orders, shown, strict=True) if has for name in order.waterfall_bps
    )
    steps = {name: np.array([order.waterfall_bps.get(name, 0.0) for order in table.orders]) for name in names}
    gaps = np.abs(sum(steps.values(), np.zeros(len(table.orders))) - table.edge_bps)[shown]
    return Waterfall(
        n=int(shown.sum()),
        steps=tuple(Step(name=name, bps=sample.order_mean(values, shown)) for name, values in steps.items()),
        net_bps=sample.order_mean(table.edge_bps, shown),
        gap_bps=float(gaps.max()) if len(gaps) else math.nan,
    )
