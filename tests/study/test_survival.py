"""Survival over order latency by hand, the waterfall, and the check for leaks."""

from __future__ import annotations

import math

import pytest

from aftershock.study.leaks import leak_check
from aftershock.study.records import OrderRecord, TriggerRecord
from aftershock.study.sample import Sample
from aftershock.study.survival import survival
from aftershock.study.table import tabulate
from aftershock.study.waterfall import waterfall
from tests.study.synthetic import LATENCY, NAN, leaking, lost, market, missed, oracle, order, trigger


def sample(*orders: OrderRecord) -> Sample:
    """Return planted triggers with an order each, all of one weight."""
    records = [trigger(i, "S1", positive=True, orders=(sent,)) for i, sent in enumerate(orders)]
    return Sample(tabulate([*records, trigger(len(records))], LATENCY), None)


def at(*edges: float) -> OrderRecord:
    """Return an order with these edges at 1, 5, 20 and 50 ms."""
    return order(by_latency_bps=dict(zip(("1", "5", "20", "50"), edges, strict=True)))


def test_the_curve_by_hand() -> None:
    found = survival(
        sample(at(4.0, 4.0, 4.0, NAN), at(2.0, 2.0, -1.0, NAN), at(3.0, -2.0, NAN, NAN), at(5.0, 5.0, 5.0, 1.0))
    )

    assert [point.latency_ms for point in found.points] == [1.0, 5.0, 20.0, 50.0]
    assert [point.alive.value for point in found.points] == pytest.approx([1.0, 0.75, 0.5, 0.25])
    assert [point.edge_bps.value for point in found.points] == pytest.approx([3.5, 9 / 4, 8 / 3, 1.0])
    assert [point.per_order_bps.value for point in found.points] == pytest.approx([14 / 4, 9 / 4, 8 / 4, 1 / 4])
    assert found.half_life_ms == pytest.approx(20.0)


def test_the_half_life_lies_between_its_neighbours_in_the_logarithm() -> None:
    # 1, then 3/4 at 5 ms, then 1/4 at 20 ms: half is midway, at sqrt(5 x 20).
    found = survival(sample(at(4, 4, 4, 4), at(4, 4, NAN, NAN), at(4, 4, NAN, NAN), at(4, NAN, NAN, NAN)))

    assert found.half_life_ms == pytest.approx(10.0)


def test_edges_that_last_have_no_half_life_within_the_curve() -> None:
    found = survival(sample(at(4, 4, 4, 4)))

    assert math.isinf(found.half_life_ms)
    assert found.longest_ms == 50.0


def test_a_strategy_that_orders_on_nothing_has_no_half_life() -> None:
    assert math.isnan(survival(sample(lost(), missed())).half_life_ms)
    assert survival(sample()).points == ()


def test_the_waterfall_adds_up_to_the_label() -> None:
    found = waterfall(sample(order(), lost(), missed()))

    assert found.n == 2
    assert [(step.name, step.bps.value) for step in found.steps] == [
        ("claimed_gross", 9.0),
        ("option_fee", -3.0),
        ("hedge", -1.0),
        ("value_error", -4.0),
    ]
    assert found.net_bps.value == pytest.approx(1.0)
    assert sum(step.bps.value for step in found.steps) == pytest.approx(found.net_bps.value)
    assert found.gap_bps == pytest.approx(0.0, abs=1e-12)


def test_a_waterfall_that_misses_its_label_says_by_how_much() -> None:
    assert waterfall(sample(order(waterfall_bps={"claimed_gross": 9.0, "fee": -3.0}))).gap_bps == pytest.approx(2.0)


def test_a_strategy_that_reads_the_truth_is_caught() -> None:
    found = leak_check(market(leaking))

    assert found.verdict == "suspect"
    assert (found.early, found.share.value, found.earliest_ms) == (found.n, 1.0, -35.0)


def test_a_strategy_that_waits_for_its_data_is_clear() -> None:
    found = leak_check(market(oracle))

    assert (found.verdict, found.early) == ("clear", 0)
    assert found.n > 100


@pytest.mark.parametrize(("early", "verdict"), [(5, "clear"), (6, "clear"), (10, "suspect")])
def test_chance_alone_is_no_leak(early: int, verdict: str) -> None:
    # Wilson's lower bound for 6 of 400 is 0.7 %, for 10 of 400 it is 1.4 %.
    leads = [-1.0] * early + [5.0] * (400 - early)
    records: list[TriggerRecord] = [trigger(i, orders=(order(lead_ms=lead),)) for i, lead in enumerate(leads)]

    assert leak_check(records).verdict == verdict


def test_orders_without_a_true_opportunity_say_nothing_about_leaks() -> None:
    found = leak_check([trigger(0, orders=(lost(), lost()))])

    assert (found.n, found.verdict) == (0, "clear")
