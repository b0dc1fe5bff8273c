"""The loop of a live run: sources into one queue, the queue into the engine, deadlines when nothing comes, a clean end.

The engine is called from this loop alone and never waits. A stop, by signal or because the time is over, closes the
sources, processes what they had delivered, ends the input and seals the journal.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

import msgspec

from aftershock.app.live.intake import Intake, Received
from aftershock.app.live.source import LiveSource
from aftershock.app.live.tally import Tally
from aftershock.errors import AftershockError, InputError
from aftershock.model.units import NS_PER_MS, NS_PER_S

__all__ = ["LiveShell", "Status", "Step"]

_TURN_S = 0.002
"""The engine may keep the loop to itself for so long; then sockets have their turn."""
_READ_AT_ONCE = 256
_CLOSE_S = 5.0
_DRAIN_S = 1.0
_LONGEST_WAIT_S = 3_600.0
_STATUS_S = 1.0


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """A run at a glance.

    Attributes:
        uptime_s: Since its start.
        events_in, events_lost: So far; `events_per_s` over the last second or so.
        waiting: Events in the queue; `lag_ms` how long the last one had waited.
        open_triggers, decisions, orders, gaps, reconnects: Counts.
    """

    uptime_s: float
    events_in: int
    events_per_s: float
    events_lost: int
    waiting: int
    lag_ms: float
    open_triggers: int
    decisions: int
    orders: int
    gaps: int
    reconnects: int


class Step(Protocol):
    """What a session does with each event; nothing of it waits.

    Attributes:
        tally: What was said.
        gaps: Gaps among the events.
        lag_ns: How long the last event had waited in the queue.
    """

    tally: Tally
    gaps: int
    lag_ns: int

    @property
    def wait_ns(self) -> int | None:
        """Return how long nothing is due; zero or less if something is, None for ever."""
        ...

    def take(self, received: Received) -> None:
        """Process what was received."""
        ...

    def tick(self) -> None:
        """Do what is due although nothing was received."""
        ...

    def flush(self) -> None:
        """Hand what was written to the system; called once a second."""
        ...

    def finish(self, *, interrupted: bool) -> None:
        """End; nothing more will be received."""
        ...


class LiveShell:
    """Runs one live session.

    Attributes:
        signal_number: Of the signal that ended it; 0 without one.
        failure: What a source gave up for; None if none did.
        asked_to_stop: Returns the signal that asked for the end before the run could listen itself; 0 for none.
    """

    def __init__(
        self,
        step: Step,
        intake: Intake,
        sources: Sequence[LiveSource],
        *,
        seconds: float = 0.0,
        listens: bool = True,
        on_status: Callable[[Status], None] = lambda _: None,
    ) -> None:
        """Take what to run.

        Args:
            step: One step.
            intake: Its queue.
            sources: What to listen to; the run ends when all of them have ended.
            seconds: Length of the run; 0 until somebody stops it.
            listens: SIGINT and SIGTERM ask for a clean end; False leaves them to whoever runs the loop.
            on_status: Gets the state of things once a second.
        """
        self._step, self._intake, self._sources = step, intake, sources
        self._seconds, self._on_status = seconds, on_status
        self._listens = listens and threading.current_thread() is threading.main_thread()
        self._stopping = False
        self._reading = 0
        self._fault: Exception | None = None
        self._started = 0.0
        self.signal_number = 0
        self.failure: AftershockError | None = None
        self.asked_to_stop: Callable[[], int] = int

    @property
    def reconnects(self) -> int:
        """Return how often sources connected again."""
        return sum(source.reconnects for source in self._sources)

    @property
    def uptime_s(self) -> float:
        """Return the time since the start, seconds."""
        return time.monotonic() - self._started

    def stop(self, signal_number: int = 0) -> None:
        """Ask for a clean end."""
        self._stopping = True
        self.signal_number = self.signal_number or signal_number
        self._intake.wake()

    async def run(self) -> None:
        """Run until the time is over, every source has ended or failed, or somebody asks for the end.

        Raises:
            Exception: A fault of ours; sources are closed then, and the input is not ended.
        """
        loop = asyncio.get_running_loop()
        self._started = time.monotonic()
        self._reading = len(self._sources)
        readers = [loop.create_task(self._read(source)) for source in self._sources]
        ticker = loop.create_task(self._tick())
        timer = loop.call_later(self._seconds, self.stop) if self._seconds > 0 else None
        self._listen(loop)
        if (number := self.asked_to_stop()) != 0:
            self.stop(number)
        try:
            await self._consume()
        finally:
            if timer is not None:
                timer.cancel()
            ticker.cancel()
            self._deafen(loop)
            await self._close(readers)
            with suppress(asyncio.CancelledError):
                await ticker
        if self._fault is not None:
            raise self._fault
        while (received := self._intake.take()) is not None:
            self._step.take(received)
        self._step.finish(interrupted=self.signal_number != 0)

    async def _consume(self) -> None:
        turn = time.monotonic()
        while not self._stopping:
            received = self._intake.take()
            if received is not None:
                self._step.take(received)
            else:
                wait = self._step.wait_ns
                if wait is not None and wait <= 0:
                    self._step.tick()
                elif not self._reading:
                    return
                else:
                    await self._intake.wait(None if wait is None else min(wait / NS_PER_S, _LONGEST_WAIT_S))
                    turn = time.monotonic()
            if time.monotonic() - turn > _TURN_S:
                await asyncio.sleep(0)
                turn = time.monotonic()

    async def _read(self, source: LiveSource) -> None:
        try:
            count = 0
            async for event in source:
                self._intake.offer(event)
                count += 1
                if count % _READ_AT_ONCE == 0:  # a source that always has something must not keep the engine waiting
                    await asyncio.sleep(0)
        except AftershockError as error:
            self.failure = self.failure or error
            self.stop()
        except Exception as error:  # noqa: BLE001 - raised again once everything is closed
            self._fault = self._fault or error
            self.stop()
        finally:
            self._reading -= 1
            self._intake.wake()

    async def _tick(self) -> None:
        before, then = self._intake.events_in, time.monotonic()
        while True:
            await asyncio.sleep(_STATUS_S)
            try:
                self._step.flush()
            except InputError as error:  # the journal takes no more: neither may the run
                self._fault = self._fault or error
                self.stop()
                return
            now = time.monotonic()
            rate = (self._intake.events_in - before) / (now - then)
            before, then = self._intake.events_in, now
            self._on_status(self._status(rate))

    def _status(self, rate: float) -> Status:
        tally = self._step.tally
        return Status(
            uptime_s=self.uptime_s,
            events_in=self._intake.events_in,
            events_per_s=rate,
            events_lost=self._intake.events_lost,
            waiting=len(self._intake),
            lag_ms=self._step.lag_ns / NS_PER_MS if len(self._intake) else 0.0,
            open_triggers=tally.open_triggers,
            decisions=tally.decided,
            orders=tally.approved,
            gaps=self._step.gaps,
            reconnects=self.reconnects,
        )

    async def _close(self, readers: Sequence[asyncio.Task[None]]) -> None:
        """Close the sources, let what they had delivered come through, and end what does not end by itself."""
        for source in self._sources:
            with suppress(OSError, TimeoutError):
                await asyncio.wait_for(source.close(), _CLOSE_S)
        if readers:
            await asyncio.wait(readers, timeout=_DRAIN_S)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take the two signals that ask for an end; a second one ends the process as it would without us."""
        if self._listens:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self._on_signal, loop, number)

    def _on_signal(self, loop: asyncio.AbstractEventLoop, number: int) -> None:
        self._deafen(loop)
        self.stop(number)

    def _deafen(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._listens:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
