"""One replay of a tiny market: what it decides, and how the document tells it."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from aftershock.app.inputs import Given
from aftershock.app.replay import ReplayOptions, ReplayResult, Watch, replay
from aftershock.app.settings import Settings, choose
from aftershock.model.signals import Action, ArbitrageSignal
from tests.app.market import STALLED, TICKER_HEAD, write


def run(paths: list[Path], flags: dict[str, object] | None = None, watch: Watch | None = None) -> ReplayResult:
    return replay(ReplayOptions(given=[Given(path) for path in paths], chosen=choose(flags)), watch)


def test_the_quote_that_stood_still_is_bought(replayed: ReplayResult) -> None:
    orders = [signal for signal in replayed.outcome.signals if signal.action is not Action.HOLD]

    assert [(signal.action, [leg.symbol for leg in signal.legs]) for signal in orders] == [(Action.BUY, [STALLED])]
    assert orders[0].spread_bps > orders[0].threshold_bps
    assert len(replayed.outcome.approved) == 1


def test_a_degraded_cascade_is_told_and_leads_to_one_hold(replayed: ReplayResult) -> None:
    document = replayed.document()

    assert document["triggers"]["by_kind"] == {"cascade": 1, "price_move": 1}
    assert document["degraded"]["count"] == 1
    assert "history" in document["degraded"]["by_condition"]
    assert document["hold_reasons"] == {"not_evaluable": 1, "stale_data": 1}


def test_the_document_has_every_promised_name(replayed: ReplayResult) -> None:
    names = (
        "schema_version rows rows_dropped incomplete clocks triggers degraded evaluations packages decisions "
        "hold_reasons signals latency_ns liquidations not_evaluable"
    )
    document = replayed.document()

    assert [name for name in names.split() if name not in document] == []
    assert set(document["latency_ns"]) >= {"p50", "p99", "max"}
    assert set(document["packages"]["parity"]) >= {"checked", "desync", "gross", "net"}
    assert document["decisions"] == {"BUY": 1, "SELL": 0, "HOLD": 2}
    assert document["rows"]["total"] == 3905


def test_the_document_is_json_without_nan_and_with_times_as_text(replayed: ReplayResult) -> None:
    text = json.dumps(replayed.document(), allow_nan=False)
    signal = json.loads(text)["signals"][0]

    assert signal["ts_init"].isdigit()
    assert signal["p_fill"] is None
    assert signal["spread_pct"] == pytest.approx(signal["spread_bps"] / 100)


def test_latencies_are_whole_nanoseconds_of_events_that_decided_and_of_all(replayed: ReplayResult) -> None:
    latency = replayed.document()["latency_ns"]

    assert all(isinstance(latency[name], int) for name in ("p50", "p99", "max", "events"))
    assert 0 < latency["events"] < latency["all"]["events"]
    assert latency["max"] <= latency["all"]["max"]


def test_money_of_a_contract_of_unknown_size_is_counted_and_never_summed(replayed: ReplayResult) -> None:
    totals = replayed.document()["liquidations"]

    assert totals["PEPE"] == {"count": 1, "usd": 0.0, "long_usd": 0.0, "short_usd": 0.0, "unconvertible": 1}
    assert totals["BTC"]["usd"] == pytest.approx(4 * 500 * 0.01 * 90_360.7, rel=1e-5)


def test_a_floor_takes_the_edge_away_and_says_so(market: list[Path]) -> None:
    result = run(market, {"min_spread_bps": 50.0})

    floor = result.document()["floor"]

    assert result.outcome.decisions()["BUY"] == 0
    assert result.outcome.hold_reasons()["below_min_spread"] == 1
    assert floor["edges_removed"] == 1
    assert floor["implied_move_bps"] > 100  # 50 bps of an option with a delta of a half


def test_a_trigger_that_is_not_armed_does_not_open(market: list[Path]) -> None:
    result = run(market, {"trigger.armed": ["cascade"]})

    assert result.document()["triggers"]["by_kind"] == {"cascade": 1}


def test_two_replays_differ_in_nothing_but_their_times(market: list[Path], replayed: ReplayResult) -> None:
    times = ("latency_ns", "wall_s", "rows_per_s", "journal")

    again, first = run(market).document(), replayed.document()

    assert {k: v for k, v in again.items() if k not in times} == {k: v for k, v in first.items() if k not in times}


def test_the_order_in_which_files_are_named_changes_no_decision(market: list[Path], replayed: ReplayResult) -> None:
    backwards = run(market[::-1])

    assert backwards.outcome.document() == replayed.outcome.document()


def test_decisions_are_handed_out_while_the_replay_runs(market: list[Path]) -> None:
    order: list[str] = []
    settled: list[Settings] = []
    watch = Watch(
        on_settled=settled.append,
        on_effect=lambda effect: order.append("decision") if isinstance(effect, ArbitrageSignal) else None,
        on_progress=lambda rows, _ts: order.append("progress") if rows == 3905 else None,
    )

    run(market, watch=watch)

    assert len(settled) == 1
    assert order.index("decision") < order.index("progress")


def test_a_stop_keeps_what_there_was_and_closes_open_triggers(market: list[Path]) -> None:
    seen: list[int] = []
    watch = Watch(on_progress=lambda rows, _ts: seen.append(rows), should_stop=lambda: seen[-1] >= 3_290)

    result = run(market, watch=watch)

    assert result.interrupted
    assert 3_000 < result.rows < 3_905
    assert set(result.outcome.closed) == {trigger.trigger_id for trigger in result.outcome.opened} != set()


def test_files_without_rows_give_a_report_without_decisions(tmp_path: Path) -> None:
    result = run([write(tmp_path / "ticker.csv", TICKER_HEAD, [])])

    document = result.document()

    assert document["decisions"] == {"BUY": 0, "SELL": 0, "HOLD": 0}
    assert document["latency_ns"]["p50"] is None
    assert msgspec.json.encode(document)
