"""3,433 real liquidations of one venue, at bankruptcy prices, beside three snapshots of a chain without sizes."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from pathlib import Path

import pytest

from aftershock.core.config import EngineConfig
from aftershock.core.engine import Effect, Engine
from aftershock.model.orders import ApprovedOrder, RefusedOrder
from aftershock.model.signals import Action, ArbitrageSignal, Reason, TriggerClosed, TriggerOpened
from tests.core.market import of_type
from tests.core.recorded import LIQUIDATIONS_2026, OPTIONS_2026, events_of, replayed

pytestmark = pytest.mark.slow  # whole runs, again and again

CONTRACT_COINS = {"BTC": 0.01, "ETH": 0.1, "SOL": 1.0, "DOGE": 1000.0, "HYPE": 0.1}
MILLIONS = {"BTC": 3.27, "ETH": 2.47, "SOL": 3.44, "DOGE": 4.57, "HYPE": 0.26}


@pytest.fixture(scope="module")
def replay(shared_data: Path) -> tuple[Engine, list[Effect]]:
    events = events_of(shared_data, OPTIONS_2026, LIQUIDATIONS_2026)
    return replayed(events, EngineConfig(forward="underlying", options_feed="poll", clocks="one"))


def test_totals_are_near_what_was_published(replay: tuple[Engine, list[Effect]]) -> None:
    totals = replay[0].stats.liquidations
    assert {name: each.usd / 1e6 for name, each in totals.items()} == pytest.approx(MILLIONS, abs=0.005)
    assert sum(each.count for each in totals.values()) == 3_433
    assert sum(each.unconvertible for each in totals.values()) == 0


def test_totals_are_those_of_the_file_added_up_by_hand(replay: tuple[Engine, list[Effect]], shared_data: Path) -> None:
    usd: dict[tuple[str, str], float] = defaultdict(float)
    with gzip.open(shared_data / "tardis" / LIQUIDATIONS_2026, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            coin = row["symbol"].split("-")[0]
            usd[coin, row["side"]] += float(row["amount"]) * float(row["price"]) * CONTRACT_COINS[coin]
    totals = replay[0].stats.liquidations
    assert {coin: each.long_usd for coin, each in totals.items()} == pytest.approx(
        {coin: usd[coin, "sell"] for coin in totals}
    )
    assert {coin: each.short_usd for coin, each in totals.items()} == pytest.approx(
        {coin: usd[coin, "buy"] for coin in totals}
    )


def test_every_cascade_is_degraded_for_want_of_a_forward_and_its_history(
    replay: tuple[Engine, list[Effect]],
) -> None:
    opened = of_type(TriggerOpened, replay[1])
    assert len(opened) > 100
    assert {each.profile for each in opened} == {"degraded"}
    assert all({"forward", "history"} <= {*each.not_evaluable} for each in opened)


def test_a_cascade_is_aligned_with_the_bankruptcy_price_once_a_chain_is_there(
    replay: tuple[Engine, list[Effect]],
) -> None:
    engine, effects = replay
    opened = of_type(TriggerOpened, effects)
    with_chain = {name for name, asset in engine.assets.items() if asset.chains}
    assert with_chain == {"BTC", "ETH"}
    for name in ("BTC", "ETH"):
        aligned = [each.alignment for each in opened if each.asset == name]
        first = next(at for at, each in enumerate(aligned) if each is not None)
        assert all(each is None for each in aligned[:first])
        after = [each for each in aligned[first:] if each is not None]
        assert len(after) == len(aligned) - first
        assert {each.price_source for each in after} == {"bankruptcy price of the liquidation"}
        assert all(each.atm_strike is not None for each in after)
    assert all(each.alignment is None for each in opened if each.asset not in with_chain)


def test_each_says_exactly_one_hold_and_no_order(replay: tuple[Engine, list[Effect]]) -> None:
    effects = replay[1]
    signals, closed = of_type(ArbitrageSignal, effects), of_type(TriggerClosed, effects)
    assert {signal.action for signal in signals} == {Action.HOLD}
    assert sorted(signal.trigger_id for signal in signals) == sorted(each.trigger_id for each in closed)
    assert not [effect for effect in effects if isinstance(effect, ApprovedOrder | RefusedOrder)]


def test_the_reasons_name_all_that_is_missing(replay: tuple[Engine, list[Effect]]) -> None:
    signals = of_type(ArbitrageSignal, replay[1])
    assert {signal.reason for signal in signals} == {Reason.NO_CHAIN, Reason.STALE_DATA}
    for signal in signals:
        assert {Reason.NO_FORWARD, Reason.NO_SIZE, Reason.NOT_EVALUABLE} <= {*signal.also}
