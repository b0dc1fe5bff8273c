"""What became of an order, in the journal, in the report and in `explain`."""

from __future__ import annotations

from pathlib import Path

import msgspec

from aftershock.app.explain import explain
from aftershock.app.outcome import Effect, Outcome
from aftershock.app.records import decode_effect, encode_effect, encode_stats
from aftershock.app.replay import ReplayResult
from aftershock.cli.explain_text import explanation_text
from aftershock.core.config import EngineConfig
from aftershock.core.stats import EngineStats
from aftershock.journal import JournalReader, JournalWriter
from aftershock.model.orders import ApprovedOrder, Leg, OrderIntent, PackageResult, RefusedOrder, Side


def hedge_of(entry: ApprovedOrder) -> OrderIntent:
    leg = Leg(venue="bybit", symbol="BTCUSDT", side=Side.SELL, ratio=1.0, price=89_820.0, price_usd=89_820.0)
    return msgspec.structs.replace(
        entry.intent,
        intent_id=f"{entry.intent.intent_id}/hedge-1",
        legs=(leg,),
        quantity=0.2,
        hedge=None,
        reduce_only=True,
        purpose="hedge",
        parent=entry.intent.intent_id,
    )


def result_of(entry: ApprovedOrder) -> PackageResult:
    return PackageResult(
        ts_init=entry.ts_init + 7_000_000,
        intent_id=entry.intent.intent_id,
        trigger_id=entry.intent.trigger_id,
        edge=entry.intent.edge,
        status="partial",
        wanted=1.0,
        filled=0.4,
        kept=0.4,
        leg_coins=(0.4,),
        leg_prices=(0.02,),
        excess=(0.0,),
        hedge_wanted=0.2,
        hedge_coins=0.2,
        hedge_price=89_990.5,
        fees_usd=19.8,
        unwind_loss_usd=12.34,
        left={"BTC-9OCT26-90000-C.deribit": 0.1},
    )


def test_a_result_comes_back_from_its_record_and_is_reported(replayed: ReplayResult) -> None:
    result = result_of(replayed.outcome.approved[0])
    kind, payload = encode_effect(result)
    assert kind == 8
    assert decode_effect(payload) == result
    outcome = Outcome(EngineConfig())
    outcome.add(result)
    (document,) = outcome.document()["orders"]["results"]
    assert document["status"] == "partial"
    assert document["ts_init"] == str(result.ts_init)


def test_a_replay_in_which_nobody_answers_reports_no_result(replayed: ReplayResult) -> None:
    assert replayed.outcome.approved
    assert replayed.outcome.document()["orders"]["results"] == []


def test_an_explanation_tells_hedge_and_result(journal: Path, tmp_path: Path) -> None:
    found = explain(journal, "best")
    assert found.approved is not None
    assert (found.followers, found.results) == ((), ())
    assert "outcome" not in explanation_text(found)
    hedge, result = hedge_of(found.approved), result_of(found.approved)
    refused = RefusedOrder(
        ts_init=result.ts_init, intent=hedge, limit="quantity", value=0.2, allowed=0.1, detail="0.2 coins, at most 0.1"
    )
    again = explain(with_effects(journal, tmp_path / "traded", [refused, result]), "best")
    assert again.followers == (refused,)
    assert again.results == (result,)
    text = explanation_text(again)
    assert "hedge: sell 0.2000 coins of BTCUSDT on bybit, limit 89820, refused by quantity" in text
    assert "partial: 0.4000 of 1.0000 coins filled, 0.4000 kept" in text
    assert "hedge 0.2000 of 0.2000 coins at 89,990.50; fees 19.80 USD, unwinding lost 12.34 USD" in text
    assert "still held and should not be: 0.1000 coins of BTC-9OCT26-90000-C.deribit" in text
    assert again.document()["results"][0]["status"] == "partial"


def with_effects(journal: Path, folder: Path, effects: list[Effect]) -> Path:
    """Copy a journal's outputs into a new one, and add effects at the end."""
    reader = JournalReader(journal)
    outputs = [(kind, payload) for _, kind, payload in reader.outputs()]
    with JournalWriter.create(folder, reader.head) as writer:
        for kind, payload in [
            *outputs[:-1],
            *(encode_effect(effect) for effect in effects),
            encode_stats(EngineStats()),
        ]:
            writer.append_output(kind, payload)
    return folder
