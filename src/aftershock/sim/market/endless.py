"""A market without an end: fine windows one after the other, each with one shock, from any moment on."""

from __future__ import annotations

import math
from collections.abc import Iterator

from aftershock.model.units import NS_PER_S
from aftershock.sim.market.episode import Episode
from aftershock.sim.market.grid import at
from aftershock.sim.market.listing import Listing, list_options
from aftershock.sim.market.params import MAKER_SETS, MakerName, World, WorldName, draw_world
from aftershock.sim.market.plan import AFTER_S, BEFORE_S, EpisodePlan, generator

__all__ = ["KINDS", "ONSET_AFTER_NS", "EndlessMarket"]

_WORLDS: tuple[WorldName, ...] = ("base", "shifted")
_WORLD, _ENDLESS = 1, 5
_FIRST_PRICE = 90_000.0
_PAUSE_NS = NS_PER_S
_WINDOW_NS = (BEFORE_S + AFTER_S) * NS_PER_S
KINDS = ("S1", "plain", "S5", "plain")
"""What the shocks go with, in turn, unless somebody chooses."""
_EXPIRES_NS = 3_600 * NS_PER_S

ONSET_AFTER_NS = _PAUSE_NS + BEFORE_S * NS_PER_S
"""The first shock begins so long after the market, or up to five seconds later."""


class EndlessMarket:
    """The market of a seed from one moment on, an episode of seven minutes after the other.

    Options are listed anew before the first of them expires, around the price of that moment.

    Attributes:
        seed, begin_ns: Which market it is.
        listing: The options of the episode drawn last.
    """

    def __init__(
        self,
        seed: int,
        begin_ns: int,
        *,
        world: WorldName = "base",
        makers: MakerName = "slow",
        kinds: tuple[str, ...] = KINDS,
        feed_ms: float | None = None,
    ) -> None:
        """Draw nothing yet.

        Args:
            seed: Not negative.
            begin_ns: First moment, ns UTC, a whole millisecond.
            world: `base` or `shifted`.
            makers: `fast` or `slow`.
            kinds: What is planted, in turn; without faults of our own connection, which servers make for real.
            feed_ms: Median way of the feeds to us; None for the world's.
        """
        self.seed, self.begin_ns = seed, begin_ns
        self._words = (seed, _WORLDS.index(world), _ENDLESS)
        self._world: World = draw_world(generator(seed, _WORLDS.index(world), _WORLD), world)
        self._makers, self._kinds, self._feed_ms = MAKER_SETS[makers], kinds, feed_ms
        self.listing: Listing = list_options(begin_ns, _FIRST_PRICE, self._world.atm_vol)

    def episodes(self) -> Iterator[Episode]:
        """Draw one episode after the other; each begins where the one before ended."""
        log_price, begin, index = math.log(_FIRST_PRICE), self.begin_ns, 0
        while True:
            start = begin + _PAUSE_NS
            if start + _WINDOW_NS + _EXPIRES_NS > int(self.listing.expiries_ns[0]):
                self.listing = list_options(start, math.exp(log_price), self._world.atm_vol)
            kind = self._kinds[index % len(self._kinds)]
            episode = Episode(
                self._words,
                self._world,
                self._makers,
                self.listing,
                EpisodePlan(index=index, kind=kind, start_ns=start, shock=True),
                begin,
                log_price,
                feed_ms=self._feed_ms,
            )
            yield episode
            log_price, begin = float(at(episode.end_ns, episode.clock, episode.log_price)), episode.end_ns + _PAUSE_NS
            index += 1
