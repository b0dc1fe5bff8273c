"""Books of the simulated Backpack: numbered changes of levels, counted in whole steps so that texts are exact."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

__all__ = ["Book", "Change", "Fill"]

_DEEPER = ((2, 1.5), (4, 2.5), (8, 4.0), (16, 8.0))
"""Levels behind the best: how many ticks away, how many times its size."""


class Fill(NamedTuple):
    """What an order takes from one level."""

    price: Decimal
    quantity: Decimal


class Change(NamedTuple):
    """Levels that changed over ids `first` to `last`: (price, quantity) texts, quantity zero where one is gone."""

    first: int
    last: int
    bids: list[list[str]]
    asks: list[list[str]]


class Book:
    """One market's book.

    Attributes:
        last: Id of the last change.
        bids, asks: Steps of quantity by ticks of price.
    """

    def __init__(self, tick: str, step: str, first_id: int) -> None:
        """Take the steps of price and quantity, decimal texts."""
        self.tick, self.step = Decimal(tick), Decimal(step)
        self.last = first_id
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}

    def show(self, bid: float, bid_size: float, ask: float, ask_size: float) -> Change | None:
        """Take what is quoted now, NaN where a side is empty; return what changed."""
        bids = self._side(bid, bid_size, -1)
        asks = self._side(ask, ask_size, 1)
        if bids and asks and max(bids) >= min(asks):
            asks = self._side((max(bids) + 1) * float(self.tick), ask_size, 1)
        changed = [_difference(mine, theirs) for mine, theirs in ((self.bids, bids), (self.asks, asks))]
        if not any(changed):
            return None
        self.bids, self.asks = bids, asks
        return self._change(*changed)

    def take(self, *, buys: bool, quantity: Decimal, limit: Decimal | None, all_or_nothing: bool) -> list[Fill]:
        """Take what is there for an order, best first; nothing if it must be all and is not."""
        side, sign = (self.asks, 1) if buys else (self.bids, -1)
        left, found = int(quantity / self.step), list[Fill]()
        for price in sorted(side, key=lambda ticks: ticks * sign):
            at = price * self.tick
            if not left or (limit is not None and (at - limit) * sign > 0):
                break
            taken = min(left, side[price])
            left -= taken
            found.append(Fill(at, taken * self.step))
        return [] if all_or_nothing and left else found

    def remove(self, fills: Iterable[Fill], *, bought: bool) -> Change | None:
        """Take fills out of the book; return what changed."""
        side = self.asks if bought else self.bids
        before = dict(side)
        for fill in fills:
            ticks = int(fill.price / self.tick)
            rest = side.get(ticks, 0) - int(fill.quantity / self.step)
            if rest > 0:
                side[ticks] = rest
            else:
                side.pop(ticks, None)
        changed = _difference(before, side)
        if not changed:
            return None
        return self._change({}, changed) if bought else self._change(changed, {})

    def levels(self, limit: int) -> tuple[list[list[str]], list[list[str]]]:
        """Return bids and asks as the REST interface lists them: prices ascending, the best bid last."""
        bids, asks = sorted(self.bids.items())[-limit:], sorted(self.asks.items())[:limit]
        return self._texts(bids), self._texts(asks)

    @property
    def best_bid(self) -> Decimal | None:
        """Return the best bid."""
        return max(self.bids) * self.tick if self.bids else None

    @property
    def best_ask(self) -> Decimal | None:
        """Return the best ask."""
        return min(self.asks) * self.tick if self.asks else None

    @property
    def mid(self) -> Decimal | None:
        """Return the middle, or the side that there is."""
        sides = [each for each in (self.best_bid, self.best_ask) if each is not None]
        return sum(sides, Decimal(0)) / len(sides) if sides else None

    def quantity_at(self, price: Decimal | None, *, bids: bool) -> str:
        """Return the quantity of a level as a text."""
        ticks = None if price is None else int(price / self.tick)
        steps = 0 if ticks is None else (self.bids if bids else self.asks).get(ticks, 0)
        return str(steps * self.step)

    def _side(self, price: float, size: float, sign: int) -> dict[int, int]:
        if not (price > 0 and size > 0):
            return {}
        exact = price / float(self.tick)
        best = math.floor(exact + 1e-9) if sign < 0 else math.ceil(exact - 1e-9)
        steps = max(int(size / float(self.step) + 1e-9), 1)
        levels = {best: steps} | {best + sign * away: max(int(steps * times), 1) for away, times in _DEEPER}
        return {ticks: steps for ticks, steps in levels.items() if ticks > 0}

    def _change(self, bids: dict[int, int], asks: dict[int, int]) -> Change:
        self.last += 1
        return Change(self.last, self.last, self._texts(sorted(bids.items())), self._texts(sorted(asks.items())))

    def _texts(self, levels: Iterable[tuple[int, int]]) -> list[list[str]]:
        return [[str(ticks * self.tick), str(steps * self.step)] for ticks, steps in levels]


def _difference(before: dict[int, int], after: dict[int, int]) -> dict[int, int]:
    gone = dict.fromkeys(before.keys() - after.keys(), 0)
    return gone | {ticks: steps for ticks, steps in after.items() if before.get(ticks) != steps}
