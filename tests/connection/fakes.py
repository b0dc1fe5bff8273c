"""A clock that a test turns, and servers on loopback that misbehave."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from aftershock.venues.connection.clock import SystemClock

NOON_NS = 1_667_304_000_000_000_000
"""2022-11-01T12:00:00Z."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FakeClock:
    """Stands still until a test moves it; whoever sleeps wakes up in the order of time."""

    def __init__(self, wall_ns: int = NOON_NS) -> None:
        self._start_ns, self._now = wall_ns, 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._number = itertools.count()
        self.slept: list[float] = []

    def wall_ns(self) -> int:
        return self._start_ns + round(self._now * 1e9)

    def monotonic(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        waiter = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._number), waiter))
        await waiter

    async def advance(self, seconds: float) -> None:
        """Let time go on, sleeper by sleeper, and give everybody some turns after each."""
        end = self._now + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            self._now, _, waiter = heapq.heappop(self._sleepers)
            if not waiter.done():
                waiter.set_result(None)
            await turns()
        self._now = end
        await turns()


class Hasty(SystemClock):
    """Waits a hundredth of the time, and a tenth where that is a deadline: a busy machine needs its seconds."""

    async def sleep(self, seconds: float) -> None:
        share = 1 if seconds <= 0.5 else 100 if seconds <= 2 else 10
        await asyncio.sleep(seconds / share)


async def turns(seconds: float = 0.003) -> None:
    """Let sockets and tasks do what they can at once."""
    for _ in range(5):
        await asyncio.sleep(0)
    await asyncio.sleep(seconds)


async def until(condition: Callable[[], object], patience_s: float = 5.0) -> None:
    """Wait for something that a socket brings about."""
    async with asyncio.timeout(patience_s):
        while not condition():  # noqa: ASYNC110  a condition of another task, not of ours
            await asyncio.sleep(0.001)


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """Serve every path on a free port; give the address without scheme."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.05, max_line_size=16_384)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw_serving(
    handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """Serve plain TCP on a free port."""
    tasks = []

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.current_task())
        try:
            await handler(reader, writer)
        except (asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            if task is not None:
                task.cancel()
        await asyncio.gather(*(task for task in tasks if task is not None), return_exceptions=True)
        await server.wait_closed()
