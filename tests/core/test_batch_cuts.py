"""Where batches are cut, and which extra timers fire, never shows in what the engine says."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.core.engine import Effect
from aftershock.model.events import EndOfInput, Event, Timer
from aftershock.model.orders import ApprovedOrder, RefusedOrder
from aftershock.model.signals import Action, Alarm, ArbitrageSignal, Reason, TriggerKind, TriggerOpened
from tests.core.market import encoded, engine_of, of_type, run
from tests.core.shock import CONFIG, batched, one_by_one, timeline

pytestmark = pytest.mark.slow  # whole runs, again and again

FORWARDS = ("quotes", "underlying", "parity")
FEEDS = ("stream", "poll")
Forward = Literal["quotes", "underlying", "parity"]
Feed = Literal["stream", "poll"]
ITEMS = timeline()
PLACE = st.integers(0, len(ITEMS) - 1)


def said(events: Sequence[Event], forward: Forward = "quotes", feed: Feed = "stream") -> list[Effect]:
    config = msgspec.structs.replace(CONFIG, forward=forward, options_feed=feed)
    return run(engine_of(config), events)


@cache
def reference(forward: Forward = "quotes", feed: Feed = "stream") -> bytes:
    """Return what is said when every batch is as long as it can be."""
    return encoded(said(batched(ITEMS), forward, feed))


def test_the_scenario_opens_every_kind_of_trigger_and_ends_in_many_ways() -> None:
    effects = said(batched(ITEMS))
    signals = of_type(ArbitrageSignal, effects)
    assert {opened.kind for opened in of_type(TriggerOpened, effects)} == set(TriggerKind)
    assert {opened.profile for opened in of_type(TriggerOpened, effects)} == {"full"}
    assert {signal.action for signal in signals} == set(Action)
    assert {signal.reason for signal in signals} >= {
        Reason.EDGE,
        Reason.NO_EDGE,
        Reason.FEES,
        Reason.BELOW_MIN_SPREAD,
        Reason.RISK_LIMIT,
        Reason.GAP,
        Reason.VENUE_DOWN,
    }
    assert of_type(ApprovedOrder, effects)
    assert of_type(RefusedOrder, effects)
    assert {alarm.code for alarm in of_type(Alarm, effects)} == {"static_arbitrage", "calendar_flag", "gap", "stale"}


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize("forward", FORWARDS)
def test_one_row_at_a_time_says_the_same(forward: Forward, feed: Feed) -> None:
    events = list(one_by_one(batched(ITEMS)))
    assert len(events) == len(ITEMS)
    assert encoded(said(events, forward, feed)) == reference(forward, feed)


@settings(max_examples=15)
@given(cuts=st.lists(PLACE, max_size=400), forward=st.sampled_from(FORWARDS), feed=st.sampled_from(FEEDS))
def test_cuts_anywhere_say_the_same(cuts: list[int], forward: Forward, feed: Feed) -> None:
    assert encoded(said(batched(ITEMS, cuts), forward, feed)) == reference(forward, feed)


@settings(max_examples=15)
@given(timers=st.lists(PLACE, max_size=400), forward=st.sampled_from(FORWARDS), feed=st.sampled_from(FEEDS))
def test_timers_anywhere_say_the_same(timers: list[int], forward: Forward, feed: Feed) -> None:
    assert encoded(said(batched(ITEMS, timers=timers), forward, feed)) == reference(forward, feed)


def test_a_timer_before_every_single_event_says_the_same() -> None:
    assert encoded(said(batched(ITEMS, timers=range(len(ITEMS))))) == reference()


def test_effects_never_go_back_in_time() -> None:
    stamps = [effect.ts_init if hasattr(effect, "ts_init") else 0 for effect in said(batched(ITEMS))]
    assert all(stamps)
    assert stamps == sorted(stamps)


def test_two_engines_share_nothing() -> None:
    first, second = engine_of(CONFIG), engine_of(CONFIG)
    events = batched(ITEMS)
    both = [(first.process(event), second.process(event)) for event in events]
    assert encoded([effect for left, _ in both for effect in left]) == encoded(
        [effect for _, right in both for effect in right]
    )


def test_a_shell_that_calls_at_each_deadline_hears_the_same() -> None:
    """A live shell sleeps until `next_deadline` and then sends a timer."""
    engine, effects, last = engine_of(CONFIG), [], 0
    for event in one_by_one(batched(ITEMS)):
        while engine.next_deadline is not None and engine.next_deadline + 1 < event.ts_init:
            due = engine.next_deadline + 1
            assert due > last, "a deadline must lie ahead"
            effects += engine.process(Timer(ts_event=due, ts_init=due, key="due"))
            last = due
        last = event.ts_init
        effects += engine.process(event)
    effects += engine.process(EndOfInput(ts_event=last, ts_init=last))
    assert encoded(effects) == reference()
