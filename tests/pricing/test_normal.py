from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.pricing.normal import erfcx, erfcx_slope_of_positive, norm_cdf, norm_pdf
from tests.pricing.oracle import relative_error


@given(st.floats(-37.5, 37.5))
def test_the_distribution_keeps_its_relative_accuracy_in_both_tails(x: float) -> None:
    assert relative_error(norm_cdf(x), mp.ncdf(mp.mpf(x))) < 1e-15


@given(st.floats(-37.5, 37.5))
def test_the_density_keeps_its_relative_accuracy_in_the_tails(x: float) -> None:
    assert relative_error(norm_pdf(x), mp.npdf(mp.mpf(x))) < 1e-15


@given(st.floats(0.0, 25.0))
def test_scaled_erfc_and_its_slope_match_their_definitions(x: float) -> None:
    with mp.workdps(400):
        exact = mp.exp(mp.mpf(x) ** 2) * mp.erfc(mp.mpf(x))
        slope = 2 / mp.sqrt(mp.pi) - 2 * mp.mpf(x) * exact
    assert relative_error(erfcx(x), exact) < 1.5e-15
    assert relative_error(erfcx_slope_of_positive(np.array([x]))[0], slope) < 3e-15


@pytest.mark.parametrize("x", [1e2, 1e5, 1e10, 1e100, 1e300])
def test_scaled_erfc_follows_its_asymptotic_form_far_out(x: float) -> None:
    series = 1.0 - 0.5 / x / x + 0.75 / x / x / x / x
    assert float(erfcx(x)) == pytest.approx(series / (x * np.sqrt(np.pi)), rel=1e-11)


def test_scaled_erfc_below_zero_is_its_reflection() -> None:
    assert relative_error(erfcx(-2.5), mp.exp(mp.mpf("6.25")) * mp.erfc(mp.mpf("-2.5"))) < 1e-15


def test_limits_and_absent_numbers() -> None:
    assert norm_cdf([np.inf, -np.inf]).tolist() == [1.0, 0.0]
    assert norm_pdf([np.inf, -np.inf]).tolist() == [0.0, 0.0]
    assert erfcx([np.inf, -np.inf, -30.0]).tolist() == [0.0, np.inf, np.inf]
    assert np.isnan([norm_cdf(np.nan), norm_pdf(np.nan), erfcx(np.nan)]).all()


def test_shape_is_kept_and_values_do_not_depend_on_their_neighbours() -> None:
    x = np.linspace(-30.0, 30.0, 12).reshape(3, 4)
    together = norm_cdf(x)
    assert together.shape == (3, 4)
    assert together.ravel().tolist() == [float(norm_cdf(value)) for value in x.ravel()]
