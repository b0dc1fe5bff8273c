"""How much of what was wanted can be had, in whole lots."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.core.rules import executable_size
from aftershock.model.units import NAN


def test_the_least_of_wanted_and_what_is_quoted_after_the_haircut() -> None:
    assert executable_size(1.0, (10.0, 8.0), 0.5, 0.1) == 1.0
    assert executable_size(1.0, (10.0, 1.2), 0.5, 0.1) == 0.6


def test_a_size_is_floored_to_the_lot() -> None:
    assert executable_size(1.0, (1.39,), 0.5, 0.1) == 0.6
    assert executable_size(7.0, (9.9,), 0.5, 1.0) == 4.0


def test_less_than_a_lot_is_nothing() -> None:
    assert executable_size(1.0, (0.19,), 0.5, 0.1) == 0.0


@pytest.mark.parametrize("lot", [0.01, 0.1, 1.0, 5.0, 0.25])
@pytest.mark.parametrize("lots", [1, 2, 3, 6, 7, 29, 100])
def test_a_whole_number_of_lots_loses_none_to_rounding(lot: float, lots: int) -> None:
    size = executable_size(1e9, (2 * lots * lot,), 0.5, lot)
    assert size == pytest.approx(lots * lot, rel=1e-12)
    assert size >= lots * lot * (1 - 1e-15)


def test_a_lot_of_a_tenth_prints_as_one() -> None:
    assert [executable_size(n / 10, (100.0,), 0.5, 0.1) for n in (1, 3, 6, 7)] == [0.1, 0.3, 0.6, 0.7]


@pytest.mark.parametrize("sizes", [(NAN,), (10.0, NAN), (-1.0,), (NAN, 10.0)])
def test_a_size_nobody_knows_is_no_size(sizes: tuple[float, ...]) -> None:
    assert math.isnan(executable_size(1.0, sizes, 0.5, 0.1))


@pytest.mark.parametrize("lot", [NAN, 0.0, -0.1])
def test_without_a_lot_there_is_no_size(lot: float) -> None:
    assert math.isnan(executable_size(1.0, (10.0,), 0.5, lot))


def test_wanting_nobody_knows_how_much_is_no_size() -> None:
    assert math.isnan(executable_size(NAN, (10.0,), 0.5, 0.1))


def test_an_empty_book_gives_nothing() -> None:
    assert executable_size(1.0, (0.0,), 0.5, 0.1) == 0.0


AMOUNT = st.floats(0, 1e6)


@given(wanted=AMOUNT, sizes=st.lists(AMOUNT, min_size=1, max_size=4), lot=st.sampled_from([0.01, 0.1, 1.0, 5.0]))
def test_a_size_never_exceeds_the_depth_that_is_counted_on(wanted: float, sizes: list[float], lot: float) -> None:
    size = executable_size(wanted, tuple(sizes), 0.5, lot)
    most = min(wanted, 0.5 * min(sizes))
    assert 0 <= size <= most + 1e-9 * lot
    assert size > most - lot - 1e-9 * lot
    lots = Fraction(size) / Fraction(lot)
    assert abs(lots - round(lots)) < Fraction(1, 10**6)
