"""Static packages against brute force: payoffs at every settlement price, and quotes on both sides of the bound."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.pricing import payoff_coin, payoff_usd
from aftershock.pricing.arrays import FloatArray
from aftershock.pricing.static import (
    box_inverse,
    box_linear,
    butterfly,
    calendar,
    parity_inverse,
    parity_linear,
    vertical_call_inverse,
    vertical_call_linear,
    vertical_put_inverse,
    vertical_put_linear,
)

K1, K2 = 55_000.0, 62_000.0
FUTURE_BID, FUTURE_ASK = 59_990.0, 60_010.0

# Every kink, what lies between, and far out on both sides.
SETTLEMENTS = np.sort(np.concatenate((np.geomspace(1.0, 1e9, 200), np.linspace(40_000.0, 80_000.0, 401), [K1, K2])))

quotes = st.floats(0.0, 0.9)
spreads = st.floats(0.0, 0.05)


def _future_coin(usd: float, price: float) -> FloatArray:
    """Return what a long position of so many USD of inverse future pays, in coin."""
    return usd * (1.0 / price - 1.0 / SETTLEMENTS)


def _future_usd(coins: float, price: float) -> FloatArray:
    return coins * (SETTLEMENTS - price)


def _call(strike: float, inverse: bool) -> FloatArray:
    return (payoff_coin if inverse else payoff_usd)(SETTLEMENTS, strike, True)


def _put(strike: float, inverse: bool) -> FloatArray:
    return (payoff_coin if inverse else payoff_usd)(SETTLEMENTS, strike, False)


def _worst(package: FloatArray) -> float:
    return float(package.min())


def _check_constant(package: FloatArray, edge: float, tolerance: float) -> None:
    """The package is worth the claimed edge wherever the underlying settles."""
    assert float(np.abs(package - edge).max()) <= tolerance


def _check_locked_in(edge: float, package: FloatArray, unit: float) -> None:
    """The claimed edge is the worst outcome: never less at any settlement price, and no more can be claimed."""
    assert _worst(package) == pytest.approx(edge, abs=1e-6 * unit)


@given(quotes, spreads, quotes, spreads)
def test_parity_in_coin_pays_its_edge_at_every_settlement(c: float, c_gap: float, p: float, p_gap: float) -> None:
    conversion, reversal = parity_inverse(c, c + c_gap, p, p + p_gap, K1, FUTURE_BID, FUTURE_ASK)
    short_call = c - (p + p_gap) - _call(K1, True) + _put(K1, True) + _future_coin(K1, FUTURE_ASK)
    long_call = -(c + c_gap) + p + _call(K1, True) - _put(K1, True) - _future_coin(K1, FUTURE_BID)
    _check_constant(short_call, conversion, 1e-9 * K1)
    _check_constant(long_call, reversal, 1e-9 * K1)


def test_one_coin_of_future_would_not_hedge_parity_in_coin() -> None:
    short_call = 0.05 - 0.05 - _call(K1, True) + _put(K1, True) + _future_coin(FUTURE_ASK, FUTURE_ASK)
    assert np.ptp(short_call) > 0.05


@given(quotes, spreads, quotes, spreads)
def test_parity_in_currency_pays_its_edge_at_every_settlement(c: float, c_gap: float, p: float, p_gap: float) -> None:
    c, c_gap, p, p_gap = (1e4 * value for value in (c, c_gap, p, p_gap))
    conversion, reversal = parity_linear(c, c + c_gap, p, p + p_gap, K1, FUTURE_BID, FUTURE_ASK)
    short_call = c - (p + p_gap) - _call(K1, False) + _put(K1, False) + _future_usd(1.0, FUTURE_ASK)
    long_call = -(c + c_gap) + p + _call(K1, False) - _put(K1, False) - _future_usd(1.0, FUTURE_BID)
    _check_constant(short_call, conversion, 1e-5)
    _check_constant(long_call, reversal, 1e-5)


@pytest.mark.parametrize("inverse", [True, False])
@given(quotes, spreads, quotes, spreads)
def test_a_call_spread_pays_at_least_its_edge(
    inverse: bool, first: float, first_gap: float, second: float, second_gap: float
) -> None:
    unit = 1.0 if inverse else 1e4
    b1, a1, b2, a2 = (unit * value for value in (first, first + first_gap, second, second + second_gap))
    test = vertical_call_inverse if inverse else vertical_call_linear
    lower, upper = test(b1, a1, b2, a2, K1, K2)
    spread = _call(K1, inverse) - _call(K2, inverse)
    _check_locked_in(lower, b2 - a1 + spread, unit)
    _check_locked_in(upper, b1 - a2 - spread, unit)


@given(quotes, spreads, quotes, spreads)
def test_a_put_spread_in_currency_pays_at_least_its_edge(
    first: float, first_gap: float, second: float, second_gap: float
) -> None:
    b1, a1, b2, a2 = (1e4 * value for value in (first, first + first_gap, second, second + second_gap))
    lower, upper = vertical_put_linear(b1, a1, b2, a2, K1, K2)
    spread = _put(K2, False) - _put(K1, False)
    _check_locked_in(lower, b1 - a2 + spread, 1e4)
    _check_locked_in(upper, b2 - a1 - spread, 1e4)


@given(quotes, spreads, quotes, spreads)
def test_a_put_spread_in_coin_pays_at_least_its_edge_with_the_future(
    first: float, first_gap: float, second: float, second_gap: float
) -> None:
    b1, a1, b2, a2 = first, first + first_gap, second, second + second_gap
    lower, upper = vertical_put_inverse(b1, a1, b2, a2, K1, K2, FUTURE_BID)
    spread = _put(K2, True) - _put(K1, True)
    _check_locked_in(lower, b1 - a2 + spread, 1.0)
    hedged = b2 - a1 - spread - _future_coin(K2 - K1, FUTURE_BID)
    # Exact below K1, where payoffs of thousands of coins cancel.
    assert _worst(hedged) == pytest.approx(upper, abs=1e-9 * (K2 - K1))


def test_no_constant_bounds_a_put_spread_in_coin() -> None:
    spread = _put(K2, True) - _put(K1, True)
    # What bounds the call spread is exceeded below K1, and nothing else bounds it either.
    assert spread.max() > 1000.0 * (1.0 - K1 / K2)
    assert spread[0] == pytest.approx((K2 - K1) / SETTLEMENTS[0])
    assert math.isnan(vertical_put_inverse(0.01, 0.011, 5.0, 5.1, K1, K2, math.nan)[1])


@pytest.mark.parametrize("inverse", [True, False])
@given(st.lists(quotes, min_size=4, max_size=4), spreads)
def test_a_box_pays_its_edge_at_every_settlement(inverse: bool, bids: list[float], gap: float) -> None:
    unit = 1.0 if inverse else 1e4
    c1, c2, p1, p2 = (unit * bid for bid in bids)
    wide = unit * gap
    prices = (c1, c1 + wide, c2, c2 + wide, p1, p1 + wide, p2, p2 + wide)
    box = _call(K1, inverse) - _call(K2, inverse) + _put(K2, inverse) - _put(K1, inverse)
    cost = (c1 + wide) - c2 + (p2 + wide) - p1
    proceeds = c1 - (c2 + wide) + p2 - (p1 + wide)
    if inverse:
        long_edge, short_edge = box_inverse(*prices, K1, K2, FUTURE_BID, FUTURE_ASK)
        bought = box - cost + _future_coin(K2 - K1, FUTURE_ASK)
        sold = proceeds - box - _future_coin(K2 - K1, FUTURE_BID)
    else:
        long_edge, short_edge = box_linear(*prices, K1, K2)
        bought, sold = box - cost, proceeds - box
    _check_constant(bought, long_edge, 1e-5 * unit)
    _check_constant(sold, short_edge, 1e-5 * unit)


K3 = 71_000.0


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("inverse", [True, False])
@given(quotes, quotes, quotes)
def test_a_butterfly_pays_at_least_its_edge_without_a_future(
    inverse: bool, is_call: bool, low: float, body: float, high: float
) -> None:
    unit = 1.0 if inverse else 1e4
    option = _call if is_call else _put
    edge = butterfly(unit * low, unit * body, unit * high, K1, K2, K3)
    weight = (K3 - K2) / (K3 - K1)
    paid = unit * (weight * low + (1 - weight) * high - body)
    wings = weight * option(K1, inverse) + (1 - weight) * option(K3, inverse)
    # Exact at both ends, where payoffs of thousands of coins cancel.
    assert _worst(wings - option(K2, inverse) - paid) == pytest.approx(edge, abs=1e-6 * unit * (1 if is_call else K2))


def test_the_wings_never_pay_more_above_the_body_than_at_its_strike() -> None:
    weight = (K3 - K2) / (K3 - K1)
    for option in (_call, _put):
        above = weight * option(K1, True) + (1 - weight) * option(K3, True) - option(K2, True)
        assert above.max() == pytest.approx(weight * (1 - K1 / K2), abs=1e-9)
        assert SETTLEMENTS[above.argmax()] == K2


@given(
    near_vol=st.floats(0.01, 0.4),
    more=st.floats(0.0, 0.2),
    near_k=st.floats(-0.5, 0.5),
    apart=st.floats(0.0, 0.3),
    is_call=st.booleans(),
)
def test_where_total_variance_rises_no_calendar_is_flagged_on_the_safe_side(
    near_vol: float, more: float, near_k: float, apart: float, *, is_call: bool
) -> None:
    near_forward, far_forward = 60_000.0, 63_000.0
    far_k = near_k - apart if is_call else near_k + apart
    near = _undiscounted(near_forward, near_k, near_vol, is_call=is_call)
    far = _undiscounted(far_forward, far_k, near_vol + more, is_call=is_call)
    assert calendar(near, near_forward, far, far_forward) <= 1e-12
    assert calendar(near / near_forward, 1.0, far / far_forward, 1.0) <= 1e-12


@pytest.mark.parametrize("is_call", [True, False])
def test_where_total_variance_falls_a_calendar_is_flagged_at_the_same_k(is_call: bool) -> None:
    near = _undiscounted(60_000.0, 0.05, 0.2, is_call=is_call)
    far = _undiscounted(63_000.0, 0.05, 0.199, is_call=is_call)
    assert calendar(near, 60_000.0, far, 63_000.0) > 1e-5
    # On the unsafe side of k a flag would mean nothing.
    unsafe = _undiscounted(63_000.0, 0.06 if is_call else 0.04, 0.2, is_call=is_call)
    assert calendar(near, 60_000.0, unsafe, 63_000.0) > 1e-3


def _undiscounted(forward: float, k: float, total_vol: float, *, is_call: bool) -> float:
    strike = forward * math.exp(k)
    d1 = -k / total_vol + total_vol / 2
    n1, n2 = (0.5 * math.erfc(-d / math.sqrt(2)) for d in (d1, d1 - total_vol))
    call = forward * n1 - strike * n2
    return call if is_call else forward * (n1 - 1) - strike * (n2 - 1)


_COIN_EDGE = 1e-6
_USD_EDGE = 1e-2

# One price moves by `shift` across the bound; the edge must follow it with the sign given by which side trades there.
_AT_THE_BOUND: dict[str, tuple[Callable[[float], float], float]] = {
    "conversion in coin": (
        lambda x: parity_inverse(0.1 + x, 9, 0, 0.1 - (1 - K1 / FUTURE_ASK), K1, FUTURE_BID, FUTURE_ASK)[0],
        _COIN_EDGE,
    ),
    "reversal in coin": (
        lambda x: parity_inverse(0, 0.1 + (1 - K1 / FUTURE_BID), 0.1 + x, 9, K1, FUTURE_BID, FUTURE_ASK)[1],
        _COIN_EDGE,
    ),
    "conversion": (
        lambda x: parity_linear(6_000 + x, 9e9, 0, 6_000 - (FUTURE_ASK - K1), K1, FUTURE_BID, FUTURE_ASK)[0],
        _USD_EDGE,
    ),
    "reversal": (
        lambda x: parity_linear(0, 6_000 + (FUTURE_BID - K1), 6_000 + x, 9e9, K1, FUTURE_BID, FUTURE_ASK)[1],
        _USD_EDGE,
    ),
    "calls the wrong way round": (lambda x: vertical_call_linear(0, 500, 500 + x, 9e9, K1, K2)[0], _USD_EDGE),
    "call spread too dear": (lambda x: vertical_call_linear(7_500 + x, 9e9, 0, 500, K1, K2)[1], _USD_EDGE),
    "calls the wrong way round in coin": (lambda x: vertical_call_inverse(0, 0.05, 0.05 + x, 9, K1, K2)[0], _COIN_EDGE),
    "call spread too dear in coin": (
        lambda x: vertical_call_inverse(0.05 + (1 - K1 / K2) + x, 9, 0, 0.05, K1, K2)[1],
        _COIN_EDGE,
    ),
    "puts the wrong way round": (lambda x: vertical_put_linear(500 + x, 9e9, 0, 500, K1, K2)[0], _USD_EDGE),
    "put spread too dear": (lambda x: vertical_put_linear(0, 500, 7_500 + x, 9e9, K1, K2)[1], _USD_EDGE),
    "puts the wrong way round in coin": (
        lambda x: vertical_put_inverse(0.05 + x, 9, 0, 0.05, K1, K2, FUTURE_BID)[0],
        _COIN_EDGE,
    ),
    "put spread too dear in coin": (
        lambda x: vertical_put_inverse(0, 0.05, 0.05 + (K2 - K1) / FUTURE_BID + x, 9, K1, K2, FUTURE_BID)[1],
        _COIN_EDGE,
    ),
    "box too cheap in coin": (
        lambda x: box_inverse(0, 0.06, 0, 9, x, 9, 0, (K2 - K1) / FUTURE_ASK - 0.06, K1, K2, FUTURE_BID, FUTURE_ASK)[0],
        _COIN_EDGE,
    ),
    "box too dear in coin": (
        lambda x: box_inverse(
            0.06 + x, 9, 0, 0, 0, 0, (K2 - K1) / FUTURE_BID - 0.06, 9, K1, K2, FUTURE_BID, FUTURE_ASK
        )[1],
        _COIN_EDGE,
    ),
    "body above its chord in coin": (
        lambda x: butterfly(0.07, 0.05 + x, 0.07 - 0.02 * (K3 - K1) / (K2 - K1), K1, K2, K3),
        _COIN_EDGE,
    ),
    "body above its chord": (lambda x: butterfly(7_000, 7_000 + x, 7_000, K1, K2, K3), _USD_EDGE),
    "box too cheap": (lambda x: box_linear(0, 3_000, 0, 9e9, x, 9e9, 0, 4_000, K1, K2)[0], _USD_EDGE),
    "box too dear": (lambda x: box_linear(3_000 + x, 9e9, 0, 0, 0, 0, 4_000, 9e9, K1, K2)[1], _USD_EDGE),
}


@pytest.mark.parametrize("name", _AT_THE_BOUND)
def test_a_package_just_past_its_bound_has_an_edge_and_one_just_short_has_none(name: str) -> None:
    edge, step = _AT_THE_BOUND[name]
    assert edge(step) == pytest.approx(step, rel=1e-6)
    assert edge(-step) == pytest.approx(-step, rel=1e-6)


@pytest.mark.parametrize(
    ("test", "count"),
    [
        (parity_inverse, 7),
        (parity_linear, 7),
        (vertical_call_inverse, 6),
        (vertical_call_linear, 6),
        (vertical_put_inverse, 7),
        (vertical_put_linear, 6),
        (box_inverse, 12),
        (box_linear, 10),
    ],
)
def test_without_a_price_there_is_no_edge_on_the_side_that_needs_it(
    test: Callable[..., tuple[FloatArray, FloatArray]], count: int
) -> None:
    arguments = np.full((count, count), 0.5) + np.diag(np.full(count, math.nan))
    first, second = test(*arguments)
    # Column i lacks argument i: at least one side needs it, and a side with an edge had all its prices.
    assert (np.isnan(first) | np.isnan(second)).all()
    assert first.shape == second.shape == (count,)


def test_arrays_and_scalars_agree() -> None:
    arrays = vertical_call_inverse(*(np.full(3, v) for v in (0.1, 0.11, 0.05, 0.06, K1, K2)))
    scalars = vertical_call_inverse(0.1, 0.11, 0.05, 0.06, K1, K2)
    assert [a.tolist() for a in arrays] == [[s] * 3 for s in scalars]
