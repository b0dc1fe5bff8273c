"""Order books of the options: price-time ladders from the makers' tracks, less what was taken out of them.

Nothing is built before somebody looks: `ladder` answers for one option at one moment, `tops` for the public feed.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

import msgspec
import numpy as np

from aftershock.model.units import NS_PER_S
from aftershock.sim.market.grid import Floats, Ints
from aftershock.sim.market.makers import Group, Track

__all__ = ["MARKET", "SHOWN", "Books", "GroupBook", "Level", "OutTimes", "Tops"]

_AWAY_NS = 2 * NS_PER_S
_DECIMALS = 4


def _tick(price: float) -> float:
    """Return the step of a price: inverse ones are below 1 coin, linear ones above 1 dollar."""
    return (0.0001 if price < 0.005 else 0.0005) if price < 1.0 else 5.0


class Level(NamedTuple):
    """One quote in a ladder: who shows it in which row of its track, since when, at what price, how many coins."""

    price: float
    since: int
    maker: int
    row: int
    coins: float
    fillable: bool
    busted: bool


class Taken(NamedTuple):
    """Coins that were taken from one row of a track at a moment, and by whom: see `MARKET`."""

    moment: int
    coins: float
    owner: int


class _Out(NamedTuple):
    """A stretch in which protection keeps a maker out, and in whose world."""

    from_ns: int
    to_ns: int
    owner: int


class Away(NamedTuple):
    """After a fill of ours the other makers stand back by a tick for a while."""

    from_ns: int
    to_ns: int
    maker: int
    owner: int


MARKET = 0
"""Owner of what competing takers took. Our own orders at several latencies live in worlds of their own, numbered from
1: each sees what the market took and what it took itself. The feeds show the first of them."""
SHOWN = 1


class Tops(msgspec.Struct, frozen=True, kw_only=True):
    """Best quotes of a group at ascending moments: float64[U, n] each, NaN where a side is empty."""

    moments: Ints
    bid: Floats
    bid_coins: Floats
    ask: Floats
    ask_coins: Floats


class GroupBook:
    """The books of one group.

    Attributes:
        group: Its options.
        tracks: By maker; planted quotes come after the makers.
    """

    def __init__(self, group: Group, tracks: list[Track]) -> None:
        self.group = group
        self.tracks = tracks
        self.column = {int(option): c for c, option in enumerate(group.options.tolist())}
        self._starts = [track.moments.tolist() for track in tracks]
        self._taken: dict[tuple[int, int, int, bool], list[Taken]] = {}
        self._away: dict[tuple[int, bool], list[Away]] = {}

    def add(self, track: Track) -> int:
        """Add a planted track and return its number."""
        self.tracks.append(track)
        self._starts.append(track.moments.tolist())
        return len(self.tracks) - 1

    def row(self, maker: int, moment: int) -> int:
        """Return which row of a maker's track holds at a moment, -1 before the first."""
        return bisect_right(self._starts[maker], moment) - 1

    def ladder(self, option: int, moment: int, out: OutTimes, *, asks: bool, owner: int = MARKET) -> list[Level]:
        """Return the quotes of one side at a moment, best first, older first at equal prices."""
        c = self.column[option]
        levels = []
        for maker, track in enumerate(self.tracks):
            j = bisect_right(self._starts[maker], moment) - 1
            if j < 0 or out.is_out(self.group.venue, maker, moment, owner):
                continue
            price = float((track.ask if asks else track.bid)[j, c])
            if price != price:  # noqa: PLR0124  NaN: nothing shown
                continue
            coins = float((track.ask_coins if asks else track.bid_coins)[j, c])
            for taken in self._taken.get((maker, j, c, asks), ()):
                if taken.moment <= moment and taken.owner in {MARKET, owner}:
                    coins -= taken.coins
            if coins > 1e-9:
                price = round(price + self._stand_back(c, maker, moment, price, owner, asks=asks), _DECIMALS)
                if price <= 0:  # a bid at one tick that steps back is gone
                    continue
                since = self._starts[maker][j]
                levels.append(Level(price, since, maker, j, round(coins, 9), track.fillable, track.busted))
        levels.sort(
            key=(lambda level: (level.price, level.since)) if asks else (lambda level: (-level.price, level.since))
        )
        return levels

    def _stand_back(self, c: int, maker: int, moment: int, price: float, owner: int, *, asks: bool) -> float:
        for away in self._away.get((c, asks), ()):
            if owner == away.owner and maker != away.maker and away.from_ns <= moment < away.to_ns:
                return _tick(price) if asks else -_tick(price)
        return 0.0

    def take(self, option: int, level: Level, moment: int, coins: float, *, asks: bool, owner: int = MARKET) -> None:
        """Take coins out of a quote; the row stays smaller until its maker requotes."""
        key = (level.maker, level.row, self.column[option], asks)
        self._taken.setdefault(key, []).append(Taken(moment, coins, owner))

    def taken(self, option: int, *, asks: bool, owner: int) -> list[Taken]:
        """Return what an owner took out of one side of an option, in time order."""
        side = self.column[option], asks
        return sorted(
            each for key, taken in self._taken.items() if key[2:] == side for each in taken if each.owner == owner
        )

    def stand_back(self, option: int, moment: int, maker: int, *, asks: bool, owner: int) -> None:
        """Let the other makers of an option stand back by a tick, as after a trade that they saw."""
        away = Away(moment, moment + _AWAY_NS, maker, owner)
        self._away.setdefault((self.column[option], asks), []).append(away)

    def changes(self, out: OutTimes) -> Ints:
        """Return every moment at which something in these books changes."""
        parts = [track.moments for track in self.tracks]
        shown = [t.moment for taken in self._taken.values() for t in taken if t.owner <= SHOWN]
        parts.append(np.array(shown, dtype=np.int64))
        parts.append(
            np.array(
                [t for aways in self._away.values() for a in aways if a.owner == SHOWN for t in (a.from_ns, a.to_ns)],
                dtype=np.int64,
            )
        )
        parts.append(out.edges(self.group.venue))
        return np.unique(np.concatenate(parts))

    def tops(self, moments: Ints, out: OutTimes) -> Tops:
        """Return the best quotes at some moments, ascending."""
        shape = (len(moments), len(self.group.options))
        bid, ask = np.full(shape, -np.inf), np.full(shape, np.inf)
        bid_coins, ask_coins = np.zeros(shape), np.zeros(shape)
        for maker, track in enumerate(self.tracks):
            rows = np.searchsorted(track.moments, moments, side="right") - 1
            here = (rows >= 0) & ~out.mask(self.group.venue, maker, moments)
            if not here.any():
                continue
            b, bs = track.bid[rows], track.bid_coins[rows]
            a, asz = track.ask[rows], track.ask_coins[rows]
            bs, asz = self._less_taken(maker, rows, moments, bs, asz)
            b, a = self._stood_back(maker, moments, b, asks=False), self._stood_back(maker, moments, a, asks=True)
            b = np.where(here[:, None] & (bs > 1e-9) & ~np.isnan(b), b, -np.inf)
            a = np.where(here[:, None] & (asz > 1e-9) & ~np.isnan(a), a, np.inf)
            bid_coins = np.where(b > bid, bs, np.where((b == bid) & (b > -np.inf), bid_coins + bs, bid_coins))
            bid = np.maximum(bid, b)
            ask_coins = np.where(a < ask, asz, np.where((a == ask) & (a < np.inf), ask_coins + asz, ask_coins))
            ask = np.minimum(ask, a)
        bid[bid == -np.inf] = np.nan
        ask[ask == np.inf] = np.nan
        bid_coins[np.isnan(bid)] = np.nan
        ask_coins[np.isnan(ask)] = np.nan
        return Tops(
            moments=moments, bid=bid, bid_coins=np.round(bid_coins, 2), ask=ask, ask_coins=np.round(ask_coins, 2)
        )

    def _stood_back(self, maker: int, moments: Ints, prices: Floats, *, asks: bool) -> Floats:
        """Return a maker's prices as the feeds show them after fills of ours at others'."""
        for (c, side), aways in self._away.items():
            if side != asks:
                continue
            back = np.zeros(len(moments), dtype=np.bool_)
            for away in aways:
                if away.owner == SHOWN and away.maker != maker:
                    back |= (moments >= away.from_ns) & (moments < away.to_ns)
            for k in np.flatnonzero(back & ~np.isnan(prices[:, c])).tolist():
                price = float(prices[k, c])
                moved = round(price + (_tick(price) if asks else -_tick(price)), _DECIMALS)
                prices[k, c] = moved if moved > 0 else np.nan
        return prices

    def _less_taken(
        self, maker: int, rows: Ints, moments: Ints, bid_coins: Floats, ask_coins: Floats
    ) -> tuple[Floats, Floats]:
        for (who, j, c, asks), taken in self._taken.items():
            if who != maker:
                continue
            side = ask_coins if asks else bid_coins
            end = int(np.searchsorted(rows, j, side="right"))
            for each in taken:  # rows and moments ascend: what is left is one stretch
                if each.owner > SHOWN:
                    continue
                side[int(np.searchsorted(moments, each.moment)) : end, c] -= each.coins
        return bid_coins, ask_coins


class OutTimes:
    """When the venue's protection keeps a maker out."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, int], list[_Out]] = {}

    def add(self, venue: str, maker: int, from_ns: int, to_ns: int, owner: int = MARKET) -> None:
        """Keep a maker's quotes of a venue out for a while, in the world of whoever's fill it was."""
        self._times.setdefault((venue, maker), []).append(_Out(from_ns, to_ns, owner))

    def is_out(self, venue: str, maker: int, moment: int, owner: int = MARKET) -> bool:
        """Tell whether a maker is out at a moment, in one's own world."""
        return any(
            each.from_ns <= moment < each.to_ns and each.owner in {MARKET, owner}
            for each in self._times.get((venue, maker), ())
        )

    def mask(self, venue: str, maker: int, moments: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return bool[n], true where the feeds show it out."""
        out = np.zeros(len(moments), dtype=np.bool_)
        for each in self._times.get((venue, maker), ()):
            if each.owner <= SHOWN:
                out |= (moments >= each.from_ns) & (moments < each.to_ns)
        return out

    def edges(self, venue: str) -> Ints:
        """Return all moments at which the feeds show a maker of a venue going out or coming back."""
        return np.array(
            [
                t
                for (v, _), times in self._times.items()
                if v == venue
                for each in times
                if each.owner <= SHOWN
                for t in (each.from_ns, each.to_ns)
            ],
            dtype=np.int64,
        )


class Books:
    """All books of an episode: groups, and by option where it is."""

    def __init__(self, groups: list[GroupBook], out: OutTimes) -> None:
        self.groups = groups
        self.out = out
        self.of = {option: book for book in groups for option in book.column}

    def ladder(self, option: int, moment: int, *, asks: bool, owner: int = MARKET) -> list[Level]:
        """Return one side of one option's book at a moment, best first."""
        return self.of[option].ladder(option, moment, self.out, asks=asks, owner=owner)
