"""Which strikes a price is aligned with."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.core.aligner import OptionsChainAligner

STRIKES = [45000, 46000, 47000, 48000, 49000, 50000, 51000, 52000]
STRIKE = st.floats(min_value=1.0, max_value=1e6)


def nearest(  # what a test gives may be nonsense
    price: Any,
    strikes: Any = STRIKES,
    *,
    kind: str = "call",
    tolerance_pct: float = 2.0,
) -> dict[str, Any]:
    return OptionsChainAligner(tolerance_pct=tolerance_pct).find_nearest_strikes(price, strikes, kind=kind)


def test_a_tie_between_two_strikes_goes_to_the_lower_one() -> None:
    info = nearest(48500)
    assert (info["atm_strike"], info["itm_strike"], info["otm_strike"]) == (48000, 48000, 49000)


def test_the_order_of_the_strikes_does_not_matter() -> None:
    assert nearest(48500, STRIKES[::-1]) == nearest(48500)


def test_in_the_money_is_below_the_price_for_a_call_and_above_it_for_a_put() -> None:
    call, put = nearest(48400), nearest(48400, kind="put")
    assert (call["itm_strike"], call["otm_strike"]) == (48000, 49000)
    assert (put["itm_strike"], put["otm_strike"]) == (49000, 48000)
    assert call["atm_strike"] == put["atm_strike"] == 48000


def test_a_strike_at_the_price_is_at_the_money_and_neither_in_nor_out() -> None:
    info = nearest(48000)
    assert (info["atm_strike"], info["itm_strike"], info["otm_strike"]) == (48000, None, None)
    assert "47000" in info["reason"]


def test_distances_are_percent_of_the_price() -> None:
    info = nearest(48500)
    assert info["otm_distance_pct"] == pytest.approx(100 * 500 / 48500)
    assert info["itm_distance_pct"] == pytest.approx(100 * 500 / 48500)


def test_a_strike_beyond_the_tolerance_is_none_and_the_reason_names_it() -> None:
    info = nearest(48400, tolerance_pct=1.0)
    assert (info["atm_strike"], info["otm_strike"]) == (48000, None)
    assert info["otm_distance_pct"] is None
    assert "49000" in info["reason"]
    assert "1.24" in info["reason"]


def test_a_strike_exactly_at_the_tolerance_is_matched() -> None:
    assert nearest(50000, [49000], tolerance_pct=2.0)["atm_strike"] == 49000
    assert nearest(50000, [48999], tolerance_pct=2.0)["atm_strike"] is None


def test_a_price_outside_the_chain_has_no_strike_on_one_side() -> None:
    info = nearest(52500)
    assert (info["itm_strike"], info["otm_strike"]) == (52000, None)
    assert "otm" in info["reason"]


def test_strikes_that_all_match_need_no_reason() -> None:
    assert nearest(48500)["reason"] is None


@pytest.mark.parametrize("strikes", [[], [math.nan], [0, -5, math.inf]])
def test_nothing_to_align_with_is_an_error(strikes: list[float]) -> None:
    info = nearest(48500, strikes)
    assert list(info) == ["error"]
    assert "strike" in info["error"]


@pytest.mark.parametrize("junk", [math.nan, math.inf, -math.inf, 0, -48000, None, "48000", [48000]])
def test_a_strike_that_is_not_a_positive_number_is_left_out_and_counted(junk: object) -> None:
    info = nearest(48500, [junk, *STRIKES])
    assert info["ignored_strikes"] == 1
    assert {**info, "ignored_strikes": 0} == nearest(48500)


@pytest.mark.parametrize("price", [math.nan, math.inf, 0, -1, None, "48500"])
def test_a_price_that_is_not_a_positive_number_is_an_error(price: object) -> None:
    assert list(nearest(price)) == ["error"]


def test_a_kind_that_is_neither_call_nor_put_is_an_error() -> None:
    assert "call or put" in nearest(48500, kind="straddle")["error"]


@pytest.mark.parametrize("tolerance_pct", [0.0, -1.0, math.nan, math.inf])
def test_a_tolerance_must_be_positive_and_finite(tolerance_pct: float) -> None:
    with pytest.raises(ValueError, match="tolerance_pct"):
        OptionsChainAligner(tolerance_pct=tolerance_pct)


@given(price=STRIKE, strikes=st.lists(STRIKE, min_size=1, max_size=30), tolerance_pct=st.floats(0.01, 50.0))
def test_no_strike_is_nearer_than_the_one_at_the_money(
    price: float, strikes: list[float], tolerance_pct: float
) -> None:
    info = nearest(price, strikes, tolerance_pct=tolerance_pct)
    least = min(abs(strike - price) for strike in strikes)
    lowest = min(strike for strike in strikes if abs(strike - price) == least)
    assert info["atm_strike"] == (lowest if 100 * least / price <= tolerance_pct else None)
    assert info["itm_strike"] is None or info["itm_strike"] == max(k for k in strikes if k < price)
    assert info["otm_strike"] is None or info["otm_strike"] == min(k for k in strikes if k > price)
