"""What every live stream is made of: connections into one inbox, its items through one decoder, events out."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Sequence
from random import Random
from typing import Any

from aftershock.errors import AftershockError, UnreachableError
from aftershock.model.events import Event
from aftershock.venues.connection.clock import Clock
from aftershock.venues.connection.connection import Connection
from aftershock.venues.connection.inbox import Inbox, Item, Tick
from aftershock.venues.connection.library import need_aiohttp
from aftershock.venues.connection.packed import Packed
from aftershock.venues.connection.settings import LiveSettings

__all__ = ["LiveBase"]

_TICK_S = 1.0


class LiveBase(ABC):
    """Events of some connections, in the order of arrival, until it is closed.

    `ts_init` is our wall clock when the socket delivered the message. What waits when it is closed is still delivered.

    Attributes:
        name: What it is called in reports.
    """

    def __init__(self, name: str, *, settings: LiveSettings, clock: Clock, random: Random) -> None:
        """Prepare; nothing is asked before the iteration begins.

        Args:
            name: What it is called in reports.
            settings: Bounds.
            clock: What stamps and deadlines come from.
            random: Jitter.
        """
        self.name = name
        self._settings, self._clock, self._random = settings, clock, random
        self._inbox = Inbox(settings.inbox_frames, settings.inbox_chars)
        self._connections: list[Connection] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._closed = False

    @property
    def reconnects(self) -> int:
        """Return how often connections were opened again."""
        return sum(connection.reconnects for connection in self._connections)

    @property
    def connections(self) -> int:
        """Return the number of connections."""
        return len(self._connections)

    @property
    def losses(self) -> dict[str, int]:
        """Return how often connections were lost, by reason."""
        found: dict[str, int] = {}
        for connection in self._connections:
            for reason, count in connection.losses.items():
                found[reason] = found.get(reason, 0) + count
        return found

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Iterate over what arrives; called once.

        Raises:
            UsageError: What was asked for does not exist; says what does.
            UnreachableError: The server does not answer, or refuses for good.
        """
        need_aiohttp()
        try:
            connections = await self._prepare()
            if not self._closed:
                self._connections = list(connections)
                for connection in self._connections:
                    self._spawn(self._keep(connection))
                self._spawn(self._tick())
                async for event in self._events():
                    yield event
        finally:
            await self.close()

    async def close(self) -> None:
        """Let go of all connections; may be called at any time, and again."""
        self._closed = True
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._inbox.end()

    # --- what a stream is of ------------------------------------------------------------------------------------

    @abstractmethod
    async def _prepare(self) -> Sequence[Connection]:
        """Find out what to open; the connections must number their items by their place."""

    @abstractmethod
    def _item(self, link: int, item: Item) -> Sequence[Event]:
        """Return the events of one item; option rows one by one."""

    @abstractmethod
    def _ended(self, ts_ns: int) -> Iterator[Event]:
        """Yield what is to be told when nothing more will come."""

    async def _explained(self, error: UnreachableError) -> AftershockError:
        """Return the error to raise where a connection was refused."""
        return error

    # --- how ----------------------------------------------------------------------------------------------------

    def _spawn(self, work: Any) -> asyncio.Task[None]:  # noqa: ANN401 - a coroutine of no result
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.append(task)
        return task

    async def _keep(self, connection: Connection) -> None:
        try:
            await connection.run()
        except UnreachableError as error:
            self._inbox.end(await self._explained(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours belongs to whoever listens
            self._inbox.end(error)

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(_TICK_S)
            self._inbox.put(0, Tick(self._clock.wall_ns()))

    async def _events(self) -> AsyncIterator[Event]:
        """Yield until the end; option rows of one stream that wait together come as one batch."""
        inbox, packed = self._inbox, Packed()
        while True:
            taken = inbox.take_now()
            if taken is None:
                for event in packed.flush():
                    yield event
                taken = await inbox.take()
                if taken is None:
                    break
            for event in self._item(*taken):
                for ready in packed.add(event):
                    yield ready
        for event in self._ended(self._clock.wall_ns()):
            yield event
        if inbox.error is not None:
            raise inbox.error
