"""Impact is the square-root law of the literature, reverts in part, and reaches the other venues later."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from aftershock.sim.market.hawkes import LiquidationParams, Liquidations, impact
from tests.sim.market.episodes import START_NS, cascade, ns, single_fills

FOLLOW = (0.5, 1.0, 2.0, 3.0)
NORMAL = LiquidationParams()


def at_second_one(*usd: float, venue: int = 0, side: int = -1) -> Liquidations:
    return single_fills(np.full(len(usd), 1.1), venue, usd, side)  # a parent is 100 ms before its fill


def prices(drawn: Liquidations, seconds: object, depth: float = 1.0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return common and local moves in basis points."""
    grid = ns(seconds)
    common, local = impact(NORMAL, drawn, grid, np.full(len(grid), depth), FOLLOW)
    return 1e4 * common, 1e4 * local


@pytest.mark.parametrize(("usd", "bps"), [(1e6, 1.4), (50e6, 9.6), (1e9, 43.0)])
@pytest.mark.parametrize("side", [-1, 1])
def test_the_square_root_law_gives_the_published_moves_at_normal_and_at_a_tenth_of_depth(
    usd: float, bps: float, side: int
) -> None:
    for depth, times in ((1.0, 1.0), (0.1, math.sqrt(10.0))):
        common, local = prices(at_second_one(usd, side=side), [0.0, 1.0], depth)
        assert common[1] + local[0, 1] == pytest.approx(side * bps * times, rel=0.04)
        assert common[0] == local[0, 0] == 0


def test_a_notional_moves_the_price_equally_far_in_one_piece_or_in_many() -> None:
    whole = prices(at_second_one(20e6), [0.0, 1.0, 30.0])
    pieces = prices(at_second_one(5e6, 1e6, 9e6, 2e6, 3e6), [0.0, 1.0, 30.0])

    for one, many in zip(whole, pieces, strict=True):
        np.testing.assert_allclose(many, one, rtol=1e-12, atol=1e-15)


def test_the_venue_hit_moves_at_once_and_the_others_follow_with_its_half_life() -> None:
    for venue, half_life_s in enumerate(FOLLOW):
        common, local = prices(at_second_one(50e6, venue=venue), [1.0, 1.0 + half_life_s, 1.0 + 2 * half_life_s])
        full = [
            -9.6 * (0.4 + 0.3 * 0.5 ** (t / 15) + 0.3 * 0.5 ** (t / 180)) for t in (0, half_life_s, 2 * half_life_s)
        ]

        np.testing.assert_allclose(common + local[venue], full, rtol=1e-6)
        np.testing.assert_allclose(common, [0.0, full[1] / 2, full[2] * 3 / 4], rtol=1e-6, atol=1e-12)
        assert not np.delete(local, venue, axis=0).any()


def test_four_tenths_of_a_move_stay_in_the_long_run_for_every_venue() -> None:
    common, local = prices(at_second_one(50e6), [0.0, 10_000.0])

    assert common[1] == pytest.approx(0.4 * -9.6, rel=1e-6)
    assert np.abs(local[:, 1]).max() < 1e-12


def test_half_of_what_reverts_has_a_half_life_of_15_seconds_and_half_of_180() -> None:
    common, local = prices(at_second_one(50e6), [1.0, 16.0, 181.0])

    total = common + local[0]
    assert total[1] == pytest.approx(-9.6 * (0.4 + 0.15 + 0.3 * 0.5 ** (15 / 180)))
    assert total[2] == pytest.approx(-9.6 * (0.4 + 0.3 * 0.5 ** (180 / 15) + 0.15))


def test_a_liquidation_after_another_of_its_side_moves_less_and_after_the_other_side_does_not() -> None:
    later = single_fills([1.1, 61.1], 0, 50e6)
    mixed = single_fills([1.1, 61.1], 0, 50e6)
    mixed.forced_side[0] = 1

    def jump(drawn: Liquidations) -> float:
        common, local = prices(drawn, [60.999_999, 61.0])
        total = common + local[0]
        return float(total[1] - total[0])

    # Half of the first 50M is remembered after 60 s: sqrt(75M) - sqrt(25M) instead of sqrt(50M).
    assert jump(later) == pytest.approx(-9.6 * (math.sqrt(1.5) - math.sqrt(0.5)), rel=1e-4)
    assert jump(mixed) == pytest.approx(-9.6, rel=1e-4)


def test_many_liquidations_add_up_as_the_formulas_say_one_by_one() -> None:
    drawn = cascade(9)
    seconds = np.concatenate((np.arange(0.0, 20.0, 5.0), np.arange(20.0, 60.0, 0.05), np.arange(60.0, 200.0, 5.0)))
    depth = np.where(seconds < 30, 1.0, 0.1)
    common, local = impact(NORMAL, drawn, ns(seconds), depth, FOLLOW)

    expected_common, expected_local = np.zeros(len(seconds)), np.zeros((4, len(seconds)))
    traded = {1: (0.0, 0.0), -1: (0.0, 0.0)}
    at = (drawn.ts_ns - START_NS) / 1e9
    for t, sign, usd, venue in zip(at, drawn.forced_side.tolist(), drawn.usd, drawn.venue.tolist(), strict=True):
        then, amount = traded[sign]
        amount *= 0.5 ** ((t - then) / 60)
        volume = 20e9 * depth[seconds <= t][-1]
        move = sign * 0.8 * 0.024 * (math.sqrt((amount + usd) / volume) - math.sqrt(amount / volume))
        traded[sign] = t, amount + usd
        since = np.maximum(seconds - t, 0.0)
        left = np.where(seconds >= t, move * (0.4 + 0.3 * 0.5 ** (since / 15) + 0.3 * 0.5 ** (since / 180)), 0.0)
        expected_common += left * (1 - 0.5 ** (since / FOLLOW[venue]))
        expected_local[venue] += left * 0.5 ** (since / FOLLOW[venue])
    assert len(drawn) > 20
    np.testing.assert_allclose(common, expected_common, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(local, expected_local, rtol=1e-6, atol=1e-12)


def test_nothing_liquidated_moves_nothing() -> None:
    common, local = prices(at_second_one(), [0.0, 1.0])

    assert not common.any()
    assert local.shape == (4, 2)
    assert not local.any()


def test_a_venue_without_a_half_life_is_refused() -> None:
    with pytest.raises(ValueError, match="venue"):
        prices(at_second_one(1e6, venue=4), [0.0, 1.0])
