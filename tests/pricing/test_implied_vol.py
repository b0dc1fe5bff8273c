from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.pricing import IVStatus, implied_vol, price
from tests.pricing.oracle import EPSILON, condition_number, relative_error, true_vol

FORWARD = 60_000.0


def _error_over_condition(premium: float, strike: float, tau: float, is_call: bool) -> float:
    """Return the relative error of one volatility, divided by what the premium's own rounding is magnified by."""
    sigma, status = implied_vol(premium, FORWARD, strike, tau, is_call)
    assert status == IVStatus.OK
    truth = true_vol(premium, FORWARD, strike, tau, is_call, float(sigma))
    return relative_error(sigma, truth) / condition_number(FORWARD, strike, tau, float(sigma), is_call)


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("total_vol", [1e-6, 1e-4, 0.002, 0.01, 0.05, 0.2, 0.3, 0.7, 1.5, 4.0])
def test_volatility_is_exact_up_to_the_rounding_of_the_premium(total_vol: float, is_call: bool) -> None:
    tau = 0.3
    for h in (-8.0, -4.0, -2.0, -0.3, 0.0, 0.3, 2.0, 4.0, 8.0):
        strike = FORWARD * math.exp(h * total_vol)
        premium = float(price(FORWARD, strike, tau, total_vol / math.sqrt(tau), is_call))
        intrinsic = max(FORWARD - strike, 0.0) if is_call else max(strike - FORWARD, 0.0)
        if premium - intrinsic > 1e-11 * premium:
            assert _error_over_condition(premium, strike, tau, is_call) < 2e-14


def test_volatility_at_the_money_one_minute_before_expiry() -> None:
    tau = 60.0 / 31_536_000.0
    for strike, premium in ((FORWARD, 12.0), (60_010.0, 7.0), (59_990.0, 20.0)):
        assert _error_over_condition(premium, strike, tau, True) < 2e-14


@pytest.mark.parametrize("share", [1e-12, 1e-30, 1e-100, 1e-250])
def test_volatility_of_a_worthless_looking_option(share: float) -> None:
    for strike, is_call in ((66_000.0, True), (150_000.0, True), (54_000.0, False), (20_000.0, False)):
        assert _error_over_condition(share * FORWARD, strike, 0.1, is_call) < 2e-15


def test_volatility_in_the_money_is_as_good_as_the_premium_is() -> None:
    for excess in (1e-6, 1e-3, 1.0, 100.0):
        assert _error_over_condition(20_000.0 + excess, 40_000.0, 0.1, True) < 4 * EPSILON
        assert _error_over_condition(30_000.0 + excess, 90_000.0, 0.1, False) < 4 * EPSILON


@given(st.floats(-1.5, 1.5), st.floats(1e-5, 3.0), st.floats(0.01, 5.0), st.booleans(), st.floats(0.5, 1.0))
def test_pricing_and_implying_return_to_the_same_volatility(
    log_strike: float, tau: float, sigma: float, is_call: bool, discount: float
) -> None:
    strike = FORWARD * math.exp(log_strike)
    premium = price(FORWARD, strike, tau, sigma, is_call, discount)
    implied, status = implied_vol(premium, FORWARD, strike, tau, is_call, discount)
    intrinsic = discount * max(FORWARD - strike if is_call else strike - FORWARD, 0.0)
    if premium - intrinsic <= 1e-14 * premium or premium < 1e-300:
        return
    if status == IVStatus.OK:
        again = price(FORWARD, strike, tau, implied, is_call, discount)
        assert float(again) == pytest.approx(float(premium), rel=1e-12)
        condition = condition_number(FORWARD, strike, tau, sigma, is_call)
        assert float(implied) == pytest.approx(sigma, rel=1e-14 * condition + 1e-14)
    else:
        assert status in (IVStatus.AT_UPPER_BOUND, IVStatus.AT_INTRINSIC)


@given(st.floats(0.2, 3.0), st.floats(1e-4, 2.0), st.booleans(), st.floats(1e-6, 1.0), st.floats(1e-3, 1.0))
def test_a_higher_premium_implies_a_higher_volatility(
    moneyness: float, tau: float, is_call: bool, share: float, more: float
) -> None:
    strike = FORWARD * moneyness
    intrinsic = max(FORWARD - strike if is_call else strike - FORWARD, 0.0)
    room = 0.99 * ((FORWARD if is_call else strike) - intrinsic)
    premiums = intrinsic + room * np.array([share, min(share * (1 + more), 1.0)])
    implied, status = implied_vol(premiums, FORWARD, strike, tau, is_call)
    if (status == IVStatus.OK).all():
        assert implied[1] >= implied[0] * (1 - 1e-12)


def test_call_and_put_of_one_strike_imply_the_same_volatility() -> None:
    strikes = np.array([45_000.0, 60_000.0, 80_000.0])
    values = price(FORWARD, strikes, 0.2, 0.7, [[True], [False]])
    implied, _ = implied_vol(values, FORWARD, strikes, 0.2, [[True], [False]])
    assert implied == pytest.approx(np.full((2, 3), 0.7), rel=1e-12)


def test_the_worked_example_of_the_aligner() -> None:
    sigma, status = implied_vol(1500.0, 48_500.0, 48_000.0, 7 / 365, True)
    assert status == IVStatus.OK
    assert round(float(sigma), 5) == 0.46297


def test_one_bad_quote_leaves_the_others_as_they_were() -> None:
    strikes = np.linspace(40_000.0, 80_000.0, 41)
    premiums = price(FORWARD, strikes, 0.1, 0.6, strikes >= FORWARD)
    clean, _ = implied_vol(premiums, FORWARD, strikes, 0.1, strikes >= FORWARD)
    for bad in (math.nan, math.inf, -1.0, 0.0, 1e9):
        dirty = premiums.copy()
        dirty[7] = bad
        implied, status = implied_vol(dirty, FORWARD, strikes, 0.1, strikes >= FORWARD)
        assert status[7] != IVStatus.OK
        assert math.isnan(implied[7])
        assert np.delete(implied, 7).tolist() == np.delete(clean, 7).tolist()


def test_whatever_is_quoted_ends_with_a_root_or_a_reason() -> None:
    # Dense in both variables, up to the limits of what is solved: a step that never settles would show.
    total_vol, h = np.meshgrid(np.geomspace(2e-9, 11.9, 160), np.linspace(0.0, 36.0, 90))
    strike = FORWARD * np.exp(np.minimum(h * total_vol, 30.0))
    premium = price(FORWARD, strike, 1.0, total_vol, True)
    implied, status = implied_vol(premium, FORWARD, strike, 1.0, True)
    solved = status == IVStatus.OK
    known = (premium > 1e-300) & (premium < FORWARD * (1.0 - 1e-9))
    assert solved[known].all()
    # At the upper end volatility is lost in the premium, so compare premiums.
    again = price(FORWARD, strike, 1.0, implied, True)
    assert np.abs(again[known] / premium[known] - 1.0).max() < 2e-12
