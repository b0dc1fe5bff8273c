"""A live run over sources that need no socket: its end, its losses, its clocks, its journal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from aftershock.app.live.config import LiveConfig
from aftershock.app.live.run import LiveWatch, run_live
from aftershock.app.live.shell import Status
from aftershock.app.verification import verify
from aftershock.core.engine import Engine
from aftershock.errors import ConfigError, InputError, UnreachableError
from aftershock.model.events import ClockStep, Event, OptionQuotes
from aftershock.model.signals import Action, ArbitrageSignal
from tests.core.market import T0, millis, perp_quote
from tests.core.shock import CONFIG, batched, timeline
from tests.live.feed import Clock, FakeSource, live, settings_of


def events() -> list[Event]:
    """Return the crash of the core's tests as it would come from sockets: one moment after the other."""
    return [
        part
        for event in batched(timeline([]))
        for part in (event.moments() if isinstance(event, OptionQuotes) else (event,))
    ]


def quotes(count: int) -> list[Event]:
    return [perp_quote(T0 + millis(i), "bybit", 60_000.0 + i % 7) for i in range(count)]


@pytest.mark.slow
def test_a_run_decides_trades_on_paper_and_reproduces(tmp_path: Path) -> None:
    clock = Clock(T0)
    result = live([FakeSource(events(), clock)], CONFIG, journal=tmp_path / "j", watch=LiveWatch(clock=clock))

    assert set(result.tally.decisions()) == {action.value for action in Action}
    assert all(result.tally.decisions().values())
    assert result.paper.orders == result.tally.approved > 0
    assert result.paper.packages
    verification = verify(tmp_path / "j")
    assert verification.comparison.held == "identical"
    assert verification.comparison.records > result.tally.decided


@pytest.mark.slow
def test_two_sources_run_side_by_side(tmp_path: Path) -> None:
    clock = Clock(T0)
    everything = events()
    options = FakeSource([event for event in everything if isinstance(event, OptionQuotes)], name="options")
    others = FakeSource([event for event in everything if not isinstance(event, OptionQuotes)], clock, name="others")
    result = live([options, others], CONFIG, journal=tmp_path / "j", watch=LiveWatch(clock=clock))

    assert result.events_in == len(everything)
    assert result.sources == ("options", "others")
    assert (options.closed, others.closed) == (1, 1)
    assert verify(tmp_path / "j").comparison.held == "identical"


def test_a_clock_that_jumps_back_is_an_event_and_the_journal_reproduces(tmp_path: Path) -> None:
    early, late = quotes(40), [perp_quote(T0 + millis(i - 500), "bybit", 60_000.0) for i in range(40, 80)]
    clock = Clock(T0)
    result = live([FakeSource([*early, *late], clock)], CONFIG, journal=tmp_path / "j", watch=LiveWatch(clock=clock))

    assert result.tally.alarmed == {"clock_step": 1}
    assert verify(tmp_path / "j").comparison.held == "identical"


def test_times_strictly_increase_through_a_whole_run(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Event] = []
    process = Engine.process

    def watched(engine: Engine, event: Event) -> list[object]:
        seen.append(event)
        return process(engine, event)

    monkeypatch.setattr(Engine, "process", watched)
    clock = Clock(T0)
    back = [perp_quote(T0 + millis(i % 10), "bybit", 60_000.0) for i in range(50)]
    live([FakeSource(back, clock)], CONFIG, watch=LiveWatch(clock=clock))

    stamps = [event.ts_init for event in seen[:-1]]
    assert all(before < after for before, after in pairwise(stamps))
    assert sum(isinstance(event, ClockStep) for event in seen) == 4


def test_what_a_slow_engine_has_no_room_for_is_lost_counted_and_a_gap() -> None:
    clock = Clock(T0)
    source = FakeSource(quotes(200), clock, together=200)
    result = live([source], CONFIG, watch=LiveWatch(clock=clock), queue_events=50)

    assert (result.events_in, result.events_lost, result.gaps) == (200, 150, 1)
    assert result.tally.alarmed == {"gap": 1}
    document = result.document()
    assert (document["events_in"], document["events_lost"], document["gaps"]) == (200, 150, 1)


class _Buffering(FakeSource):
    """Has more at hand when it is closed."""

    async def __aiter__(self) -> AsyncIterator[Event]:
        async for event in super().__aiter__():
            yield event
        for event in quotes(7):
            yield event


def test_what_a_source_had_received_before_it_was_closed_is_processed() -> None:
    result = live([_Buffering(quotes(3), then=lambda: None)], CONFIG, seconds=0.02)
    assert (result.events_in, result.stats.events) == (10, 12), "and the timer and the end"


def slowed(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let the engine take seven milliseconds for each event; return the counter that says so."""
    counter = Clock()
    process = Engine.process

    def slow(engine: Engine, event: Event) -> list[object]:
        counter.now += millis(7)
        return process(engine, event)

    monkeypatch.setattr(Engine, "process", slow)
    return counter


def test_a_decision_is_timed_from_the_quote_that_completed_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made once the quote's moment is over, by whatever comes next."""
    counter, clock = slowed(monkeypatch), Clock(T0)
    result = live([FakeSource(events()[:2_000], clock)], CONFIG, watch=LiveWatch(clock=clock, counter=counter))
    decision = result.document()["latency_ns"]["stages"]["decision"]
    assert decision["events"] > 0
    assert decision["max"] >= 2 * millis(7)


def test_an_engine_that_is_slow_shows_it_in_the_latency(monkeypatch: pytest.MonkeyPatch) -> None:
    counter, clock = slowed(monkeypatch), Clock(T0)
    source = FakeSource(quotes(20), clock, together=20)
    result = live([source], CONFIG, watch=LiveWatch(clock=clock, counter=counter))

    stages = result.document()["latency_ns"]["stages"]
    assert stages["process"]["max"] == millis(7)
    assert stages["queue"]["max"] == 19 * millis(7), "the last of twenty waits for all before it"
    assert stages["total"]["max"] == 20 * millis(7)


def test_the_way_from_the_socket_is_measured_where_the_source_says_when_it_delivered() -> None:
    clock = Clock(T0 + millis(3))
    known, unknown = perp_quote(T0, "bybit", 1.0), perp_quote(0, "bybit", 1.0)
    result = live([FakeSource([known, unknown])], CONFIG, watch=LiveWatch(clock=clock))

    receive = result.document()["latency_ns"]["stages"]["receive"]
    assert (receive["events"], receive["max"]) == (1, millis(3))


def test_deadlines_pass_although_nothing_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last option quotes of a moment are judged once it is over, with a timer if nothing else follows."""
    told: list[str] = []
    process = Engine.process

    def watched(engine: Engine, event: Event) -> list[object]:
        told.append(type(event).__name__)
        return process(engine, event)

    monkeypatch.setattr(Engine, "process", watched)
    batch = next(event for event in events() if isinstance(event, OptionQuotes))
    clock = Clock(T0)
    live([FakeSource([batch], clock, then=lambda: None)], CONFIG, watch=LiveWatch(clock=clock), seconds=0.02)

    assert told == ["OptionQuotes", "Timer", "Timer", "EndOfInput"]


def test_a_run_ends_when_its_time_is_over_and_closes_its_sources() -> None:
    source = FakeSource(quotes(3), Clock(T0), then=lambda: None)
    result = live([source], CONFIG, seconds=0.02)

    assert source.closed == 1
    assert (result.events_in, result.signal_number, result.failure) == (3, 0, None)


class _Failing(FakeSource):
    """Delivers a little, then gives up."""

    def __init__(self, error: Exception) -> None:
        super().__init__(quotes(5), Clock(T0))
        self._error = error

    async def __aiter__(self) -> AsyncIterator[Event]:
        async for event in super().__aiter__():
            yield event
        raise self._error


def test_a_source_that_gives_up_ends_the_run_with_its_report_and_journal(tmp_path: Path) -> None:
    other = FakeSource(quotes(5), then=lambda: None)
    result = live([_Failing(UnreachableError("nobody answers")), other], CONFIG, journal=tmp_path / "j")

    assert str(result.failure) == "nobody answers"
    assert result.document()["failure"] == "nobody answers"
    assert other.closed == 1
    assert not verify(tmp_path / "j").comparison.incomplete


def test_a_fault_of_ours_closes_everything_and_leaves_the_journal_without_a_seal(tmp_path: Path) -> None:
    other = FakeSource(quotes(5), then=lambda: None)
    with pytest.raises(ZeroDivisionError):
        live([_Failing(ZeroDivisionError()), other], CONFIG, journal=tmp_path / "j")

    assert other.closed == 1
    assert verify(tmp_path / "j").comparison.incomplete


def test_a_journal_folder_that_holds_something_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x", encoding="utf-8")
    source = FakeSource(quotes(5))
    with pytest.raises(InputError, match="not empty"):
        live([source], CONFIG, journal=tmp_path)
    assert source.closed == 1


def test_live_trading_is_refused() -> None:
    with pytest.raises(ConfigError, match="paper only"):
        asyncio.run(run_live([], settings_of(CONFIG), LiveConfig(trading="live")))


def test_each_signal_is_told_as_it_happens_not_at_the_end() -> None:
    told: list[int] = []
    clock = Clock(T0)

    def on_effect(effect: object) -> None:
        if isinstance(effect, ArbitrageSignal):
            told.append(clock.now - effect.ts_init)

    live([FakeSource(events()[:2_000], clock)], CONFIG, watch=LiveWatch(clock=clock, on_effect=on_effect))

    assert len(told) > 1
    assert max(told) < millis(200), "long before the next second of the market"


def test_the_status_says_what_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aftershock.app.live.shell._STATUS_S", 0.005)
    seen: list[Status] = []
    source = FakeSource(quotes(30), Clock(T0), then=lambda: None)
    live([source], CONFIG, watch=LiveWatch(on_status=seen.append), seconds=0.2)

    assert 0 < seen[0].events_in <= seen[-1].events_in == 30
    assert seen[-1].uptime_s > 0
    assert time.monotonic() > seen[-1].uptime_s
