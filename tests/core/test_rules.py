"""The checks before an order: their order, and that a figure nobody knows refuses."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.core.rules import Assessment, Limits, judge
from aftershock.model.signals import Action, Reason
from aftershock.model.units import NAN

LIMITS = Limits(max_age_ms=2000.0, max_span_ms=250.0, max_latency_ms=1000.0, expiry_window_s=1800.0)
GOOD = Assessment(
    action=Action.BUY,
    age_ms=100.0,
    span_ms=10.0,
    latency_ms=50.0,
    dispersion_bps=1.0,
    max_dispersion_bps=5.0,
    seconds_to_expiry=86_400.0,
    quantity=1.0,
    lot_coins=0.1,
    gross_bps=8.0,
    net_bps=3.0,
    threshold_bps=2.0,
)
# One way to fail each check, in the documented order.
FAILURES: tuple[tuple[Reason, dict[str, Any]], ...] = (
    (Reason.VENUE_DOWN, {"venue_up": False}),
    (Reason.GAP, {"in_gap": True}),
    (Reason.NO_CHAIN, {"has_chain": False}),
    (Reason.STALE_DATA, {"age_ms": 2000.1}),
    (Reason.DESYNC, {"span_ms": 250.1}),
    (Reason.NO_FORWARD, {"has_forward": False}),
    (Reason.DISPERSION, {"dispersion_bps": 5.1}),
    (Reason.EXPIRY_WINDOW, {"seconds_to_expiry": 1800.0}),
    (Reason.UNIT_CHECK, {"faults": ("crossed quote",)}),
    (Reason.STUB_QUOTE, {"stub": True}),
    (Reason.NO_EXECUTABLE_FORWARD, {"executable_forward": False}),
    (Reason.NO_SIZE, {"quoted": False, "quantity": NAN}),
    (Reason.THIN, {"quantity": 0.0999}),
    (Reason.NOT_EVALUABLE, {"evaluable": False}),
    (Reason.NO_EDGE, {"gross_bps": 0.0, "net_bps": -5.0}),
    (Reason.FEES, {"net_bps": 0.0}),
    (Reason.BELOW_MIN_SPREAD, {"net_bps": 1.9999}),
)
ORDER = [reason for reason, _ in FAILURES]
MONEY = ORDER[-3:]


def reasons(**changes: Any) -> list[Reason]:
    return judge(msgspec.structs.replace(GOOD, **changes), LIMITS)


def test_nothing_speaks_against_a_good_opportunity() -> None:
    assert reasons() == []


@pytest.mark.parametrize(("reason", "change"), FAILURES, ids=[reason.value for reason in ORDER])
def test_each_check_refuses_with_its_own_reason(reason: Reason, change: dict[str, Any]) -> None:
    assert reasons(**change) == [reason]


@pytest.mark.parametrize(
    "change",
    [
        {"age_ms": 2000.0},
        {"span_ms": 250.0},
        {"latency_ms": 1000.0},
        {"dispersion_bps": 5.0},
        {"seconds_to_expiry": 1800.1},
        {"quantity": 0.1},
        {"net_bps": 2.0},
    ],
    ids=str,
)
def test_a_figure_at_its_limit_passes(change: dict[str, float]) -> None:
    assert reasons(**change) == []


def test_an_edge_whose_cause_is_too_long_ago_is_stale() -> None:
    assert reasons(latency_ms=1000.1) == [Reason.STALE_DATA]


def test_the_cause_of_an_edge_that_is_not_there_does_not_matter() -> None:
    assert reasons(latency_ms=1000.1, net_bps=1.0) == [Reason.BELOW_MIN_SPREAD]


def test_a_late_cause_and_an_old_quote_are_one_reason() -> None:
    assert reasons(latency_ms=1000.1, age_ms=3000.0) == [Reason.STALE_DATA]


@given(st.lists(st.sampled_from(FAILURES), min_size=1, max_size=6, unique_by=lambda each: each[0]))
def test_several_failures_come_in_the_documented_order(failing: list[tuple[Reason, dict[str, Any]]]) -> None:
    changes: dict[str, Any] = {}
    for _, change in reversed(failing):  # the first of two changes of one figure holds
        changes |= change
    found = reasons(**changes)
    assert found == sorted(found, key=ORDER.index)
    first = min((reason for reason, _ in failing), key=ORDER.index)
    assert found[0] == first or found[0] in (*MONEY, Reason.THIN, Reason.NO_SIZE)
    assert len([reason for reason in found if reason in MONEY]) <= 1


def test_what_was_never_priced_has_no_word_on_its_edge() -> None:
    found = reasons(has_chain=False, gross_bps=NAN, net_bps=NAN)
    assert found == [Reason.NO_CHAIN]


def test_a_feed_without_sizes_is_no_thin_market() -> None:
    assert reasons(quoted=False, quantity=NAN, lot_coins=NAN) == [Reason.NO_SIZE]


NUMBERS = [field.name for field in msgspec.structs.fields(Assessment) if field.type is float]


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_nobody_knows_refuses(name: str) -> None:
    assert reasons(**{name: NAN}) != []


def test_the_numbers_that_were_set_to_unknown_are_all_that_an_assessment_has() -> None:
    assert {"age_ms", "span_ms", "latency_ms", "quantity", "lot_coins", "gross_bps", "net_bps"} <= set(NUMBERS)
    assert all(not math.isnan(getattr(GOOD, name)) for name in NUMBERS)


def test_nothing_known_at_all_refuses() -> None:
    assert reasons(**dict.fromkeys(NUMBERS, NAN)) != []
