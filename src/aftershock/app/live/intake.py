"""The one queue between sources and engine: bounded, and what does not fit into it is a gap."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from aftershock.model.events import (
    BookSnapshot,
    DerivativeTicker,
    Event,
    Gap,
    Liquidation,
    OptionQuotes,
    Quote,
    StreamId,
    Trade,
)
from aftershock.model.order import place

__all__ = ["Intake", "Received"]

# Market data may be lost, and a gap says so; a gap, a fill or a halt may not.
_LOSABLE = (Quote, OptionQuotes, Trade, Liquidation, DerivativeTicker, BookSnapshot)


class Received(NamedTuple):
    """An event as it was received.

    Attributes:
        wall_ns: Wall clock then, ns UTC.
        at_ns: Monotonic clock then, ns.
    """

    event: Event
    wall_ns: int
    at_ns: int


class _Loss(msgspec.Struct):
    from_ts: int
    to_ts: int
    count: int = 0


class Intake:
    """Queue of what was received, in the order of receipt.

    Once it is full, market data is dropped until half of it is free again; then a `Gap` for each stream that lost
    something takes its place. So a burst costs one gap for each stream, and an engine that is too slow for its feed
    shows it.

    Attributes:
        events_in: Events that sources delivered, lost ones included.
        events_lost: Events that did not fit.
    """

    def __init__(
        self,
        limit: int,
        *,
        clock: Callable[[], int] = time.time_ns,
        counter: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        """Take the bound.

        Args:
            limit: Most events that wait.
            clock: Wall clock, ns UTC.
            counter: Monotonic clock, ns.
        """
        self._limit = limit
        self._clock, self._counter = clock, counter
        self._queue: deque[Received] = deque()
        self._losses: dict[StreamId, _Loss] = {}
        self._waiter: asyncio.Future[None] | None = None
        self.events_in = 0
        self.events_lost = 0

    def __len__(self) -> int:
        """Return the number of events that wait."""
        return len(self._queue)

    def offer(self, event: Event) -> None:
        """Take an event of a source, if there is room for it."""
        self.events_in += 1
        if isinstance(event, _LOSABLE) and (self._losses or len(self._queue) >= self._limit):
            if not self._losses or len(self._queue) > self._limit // 2:
                self._lose(event)
                return
            self._tell_losses()
        self.put(event)

    def put(self, event: Event) -> None:
        """Take an event that may not be lost."""
        self._queue.append(Received(event, self._clock(), self._counter()))
        self.wake()

    def take(self) -> Received | None:
        """Return the next event, or None if nothing waits."""
        if not self._queue:
            if not self._losses:
                return None
            self._tell_losses()
        return self._queue.popleft()

    async def wait(self, seconds: float | None) -> None:
        """Return once something waits, somebody calls `wake`, or the time is over; None waits without end."""
        if self._queue:
            return
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = None if seconds is None else loop.call_later(seconds, self.wake)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    def wake(self) -> None:
        """End a wait."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _lose(self, event: Event) -> None:
        self.events_lost += 1
        now = self._clock()
        loss = self._losses.setdefault(place(event).stream, _Loss(now, now))
        loss.to_ts = now
        loss.count += 1

    def _tell_losses(self) -> None:
        losses, self._losses = self._losses, {}
        for stream, loss in losses.items():
            detail = f"{loss.count:,} events did not fit into the queue of {self._limit:,}"
            self.put(Gap(ts_event=loss.to_ts, ts_init=0, stream=stream, from_ts=loss.from_ts, to_ts=loss.to_ts,
                         detail=detail))  # fmt: skip
