"""The bootstrap against a published case, against theory, and in its corners."""

from __future__ import annotations

import math

import numpy as np
import pytest

from aftershock.study.arrays import FloatArray
from aftershock.study.bootstrap import DRAWS, Resampler, cluster_bootstrap, ratio

# Spatial test data, 26 children, part A: Efron and Tibshirani, An Introduction to the Bootstrap (1993), table 14.1.
SPATIAL = np.array(
    [48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41], dtype=float
)


def variance(sums: FloatArray) -> FloatArray:
    """Return the plug-in variance from n, sum x and sum x^2."""
    mean = sums[:, 1] / sums[:, 0]
    spread: FloatArray = sums[:, 2] / sums[:, 0] - mean * mean
    return spread


def moments(x: FloatArray) -> FloatArray:
    return np.column_stack([np.ones_like(x), x, x * x])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_bca_of_a_variance_as_published(seed: int) -> None:
    # Their table 14.2: estimate 171.5, BCa 90 % from 115.8 to 259.6, where percentiles give 100.8 to 233.9.
    found = cluster_bootstrap(moments(SPATIAL), variance, level=0.90, draws=20_000, seed=seed)

    assert found.value == pytest.approx(171.5, abs=0.05)
    assert found.low == pytest.approx(115.8, abs=3.0)
    assert found.high == pytest.approx(259.6, abs=5.0)


def test_the_acceleration_is_a_sixth_of_the_skewness_of_the_jackknife() -> None:
    left_out = np.array([np.var(np.delete(SPATIAL, i)) for i in range(len(SPATIAL))])
    away = left_out.mean() - left_out
    # The usual form centres on the mean of the jackknife values, ours on the estimate: equal to within 1/n.
    expected = (away**3).sum() / (6.0 * (away**2).sum() ** 1.5)
    resampler = Resampler(["all"] * len(SPATIAL), draws=10)

    assert resampler._acceleration(moments(SPATIAL), variance, float(np.var(SPATIAL))) == pytest.approx(
        expected, rel=0.05
    )
    assert expected == pytest.approx(0.061, abs=0.001)


def test_the_mean_of_many_has_the_normal_interval() -> None:
    x = np.random.Generator(np.random.PCG64(3)).normal(2.0, 20.0, size=4000)
    found = cluster_bootstrap(np.column_stack([x, np.ones(4000)]), ratio)
    half = 1.96 * x.std() / math.sqrt(4000)

    assert found.value == pytest.approx(x.mean())
    assert found.low == pytest.approx(x.mean() - half, abs=0.1 * half)
    assert found.high == pytest.approx(x.mean() + half, abs=0.1 * half)


def test_a_trigger_is_drawn_whole() -> None:
    # Ten equal fills in each of 50 triggers tell as much as one fill in each.
    x = np.random.Generator(np.random.PCG64(4)).normal(size=50)
    once = cluster_bootstrap(np.column_stack([x, np.ones(50)]), ratio)
    tenfold = cluster_bootstrap(np.column_stack([10.0 * x, np.full(50, 10.0)]), ratio)

    assert (tenfold.low, tenfold.high) == pytest.approx((once.low, once.high))


def test_groups_keep_their_size_in_every_draw() -> None:
    # A share that is constant within each group can't vary if the groups are drawn apart.
    hit = np.repeat([1.0, 0.0], 200)
    sums = np.column_stack([hit, np.ones(400)])
    apart = cluster_bootstrap(sums, ratio, strata=["positive"] * 200 + ["rest"] * 200)
    together = cluster_bootstrap(sums, ratio)

    assert (apart.low, apart.high) == (0.5, 0.5)
    assert together.low < 0.46
    assert together.high > 0.54


def test_every_draw_takes_as_many_triggers_as_there_are() -> None:
    strata = ["a"] * 7 + ["b"] * 3
    counts = Resampler(strata)._counts

    assert counts.shape == (10, DRAWS)
    assert np.all(counts[:7].sum(axis=0) == 7)
    assert np.all(counts[7:].sum(axis=0) == 3)
    # Each is drawn once on average; the sd of the mean of 2,000 draws is 0.02.
    assert counts.mean(axis=1) == pytest.approx(np.ones(10), abs=0.1)


def test_equal_input_gives_equal_bounds_and_another_seed_others() -> None:
    x = np.random.Generator(np.random.PCG64(5)).normal(size=300)
    sums = np.column_stack([x, np.ones(300)])

    assert cluster_bootstrap(sums, ratio) == cluster_bootstrap(sums, ratio)
    assert cluster_bootstrap(sums, ratio).low != cluster_bootstrap(sums, ratio, seed=1).low


def test_a_statistic_that_does_not_exist_has_no_interval() -> None:
    found = cluster_bootstrap(np.zeros((20, 2)), ratio)

    assert all(math.isnan(x) for x in (found.value, found.low, found.high))


def test_a_statistic_that_rarely_exists_has_no_interval() -> None:
    # One fill in twenty triggers: it is missing from (19/20)^20 = 36 % of draws; in two thirds of them with one in 60
    # it is there, so an interval exists; with a fill needed from both of two triggers it mostly does not.
    def both(sums: FloatArray) -> FloatArray:
        return np.where((sums[:, 0] > 0) & (sums[:, 1] > 0), sums[:, 0] - sums[:, 1], np.nan)

    sums = np.zeros((20, 2))
    sums[0, 0] = sums[1, 1] = 1.0
    found = cluster_bootstrap(sums, both)

    assert found.value == 0.0
    assert math.isnan(found.low)


def test_a_statistic_that_no_draw_changes_has_no_width() -> None:
    found = cluster_bootstrap(np.ones((30, 2)), ratio)

    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)
