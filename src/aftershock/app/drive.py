"""The loop of a replay: events through the engine, effects out, each step timed; it stops only between two moments.

A file's longest batch of option rows is no measure of anything: unless told otherwise the loop cuts batches where the
receive time changes, so that a step is what arrives at once, as it would live. Cuts never show in the effects.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from aftershock.app.latency import LatencyHistogram
from aftershock.app.outcome import Effect
from aftershock.core.engine import Engine
from aftershock.model.events import EndOfInput, Event, OptionQuotes
from aftershock.model.signals import ArbitrageSignal

__all__ = ["Drive", "Ordered"]


class Ordered(Protocol):
    """Events in the order in which the engine takes them."""

    @property
    def between_moments(self) -> bool:
        """Return whether every event with the receive time of the last one was handed out."""
        ...

    def __iter__(self) -> Iterator[Event]:
        """Iterate over them, once."""
        ...


def _never() -> bool:
    return False


class Drive:
    """One run of an engine over merged events.

    Attributes:
        all_events: Durations of `process`, of every event.
        deciding: Of events that made the engine evaluate an opportunity or gave a decision.
        interrupted: True once the run was stopped before its inputs ended.
        last_ts: `ts_init` of the last event, ns.
    """

    def __init__(
        self,
        engine: Engine,
        events: Ordered,
        *,
        should_stop: Callable[[], bool] = _never,
        on_event: Callable[[], None] | None = None,
        whole_batches: bool = False,
    ) -> None:
        """Prepare a run.

        Args:
            engine: A fresh engine.
            events: Its inputs.
            should_stop: Asked between events; once true, the run ends after the current moment.
            on_event: Called after each event, for progress.
            whole_batches: Leave batches as they come: faster, and the times say nothing.
        """
        self._engine = engine
        self._events = events
        self._should_stop = should_stop
        self._on_event = on_event
        self._cut = _as_it_is if whole_batches else _moments
        self.all_events = LatencyHistogram()
        self.deciding = LatencyHistogram()
        self.interrupted = False
        self.last_ts = 0

    def effects(self) -> Iterator[Effect]:
        """Run, and yield every effect in order; at the end open triggers are closed."""
        for event in self._events:
            for part in self._cut(event):
                yield from self._step(part)
            self.last_ts = event.ts_init
            if self._on_event is not None:
                self._on_event()
            if self._should_stop() and self._events.between_moments:
                self.interrupted = True
                break
        yield from self._engine.process(EndOfInput(ts_event=self.last_ts, ts_init=self.last_ts))

    def _step(self, event: Event) -> list[Effect]:
        stats = self._engine.stats
        evaluations = stats.evaluations
        started = time.perf_counter_ns()
        effects: list[Effect] = self._engine.process(event)
        took = time.perf_counter_ns() - started
        self.all_events.add(took)
        if stats.evaluations != evaluations or any(isinstance(effect, ArbitrageSignal) for effect in effects):
            self.deciding.add(took)
        return effects


def _as_it_is(event: Event) -> tuple[Event, ...]:
    return (event,)


def _moments(event: Event) -> Iterable[Event]:
    """Cut a batch into runs of rows with one receive time."""
    return event.moments() if isinstance(event, OptionQuotes) else (event,)
