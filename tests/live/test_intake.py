"""The queue: bounded, in order, and a gap for whatever it had to refuse."""

from __future__ import annotations

import asyncio

from aftershock.app.live.intake import Intake
from aftershock.model.events import Event, Gap, Halt, Quote
from tests.core.market import T0, Row, option_quotes, perp_quote
from tests.live.feed import Clock

BYBIT, DERIBIT = perp_quote(T0, "bybit", 60_000.0), perp_quote(T0, "deribit", 60_000.0)


def drained(intake: Intake) -> list[Event]:
    events = []
    while (received := intake.take()) is not None:
        events.append(received.event)
    return events


def test_what_does_not_fit_is_one_gap_for_each_stream_behind_what_did() -> None:
    clock = Clock(T0)
    intake = Intake(4, clock=clock)
    for i in range(4):
        clock.now = T0 + i
        intake.offer(BYBIT)
    for event in (DERIBIT, BYBIT, DERIBIT):
        clock.now += 1
        intake.offer(event)
    assert (intake.events_in, intake.events_lost) == (7, 3)

    events = drained(intake)
    assert [type(event) for event in events] == [Quote] * 4 + [Gap, Gap]
    gaps = [event for event in events if isinstance(event, Gap)]
    assert [(gap.stream.venue, gap.stream.kind) for gap in gaps] == [("deribit", "quotes"), ("bybit", "quotes")]
    assert (gaps[0].from_ts, gaps[0].to_ts) == (T0 + 4, T0 + 6)
    assert "2 events did not fit" in gaps[0].detail


def test_after_an_overflow_half_of_the_queue_must_be_free_again() -> None:
    intake = Intake(4, clock=Clock(T0))
    for _ in range(5):
        intake.offer(BYBIT)
    intake.take()
    intake.offer(BYBIT)
    assert intake.events_lost == 2, "one free place is not enough"
    intake.take()
    intake.offer(BYBIT)
    assert intake.events_lost == 2
    assert [type(event) for event in drained(intake)] == [Quote, Quote, Gap, Quote]


def test_lost_option_rows_are_a_gap_of_their_chain() -> None:
    intake = Intake(1, clock=Clock(T0))
    intake.offer(BYBIT)
    intake.offer(option_quotes([Row(ts=T0, symbol="BTC-6MAR26-60000-C", bid=0.01)]))
    gap = drained(intake)[-1]
    assert isinstance(gap, Gap)
    assert (gap.stream.venue, gap.stream.kind, gap.stream.symbol) == ("deribit", "option_quotes", "BTC")


def test_a_halt_and_a_gap_always_find_room() -> None:
    intake = Intake(1, clock=Clock(T0))
    intake.offer(BYBIT)
    intake.offer(Halt(ts_event=T0, ts_init=0, reason="a person"))
    assert intake.events_lost == 0
    assert [type(event) for event in drained(intake)] == [Quote, Halt]


def test_waiting_ends_when_something_comes_or_the_time_is_over() -> None:
    async def wait() -> list[int]:
        intake = Intake(4)
        await intake.wait(0.001)
        seen = [len(intake)]
        asyncio.get_running_loop().call_soon(intake.offer, BYBIT)
        await intake.wait(None)
        return [*seen, len(intake)]

    assert asyncio.run(wait()) == [0, 1]
