"""The loop of a replay: events through the engine, effects out, each step timed; it stops only between two moments."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from aftershock.app.latency import LatencyHistogram
from aftershock.app.outcome import Effect
from aftershock.core.engine import Engine
from aftershock.model.events import EndOfInput
from aftershock.model.signals import ArbitrageSignal
from aftershock.venues.tardis import Merged

__all__ = ["Drive"]


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
        events: Merged,
        *,
        should_stop: Callable[[], bool] = _never,
        on_event: Callable[[], None] | None = None,
    ) -> None:
        """Prepare a run.

        Args:
            engine: A fresh engine.
            events: Its inputs.
            should_stop: Asked between events; once true, the run ends after the current moment.
            on_event: Called after each event, for progress.
        """
        self._engine = engine
        self._events = events
        self._should_stop = should_stop
        self._on_event = on_event
        self.all_events = LatencyHistogram()
        self.deciding = LatencyHistogram()
        self.interrupted = False
        self.last_ts = 0

    def effects(self) -> Iterator[Effect]:
        """Run, and yield every effect in order; at the end open triggers are closed."""
        engine, events = self._engine, self._events
        process, clock, stats = engine.process, time.perf_counter_ns, engine.stats
        everything, deciding = self.all_events.add, self.deciding.add
        for event in events:
            evaluations = stats.evaluations
            started = clock()
            effects = process(event)
            took = clock() - started
            everything(took)
            if stats.evaluations != evaluations or any(isinstance(e, ArbitrageSignal) for e in effects):
                deciding(took)
            yield from effects
            self.last_ts = event.ts_init
            if self._on_event is not None:
                self._on_event()
            if self._should_stop() and events.between_moments:
                self.interrupted = True
                break
        yield from process(EndOfInput(ts_event=self.last_ts, ts_init=self.last_ts))
