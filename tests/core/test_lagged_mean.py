"""A mean that is read as it stood some seconds ago."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.core.lagged_mean import LaggedMean
from tests.core.market import T0, millis, seconds


def mean_of(*values: tuple[float, float], tau_s: float = 120.0) -> LaggedMean:
    """Return a mean of values at these seconds."""
    held = LaggedMean(tau_s)
    for second, value in values:
        held.add(T0 + seconds(second), value)
    return held


def test_the_first_value_is_taken_as_it_is() -> None:
    assert mean_of((0, 0.7)).at(T0) == 0.7


def test_a_value_after_one_time_constant_weighs_1_minus_1_over_e() -> None:
    assert mean_of((0, 0.0), (120, 1.0)).at(T0 + seconds(120)) == pytest.approx(1 - math.exp(-1))


def test_values_of_the_same_moment_change_nothing_after_the_first() -> None:
    held = mean_of((0, 0.0))
    held.add(T0, 5.0)
    held.add(T0 + seconds(1), 0.0)
    assert held.at(T0 + seconds(1)) == 0.0


@given(st.lists(st.tuples(st.integers(1, seconds(30)), st.floats(-1, 1)), min_size=1, max_size=40))
def test_the_mean_follows_the_recursion_of_its_definition(steps: list[tuple[int, float]]) -> None:
    held, mean, now, last = LaggedMean(120.0), math.nan, T0, T0
    for wait, value in steps:
        now += wait
        weight = 1.0 if math.isnan(mean) else 1 - math.exp(-(now - last) / seconds(120))
        mean = value if weight == 1.0 else mean + weight * (value - mean)
        last = now
        held.add(now, value)
    held.add(now + seconds(1), mean)
    assert held.at(now + seconds(1)) == pytest.approx(mean, abs=1e-12)


def test_a_reader_sees_nothing_of_what_came_after_its_moment() -> None:
    calm, shocked = mean_of(*((i, 0.001) for i in range(60))), mean_of(*((i, 0.001) for i in range(60)))
    for i in range(60, 65):
        calm.add(T0 + seconds(i), 0.001)
        shocked.add(T0 + seconds(i), -0.5)
    assert shocked.at(T0 + seconds(59)) == calm.at(T0 + seconds(59))
    assert shocked.at(T0 + seconds(64)) < calm.at(T0 + seconds(64))


def test_values_are_kept_once_a_second() -> None:
    held = mean_of((0, 0.0))
    for i in range(1, 20):
        held.add(T0 + millis(100 * i), 1.0)
    assert held.at(T0 + millis(999)) == 0.0
    assert held.at(T0 + millis(1000)) > 0.0
    assert held.at(T0 + millis(1999)) == held.at(T0 + millis(1000))


def test_before_the_first_value_nothing_is_known() -> None:
    assert math.isnan(mean_of((0, 1.0)).at(T0 - 1))
    assert math.isnan(LaggedMean(120.0).at(T0))


def test_a_value_counts_only_with_enough_history_behind_it() -> None:
    held = mean_of(*((i, 1.0) for i in range(40)))
    assert math.isnan(held.at(T0 + seconds(29), history_ns=seconds(30)))
    assert held.at(T0 + seconds(30), history_ns=seconds(30)) == 1.0


@given(
    st.lists(
        st.tuples(st.integers(0, seconds(20)), st.floats(-1, 1), st.integers(0, seconds(90))), min_size=1, max_size=90
    )
)
def test_a_mean_read_again_and_again_is_that_of_a_mean_read_once(steps: list[tuple[int, float, int]]) -> None:
    held, values, now = LaggedMean(120.0), [], T0
    for step, value, lag in steps:
        now += step
        held.add(now, value)
        values.append((now, value))
        afresh = LaggedMean(120.0)
        for then, each in values:
            afresh.add(then, each)
        history = seconds(30) if lag % 2 else 0
        assert repr(held.at(now - lag, history_ns=history)) == repr(afresh.at(now - lag, history_ns=history))
