"""Our formulas against 192,998 rows in which a venue says what forward and volatility its mark and greeks come from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aftershock.pricing import greeks
from tests.pricing.venue_marks import Comparison, VenueRows, compare, read_rows

pytestmark = pytest.mark.slow  # whole runs, again and again

_DAYS = 365.0
_TENORS = [(0, 1), (1, 2), (7, 30), (30, 90), (90, 180), (180, 400)]


@pytest.fixture(scope="module")
def rows(shared_data: Path) -> VenueRows:
    return read_rows(shared_data / "tardis" / "deribit_options_chain_2023-04-13_OPTIONS.csv.gz")


@pytest.fixture(scope="module")
def compared(rows: VenueRows) -> Comparison:
    return compare(rows)


def test_our_price_at_the_venues_volatility_is_its_mark(rows: VenueRows, compared: Comparison) -> None:
    assert len(rows.forward) > 190_000
    error = np.abs(compared.price)
    assert np.isfinite(error).all()
    assert np.median(error) <= 2.6e-5
    assert np.quantile(error, 0.99) <= 1.5e-4
    assert abs(np.median(compared.price)) <= 2e-6
    # Marks have four decimals and volatilities two: nine rows in ten differ by no more than that.
    assert np.mean(error <= compared.price_rounding) > 0.92


@pytest.mark.parametrize(("shortest", "longest"), _TENORS)
def test_the_mark_is_met_at_every_tenor(rows: VenueRows, compared: Comparison, shortest: int, longest: int) -> None:
    days = rows.tau * _DAYS
    chosen = (days > shortest) & (days <= longest)
    error = np.abs(compared.price[chosen])
    assert len(error) > 10_000
    assert np.median(error) <= 2.8e-5
    assert np.quantile(error, 0.99) <= 2e-4
    assert abs(np.median(compared.price[chosen])) <= 4e-6
    assert np.mean(error <= compared.price_rounding[chosen]) > 0.9


def test_the_venues_delta_is_that_of_black_76_without_the_premium(rows: VenueRows, compared: Comparison) -> None:
    # In the last half hour the venue's delta is that of the settlement average, part of which is already known.
    before_settlement = rows.tau * _DAYS * 48 > 1
    assert np.mean(before_settlement) > 0.999
    error = np.abs(compared.delta[before_settlement])
    assert np.mean(error <= compared.delta_rounding[before_settlement]) > 0.97
    assert np.quantile(error, 0.99) < 5e-5
    assert error.max() < 5e-4
    adjusted = (compared.delta - rows.mark_price)[before_settlement]
    assert np.median(np.abs(adjusted)) > 100 * np.median(error)


def test_the_venues_vega_is_ours_for_a_vol_point(rows: VenueRows, compared: Comparison) -> None:
    large = (rows.tau * _DAYS > 1) & (rows.vega > 1.0)
    assert large.sum() > 80_000
    assert np.quantile(np.abs(compared.vega[large]) / rows.vega[large], 0.99) < 6e-4


def test_the_venues_rho_is_by_the_rate_at_constant_spot(rows: VenueRows, compared: Comparison) -> None:
    large = (rows.tau * _DAYS > 1) & (np.abs(rows.rho) > 0.5)
    assert large.sum() > 80_000
    assert np.quantile(np.abs(compared.rho[large] / rows.rho[large]), 0.99) < 4e-4
    # Black-76's own rho is another quantity, of the other sign for calls.
    at = greeks(rows.forward, rows.strike, rows.tau, rows.mark_iv, rows.is_call)
    assert np.median(np.abs(at.rho_black76[large] / 100.0 / rows.rho[large] - 1.0)) > 0.3
