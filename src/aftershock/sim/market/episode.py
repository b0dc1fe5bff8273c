"""One episode put together: the hidden market of seven minutes, and what of it reaches us."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from aftershock.model import events as ev
from aftershock.model.order import Place, place
from aftershock.model.units import BPS, NS_PER_MS, NS_PER_S
from aftershock.pricing.matching import match_ioc
from aftershock.sim.market.book import SHOWN, Books, GroupBook, OutTimes
from aftershock.sim.market.feeds import OptionFeed, Ways, fault_events, future_events, index_events, perp_events
from aftershock.sim.market.grid import Floats, Ints, at, grid
from aftershock.sim.market.hawkes import LiquidationParams, draw_liquidations, impact
from aftershock.sim.market.hostile import hostile_events
from aftershock.sim.market.liquidation_feeds import FeedFault as LiquidationFault
from aftershock.sim.market.liquidation_feeds import liquidation_events
from aftershock.sim.market.listing import INVERSE, LINEAR, PERPS, Listing
from aftershock.sim.market.makers import (
    Group,
    Outage,
    crossings,
    draw_outages,
    group_options,
    milliseconds,
    quote_track,
    requote_moments,
)
from aftershock.sim.market.params import MakerSet, World
from aftershock.sim.market.path import Path, depth_factor, draw_path, moves_bps
from aftershock.sim.market.perps import Perps, draw_perps
from aftershock.sim.market.plan import AFTER_S, BEFORE_S, EpisodePlan, generator
from aftershock.sim.market.planted import plant, retail
from aftershock.sim.market.script import FeedFault, in_time_ms, write_script
from aftershock.sim.market.surface import Surface, draw_surface
from aftershock.sim.market.takers import Protection, run_takers
from aftershock.sim.market.truth import Costs, Truth

__all__ = ["Episode", "Execution"]

_QUOTES_BEFORE_NS = 20 * NS_PER_S
_VENUE_SHARE = (0.45, 0.25, 0.2, 0.1)
_LIQUIDATION_FAULTS = {
    FeedFault.SIDE_FLIPPED: LiquidationFault.SIDE_FLIPPED,
    FeedFault.DUPLICATED: LiquidationFault.DUPLICATED,
    FeedFault.SATURATED: LiquidationFault.SATURATED,
}
_PERP_LEVELS = 6

# Independent streams of chance, so that the price is the same whoever makes the markets.
_SCRIPT, _PATH, _LIQUIDATIONS, _PERPS, _SURFACE, _MAKERS, _TAKERS, _FEEDS, _QUOTES = range(9)


class Execution(NamedTuple):
    """One fill of an order of ours: price as quoted, coins, and whether the venue will take it back."""

    price: float
    coins: float
    busted: bool


class Episode:
    """A hidden market and its feeds.

    Attributes:
        plan, script: What was planned and planted.
        start_ns, onset_ns, end_ns: Of the fine window.
        surface, perps, books, truth: The hidden state.
        taker_fills: Quotes that competing takers hit.
    """

    def __init__(  # noqa: PLR0913  what makes an episode
        self,
        words: tuple[int, ...],
        world: World,
        makers: MakerSet,
        listing: Listing,
        plan: EpisodePlan,
        begin_ns: int,
        start_log: float,
        *,
        feed_ms: float | None = None,
        greedy: bool = False,
    ) -> None:
        """Draw everything that does not depend on us.

        Args:
            words: Seed words; each part of the episode has a stream of its own under them.
            world: Parameters.
            makers: Makers and takers.
            listing: Options.
            plan: What is planned.
            begin_ns: End of the episode before.
            start_log: Log price then.
            feed_ms: Median way of the feeds to us; None for the world's.
            greedy: Takers take everything that has an edge.
        """
        self.plan = plan
        self.start_ns = plan.start_ns
        self.end_ns = plan.start_ns + (BEFORE_S + AFTER_S) * NS_PER_S
        self._world, self._makers, self._words = world, makers, words
        rng = self._rng(_SCRIPT)
        self.onset_ns = plan.start_ns + BEFORE_S * NS_PER_S + int(rng.integers(0, 5_000)) * NS_PER_MS
        self.script = write_script(rng, plan.kind, self.onset_ns, shock=plan.shock)
        self._quotes_from = max(self.start_ns - _QUOTES_BEFORE_NS, begin_ns)

        path, log_price, local, liquidations = self._draw_price(begin_ns, start_log)
        self.clock, self.log_price, self.path = path.clock, log_price, path
        self._depth = depth_factor(world, path.clock, log_price, path.regime)
        self._moves = moves_bps(path.clock, log_price, 5.0)
        self.perps: Perps = draw_perps(
            self._rng(_PERPS), world, path.clock, log_price, local, self._depth, list(self.script.dislocations),
            self.start_ns,
        )  # fmt: skip
        self.surface: Surface = draw_surface(
            self._rng(_SURFACE), world, listing, path, log_price, self.start_ns, 0.0,
            0.01 * self.script.vol_shift_points,
        )  # fmt: skip
        self.books = self._draw_books()
        self.truth = Truth(self.surface, self.perps, self.books, Costs(), self._quotes_from, self.end_ns)
        self._plant()
        self.truth.scan()
        takers = self._rng(_TAKERS)
        self._protection = Protection(takers, world, makers, self.truth)
        self.taker_fills = run_takers(takers, world, makers, self.truth, self._protection, greedy=greedy)
        self._draw_feeds(liquidations, begin_ns, feed_ms)

    def _rng(self, part: int) -> np.random.Generator:
        return generator(*self._words, self.plan.index, part)

    # --- drawing --------------------------------------------------------------------------------------------

    def _draw_price(self, begin_ns: int, start_log: float) -> tuple[Path, Floats, Floats, object]:
        world, script, rng = self._world, self.script, self._rng(_PATH)
        clock = grid(begin_ns, self.start_ns, self.onset_ns)
        shock = script.shock_bps
        if shock is None:
            sign = 1.0 if rng.random() < 0.5 else -1.0
            least = max(script.least_shock_bps, world.shock_least_bps)
            shock = float(sign * (least + rng.exponential(world.jump_mean_bps)))
        path = draw_path(
            rng, world, clock, self.start_ns, self.onset_ns, start_log, shock, reverts_after_s=script.reverts_after_s
        )
        depth = depth_factor(world, clock, path.log_price, path.regime)
        params = LiquidationParams(mu_hz=0.02 * world.liquidation_rate, impact_y=0.8 * world.liquidation_impact)
        chance = self._rng(_LIQUIDATIONS)
        drawn = draw_liquidations(chance, params, clock, path.log_price, depth, path.regime, _VENUE_SHARE)
        follow = tuple(float(h) for h in chance.uniform(0.5, 3.0, size=len(PERPS)))
        common, local = impact(params, drawn, clock, depth, follow)
        if script.reverts_after_s is not None:
            common, local = np.zeros_like(common), np.zeros_like(local)
        return path, path.log_price + common, local, drawn

    def _draw_books(self) -> Books:
        groups = group_options(self.surface, self.start_ns)
        rng = self._rng(_MAKERS)
        first = int(np.searchsorted(self.clock, self._quotes_from))
        error = self._vol_error(rng)
        held: dict[tuple[float, float], Ints] = {}
        books = {i: GroupBook(group, []) for i, group in enumerate(groups)}
        for venue in (INVERSE, LINEAR):
            for maker in range(len(self._makers.delay_ms)):
                delay, timer = self._reaction(maker)
                outages = self._outages(rng, venue, maker, first, delay)
                phase = int(rng.integers(0, max(timer // NS_PER_MS, 1))) * NS_PER_MS
                for i, group in enumerate(groups):
                    if group.venue != venue:
                        continue
                    band = self._makers.threshold[maker] / group.delta
                    if (band, 0.0) not in held:
                        held[band, 0.0] = crossings(self.clock, self.log_price, first, band)
                    moments, empty = requote_moments(
                        held[band, 0.0], self._quotes_from, self.end_ns, outages, delay_ns=delay, timer_ns=timer,
                        phase_ns=phase, refresh=self._refresh(),
                    )  # fmt: skip
                    track = quote_track(
                        rng, self._world, self._makers, maker, self.surface, group, moments, empty, delay_ns=delay,
                        vol_error=error(maker), moves_5s_bps=self._moves, depth=self._depth,
                    )  # fmt: skip
                    self._shrink(track.moments, track.bid_coins, track.ask_coins, group, maker)
                    books[i].tracks.append(track)
        return Books([GroupBook(book.group, book.tracks) for book in books.values()], OutTimes())

    def _reaction(self, maker: int) -> tuple[int, int]:
        delay, timer = self._makers.delay_ms[maker], self._makers.timer_ms[maker]
        if self.script.in_time:
            delay, timer = in_time_ms(delay), in_time_ms(timer)
        return milliseconds(delay), milliseconds(timer)

    def _outages(self, rng: np.random.Generator, venue: str, maker: int, first: int, delay: int) -> list[Outage]:
        planted = [stall.outage for stall in self.script.stalls if (stall.venue, stall.maker) == (venue, maker)]
        drawn = draw_outages(
            rng, self._world, self.path, self._moves, first, delay_ns=delay,
            pull_chance=self._makers.pull_chance[maker],
        )  # fmt: skip
        return planted if self.script.in_time else [*planted, *drawn]

    def _refresh(self) -> Ints:
        if not (self.script.overshoot_points or self.script.vol_shift_points):
            return np.zeros(0, dtype=np.int64)
        return self.onset_ns + np.concatenate((np.arange(0, 10), np.arange(10, 150, 5))).astype(np.int64) * NS_PER_S

    def _shrink(self, moments: Ints, bid: Floats, ask: Floats, group: Group, maker: int) -> None:
        """Show a size that nobody can trade where the script says so."""
        for stall in self.script.stalls:
            if stall.coins is not None and (stall.venue, stall.maker) == (group.venue, maker):
                j = int(np.searchsorted(moments, stall.outage.from_ns, side="right")) - 1
                bid[j], ask[j] = stall.coins, stall.coins

    def _vol_error(self, rng: np.random.Generator) -> Callable[[int], Callable[[Ints, Ints], Floats]]:
        makers, expiries = len(self._makers.delay_ms), len(self.surface.listing.expiries_ns)
        own = 0.01 * self._world.maker_vol_error_points * rng.standard_normal((makers, expiries))
        script, expiry, onset = self.script, self.surface.listing.expiry, self.onset_ns

        def of(maker: int) -> Callable[[Ints, Ints], Floats]:
            def error(seen: Ints, options: Ints) -> Floats:
                value: Floats = own[maker, expiry[options]]
                if script.overshoot_points:
                    since = (seen - onset) / NS_PER_S
                    rise = np.clip(since / 1.0, 0.0, 1.0)
                    run = 0.01 * script.overshoot_points * rise * np.exp2(-np.maximum(since, 0.0) / script.overshoot_s)
                    value = value + run
                return value

            return error

        return of

    def _plant(self) -> None:
        rng, script = self._rng(_QUOTES), self.script
        if not script.in_time:
            retail(rng, self.truth, self._world.retail_per_episode, self.start_ns, self.end_ns)
        self.planted: list[int] = []
        for quote in script.quotes:
            self.planted += plant(rng, self.truth, quote)
        if script.overshoot_points or script.vol_shift_points:
            self.truth.force(self.onset_ns, self.onset_ns + 150 * NS_PER_S)
        elif self._world.vol_shock_points:
            self.truth.force(self.onset_ns, self.onset_ns + 4 * NS_PER_S)
        if script.unhedgeable:
            self.truth.forbid_hedge(script.fault_from_ns, script.fault_to_ns)

    # --- feeds ----------------------------------------------------------------------------------------------

    def _draw_feeds(self, liquidations: object, begin_ns: int, feed_ms: float | None) -> None:
        rng, script = self._rng(_FEEDS), self.script
        ways = self.ways = Ways(rng, self._world, feed_ms)
        fault = _LIQUIDATION_FAULTS.get(script.fault, LiquidationFault.NONE)
        hot = (self.onset_ns - 5 * NS_PER_S, self.onset_ns + 45 * NS_PER_S)
        events = perp_events(rng, self.perps, ways, script, begin_ns, hot)
        events += index_events(self.surface, ways, begin_ns)
        events += future_events(rng, self.surface, self.perps, ways, self._quotes_from)
        events += liquidation_events(
            rng, liquidations, self.perps.mid, lambda venue, sent: ways.arrival(PERPS[venue].venue, sent), fault  # type: ignore[arg-type]
        )  # fmt: skip
        events += fault_events(script, 40 * NS_PER_MS) + hostile_events(script, 40 * NS_PER_MS)
        placed = sorted(((place(event), i) for i, event in enumerate(events)))
        self._events = [events[i] for _, i in placed]
        self._places = [at_place for at_place, _ in placed]
        self._next = 0
        self.feeds = [
            OptionFeed(rng, self.surface, self.books, venue, ways, script, self._quotes_from, hot)
            for venue in (INVERSE, LINEAR)
        ]

    def next_place(self) -> Place | None:
        """Return where the next event stands, None after the last."""
        best = self._places[self._next] if self._next < len(self._places) else None
        for feed in self.feeds:
            here = feed.next_place
            if here is not None and (best is None or here < best):
                best = here
        return best

    def pop(self) -> ev.Event:
        """Return the next event that reaches us."""
        best = self.next_place()
        for feed in self.feeds:
            if feed.next_place is best:
                return feed.pop()
        self._next += 1
        return self._events[self._next - 1]

    def bump_ns(self, venue: str) -> int:
        """Return how long a venue holds every aggressive order back."""
        bumps = dict(zip((INVERSE, LINEAR), self._world.bump_ms, strict=True))
        return int(bumps.get(venue, 0.0) * NS_PER_MS)

    @property
    def wire_ns(self) -> int:
        """Return how long the report of a fill takes to us."""
        return int(self._world.wire_ms * NS_PER_MS)

    # --- our orders -------------------------------------------------------------------------------------------

    def trade_option(
        self, option: int, coins: float, limit: float, moment: int, *, buying: bool, owner: int = SHOWN
    ) -> list[Execution]:
        """Match an immediate-or-cancel limit order of ours that reaches the book at a moment.

        What is filled is gone, its maker's protection counts it, the others stand back, and the feeds show all that,
        unless another latency's world is meant.
        """
        levels = [level for level in self.books.ladder(option, moment, asks=buying, owner=owner)
                  if level.fillable]  # fmt: skip
        match = match_ioc([(level.price, level.coins) for level in levels], coins, limit, buying=buying)
        book = self.books.of[option]
        fills = []
        for index, size in match.fills:
            level = levels[index]
            book.take(option, level, moment, size, asks=buying, owner=owner)
            book.stand_back(option, moment, level.maker, asks=buying, owner=owner)
            if owner == SHOWN:
                self._protection.on_fill(book.group.venue, level.maker, moment, owner)
            fills.append(Execution(level.price, size, level.busted))
        if fills and owner == SHOWN:
            for feed in self.feeds:
                if feed.stream.venue == book.group.venue:
                    feed.rebuild(option, moment)
        return fills

    def trade_perp(self, venue: int, coins: float, limit: float, moment: int, *, buying: bool) -> list[Execution]:
        """Match an immediate-or-cancel limit order of ours on a perpetual."""
        price, size = self.perps.touch(venue, moment, buying=buying)
        half = float(at(moment, self.clock, self.perps.half_spread_bps[venue])) / BPS * price
        step = max(half, PERPS[venue].tick) * (1.0 if buying else -1.0)
        levels = [(round(price + i * step, 1), size * (1.0 + i)) for i in range(_PERP_LEVELS)]
        match = match_ioc(levels, coins, limit, buying=buying)
        return [Execution(levels[index][0], size, busted=False) for index, size in match.fills]

    def trade_future(self, symbol: str, coins: float, limit: float, moment: int, *, buying: bool) -> list[Execution]:
        """Match an order of ours on a dated future: deep, half a tick and the perpetual's half-spread away."""
        listing = self.surface.listing
        future = next((f for f in listing.futures if f.symbol == symbol), None)
        if future is None:
            return []
        expiry = int(np.searchsorted(listing.expiries_ns, future.expiry_ns))
        mid = float(self.surface.forward(moment, expiry))
        half = max(float(at(moment, self.clock, self.perps.half_spread_bps[-1], self.perps.offsets)), 0.4) / BPS * mid
        tick = future.tick
        price = np.ceil((mid + half) / tick) * tick if buying else np.floor((mid - half) / tick) * tick
        match = match_ioc([(float(price), 4.0)], coins, limit, buying=buying)
        return [Execution(float(price), size, busted=False) for _, size in match.fills]
