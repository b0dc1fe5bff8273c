from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.pricing import FitStatus, Smile, SmileMethod, fit_smile, price
from aftershock.pricing.arrays import FloatArray
from aftershock.pricing.solve import solve_positive
from aftershock.pricing.svi import Svi

TAU = 30 / 365

# At-the-money level, wing slope, skew, position of the vertex and its roundness, in units of at-the-money deviation.
shapes = st.tuples(
    st.floats(0.2, 1.5), st.floats(0.05, 0.6), st.floats(-0.8, 0.8), st.floats(-0.5, 0.5), st.floats(0.3, 2.0)
)


def _svi(shape: tuple[float, float, float, float, float]) -> Svi:
    level, wing, rho, vertex, roundness = shape
    deviation = level * math.sqrt(TAU)
    b = min(wing * deviation, 0.9)
    sigma, m = roundness * deviation, vertex * deviation
    shift = b * (-rho * m + math.sqrt(m * m + sigma * sigma))
    floor = -0.9 * b * sigma * math.sqrt(1 - rho * rho)
    return Svi(max(deviation**2 - shift, floor), b, rho, m, sigma)


def _grid(svi: Svi, n: int) -> FloatArray:
    width = 3.0 * math.sqrt(float(svi.total_variance(np.zeros(1))[0]))
    return np.linspace(-width, width, n)


def _iv(svi: Svi, k: FloatArray) -> FloatArray:
    return np.sqrt(svi.total_variance(k) / TAU)


def _assert_bounds_hold(smile: Smile) -> None:
    a, b, rho, _, sigma = smile.params
    assert b >= 0.0
    assert abs(rho) < 1.0
    assert sigma > 0.0
    assert a + b * sigma * math.sqrt(1.0 - rho * rho) >= 0.0
    assert b * (1.0 + abs(rho)) <= 2.0 * (1.0 + 1e-15)


@given(shapes, st.integers(8, 40))
def test_a_smile_that_is_svi_is_found_again(shape: tuple[float, float, float, float, float], n: int) -> None:
    svi = _svi(shape)
    k = _grid(svi, n)
    smile = fit_smile(k, _iv(svi, k), np.ones(n), TAU)
    assert smile.method is SmileMethod.SVI
    assert smile.status is FitStatus.OK
    assert smile.rms < 1e-8
    assert smile.params == pytest.approx(tuple(svi), rel=1e-3, abs=1e-4)
    _assert_bounds_hold(smile)


@given(shapes, st.integers(5, 40), st.integers(0, 2**32 - 1))
def test_noise_of_half_a_percent_leaves_a_close_smile_within_its_bounds(
    shape: tuple[float, float, float, float, float], n: int, seed: int
) -> None:
    svi = _svi(shape)
    k = _grid(svi, n)
    noise = 0.005 * np.random.default_rng(seed).standard_normal(n)
    smile = fit_smile(k, _iv(svi, k) * (1 + noise), np.ones(n), TAU)
    assert smile.rms < 0.02 * float(_iv(svi, k).max())
    _assert_bounds_hold(smile)


def test_more_weight_draws_the_smile_nearer() -> None:
    k = np.linspace(-0.3, 0.3, 12)
    iv = 0.6 + 0.5 * k * k
    iv[4] += 0.03
    heavy, light = np.ones(12), np.ones(12)
    heavy[4], light[4] = 100.0, 0.01
    assert abs(fit_smile(k, iv, heavy, TAU).iv(k[4]) - iv[4]) < abs(fit_smile(k, iv, light, TAU).iv(k[4]) - iv[4])
    assert abs(fit_smile(k, iv, light, TAU).iv(k[4]) - (iv[4] - 0.03)) < 0.003


def test_the_same_quotes_give_the_same_digits_in_any_order() -> None:
    rng = np.random.default_rng(5)
    k = np.sort(rng.uniform(-0.4, 0.4, 25))
    iv, weight = 0.7 + 0.3 * k * k + 0.01 * rng.standard_normal(25), rng.uniform(0.5, 2.0, 25)
    shuffled = rng.permutation(25)
    assert fit_smile(k, iv, weight, TAU) == fit_smile(k[shuffled], iv[shuffled], weight[shuffled], TAU)


def test_fewer_strikes_get_simpler_curves_that_hold_their_edge_values() -> None:
    k, iv = np.array([-0.2, -0.05, 0.1, 0.25]), np.array([0.72, 0.61, 0.6, 0.66])
    for n, method in (
        (4, SmileMethod.QUADRATIC),
        (3, SmileMethod.QUADRATIC),
        (2, SmileMethod.LINEAR),
        (1, SmileMethod.FLAT),
    ):
        smile = fit_smile(k[:n], iv[:n], np.ones(n), TAU)
        assert smile.method is method
        assert (smile.k_min, smile.k_max, smile.n) == (k[0], k[n - 1], n)
        if n < 4:
            assert smile.iv(k[:n]) == pytest.approx(iv[:n], rel=1e-12)
        assert smile.iv([-9.0, 9.0]).tolist() == pytest.approx(smile.iv([k[0], k[n - 1]]).tolist())


def test_two_quotes_of_one_strike_are_one_strike() -> None:
    assert fit_smile([0.1, 0.1, 0.2], [0.5, 0.6, 0.7], [1, 1, 1], TAU).method is SmileMethod.LINEAR
    same = fit_smile([0.1] * 6, [0.5, 0.6] * 3, [1.0, 3.0] * 3, TAU)
    assert same.method is SmileMethod.FLAT
    assert float(same.iv(0.0)) == pytest.approx(0.575)


def test_a_parabola_that_would_go_negative_gives_way() -> None:
    smile = fit_smile([-0.3, 0.0, 0.05], [0.9, 0.02, 0.9], [1.0, 1.0, 1.0], TAU)
    assert smile.method is not SmileMethod.QUADRATIC
    assert (smile.iv(np.linspace(-0.3, 0.05, 50)) > 0.0).all()


def test_unusable_quotes_are_left_out_and_none_at_all_gives_an_absent_smile() -> None:
    k = np.array([-0.1, 0.0, 0.1, math.nan, 0.2, 0.3, 0.4])
    iv = np.array([0.6, 0.5, 0.6, 0.6, math.nan, -0.1, 0.6])
    weight = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0])
    assert fit_smile(k, iv, weight, TAU).n == 3
    for absent in (
        fit_smile([], [], [], TAU),
        fit_smile([0.0], [0.5], [1.0], 0.0),
        fit_smile([0.0], [0.5], [1.0], math.nan),
    ):
        assert absent.status is FitStatus.NO_QUOTES
        assert math.isnan(absent.iv(0.0))
        assert math.isnan(absent.slope_atm())


@pytest.mark.parametrize("n", [1, 2, 3, 12])
def test_the_slope_at_the_money_is_that_of_the_curve(n: int) -> None:
    k = np.linspace(-0.2, 0.15, n) if n > 1 else np.zeros(1)
    smile = fit_smile(k, 0.6 - 0.2 * k + 0.8 * k * k, np.ones(n), TAU)
    slope = float(smile.iv(1e-5) - smile.iv(-1e-5)) / 2e-5
    assert smile.slope_atm() == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("n", [3, 20])
def test_butterfly_g_is_the_density_of_the_prices(n: int) -> None:
    nodes = np.linspace(-0.3, 0.3, n)
    smile = fit_smile(nodes, 0.6 - 0.2 * nodes + 0.8 * nodes * nodes, np.ones(n), TAU)
    k, step = np.array([-0.2, 0.0, 0.13]), 1e-4
    strikes = np.exp(k)

    def call(strike: FloatArray) -> FloatArray:
        return price(1.0, strike, TAU, smile.iv(np.log(strike)), True)

    density = (call(strikes + step) - 2 * call(strikes) + call(strikes - step)) / step**2
    w = smile.iv(k) ** 2 * TAU
    d2 = -k / np.sqrt(w) - 0.5 * np.sqrt(w)
    from_g = smile.butterfly_g(k) * np.exp(-0.5 * d2 * d2) / np.sqrt(2 * np.pi * w) / strikes
    assert from_g == pytest.approx(density, rel=1e-4)


def test_a_smile_with_butterfly_arbitrage_says_so() -> None:
    k = np.linspace(-0.5, 0.5, 21)
    sane = fit_smile(k, 0.6 + 0.1 * k * k, np.ones(21), TAU)
    assert sane.min_g > 0.0
    steep = fit_smile(k, np.sqrt((0.001 + 0.9 * np.abs(k - 0.1)) / TAU), np.ones(21), TAU)
    assert steep.min_g < 0.0


def test_wings_steeper_than_lee_allows_are_cut_back() -> None:
    k = np.linspace(-1.0, 1.0, 21)
    smile = fit_smile(k, np.sqrt((0.01 + 5.0 * np.abs(k)) / TAU), np.ones(21), TAU)
    _assert_bounds_hold(smile)
    far = np.array([50.0, 51.0])
    assert np.diff(smile.iv(far) ** 2 * TAU)[0] <= 2.0


_any = st.one_of(st.floats(), st.floats(-1.0, 2.0))


@given(st.lists(st.tuples(_any, _any, _any), max_size=12), st.one_of(_any, st.just(TAU)))
def test_no_quotes_raise_or_warn_and_a_curve_is_positive_where_it_was_quoted(
    quotes: list[tuple[float, float, float]], tau: float
) -> None:
    k, iv, weight = (np.array([quote[i] for quote in quotes]) for i in range(3))
    with warnings.catch_warnings(), np.errstate(over="warn", divide="warn", invalid="warn"):
        warnings.simplefilter("error")
        smile = fit_smile(k, iv, weight, tau)
        smile.slope_atm()
        smile.butterfly_g([-1.0, 0.0, 1e200, math.nan])
        inside = smile.iv(k)
    if smile.status is not FitStatus.NO_QUOTES:
        used = np.isfinite(k) & (np.abs(k) < 1e3) & (iv > 1e-6) & (iv < 1e3) & (weight > 0) & np.isfinite(weight)
        if used.sum() == smile.n and 1e-6 < tau < 1e3:
            assert (inside[used] > 0.0).all()


def test_small_systems_are_solved_and_singular_ones_refused() -> None:
    matrix = [[4.0, 2.0, 0.6], [2.0, 3.0, 0.4], [0.6, 0.4, 1.0]]
    solution = solve_positive(matrix, [1.0, 2.0, 3.0])
    assert solution is not None
    back = [sum(a * x for a, x in zip(row, solution, strict=True)) for row in matrix]
    assert back == pytest.approx([1.0, 2.0, 3.0])
    assert solve_positive([[1.0, 1.0], [1.0, 1.0]], [1.0, 1.0]) is None
    assert solve_positive([[1.0, 2.0], [2.0, 1.0]], [1.0, 1.0]) is None
    assert solve_positive([[math.nan]], [1.0]) is None
