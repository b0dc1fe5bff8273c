"""What the engine is given, in which order, and what the journal keeps of it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.app.live.intake import Intake, Received
from aftershock.app.live.journal import LiveRecording, Terms
from aftershock.app.live.paper import PaperVenue
from aftershock.app.live.step import LiveStep
from aftershock.app.verification import verify
from aftershock.core.engine import Engine
from aftershock.journal import JournalReader
from aftershock.model.events import Event, OptionQuotes
from aftershock.model.orders import ApprovedOrder
from aftershock.model.table import InstrumentTable
from tests.core.market import T0, perp_quote
from tests.core.shock import CONFIG, batched, timeline
from tests.live.feed import Clock


def received_at_once(event: Event) -> Event:
    """Return a batch as if all its rows had come in one message."""
    if not isinstance(event, OptionQuotes):
        return event
    stamps = np.full(len(event), event.ts_init, dtype=np.int64)
    return msgspec.structs.replace(event, row_ts_init=stamps)


EVENTS = [received_at_once(event) for event in batched(timeline())]


def stepped(folder: Path, events: Sequence[Event]) -> LiveStep:
    """Step through events as they were received, with everything that the paper venue answers."""
    clock = Clock()
    intake = Intake(10, clock=clock)
    table = InstrumentTable()
    with LiveRecording(folder, CONFIG, Terms()) as recording:
        step = LiveStep(Engine(CONFIG, table), intake, PaperVenue(table, 20.0), recording=recording, clock=clock)
        for event in events:
            if event.ts_init != clock.now:  # what is received at once stands in the queue before any answer to it
                _answer(step, intake)
            clock.now = event.ts_init
            step.take(Received(event, clock.now, 0))
        _answer(step, intake)
        step.finish(interrupted=False)
    return step


def _answer(step: LiveStep, intake: Intake) -> None:
    while (answer := intake.take()) is not None:
        step.take(answer)


def contents(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def cut(events: Sequence[Event], seed: int) -> list[Event]:
    """Return the events with batches cut anywhere."""
    rng = random.Random(seed)
    parts: list[Event] = []
    for event in events:
        if not isinstance(event, OptionQuotes):
            parts.append(event)
            continue
        inside = range(1, len(event))
        edges = [0, *sorted(rng.sample(inside, rng.randint(0, len(inside)))), len(event)]
        parts += [event.slice(start, stop) for start, stop in pairwise(edges)]
    return parts


@pytest.fixture(scope="module", name="whole")
def _whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "journal"
    step = stepped(folder, EVENTS)
    assert {order.intent.purpose for order in step.tally.orders} >= {"entry", "hedge"}
    return folder


@pytest.mark.slow
def test_a_run_with_paper_fills_reproduces_byte_for_byte(whole: Path) -> None:
    comparison = verify(whole).comparison
    assert (comparison.held, comparison.incomplete) == ("identical", False)


@pytest.mark.slow
@settings(max_examples=6)
@given(seed=st.integers(0, 10**6))
def test_where_batches_are_cut_never_shows_in_the_journal(
    tmp_path_factory: pytest.TempPathFactory, whole: Path, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("cut") / "journal"
    parts = cut(EVENTS, seed)
    assert len(parts) > len(EVENTS)
    stepped(folder, parts)
    assert contents(folder) == contents(whole)


def test_a_signal_is_told_and_the_journal_synced_before_its_order_leaves(tmp_path: Path) -> None:
    told: list[str] = []
    clock = Clock(T0)
    table = InstrumentTable()
    with LiveRecording(tmp_path / "journal", CONFIG, Terms()) as recording:
        sync = recording.sync
        recording.sync = lambda: (told.append("sync"), sync())[1]  # type: ignore[method-assign,func-returns-value]
        paper = PaperVenue(table, 20.0)
        send = paper.send
        paper.send = lambda order, now: (told.append("send"), send(order, now))[1]  # type: ignore[method-assign,func-returns-value]
        step = LiveStep(
            Engine(CONFIG, table),
            Intake(10, clock=clock),
            paper,
            recording=recording,
            on_effect=lambda effect: told.append("told") if isinstance(effect, ApprovedOrder) else None,
            clock=clock,
        )
        for event in EVENTS:
            clock.now = event.ts_init
            step.take(Received(event, clock.now, 0))
            if told:
                break
        step.finish(interrupted=True)
    assert told[:3] in (["told", "sync", "send"], ["told", "told", "sync"])


def test_a_journal_of_a_run_that_was_cut_short_reproduces_as_far_as_it_goes(tmp_path: Path) -> None:
    clock, table = Clock(), InstrumentTable()
    recording = LiveRecording(tmp_path / "journal", CONFIG, Terms())
    step = LiveStep(
        Engine(CONFIG, table), Intake(10, clock=clock), PaperVenue(table, 20.0), recording=recording, clock=clock
    )
    for event in EVENTS[:1_200]:
        clock.now = event.ts_init
        step.take(Received(event, clock.now, 0))
    step.flush()
    comparison = verify(tmp_path / "journal").comparison
    assert step.tally.decided > 0
    assert (comparison.held, comparison.incomplete) == ("identical", True)
    recording.__exit__(RuntimeError, RuntimeError("killed"), None)


def test_every_input_is_recorded_with_the_time_that_the_engine_saw(tmp_path: Path) -> None:
    quote = perp_quote(T0, "bybit", 60_000.0)
    stepped(tmp_path / "journal", [quote, quote])
    inputs = list(JournalReader(tmp_path / "journal").inputs())
    assert [kind for _, kind, _ in inputs] == [4, 2, 2, 2, 1], "terms, two quotes, the timer of the end, the end"


def test_an_order_that_is_due_at_the_end_still_meets_its_quotes(tmp_path: Path) -> None:
    clock, table = Clock(), InstrumentTable()
    intake = Intake(10, clock=clock)
    with LiveRecording(tmp_path / "journal", CONFIG, Terms()) as recording:
        step = LiveStep(Engine(CONFIG, table), intake, PaperVenue(table, 20.0), recording=recording, clock=clock)
        for event in EVENTS:
            clock.now = event.ts_init
            step.take(Received(event, clock.now, 0))
            if step.tally.approved:
                break
        clock.now += 20_000_000
        step.finish(interrupted=False)
    assert step.tally.results_by_status
    assert verify(tmp_path / "journal").comparison.held == "identical"
