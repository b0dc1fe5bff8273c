"""A seed's session: twenty episodes one after the other, the market stepped slowly between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from aftershock.model.events import Event
from aftershock.model.units import NS_PER_S
from aftershock.sim.market.episode import Episode
from aftershock.sim.market.grid import at
from aftershock.sim.market.listing import Listing, list_options
from aftershock.sim.market.params import MAKER_SETS, MakerName, World, WorldName, draw_world
from aftershock.sim.market.plan import EPISODES, START_NS, EpisodePlan, generator, plan_decoys, plan_seed

__all__ = ["Session"]

_WORLDS: tuple[WorldName, ...] = ("base", "shifted")
_WORLD, _PLAN, _EPISODE, _DECOYS = 1, 2, 3, 4
_FIRST_PRICE = 90_000.0
_QUIET_NS = 15 * NS_PER_S


class Session:
    """Everything of one seed.

    Attributes:
        seed, world_name, makers_name: Which market it is.
        world: Its parameters.
        listing: Its options.
        plans: Its episodes.
    """

    def __init__(
        self,
        seed: int,
        *,
        world: WorldName = "base",
        makers: MakerName = "slow",
        count: int = EPISODES,
        decoys: tuple[str, ...] = (),
        feed_ms: float | None = None,
        greedy: bool = False,
    ) -> None:
        """Plan a session; nothing is drawn before an episode is asked for.

        Args:
            seed: Not negative.
            world: `base` or `shifted`.
            makers: `fast` or `slow`.
            count: Episodes.
            decoys: If given, the session holds nothing but these kinds, in turn.
            feed_ms: Median way of the feeds to us; None for the world's.
            greedy: Competing takers take everything that has an edge.
        """
        self.seed, self.world_name, self.makers_name = seed, world, makers
        words = (seed, _WORLDS.index(world))
        self._words = (*words, _DECOYS if decoys else _EPISODE)
        self.world: World = draw_world(generator(*words, _WORLD), world)
        plan_rng = generator(*words, _DECOYS if decoys else _PLAN)
        self.plans: tuple[EpisodePlan, ...] = (
            plan_decoys(plan_rng, decoys, count) if decoys else plan_seed(plan_rng, seed, count)
        )
        self.listing: Listing = list_options(START_NS, _FIRST_PRICE, self.world.atm_vol)
        self._makers = MAKER_SETS[makers]
        self._feed_ms, self._greedy = feed_ms, greedy

    def episodes(self) -> Iterator[Episode]:
        """Draw one episode after the other; each starts where the one before ended."""
        log_price, begin = math.log(_FIRST_PRICE), None
        for plan in self.plans:
            episode = Episode(
                self._words,
                self.world,
                self._makers,
                self.listing,
                plan,
                max(START_NS, plan.start_ns - 3_600_000_000_000) if begin is None else begin,
                log_price,
                feed_ms=self._feed_ms,
                greedy=self._greedy,
            )
            # Nothing is sent for a while, so that what is still on its way arrives before anything of the next.
            log_price, begin = float(at(episode.end_ns, episode.clock, episode.log_price)), episode.end_ns + _QUIET_NS
            yield episode

    def events(self, on_episode: Callable[[Episode], None] = lambda _: None) -> Iterator[Event]:
        """Iterate over everything that reaches us, in the total order, while nobody trades.

        Args:
            on_episode: Gets each episode before its first event.
        """
        for episode in self.episodes():
            on_episode(episode)
            while episode.next_place() is not None:
                yield episode.pop()
