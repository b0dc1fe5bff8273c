"""The decision path's pricing says what the reference says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.pricing import fit_smile, greeks, implied_vol, price
from aftershock.pricing.hot import iv_within, price_delta_vega
from aftershock.pricing.smile_set import SmileSet

GRID = np.array(
    [
        (forward, forward * math.exp(k), tau, sigma, is_call)
        for forward in (30_000.0, 0.95)
        for k in (-0.7, -0.05, 0.0, 1e-9, 0.2, 0.9)
        for tau in (1e-5, 0.02, 1.5)
        for sigma in (0.05, 0.6, 2.5)
        for is_call in (0.0, 1.0)
    ]
)


def test_price_delta_and_vega_are_those_of_the_reference() -> None:
    forward, strike, tau, sigma = (GRID[:, i] for i in range(4))
    is_call = GRID[:, 4] == 1.0
    reference = greeks(forward, strike, tau, sigma, is_call)
    known = reference.status == 0
    assert known.sum() > 100
    for fast, slow in zip(
        price_delta_vega(forward, strike, tau, sigma, is_call),
        (reference.price, reference.delta, reference.vega),
        strict=True,
    ):
        np.testing.assert_allclose(fast[known], slow[known], rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("column", [0, 2, 3])
def test_a_number_nobody_knows_gives_no_number(column: int) -> None:
    row = np.array([[30_000.0, 31_000.0, 0.1, 0.5]])
    row[0, column] = math.nan
    forward, strike, tau, sigma = row.T
    for value in price_delta_vega(forward, strike, tau, sigma, np.array([True])):
        assert np.isnan(value).all()


def test_an_expired_option_has_no_value_here() -> None:
    one = np.array([30_000.0])
    value, _, _ = price_delta_vega(one, one, np.array([-0.1]), np.array([0.5]), np.array([True]))
    assert np.isnan(value).all()


@given(
    k=st.floats(-0.5, 0.5),
    sigma=st.floats(0.02, 6.0),
    tau=st.floats(0.005, 2.0),
    is_call=st.booleans(),
)
def test_a_price_is_within_the_limits_when_its_volatility_is(k: float, sigma: float, tau: float, is_call: bool) -> None:
    forward, strike = 30_000.0, 30_000.0 * math.exp(k)
    quote = float(price(forward, strike, tau, sigma, is_call))
    iv, status = implied_vol(quote, forward, strike, tau, is_call)
    if status == 0 and min(abs(float(iv) - 0.05), abs(float(iv) - 5.0)) > 1e-6:
        assert iv_within(quote, forward, strike, tau, 0.05, 5.0, is_call=is_call) == (0.05 <= float(iv) <= 5.0)


def test_at_its_intrinsic_value_an_option_in_the_money_is_not_suspect_and_one_out_of_it_is() -> None:
    assert iv_within(1_000.0, 31_000.0, 30_000.0, 0.1, 0.05, 5.0, is_call=True)
    assert not iv_within(0.0, 29_000.0, 30_000.0, 0.1, 0.05, 5.0, is_call=True)
    assert not iv_within(math.nan, 31_000.0, 30_000.0, 0.1, 0.05, 5.0, is_call=True)
    assert not iv_within(100.0, 29_000.0, 30_000.0, 0.0, 0.05, 5.0, is_call=True)


def test_a_set_of_smiles_gives_what_each_gives_alone() -> None:
    k = np.linspace(-0.4, 0.4, 9)
    full = fit_smile(k, 0.5 + 0.2 * k * k - 0.1 * k, np.ones(9), 0.1)
    three = fit_smile(k[3:6], 0.6 + 0.1 * k[3:6], np.ones(3), 0.5)
    smiles = SmileSet([full, None, three])
    where = np.linspace(-0.6, 0.6, 25)
    for at, smile in ((0, full), (2, three)):
        together = smiles.iv(where, np.full(25, at, dtype=np.int64))
        np.testing.assert_array_equal(together, smile.iv(where))
    assert np.isnan(smiles.iv(where, np.full(25, 1, dtype=np.int64))).all()
