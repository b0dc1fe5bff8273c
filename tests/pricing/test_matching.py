"""An immediate-or-cancel order against a book: how much, at which prices, and never more than it should."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.pricing.matching import Match, match_ioc

ASKS = [(100.0, 0.1), (100.5, 0.2), (101.0, 5.0)]
BIDS = [(99.5, 0.1), (99.0, 0.2), (98.0, 5.0)]


def test_a_buyer_takes_the_cheapest_asks_first() -> None:
    match = match_ioc(ASKS, 0.25, 101.0, buying=True)
    assert match.fills == ((0, 0.1), (1, 0.15))
    assert match.filled == 0.25
    assert match.average_price == pytest.approx((0.1 * 100.0 + 0.15 * 100.5) / 0.25)


def test_a_seller_takes_the_dearest_bids_first() -> None:
    match = match_ioc(BIDS, 0.25, 98.0, buying=False)
    assert match.fills == ((0, 0.1), (1, 0.15))
    assert match.average_price == pytest.approx((0.1 * 99.5 + 0.15 * 99.0) / 0.25)


def test_a_tenth_and_two_tenths_are_three_tenths() -> None:
    match = match_ioc(ASKS, 1.0, 100.5, buying=True)
    assert match.fills == ((0, 0.1), (1, 0.2))
    assert match.filled == 0.3
    assert 0.1 + 0.2 != 0.3  # what plain addition gives


def test_the_limit_itself_is_still_good_and_a_tick_beyond_is_not() -> None:
    assert match_ioc(ASKS, 1.0, 100.0, buying=True).filled == 0.1
    assert match_ioc(ASKS, 1.0, 99.9, buying=True) == Match()
    assert match_ioc(BIDS, 1.0, 99.5, buying=False).filled == 0.1
    assert match_ioc(BIDS, 1.0, 99.6, buying=False).filled == 0.0


def test_equal_prices_fill_in_the_order_of_time() -> None:
    assert match_ioc([(1.0, 2.0), (1.0, 2.0)], 3.0, 1.0, buying=True).fills == ((0, 2.0), (1, 1.0))


def test_the_average_of_one_price_is_that_price() -> None:
    assert match_ioc([(0.0507, 0.3), (0.0507, 0.7)], 0.9, 0.06, buying=True).average_price == 0.0507


def test_an_empty_book_fills_nothing() -> None:
    assert math.isnan(match_ioc([], 1.0, 100.0, buying=True).average_price)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("buying", [True, False])
def test_a_number_that_is_none_anywhere_fills_nothing(bad: float, buying: bool) -> None:
    fine = [(1.0, 1.0), (1.0, 1.0)]
    assert match_ioc(fine, 2.0, 1.0, buying=buying).filled == 2.0
    assert match_ioc(fine, bad, 1.0, buying=buying) == Match()
    assert match_ioc(fine, 2.0, bad, buying=buying) == Match()
    for at in (0, 1):
        broken = list(fine)
        broken[at] = (bad, 1.0)
        assert match_ioc(broken, 2.0, 1.0, buying=buying) == Match()
        broken[at] = (1.0, bad)
        assert match_ioc(broken, 2.0, 1.0, buying=buying) == Match()


@pytest.mark.parametrize("quantity", [0.0, -1.0])
def test_an_order_for_nothing_gets_nothing(quantity: float) -> None:
    assert match_ioc(ASKS, quantity, 101.0, buying=True) == Match()


def test_a_negative_size_is_no_book() -> None:
    assert match_ioc([(100.0, 1.0), (100.5, -1.0)], 1.0, 101.0, buying=True) == Match()


LOTS = st.integers(0, 400)
TICKS = st.integers(1, 40)


@st.composite
def orders(draw: st.DrawFn) -> tuple[list[tuple[int, int]], int, int, int, bool]:
    """Return levels in ticks and lots, best first, an order, and how many lots make one unit."""
    buying = draw(st.booleans())
    levels = draw(st.lists(st.tuples(TICKS, LOTS), max_size=12))
    levels.sort(key=lambda level: level[0] if buying else -level[0])
    return levels, draw(st.integers(1, 2_000)), draw(TICKS), draw(st.sampled_from([1, 10, 100, 1000, 10**6])), buying


@given(orders())
def test_exactly_what_integer_lots_would_give(case: tuple[list[tuple[int, int]], int, int, int, bool]) -> None:
    levels, wanted, limit, per_unit, buying = case
    match = match_ioc(
        [(tick / 8, lots / per_unit) for tick, lots in levels], wanted / per_unit, limit / 8, buying=buying
    )
    # Written apart, in whole lots: every lot within the limit stands in one queue, the order takes from its head.
    queue = [
        i for i, (tick, lots) in enumerate(levels) if (tick <= limit if buying else tick >= limit) for _ in range(lots)
    ]
    took = queue[:wanted]
    assert match.fills == tuple((i, took.count(i) / per_unit) for i in sorted(dict.fromkeys(took)))
    assert match.filled == len(took) / per_unit
    if took:
        exact = Fraction(sum(levels[i][0] for i in took), 8 * len(took))
        assert match.average_price == pytest.approx(float(exact), rel=1e-14)


FLOATS = st.floats(1e-9, 1e9)


@given(st.lists(st.tuples(FLOATS, FLOATS), max_size=8), FLOATS, FLOATS, st.booleans())
def test_never_more_than_offered_or_wanted_and_never_past_the_limit(
    levels: list[tuple[float, float]], quantity: float, limit: float, buying: bool
) -> None:
    levels.sort(key=lambda level: level[0] if buying else -level[0])
    match = match_ioc(levels, quantity, limit, buying=buying)
    half = 0.5e-9 + 1e-15 * 1e9  # sizes are rounded to the billionth
    assert match.filled <= quantity + half
    assert math.fsum(size for _, size in match.fills) == pytest.approx(match.filled, rel=1e-12)
    for index, size in match.fills:
        price, offered = levels[index]
        assert 0 < size <= offered + half
        assert price <= limit if buying else price >= limit
    indices = [index for index, _ in match.fills]
    assert indices == sorted(indices)
    # Price priority: whatever is better than the last level that gave something gave all it had.
    for index, (price, offered) in enumerate(levels):
        if indices and (price < levels[indices[-1]][0] if buying else price > levels[indices[-1]][0]):
            assert dict(match.fills).get(index, 0.0) == pytest.approx(offered, abs=half)
