"""The hidden truth of one episode: which quotes could be traded at a profit, from when to when, and by how much.

Every quote is looked at, planted or not: a quote's net edge is its distance from the true value less the option fee
and the hedge at the perpetuals' books. A quote that nobody could have left far enough behind is skipped by a bound on
how far the market moved under it.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from aftershock.model.units import BPS
from aftershock.sim.market.book import Books, GroupBook, Level
from aftershock.sim.market.grid import Floats, Ints
from aftershock.sim.market.perps import Perps
from aftershock.sim.market.surface import Surface, Values

__all__ = ["Costs", "Opportunity", "Stale", "Truth"]

_MOST_SAMPLES = 240
_MERGE_NS = 200_000_000
_NO_HEDGE_BPS = 1_000.0
_LEAST_COST_BPS = (1.5, 2.8, 4.5, 7.0)
"""Per group of options: less than what any quote of it costs to take; a move below it leaves no edge."""


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """Fees of the option venues: rate of the index and cap as a share of the premium, inverse and linear."""

    rate: tuple[float, float] = (3e-4, 3e-4)
    cap: tuple[float, float] = (0.125, 0.07)


class Worth(NamedTuple):
    """True values in USD per coin, and the forwards."""

    usd: Floats
    forward: Floats


class _Known(NamedTuple):
    """What edges need of the truth at some moments, flat: hedge in USD per coin of delta."""

    values: Values
    inverse: NDArray[np.bool_]
    spot: Floats
    hedge_usd: Floats

    def net_bps(self, prices: Floats, sign: Floats | float, costs: Costs, *, hedged: bool = True) -> Floats:
        """Return net edges of prices as quoted, bps of the forward."""
        values, inverse = self.values, self.inverse
        forward = values.forward
        unit = np.where(inverse, forward, 1.0)
        price = prices * unit
        fee = np.minimum(np.where(inverse, *costs.rate) * self.spot, np.where(inverse, *costs.cap) * price)
        edge = sign * (values.value * unit - price) - fee
        if hedged:
            edge = edge - np.abs(values.delta - np.where(inverse, prices, 0.0)) * self.hedge_usd
        return BPS * edge / forward


class Stale(msgspec.Struct, frozen=True, kw_only=True):
    """Net edges of one maker's row: bps of the forward at int64[K] moments, for one option and side."""

    maker: int
    row: int
    moments: Ints
    edge_bps: Floats

    def at(self, moment: int) -> float:
        """Return the edge at a moment, of the nearest sample before it; negative infinity outside."""
        k = bisect_right(self.moments, moment) - 1
        return float(self.edge_bps[k]) if k >= 0 else -np.inf


class Opportunity(msgspec.Struct, kw_only=True):
    """A stretch of time in which one option's side could be traded at a profit.

    Attributes:
        option, asks: What.
        start_ns, end_ns: First and last moment with a positive edge, before anybody took it.
        peak_bps: Largest edge.
        coins: Largest size on offer with an edge.
    """

    option: int
    asks: bool
    start_ns: int
    end_ns: int
    peak_bps: float
    coins: float


class Truth:
    """Values, edges and opportunities of one episode; no engine ever sees it."""

    def __init__(self, surface: Surface, perps: Perps, books: Books, costs: Costs, start_ns: int, end_ns: int) -> None:
        self.surface = surface
        self.perps = perps
        self.books = books
        self.costs = costs
        self.start_ns, self.end_ns = start_ns, end_ns
        self.stale: dict[tuple[int, bool], list[Stale]] = {}
        self._forced: list[tuple[int, int]] = []
        self._unhedgeable = (0, 0)

    def force(self, from_ns: int, to_ns: int) -> None:
        """Look at every quote in a stretch in which values change without a move of the price."""
        self._forced.append((from_ns, to_ns))

    def forbid_hedge(self, from_ns: int, to_ns: int) -> None:
        """Let a hedge cost more than any edge in a stretch in which there is nowhere to trade it."""
        self._unhedgeable = (from_ns, to_ns)

    # --- edges ----------------------------------------------------------------------------------------------

    def net_bps(
        self, moments: Ints, options: Ints, prices: Floats, sign: Floats | float, *, hedged: bool = True
    ) -> Floats:
        """Return net edges in bps of the forward, flat arrays of one length.

        Args:
            moments: ns.
            options: Which.
            prices: As quoted.
            sign: +1 where the price is an ask that is bought, -1 where a bid is hit.
            hedged: False to leave the hedge's cost out.
        """
        return self._of(moments, options).net_bps(prices, sign, self.costs, hedged=hedged)

    def _of(self, moments: Ints, options: Ints) -> _Known:
        inverse = self.surface.listing.inverse[options]
        values = self.surface.values(moments, options)
        index = np.exp(self.surface.log_at(moments))
        cost_bps = self.perps.cost_at(moments)
        if self._unhedgeable[1]:
            nowhere = (moments >= self._unhedgeable[0]) & (moments < self._unhedgeable[1])
            cost_bps = np.where(nowhere, _NO_HEDGE_BPS, cost_bps)
        return _Known(values, inverse, index, cost_bps / BPS * index)

    def worth_usd(self, moments: Ints, options: Ints) -> Worth:
        """Return true values in USD per coin, and the forwards."""
        values = self.surface.values(moments, options)
        return Worth(np.where(self.surface.listing.inverse[options], values.value * values.forward, values.value),
                     values.forward)  # fmt: skip

    def hedge_ratio(self, moment: int, option: int, price: float) -> float:
        """Return the coins to sell per coin bought, to be neutral in USD: delta, less the premium paid in coin."""
        which = np.array([option], dtype=np.int64)
        delta = float(self.surface.values(np.array([moment], dtype=np.int64), which).delta[0])
        return delta - price if self.surface.listing.inverse[option] else delta

    def edge_now(self, option: int, price: float, moment: int, *, asks: bool) -> float:
        """Return the net edge of one price at one moment, bps."""
        found = self.net_bps(
            np.array([moment], dtype=np.int64), np.array([option], dtype=np.int64), np.array([price]),
            1.0 if asks else -1.0,
        )  # fmt: skip
        return float(found[0])

    def alive(self, option: int, moment: int, least_coins: float, *, asks: bool) -> float:
        """Return the edge of the best quote of at least a size that can truly be had at a moment; NaN if none."""
        level = self.best_tradable(option, moment, least_coins, asks=asks)
        return np.nan if level is None else self.edge_now(option, level.price, moment, asks=asks)

    # --- the scan -------------------------------------------------------------------------------------------

    def scan(self) -> None:
        """Look at every quote of the episode."""
        for book in self.books.groups:
            for maker, track in enumerate(book.tracks):
                if track.fillable and not track.busted:
                    moved, forced = self._rows(book, maker)
                    for j in moved:
                        self._look(book, maker, j)
                    self._glance(book, maker, forced)

    def _rows(self, book: GroupBook, maker: int) -> tuple[list[int], list[int]]:
        """Return the rows of a track under which the market moved far enough, and others in a forced stretch."""
        track = book.tracks[maker]
        clock, log_price = self.surface.clock, self.surface.log_price
        starts = np.minimum(np.searchsorted(clock, track.moments), len(clock) - 1)
        seen = self.surface.log_at(track.seen)
        high, low = np.maximum.reduceat(log_price, starts), np.minimum.reduceat(log_price, starts)
        away = BPS * np.maximum(high - seen, seen - low)
        wanted = (away * book.group.delta > _LEAST_COST_BPS[book.group.bucket]) | track.planted
        ends = np.append(track.moments[1:], self.end_ns)
        forced = np.zeros(len(wanted), dtype=np.bool_)
        for a, b in self._forced:
            forced |= (track.moments < b) & (ends > a)
        shown = ~(np.isnan(track.bid).all(axis=1) & np.isnan(track.ask).all(axis=1))
        return np.flatnonzero(wanted & shown).tolist(), np.flatnonzero(forced & ~wanted & shown).tolist()

    def _look(self, book: GroupBook, maker: int, j: int) -> None:
        """Price one row of a track at the moments at which it stands, and keep what has an edge."""
        track, clock = book.tracks[maker], self.surface.clock
        begin = max(int(track.moments[j]), self.start_ns)
        end = int(track.moments[j + 1]) if j + 1 < len(track.moments) else self.end_ns
        if end <= begin:
            return
        first, last = np.searchsorted(clock, (begin, end))
        step = max(1, -(-int(last - first) // _MOST_SAMPLES))
        moments = np.concatenate((np.array([begin], dtype=np.int64), clock[first:last:step]))
        self._price(book, maker, [(j, moments)])

    def _glance(self, book: GroupBook, maker: int, rows: list[int]) -> None:
        """Price rows under which the price hardly moved, at their beginning, middle and end."""
        track = book.tracks[maker]
        ends = np.append(track.moments[1:], self.end_ns)
        looks = []
        for j in rows:
            begin, end = max(int(track.moments[j]), self.start_ns), int(ends[j])
            if end > begin:
                looks.append((j, np.array([begin, (begin + end) // 2, end - 1], dtype=np.int64)))
        if looks:
            self._price(book, maker, looks)

    def _price(self, book: GroupBook, maker: int, looks: list[tuple[int, Ints]]) -> None:
        """Price both sides of some rows at some moments of each, and keep what has an edge."""
        track, options = book.tracks[maker], book.group.options
        n = len(options)
        counts = [len(moments) for _, moments in looks]
        rows = np.repeat([j for j, _ in looks], counts)
        moments = np.concatenate([moments for _, moments in looks])
        known = self._of(np.repeat(moments, n), np.tile(options, len(moments)))
        cuts = np.cumsum([0, *counts])
        for asks, quote in ((True, track.ask), (False, track.bid)):
            flat = quote[rows].ravel()
            edges = known.net_bps(flat, 1.0 if asks else -1.0, self.costs).reshape(len(moments), n)
            good = edges > 0
            if not good.any():
                continue
            for (j, each), begin, end in zip(looks, cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
                for c in np.flatnonzero(good[begin:end].any(axis=0)).tolist():
                    found = Stale(maker=maker, row=j, moments=each, edge_bps=edges[begin:end, c])
                    self.stale.setdefault((int(options[c]), asks), []).append(found)

    # --- opportunities ----------------------------------------------------------------------------------------

    def opportunities(self) -> list[Opportunity]:
        """Return every opportunity of at least one lot, by start."""
        lots = self.surface.listing.lot_coins()
        found = []
        for (option, asks), rows in self.stale.items():
            spans: list[Opportunity] = []
            for each in rows:
                coins = self._coins(option, each, asks=asks)
                if not coins >= lots[option] - 1e-9:
                    continue
                positive = np.flatnonzero(each.edge_bps > 0)
                spans.append(
                    Opportunity(
                        option=option,
                        asks=asks,
                        start_ns=int(each.moments[positive[0]]),
                        end_ns=int(each.moments[positive[-1]]),
                        peak_bps=float(each.edge_bps.max()),
                        coins=coins,
                    )
                )
            found += _merged(spans)
        return sorted(found, key=lambda o: (o.start_ns, o.option, o.asks))

    def _coins(self, option: int, each: Stale, *, asks: bool) -> float:
        book = self.books.of[option]
        track = book.tracks[each.maker]
        return float((track.ask_coins if asks else track.bid_coins)[each.row, book.column[option]])

    def best_tradable(self, option: int, moment: int, least_coins: float, *, asks: bool) -> Level | None:
        """Return the best quote of at least a size that can truly be had, None if there is none."""
        for level in self.books.ladder(option, moment, asks=asks):
            if level.fillable and not level.busted and level.coins >= least_coins - 1e-9:
                return level
        return None

    def alive_bps(self, opportunities: list[Opportunity], moments: list[int]) -> Floats:
        """Return the edge of each opportunity's best tradable quote at a moment of its own, NaN where none is left."""
        lots = self.surface.listing.lot_coins()
        prices = np.full(len(moments), np.nan)
        for i, (each, moment) in enumerate(zip(opportunities, moments, strict=True)):
            level = self.best_tradable(each.option, moment, float(lots[each.option]), asks=each.asks)
            if level is not None and moment <= self.end_ns:
                prices[i] = level.price
        options = np.array([each.option for each in opportunities], dtype=np.int64)
        sign = np.array([1.0 if each.asks else -1.0 for each in opportunities])
        inside = np.minimum(np.array(moments, dtype=np.int64), self.end_ns)
        return self.net_bps(inside, options, prices, sign) if len(options) else prices


def _merged(spans: list[Opportunity]) -> list[Opportunity]:
    merged: list[Opportunity] = []
    for span in sorted(spans, key=lambda o: o.start_ns):
        if merged and span.start_ns - merged[-1].end_ns <= _MERGE_NS:
            last = merged[-1]
            last.end_ns = max(last.end_ns, span.end_ns)
            last.peak_bps = max(last.peak_bps, span.peak_bps)
            last.coins = max(last.coins, span.coins)
        else:
            merged.append(span)
    return merged
