from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.pricing import (
    delivery_fee,
    delivery_fee_coin,
    greeks,
    hedge_delta_inverse,
    option_fee,
    option_fee_coin,
    parity_forward_inverse,
    parity_forward_linear,
    payoff_coin,
    perp_taker_fee,
    premium_coin,
    premium_usd,
    price,
)

FORWARD = 60_000.0


@given(st.floats(20_000.0, 200_000.0), st.floats(0.01, 2.0), st.floats(0.1, 2.0))
def test_parity_gives_back_the_forward_in_both_conventions(strike: float, tau: float, sigma: float) -> None:
    call, put = (float(value) for value in price(FORWARD, strike, tau, sigma, [True, False]))
    assert parity_forward_linear(call, put, strike) == pytest.approx(FORWARD, rel=1e-12)
    in_coin = premium_coin(call, FORWARD), premium_coin(put, FORWARD)
    assert parity_forward_inverse(*in_coin, strike) == pytest.approx(FORWARD, rel=1e-11)


@pytest.mark.parametrize("is_call", [True, False])
def test_the_inverse_hedge_makes_the_position_flat_in_currency(is_call: bool) -> None:
    # One inverse option bought for x coin of one's own: its value in currency, less the coin that was spent.
    at = greeks(FORWARD, 65_000.0, 0.1, 0.6, is_call)
    spent = premium_coin(float(at.price), FORWARD)
    hedge = hedge_delta_inverse(float(at.delta), spent)

    def profit(forward: float) -> float:
        option = float(price(forward, 65_000.0, 0.1, 0.6, is_call)) - spent * forward
        return option - hedge * (forward - FORWARD)

    assert profit(FORWARD) == pytest.approx(0.0, abs=1e-9)
    slope = (profit(FORWARD + 1.0) - profit(FORWARD - 1.0)) / 2.0
    assert slope == pytest.approx(0.0, abs=1e-6)


def test_coin_and_currency_premiums_convert_into_each_other() -> None:
    assert premium_usd(0.0125, FORWARD) == 750.0
    assert premium_coin(750.0, FORWARD) == 0.0125


def test_an_inverse_call_pays_less_than_a_coin_and_an_inverse_put_any_number() -> None:
    settlements = np.array([1.0, 30_000.0, 60_000.0, 90_000.0, 1e12])
    assert payoff_coin(settlements, FORWARD, True).tolist() == pytest.approx([0, 0, 0, 1 / 3, 1.0 - 6e-8])
    assert payoff_coin(settlements, FORWARD, False).tolist() == pytest.approx([59_999.0, 1.0, 0, 0, 0])


def test_an_option_fee_is_a_rate_on_the_index_until_the_cap_on_the_premium() -> None:
    # 3 bps of 60,000 is 18; an eighth of the premium is less below a premium of 144.
    premiums = np.array([0.0, 8.0, 143.0, 144.0, 145.0, 5_000.0])
    fees = option_fee(0.0003, 0.125, np.full(6, FORWARD), premiums)
    assert fees.tolist() == pytest.approx([0.0, 1.0, 17.875, 18.0, 18.0, 18.0])


@given(st.floats(0.0, 0.3), st.floats(0.0, 0.001), st.floats(0.01, 0.2))
def test_the_fee_in_coin_is_the_fee_in_currency_at_the_forward(x: float, rate: float, cap: float) -> None:
    assert option_fee_coin(rate, cap, x) * FORWARD == pytest.approx(
        option_fee(rate, cap, FORWARD, x * FORWARD), rel=1e-12, abs=1e-300
    )


def test_without_a_cap_the_rate_holds_for_worthless_options_too() -> None:
    assert option_fee(0.0003, math.inf, FORWARD, 0.0) == pytest.approx(18.0)
    assert option_fee_coin(0.0003, math.inf, 0.0) == pytest.approx(0.0003)


def test_an_unknown_price_or_rate_never_costs_nothing() -> None:
    assert math.isnan(option_fee(0.0003, 0.125, FORWARD, math.nan))
    assert math.isnan(option_fee(0.0003, 0.125, math.nan, 1.0))
    assert math.isnan(option_fee(0.0003, math.inf, FORWARD, math.nan))
    assert math.isnan(option_fee(math.nan, 0.125, FORWARD, 1.0))
    assert math.isnan(option_fee_coin(0.0003, 0.125, math.nan))


def test_perpetual_and_delivery_fees() -> None:
    assert perp_taker_fee(0.0005, FORWARD) == pytest.approx(30.0)
    assert delivery_fee(0.00015, 0.125, FORWARD, 10_000.0) == pytest.approx(9.0)
    assert delivery_fee(0.00015, 0.125, FORWARD, 16.0) == pytest.approx(2.0)
    assert delivery_fee_coin(0.00015, 0.125, 0.5) == pytest.approx(0.00015)
    assert delivery_fee_coin(0.00015, 0.125, 0.0008) == pytest.approx(0.0001)
