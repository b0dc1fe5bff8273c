"""What is learnt from training records, how thresholds are chosen, and what is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from aftershock.errors import ConfigError, InputError
from aftershock.study.calibrate import CalibrationSettings, calibrate
from aftershock.study.calibration import (
    CalibrationDocument,
    TypeCalibration,
    decode_calibration,
    encode_calibration,
    stated_confidence,
)
from aftershock.study.records import RunKey, TriggerRecord
from aftershock.study.sample import Sample
from aftershock.study.table import tabulate
from aftershock.study.thresholds import Threshold, find_threshold
from tests.study.synthetic import LATENCY, lost, market, missed, noisy, order, trigger


def key(**changes: object) -> RunKey:
    values: dict[str, object] = {"world": "base", "makers": "slow", "latency_ms": 20.0, "feed_lag_ms": 0.0}
    return RunKey(**{"strategy": "engine", **values, **changes})  # type: ignore[arg-type] # a test names what it changes


def learnt(
    records: Sequence[TriggerRecord], settings: CalibrationSettings | None = None, **changes: object
) -> CalibrationDocument:
    return learnt_from([(key(**changes), records)], settings=settings)


def learnt_from(
    runs: Sequence[tuple[RunKey, Sequence[TriggerRecord]]],
    trials: int = 0,
    settings: CalibrationSettings | None = None,
) -> CalibrationDocument:
    return calibrate(runs, name="test", commit="abc1234", created="2026-11-23", trials=trials, settings=settings)


@pytest.fixture(name="document", scope="module")
def _document() -> CalibrationDocument:
    return learnt(market(noisy, 4000))


def threshold(good: list[float], bad: list[float], **settings: float) -> Threshold:
    """Find the threshold for good and bad fills with these claimed edges, all of one weight."""
    sent = [order(spread_bps=x) for x in good] + [lost(spread_bps=x) for x in bad]
    records = [trigger(i, "S1", positive=True, orders=(one,)) for i, one in enumerate(sent)]
    table = tabulate([*records, trigger(len(records))], LATENCY)
    return find_threshold(Sample(table, None), np.ones(len(sent), dtype=np.bool_), **settings)  # type: ignore[arg-type] # by name


def test_the_smallest_threshold_that_is_good_enough_at_its_bound() -> None:
    # From 5 bps on 100 good fills, below it as many bad ones: Wilson for 100 of 100 is 96.3 % at its lower end.
    found = threshold(good=[5.0 + 0.01 * i for i in range(100)], bad=[1.0 + 0.01 * i for i in range(100)])

    assert (found.rule, found.bps) == ("bound", 2.0)
    # At 2.0 no bad fill is left: nothing lies between the last bad one, at 1.99, and the first good one.
    assert found.fills == 100
    assert found.precision.low == pytest.approx(100 / 103.8416)


def test_with_too_few_fills_for_the_bound_the_estimate_decides() -> None:
    found = threshold(good=[5.0] * 40, bad=[1.0] * 10)

    assert (found.rule, found.precision.value) == ("point", 1.0)
    assert found.precision.low < 0.92


def test_a_type_that_is_never_good_enough_is_off() -> None:
    found = threshold(good=[float(i % 10) for i in range(100)], bad=[float(i % 10) for i in range(100)])

    assert (found.rule, found.bps, found.fills) == ("off", math.inf, 0)


def test_a_type_with_too_few_fills_is_off() -> None:
    assert threshold(good=[5.0] * 29, bad=[]).rule == "off"
    assert threshold(good=[5.0] * 30, bad=[]).rule == "point"


def test_every_threshold_looked_at_is_a_trial() -> None:
    # Edges from 1.0 to 3.0 in steps of 0.1: 21 thresholds, all with at least 30 fills above them.
    found = threshold(good=[1.0] * 30 + [3.0] * 40, bad=[])

    assert found.tried == 21
    assert threshold(good=[0.001 * i for i in range(100_00)][::10], bad=[]).tried <= 100


def test_a_document_holds_a_row_per_type_and_side(document: CalibrationDocument) -> None:
    assert [(found.edge, found.action) for found in document.types] == [("A", "BUY"), ("B1", "BUY"), ("C", "BUY")]
    assert document.seeds == {"base/slow": "0-199"}
    assert document.trials > 30


def test_the_confidence_that_was_learnt_is_true_on_other_seeds(document: CalibrationDocument) -> None:
    table = tabulate(market(noisy, 4000, seed=99), LATENCY)
    sample = Sample(table, document.prior)
    stated = stated_confidence(document, table.orders)
    among = table.filled & (stated > np.median(stated[table.filled]))
    weight = sample.order_weight[among]

    assert np.average(stated[among], weights=weight) == pytest.approx(
        np.average(table.won[among], weights=weight), abs=0.06
    )


def test_gain_and_loss_by_hand() -> None:
    # Positives share 0.1: two fills of 4 and 1 bps; plain triggers 0.9: one loss of 2.
    records = [
        trigger(0, "S1", positive=True, orders=(order(),)),
        trigger(1, "S1", positive=True, orders=(order(edge_bps=1.0, edge_usd=5.0), missed())),
        trigger(2, orders=(lost(),)),
        trigger(3),
    ]
    found = learnt(records).types[0]
    mean = (0.05 * 4 + 0.05 * 1 - 0.45 * 2) / 0.55

    assert (found.orders, found.fills) == (4, 3)
    assert found.gain_bps == pytest.approx(2.5)
    assert found.loss_bps == pytest.approx(2.0)
    variance = (0.05 * (4 - mean) ** 2 + 0.05 * (1 - mean) ** 2 + 0.45 * (-2 - mean) ** 2) / 0.55
    assert found.sd_bps == pytest.approx(math.sqrt(variance))


def test_until_a_loss_was_seen_it_is_taken_to_be_as_large_as_a_gain() -> None:
    found = learnt([trigger(0, "S1", positive=True, orders=(order(),)), trigger(1)]).types[0]

    assert (found.gain_bps, found.loss_bps) == (4.0, 4.0)


def test_a_type_that_never_filled_is_off_and_says_one_in_ten() -> None:
    found = learnt([trigger(0, "S1", positive=True, orders=(missed(),)), trigger(1)]).types[0]

    assert (found.threshold_bps, found.threshold_rule, found.threshold) == (None, "off", math.inf)
    assert set(found.confidence) == {0.1}
    assert (found.fills, found.gain_bps, found.sd_bps) == (0, 0.0, 0.0)


def test_the_horizon_of_the_later_profit_can_be_chosen() -> None:
    records = market(noisy, 800)
    soon, late = (learnt(records, CalibrationSettings(horizon=horizon)) for horizon in ("60s", "10m"))

    # In these records every fill is worth something after a minute and none after ten.
    assert min(soon.types[0].p_profit_h) > 0.5
    assert max(late.types[0].p_profit_h) < 0.1


def test_runs_of_the_same_seeds_are_learnt_from_together() -> None:
    runs = [(key(), market(noisy, 400)), (key(makers="fast"), market(noisy, 200, seed=8))]
    found = learnt_from(runs, trials=7)

    assert found.seeds == {"base/fast": "0-9", "base/slow": "0-19"}
    assert found.trials > 7


@pytest.mark.parametrize(
    ("seed", "world", "message"),
    [(100_000, "base", "seed 100000 is held out"), (3, "shifted", "shifted world is never tuned on")],
)
def test_what_is_for_judging_can_not_be_learnt_from(seed: int, world: str, message: str) -> None:
    records = [trigger(0, "S1", positive=True, orders=(order(),)), trigger(1, seed=seed)]

    with pytest.raises(ConfigError, match=message):
        learnt(records, world=world)


def test_the_last_training_seed_is_allowed() -> None:
    assert learnt([trigger(0, seed=99_999, orders=(order(),))]).seeds == {"base/slow": "99999-99999"}


def test_nothing_is_learnt_from_nothing() -> None:
    with pytest.raises(InputError, match="no training record"):
        learnt([])


def test_a_document_is_read_back_as_it_was_written(document: CalibrationDocument) -> None:
    data = encode_calibration(document)

    assert decode_calibration(data) == document
    assert encode_calibration(decode_calibration(data)) == data
    assert json.loads(data)["version"] == 1


def test_the_records_leave_the_same_document_in_any_order() -> None:
    records = market(noisy, 400)

    assert encode_calibration(learnt(records[::-1])) == encode_calibration(learnt(records))


def changed(document: CalibrationDocument, **changes: object) -> bytes:
    return msgspec.json.encode({**msgspec.to_builtins(document), **changes})


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        ({"base/slow": "0-100000"}, "held out"),
        ({"shifted/slow": "0-10"}, "never tuned on"),
        ({}, "does not say which seeds"),
        ({"base/slow": "all"}, "first-last"),
        ({"base/slow": "9-3"}, "first-last"),
    ],
)
def test_a_document_from_the_wrong_seeds_is_refused(
    document: CalibrationDocument, seeds: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        decode_calibration(changed(document, seeds=seeds))
    with pytest.raises(ConfigError, match=message):
        encode_calibration(msgspec.structs.replace(document, seeds=seeds))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"confidence": (0.5,)}, "one value per knot"),
        ({"spread_bps": (2.0, 1.0)}, "do not ascend"),
        ({"p_fill": (0.1, 1.5)}, "not between 0 and 1"),
        ({"p_fill": (0.1, math.nan)}, "not between 0 and 1"),
        ({"threshold_bps": -1.0}, "below zero"),
        ({"threshold_bps": math.inf}, "not finite"),
        ({"loss_bps": -1.0}, "none may be below zero"),
    ],
)
def test_a_type_that_does_not_hold_together_is_refused(
    document: CalibrationDocument, changes: dict[str, object], message: str
) -> None:
    whole = TypeCalibration(
        edge="A",
        action="BUY",
        threshold_bps=2.0,
        threshold_rule="bound",
        spread_bps=(1.0, 2.0),
        confidence=(0.5, 0.6),
        p_fill=(0.5, 0.6),
        p_profit_h=(0.5, 0.6),
        method="platt",
        gain_bps=1.0,
        loss_bps=1.0,
        sd_bps=1.0,
        orders=50,
        fills=50,
    )
    encode_calibration(msgspec.structs.replace(document, types=(whole,)))

    with pytest.raises(ConfigError, match=message):
        encode_calibration(msgspec.structs.replace(document, types=(msgspec.structs.replace(whole, **changes),)))


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"name": "x"}'])
def test_what_is_no_calibration_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(ConfigError, match="not a calibration"):
        decode_calibration(data)


def test_another_version_is_refused(document: CalibrationDocument) -> None:
    with pytest.raises(ConfigError, match="version 2"):
        decode_calibration(changed(document, version=2))


def test_an_unknown_field_is_refused(document: CalibrationDocument) -> None:
    with pytest.raises(ConfigError, match="unknown field"):
        decode_calibration(changed(document, thresholds=1))


def test_a_type_that_is_not_in_the_document_has_no_confidence(document: CalibrationDocument) -> None:
    assert np.isnan(stated_confidence(document, [order(edge="E")])).all()


def test_the_two_sides_of_a_pair_trade_are_learnt_together() -> None:
    def sent(i: int, edge: str, action: str) -> TriggerRecord:
        one = order(edge=edge, action=action) if i % 3 else lost(edge=edge, action=action)
        return trigger(i, "S6", positive=True, orders=(one,))

    records = [sent(i, "E" if i < 80 else "A", "BUY" if i % 2 else "SELL") for i in range(160)]
    types = {(each.edge, each.action): each for each in learnt([*records, trigger(len(records))]).types}
    pair = [msgspec.structs.replace(types["E", side], action="") for side in ("BUY", "SELL")]
    assert pair[0] == pair[1]
    assert pair[0].orders == 80
    assert types["A", "BUY"].orders == types["A", "SELL"].orders == 40
