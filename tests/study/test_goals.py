"""Goals are judged at the bound, and only on enough."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from aftershock.study.goals import Goal, judge
from aftershock.study.metrics import measure
from aftershock.study.records import TriggerRecord
from aftershock.study.sample import Sample
from aftershock.study.table import tabulate
from tests.study.synthetic import LATENCY, always_hold, lost, market, oracle, order, trigger

MUST_BE_ZERO = ("D7", "D8", "D9", "D12", "D13", "D20")


def judged(records: Sequence[TriggerRecord]) -> dict[str, Goal]:
    metrics = measure(Sample(tabulate(records, LATENCY), 0.10))
    return {goal.name: goal for goal in judge(metrics, records)}


def planted(captured: int, of: int, confidence: float = 1.0) -> list[TriggerRecord]:
    """Return planted triggers, so many of them captured, then 200 of each decoy that must be zero, then plain ones."""
    sent = order(confidence=confidence)
    records = [trigger(i, "S1", positive=True, orders=(sent,) if i < captured else ()) for i in range(of)]
    records += [trigger(of + i, MUST_BE_ZERO[i % 6]) for i in range(1200)]
    return records + [trigger(i) for i in range(len(records), 4000)]


def test_a_strategy_that_knows_everything_meets_every_goal() -> None:
    found = judged(planted(2000, 2000))

    outcomes = {name: goal.outcome for name, goal in found.items()}
    assert set(outcomes.values()) == {"met"}
    assert len(outcomes) == 11


@pytest.mark.parametrize(("captured", "outcome"), [(1400, "missed"), (1440, "missed"), (1441, "met"), (1600, "met")])
def test_capture_is_judged_at_its_lower_bound(captured: int, outcome: str) -> None:
    # Wilson for 1,441 of 2,000 is 0.7005 at its lower end, for 1,440 it is 0.69995: 72 % is not enough for 70 %.
    assert judged(planted(captured, 2000))["recall_capture"].outcome == outcome


def test_a_strategy_that_never_orders_meets_no_goal() -> None:
    found = judged(market(always_hold, 4000))

    assert "met" not in {goal.outcome for goal in found.values()}
    assert found["recall_capture"].outcome == "missed"
    assert found["accuracy"].outcome == "missed"
    assert found["fpr"].outcome == "not_established"
    assert found["fpr"].note == "only 0 of 200 fills"
    assert found["precision_fill"].outcome == "not_established"


def test_a_wrong_confidence_misses_the_calibration_goal() -> None:
    # Stated 0.9 and always true: off by 0.1.
    found = judged(planted(1500, 2000, confidence=0.9))

    assert found["ece"].bound == pytest.approx(0.1)
    assert found["ece"].outcome == "missed"


def test_calibration_needs_500_fills() -> None:
    assert judged(planted(499, 2000))["ece"].outcome == "not_established"
    assert judged(planted(500, 2000))["ece"].outcome == "met"


def test_precision_needs_200_fills() -> None:
    assert judged(planted(199, 2000))["precision_fill"].outcome == "not_established"
    # 200 fills without a false one are enough to judge, and too few to be sure of 90 %: a false one would weigh nine.
    assert judged(planted(200, 2000))["precision_fill"].outcome == "missed"


def test_under_4000_triggers_nothing_is_met() -> None:
    found = judged(planted(2000, 2000)[:3999])

    assert {found[name].outcome for name in ("precision_fill", "recall_capture", "accuracy", "fpr", "ece")} == {
        "not_established"
    }


def test_one_order_on_a_decoy_of_data_quality_is_a_miss_however_few_there_are() -> None:
    records = [trigger(0, "D7", orders=(lost(),)), trigger(1, "D8")]
    found = judged(records)

    assert (found["orders on D7"].outcome, found["orders on D7"].bound) == ("missed", 1.0)
    assert found["orders on D8"].outcome == "not_established"
    assert found["orders on D8"].note == "only 1 of 200 triggers"


def test_the_decoy_of_hostile_names_is_judged_as_the_others_are() -> None:
    assert judged(market(oracle, 40))["orders on D20"].note == "only 0 of 200 triggers"
    assert judged([trigger(0, "D20", orders=(lost(),))])["orders on D20"].outcome == "missed"
