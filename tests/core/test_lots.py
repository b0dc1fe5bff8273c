"""The smallest package whose every leg is a whole number of lots."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.core.lots import common_step


@pytest.mark.parametrize(
    ("legs", "step"),
    [
        ([(0.1, 1.0), (0.1, 1.0)], 0.1),
        ([(0.1, 1.0), (0.01, 1.0)], 0.1),
        ([(0.1, 1.0), (0.04, 1.0)], 0.2),
        ([(0.1, 1.0), (0.1, 0.5), (0.1, 0.5)], 0.2),
        ([(0.1, 1.0), (0.1, 1 / 3), (0.1, 2 / 3)], 0.3),
        ([(0.01, 1.0), (0.01, 2 / 11), (0.01, 9 / 11)], 0.11),
        ([(1.0, 1.0), (1000.0, 1.0)], 1000.0),
    ],
)
def test_the_step_is_the_least_that_suits_every_leg(legs: list[tuple[float, float]], step: float) -> None:
    assert common_step(legs) == pytest.approx(step, rel=1e-15)


@pytest.mark.parametrize("lot", [float("nan"), 0.0, -1.0, float("inf")])
def test_with_an_unknown_lot_there_is_no_step(lot: float) -> None:
    assert common_step([(0.1, 1.0), (lot, 1.0)]) != common_step([(0.1, 1.0), (lot, 1.0)])


@given(
    lots=st.lists(st.sampled_from(["0.001", "0.01", "0.05", "0.1", "1", "10"]), min_size=3, max_size=3),
    wings=st.tuples(st.integers(1, 60), st.integers(1, 60)),
)
def test_no_smaller_size_suits_every_leg(lots: list[str], wings: tuple[int, int]) -> None:
    weight = Fraction(wings[0], sum(wings))
    exact = list(zip(map(Fraction, lots), (Fraction(1), weight, 1 - weight), strict=True))
    step = Fraction(common_step((float(lot), float(ratio)) for lot, ratio in exact)).limit_denominator(10**9)

    def suits(size: Fraction) -> bool:
        return all((size * ratio / lot).denominator == 1 for lot, ratio in exact)

    assert suits(step)
    # Every size that suits is a multiple of the least one, so a smaller one would divide it.
    assert not any(suits(step / part) for part in (2, 3, 5, 7, 11, 13))
