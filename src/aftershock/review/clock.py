"""The gateway's clocks in one place, so that a test can have its own."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """Monotonic time to measure with, the date to write down, and waiting."""

    def monotonic_ns(self) -> int:
        """Return a clock that never goes back; the same in every process of this machine."""
        ...

    def wall_ns(self) -> int:
        """Return ns UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's."""

    def monotonic_ns(self) -> int:
        """Return a clock that never goes back; the same in every process of this machine."""
        return time.monotonic_ns()

    def wall_ns(self) -> int:
        """Return ns UTC."""
        return time.time_ns()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
