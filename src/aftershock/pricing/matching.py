"""Matching: what an immediate-or-cancel limit order gets from a book. The one function for market and paper venue.

Sizes are counted in billionths of their unit (`NANO`) while they are added and subtracted, and read back at the end. So
sizes that are multiples of a lot of at most nine decimals stay so: 0.1 and 0.2 fill 0.3, not 0.30000000000000004.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from aftershock.model.units import NAN, NANO, nano

__all__ = ["Match", "match_ioc"]


class Match(NamedTuple):
    """What an order got.

    Attributes:
        fills: (index of the level, size), in the order of the levels; a level that gave nothing is left out.
        filled: Their sum.
        average_price: Weighted by size; NaN if nothing was filled.
    """

    fills: tuple[tuple[int, float], ...] = ()
    filled: float = 0.0
    average_price: float = NAN


_NOTHING = Match()


def match_ioc(levels: Sequence[tuple[float, float]], quantity: float, limit: float, *, buying: bool) -> Match:
    """Fill an order from a book's levels until it is full or the next level is worse than its limit.

    Fills nothing if any number of the book or the order is NaN or infinite, or a size negative: such a book is no book,
    and an order without a limit is never sent. Sizes below a billionth count as zero.

    Args:
        levels: (price, size), best first, equal prices in the order of time: the asks to buy, the bids to sell.
        quantity: Wanted, in the unit of the sizes.
        limit: Worst price.
        buying: Side of the order.
    """
    if not (math.isfinite(limit) and 0 < quantity < math.inf):
        return _NOTHING
    for price, size in levels:
        if not (math.isfinite(price) and 0 <= size < math.inf):
            return _NOTHING
    rest = nano(quantity)
    taken: list[tuple[int, int]] = []
    for index, (price, size) in enumerate(levels):
        if rest == 0 or (price > limit if buying else price < limit):
            break
        part = min(nano(size), rest)
        if part:
            taken.append((index, part))
            rest -= part
    filled = sum(part for _, part in taken)
    if not filled:
        return _NOTHING
    return Match(tuple((index, part / NANO) for index, part in taken), filled / NANO, _average(levels, taken, filled))


def _average(levels: Sequence[tuple[float, float]], taken: list[tuple[int, int]], filled: int) -> float:
    """Return the mean price; rounding may not carry it past the prices that it is a mean of."""
    first, last = levels[taken[0][0]][0], levels[taken[-1][0]][0]
    mean = math.fsum(levels[index][0] * part for index, part in taken) / filled
    return min(max(mean, min(first, last)), max(first, last))
