"""The figures against arithmetic by hand, and strategies whose figures are known beforehand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import pytest

from aftershock.study.metrics import METRICS, Metrics, measure, prevalence
from aftershock.study.records import TriggerRecord
from aftershock.study.sample import Sample
from aftershock.study.table import tabulate
from tests.study.synthetic import (
    LATENCY,
    NAN,
    always_hold,
    coin,
    lost,
    market,
    missed,
    noisy,
    oracle,
    order,
    trigger,
)


def measured(records: Sequence[TriggerRecord], prior: float | None = 0.10) -> Metrics:
    return measure(Sample(tabulate(records, LATENCY), prior))


def values(records: Sequence[TriggerRecord], prior: float | None = 0.10) -> dict[str, float]:
    return {name: found.value for name, found in measured(records, prior).figures.items()}


def counts(hits: int, wrong: int, missing: int, left: int) -> list[TriggerRecord]:
    """Return triggers with a given confusion; planted where true, plain where not."""
    kinds = [(True, order())] * hits + [(False, lost())] * wrong + [(True, None)] * missing + [(False, None)] * left
    return [
        trigger(i, "S1" if true else "plain", positive=true, orders=() if sent is None else (sent,))
        for i, (true, sent) in enumerate(kinds)
    ]


def test_a_confusion_matrix_by_hand() -> None:
    found = values(counts(40, 10, 20, 130), prior=None)

    assert found["accuracy"] == pytest.approx(170 / 200)
    assert found["accuracy_always_hold"] == pytest.approx(140 / 200)
    assert found["fpr"] == pytest.approx(10 / 140)
    assert found["recall_detect"] == found["recall_capture"] == pytest.approx(40 / 60)
    assert found["f1"] == pytest.approx(2 * 40 / (2 * 40 + 10 + 20))
    assert found["mcc"] == pytest.approx((40 * 130 - 10 * 20) / math.sqrt(50 * 60 * 140 * 150))
    assert found["precision_fill"] == found["precision_order"] == pytest.approx(40 / 50)


def test_a_late_order_is_judged_on_all_that_the_fastest_was_offered() -> None:
    def record(i: int, *, alive_at_20: bool, sent: bool) -> TriggerRecord:
        plain = trigger(i, "S1", positive=alive_at_20, orders=(order(),) if sent else ())
        return msgspec.structs.replace(plain, positive={"1": True, "20": alive_at_20})

    in_time = [record(i, alive_at_20=True, sent=i < 6) for i in range(8)]
    too_late = [record(i, alive_at_20=False, sent=False) for i in range(8, 12)]
    found = values([*in_time, *too_late, trigger(12, positive=False)], prior=None)
    assert found["recall_capture"] == pytest.approx(6 / 8)
    assert found["recall_offered"] == pytest.approx(6 / 12)


@pytest.mark.parametrize(("prior", "expected"), [(0.01, 0.139), (0.10, 0.640)])
def test_precision_at_a_prior_follows_its_algebra(prior: float, expected: float) -> None:
    # TPR 0.8, FPR 0.05: P(pi) = 0.8 pi/(0.8 pi + 0.05 (1 - pi)).
    found = values(counts(80, 5, 20, 95), prior)

    assert found["precision_fill"] == pytest.approx(0.8 * prior / (0.8 * prior + 0.05 * (1 - prior)))
    assert found["precision_fill"] == pytest.approx(expected, abs=5e-4)
    assert found["accuracy"] == pytest.approx(0.8 * prior + 0.95 * (1 - prior))
    assert found["accuracy_always_hold"] == pytest.approx(1 - prior)


def test_decoys_share_half_of_the_negatives_equally() -> None:
    # One order in two triggers of D1, none in eight of D2, none in the plain ones: 0.5 x 1/2 x 1/2 of the negatives.
    records = [trigger(0, "S1", positive=True, orders=(order(),))]
    records += [trigger(1, "D1", orders=(lost(),)), trigger(2, "D1")]
    records += [trigger(i, "D2") for i in range(3, 11)] + [trigger(i) for i in range(11, 15)]

    assert values(records)["fpr"] == pytest.approx(0.125)


def test_an_order_that_fills_nothing_counts_as_sent() -> None:
    records = [trigger(0, "S1", positive=True, orders=(missed(),)), trigger(1)]
    found = values(records)

    assert found["recall_detect"] == 1.0
    assert found["recall_capture"] == 0.0
    assert found["precision_order"] == 0.0
    assert math.isnan(found["precision_fill"])


def test_a_planted_trigger_whose_edge_was_gone_is_a_negative_that_can_still_be_detected() -> None:
    records = [trigger(0, "S1", orders=(lost(),)), trigger(1, "S1", positive=True), trigger(2)]
    found = values(records)

    assert found["recall_detect"] == 0.5
    assert found["fpr"] == 0.5
    assert found["recall_capture"] == 0.0


def test_capture_asks_for_the_edge_per_coin_and_precision_for_the_money() -> None:
    dear = order(edge_bps=1.0, edge_usd=-3.0, partial_loss_usd=-8.0)
    found = values([trigger(0, "S1", positive=True, orders=(dear,)), trigger(1)])

    assert (found["recall_capture"], found["precision_fill"]) == (1.0, 0.0)


def test_profit_and_loss_by_hand() -> None:
    # Weights 0.05 and 0.05 for the positives, 0.45 and 0.45 for the plain ones.
    records = [
        trigger(0, "S1", positive=True, orders=(order(), missed(edge_usd=NAN, partial_loss_usd=-6.0))),
        trigger(1, "S1", positive=True),
        trigger(2, orders=(lost(),)),
        trigger(3),
    ]
    found = values(records)

    assert found["pnl_bps_per_fill"] == pytest.approx((0.05 * 4.0 + 0.45 * -2.0) / 0.5)
    assert found["pnl_usd"] == pytest.approx(0.05 * (20.0 - 6.0) + 0.45 * -10.0)


def test_the_realised_label_stands_beside_the_edge_label() -> None:
    lucky = lost(realised_bps={"1s": -2.0, "60s": 8.0})
    found = measured([trigger(0, "S1", positive=True, orders=(order(),)), trigger(1, orders=(lucky,))])

    assert list(found.realised) == ["1s", "10s", "60s", "10m"]
    assert found.figures["precision_fill"].value == pytest.approx(0.1)
    assert found.realised["60s"].precision_fill.value == pytest.approx(1.0)
    assert found.realised["60s"].pnl_bps_per_fill.value == pytest.approx(0.1 * 2.0 + 0.9 * 8.0)
    assert [found.realised[horizon].precision_fill.n for horizon in ("1s", "10s", "60s")] == [2, 1, 2]
    assert found.realised["10m"].precision_fill.value == 0.0


def test_an_oracle_scores_one() -> None:
    found = values(market(oracle))

    for name in ("accuracy", "recall_capture", "precision_fill", "precision_order", "f1", "mcc"):
        assert found[name] == pytest.approx(1.0)
    assert found["fpr"] == 0.0
    # One planted edge in ten is gone before an order could arrive; the oracle knows it.
    assert 0.8 < found["recall_detect"] < 1.0


def test_always_hold_scores_nothing_but_its_accuracy() -> None:
    found = values(market(always_hold))

    for name in ("recall_detect", "recall_capture", "f1", "mcc", "fpr", "pnl_usd"):
        assert found[name] == 0.0
    assert found["accuracy"] == pytest.approx(found["accuracy_always_hold"]) == pytest.approx(0.9)
    assert math.isnan(found["precision_fill"])


@pytest.mark.parametrize("prior", [0.10, 0.01])
def test_a_coin_scores_the_prior(prior: float) -> None:
    found = measured(market(coin, 4000), prior).figures

    assert found["precision_order"].low < prior < found["precision_order"].high
    assert found["precision_order"].value == pytest.approx(prior, rel=0.15)
    assert found["recall_capture"].low < 0.5 < found["recall_capture"].high
    assert found["mcc"].low < 0.0 < found["mcc"].high


def test_a_strategy_that_loses_half_of_its_orders_scores_worse_never_better() -> None:
    records = market(noisy, 1200)
    lame = [
        msgspec.structs.replace(record, orders=() if (20 * record.seed + record.index) // 4 % 2 else record.orders)
        for record in records
    ]
    whole, half = values(records), values(lame)

    for name in ("recall_detect", "recall_capture", "f1", "mcc", "pnl_usd"):
        assert half[name] < 0.75 * whole[name]


def test_few_triggers_establish_nothing() -> None:
    found = measured(market(oracle, 400)).figures

    assert list(found) != []
    assert sorted(found) == sorted(METRICS)
    assert {figure.status for figure in found.values()} == {"not_established"}


def test_four_thousand_triggers_establish_what_their_fills_allow() -> None:
    many, none = measured(market(oracle, 4000)).figures, measured(market(always_hold, 4000)).figures

    assert {figure.status for figure in many.values()} == {"ok"}
    assert [none[name].status for name in ("accuracy", "fpr", "recall_capture", "f1")] == ["ok"] * 4
    assert {none[name].status for name in ("precision_fill", "ece", "brier", "pnl_usd")} == {"not_established"}


def test_figures_of_both_classes_need_both_classes() -> None:
    found = measured([trigger(i) for i in range(4000)]).figures

    assert found["fpr"].status == "ok"
    assert found["accuracy"].status == found["recall_capture"].status == "not_established"


def test_every_interval_holds_its_value() -> None:
    for found in measured(market(noisy, 800)).figures.values():
        assert found.low <= found.value + 1e-12
        assert found.value <= found.high + 1e-12


def test_prevalence_is_that_of_the_simulation() -> None:
    sample = Sample(tabulate(counts(40, 10, 20, 130), LATENCY), 0.01)

    assert prevalence(sample).value == pytest.approx(60 / 200)
