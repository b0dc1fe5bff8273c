"""The clock of an episode is whole nanoseconds, and what lives on it is exact between its points."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aftershock.sim.market.grid import at, from_start, ornstein_uhlenbeck
from tests.sim.market.worlds import BEGIN_NS, END_NS, FINE_NS, ONSET_NS, SECOND_NS, clock, rng


def test_the_clock_ascends_from_the_last_episode_to_the_end_of_the_window() -> None:
    moments = clock()
    assert moments.dtype == np.int64
    assert (np.diff(moments) > 0).all()
    assert (moments[0], moments[-1]) == (BEGIN_NS, END_NS)


def test_the_clock_is_finest_while_the_shock_is_fresh() -> None:
    moments = clock()

    def steps_ms(from_s: float, to_s: float) -> set[int]:
        inside = (moments >= ONSET_NS + from_s * SECOND_NS) & (moments <= ONSET_NS + to_s * SECOND_NS)
        return set((np.diff(moments[inside]) // 10**6).tolist())

    assert steps_ms(-0.9, 24.9) == {5}
    assert steps_ms(26, 89) == {20}
    assert steps_ms(-100, -2) == {50}
    assert steps_ms(-500, -190) == {5_000}


@given(st.integers(min_value=BEGIN_NS, max_value=END_NS))
def test_a_value_between_two_points_is_exact(moment: int) -> None:
    moments = clock()
    values = np.arange(len(moments), dtype=np.float64) ** 2
    k = min(max(int(np.searchsorted(moments, moment, side="right")) - 1, 0), len(moments) - 2)
    share = Fraction(moment - int(moments[k]), int(moments[k + 1] - moments[k]))
    exact = Fraction(k * k) + share * ((k + 1) ** 2 - k * k)
    found = float(at(moment, moments, values, from_start(moments)))
    assert abs(found - float(exact)) <= 1e-9 * max(1.0, float(exact))
    assert found == float(at(moment, moments, values))


def test_a_value_beyond_the_ends_is_that_of_the_end() -> None:
    moments = clock()
    values = np.linspace(3.0, 5.0, len(moments))
    assert float(at(BEGIN_NS - 1, moments, values)) == 3.0
    assert float(at(END_NS + 10**12, moments, values)) == 5.0


def test_an_ornstein_uhlenbeck_path_keeps_unit_variance_whatever_the_steps() -> None:
    moments = clock()
    paths = ornstein_uhlenbeck(rng(1).standard_normal((4_000, len(moments[::400]))), moments[::400], 120.0)
    assert np.abs(paths.var(axis=0) - 1.0).max() < 0.12  # 5 standard errors of a variance of 4,000
    assert np.abs(paths.mean(axis=0)).max() < 0.08


def test_an_ornstein_uhlenbeck_path_forgets_half_in_its_half_life() -> None:
    for step_s in (1.0, 7.0, 60.0):  # uneven: a slow step, then fine ones
        seconds = np.concatenate(([0.0, 33.0], 33.0 + np.arange(step_s, 240.0 + step_s, step_s)))
        moments = FINE_NS + (seconds * 1e9).astype(np.int64)
        paths = ornstein_uhlenbeck(rng(2).standard_normal((20_000, len(moments))), moments, 120.0)
        last = paths[:, -1]
        k = int(np.argmin(np.abs(seconds - (seconds[-1] - 120.0))))
        expected = 0.5 ** ((seconds[-1] - seconds[k]) / 120.0)
        assert abs(float(np.mean(last * paths[:, k])) - expected) < 0.035
