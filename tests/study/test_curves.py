"""Isotonic and logistic fits against brute force and against the equations that define them."""

from __future__ import annotations

from itertools import combinations, pairwise

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.study.arrays import FloatArray
from aftershock.study.curves import fit_curve
from aftershock.study.isotonic import pool_adjacent_violators
from aftershock.study.platt import logistic, platt_fit

values = st.lists(st.tuples(st.floats(-5.0, 5.0), st.floats(0.1, 5.0)), min_size=1, max_size=7)


def brute_force(y: FloatArray, w: FloatArray) -> float:
    """Return the least squared distance over every way to cut the sequence into blocks with ascending means."""
    n, best = len(y), np.inf
    for size in range(n):
        for cuts in combinations(range(1, n), size):
            blocks = list(pairwise((0, *cuts, n)))
            means = [float(np.average(y[a:b], weights=w[a:b])) for a, b in blocks]
            if all(low <= high + 1e-12 for low, high in pairwise(means)):
                fit = np.concatenate([np.full(b - a, mean) for (a, b), mean in zip(blocks, means, strict=True)])
                best = min(best, float((w * (y - fit) ** 2).sum()))
    return best


@given(values)
def test_pooling_finds_the_nearest_ascending_sequence(drawn: list[tuple[float, float]]) -> None:
    y, w = np.array([y for y, _ in drawn]), np.array([w for _, w in drawn])
    fit = pool_adjacent_violators(y, w)

    assert np.all(np.diff(fit) >= -1e-12)
    assert float((w * (y - fit) ** 2).sum()) == pytest.approx(brute_force(y, w), abs=1e-9)


def test_pooling_by_hand() -> None:
    assert pool_adjacent_violators(np.array([1.0, 3.0, 2.0, 4.0]), np.array([1.0, 1.0, 3.0, 1.0])).tolist() == [
        1.0,
        2.25,
        2.25,
        4.0,
    ]
    assert pool_adjacent_violators(np.array([3.0, 2.0, 1.0]), np.ones(3)).tolist() == [2.0, 2.0, 2.0]
    assert pool_adjacent_violators(np.empty(0), np.empty(0)).tolist() == []


def test_the_logistic_fit_is_where_its_likelihood_is_flat() -> None:
    generator = np.random.Generator(np.random.PCG64(2))
    x = generator.normal(6.0, 3.0, size=300)
    came = (generator.random(300) < logistic(-2.0 + 0.5 * x)).astype(float)
    weight = generator.uniform(0.5, 2.0, size=300)
    a, b = platt_fit(x, came, weight)

    hits, misses = float((weight * came).sum()), float((weight * (1 - came)).sum())
    with mp.workdps(30):
        slack = [
            mp.mpf(w)
            * ((mp.mpf(hits + 1) / (hits + 2) if y else mp.mpf(1) / (misses + 2)) - 1 / (1 + mp.exp(-(a + b * u))))
            for u, y, w in zip(x.tolist(), came.tolist(), weight.tolist(), strict=True)
        ]
        assert abs(mp.fsum(slack)) < 1e-4
        assert abs(mp.fsum(s * u for s, u in zip(slack, x.tolist(), strict=True))) < 1e-3
    assert b == pytest.approx(0.5, abs=0.2)


def test_a_separated_sample_has_a_finite_fit() -> None:
    x = np.arange(40, dtype=float)
    a, b = platt_fit(x, (x >= 20).astype(float), np.ones(40))

    assert np.isfinite([a, b]).all()
    # Platt's targets: 21/22 above and 1/22 below.
    assert 0.9 < float(logistic(np.array([a + b * 30.0]))[0]) < 1.0


def test_equal_edges_give_a_level_curve() -> None:
    _, b = platt_fit(np.full(50, 3.0), np.repeat([1.0, 0.0], 25), np.ones(50))

    assert b == pytest.approx(0.0, abs=1e-9)


def drawn(count: int, seed: int = 1) -> tuple[FloatArray, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    generator = np.random.Generator(np.random.PCG64(seed))
    spread = generator.exponential(6.0, size=count)
    return spread, generator.random(count) < 1.0 - 0.6 * np.exp(-spread / 5.0)


@pytest.mark.parametrize(
    ("count", "method"), [(5000, "isotonic"), (200, "isotonic"), (199, "platt"), (40, "platt"), (39, "flat")]
)
def test_the_sample_decides_the_method(count: int, method: str) -> None:
    spread, came = drawn(count)

    assert fit_curve(spread, came, np.ones(count), np.arange(count)).method == method


@pytest.mark.parametrize("count", [5000, 150, 20])
def test_a_curve_ascends_and_stays_a_probability(count: int) -> None:
    spread, came = drawn(count)
    curve = fit_curve(spread, came, np.ones(count), np.arange(count))

    assert np.all(np.diff(curve.knots) > 0.0)
    assert np.all(np.diff(curve.values) >= 0.0)
    assert np.all((curve.values > 0.0) & (curve.values < 1.0))
    assert curve.at(np.array([-1e9, 1e9])).tolist() == [curve.values[0], curve.values[-1]]


def test_many_outcomes_find_the_truth() -> None:
    spread, came = drawn(50_000)
    curve = fit_curve(spread, came, np.ones(50_000), np.arange(50_000))
    asked = np.array([1.0, 3.0, 6.0, 12.0])

    assert curve.at(asked).tolist() == pytest.approx((1.0 - 0.6 * np.exp(-asked / 5.0)).tolist(), abs=0.03)


def test_a_few_outcomes_stay_near_one_in_ten() -> None:
    # Three good fills of three: (3 + 1)/(3 + 10); none at all: 1/10.
    three = fit_curve(np.array([5.0, 6.0, 7.0]), np.ones(3, dtype=bool), np.ones(3), np.arange(3))
    none = fit_curve(np.empty(0), np.empty(0, dtype=bool), np.empty(0), np.empty(0, dtype=np.int64))

    assert three.values.tolist() == pytest.approx([4 / 13])
    assert none.values.tolist() == pytest.approx([0.1])


def test_fills_of_one_trigger_do_not_make_a_sample() -> None:
    # Thirty fills in three triggers count as three.
    curve = fit_curve(np.full(30, 5.0), np.ones(30, dtype=bool), np.ones(30), np.repeat([0, 1, 2], 10))

    assert curve.values.tolist() == pytest.approx([4 / 13])


def test_a_falling_sample_is_not_believed() -> None:
    spread = np.linspace(1.0, 20.0, 100)
    curve = fit_curve(spread, spread < 8.0, np.ones(100), np.arange(100))

    assert curve.method == "flat"
