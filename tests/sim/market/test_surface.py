"""True values follow from one smile per expiry: free of arbitrage in the base world, no SVI in the shifted one."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from aftershock.sim.market.listing import list_options
from aftershock.sim.market.params import World, WorldName, draw_world
from aftershock.sim.market.plan import START_NS
from aftershock.sim.market.surface import Surface, draw_surface
from tests.sim.market.worlds import FINE_NS, ONSET_NS, PRICE, SECOND_NS, path_of, rng, seen_episode, surface_of

AFTER_NS = ONSET_NS + 100 * SECOND_NS
STILL = World(vol_sd_points=0.0, stickiness=(0.0, 0.0))


def smile(surface: Surface, expiry: int, k: NDArray[np.float64], moment: int) -> NDArray[np.float64]:
    """Return the volatility of any log-moneyness, by giving an option of the expiry those strikes in turn."""
    option = int(np.flatnonzero(surface.listing.expiry == expiry)[0])
    found = []
    for each in k.tolist():
        forward = float(surface.forward(moment, expiry))
        strikes = surface.listing.strike.copy()
        strikes[option] = forward * math.exp(each)
        moved = replace_strikes(surface, strikes)
        one = np.array([moment], dtype=np.int64)
        sigma, _, _ = moved.sigma(one, np.array([option]), moved.log_at(one))
        found.append(float(sigma[0]))
    return np.array(found)


def replace_strikes(surface: Surface, strikes: NDArray[np.float64]) -> Surface:
    return msgspec.structs.replace(surface, listing=msgspec.structs.replace(surface.listing, strike=strikes))


def density(k: NDArray[np.float64], variance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Gatheral and Jacquier's g: the risk-neutral density is positive where it is."""
    step = k[1] - k[0]
    w, w1 = variance[1:-1], (variance[2:] - variance[:-2]) / (2 * step)
    w2 = (variance[2:] - 2 * w + variance[:-2]) / step**2
    g: NDArray[np.float64] = (1 - k[1:-1] * w1 / (2 * w)) ** 2 - w1**2 / 4 * (1 / w + 0.25) + w2 / 2
    return g


@pytest.mark.parametrize("moved", [0.0, 150.0, -150.0])
def test_the_base_world_has_no_butterfly_arbitrage(moved: float) -> None:
    surface = surface_of(moved, World(vol_sd_points=0.0, stickiness=(2.0, 2.0)))
    for expiry, expiry_ns in enumerate(surface.listing.expiries_ns.tolist()):
        tau = (expiry_ns - AFTER_NS) / (365 * 86_400e9)
        k = np.linspace(-2.5, 2.5, 101) * 0.46 * math.sqrt(tau)
        sigma = smile(surface, expiry, k, AFTER_NS)
        assert density(k, sigma**2 * tau).min() > 0.0


def test_the_base_world_has_no_calendar_arbitrage_at_the_money() -> None:
    surface = surface_of(0.0, STILL)
    variances = []
    for expiry, expiry_ns in enumerate(surface.listing.expiries_ns.tolist()):
        tau = (expiry_ns - AFTER_NS) / (365 * 86_400e9)
        variances.append(smile(surface, expiry, np.array([0.0]), AFTER_NS)[0] ** 2 * tau)
    assert (np.diff(variances) > 0).all()


@pytest.mark.slow
def test_each_slice_of_the_base_world_is_an_svi_slice() -> None:
    surface = surface_of(0.0, STILL)
    for expiry, expiry_ns in enumerate(surface.listing.expiries_ns.tolist()):
        tau = (expiry_ns - AFTER_NS) / (365 * 86_400e9)
        assert svi_misfit_points(surface, expiry, tau) < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_no_svi_slice_fits_the_smile_of_a_shifted_world(seed: int) -> None:
    world = draw_world(rng(seed), "shifted")
    still = World(
        vol_sd_points=0.0, stickiness=(0.0, 0.0), smile_bump_points=world.smile_bump_points, skew_rho=world.skew_rho
    )
    surface = surface_of(0.0, still, seed)
    misfits = []
    for expiry, expiry_ns in enumerate(surface.listing.expiries_ns.tolist()):
        misfits.append(svi_misfit_points(surface, expiry, (expiry_ns - AFTER_NS) / (365 * 86_400e9)))
    assert max(misfits) > 0.1


def svi_misfit_points(surface: Surface, expiry: int, tau: float) -> float:
    """Return the largest distance, in vol points, from the best SVI slice that a search by hand finds.

    w = a + b (rho (k - m) + sqrt((k - m)^2 + s^2)) is linear in (a, b rho, b) once m and s are chosen.
    """
    k = np.linspace(-1.3, 1.3, 27) * 0.46 * math.sqrt(tau)
    sigma = smile(surface, expiry, k, AFTER_NS)
    w = sigma**2 * tau
    width = 0.46 * math.sqrt(tau)
    best = math.inf
    for m in np.linspace(-1.0, 2.0, 61) * width:
        for s in np.geomspace(0.1, 20.0, 40) * width:
            basis = np.stack([np.ones_like(k), k - m, np.sqrt((k - m) ** 2 + s * s)], axis=1)
            weights, *_ = np.linalg.lstsq(basis, w, rcond=None)
            fitted = np.sqrt(np.maximum(basis @ weights, 1e-12) / tau)
            best = min(best, float(np.abs(fitted - sigma).max()) * 100)
    return best


@pytest.mark.parametrize("world", ["base", "shifted"])
def test_put_call_parity_holds_exactly_for_true_values(world: WorldName) -> None:
    surface = seen_episode(world=world).surface
    listing = surface.listing
    calls = np.flatnonzero(listing.is_call)
    puts = np.array(
        [
            next(
                j
                for j in range(len(listing))
                if not listing.is_call[j]
                and (listing.venues[j], listing.expiry[j], listing.strike[j])
                == (listing.venues[i], listing.expiry[i], listing.strike[i])
            )
            for i in calls.tolist()
        ]
    )
    for moment in (FINE_NS, ONSET_NS + SECOND_NS, AFTER_NS):
        when = np.full(len(calls), moment, dtype=np.int64)
        call, put = surface.values(when, calls), surface.values(when, puts)
        unit = np.where(listing.inverse[calls], call.forward, 1.0)
        assert (call.value - put.value) * unit == pytest.approx(call.forward - listing.strike[calls], abs=1e-6)
        assert call.delta - put.delta == pytest.approx(np.ones(len(calls)), abs=1e-12)


def test_both_venues_agree_on_what_the_same_contract_is_worth() -> None:
    surface = seen_episode().surface
    listing, when = surface.listing, np.array([AFTER_NS], dtype=np.int64)
    pairs = 0
    for i in np.flatnonzero(~listing.inverse).tolist():
        same = [
            j
            for j in np.flatnonzero(listing.inverse).tolist()
            if (listing.expiry[i], listing.strike[i], listing.is_call[i])
            == (listing.expiry[j], listing.strike[j], listing.is_call[j])
        ]
        for j in same:
            linear, inverse = surface.values(when, np.array([i])), surface.values(when, np.array([j]))
            assert linear.value[0] == pytest.approx(inverse.value[0] * inverse.forward[0], rel=1e-12)
            pairs += 1
    assert pairs >= 20


@pytest.mark.parametrize(("moved", "points"), [(100.0, 0.4), (-100.0, 0.8), (50.0, 0.2), (-200.0, 1.6)])
def test_a_week_answers_a_move_up_with_0_4_points_per_percent_and_one_down_with_twice_that(
    moved: float, points: float
) -> None:
    before, after = surface_of(0.0, STILL), surface_of(moved, STILL)
    k = np.array([0.0])
    week = 2
    days = (int(before.listing.expiries_ns[week]) - FINE_NS) / 86_400e9
    answer = 100 * float((smile(after, week, k, AFTER_NS) - smile(before, week, k, AFTER_NS))[0])
    assert answer == pytest.approx(points * math.sqrt(7 / days), rel=1e-6)


def test_long_expiries_answer_less_and_short_ones_more_but_not_without_bound() -> None:
    before, after = surface_of(0.0, STILL), surface_of(-100.0, STILL)
    k = np.array([0.0])
    answers = [
        100 * float((smile(after, e, k, AFTER_NS) - smile(before, e, k, AFTER_NS))[0])
        for e in range(len(before.listing.expiries_ns))
    ]
    assert answers == sorted(answers, reverse=True)
    assert answers[0] == pytest.approx(0.8 * 1.5, rel=1e-6)
    assert answers[-1] == pytest.approx(0.8 * 0.3, rel=1e-6)


@pytest.mark.parametrize("stickiness", [-0.5, 0.0, 1.0, 2.0, 3.0])
def test_the_level_at_the_money_follows_the_skew_times_the_stickiness_ratio(stickiness: float) -> None:
    world = World(vol_sd_points=0.0, vol_response=0.0, stickiness=(stickiness, stickiness))
    before, after = surface_of(0.0, world), surface_of(80.0, world)
    for expiry in range(len(before.listing.expiries_ns)):
        around = smile(before, expiry, np.array([-1e-4, 0.0, 1e-4]), AFTER_NS)
        slope = (around[2] - around[0]) / 2e-4
        moved = float(smile(after, expiry, np.array([0.0]), AFTER_NS)[0] - around[1])
        assert moved == pytest.approx(stickiness * slope * 0.008, rel=0.005, abs=1e-7)


def test_a_ratio_of_one_keeps_the_volatility_of_a_strike_near_the_money() -> None:
    world = World(vol_sd_points=0.0, vol_response=0.0, stickiness=(1.0, 1.0))
    before, after = surface_of(0.0, world), surface_of(20.0, world)
    one = np.array([AFTER_NS], dtype=np.int64)
    for option in np.flatnonzero(before.listing.expiry == 4).tolist():
        forward = float(before.forward(AFTER_NS, 4))
        if abs(math.log(before.listing.strike[option] / forward)) > 0.05:
            continue
        a, _, _ = before.sigma(one, np.array([option]), before.log_at(one))
        b, _, _ = after.sigma(one, np.array([option]), after.log_at(one))
        assert 100 * abs(float(b[0] - a[0])) < 0.02


def test_stickiness_is_drawn_within_the_band_of_its_world() -> None:
    base = [surface_of(0.0, World(), seed).stickiness for seed in range(200)]
    assert 0.5 <= min(base) < 0.6
    assert 1.9 < max(base) <= 2.0
    wide = [surface_of(0.0, World(stickiness=(-0.5, 3.0)), seed).stickiness for seed in range(200)]
    assert min(wide) < 0.0
    assert max(wide) > 2.5


def test_a_planned_shift_of_volatility_arrives_within_two_seconds() -> None:
    moments = path_of(np.zeros(1)).clock
    log_price = np.full(len(moments), math.log(PRICE))
    listing = list_options(START_NS, PRICE, 0.46)
    surface = draw_surface(rng(1), STILL, listing, path_of(log_price), log_price, FINE_NS, 0.0, vol_shift=-0.04)
    week = 2
    at_onset, after_one, after_two = (
        100 * float(smile(surface, week, np.array([0.0]), ONSET_NS + s * SECOND_NS)[0]) for s in (0, 1, 2)
    )
    scale = surface.response[week]
    assert after_one - at_onset == pytest.approx(-2.0 * scale, abs=0.01)
    assert after_two - at_onset == pytest.approx(-4.0 * scale, abs=0.01)


def test_values_are_those_of_black_76() -> None:
    surface = surface_of(0.0, STILL)
    one = np.array([AFTER_NS], dtype=np.int64)
    for option in range(0, len(surface.listing), 7):
        sigma, forward, tau = (float(x[0]) for x in surface.sigma(one, np.array([option]), surface.log_at(one)))
        strike, sign = float(surface.listing.strike[option]), 1.0 if surface.listing.is_call[option] else -1.0
        sd = sigma * math.sqrt(tau)
        d1 = math.log(forward / strike) / sd + sd / 2

        def n(x: float) -> float:
            return 0.5 * math.erfc(-x / math.sqrt(2))

        usd = sign * (forward * n(sign * d1) - strike * n(sign * (d1 - sd)))
        expected = usd / forward if surface.listing.inverse[option] else usd
        assert float(surface.values(one, np.array([option])).value[0]) == pytest.approx(expected, rel=1e-9)
