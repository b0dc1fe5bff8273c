"""The smallest order of several legs: every leg a whole number of its venue's lots."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

from aftershock.model.units import NAN

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["common_step"]

_LARGEST_DENOMINATOR = 10**6
"""Lots and ratios of strikes are short decimals and fractions: the float next to one stands for it."""


def common_step(legs: Iterable[tuple[float, float]]) -> float:
    """Return the smallest size q of a package such that ratio * q is a whole number of lots for every leg.

    Args:
        legs: (lot, ratio) of each; lots in one unit.

    Returns:
        The step, in the unit of the lots; NaN if a lot is unknown.
    """
    step = Fraction(0)
    for lot, ratio in legs:
        if not (0 < lot < math.inf and 0 < ratio < math.inf):
            return NAN
        one = _fraction(lot) / _fraction(ratio)
        step = one if not step else _least_common_multiple(step, one)
    return float(step) if step else NAN


def _fraction(value: float) -> Fraction:
    return Fraction(value).limit_denominator(_LARGEST_DENOMINATOR)


def _least_common_multiple(a: Fraction, b: Fraction) -> Fraction:
    denominator = math.lcm(a.denominator, b.denominator)
    numerators = (each.numerator * (denominator // each.denominator) for each in (a, b))
    return Fraction(math.lcm(*numerators), denominator)
