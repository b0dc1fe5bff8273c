"""The efficient price moves as its regime says, and the planned shock is delivered whole."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from aftershock.sim.market.params import World
from aftershock.sim.market.path import Path, depth_factor, draw_path, moves_bps
from tests.sim.market.worlds import END_NS, FINE_NS, ONSET_NS, PRICE, SECOND_NS, clock, rng

NO_NEWS = World(jump_per_hour=(0.0, 0.0, 0.0), stress_chance=0.0, stress_s=1e9)
STILL = msgspec.structs.replace(NO_NEWS, sigma=(1e-9, 1e-9, 1e-9))


def drawn(seed: int, world: World, shock_bps: float = 0.0, reverts_after_s: float | None = None) -> Path:
    return draw_path(
        rng(seed), world, clock(), FINE_NS, ONSET_NS, math.log(PRICE), shock_bps, reverts_after_s=reverts_after_s
    )


@pytest.mark.parametrize(("regime", "annual"), [(0, 0.35), (1, 0.70), (2, 2.00)])
def test_each_regime_has_its_annual_volatility(regime: int, annual: float) -> None:
    share = tuple(1.0 if r == regime else 0.0 for r in range(3))
    squares, seconds = 0.0, 0.0
    for seed in range(30):
        path = drawn(seed, msgspec.structs.replace(NO_NEWS, regime_share=share))
        fine = path.clock >= FINE_NS
        assert set(path.regime[fine].tolist()) == {regime}
        squares += float((np.diff(path.log_price[fine]) ** 2).sum())
        seconds += float(path.clock[-1] - FINE_NS) / 1e9
    assert math.sqrt(squares / seconds * 365 * 86_400) == pytest.approx(annual, rel=0.02)


def test_the_market_is_calm_between_episodes() -> None:
    path = drawn(1, World(regime_share=(0.0, 0.0, 1.0)))
    assert set(path.regime[path.clock < FINE_NS].tolist()) == {0}


@pytest.mark.parametrize("size", [60.0, -60.0])
def test_the_ramp_delivers_the_shock_between_onset_and_its_end(size: float) -> None:
    for seed in range(20):
        path = drawn(seed, STILL, size)
        moved = 1e4 * (path.log_price - math.log(PRICE))
        assert np.abs(moved[path.clock <= ONSET_NS]).max() < 1e-3
        assert np.abs(moved[path.clock >= path.shock_ends_ns] - size).max() < 1e-3
        half = np.interp((ONSET_NS + path.shock_ends_ns) / 2 - ONSET_NS, path.clock - ONSET_NS, moved)
        assert half == pytest.approx(size / 2, abs=0.2)


def test_the_ramp_takes_two_seconds_in_the_median() -> None:
    ramps = [(drawn(seed, World(), 40.0).shock_ends_ns - ONSET_NS) / SECOND_NS for seed in range(400)]
    assert np.median(ramps) == pytest.approx(2.0, rel=0.15)
    assert np.std(np.log(ramps)) == pytest.approx(0.8, rel=0.12)


def test_a_shock_that_reverts_is_taken_back_whole() -> None:
    path = drawn(4, STILL, 50.0, reverts_after_s=0.1)
    moved = 1e4 * (path.log_price - math.log(PRICE))
    assert moved.max() == pytest.approx(50.0, abs=1e-3)
    assert abs(moved[-1]) < 1e-3
    assert path.shock_ends_ns - ONSET_NS <= 0.4 * SECOND_NS
    assert np.abs(moved[path.clock > ONSET_NS + SECOND_NS]).max() < 1e-3


def test_unplanned_news_comes_after_the_onset_alone_and_at_its_rate() -> None:
    often = World(sigma=(1e-9, 1e-9, 1e-9), jump_per_hour=(60.0, 60.0, 60.0), stress_chance=0.0)
    counts = []
    for seed in range(60):
        path = drawn(seed, often)
        moved = np.abs(np.diff(path.log_price)) > 1e-8
        assert not moved[path.clock[1:] <= ONSET_NS].any()
        counts.append(float((path.log_price[-1] - path.log_price[0]) * 1e4))
    # A sum of Poisson many two-sided exponentials: variance = count * 2 * mean^2.
    expected = 60.0 * (END_NS - ONSET_NS) / 3_600e9
    assert np.var(counts) == pytest.approx(expected * 2 * 40.0**2, rel=0.5)


def test_a_large_shock_leads_to_stress_half_of_the_time_and_a_small_one_never() -> None:
    calm = World(regime_share=(1.0, 0.0, 0.0))
    large = sum(bool((drawn(seed, calm, 41.0).regime == 2).any()) for seed in range(300))
    assert 0.4 < large / 300 < 0.6
    assert not any((drawn(seed, calm, 40.0).regime == 2).any() for seed in range(50))


def test_a_move_over_a_window_is_that_of_the_two_prices() -> None:
    seconds = np.arange(0, 30 * 10**9, 10**9, dtype=np.int64)
    log_price = np.where(seconds >= 10 * 10**9, 0.002, 0.0)
    moves = moves_bps(seconds, log_price, 5.0)
    assert moves[9] == 0
    assert moves[10:15] == pytest.approx(np.full(5, 20.0))
    assert moves[15:] == pytest.approx(np.zeros(15))


def test_books_thin_out_while_the_price_runs_and_by_regime() -> None:
    seconds = np.arange(0, 60 * 10**9, 10**9, dtype=np.int64)
    jumped = np.where(seconds >= 30 * 10**9, 0.006, 0.0)
    calm = depth_factor(World(), seconds, jumped, np.zeros(60, dtype=np.int8))
    assert calm[:30] == pytest.approx(np.ones(30))
    assert calm[30] == pytest.approx(1 / (1 + 16 + 2.25))  # 60 bps: (60/15)^2 and (60/40)^2
    stress = depth_factor(World(), seconds, np.zeros(60), np.full(60, 2, dtype=np.int8))
    assert stress == pytest.approx(np.full(60, 0.08))
