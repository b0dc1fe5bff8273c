"""Episodes and parts of the simulated market, as its tests need them."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from aftershock.sim.market.episode import Episode
from aftershock.sim.market.grid import grid
from aftershock.sim.market.listing import list_options
from aftershock.sim.market.params import MAKER_SETS, MakerName, World, WorldName, draw_world
from aftershock.sim.market.path import CALM, Path
from aftershock.sim.market.plan import START_NS, EpisodePlan, generator
from aftershock.sim.market.surface import Surface, draw_surface

SECOND_NS = 10**9
PRICE = 90_000.0
FINE_NS = START_NS + 3_600 * SECOND_NS
ONSET_NS = FINE_NS + 122 * SECOND_NS
END_NS = FINE_NS + 420 * SECOND_NS
BEGIN_NS = FINE_NS - 600 * SECOND_NS


def rng(seed: int) -> Generator:
    return Generator(PCG64(seed))


def clock() -> NDArray[np.int64]:
    return grid(BEGIN_NS, FINE_NS, ONSET_NS)


def make_episode(
    kind: str = "plain",
    seed: int = 7,
    makers: MakerName = "slow",
    world: WorldName = "base",
    feed_ms: float | None = None,
) -> Episode:
    """Draw one episode of a kind by itself; a test that trades in it needs its own."""
    drawn = draw_world(generator(seed, 9), world)
    plan = EpisodePlan(index=0, kind=kind, start_ns=FINE_NS, shock=kind not in {"S3", "S4", "S6", "D2"})
    listing = list_options(START_NS, PRICE, drawn.atm_vol)
    return Episode((seed, 3), drawn, MAKER_SETS[makers], listing, plan, BEGIN_NS, math.log(PRICE), feed_ms=feed_ms)


@lru_cache(maxsize=24)
def seen_episode(kind: str = "plain", seed: int = 7, makers: MakerName = "slow", world: WorldName = "base") -> Episode:
    """Draw an episode that tests only look at."""
    return make_episode(kind, seed, makers, world)


def path_of(log_price: NDArray[np.float64], shock_bps: float = 0.0) -> Path:
    """Wrap a price of one's own."""
    moments = clock()
    return Path(
        clock=moments,
        log_price=log_price,
        regime=np.full(len(moments), CALM, dtype=np.int8),
        onset_ns=ONSET_NS,
        shock_bps=shock_bps,
        shock_ends_ns=ONSET_NS,
    )


def surface_of(moved_bps: float, world: World | None = None, seed: int = 3) -> Surface:
    """Return a surface under a price that steps by so much at the onset; its level stands still."""
    base = World(vol_sd_points=0.0) if world is None else world
    moments = clock()
    log_price = math.log(PRICE) + np.where(moments > ONSET_NS, moved_bps / 1e4, 0.0)
    listing = list_options(START_NS, PRICE, base.atm_vol)
    return draw_surface(rng(seed), base, listing, path_of(log_price, moved_bps), log_price, FINE_NS, 0.0)
