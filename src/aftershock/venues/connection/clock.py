"""Time as a connection sees it: a wall clock for stamps, a monotonic one for deadlines, and a way to wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

__all__ = ["Clock", "SystemClock", "within"]

T = TypeVar("T")


class Clock(Protocol):
    """What a connection asks of a clock; a test turns its own by hand."""

    def wall_ns(self) -> int:
        """Return nanoseconds UTC; may step."""
        ...

    def monotonic(self) -> float:
        """Return seconds from some start; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return once so much monotonic time is over."""
        ...


class SystemClock:
    """The machine's clocks and the event loop's timer."""

    def wall_ns(self) -> int:
        """Return nanoseconds UTC."""
        return time.time_ns()

    def monotonic(self) -> float:
        """Return seconds since the machine started."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait on the event loop."""
        await asyncio.sleep(seconds)


async def within(clock: Clock, seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Return what some work returns, if it does so in time; else cancel it.

    Raises:
        TimeoutError: It was not done in time.
    """
    task = asyncio.ensure_future(work)
    timer = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait((task, timer), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise TimeoutError
    finally:
        task.cancel()
        timer.cancel()
        await asyncio.gather(task, timer, return_exceptions=True)
