"""What a quote that has no volatility gets: NaN and the reason, never zero, infinity, a clamp, an exception."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.pricing import IVStatus, greeks, implied_vol, price, rho_spot

NAN, INF = math.nan, math.inf

# price, forward, strike, tau, is_call, discount
_QUOTES = {
    "call at intrinsic": ((10_000.0, 60_000.0, 50_000.0, 0.1, True), IVStatus.AT_INTRINSIC),
    "put at intrinsic": ((10_000.0, 60_000.0, 70_000.0, 0.1, False), IVStatus.AT_INTRINSIC),
    "intrinsic but for one rounding": ((10_000.000000000002, 60_000.0, 50_000.0, 0.1, True), IVStatus.AT_INTRINSIC),
    "call below intrinsic": ((9_999.9, 60_000.0, 50_000.0, 0.1, True), IVStatus.BELOW_INTRINSIC),
    "put below intrinsic": ((9_999.9, 60_000.0, 70_000.0, 0.1, False), IVStatus.BELOW_INTRINSIC),
    "out of the money at zero": ((0.0, 60_000.0, 70_000.0, 0.1, True), IVStatus.AT_INTRINSIC),
    "at the money at zero": ((0.0, 60_000.0, 60_000.0, 0.1, True), IVStatus.AT_INTRINSIC),
    "negative": ((-0.01, 60_000.0, 70_000.0, 0.1, True), IVStatus.BELOW_INTRINSIC),
    "call at the forward": ((60_000.0, 60_000.0, 70_000.0, 0.1, True), IVStatus.AT_UPPER_BOUND),
    "call above the forward": ((60_001.0, 60_000.0, 70_000.0, 0.1, True), IVStatus.AT_UPPER_BOUND),
    "put at the strike": ((50_000.0, 60_000.0, 50_000.0, 0.1, False), IVStatus.AT_UPPER_BOUND),
    "put above the strike": ((50_001.0, 60_000.0, 50_000.0, 0.1, False), IVStatus.AT_UPPER_BOUND),
    "expired now": ((100.0, 60_000.0, 60_000.0, 0.0, True), IVStatus.EXPIRED),
    "expired": ((100.0, 60_000.0, 60_000.0, -0.1, True), IVStatus.EXPIRED),
    "nobody quotes": ((NAN, 60_000.0, 60_000.0, 0.1, True), IVStatus.NO_QUOTE),
    "nobody quotes what is expired": ((NAN, 60_000.0, 60_000.0, 0.0, True), IVStatus.EXPIRED),
    "infinite": ((INF, 60_000.0, 60_000.0, 0.1, True), IVStatus.BAD_INPUT),
    "forward unknown": ((100.0, NAN, 60_000.0, 0.1, True), IVStatus.BAD_INPUT),
    "forward zero": ((100.0, 0.0, 60_000.0, 0.1, True), IVStatus.BAD_INPUT),
    "forward negative": ((100.0, -1.0, 60_000.0, 0.1, True), IVStatus.BAD_INPUT),
    "forward infinite": ((100.0, INF, 60_000.0, 0.1, True), IVStatus.BAD_INPUT),
    "strike unknown": ((100.0, 60_000.0, NAN, 0.1, True), IVStatus.BAD_INPUT),
    "strike zero": ((100.0, 60_000.0, 0.0, 0.1, True), IVStatus.BAD_INPUT),
    "tau unknown": ((100.0, 60_000.0, 60_000.0, NAN, True), IVStatus.BAD_INPUT),
    "tau infinite": ((100.0, 60_000.0, 60_000.0, INF, True), IVStatus.BAD_INPUT),
    "discount zero": ((100.0, 60_000.0, 60_000.0, 0.1, True, 0.0), IVStatus.BAD_INPUT),
    "discount unknown": ((100.0, 60_000.0, 60_000.0, 0.1, True, NAN), IVStatus.BAD_INPUT),
    "volatility too small to look for": ((1e-6, 60_000.0, 60_000.0, 0.1, True), IVStatus.OUT_OF_RANGE),
    "strike absurdly far": ((1e-6, 60_000.0, 1e150, 0.1, True), IVStatus.OUT_OF_RANGE),
    "a hair under the upper bound": ((60_000.0 * (1 - 1.2e-9), 60_000.0, 60_000.0, 1.0, True), IVStatus.OUT_OF_RANGE),
}

_GREEK_INPUTS = {
    "volatility zero": ((60_000.0, 60_000.0, 0.1, 0.0, True), IVStatus.BAD_INPUT),
    "volatility negative": ((60_000.0, 60_000.0, 0.1, -0.5, True), IVStatus.BAD_INPUT),
    "volatility unknown": ((60_000.0, 60_000.0, 0.1, NAN, True), IVStatus.BAD_INPUT),
    "volatility infinite": ((60_000.0, 60_000.0, 0.1, INF, True), IVStatus.BAD_INPUT),
    "volatility absurd": ((60_000.0, 60_000.0, 1.0, 60.0, True), IVStatus.OUT_OF_RANGE),
    "volatility invisible": ((60_000.0, 60_000.0, 1.0, 1e-120, True), IVStatus.OUT_OF_RANGE),
    "expired now": ((60_000.0, 60_000.0, 0.0, 0.5, True), IVStatus.EXPIRED),
    "expired": ((60_000.0, 60_000.0, -1.0, 0.5, True), IVStatus.EXPIRED),
    "tau unknown": ((60_000.0, 60_000.0, NAN, 0.5, True), IVStatus.BAD_INPUT),
    "forward zero": ((0.0, 60_000.0, 0.1, 0.5, True), IVStatus.BAD_INPUT),
    "forward unknown": ((NAN, 60_000.0, 0.1, 0.5, True), IVStatus.BAD_INPUT),
    "strike negative": ((60_000.0, -1.0, 0.1, 0.5, True), IVStatus.BAD_INPUT),
    "strike infinite": ((60_000.0, INF, 0.1, 0.5, True), IVStatus.BAD_INPUT),
    "discount negative": ((60_000.0, 60_000.0, 0.1, 0.5, True, -1.0), IVStatus.BAD_INPUT),
    "strike absurdly far": ((60_000.0, 1e150, 0.1, 0.5, True), IVStatus.OUT_OF_RANGE),
}

_ANY = st.one_of(st.floats(), st.sampled_from([0.0, -0.0, NAN, INF, -INF, 1e-320, 1.7e308]))


@pytest.mark.parametrize("name", _QUOTES)
def test_a_quote_without_a_volatility_gets_nan_and_the_reason(name: str) -> None:
    arguments, reason = _QUOTES[name]
    implied, status = implied_vol(*arguments)
    assert math.isnan(implied)
    assert IVStatus(int(status)) is reason


@pytest.mark.parametrize("name", _GREEK_INPUTS)
def test_greeks_without_sound_inputs_are_nan_with_the_reason(name: str) -> None:
    arguments, reason = _GREEK_INPUTS[name]
    *numbers, status = greeks(*arguments)
    assert np.isnan(numbers).all()
    assert IVStatus(int(status)) is reason
    assert np.isnan([price(*arguments), rho_spot(*arguments)]).all()


@given(_ANY, _ANY, _ANY, _ANY, st.booleans(), _ANY)
def test_no_input_raises_or_warns_and_only_a_sound_one_gives_a_number(
    first: float, forward: float, strike: float, tau: float, is_call: bool, discount: float
) -> None:
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        implied, status = implied_vol(first, forward, strike, tau, is_call, discount)
        *numbers, greek_status = greeks(forward, strike, tau, first, is_call, discount)
    assert math.isnan(implied) == (status != IVStatus.OK)
    assert status == IVStatus.OK or IVStatus(int(status)).bit_count() == 1
    assert np.isfinite(numbers).all() if greek_status == IVStatus.OK else np.isnan(numbers).all()
    if status == IVStatus.OK:
        assert 0.0 < implied < INF


def test_the_statuses_fit_in_a_byte_and_are_one_bit_each() -> None:
    assert int(IVStatus.OK) == 0
    assert sorted(IVStatus) == [1, 2, 4, 8, 16, 32, 64]
