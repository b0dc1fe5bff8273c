"""The whole way, from a crash to a hedged option, with a venue that answers each order; and where batches are cut."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import msgspec

from aftershock.core.config import EngineConfig
from aftershock.core.engine import Effect, Engine
from aftershock.core.marks import Mark, mark
from aftershock.model.events import Event, OrderUpdate
from aftershock.model.orders import ApprovedOrder, Fill, PackageResult, leg_client_id
from aftershock.model.signals import Action, ArbitrageSignal
from aftershock.model.units import NAN
from tests.core.market import EXPIRY, Row, encoded, engine_of, instrument, millis, of_type, run
from tests.core.shock import CONFIG, batched, level, one_by_one, timeline, usual_effects

LATENCY = millis(5)
QUOTES_ONLY = msgspec.structs.replace(CONFIG, threshold_static_bps=5_000.0)
"""Without static packages: what is held is calls, puts and their hedges."""


def answers(order: ApprovedOrder, heard: int) -> list[Event]:
    """Return what a venue says: each leg fills at its limit, of an entry three quarters, and the rest expires."""
    events: list[Event] = []
    now = heard + LATENCY
    for number, leg in enumerate(order.intent.legs, start=1):
        client_id = leg_client_id(order.intent.intent_id, number)
        share = 0.75 if order.intent.purpose == "entry" and order.intent.quantity * 0.75 >= 0.1 else 1.0
        lots = round(order.intent.quantity * share * 10) / 10 if share < 1 else order.intent.quantity
        events.append(
            Fill(
                ts_event=now,
                ts_init=now,
                client_id=client_id,
                trade_id=client_id,
                venue=leg.venue,
                symbol=leg.symbol,
                side=leg.side,
                quantity=lots,
                price=leg.price,
                fee=NAN,
            )
        )
        events.append(OrderUpdate(ts_event=now, ts_init=now, client_id=client_id, status="expired"))
    return events


def traded(events: Iterable[Event], config: EngineConfig) -> tuple[Engine, list[Effect], list[Event]]:
    """Run events one by one through an engine whose orders are answered; return also the answers."""
    engine, effects, told = engine_of(config), [], []
    due: list[Event] = []
    for event in events:
        while due and due[0].ts_init < event.ts_init:
            answer = due.pop(0)
            told.append(answer)
            said = engine.process(answer)
            effects += said
            due += [new for order in of_type(ApprovedOrder, said) for new in answers(order, answer.ts_init)]
        said = engine.process(event)
        effects += said
        due += [new for order in of_type(ApprovedOrder, said) for new in answers(order, event.ts_init)]
    return engine, effects, told


@cache
def whole(config: EngineConfig = CONFIG) -> tuple[Engine, list[Effect], list[Event]]:
    return traded(one_by_one(batched(timeline())), config)


def test_without_an_answer_the_engine_says_what_it_said_before_it_could_trade() -> None:
    assert not of_type(PackageResult, usual_effects())
    assert all(order.intent.purpose == "entry" for order in of_type(ApprovedOrder, usual_effects()))


def test_every_entry_is_followed_by_its_hedge_and_its_result() -> None:
    _, effects, _ = whole()
    orders = [order.intent for order in of_type(ApprovedOrder, effects)]
    entries = [intent for intent in orders if intent.purpose == "entry" and intent.edge == "A"]
    assert entries
    results = {result.intent_id: result for result in of_type(PackageResult, effects)}
    for entry in entries:
        result = results[entry.intent_id]
        hedges = [intent for intent in orders if intent.parent == entry.intent_id]
        assert {intent.purpose for intent in hedges} == {"hedge"}
        assert result.filled < entry.quantity
        assert entry.hedge is not None
        wanted = entry.hedge.coins * result.filled / entry.quantity
        assert abs(result.hedge_coins / wanted - 1.0) < 2.1e-3


def test_what_was_filled_and_hedged_has_almost_no_net_delta() -> None:
    engine, effects, _ = whole(QUOTES_ONLY)
    held = {place: p for place, p in engine.account.positions.items() if p.size and p.instrument.underlying == "BTC"}
    options = {place: p for place, p in held.items() if p.instrument.is_call is not None}
    assert options
    signals = {
        leg.symbol: s for s in of_type(ArbitrageSignal, effects) if s.action is not Action.HOLD for leg in s.legs
    }
    naked = sum(p.coins * signals[place[1]].hedge_delta for place, p in options.items())
    hedged = naked + sum(p.coins for place, p in held.items() if place not in options)
    assert abs(naked) > 0.1
    assert abs(hedged) < 0.01 * abs(naked)
    # And by the engine's own mark, at the volatility that makers quoted and the forward of the end.
    forward = level(23.0) * 1.001
    quotes = {place: Mark(bid=NAN, ask=NAN, forward=forward, volatility=0.5) for place in options}
    now = engine._desk._market.assets["BTC"].chains["deribit", "BTC"].stream_confirmed
    assert abs(mark(engine.account, quotes, now).delta_coins["BTC"]) < 0.15 * abs(naked)


def test_where_batches_are_cut_does_not_show_in_what_is_traded() -> None:
    _, effects, told = whole()
    items: list[Event | Row] = sorted([*timeline(), *told], key=lambda e: e.ts if isinstance(e, Row) else e.ts_init)
    again = run(engine_of(CONFIG), batched(items), end=False)
    assert of_type(PackageResult, again)
    assert encoded(again) == encoded(effects)


def test_the_options_of_the_scenario_are_inverse() -> None:
    assert instrument("deribit", f"BTC-{EXPIRY}-60000-P").inverse
