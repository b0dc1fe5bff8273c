"""Where orders, fills and captures went."""

from __future__ import annotations

import pytest

from aftershock.study.breakdown import by_plan, by_type, capture_by_peak, capture_by_plan, hold_reasons
from aftershock.study.sample import Sample
from aftershock.study.table import tabulate
from tests.study.synthetic import LATENCY, lost, missed, opportunity, order, trigger


def test_orders_by_type_at_the_prior() -> None:
    records = [
        trigger(0, "S1", positive=True, orders=(order(), order(edge="B1", edge_bps=1.0, edge_usd=5.0), missed())),
        trigger(1, orders=(lost(), lost(edge=""))),
        trigger(2),
    ]
    found = {row.edge: row for row in by_type(Sample(tabulate(records, LATENCY), 0.10))}

    assert list(found) == ["A", "B1", "none"]
    assert (found["A"].orders, found["A"].fills, found["A"].pnl_usd) == (3, 2, 10.0)
    # Weight 0.1 for the positive, 0.45 for each plain one.
    assert found["A"].precision_fill.value == pytest.approx(0.1 / 0.55)
    assert found["A"].pnl_bps_per_fill.value == pytest.approx((0.1 * 4.0 - 0.45 * 2.0) / 0.55)
    assert found["B1"].precision_fill.value == 1.0


def test_triggers_by_plan_in_the_order_of_the_plans() -> None:
    records = [
        trigger(0, "D10", orders=(lost(),), outside_orders=2),
        trigger(1, "D2"),
        trigger(2, "plain"),
        trigger(3, "S1", positive=True, orders=(order(), order())),
        trigger(4, "D2", orders=(missed(),)),
    ]
    rows = by_plan(Sample(tabulate(records, LATENCY), 0.10))

    assert [row.plan for row in rows] == ["S1", "plain", "D2", "D10"]
    assert [(row.n, row.positive, row.orders, row.fills, row.pnl_usd) for row in rows] == [
        (1, 1, 2, 2, 40.0),
        (1, 0, 0, 0, 0.0),
        (2, 0, 1, 0, 0.0),
        (1, 0, 1, 1, -10.0),
    ]
    assert [row.ordered.value for row in rows] == [1.0, 0.0, 0.5, 1.0]
    assert [row.expected for row in rows] == ["order", "HOLD", "HOLD", "HOLD"]
    assert [row.outside_orders for row in rows] == [0, 0, 0, 2]


def test_reasons_to_hold_are_added_up_and_ranked() -> None:
    records = [
        trigger(0, hold_reasons={"fees": 2, "gap": 1}),
        trigger(1, hold_reasons={"fees": 1, "no_edge": 3}),
        trigger(2, hold_reasons={}),
    ]

    assert list(hold_reasons(records).items()) == [("fees", 3), ("no_edge", 3), ("gap", 1)]


def test_capture_by_peak_counts_what_was_alive_in_time() -> None:
    chances = (
        opportunity(peak_bps=0.5, captured=True),
        opportunity(peak_bps=1.0),
        opportunity(peak_bps=4.9, captured=True),
        opportunity(peak_bps=4.9, alive={LATENCY: False}, captured=True),
        opportunity(peak_bps=12.0),
        opportunity(peak_bps=30.0, captured=True),
    )
    rows = capture_by_peak([trigger(0, "S1", positive=True, opportunities=chances)], LATENCY)

    assert [(row.name, row.captured.n) for row in rows] == [("0-1", 1), ("1-2", 1), ("2-5", 1), ("5-10", 0), ("10+", 2)]
    assert [row.captured.value for row in rows if row.captured.n] == [1.0, 0.0, 1.0, 0.5]


def test_capture_by_what_was_planted_shows_natural_ones_last() -> None:
    chances = (opportunity(planted=""), opportunity(planted="S4", captured=True), opportunity(planted="S1"))
    rows = capture_by_plan([trigger(0, "S1", positive=True, opportunities=chances)], LATENCY)

    assert [(row.name, row.captured.value) for row in rows] == [("S1", 0.0), ("S4", 1.0), ("natural", 0.0)]
