"""The options around one option: which butterflies it is a leg of, counted by bit masks."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from aftershock.core.chain import NO_ROW
from aftershock.model.units import NAN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["Stretch", "StrikeLadder", "StrikeWindow"]


_KEPT = 256


class StrikeWindow:
    """An option and those of its type near enough for a butterfly with it: twice `reach` strikes on either side.

    A mask has bit i for the option at position i.

    Attributes:
        rows, strikes: Of the options, by strike.
        me: Position of the option among them.
        reach: Most strikes between the body and a wing, the wing's included.
        pick: Reads a column at the rows.
        nearness: 1 over the distance from its strike.
        total: Butterflies that it is a leg of.
        bid, ask: Its quote when its butterflies were last all tested and none was broken; NaN if that is not so.
    """

    __slots__ = ("_groups", "ask", "bid", "me", "nearness", "pick", "reach", "rows", "strikes", "total")

    def __init__(self, ladder: StrikeLadder, at: int) -> None:
        strike, reach = ladder.strikes[at], ladder.reach
        first, stop = max(at - 2 * reach, 0), at + 2 * reach + 1
        self.strikes, self.rows = ladder.strikes[first:stop], ladder.rows[first:stop]
        self.me, self.reach = at - first, reach
        self.pick: Callable[[Any], tuple[Any, ...]] = itemgetter(*self.rows)
        self.nearness = [1.0 / abs(each - strike) if each != strike else 0.0 for each in self.strikes]
        # By body: its bit, and the masks of its lower and of its upper wings; beside it, the option is the one wing.
        me = 1 << self.me
        start = max(at - reach, 0)
        self._groups = [
            (1 << body - first, lows >> first if body <= at else me, highs >> first if body >= at else me)
            for body, (lows, highs) in enumerate(ladder.sides[start : at + reach + 1], start)
        ]
        everything = (1 << len(self.rows)) - 1
        self.total = self.count(everything, everything)
        self.bid = self.ask = NAN

    def count(self, bodies: int, wings: int) -> int:
        """Count the butterflies whose body is in one mask and whose wings are in the other."""
        found = 0
        for body, lows, highs in self._groups:
            if bodies & body:
                found += (wings & lows).bit_count() * (wings & highs).bit_count()
        return found

    def unquoted(self, bids: Sequence[float], asks: Sequence[float]) -> int:
        """Count those that lack a bid or an ask they need."""
        total = sum(bids) + sum(asks)
        if total == total:  # noqa: PLR0124  NaN if any is absent
            return 0
        return self.total - self.count(_mask([bid == bid for bid in bids]), _mask([ask == ask for ask in asks]))  # noqa: PLR0124


class StrikeLadder:
    """The options of one expiry and type by strike, with a window around each that was asked for.

    Attributes:
        strikes, rows: Of the options, by strike.
        at: Position of each row.
        reach: As of a window.
        sides: By body, the masks of its lower and of its upper wings.
        sure: Whether any window holds a quote from which on only what is worse has to be tested.
    """

    __slots__ = ("_stretches", "_windows", "at", "reach", "rows", "sides", "strikes", "sure")

    def __init__(self, strikes: Iterable[float], rows: Iterable[int], reach: int) -> None:
        listed = [(strike, row) for strike, row in zip(strikes, rows, strict=True) if row != NO_ROW]
        self.strikes, self.rows = [strike for strike, _ in listed], [row for _, row in listed]
        self.at = {row: at for at, row in enumerate(self.rows)}
        self.reach = reach
        self.sides = [(_span(at - reach, at), _span(at + 1, at + reach + 1)) for at in range(len(self.rows))]
        self.sure = False
        self._windows: dict[int, StrikeWindow] = {}
        self._stretches: dict[tuple[int, ...], Stretch] = {}

    def window(self, row: int) -> StrikeWindow:
        """Return the window around an option."""
        window = self._windows.get(row)
        if window is None:
            window = self._windows[row] = StrikeWindow(self, self.at[row])
        return window

    def stretch(self, arrived: Sequence[int]) -> Stretch:
        """Return the stretch around options that arrived together; makers requote the same ones again and again."""
        key = tuple(arrived)
        stretch = self._stretches.get(key)
        if stretch is None:
            if len(self._stretches) >= _KEPT:
                self._stretches.clear()
            stretch = self._stretches[key] = Stretch(self, arrived)
        return stretch

    def doubt(self) -> None:
        """Test everything anew: something is broken, or was not tested."""
        if self.sure:
            self.sure = False
            for window in self._windows.values():
                window.bid = window.ask = NAN


class Stretch:
    """The part of a ladder that holds every butterfly with one of several options among its legs.

    Attributes:
        rows, strikes: Of the options, by strike.
        reach: As of a window.
        bodies: Positions that may be the body of one.
        total: How many there are.
    """

    __slots__ = ("_arrived", "_groups", "bodies", "reach", "rows", "strikes", "total")

    def __init__(self, ladder: StrikeLadder, arrived: Sequence[int]) -> None:
        at = [ladder.at[row] for row in arrived]
        low, high, reach = min(at), max(at), ladder.reach
        first, stop = max(low - 2 * reach, 0), min(high + 2 * reach + 1, len(ladder.rows))
        self.rows, self.strikes, self.reach = ladder.rows[first:stop], ladder.strikes[first:stop], reach
        self._arrived = 0
        for position in at:
            self._arrived |= 1 << position - first
        self.bodies = range(max(low - reach, 0) - first, min(high + reach + 1, len(ladder.rows)) - first)
        # By body: its bit, the masks of its wings, and of the wings that alone would make it a butterfly of others.
        self._groups = [
            (1 << body, lows >> first, highs >> first, 0 if self._arrived >> body & 1 else ~self._arrived)
            for body, (lows, highs) in zip(self.bodies, ladder.sides[self.bodies.start + first :], strict=False)
        ]
        everything = (1 << len(self.rows)) - 1
        self.total = self.count(everything, everything)

    def count(self, bodies: int, wings: int) -> int:
        """Count the butterflies with an arrived leg whose body is in one mask and whose wings are in the other."""
        found = 0
        for body, lows, highs, others in self._groups:
            if bodies & body:
                low, high = wings & lows, wings & highs
                found += low.bit_count() * high.bit_count()
                if others:
                    found -= (low & others).bit_count() * (high & others).bit_count()
        return found

    def concerns(self, low: int, body: int, high: int) -> bool:
        """Tell whether a leg of a butterfly is among the options that arrived."""
        return bool(self._arrived & (1 << low | 1 << body | 1 << high))


def _mask(flags: Sequence[bool]) -> int:
    """Return the mask of the positions whose flag is set."""
    mask, bit = 0, 1
    for flag in flags:
        if flag:
            mask |= bit
        bit += bit
    return mask


def _span(start: int, stop: int) -> int:
    """Return the mask of the positions from start on, before stop; negative ones do not exist."""
    start = max(start, 0)
    return ((1 << (stop - start)) - 1) << start if stop > start else 0
