"""What the engine, with its defaults, makes of the sample that the demo replays."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.app.inputs import Given, open_inputs
from aftershock.core.config import EngineConfig
from aftershock.core.engine import Engine
from aftershock.model.events import EndOfInput
from aftershock.model.orders import ApprovedOrder
from aftershock.model.signals import Action, ArbitrageSignal, Reason, TriggerKind, TriggerOpened
from aftershock.venues.tardis import merge
from tests.sim.tardis_rows import Sample, micros

pytestmark = pytest.mark.slow

SLOWEST_ROW_NS = 200_000_000
"""A row may be under way for so long after the venue stamped it."""


@pytest.fixture(scope="session")
def effects(sample: Sample) -> list[Any]:
    inputs = open_inputs([Given(path) for path in sample.paths])
    implied = {name: choice.value for name, choice in inputs.imply().items()}
    assert implied == {"clocks": "two", "forward": "quotes", "liquidation_venues": 3, "options_feed": "stream"}
    engine = Engine(EngineConfig(**implied), inputs.table)
    found: list[Any] = []
    last = 0
    for event in merge(inputs.sources):
        found += engine.process(event)
        last = event.ts_init
    return found + engine.process(EndOfInput(ts_event=last, ts_init=last))


def test_the_sample_shows_a_buy_a_sell_and_several_reasons_to_hold(effects: list[Any]) -> None:
    signals = [effect for effect in effects if isinstance(effect, ArbitrageSignal)]
    reasons = {signal.reason for signal in signals if signal.action is Action.HOLD}

    assert {signal.action for signal in signals} == set(Action)
    assert reasons >= {Reason.THIN, Reason.EXPIRY_WINDOW, Reason.FEES, Reason.NO_EDGE}


def test_every_order_takes_a_quote_that_a_planted_stall_left_behind(sample: Sample, effects: list[Any]) -> None:
    stalls = [
        (stall["symbol"], 1_000 * micros(stall["from"]), 1_000 * micros(stall["to"]) + SLOWEST_ROW_NS)
        for stall in sample.truth()["stalls"]
    ]
    orders = [effect for effect in effects if isinstance(effect, ApprovedOrder) and effect.intent.edge != "E"]
    assert len(orders) >= 4
    for order in orders:
        symbols = [leg.symbol for leg in order.intent.legs]
        assert any(symbol in symbols and start <= order.ts_init <= end for symbol, start, end in stalls), symbols


def test_market_triggers_open_in_the_shocks_and_nowhere_else(sample: Sample, effects: list[Any]) -> None:
    shocks = [
        (1_000 * micros(shock["from"]), 1_000 * micros(shock["to"]) + SLOWEST_ROW_NS)
        for shock in sample.truth()["shocks"]
    ]
    opened = [
        effect for effect in effects if isinstance(effect, TriggerOpened) and effect.kind is not TriggerKind.DISLOCATION
    ]
    cascades = [trigger for trigger in opened if trigger.kind is TriggerKind.CASCADE]

    assert [trigger.profile for trigger in cascades] == ["full", "full"]
    for trigger in opened:
        assert any(start <= trigger.ts_init <= end for start, end in shocks), trigger.trigger_id
    for start, end in shocks:
        assert any(start <= trigger.ts_init <= end for trigger in opened)


def test_the_perpetual_that_leaves_the_others_is_bought_against_another_and_opens_nothing_else(
    sample: Sample, effects: list[Any]
) -> None:
    (decoy,) = sample.truth()["decoys"]
    start, end = (1_000 * micros(decoy[name]) for name in ("from", "to"))
    (opened,) = [e for e in effects if isinstance(e, TriggerOpened) and e.kind is TriggerKind.DISLOCATION]
    (order,) = [e for e in effects if isinstance(e, ApprovedOrder) and e.intent.edge == "E"]

    assert start < opened.ts_init == order.ts_init < end
    legs = order.intent.legs
    assert [(leg.venue == decoy["venue"], leg.side.value) for leg in legs] == [(True, "buy"), (False, "sell")]
