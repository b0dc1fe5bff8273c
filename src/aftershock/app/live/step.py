"""One step of a live run, without any waiting: an event gets its time, is recorded, processed, and its effects told."""

from __future__ import annotations

import time
from collections.abc import Callable

from aftershock.app.live.intake import Intake, Received
from aftershock.app.live.journal import LiveRecording
from aftershock.app.live.paper import PaperVenue
from aftershock.app.live.reviewer import Reviewer
from aftershock.app.live.sequencer import Sequencer
from aftershock.app.live.stages import StageTimes
from aftershock.app.live.tally import Tally
from aftershock.app.outcome import Effect
from aftershock.app.records import End
from aftershock.core.engine import Engine
from aftershock.model.events import EndOfInput, Event, Gap, Timer
from aftershock.model.orders import ApprovedOrder
from aftershock.model.signals import ArbitrageSignal, ReviewRequest

__all__ = ["LiveStep"]


class LiveStep:
    """Takes events in the order of receipt.

    The order of things for each: quotes that orders on their way must meet first, the journal, the engine, the journal
    again, everybody who listens. An order leaves only when all that led to it is on the disk.

    Attributes:
        sequencer: Our clock.
        stages: Durations.
        tally: What was said.
        gaps: Gaps that the engine was told of.
        lag_ns: How long the last event had waited in the queue.
        reviewer: Gets the engine's questions to a model; None leaves it to its deadlines.
        measured_from_ns: Durations before this moment of the wall clock are forgotten; 0 to keep all.
    """

    def __init__(
        self,
        engine: Engine,
        intake: Intake,
        paper: PaperVenue,
        *,
        recording: LiveRecording | None = None,
        on_event: Callable[[Event], None] = lambda _: None,
        on_effect: Callable[[Effect], None] = lambda _: None,
        clock: Callable[[], int] = time.time_ns,
        counter: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        """Take everything that a step touches.

        Args:
            engine: Fresh.
            intake: Where the paper venue's answers go.
            paper: Where approved orders go.
            recording: Journal; None for none.
            on_event: Gets each event before the engine does, with our time.
            on_effect: Gets each effect as it happens, before an order leaves.
            clock: Wall clock, ns UTC.
            counter: Monotonic clock, ns.
        """
        self._engine, self._intake, self._paper, self._recording = engine, intake, paper, recording
        self._on_event, self._on_effect = on_event, on_effect
        self.reviewer: Reviewer | None = None
        self._clock, self._counter = clock, counter
        self.sequencer = Sequencer()
        self.stages = StageTimes()
        self.tally = Tally()
        self.gaps = 0
        self.lag_ns = 0
        self.measured_from_ns = 0
        # Quotes are judged once their moment is over: the event before may be the one that completed a decision.
        self._last = (0, 0)

    def take(self, received: Received) -> None:
        """Process what was received."""
        if 0 < self.measured_from_ns <= received.wall_ns:
            self.stages, self.measured_from_ns = StageTimes(), 0
        if 0 < received.event.ts_init <= received.wall_ns:
            self.stages.receive.add(received.wall_ns - received.event.ts_init)
        self.lag_ns = self._counter() - received.at_ns
        self.stages.queue.add(self.lag_ns)
        for event in self.sequencer.stamp(received.event, received.wall_ns):
            self._process(event, received.at_ns)

    @property
    def wait_ns(self) -> int | None:
        """Return how long nothing is due; zero or less if something is, None for ever."""
        moments = [self._paper.due]
        deadline = self._engine.next_deadline
        if deadline is not None:
            moments.append(deadline)
        wait = min(moments) - self.sequencer.ahead(self._clock())
        return wait if wait < 2**62 else None

    def tick(self) -> None:
        """Let pass what is due although nothing was received."""
        self._timer("due")

    def flush(self) -> None:
        """Hand the journal to the system."""
        if self._recording is not None:
            self._recording.flush()

    def finish(self, *, interrupted: bool) -> None:
        """End the input: open triggers are closed, and the journal gets its end and its counts."""
        self._timer("stop")
        while (received := self._intake.take()) is not None:
            self.take(received)
        last = self.sequencer.last
        self._say(self._engine.process(EndOfInput(ts_event=last, ts_init=last)), last)
        if self._recording is not None:
            self._recording.finish(self._engine.stats, End(last_ts=last, interrupted=interrupted))

    def _timer(self, key: str) -> None:
        now = self.sequencer.next(self._clock())
        self._process(Timer(ts_event=now, ts_init=now, key=key), self._counter())

    def _process(self, event: Event, at_ns: int) -> None:
        for answer in self._paper.advance(event.ts_init):
            self._intake.put(answer)
        self._paper.see(event)
        self._on_event(event)
        self.gaps += isinstance(event, Gap)
        if self._recording is not None:
            self._recording.add_input(event)
        stats, stages = self._engine.stats, self.stages
        (last_ts, last_at), self._last = self._last, (event.ts_init, at_ns)
        evaluations = stats.evaluations
        started = self._counter()
        effects = self._engine.process(event)
        done = self._counter()
        stages.process.add(done - started)
        if not effects:
            if stats.evaluations != evaluations:
                stages.deciding.add(done - started)
            stages.total.add(done - at_ns)
            return
        self._say(effects, event.ts_init)
        told = self._counter()
        stages.effect.add(told - done)
        stages.total.add(told - at_ns)
        decided = [effect.ts_init for effect in effects if isinstance(effect, ArbitrageSignal)]
        if decided or stats.evaluations != evaluations:
            stages.deciding.add(done - started)
        if decided:
            stages.decision.add(told - (last_at if last_ts in decided else at_ns))

    def _say(self, effects: list[Effect], now: int) -> None:
        orders = []
        for effect in effects:
            self.tally.add(effect)
            if self._recording is not None:
                self._recording.add_effect(effect)
            self._on_effect(effect)
            if isinstance(effect, ApprovedOrder):
                orders.append(effect)
            elif self.reviewer is not None:
                if isinstance(effect, ReviewRequest):
                    self.reviewer.ask(effect)
                elif isinstance(effect, ArbitrageSignal):
                    self.reviewer.see(effect)
        if orders:
            if self._recording is not None:
                self._recording.sync()
            leaves = max(now, self._clock())
            for order in orders:
                self._paper.send(order, leaves)
