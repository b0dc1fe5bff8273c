"""Figures that only a mistake of unit or data would explain."""

from __future__ import annotations

import pytest

from aftershock.core.rules import UnitLimits, unit_faults
from aftershock.model.units import NAN

LIMITS = UnitLimits(max_spread_bps=200.0, min_ratio=0.2, max_ratio=5.0, min_iv=0.05, max_iv=5.0)


def faults(  # a sound quote, of which a test changes one figure
    *,
    bid: float = 0.010,
    ask: float = 0.011,
    price: float = 660.0,
    value: float = 700.0,
    delta: float = 0.4,
    plausible_iv: bool = True,
    spread_bps: float = 6.0,
    inverse_call_price: float = 0.011,
) -> tuple[str, ...]:
    return unit_faults(
        bid=bid,
        ask=ask,
        price=price,
        value=value,
        delta=delta,
        plausible_iv=plausible_iv,
        spread_bps=spread_bps,
        inverse_call_price=inverse_call_price,
        limits=LIMITS,
    )


def test_a_sound_quote_trips_nothing() -> None:
    assert faults() == ()


def test_a_quote_with_one_side_is_not_crossed() -> None:
    assert faults(bid=NAN) == ()
    assert faults(ask=NAN) == ()


@pytest.mark.parametrize("bid", [0.011, 0.012])
def test_a_locked_or_crossed_quote(bid: float) -> None:
    assert faults(bid=bid) == ("crossed quote",)


@pytest.mark.parametrize("spread_bps", [200.1, -200.1])
def test_an_edge_too_good_or_too_bad_to_be_true(spread_bps: float) -> None:
    assert "edge" in " ".join(faults(spread_bps=spread_bps))
    assert faults(spread_bps=spread_bps / 200.1 * 200) == ()


@pytest.mark.parametrize(("price", "fine"), [(139.0, False), (140.0, True), (3500.0, True), (3501.0, False)])
def test_a_price_a_fifth_or_five_times_of_its_value(price: float, *, fine: bool) -> None:
    assert (faults(price=price) == ()) is fine
    assert (faults(price=price, delta=-0.4) == ()) is fine


@pytest.mark.parametrize("delta", [0.09, -0.09, 0.91, -0.91])
def test_far_from_the_money_that_ratio_says_nothing(delta: float) -> None:
    assert faults(price=5000.0, delta=delta) == ()


@pytest.mark.parametrize("delta", [0.1, -0.1, 0.9, -0.9])
def test_at_the_ends_of_its_range_it_does(delta: float) -> None:
    assert len(faults(price=5000.0, delta=delta)) == 1


def test_a_price_without_a_volatility_that_anyone_would_quote() -> None:
    assert "volatility" in " ".join(faults(plausible_iv=False))


def test_an_inverse_call_above_one_coin() -> None:
    assert faults(inverse_call_price=1.0) == ()
    assert "above one coin" in " ".join(faults(inverse_call_price=1.0001))
    assert faults(inverse_call_price=NAN) == ()


def test_a_price_in_coin_taken_for_dollars_trips() -> None:
    assert len(faults(price=0.011)) == 1


def test_every_fault_is_named() -> None:
    found = faults(bid=0.02, price=5000.0, plausible_iv=False, spread_bps=900.0, inverse_call_price=2.0)
    assert len(found) == 5
