"""Whatever a model answers, and whenever: it may refuse or shrink what the rules order, and nothing else."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import cache

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.core.config import EngineConfig, RiskConfig
from aftershock.core.engine import Effect
from aftershock.model.events import EndOfInput, Event, ReviewReply, Timer
from aftershock.model.orders import ApprovedOrder, RefusedOrder
from aftershock.model.review import Fallback, ReviewCode
from aftershock.model.signals import (
    Action,
    ArbitrageSignal,
    EdgeType,
    Reason,
    ReviewRequest,
    TriggerClosed,
    TriggerOpened,
)
from tests.core.market import Row, encoded, engine_of, of_type, run
from tests.core.reviewer import Answer, Mode, Reviewed, reviewed_run, with_review
from tests.core.shock import CONFIG, batched, one_by_one, timeline

pytestmark = pytest.mark.slow  # whole runs, again and again

ITEMS = timeline()
PLACE = st.integers(0, len(ITEMS) - 1)
HOLDING = st.sampled_from(["veto", "gate"])
PROBABILITY = st.one_of(st.floats(), st.floats(0.0, 1.0))
ANSWERS = st.lists(
    st.lists(
        st.builds(
            Answer,
            action=st.one_of(st.sampled_from(["BUY", "SELL", "HOLD"]), st.text(max_size=4)),
            probability=PROBABILITY,
            fallback=st.one_of(st.just(""), st.sampled_from([each.value for each in Fallback]), st.text(max_size=4)),
            after_ms=st.floats(0.0, 400.0),
            times=st.integers(1, 3),
            reason_codes=st.lists(st.sampled_from([*ReviewCode, "x"]), max_size=4).map(tuple),
        ),
        max_size=2,
    ),
    min_size=1,
    max_size=40,
)
SETTINGS = st.fixed_dictionaries(
    {
        "min_probability": st.floats(0.0, 1.0),
        "full_size_probability": st.floats(0.0, 1.0),
        "on_fallback": st.sampled_from(["mode", "rule", "reject"]),
        "deadline_ms": st.sampled_from([1.0, 40.0, 100.0, 350.0]),
        "shadow_deadline_ms": st.sampled_from([1.0, 15_000.0]),
    }
)


def answered(config: EngineConfig, answers: Sequence[Sequence[Answer]]) -> Reviewed:
    """Run the scenario; the n-th question gets the n-th answers, over and over."""
    count = 0

    def answer(_: ReviewRequest) -> Sequence[Answer]:
        nonlocal count
        count += 1
        return answers[(count - 1) % len(answers)]

    return reviewed_run(config, one_by_one(batched(ITEMS)), answer)


def without_questions(effects: Sequence[Effect]) -> bytes:
    return encoded(effect for effect in effects if not isinstance(effect, ReviewRequest))


@cache
def unreviewed() -> tuple[Effect, ...]:
    return tuple(run(engine_of(CONFIG), one_by_one(batched(ITEMS))))


Opportunity = tuple[str, EdgeType | None, tuple[tuple[str, str, str], ...]]


def opportunity(signal: ArbitrageSignal) -> Opportunity:
    legs = tuple((leg.venue, leg.symbol, leg.side.value) for leg in signal.legs)
    return signal.trigger_id, signal.edge_type, legs


@cache
def wanted_by_the_rules() -> dict[Opportunity, int]:
    """Return what the rules alone order, or would but for the risk gate, each with its first moment."""
    found: dict[Opportunity, int] = {}
    for signal in of_type(ArbitrageSignal, unreviewed()):
        if signal.reason in (Reason.EDGE, Reason.RISK_LIMIT):
            found.setdefault(opportunity(signal), signal.ts_init)
    return found


@settings(max_examples=12)
@given(mode=HOLDING, answers=ANSWERS, chosen=SETTINGS)
def test_it_creates_enlarges_and_flips_nothing(
    mode: Mode, answers: list[list[Answer]], chosen: dict[str, float | str]
) -> None:
    config = with_review(CONFIG, mode, **chosen)
    effects = answered(config, answers).effects
    orders = [order for order in of_type(ApprovedOrder, effects) if order.intent.purpose == "entry"]
    signals = {signal.signal_id: signal for signal in of_type(ArbitrageSignal, effects)}
    assert len(orders) == sum(signal.action is not Action.HOLD for signal in signals.values())
    for order in orders:
        signal = signals[order.intent.intent_id.removesuffix("/order")]
        assert signal.review is not None
        # The rules alone would have ordered these legs on this side in this trigger, and not later.
        assert wanted_by_the_rules()[opportunity(signal)] <= signal.ts_init
        # And they would at this moment: every limit, on figures of this moment.
        assert signal.spread_bps >= signal.threshold_bps > 0
        assert signal.book_age_ms <= config.option_max_age_ms
        assert signal.leg_span_ms <= config.leg_span_ms
        assert not signal.latency_ms > config.max_latency_ms or signal.edge_type is EdgeType.VOL_OVERSHOOT
        assert 0 < order.intent.quantity <= config.order_coins
        assert 0 < signal.review.size_share <= 1
        assert (order.intent.legs, order.intent.quantity) == (signal.legs, signal.quantity)
        assert order.ts_init == signal.ts_init


@settings(max_examples=12)
@given(mode=HOLDING, answers=ANSWERS, chosen=SETTINGS)
def test_every_trigger_ends_once_after_its_decisions_and_asks_at_most_once(
    mode: Mode, answers: list[list[Answer]], chosen: dict[str, float | str]
) -> None:
    effects = answered(with_review(CONFIG, mode, **chosen), answers).effects
    asked = [request.trigger_id for request in of_type(ReviewRequest, effects)]
    assert len(asked) == len(dict.fromkeys(asked))
    opened = [trigger.trigger_id for trigger in of_type(TriggerOpened, effects)]
    closed = [trigger.trigger_id for trigger in of_type(TriggerClosed, effects)]
    assert sorted(opened) == sorted(closed)
    decided = dict.fromkeys(opened, 0)
    over: dict[str, bool] = {}
    for effect in effects:
        if isinstance(effect, ArbitrageSignal):
            assert effect.trigger_id not in over
            decided[effect.trigger_id] += 1
        elif isinstance(effect, TriggerClosed):
            over[effect.trigger_id] = True
            assert effect.decisions == decided[effect.trigger_id] > 0
    stamps = [effect.ts_init for effect in effects]
    assert stamps == sorted(stamps)


@settings(max_examples=8)
@given(mode=HOLDING, answers=ANSWERS, chosen=SETTINGS)
def test_nothing_waits_beyond_the_deadline(
    mode: Mode, answers: list[list[Answer]], chosen: dict[str, float | str]
) -> None:
    effects = answered(with_review(CONFIG, mode, **chosen), answers).effects
    asked = {request.request_id: request for request in of_type(ReviewRequest, effects)}
    for signal in of_type(ArbitrageSignal, effects):
        if signal.review is not None and signal.review.waited_ms > 0:
            request = asked[signal.review.request_id]
            assert signal.ts_init <= request.expires_ns
            if signal.review.fallback is Fallback.DEADLINE:
                assert signal.ts_init == request.expires_ns


@settings(max_examples=8)
@given(answers=ANSWERS, chosen=SETTINGS)
def test_a_model_that_nobody_waits_for_changes_nothing(
    answers: list[list[Answer]], chosen: dict[str, float | str]
) -> None:
    shadow = answered(with_review(CONFIG, "shadow", **chosen), answers)
    assert of_type(ReviewRequest, shadow.effects)
    assert without_questions(shadow.effects) == encoded(unreviewed())
    # And answers to questions that were never asked do not either.
    replies = of_type(ReviewReply, shadow.inputs)
    off = engine_of(CONFIG)
    assert encoded(run(off, shadow.inputs)) == encoded(unreviewed())
    assert off.stats.review.unknown == len(replies)


@settings(max_examples=6)
@given(mode=st.sampled_from(["shadow", "veto", "gate"]), answers=ANSWERS, chosen=SETTINGS)
def test_a_run_repeats_itself_from_its_inputs_and_the_answers_among_them(
    mode: Mode, answers: list[list[Answer]], chosen: dict[str, float | str]
) -> None:
    config = with_review(CONFIG, mode, **chosen)
    first = answered(config, answers)
    again = engine_of(config)
    assert encoded(run(again, first.inputs)) == encoded(first.effects)
    assert again.stats == first.engine.stats


def with_replies(inputs: Sequence[Event]) -> list[Event | Row]:
    """Return the scenario with the answers of a run where they came in."""
    items = list(ITEMS)
    stamps = [item.ts if isinstance(item, Row) else item.ts_init for item in items]
    for reply in reversed(of_type(ReviewReply, inputs)):
        items.insert(bisect_right(stamps, reply.ts_init), reply)
    return items


@settings(max_examples=8)
@given(
    mode=HOLDING,
    answers=ANSWERS,
    chosen=SETTINGS,
    cuts=st.lists(PLACE, max_size=400),
    timers=st.lists(PLACE, max_size=400),
)
def test_cuts_and_timers_anywhere_say_the_same(
    mode: Mode, answers: list[list[Answer]], chosen: dict[str, float | str], cuts: list[int], timers: list[int]
) -> None:
    config = with_review(CONFIG, mode, **chosen)
    live = answered(config, answers)
    items = with_replies(live.inputs)
    ended = live.inputs[-1].ts_init
    for events in (batched(items), batched(items, cuts, timers)):
        effects = run(engine_of(config), [*events, Timer(ts_event=ended, ts_init=ended, key="last")])
        assert encoded(effects) == encoded(live.effects)


def test_a_shell_that_calls_at_each_deadline_hears_the_same() -> None:
    config = with_review(CONFIG, "veto")
    reference = run(engine_of(config), batched(ITEMS))
    engine, effects, last = engine_of(config), list[Effect](), 0
    for event in one_by_one(batched(ITEMS)):
        while engine.next_deadline is not None and engine.next_deadline + 1 < event.ts_init:
            due = engine.next_deadline + 1
            assert due > last, "a deadline must lie ahead"
            effects += engine.process(Timer(ts_event=due, ts_init=due, key="due"))
            last = due
        last = event.ts_init
        effects += engine.process(event)
    effects += engine.process(EndOfInput(ts_event=last, ts_init=last))
    assert encoded(effects) == encoded(reference)


def test_the_scenario_asks_about_many_kinds_and_settles_them_in_every_way() -> None:
    answers = [
        [Answer(action="BUY", probability=0.9)],
        [Answer(action="SELL", probability=0.9)],
        [Answer(action="HOLD", probability=0.2)],
        [],
        [Answer(fallback="budget")],
    ]
    effects = answered(with_review(CONFIG, "gate", full_size_probability=1.0), answers).effects
    said = [signal for signal in of_type(ArbitrageSignal, effects) if signal.review is not None]
    kinds = {request.signal.edge_type for request in of_type(ReviewRequest, effects)}
    assert kinds >= {EdgeType.STALE_QUOTE, EdgeType.DISLOCATION, EdgeType.BOX, EdgeType.PARITY_INVERSE}
    assert {signal.reason for signal in said} >= {
        Reason.EDGE,
        Reason.MODEL_UNSURE,
        Reason.BUDGET,
        Reason.EDGE_GONE_IN_REVIEW,
    }
    fallbacks = {signal.review.fallback for signal in said if signal.review is not None}
    assert fallbacks >= {None, Fallback.DEADLINE, Fallback.BUDGET, Fallback.SEMANTIC}


def test_the_risk_gate_counts_nothing_that_only_waited() -> None:
    """Refused by the model, the same legs may be ordered by another trigger at once."""
    config = msgspec.structs.replace(with_review(CONFIG, "gate"), risk=RiskConfig(duplicate_s=1e6))
    refused = answered(config, [[Answer(action="HOLD", probability=0.1)]])
    assert of_type(ApprovedOrder, refused.effects) == []
    assert [order.limit for order in of_type(RefusedOrder, refused.effects) if order.limit == "duplicate"] == []
