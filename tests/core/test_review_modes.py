"""One package with an edge of 27 bps, and every way in which a second opinion settles it.

The two calls of a spread come 1 ms apart, so the question is asked at T0 + 1 ms; the deadline is 100 ms.
"""

from __future__ import annotations

import math
from typing import Any

import pytest

from aftershock.core.config import EngineConfig, RiskConfig, TriggerConfig
from aftershock.core.engine import Effect, Engine
from aftershock.model.events import ClockStep, EndOfInput, Event, Gap, Halt, Resume, Stale, StreamId, Timer
from aftershock.model.orders import ApprovedOrder, RefusedOrder
from aftershock.model.review import Fallback, Reviewed, ReviewMode
from aftershock.model.signals import (
    Action,
    Alarm,
    ArbitrageSignal,
    EdgeType,
    Reason,
    ReviewRequest,
    TriggerClosed,
    TriggerOpened,
)
from tests.core.market import T0, engine_of, millis, of_type, run
from tests.core.reviewer import Answer, Mode, reply_to, with_review
from tests.core.test_static_trigger import COST, rows

ASKED = T0 + millis(1)
CHEAP = 0.0210
NET_BPS = 40.0 - 1e4 * COST
YES = Answer(action="BUY", probability=0.9)
NO = Answer(action="HOLD", probability=0.2)


class Held:
    """An engine that has asked about the package, and the clock of the scenario in milliseconds after the question."""

    def __init__(self, mode: Mode, config: EngineConfig | None = None, **settings: float | str) -> None:
        base = EngineConfig() if config is None else config
        self.engine: Engine = engine_of(with_review(base, mode, **settings))
        self.said: list[Effect] = []
        for event in rows(low_ask=CHEAP):
            self.tell(event)
        self.at(0.001, Timer, key="the moment is over")
        (self.request,) = of_type(ReviewRequest, self.said)

    def tell(self, event: Event) -> list[Effect]:
        effects = self.engine.process(event)
        self.said += effects
        return effects

    def at(self, ms: float, kind: type[Event], **fields: object) -> list[Effect]:
        """Process an event so long after the question."""
        ts = ASKED + millis(ms)
        return self.tell(kind(ts_event=ts, ts_init=ts, **fields))

    def pass_to(self, ms: float) -> list[Effect]:
        return self.at(ms, Timer, key="later")

    def reply(self, answer: Answer, ms: float) -> list[Effect]:
        return self.tell(reply_to(self.request.request_id, answer, ASKED + millis(ms)))

    def quote(self, ms: float, low_ask: float, size: float = 10.0) -> None:
        """Quote both calls again."""
        for event in rows(1 + ms, low_ask=low_ask, size=size, apart_ms=0.5):
            self.tell(event)

    def end(self, ms: float) -> list[Effect]:
        return self.at(ms, EndOfInput)

    @property
    def signal(self) -> ArbitrageSignal:
        (signal,) = of_type(ArbitrageSignal, self.said)
        return signal

    @property
    def review(self) -> Reviewed:
        assert self.signal.review is not None
        return self.signal.review

    @property
    def orders(self) -> list[ApprovedOrder]:
        return of_type(ApprovedOrder, self.said)


# --- the question ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["veto", "gate"])
def test_what_has_to_wait_is_asked_about_and_nothing_is_said_of_it(mode: Mode) -> None:
    held = Held(mode)
    assert [type(effect) for effect in held.said] == [Alarm, TriggerOpened, ReviewRequest]
    request, trigger = held.request, held.said[1]
    assert request.trigger_id == trigger.trigger_id
    assert request.request_id == f"{trigger.trigger_id}/review"
    assert (request.ts_init, request.expires_ns, request.mode) == (ASKED, ASKED + millis(100), ReviewMode(mode))
    signal = request.signal
    assert (signal.action, signal.reason, signal.edge_type) == (Action.BUY, Reason.EDGE, EdgeType.VERTICAL)
    assert signal.spread_bps == pytest.approx(NET_BPS)
    assert signal.review is None
    assert held.engine.next_deadline == ASKED + millis(100) + 1


def test_in_shadow_the_order_goes_at_once_and_the_question_follows_it() -> None:
    shadow = Held("shadow")
    kinds = [Alarm, TriggerOpened, ArbitrageSignal, ApprovedOrder, ReviewRequest, TriggerClosed]
    assert [type(effect) for effect in shadow.said] == kinds
    assert shadow.request.expires_ns == ASKED + millis(15_000)
    assert shadow.request.signal == shadow.signal
    assert shadow.signal.review is None
    assert shadow.reply(NO, 50) == []
    assert shadow.engine.stats.review.replies == 1


def test_off_asks_nobody() -> None:
    assert of_type(ReviewRequest, run(engine_of(), rows(low_ask=CHEAP))) == []


# --- deadline and fallback ------------------------------------------------------------------------------------------


def test_a_veto_that_nobody_answers_acts_on_the_rules_exactly_at_its_deadline() -> None:
    held = Held("veto")
    late = held.reply(YES, 300)  # a gateway that takes 300 ms
    assert [type(effect) for effect in late] == [ArbitrageSignal, ApprovedOrder, TriggerClosed]
    assert [effect.ts_init for effect in late] == [ASKED + millis(100)] * 3
    assert (held.signal.action, held.signal.reason) == (Action.BUY, Reason.EDGE)
    assert (held.review.fallback, held.review.waited_ms, held.review.lost_bps) == (Fallback.DEADLINE, 100.0, 0.0)
    assert math.isnan(held.review.probability)
    assert held.review.size_share == 1.0
    assert held.engine.stats.review.late == 1
    assert held.engine.stats.review.fallbacks == {"deadline": 1}


def test_a_gate_that_nobody_answers_refuses_at_its_deadline() -> None:
    held = Held("gate")
    held.reply(YES, 300)
    assert (held.signal.action, held.signal.reason, held.signal.also) == (Action.HOLD, Reason.MODEL_UNSURE, ())
    assert held.signal.ts_init == ASKED + millis(100)
    assert (held.review.fallback, held.review.size_share) == (Fallback.DEADLINE, 0.0)
    assert held.orders == []


def test_an_answer_at_the_deadline_itself_is_in_time_and_one_a_nanosecond_later_is_not() -> None:
    in_time = Held("gate")
    in_time.reply(YES, 100)
    assert in_time.signal.action is Action.BUY
    late = Held("gate")
    late.tell(reply_to(late.request.request_id, YES, ASKED + millis(100) + 1))
    assert late.review.fallback is Fallback.DEADLINE


@pytest.mark.parametrize(
    ("mode", "settings", "ordered"),
    [
        ("veto", {}, True),
        ("gate", {}, False),
        ("veto", {"on_fallback": "reject"}, False),
        ("gate", {"on_fallback": "rule"}, True),
    ],
)
def test_a_fallback_of_the_gateway_does_not_wait_for_the_deadline(
    mode: Mode, settings: dict[str, Any], *, ordered: bool
) -> None:
    held = Held(mode, **settings)
    held.reply(Answer(fallback="breaker"), 7)
    assert (held.review.fallback, held.review.waited_ms) == (Fallback.BREAKER, 7.0)
    assert bool(held.orders) is ordered
    assert held.signal.reason is (Reason.EDGE if ordered else Reason.MODEL_UNSURE)


def test_a_spent_budget_is_its_own_reason() -> None:
    held = Held("gate")
    held.reply(Answer(fallback="budget"), 7)
    assert (held.signal.reason, held.review.fallback) == (Reason.BUDGET, Fallback.BUDGET)


@pytest.mark.parametrize(("mode", "ordered"), [("veto", True), ("gate", False)])
def test_the_other_side_is_never_taken(mode: Mode, *, ordered: bool) -> None:
    held = Held(mode)
    held.reply(Answer(action="SELL", probability=1.0), 7)
    assert held.review.fallback is Fallback.SEMANTIC
    assert [order.intent.legs for order in held.orders] == [held.request.signal.legs] * ordered
    assert held.engine.stats.review.fallbacks == {"semantic": 1}


# --- answers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["veto", "gate"])
def test_consent_lets_it_go_at_the_moment_of_the_answer(mode: Mode) -> None:
    held = Held(mode)
    kinds = [type(effect) for effect in held.reply(YES, 40)]
    assert kinds == [ArbitrageSignal, ApprovedOrder, TriggerClosed]
    assert (held.signal.action, held.signal.reason, held.signal.ts_init) == (
        Action.BUY,
        Reason.EDGE,
        ASKED + millis(40),
    )
    assert held.review == Reviewed(
        request_id=held.request.request_id, probability=0.9, waited_ms=40.0, lost_bps=0.0, size_share=1.0
    )
    (order,) = held.orders
    assert (order.intent.legs, order.intent.quantity) == (held.request.signal.legs, 1.0)
    assert order.intent.intent_id == f"{held.signal.signal_id}/order"
    assert held.pass_to(500) == []


@pytest.mark.parametrize("mode", ["veto", "gate"])
def test_a_refusal_holds_it_for_good(mode: Mode) -> None:
    held = Held(mode)
    held.reply(NO, 40)
    assert (held.signal.action, held.signal.reason) == (Action.HOLD, Reason.MODEL_UNSURE)
    assert (held.review.probability, held.review.fallback, held.review.size_share) == (0.2, None, 0.0)
    assert held.pass_to(500) == []
    assert held.orders == []


def test_an_edge_that_went_meanwhile_is_gone_whatever_the_model_says() -> None:
    held = Held("veto")
    held.quote(20, low_ask=0.0410)
    held.reply(YES, 40)
    signal = held.signal
    assert (signal.action, signal.reason, signal.also) == (
        Action.HOLD,
        Reason.EDGE_GONE_IN_REVIEW,
        (Reason.NO_EDGE,),
    )
    # Bought at 0.0410 and sold at 0.0250 it loses 160 bps before costs.
    assert signal.gross_spread_bps == pytest.approx(-160.0)
    assert held.review.lost_bps == pytest.approx(200.0)
    assert held.orders == []


def test_what_is_left_of_an_edge_is_measured_when_it_is_decided() -> None:
    held = Held("veto")
    held.quote(20, low_ask=0.0220)
    held.reply(YES, 40)
    assert held.signal.action is Action.BUY
    assert held.signal.spread_bps == pytest.approx(NET_BPS - 10.0)
    assert held.review.lost_bps == pytest.approx(10.0)
    assert held.orders[0].intent.legs[0].price == 0.0220


def test_a_size_that_shrank_meanwhile_is_what_is_ordered() -> None:
    held = Held("veto")
    held.quote(20, low_ask=CHEAP, size=1.0)
    held.reply(YES, 40)
    assert held.orders[0].intent.quantity == 0.5  # half of what is quoted is counted on
    assert held.review.size_share == 1.0  # which is not the model's doing


@pytest.mark.parametrize(("probability", "coins"), [(0.8, 1.0), (0.6, 0.7), (0.4, 0.5), (0.08, 0.1)])
def test_a_model_less_sure_shrinks_the_order_to_whole_lots(probability: float, coins: float) -> None:
    held = Held("veto", full_size_probability=0.8)
    held.reply(Answer(action="BUY", probability=probability), 40)  # 0.6 of 0.8 are 0.75 of a coin, lots of a tenth
    assert held.orders[0].intent.quantity == held.signal.quantity == coins
    assert held.review.size_share == pytest.approx(coins)


def test_a_model_that_leaves_less_than_a_lot_refused() -> None:
    held = Held("veto", full_size_probability=0.8)
    held.reply(Answer(action="BUY", probability=0.07), 40)
    assert (held.signal.action, held.signal.reason, held.signal.also) == (
        Action.HOLD,
        Reason.MODEL_UNSURE,
        (Reason.THIN,),
    )
    assert held.review.size_share == 0.0
    assert held.orders == []


def test_a_refusal_names_what_the_rules_have_against_it_too() -> None:
    held = Held("veto")
    held.quote(20, low_ask=0.0410)
    held.reply(NO, 40)
    assert (held.signal.reason, held.signal.also) == (Reason.MODEL_UNSURE, (Reason.NO_EDGE,))


# --- what happens meanwhile -----------------------------------------------------------------------------------------


OPTIONS = StreamId("deribit", "option_quotes", "BTC")


@pytest.mark.parametrize(
    ("kind", "fields", "reason"),
    [
        (Halt, {"reason": "a person"}, Reason.VENUE_DOWN),
        (Stale, {"stream": OPTIONS}, Reason.VENUE_DOWN),
        (Gap, {"stream": OPTIONS, "from_ts": 0, "to_ts": 1}, Reason.GAP),
        (ClockStep, {"step_ns": 10**9}, Reason.GAP),
    ],
)
@pytest.mark.parametrize("answer", [YES, None])
def test_nothing_is_ordered_once_the_ground_is_gone(
    kind: type[Event], fields: dict[str, object], reason: Reason, answer: Answer | None
) -> None:
    held = Held("veto")
    held.at(10, kind, **fields)
    if answer is not None:
        held.reply(answer, 40)
    held.pass_to(200)
    assert held.orders == []
    assert held.signal.reason is Reason.EDGE_GONE_IN_REVIEW
    assert reason in held.signal.also


def test_a_halt_that_was_lifted_in_time_stops_nothing() -> None:
    held = Held("veto")
    held.at(10, Halt, reason="a person")
    held.at(20, Resume, reason="a person")
    held.reply(YES, 40)
    assert len(held.orders) == 1


def test_a_quote_that_grew_old_meanwhile_is_stale() -> None:
    held = Held("veto", deadline_ms=5_000.0)
    held.reply(YES, 2_100)
    assert (held.signal.reason, held.signal.also) == (Reason.EDGE_GONE_IN_REVIEW, (Reason.STALE_DATA,))


@pytest.mark.parametrize(("mode", "ordered"), [("veto", True), ("gate", False)])
def test_the_end_of_the_input_waits_for_nobody(mode: Mode, *, ordered: bool) -> None:
    held = Held(mode)
    ends = [type(effect) for effect in held.end(40)]
    assert ends == [ArbitrageSignal, *[ApprovedOrder] * ordered, TriggerClosed]
    assert (held.review.fallback, held.review.waited_ms) == (Fallback.STOPPED, 40.0)


@pytest.mark.parametrize(("mode", "ordered"), [("veto", True), ("gate", False)])
def test_what_is_found_at_the_very_end_is_not_asked_about(mode: Mode, *, ordered: bool) -> None:
    effects = run(engine_of(with_review(EngineConfig(), mode)), rows(low_ask=CHEAP))
    assert of_type(ReviewRequest, effects) == []
    (signal,) = of_type(ArbitrageSignal, effects)
    assert signal.review is not None
    assert (signal.review.fallback, signal.review.waited_ms) == (Fallback.STOPPED, 0.0)
    assert bool(of_type(ApprovedOrder, effects)) is ordered


def test_two_triggers_on_the_same_legs_both_wait_and_one_is_ordered() -> None:
    config = EngineConfig(trigger=TriggerConfig(refractory_s=0.0), risk=RiskConfig(duplicate_s=60.0))
    held = Held("veto", config)
    held.quote(20, low_ask=CHEAP)
    held.pass_to(300)
    assert len(of_type(ReviewRequest, held.said)) >= 2
    first, *others = of_type(ArbitrageSignal, held.said)
    assert (first.reason, first.ts_init) == (Reason.EDGE, ASKED + millis(100))
    assert [signal.reason for signal in others] == [Reason.RISK_LIMIT] * len(others)
    assert all(signal.review is not None for signal in others)
    assert [order.limit for order in of_type(RefusedOrder, held.said)] == ["duplicate"] * len(others)
    assert len(held.orders) == 1


def test_what_the_risk_gate_refuses_at_once_is_not_asked_about() -> None:
    config = with_review(EngineConfig(risk=RiskConfig(max_quantity_coins=0.5)), "veto")
    effects = run(engine_of(config), rows(low_ask=CHEAP))
    assert of_type(ReviewRequest, effects) == []
    (signal,) = of_type(ArbitrageSignal, effects)
    assert (signal.reason, signal.review) == (Reason.RISK_LIMIT, None)


# --- replies that change nothing ------------------------------------------------------------------------------------


def test_a_second_answer_changes_nothing_and_is_counted() -> None:
    held = Held("veto")
    held.reply(YES, 40)
    assert held.reply(NO, 50) == []
    assert (held.engine.stats.review.replies, held.engine.stats.review.repeated) == (1, 1)


def test_an_answer_to_nothing_changes_nothing_and_is_counted() -> None:
    held = Held("veto")
    assert held.tell(reply_to("somebody else/review", YES, ASKED + millis(40))) == []
    assert held.engine.stats.review.unknown == 1
    assert held.orders == []


def test_late_answers_are_counted_once_and_then_as_repetitions() -> None:
    held = Held("shadow", shadow_deadline_ms=10.0)
    for ms in (11, 12):
        held.reply(YES, ms)
    counts = held.engine.stats.review
    assert (counts.replies, counts.late, counts.repeated) == (0, 1, 1)
