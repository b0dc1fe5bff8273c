"""The move of a price over a window, and the volatility that it is held against."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.core.config import TriggerConfig
from aftershock.core.series import LogPriceSeries
from tests.core.market import T0, millis, seconds


def series(*samples: tuple[float, float], window_s: float = 30.0, history_s: float = 300.0) -> LogPriceSeries:
    """Return a series with samples at these seconds."""
    held = LogPriceSeries(TriggerConfig(window_s=window_s, history_s=history_s))
    for second, log_price in samples:
        held.add(T0 + seconds(second), log_price)
    return held


def test_a_move_is_in_basis_points_of_the_log_price() -> None:
    assert series((0, 11.0)).move(T0 + seconds(27), 11.0015) == pytest.approx(15.0)


@pytest.mark.parametrize("age_s", [25.0, 27.5, 30.0])
def test_a_sample_of_25_to_30_s_ago_is_old_enough_and_not_too_old(age_s: float) -> None:
    assert series((0, 1.0)).move(T0 + seconds(age_s), 1.001) == pytest.approx(10.0)


@pytest.mark.parametrize("age_s", [0.0, 10.0, 24.999999999, 30.000000001, 60.0])
def test_any_other_age_says_nothing(age_s: float) -> None:
    assert math.isnan(series((0, 1.0)).move(T0 + seconds(age_s), 1.001))


def test_the_oldest_sample_inside_the_window_is_the_one_compared_with() -> None:
    held = series((0, 1.0), (2, 2.0), (4, 3.0), (6, 4.0))
    assert held.move(T0 + seconds(31), 5.0) == pytest.approx(3e4)


def test_a_gap_between_20_and_31_s_ago_leaves_nothing_to_compare_with() -> None:
    assert math.isnan(series((0, 1.0), (11, 1.0), (12, 1.0)).move(T0 + seconds(31), 1.0))


def test_an_empty_series_has_no_move() -> None:
    assert math.isnan(series().move(T0, 1.0))


@pytest.mark.parametrize("window_s", [6.0, 30.0, 330.0])
def test_the_ages_scale_with_the_window(window_s: float) -> None:
    held = series((0, 1.0), window_s=window_s)
    assert math.isnan(held.move(T0 + seconds(window_s * 5 / 6) - 1, 1.0))
    assert held.move(T0 + seconds(window_s * 5 / 6), 1.0) == 0.0
    assert held.move(T0 + seconds(window_s), 1.0) == 0.0
    assert math.isnan(held.move(T0 + seconds(window_s) + 1, 1.0))


@given(st.lists(st.tuples(st.integers(millis(10), seconds(12)), st.floats(-1, 1)), min_size=1, max_size=60))
def test_the_move_is_that_of_a_search_through_all_samples(steps: list[tuple[int, float]]) -> None:
    held, now, taken = series(), T0, []
    for wait, log_price in steps:
        now += wait
        held.add(now, log_price)
        taken.append((now, log_price))
        inside = [(now - then, value) for then, value in taken if now - then <= seconds(30)]
        age, value = max(inside)
        found = held.move(now, log_price)
        assert found == pytest.approx(1e4 * (log_price - value)) if age >= seconds(25) else math.isnan(found)


def test_samples_are_kept_at_most_3000_per_window_however_fast_they_come() -> None:
    held = series()
    for i in range(300_000):
        held.add(T0 + i * 200_000, 1.0)
    assert len(held._samples) <= 3_001


def test_samples_for_volatility_are_kept_at_most_one_a_second_for_half_an_hour() -> None:
    held = series()
    for i in range(20_000):
        held.add(T0 + i * millis(250), 1.0)
    assert len(held._seconds) <= 1_800 + 30 + 1


def alternating(count: int, step: float = 1e-4, every_s: float = 1.0) -> LogPriceSeries:
    """Return a series that goes up and down by the same step each second."""
    return series(*((i * every_s, step * (i % 2)) for i in range(count)))


def test_sigma_is_the_volatility_of_one_second_returns_over_a_window() -> None:
    # Each return is 1 bp: over 30 s that is sqrt(30) bps.
    assert alternating(1000).sigma_bps(T0 + seconds(999)) == pytest.approx(math.sqrt(30), rel=1e-9)


def test_sigma_needs_five_minutes_of_returns_older_than_the_window() -> None:
    assert math.isnan(alternating(400).sigma_bps(T0 + seconds(329)))
    assert alternating(400).sigma_bps(T0 + seconds(330)) == pytest.approx(math.sqrt(30), rel=1e-9)


def test_the_shock_inside_the_window_does_not_enter_its_own_sigma() -> None:
    held = alternating(400)
    before = held.sigma_bps(T0 + seconds(399))
    for second in range(400, 425):
        held.add(T0 + seconds(second), -0.01 * (second - 399))
    assert held.sigma_bps(T0 + seconds(424)) == pytest.approx(before, rel=1e-9)


def test_sigma_forgets_what_is_older_than_half_an_hour() -> None:
    held = series(*((i, 0.01 * (i % 2)) for i in range(600)))
    for i in range(600, 3000):
        held.add(T0 + seconds(i), 1e-4 * (i % 2))
    assert held.sigma_bps(T0 + seconds(2999)) == pytest.approx(math.sqrt(30), rel=1e-9)


@given(st.lists(st.tuples(st.integers(1, seconds(40)), st.floats(-1, 1), st.booleans()), min_size=1, max_size=250))
def test_sigma_asked_for_again_and_again_is_that_of_a_series_asked_once(steps: list[tuple[int, float, bool]]) -> None:
    held, samples, now = series(history_s=10.0), [], T0
    for step, log_price, asked in steps:
        now += step
        held.add(now, log_price)
        samples.append((now, log_price))
        if asked:
            afresh = series(history_s=10.0)
            for then, value in samples:
                afresh.add(then, value)
            assert repr(held.sigma_bps(now)) == repr(afresh.sigma_bps(now)) == repr(plain_sigma(samples, now))


def plain_sigma(samples: list[tuple[int, float]], now: int) -> float:
    """Return the sigma of the definition over what a series keeps: one sample a second, of a half hour and a window."""
    kept: list[tuple[int, float]] = []
    for sample in samples:
        if not kept or sample[0] - kept[-1][0] >= seconds(1):
            kept.append(sample)
    kept = [each for each in kept if kept[-1][0] - each[0] <= seconds(1_830)]
    end = now - seconds(30)
    total, covered = 0.0, 0
    for (before, old), (then, new) in itertools.pairwise(kept):
        if end - seconds(1_800) < then <= end:
            total += (new - old) ** 2
            covered += then - before
    return 1e4 * math.sqrt(total / (covered / 1e9) * 30.0) if covered >= seconds(10) else math.nan


def test_after_a_clock_step_a_series_knows_nothing() -> None:
    held = alternating(1000)
    held.clear()
    assert math.isnan(held.move(T0 + seconds(1000), 1.0))
    assert math.isnan(held.sigma_bps(T0 + seconds(1000)))
