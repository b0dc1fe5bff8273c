from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.pricing import greeks, price, rho_spot, vega_per_vol_point
from tests.pricing.oracle import all_greeks, relative_error

FORWARD = 60_000.0

# Total volatilities from one quiet minute to years of panic, and d1 up to four standard deviations.
_CASES = [
    (FORWARD * math.exp(-(d * s - 0.5 * s * s)), 0.25, 2.0 * s, is_call)
    for s, d, is_call in product(
        (1e-4, 0.002, 0.01, 0.05, 0.2, 0.3, 0.7, 1.5, 4.0), (-4, -2, -0.5, 0, 1, 3, 4), (True, False)
    )
]

strikes = st.floats(10_000.0, 300_000.0)
taus = st.floats(1e-4, 2.0)
sigmas = st.floats(0.05, 3.0)
sides = st.booleans()


@pytest.mark.parametrize("discount", [1.0, 0.93])
def test_price_and_every_greek_agree_with_sixty_digits_within_four_deviations(discount: float) -> None:
    worst = dict.fromkeys(all_greeks(1, 1, 1, 1, True), 0.0)
    for strike, tau, sigma, is_call in _CASES:
        ours = greeks(FORWARD, strike, tau, sigma, is_call, discount)._asdict()
        assert ours.pop("status") == 0
        ours["rho_spot"] = rho_spot(FORWARD, strike, tau, sigma, is_call, discount)
        for name, truth in all_greeks(FORWARD, strike, tau, sigma, is_call, discount).items():
            worst[name] = max(worst[name], relative_error(ours[name], truth))
    assert max(worst.values()) < 1e-13, worst


def test_the_greeks_of_the_worked_example() -> None:
    at = greeks(48_500.0, 48_000.0, 7 / 365, 0.46296961448563563, True)
    assert float(at.price) == pytest.approx(1500.0, abs=1e-9)
    assert float(at.theta) == pytest.approx(-86.9626, abs=1e-4)


@pytest.mark.parametrize(
    ("strike", "is_call"), [(48_000.0, True), (48_000.0, False), (60_000.0, True), (40_000.0, False)]
)
def test_greeks_are_the_slopes_of_the_price(strike: float, is_call: bool) -> None:
    forward, tau, sigma, rate = 48_500.0, 0.1, 0.6, 0.05

    def value(df: float = 0.0, dtau: float = 0.0, dsigma: float = 0.0, drate: float = 0.0) -> float:
        years = tau + dtau
        return float(price(forward + df, strike, years, sigma + dsigma, is_call, math.exp(-(rate + drate) * years)))

    def spot_value(drate: float) -> float:
        moved = forward * math.exp(drate * tau)
        return float(price(moved, strike, tau, sigma, is_call, math.exp(-(rate + drate) * tau)))

    at = greeks(forward, strike, tau, sigma, is_call, math.exp(-rate * tau))
    assert float(at.delta) == pytest.approx((value(df=1.0) - value(df=-1.0)) / 2.0, rel=1e-6)
    assert float(at.gamma) == pytest.approx((value(df=5.0) - 2 * value() + value(df=-5.0)) / 25.0, rel=1e-4)
    assert float(at.vega) == pytest.approx((value(dsigma=1e-4) - value(dsigma=-1e-4)) / 2e-4, rel=1e-6)
    assert float(vega_per_vol_point(at.vega)) == pytest.approx(value(dsigma=0.005) - value(dsigma=-0.005), rel=1e-3)
    assert float(at.theta) == pytest.approx((value(dtau=-1e-5) - value(dtau=1e-5)) / 2e-5 / 365.0, rel=1e-6)
    assert float(at.rho_black76) == pytest.approx((value(drate=1e-4) - value(drate=-1e-4)) / 2e-4, rel=1e-6)
    rho = float(rho_spot(forward, strike, tau, sigma, is_call, math.exp(-rate * tau)))
    assert rho == pytest.approx((spot_value(1e-4) - spot_value(-1e-4)) / 2e-4, rel=1e-6)


@given(strikes, taus, sigmas, st.floats(0.5, 1.0))
def test_call_less_put_is_the_discounted_forward_less_strike(
    strike: float, tau: float, sigma: float, discount: float
) -> None:
    call, put = price(FORWARD, strike, tau, sigma, [True, False], discount)
    assert call - put == pytest.approx(discount * (FORWARD - strike), rel=1e-14, abs=1e-9)


@given(strikes, taus, sigmas, sides)
def test_a_price_lies_between_intrinsic_value_and_its_upper_bound(
    strike: float, tau: float, sigma: float, is_call: bool
) -> None:
    value = float(price(FORWARD, strike, tau, sigma, is_call))
    intrinsic = max(FORWARD - strike, 0.0) if is_call else max(strike - FORWARD, 0.0)
    assert intrinsic <= value <= (FORWARD if is_call else strike) * (1 + 1e-15)


@given(strikes, taus, sigmas, st.floats(1e-3, 1.0), sides)
def test_a_price_rises_with_volatility(strike: float, tau: float, sigma: float, more: float, is_call: bool) -> None:
    low, high = price(FORWARD, strike, tau, [sigma, sigma + more], is_call)
    assert high >= low * (1 - 1e-14)
    if abs(math.log(FORWARD / strike)) < 3.0 * sigma * math.sqrt(tau):
        assert high > low


@given(strikes, st.floats(1.0, 20_000.0), taus, sigmas)
def test_calls_fall_and_puts_rise_with_the_strike_by_less_than_the_strikes_differ(
    strike: float, width: float, tau: float, sigma: float
) -> None:
    calls = price(FORWARD, [strike, strike + width], tau, sigma, True)
    puts = price(FORWARD, [strike, strike + width], tau, sigma, False)
    assert -1e-9 <= calls[0] - calls[1] <= width + 1e-9
    assert -1e-9 <= puts[1] - puts[0] <= width + 1e-9


@given(strikes, taus, sigmas, sides, st.sampled_from([1e-6, 1e-3, 1e6]))
def test_a_change_of_currency_scales_price_and_vega_and_leaves_delta(
    strike: float, tau: float, sigma: float, is_call: bool, unit: float
) -> None:
    one = greeks(FORWARD, strike, tau, sigma, is_call)
    other = greeks(FORWARD * unit, strike * unit, tau, sigma, is_call)
    assert float(other.price) == pytest.approx(float(one.price) * unit, rel=1e-9, abs=1e-300)
    assert float(other.vega) == pytest.approx(float(one.vega) * unit, rel=1e-9, abs=1e-300)
    assert float(other.delta) == pytest.approx(float(one.delta), rel=1e-9, abs=1e-300)


def test_arguments_broadcast_and_scalars_give_scalars() -> None:
    sheet = greeks(FORWARD, [[50_000.0], [60_000.0], [70_000.0]], 0.1, [0.5, 0.6], [True, False])
    assert {field.shape for field in sheet} == {(3, 2)}
    assert sheet.status.dtype == np.uint8
    single = greeks(FORWARD, 70_000.0, 0.1, 0.6, False)
    assert all(np.ndim(field) == 0 and isinstance(field, np.generic) for field in single)
    assert [float(field[2, 1]) for field in sheet] == pytest.approx([float(field) for field in single], rel=1e-15)


def test_an_empty_chain_is_no_special_case() -> None:
    nothing = greeks(FORWARD, np.empty(0), 0.1, np.empty(0), True)
    assert {field.shape for field in nothing} == {(0,)}
