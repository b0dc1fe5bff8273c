"""What waits to be sent on one connection: bounded, since a client may not read."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import Generic, TypeVar

from aiohttp import web

__all__ = ["Outbox", "abort", "give_up"]

T = TypeVar("T")

_MOST_WAITING = 200_000
_BACKPRESSURE = 1008
_CLOSE_S = 0.5


class Outbox(Generic[T]):
    """A queue with a bound.

    Attributes:
        full: Set once something did not fit: whoever serves the connection ends it.
    """

    def __init__(self) -> None:
        self.full = asyncio.Event()
        self._waiting: deque[T] = deque()
        self._wake = asyncio.Event()

    def put(self, *items: T) -> None:
        """Take what there is room for."""
        for item in items:
            if len(self._waiting) >= _MOST_WAITING:
                self.full.set()
                return
            self._waiting.append(item)
        self._wake.set()

    async def take(self) -> T:
        """Return the next one, once there is one."""
        while not self._waiting:
            self._wake.clear()
            await self._wake.wait()
        return self._waiting.popleft()


async def give_up(request: web.Request, socket: web.WebSocketResponse) -> None:
    """Close as the real servers do when a client does not read, and reset where that does not get through."""
    with suppress(TimeoutError, ConnectionError):
        await asyncio.wait_for(socket.close(code=_BACKPRESSURE, message=b"Too much backpressure"), _CLOSE_S)
    abort(request)


def abort(request: web.Request) -> None:
    """Reset a connection."""
    transport = request.transport
    if isinstance(transport, asyncio.Transport):
        transport.abort()
