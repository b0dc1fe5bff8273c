"""The smallest claimed edge from which on orders of a type are good enough, found on training records."""

from __future__ import annotations

import math
from typing import Literal

import msgspec
import numpy as np

from aftershock.study.arrays import BoolArray, FloatArray
from aftershock.study.intervals import Interval
from aftershock.study.sample import Sample

__all__ = ["MIN_THRESHOLD_FILLS", "TARGET", "Rule", "Threshold", "find_threshold"]

TARGET = 0.92
"""Precision among fills at the prior; above the goal of 0.90 because thresholds are chosen to look good."""

MIN_THRESHOLD_FILLS = 30
_MOST_TRIED = 100
_STEP_BPS = 0.1

Rule = Literal["bound", "point", "off"]


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """A threshold and how it came about.

    Attributes:
        bps: Least claimed edge; infinite if the type is off.
        rule: `bound`: the interval's lower bound reaches the target there. `point`: no threshold's bound does, but
            the estimate does here. `off`: none does either, or too few fills to say.
        precision: Of the training fills at or above it.
        fills: How many those are.
        tried: Thresholds looked at; each is a trial.
    """

    bps: float
    rule: Rule
    precision: Interval
    fills: int
    tried: int


def find_threshold(
    sample: Sample, mine: BoolArray, *, target: float = TARGET, min_fills: int = MIN_THRESHOLD_FILLS
) -> Threshold:
    """Return the smallest threshold whose fills reach the target precision at the sample's prior.

    Thresholds lie on a grid of 0.1 bps between the smallest and the largest claimed edge that filled, at most 100 of
    them, none below zero. Smallest, because every edge that is left out is lost capture; at the lower bound, because
    the estimate at the best of many thresholds flatters.

    Args:
        sample: Training records.
        mine: Orders of the type, shape (orders,).
        target: Precision to reach.
        min_fills: Fewest fills at or above a threshold.
    """
    table = sample.table
    filled = mine & table.filled
    grid = _grid(table.spread_bps[filled])
    found: list[tuple[float, Interval, int]] = []
    for bps in grid.tolist():
        among = filled & (table.spread_bps >= bps)
        fills = int(among.sum())
        if fills < min_fills:
            break
        found.append((bps, sample.order_share(table.won, among), fills))
    rules: tuple[tuple[Rule, bool], ...] = (("bound", True), ("point", False))
    for rule, at_bound in rules:
        for bps, share, fills in found:
            if (share.low if at_bound else share.value) >= target:
                return Threshold(bps=bps, rule=rule, precision=share, fills=fills, tried=len(found))
    nothing = Interval(math.nan, math.nan, math.nan)
    return Threshold(bps=math.inf, rule="off", precision=nothing, fills=0, tried=len(found))


def _grid(spread_bps: FloatArray) -> FloatArray:
    if not len(spread_bps):
        return np.empty(0)
    low, high = max(math.floor(float(spread_bps.min()) / _STEP_BPS), 0), math.floor(float(spread_bps.max()) / _STEP_BPS)
    steps = np.arange(low, high + 1)
    # Quantiles of the fills, so that a long tail does not use up the grid.
    if len(steps) > _MOST_TRIED:
        quantiles = np.quantile(spread_bps, np.linspace(0.0, 1.0, _MOST_TRIED))
        steps = np.unique(np.maximum(np.floor(quantiles / _STEP_BPS), 0.0).astype(np.int64))
    return np.round(steps * _STEP_BPS, 1)
