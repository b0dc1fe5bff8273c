"""Edge B4: a body bid above the lower convex hull of the asks around it.

Between two strikes a payoff lies below its chord, in currency and, divided by S, in coin: so does a price. The body
K2 sold against `w = (K3-K2)/(K3-K1)` of K1 and `1 - w` of K3 bought can't lose, and the pair of wings that leaves most
is the edge of the hull below K2. A quote that arrives is the body of up to n^2 pairs and a wing of twice as many;
slopes tell in one pass over its window whether any is broken. Mostly not even that is needed: a bid that did not rise
and an ask that did not fall break nothing that was whole.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from aftershock.core.strike_windows import StrikeLadder
from aftershock.model.units import NAN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aftershock.core.chain import Expiry
    from aftershock.core.strike_windows import Stretch, StrikeWindow

__all__ = ["BrokenHull", "ButterflyTests"]

_ROUNDING = 1e-12
"""An edge below this share of the body's bid is what rounding the weights makes of a bid on the hull."""


class BrokenHull(NamedTuple):
    """Rows of a body and two wings, the lower wing's weight, and the gross edge in the unit of the prices."""

    low: int
    body: int
    high: int
    weight: float
    gross: float


class ButterflyTests:
    """Tests the butterflies that arriving quotes are legs of, one test each: the other direction is no arbitrage.

    Attributes:
        checked, desync, unquoted: Tests of the last scan.
    """

    def __init__(self, reach: int) -> None:
        self._reach = reach
        self.checked = self.desync = self.unquoted = 0

    def scan(
        self,
        expiry: Expiry,
        arrived: Sequence[int],
        quotes: tuple[Sequence[float], Sequence[float]],
        confirmed: Sequence[int],
        least: int,
        *,
        is_call: bool,
    ) -> list[BrokenHull]:
        """Count the tests, each once, and return the broken ones in a fixed order.

        Args:
            expiry: Of the options.
            arrived: Rows of one type whose quotes arrived at this moment, all of them.
            quotes: Bids and asks by row; NaN where absent.
            confirmed: When each row was, ns.
            least: A row confirmed before it is out of sync.
            is_call: Type of the options.
        """
        self.checked = self.desync = self.unquoted = 0
        ladder = self._ladder(expiry, is_call=is_call)
        if len(ladder.rows) < 3:
            return []
        if len(arrived) == 1:
            window = ladder.window(arrived[0])
            in_sync = sum([moment >= least for moment in window.pick(confirmed)])
            if in_sync == len(window.rows):
                return self._scan_one(ladder, window, window.pick(quotes[0]), window.pick(quotes[1]))
            if in_sync < 3:
                ladder.doubt()
                self.desync = window.total
                return []
        return self._scan_many(ladder, arrived, quotes, confirmed, least)

    def _scan_one(
        self, ladder: StrikeLadder, window: StrikeWindow, bids: Sequence[float], asks: Sequence[float]
    ) -> list[BrokenHull]:
        """Scan around one quote where every option is in sync; only what may have got worse since the last time."""
        self.checked = window.total
        self.unquoted = window.unquoted(bids, asks)
        bid, ask = bids[window.me], asks[window.me]
        as_body, as_wing = not bid <= window.bid, not ask >= window.ask  # NaN: to be tested
        window.bid, window.ask, ladder.sure = bid, ask, True
        broken = list(_broken(window, bids, asks, as_body=as_body, as_wing=as_wing)) if as_body or as_wing else []
        if broken:
            ladder.doubt()
        return broken

    def _scan_many(
        self,
        ladder: StrikeLadder,
        arrived: Sequence[int],
        quotes: tuple[Sequence[float], Sequence[float]],
        confirmed: Sequence[int],
        least: int,
    ) -> list[BrokenHull]:
        """Scan body by body around several quotes, or where an option is out of sync."""
        ladder.doubt()
        stretch = ladder.stretch(arrived)
        usable = bodies = wings = 0
        bids, asks, bit = [], [], 1
        for row in stretch.rows:
            bid, ask = (quotes[0][row], quotes[1][row]) if confirmed[row] >= least else (NAN, NAN)
            if confirmed[row] >= least:
                usable |= bit
                bodies |= bit if bid == bid else 0  # noqa: PLR0124  not NaN
                wings |= bit if ask == ask else 0  # noqa: PLR0124
            bids.append(bid)
            asks.append(ask)
            bit += bit
        everything = bit - 1
        self.checked = stretch.total if usable == everything else stretch.count(usable, usable)
        self.desync = stretch.total - self.checked
        quoted = self.checked if bodies == usable == wings else stretch.count(bodies, wings)
        self.unquoted = self.checked - quoted
        return list(_broken_bodies(stretch, bids, asks)) if quoted else []

    def _ladder(self, expiry: Expiry, *, is_call: bool) -> StrikeLadder:
        key = (self._reach, is_call)
        ladder: StrikeLadder | None = expiry.ladders.get(key)
        if ladder is None:
            rows = expiry.calls if is_call else expiry.puts
            ladder = expiry.ladders[key] = StrikeLadder(expiry.strikes, rows, self._reach)
        return ladder


def _broken_bodies(stretch: Stretch, bids: Sequence[float], asks: Sequence[float]) -> Iterator[BrokenHull]:
    """Yield the broken butterflies of a stretch, by body; NaN prices break none."""
    strikes, reach, count = stretch.strikes, stretch.reach, len(asks)
    for body in stretch.bodies:
        strike, bid = strikes[body], bids[body]
        lows, highs = range(max(body - reach, 0), body), range(body + 1, min(body + reach + 1, count))
        left = right = math.inf
        for at in lows:
            slope = (asks[at] - bid) / (strike - strikes[at])
            if slope < left:  # noqa: PLR1730  as below
                left = slope
        for at in highs:
            slope = (asks[at] - bid) / (strikes[at] - strike)
            if slope < right:  # noqa: PLR1730  as below
                right = slope
        if left + right < 0:
            triples = ((low, body, high) for low in lows for high in highs if stretch.concerns(low, body, high))
            yield from _tested(stretch, bids, asks, triples)


def _broken(
    window: StrikeWindow, bids: Sequence[float], asks: Sequence[float], *, as_body: bool, as_wing: bool
) -> Iterator[BrokenHull]:
    """Yield the broken butterflies of a window; NaN prices break none."""
    me, reach, last = window.me, window.reach, len(asks) - 1
    left, right = range(max(me - reach, 0), me), range(min(me + reach, last), me, -1)
    if as_body and _steepest(window, bids, asks, left) + _steepest(window, bids, asks, right) < 0:
        for low in left:
            yield from _tested(window, bids, asks, ((low, me, high) for high in reversed(right)))
    if not as_wing:
        return
    if _below_a_bid(window, bids, asks, range(min(me + 2 * reach, last), me + reach, -1), right):
        for body in reversed(right):
            highs = range(body + 1, min(body + reach, last) + 1)
            yield from _tested(window, bids, asks, ((me, body, high) for high in highs))
    if _below_a_bid(window, bids, asks, range(max(me - 2 * reach, 0), me - reach), left):
        for body in left:
            yield from _tested(window, bids, asks, ((low, body, me) for low in range(max(body - reach, 0), body)))


def _steepest(window: StrikeWindow, bids: Sequence[float], asks: Sequence[float], side: range) -> float:
    """Return the least slope from the bid in the middle to the asks of one side, away from it.

    Two wings have their chord below the bid exactly if their two slopes sum to less than nothing.
    """
    bid, nearness = bids[window.me], window.nearness
    least = math.inf
    for at in side:
        slope = (asks[at] - bid) * nearness[at]
        if slope < least:  # noqa: PLR1730  faster than min, and passes over NaN
            least = slope
    return least


def _below_a_bid(
    window: StrikeWindow, bids: Sequence[float], asks: Sequence[float], beyond: range, near: range
) -> bool:
    """Tell whether a chord from the ask in the middle to one farther out may pass below a bid between them.

    Args:
        window: Where.
        bids: Of the window.
        asks: Of the window.
        beyond: Positions too far out for a body, from the farthest in.
        near: Positions of bodies, from the farthest in.
    """
    ask, nearness = asks[window.me], window.nearness
    least = math.inf
    for at in beyond:
        slope = (asks[at] - ask) * nearness[at]
        if slope < least:  # noqa: PLR1730  as above
            least = slope
    for at in near:
        if (bids[at] - ask) * nearness[at] > least:
            return True
        slope = (asks[at] - ask) * nearness[at]
        if slope < least:  # noqa: PLR1730  as above
            least = slope
    return False


def _tested(
    of: StrikeWindow | Stretch, bids: Sequence[float], asks: Sequence[float], triples: Iterator[tuple[int, int, int]]
) -> Iterator[BrokenHull]:
    strikes, rows = of.strikes, of.rows
    for low, body, high in triples:
        weight = (strikes[high] - strikes[body]) / (strikes[high] - strikes[low])
        gross = bids[body] - weight * asks[low] - (1.0 - weight) * asks[high]
        if gross > _ROUNDING * bids[body]:
            yield BrokenHull(rows[low], rows[body], rows[high], weight, gross)
