"""One WebSocket kept open: it is opened again whenever it is lost, and each loss is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any

from aftershock.errors import UnreachableError
from aftershock.venues.connection.backoff import Backoff
from aftershock.venues.connection.clock import Clock
from aftershock.venues.connection.inbox import Frame, Inbox, Lost, Opened, Skipped
from aftershock.venues.connection.opening import NotOpenedError, open_socket
from aftershock.venues.connection.settings import ConnectionSettings
from aftershock.venues.connection.text import place_of, printable

if TYPE_CHECKING:
    import aiohttp

__all__ = ["Connection"]

_LONGEST_RETRY_AFTER_S = 300.0


class Connection:
    """Reads one WebSocket into an inbox until it is cancelled, and opens it again after each loss.

    A message that is no text is skipped and told. One that is too long, no UTF-8, or breaks the protocol ends the
    connection, as does a server that is silent for too long; what follows then is a new connection.

    Attributes:
        link: Number that its items carry.
        opened: Times it was opened.
        losses: Losses by reason.
    """

    def __init__(  # noqa: PLR0913 - each is a part that a test replaces
        self,
        url: str,
        inbox: Inbox,
        *,
        link: int,
        settings: ConnectionSettings,
        clock: Clock,
        random: Random,
        hello: Callable[[], Sequence[str]] = tuple,
        is_final: Callable[[int, str], bool] = lambda _code, _reason: False,
        who: str = "the server",
        advice: str = "check the address and the network",
    ) -> None:
        """Prepare; nothing is opened before `run`.

        Args:
            url: `ws://` or `wss://`, percent-encoded.
            inbox: Where items go.
            link: Number that they carry.
            settings: Deadlines and bounds.
            clock: What they run on.
            random: Jitter.
            hello: Messages to send after each opening: what to subscribe.
            is_final: Tells from a close code and reason whether opening again is of no use.
            who: Name of the server in messages.
            advice: End of the sentence that says that nobody answers.
        """
        self.link = link
        self.opened = 0
        self.losses: dict[str, int] = {}
        self._url, self._inbox, self._settings, self._clock = url, inbox, settings, clock
        self._hello, self._is_final = hello, is_final
        self._who, self._advice = who, advice
        self._backoff = Backoff(settings.backoff_s, settings.backoff_cap_s, random)
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._ending = ""
        self._wait_s = 0.0
        self._reader: asyncio.Future[tuple[str, bool]] | None = None
        # What came so far, data or not, and when the last of it did; when data came last, monotonic seconds.
        self._arrivals = 0
        self._heard_ns = 0
        self._data_s = 0.0

    @property
    def reconnects(self) -> int:
        """Return how often it was opened again."""
        return max(0, self.opened - 1)

    async def run(self) -> None:
        """Keep it open until cancelled.

        Raises:
            UnreachableError: Nobody answered from the start, or the server says that it never will.
        """
        failed = 0
        while True:
            retry_after = 0.0
            try:
                await self._once()
                retry_after, self._wait_s = self._wait_s, 0.0
            except NotOpenedError as error:
                failed += 1
                first = not self.opened and failed >= self._settings.first_attempts
                if error.final or first:
                    advice = "" if error.final else f": {self._advice}"
                    raise UnreachableError(f"{self._who} at {place_of(self._url)} {error}{advice}") from error
                retry_after = min(error.retry_after_s, _LONGEST_RETRY_AFTER_S)
            await self._clock.sleep(max(self._backoff.next_s(), retry_after))

    async def send(self, text: str) -> bool:
        """Send a message, e.g. a request for a snapshot; return False if there is no connection to send it on."""
        socket = self._socket
        if socket is None:
            return False
        try:
            await socket.send_str(text)
        except (ConnectionError, RuntimeError):
            return False
        return True

    def drop(self, reason: str, wait_s: float = 0.0) -> None:
        """Give up the present connection, as whoever reads it found it to be of no use; another will be opened.

        Args:
            reason: For people.
            wait_s: Shortest wait before that, as where the venue wants to be left alone.
        """
        if self._socket is not None and self._reader is not None and not self._ending:
            self._ending, self._wait_s = reason, wait_s
            self._reader.cancel()

    # --- one connection -----------------------------------------------------------------------------------------

    async def _once(self) -> None:
        """Open it, read it to its end and tell the loss."""
        import aiohttp

        connected = asyncio.Event()
        trace = aiohttp.TraceConfig()

        async def stands(*_: object) -> None:
            connected.set()

        trace.on_connection_create_end.append(stands)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=None)
        async with aiohttp.ClientSession(timeout=timeout, trace_configs=[trace]) as session:
            socket = await open_socket(session, self._url, self._settings, self._clock, connected)
            self._ending = ""
            self._socket = socket
            self._data_s = since = self._clock.monotonic()
            self._heard_ns = self._clock.wall_ns()
            self.opened += 1
            self._reader = asyncio.ensure_future(self._read(socket))
            watch = asyncio.ensure_future(self._watch(socket))
            try:
                await asyncio.wait((self._reader,))
                reason, final = (self._ending, False) if self._reader.cancelled() else self._reader.result()
            finally:
                self._socket = None
                await _cancelled(self._reader, watch)
                await self._close(socket)
        if final:
            raise NotOpenedError(f"refused for good: {reason}", final=True)
        self.losses[reason] = self.losses.get(reason, 0) + 1
        self._inbox.put(self.link, Lost(self._heard_ns, self._clock.wall_ns(), reason))
        if self._clock.monotonic() - since >= self._settings.proved_s:
            self._backoff.reset()

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> tuple[str, bool]:
        """Hand on what comes until the end; return why it ended, and whether trying again is of no use."""
        import aiohttp

        kinds, clock, inbox = aiohttp.WSMsgType, self._clock, self._inbox
        try:
            inbox.put(self.link, Opened(self._heard_ns, self.opened))
            for text in self._hello():
                await socket.send_str(text)
            while True:
                message = await socket.receive()
                if message.type in {kinds.CLOSE, kinds.CLOSING, kinds.CLOSED, kinds.ERROR}:
                    return self._end_of(socket, message)
                before_ns, self._heard_ns = self._heard_ns, clock.wall_ns()
                self._arrivals += 1
                if message.type is kinds.TEXT:
                    self._data_s = clock.monotonic()
                    inbox.offer(self.link, Frame(message.data, self._heard_ns))
                elif message.type is kinds.PING:
                    await socket.pong(message.data)
                elif message.type is kinds.BINARY:
                    inbox.put(self.link, Skipped(before_ns, self._heard_ns, 1, "a message was no text"))
        except (ConnectionError, RuntimeError, aiohttp.ClientError) as error:  # while we sent
            return self._ending or f"the connection broke ({printable(str(error) or type(error).__name__)})", False

    def _end_of(self, socket: aiohttp.ClientWebSocketResponse, message: aiohttp.WSMessage) -> tuple[str, bool]:
        import aiohttp

        if self._ending:
            return self._ending, False
        if message.type is aiohttp.WSMsgType.CLOSE:
            code, said = int(message.data or 1005), printable(str(message.extra or ""))
            return f"{self._who} closed it ({code}{' ' if said else ''}{said})", self._is_final(code, said)
        if message.type is aiohttp.WSMsgType.ERROR:
            if isinstance(message.data, aiohttp.WebSocketError):
                return f"{self._who} sent what can't be taken ({printable(str(message.data))})", False
            return f"the connection broke ({printable(str(message.data))})", False
        return f"the connection broke ({socket.close_code or 1006})", False

    async def _watch(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Ping, and give up the connection when nothing answers or data is due."""
        settings, clock = self._settings, self._clock
        patience = settings.first_byte_s
        while not self._ending:
            before = self._arrivals
            with suppress(ConnectionError, RuntimeError):
                await socket.ping()
            await clock.sleep(patience)
            if self._arrivals == before:
                self.drop(f"nothing came for {patience:g} s, not even the answer to a ping")
                return
            patience = min(settings.pong_within_s, settings.ping_every_s)
            if settings.ping_every_s > patience:
                await clock.sleep(settings.ping_every_s - patience)
            if 0 < settings.data_within_s <= clock.monotonic() - self._data_s:
                self.drop(f"no data came for {settings.data_within_s:g} s")

    async def _close(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Say goodbye, and don't wait long for the answer."""
        with suppress(Exception):
            await socket.close()


async def _cancelled(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
