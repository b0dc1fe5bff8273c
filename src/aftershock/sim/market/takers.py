"""Competing takers: each sees the truth, reacts after its own time, and takes any edge above its cost.

They stand for the colocated firms that race for the same quotes. A taker that watches an option takes up to its clip of
every quote with an edge, and looks again a second later. A venue's protection takes a maker out after three fills.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right, insort

import msgspec
import numpy as np
from numpy.random import Generator

from aftershock.model.units import NS_PER_MS, NS_PER_S
from aftershock.sim.market.book import MARKET
from aftershock.sim.market.grid import Ints
from aftershock.sim.market.params import MakerSet, World
from aftershock.sim.market.truth import Stale, Truth

__all__ = ["Protection", "run_takers"]

_AGAIN_NS = NS_PER_S
_REACTION_SD_LN = 0.2
_FILLS, _WINDOW_NS = 3, NS_PER_S


class Protection:
    """Counts a maker's fills and takes it out after three within a second, where it is protected."""

    def __init__(self, rng: Generator, world: World, makers: MakerSet, truth: Truth) -> None:
        self._rng = rng
        self._seconds = world.protection_s
        self._out = truth.books.out
        count = len(makers.delay_ms)
        self._protected = {
            (venue, maker): bool(rng.random() < makers.protected)
            for venue in dict.fromkeys(truth.surface.listing.venues)
            for maker in range(count)
        }
        self._fills: dict[tuple[str, int], list[int]] = {}

    def on_fill(self, venue: str, maker: int, moment: int, owner: int = MARKET) -> None:
        """Note a fill of one of a maker's quotes by a taker or by us."""
        if not self._protected.get((venue, maker), False):
            return
        # Takers have run through the whole episode before a fill of ours comes: only those around it count.
        fills = self._fills.setdefault((venue, maker), [])
        insort(fills, moment)
        end = bisect_right(fills, moment)
        begin = bisect_left(fills, moment - _WINDOW_NS)
        if end - begin >= _FILLS:
            del fills[begin:end]
            until = moment + int(self._rng.uniform(*self._seconds) * NS_PER_S)
            self._out.add(venue, maker, moment, until, owner)


class _Race(msgspec.Struct, frozen=True):
    """One option and side that takers compete for: its stale rows, and the moments at which any has an edge."""

    rows: dict[tuple[int, int], Stale]
    moments: Ints

    def next(self, after: int) -> int | None:
        """Return the first moment with an edge at or after another."""
        at = int(np.searchsorted(self.moments, after))
        return int(self.moments[at]) if at < len(self.moments) else None


def run_takers(
    rng: Generator, world: World, makers: MakerSet, truth: Truth, protection: Protection, *, greedy: bool = False
) -> int:
    """Let the takers race over the whole episode, and return the number of their fills; greedy ones leave nothing."""
    races = {key: _race(truth.stale[key]) for key in sorted(truth.stale)}
    due: list[tuple[int, int, int, bool]] = []
    for (option, asks), race in races.items():
        for taker, reaction in enumerate(makers.taker_ms):
            if rng.random() < makers.attention or greedy:
                heapq.heappush(due, (int(race.moments[0]) + _reaction(rng, reaction), taker, option, asks))
    fills = 0
    while due:
        moment, taker, option, asks = heapq.heappop(due)
        clip = np.inf if greedy else float(world.clip_coins * np.exp(world.clip_sd_ln * rng.standard_normal()))
        race = races[option, asks]
        fills += _take(truth, protection, race, option, moment, clip, asks=asks)
        following = race.next(moment + _AGAIN_NS)
        if following is not None:
            heapq.heappush(due, (following + _reaction(rng, makers.taker_ms[taker]), taker, option, asks))
    return fills


def _race(stale: list[Stale]) -> _Race:
    moments = np.unique(np.concatenate([each.moments[each.edge_bps > 0] for each in stale]))
    return _Race({(each.maker, each.row): each for each in stale}, moments)


def _reaction(rng: Generator, milliseconds: float) -> int:
    return int(milliseconds * np.exp(_REACTION_SD_LN * rng.standard_normal()) * NS_PER_MS)


def _take(
    truth: Truth, protection: Protection, race: _Race, option: int, moment: int, clip: float, *, asks: bool
) -> int:
    """Take what has an edge at a moment, up to the clip; return the number of quotes hit."""
    book = truth.books.of[option]
    left, hit = clip, 0
    for level in truth.books.ladder(option, moment, asks=asks):
        if not level.fillable or level.busted:
            continue
        each = race.rows.get((level.maker, level.row))
        if each is None or not each.at(moment) > 0 or left <= 0:
            break
        coins = min(max(round(left, 1), 0.1), level.coins) if left < np.inf else level.coins
        book.take(option, level, moment, coins, asks=asks)
        protection.on_fill(book.group.venue, level.maker, moment)
        left -= coins
        hit += 1
    return hit
