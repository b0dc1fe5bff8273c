"""Liquidations come at the rate, in the sizes and in the bursts that theory gives; references are written apart."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from aftershock.sim.market.hawkes import LiquidationParams, Liquidations, draw_liquidations
from tests.sim.market.episodes import SHARES, START_NS, cascade, draw, ns


@pytest.mark.parametrize("name", ["alpha", "stress_alpha"])
@pytest.mark.parametrize("value", [0.5, 0.7, math.inf])
def test_a_branching_ratio_of_one_or_more_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"branching ratio {name}"):
        msgspec.structs.replace(LiquidationParams(), **{name: value})


@pytest.mark.parametrize(
    "wrong",
    [
        {"mu_hz": -1.0},
        {"beta": 0.0},
        {"volume_day_usd": math.nan},
        {"permanent_share": 1.1},
        {"children_mean": (1.0, 0.5, 25.0)},
    ],
)
def test_parameters_without_meaning_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        msgspec.structs.replace(LiquidationParams(), **wrong)


def test_the_defaults_branch_as_specified() -> None:
    params = LiquidationParams()

    assert params.branching_ratio == pytest.approx(0.6)
    assert params.stress_branching_ratio == pytest.approx(0.85)


@pytest.mark.parametrize(("regime", "branching"), [(0, 0.6), (2, 0.85)])
def test_without_an_adverse_move_the_mean_rate_is_the_base_rate_over_one_less_branching(
    regime: int, branching: float
) -> None:
    seconds = np.arange(0.0, 1_001.0, 5.0)
    counts = [len(draw(seed, LiquidationParams(impact_y=0.0), seconds, regime=regime)) for seed in range(100)]

    # Two sides at mu / (1 - n), less the ramp from an empty past: E rate(t) = mu / (1 - n) * (1 - n * exp(-(1-n) b t)).
    recovery = (1 - branching) * 0.5
    expected = 2 * 0.02 / (1 - branching) * (1_000 - branching / recovery * (1 - math.exp(-recovery * 1_000)))
    error = np.std(counts, ddof=1) / math.sqrt(len(counts))
    assert error < 0.08 * expected
    assert abs(np.mean(counts) - expected) < 3.5 * error


@pytest.mark.parametrize("direction", [-1, 1])
def test_a_steady_move_forces_out_the_side_that_loses(direction: int) -> None:
    seconds = np.arange(0.0, 2_001.0, 1.0)
    params = LiquidationParams(alpha=0.0, stress_alpha=0.0, impact_y=0.0)
    drawn = draw(5, params, seconds, direction * 3.0 * seconds)

    # 3 bps a second are 30 bps in ten seconds: 0.02 + 0.02 * (30 - 8) a second against 0.02 on the other side.
    with_move, against = (int((drawn.forced_side == sign).sum()) for sign in (direction, -direction))
    assert abs(with_move - 0.46 * 2_000) < 4 * math.sqrt(0.46 * 2_000)
    assert abs(against - 0.02 * 2_000) < 4 * math.sqrt(0.02 * 2_000)


def mixed_path() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int8]]:
    """Return seconds, log price, depth and regime: slow steps of 5 s, then 5 to 50 ms through two falls and a rise."""
    steps = [np.full(12, 5.0), np.full(600, 0.05), np.full(4_000, 0.005), np.full(1_000, 0.02), np.full(10, 5.0)]
    seconds = np.concatenate(([0.0], np.cumsum(np.concatenate(steps))))
    knots = [0, 40, 62, 64, 80, 100, 102, 125, 160, 181]
    moved = np.interp(seconds, knots, [0, 3, 3, -40, -30, -35, -95, -20, -10, -12])
    stress = (seconds > 62) & (seconds < 120)
    depth = np.where(stress, 0.08, 1.0)
    return seconds, 11.4 + moved / 1e4, depth, np.where(stress, 2, 0).astype(np.int8)


def compensators(drawn: Liquidations, side: int) -> NDArray[np.float64]:
    """Return the integral of a side's intensity up to each of its liquidations, from the formulas, on a 2 ms mesh."""
    seconds, log_price, depth, regime = mixed_path()
    at = (drawn.ts_ns - START_NS) / 1e9
    moves = np.zeros(len(drawn))
    traded = {1: (0.0, 0.0), -1: (0.0, 0.0)}
    for i, (t, sign, usd) in enumerate(zip(at, drawn.forced_side.tolist(), drawn.usd, strict=True)):
        then, amount = traded[sign]
        amount *= 0.5 ** ((t - then) / 60)
        d = depth[seconds <= t][-1]
        moves[i] = sign * 0.8 * 0.0240 * (math.sqrt((amount + usd) / (d * 20e9)) - math.sqrt(amount / (d * 20e9)))
        traded[sign] = t, amount + usd
    mesh = np.arange(0.0, 180.0, 0.002) + 0.001
    still_there = [
        (share, half_life_s, np.concatenate(([0.0], np.cumsum(moves * 2 ** (at / half_life_s)))))
        for share, half_life_s in ((0.4, math.inf), (0.3, 15.0), (0.3, 180.0))
    ]

    def price(t: NDArray[np.float64]) -> NDArray[np.float64]:
        done = np.searchsorted(at, t, side="right")
        impact = sum(share * sums[done] * 0.5 ** (t / half_life_s) for share, half_life_s, sums in still_there)
        return np.asarray(np.interp(t, seconds, log_price) + impact)

    adverse = side * 1e4 * (price(mesh) - price(mesh - 10))
    base = np.cumsum(0.02 + 0.02 * np.maximum(0.0, adverse - 8.0)) * 0.002
    mine = drawn.forced_side == side
    jumps = np.where([regime[seconds <= t][-1] == 2 for t in at[mine]], 0.425, 0.30)
    since = at[mine][:, np.newaxis] - at[mine]
    excited = np.where(since > 0, jumps * (1 - np.exp(-0.5 * np.maximum(since, 0))) / 0.5, 0.0).sum(axis=1)
    return np.asarray(np.interp(at[mine], mesh + 0.001, base) + excited)


def test_liquidations_follow_the_intensity_of_moves_excitement_and_their_own_impact() -> None:
    seconds, log_price, depth, regime = mixed_path()
    for side in (-1, 1):
        waits = list[float]()
        for seed in range(12):
            # Ten times the usual size: the own impact is then most of some ten-second moves.
            params = LiquidationParams(size_median_usd=50_000.0, children_mean=(1.0, 1.0, 1.0))
            rng = np.random.Generator(np.random.PCG64(seed))
            drawn = draw_liquidations(rng, params, ns(seconds), log_price, depth, regime, SHARES)
            waits += np.diff(compensators(drawn, side), prepend=0.0).tolist()

        # Measured in expected events, the waits of any point process are exponential with mean 1.
        n = len(waits)
        assert n > 250
        assert abs(np.mean(waits) - 1) < 3.5 / math.sqrt(n)
        uniform = np.sort(-np.expm1(-np.array(waits)))
        distance = max(np.max(np.arange(1, n + 1) / n - uniform), np.max(uniform - np.arange(n) / n))
        assert distance < 1.63 / math.sqrt(n)  # Kolmogorov-Smirnov, 1 %


def test_liquidations_in_thin_books_bring_about_further_ones() -> None:
    seconds = np.arange(0.0, 601.0, 1.0)

    def drawn(impact_y: float) -> int:
        params = LiquidationParams(impact_y=impact_y, size_median_usd=100_000.0)
        return sum(len(draw(seed, params, seconds, depth=0.01)) for seed in range(10))

    assert drawn(impact_y=0.8) > 1.3 * drawn(impact_y=0.0)


@pytest.fixture(scope="module")
def many() -> Liquidations:
    params = LiquidationParams(mu_hz=100.0, alpha=0.0, stress_alpha=0.0, impact_y=0.0)
    return draw(11, params, np.arange(0.0, 201.0, 1.0))


def test_sizes_are_lognormal_with_a_mean_of_37_thousand_dollars_and_a_cap(many: Liquidations) -> None:
    n, logs = len(many), np.log(many.usd)

    assert n > 35_000
    assert abs(np.mean(logs) - math.log(5_000)) < 4 * 2.0 / math.sqrt(n)
    assert abs(np.std(logs) - 2.0) < 4 * 2.0 / math.sqrt(2 * n)
    # exp(ln 5000 + 2) is 36,945; the cap takes 0.7 % off.
    assert abs(np.mean(many.usd) - 36_695) < 4 * np.std(many.usd) / math.sqrt(n)
    capped = draw(11, LiquidationParams(mu_hz=100.0, impact_y=0.0, size_cap_usd=40_000.0), np.arange(0.0, 11.0))
    assert capped.usd.max() == 40_000.0


def test_venues_are_hit_by_their_shares(many: Liquidations) -> None:
    n = len(many)
    for venue, share in enumerate(SHARES):
        assert abs((many.venue == venue).sum() - share * n) < 4 * math.sqrt(n * share * (1 - share))


@pytest.mark.parametrize(("regime", "mean"), [(0, 1.0), (1, 4.0), (2, 25.0)])
def test_a_parent_is_filled_in_a_geometric_number_of_children_by_regime(regime: int, mean: float) -> None:
    params = LiquidationParams(mu_hz=20.0, alpha=0.0, stress_alpha=0.0, impact_y=0.0)
    drawn = draw(3, params, np.arange(0.0, 101.0), regime=regime)
    counts = np.bincount(drawn.child_parent, minlength=len(drawn))

    assert counts.min() == 1
    sd = math.sqrt(mean * (mean - 1))
    assert abs(counts.mean() - mean) <= 4 * sd / math.sqrt(len(drawn))
    assert np.std(counts) == pytest.approx(sd, rel=0.1)


def test_children_are_a_burst_after_their_parent_and_sum_to_it() -> None:
    drawn = cascade(4)
    delay_ms = (drawn.child_ts_ns - drawn.ts_ns[drawn.child_parent]) / 1e6
    same_parent = np.diff(drawn.child_parent) == 0

    assert len(drawn.child_usd) > 10 * len(drawn)
    assert 50 <= delay_ms.min() < 55
    assert 295 < delay_ms.max() <= 300
    assert (np.diff(drawn.child_ts_ns)[same_parent] >= 0).all()
    assert (np.diff(drawn.child_parent) >= 0).all()
    assert (drawn.child_usd > 0).all()
    np.testing.assert_allclose(np.bincount(drawn.child_parent, drawn.child_usd), drawn.usd, rtol=1e-12)


def fano(ts_ns: NDArray[np.int64], seconds: int) -> float:
    counts = np.bincount((ts_ns - START_NS) // 10**9, minlength=seconds)
    return float(np.var(counts) / np.mean(counts))


def test_prints_cluster_within_seconds_under_stress_and_hardly_when_calm() -> None:
    seconds = np.arange(0.0, 10_001.0, 5.0)
    calm, stress = (draw(8, LiquidationParams(), seconds, regime=regime) for regime in (0, 2))

    assert 1 < fano(calm.child_ts_ns, 10_000) < 2
    assert 1 < fano(stress.ts_ns, 10_000) < 3.5
    assert fano(stress.child_ts_ns, 10_000) > 10


def test_time_is_in_order_and_inside_the_path() -> None:
    drawn = cascade(6)

    assert len(drawn) > 20
    assert (np.diff(drawn.ts_ns) > 0).all()
    assert drawn.ts_ns[0] > START_NS
    assert drawn.ts_ns[-1] <= ns(119.95)


def columns(drawn: Liquidations) -> list[bytes]:
    return [getattr(drawn, name).tobytes() for name in Liquidations.__struct_fields__]


def test_the_same_seed_draws_the_same_bytes_and_another_does_not() -> None:
    assert columns(cascade(1)) == columns(cascade(1))
    assert columns(cascade(1)) != columns(cascade(2))


def test_a_path_without_liquidations_gives_empty_columns() -> None:
    drawn = draw(1, LiquidationParams(mu_hz=0.0), np.arange(0.0, 11.0))

    assert len(drawn) == len(drawn.child_usd) == 0
    assert drawn.ts_ns.dtype == drawn.child_ts_ns.dtype == np.int64


@pytest.mark.parametrize("shares", [(0.5, 0.6), (1.5, -0.5), (math.nan, 1.0)])
def test_venue_shares_that_are_no_distribution_are_refused(shares: tuple[float, ...]) -> None:
    flat = np.zeros(3)
    with pytest.raises(ValueError, match="venue_share"):
        draw_liquidations(
            np.random.Generator(np.random.PCG64(1)),
            LiquidationParams(),
            ns([0, 1, 2]),
            flat,
            flat + 1,
            flat.astype(np.int8),
            shares,
        )


def test_books_without_depth_are_refused() -> None:
    with pytest.raises(ValueError, match="depth"):
        draw(1, LiquidationParams(), np.arange(0.0, 3.0), depth=0.0)
