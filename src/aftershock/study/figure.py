"""A figure with its interval, its sample size, and whether the sample is large enough to call it established."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from aftershock.study.intervals import Interval

__all__ = ["MIN_DECOYS", "MIN_ECE_FILLS", "MIN_FILLS", "MIN_TRIGGERS", "Figure", "Status", "figure"]

MIN_TRIGGERS = 4000
MIN_FILLS = 200
MIN_ECE_FILLS = 500
MIN_DECOYS = 200
"""Of each decoy on which no order may be sent."""

Status = Literal["ok", "not_established"]


class Figure(msgspec.Struct, frozen=True):
    """One figure.

    Attributes:
        value: NaN if it does not exist on these records.
        low, high: Bounds of the 95 % interval; NaN if there is none.
        n: Size of the sample: triggers, orders, fills or opportunities, whatever is counted in the denominator.
        status: `not_established` if the sample is too small for the figure to be judged; it is shown all the same.
    """

    value: float
    low: float
    high: float
    n: int
    status: Status


def figure(interval: Interval, n: int, *, enough: bool) -> Figure:
    """Return a figure; one whose value does not exist is never established."""
    status: Status = "ok" if enough and math.isfinite(interval.value) else "not_established"
    return Figure(interval.value, interval.low, interval.high, n, status)
