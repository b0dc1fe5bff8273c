"""Intervals of proportions against published figures and against the equation that they solve."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.study.intervals import weighted_share, wilson


def test_no_hit_in_132_leaves_up_to_2_8_percent() -> None:
    found = wilson(0, 132)

    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(3.8416 / 135.8416, rel=1e-12)
    assert round(100.0 * found.high, 1) == 2.8


def test_94_7_percent_of_340() -> None:
    found = wilson(322, 340)

    assert [round(100.0 * x, 1) for x in (found.value, found.low, found.high)] == [94.7, 91.8, 96.6]


def test_nothing_tried_says_nothing() -> None:
    found = wilson(0, 0)

    assert np.isnan(found.value)
    assert (found.low, found.high) == (0.0, 1.0)


@given(st.integers(1, 5000), st.floats(0.0, 1.0))
def test_the_bounds_solve_the_score_equation(n: int, share: float) -> None:
    hits = round(share * n)
    found = wilson(hits, n)
    p, z = mp.mpf(hits) / n, mp.mpf("1.96")

    for bound in (found.low, found.high):
        distance = (p - mp.mpf(bound)) ** 2 - z**2 * mp.mpf(bound) * (1 - mp.mpf(bound)) / n
        assert abs(distance) < 1e-12
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.floats(0.001, 1000.0))
def test_equal_weights_give_wilsons_interval(outcomes: list[bool], weight: float) -> None:
    hit = np.array(outcomes)
    found, plain = weighted_share(hit, np.full(len(hit), weight)), wilson(int(hit.sum()), len(hit))

    assert (found.value, found.low, found.high) == pytest.approx((plain.value, plain.low, plain.high), abs=1e-12)


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0.01, 5.0)), min_size=1, max_size=40),
    st.floats(0.01, 100.0),
    st.integers(0, 2**32 - 1),
)
def test_neither_the_unit_of_weight_nor_the_order_matters(
    draws: list[tuple[bool, float]], factor: float, seed: int
) -> None:
    hit, weight = np.array([h for h, _ in draws]), np.array([w for _, w in draws])
    order = np.random.Generator(np.random.PCG64(seed)).permutation(len(hit))
    found, other = weighted_share(hit, weight), weighted_share(hit[order], factor * weight[order])

    assert (found.value, found.low, found.high) == pytest.approx((other.value, other.low, other.high), abs=1e-9)


def test_fills_of_one_trigger_count_as_one_experience() -> None:
    hit = np.repeat([True, True, True, False], 25)
    found = weighted_share(hit, np.ones(100), np.repeat(np.arange(4), 25))
    plain = wilson(3, 4)

    assert (found.value, found.low, found.high) == pytest.approx((plain.value, plain.low, plain.high))


def test_a_miss_not_seen_yet_is_counted_with_the_weight_that_it_would_have() -> None:
    # 500 good fills of weight 0.01, none bad, but a bad one would weigh 0.99: 500 x 0.01/0.99 = 5.05 trials, all hits.
    found = weighted_share(np.ones(500, dtype=bool), np.full(500, 0.01), miss_unit=0.99)
    n = 500 * 0.01 / 0.99

    assert found.low == pytest.approx(n / (n + 3.8416))
    assert found.low < 0.6
    assert weighted_share(np.ones(500, dtype=bool), np.full(500, 0.01)).low > 0.99


def test_the_rare_heavy_miss_by_the_algebra_of_the_prior() -> None:
    # No order in 2,000 negatives: at most 3.8416/2003.8416 of them; 500 of 2,000 positives filled well. Then
    # P(pi) = TPR pi/(TPR pi + FPR (1 - pi)) at 1 % is no less than 0.57, which the interval must not contradict.
    rate = 3.8416 / 2003.8416
    worst = 0.25 * 0.01 / (0.25 * 0.01 + rate * 0.99)
    found = weighted_share(np.ones(500, dtype=bool), np.full(500, 0.01 / 2000), miss_unit=0.99 / 2000)

    assert found.low == pytest.approx(worst, abs=0.005)


def test_coverage_of_a_reweighted_precision() -> None:
    # 2,000 positives in which 40 % fill well, 2,000 negatives in which 0.3 % fill badly, at a prior of 10 %.
    generator = np.random.Generator(np.random.PCG64(11))
    true = 0.4 * 0.1 / (0.4 * 0.1 + 0.003 * 0.9)
    inside = 0
    for _ in range(400):
        good, bad = generator.binomial(2000, 0.4), generator.binomial(2000, 0.003)
        hit = np.arange(good + bad) < good
        found = weighted_share(hit, np.where(hit, 0.1 / 2000, 0.9 / 2000), miss_unit=0.9 / 2000)
        inside += found.low <= true <= found.high

    assert inside >= 370
