from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.pricing import Smile, fit_smile, price, robust_values
from aftershock.pricing.robust import VolShock, scenarios

F0, TAU = 60_000.0, 7 / 365

moves = st.floats(-0.2, 0.2)
skews = st.floats(-1.0, 1.0)


def _smile(skew: float) -> Smile:
    k = np.linspace(-0.3, 0.3, 31)
    return fit_smile(k, 0.6 + 0.15 * (np.sqrt(1 + (skew * k + 2 * k * k) ** 2) - 1) + 0.2 * skew * k, np.ones(31), TAU)


@given(moves, skews, st.floats(0.0, 3.0), st.floats(0.0, 100.0))
def test_two_pricings_equal_the_extremes_of_all_nine(move: float, skew: float, points: float, per_move: float) -> None:
    smile, f1 = _smile(skew), F0 * math.exp(move)
    shock = VolShock(points, per_move, 0.5 * points, 0.25 * per_move)
    strikes = F0 * np.exp(np.linspace(-0.35, 0.35, 40))
    calls = np.arange(40) % 2 == 0
    robust = robust_values(strikes, calls, smile, F0, f1, TAU, shock)

    nine = scenarios(math.log(f1 / F0), smile.slope_atm(), shock)
    sigma = smile.iv(np.log(strikes / f1))
    values = np.stack([price(f1, strikes, TAU, np.maximum(sigma + s.shift, 1e-4), calls) for s in nine])
    assert values.shape == (9, 40)
    assert robust.low == pytest.approx(values.min(axis=0), rel=1e-9, abs=1e-7)
    assert robust.high == pytest.approx(values.max(axis=0), rel=1e-9, abs=1e-7)
    # What is named as the cause is one.
    assert values[robust.low_scenario] == pytest.approx(robust.low, rel=1e-9, abs=1e-7)
    assert values[robust.high_scenario] == pytest.approx(robust.high, rel=1e-9, abs=1e-7)


def test_the_scenarios_are_the_documented_ones() -> None:
    r, g = math.log(59_000 / 60_000), -0.4
    nine = scenarios(r, g)
    # |r| is 1.68 %: 40 |r| is less than one vol point, 10 |r| less than half of one.
    expected = [ratio * g * r + ds for ratio in (0, 1, 2) for ds in (-0.005, 0.0, 0.01)]
    assert [s.shift for s in nine] == pytest.approx(expected)
    # |r| is 10.5 %: both exceed their least.
    large = scenarios(math.log(54_000 / 60_000), g)
    assert large[0].ds == pytest.approx(-0.01 * 10 * 0.1053605)
    assert large[2].ds == pytest.approx(0.01 * 40 * 0.1053605)


def test_bounds_enclose_the_unmoved_smile_and_its_sticky_strike_reading() -> None:
    smile, f1 = _smile(-0.5), 58_500.0
    strikes = np.linspace(50_000.0, 70_000.0, 21)
    calls = strikes >= f1
    robust = robust_values(strikes, calls, smile, F0, f1, TAU)
    sticky = smile.iv(np.log(strikes / f1)) + smile.slope_atm() * math.log(f1 / F0)
    for sigma in (smile.iv(np.log(strikes / f1)), sticky):
        value = price(f1, strikes, TAU, sigma, calls)
        assert ((robust.low < value) & (value < robust.high)).all()
    assert price(f1, strikes, TAU, robust.sigma_low, calls) == pytest.approx(robust.low, rel=1e-13)
    assert price(f1, strikes, TAU, robust.sigma_high, calls) == pytest.approx(robust.high, rel=1e-13)


def test_what_cannot_be_valued_is_absent() -> None:
    smile = _smile(0.0)
    strikes = np.array([60_000.0, math.nan, -1.0])
    for f0, f1, tau in ((math.nan, F0, TAU), (F0, 0.0, TAU), (F0, F0, 0.0), (F0, math.inf, TAU)):
        nothing = robust_values(strikes, [True] * 3, smile, f0, f1, tau)
        assert np.isnan([nothing.low, nothing.high]).all()
        assert nothing.low_scenario == nothing.high_scenario == -1
    some = robust_values(strikes, [True] * 3, smile, F0, F0, TAU)
    assert np.isnan(some.low).tolist() == [False, True, True]
    empty_smile = fit_smile([], [], [], TAU)
    assert np.isnan(robust_values(strikes, [True] * 3, empty_smile, F0, F0, TAU).high).all()


def test_a_downward_shift_never_goes_below_intrinsic_value() -> None:
    smile = fit_smile([0.0], [0.004], [1.0], TAU)
    low = robust_values([59_000.0, 61_000.0], [True, True], smile, F0, F0, TAU).low
    assert low.tolist() == pytest.approx([1_000.0, 0.0], abs=1e-6)
