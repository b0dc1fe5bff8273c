"""The shifted world is another world: every number of it moves, and what the engine relies on breaks."""

from __future__ import annotations

import numpy as np
import pytest

from aftershock.sim.market.params import FAST, SLOW, MakerSet, World, draw_world
from aftershock.sim.market.plan import generator
from tests.sim.market.worlds import rng

OWN_RANGE = {
    "regime_share",
    "stress_chance",
    "stickiness",
    "skew_rho",
    "depth",
    "basis_jumps",
    "smile_bump_points",
    "vol_shock_points",
    "basis_jump_bps",
    "feed_ms",
    "feed_sd_ln",
}


@pytest.mark.parametrize("seed", range(8))
def test_every_number_of_a_shifted_world_is_drawn_within_half_of_the_base(seed: int) -> None:
    base, shifted = World(), draw_world(rng(seed), "shifted")
    for field in base.__struct_fields__:
        if field in OWN_RANGE:
            continue
        before, after = np.atleast_1d(getattr(base, field)), np.atleast_1d(getattr(shifted, field))
        some = before != 0
        factor = after[some] / before[some]
        assert ((factor >= 0.5) & (factor <= 1.5)).all(), field
        assert np.ptp(factor) < 1e-9, field  # a range stays a range
        assert (factor != 1.0).all(), field


def test_a_shifted_world_breaks_what_the_engine_relies_on() -> None:
    worlds = [draw_world(rng(seed), "shifted") for seed in range(40)]
    base = World()
    assert all(world.stickiness == (-0.5, 3.0) for world in worlds)
    assert all(0.5 <= world.smile_bump_points <= 1.5 for world in worlds)
    assert base.smile_bump_points == 0.0
    assert all(1.0 <= world.vol_shock_points <= 4.0 for world in worlds)
    assert all(2.0 <= world.basis_jump_bps <= 6.0 and world.basis_jumps > 0 for world in worlds)
    assert all(60.0 <= world.feed_ms <= 120.0 for world in worlds)
    assert len({world.sigma for world in worlds}) == 40


def test_the_base_world_is_the_same_for_every_seed_and_draws_nothing() -> None:
    source = rng(5)
    drawn = draw_world(source, "base")
    assert drawn == World()
    assert float(source.random()) == float(rng(5).random())


def test_a_shifted_world_belongs_to_its_seed() -> None:
    worlds = [draw_world(generator(seed, 1, 1), "shifted").sigma for seed in (3, 3, 4)]
    assert worlds[0] == worlds[1]
    assert worlds[0][0] != worlds[2][0]


@pytest.mark.parametrize(
    ("makers", "delay_ms", "timer_ms", "half_spread_bps", "taker_ms"),
    [
        (FAST, [3, 4, 6, 10, 30, 250], [5, 5, 10, 10, 100, 500], [5, 5, 5, 5.5, 6.5, 9], [1, 5, 20]),
        (SLOW, [80, 100, 120, 200, 500, 2000], [100, 100, 200, 250, 500, 2000], [6, 6, 7, 8, 9, 12], [50, 150, 400]),
    ],
)
def test_both_sets_of_makers_are_the_specified_ones(
    makers: MakerSet, delay_ms: list[float], timer_ms: list[float], half_spread_bps: list[float], taker_ms: list[float]
) -> None:
    assert list(makers.delay_ms) == delay_ms
    assert list(makers.timer_ms) == timer_ms
    assert list(makers.half_spread_bps) == half_spread_bps
    assert list(makers.taker_ms) == taker_ms
