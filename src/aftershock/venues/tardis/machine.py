"""Live over tardis-machine: its normalized stream as events, across reconnects, with every loss as a gap.

A message that the socket delivered is passed on once. What is not passed on lies in a `Gap` of its exchange, for each
kind of data that was asked for: from the last message before the loss to the first one after it. In between the streams
are `Stale`, and then `Restored`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from urllib.parse import quote, urlsplit

import aiohttp
import msgspec

from aftershock.errors import UnreachableError
from aftershock.model.events import Event, Gap, Restored, Stale, StreamId
from aftershock.model.table import InstrumentTable
from aftershock.venues.tardis.codec import OptionRow, option_quotes, to_event
from aftershock.venues.tardis.messages import (
    BrokenMessageError,
    DisconnectMessage,
    ErrorMessage,
    FailureMessage,
    LiquidationMessage,
    TradeMessage,
    UnusedMessage,
    decode,
)
from aftershock.venues.tardis.recent_ids import RecentIds

__all__ = ["MachineStream", "Subscription", "check_reachable"]

_REQUEST_BYTES = 19_000
"""tardis-machine refuses the head of a request above 20,000 bytes."""
_FRAME_BYTES = 1 << 20
_CONNECT_S = 10.0
_PING_S = 15.0
_QUIET_MS = 1_800_000
"""Liquidations alone may be silent for long, and the machine's own check would reconnect every ten seconds."""
_KINDS = {
    "liquidation": "liquidations",
    "trade": "trades",
    "quote": "quotes",
    "book_ticker": "quotes",
    "derivative_ticker": "derivative_ticker",
    "option_summary": "option_quotes",
}
"""Types of data to kinds of streams."""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 30.0
_PROVEN_S = 60.0
_NOT_SERVED = 1011


async def check_reachable(url: str) -> None:
    """Find out whether anybody listens at the machine's address, before anything is asked of others.

    Raises:
        UnreachableError: Nobody does.
    """
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(parts.hostname, port), _CONNECT_S)
    except (OSError, TimeoutError) as error:
        raise UnreachableError(_absent(url, error)) from None
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask tardis-machine for.

    Attributes:
        exchange: Tardis id.
        symbols: The venue's own names.
        data_types: As tardis-machine calls them: `liquidation`, `book_ticker`, `option_summary`, ...
    """

    exchange: str
    symbols: tuple[str, ...]
    data_types: tuple[str, ...]

    def options(self) -> dict[str, object]:
        """Return the machine's options object."""
        found: dict[str, object] = {
            "exchange": self.exchange,
            "symbols": list(self.symbols),
            "dataTypes": list(self.data_types),
            "withDisconnectMessages": True,
            "withErrorMessages": True,
        }
        if self.data_types == ("liquidation",):
            found["timeoutIntervalMS"] = _QUIET_MS
        return found

    def split(self) -> Iterator[Subscription]:
        """Yield subscriptions that each fit into one request."""
        at = 0
        while at < len(self.symbols):
            count = len(self.symbols) - at
            while count > 1 and len(_query([_part(self, at, count)])) > _REQUEST_BYTES:
                count = (count + 1) // 2
            yield _part(self, at, count)
            at += count


def _part(whole: Subscription, at: int, count: int) -> Subscription:
    return msgspec.structs.replace(whole, symbols=whole.symbols[at : at + count])


def _query(wanted: Sequence[Subscription]) -> str:
    return "options=" + quote(msgspec.json.encode([each.options() for each in wanted]).decode(), safe="")


class MachineStream:
    """One connection to `/ws-stream-normalized`, made again whenever it is lost, until it is closed.

    Attributes:
        name: For reports.
        reconnects: How often the connection was made again.
        dropped: Frames and messages that were of no use, by reason.
        lag_ns: Smallest distance seen between a venue's time and ours, by exchange: its way and its clock's offset.
    """

    def __init__(
        self,
        url: str,
        wanted: Sequence[Subscription],
        table: InstrumentTable,
        *,
        clock: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        seed: int | None = None,
    ) -> None:
        """Prepare; nothing is sent before somebody iterates.

        Args:
            url: Of the machine's WebSocket: `ws://127.0.0.1:8001`.
            wanted: What fits into one request.
            table: Says what a venue's liquidation feed means.
            clock: Wall clock, ns UTC.
            sleep: Waits between attempts.
            seed: Of the jitter of those waits.
        """
        self._url = f"{url.rstrip('/')}/ws-stream-normalized?{_query(wanted)}"
        self._shown = url
        self._exchanges = tuple(dict.fromkeys(each.exchange for each in wanted))
        self._streams: dict[str, dict[StreamId, None]] = {each: {} for each in self._exchanges}
        for each in wanted:
            for kind in each.data_types:
                self._streams[each.exchange][StreamId(each.exchange, _KINDS.get(kind, kind), "")] = None
        self._table = table
        self._clock, self._sleep = clock, sleep
        self._jitter = random.Random(seed)  # noqa: S311  spreads reconnects, protects nothing
        self._recent = RecentIds()
        self._last: dict[str, int] = {}
        self._lost: dict[str, str] = {}
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._closed = asyncio.Event()
        self.name = f"tardis-machine {', '.join(self._exchanges)}"
        self.reconnects = 0
        self.dropped: dict[str, int] = {}
        self.lag_ns: dict[str, int] = {}

    async def close(self) -> None:
        """Let go of the connection; the iterator ends."""
        self._closed.set()
        if self._socket is not None:
            await self._socket.close()

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Iterate over what arrives.

        Raises:
            UnreachableError: The machine does not answer at first, or says that it can't serve what is wanted.
        """
        failures = 0
        connected = False
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S)) as session:
            while not self._closed.is_set():
                began = self._clock()
                try:
                    socket = await asyncio.wait_for(self._connect(session), _CONNECT_S)
                except (aiohttp.ClientError, OSError, TimeoutError) as error:
                    if not connected:
                        raise UnreachableError(_absent(self._shown, error)) from None
                    failures += 1
                else:
                    self.reconnects += connected
                    connected = True
                    self._socket = socket
                    async for event in self._listen(socket):
                        yield event
                    if not self._closed.is_set():
                        for event in self._lose("the connection was lost"):
                            yield event
                    failures = 1 if self._clock() - began > _PROVEN_S * 1e9 else failures + 1
                if not self._closed.is_set():
                    await self._wait(failures)

    async def _connect(self, session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
        return await session.ws_connect(self._url, heartbeat=_PING_S, max_msg_size=_FRAME_BYTES, autoclose=True)

    async def _wait(self, failures: int) -> None:
        """Wait before the next attempt: doubled each time, capped, and spread; a close ends it."""
        longest = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(failures - 1, 10))
        waiting = asyncio.ensure_future(self._sleep(longest * self._jitter.uniform(0.5, 1.0)))
        closing = asyncio.ensure_future(self._closed.wait())
        _, left = await asyncio.wait({waiting, closing}, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[Event]:
        async for frame in socket:
            if frame.type is aiohttp.WSMsgType.TEXT:
                for event in self._take(frame.data, self._clock()):
                    yield event
            elif frame.type is aiohttp.WSMsgType.BINARY:
                self._drop("binary frame")
                for event in self._lose("a frame could not be read"):
                    yield event
            else:
                break
        if socket.close_code == _NOT_SERVED and not self._last:
            raise UnreachableError(
                f"tardis-machine at {self._shown} does not serve {', '.join(self._exchanges)}: it closed the stream "
                "with an error; check exchange and symbols against Tardis' list of exchanges (it has no `ftx-restart`)"
            )

    # --- frames -------------------------------------------------------------------------------------------------

    def _take(self, text: str, now: int) -> Iterator[Event]:
        """Translate one frame, which is one message."""
        try:
            message = decode(text)
            if isinstance(message, DisconnectMessage):
                yield from self._lose_one(message.exchange, "the machine lost the venue", now)
            elif isinstance(message, ErrorMessage):
                self._drop("error of the machine")
            elif isinstance(message, FailureMessage):
                self._drop("failure of the machine")
            elif isinstance(message, UnusedMessage):
                self._drop(f"unused type {message.type[:40]}")
            elif isinstance(message, TradeMessage | LiquidationMessage) and self._repeats(message):
                self._drop("sent again after a reconnect")
            else:
                event = to_event(message, now, self._table)
                yield from self._find(message.exchange, now)
                lag = now - event.ts_event
                self.lag_ns[message.exchange] = min(lag, self.lag_ns.get(message.exchange, lag))
                yield option_quotes([event]) if isinstance(event, OptionRow) else event
        except BrokenMessageError as error:
            # Whose it was can't be known: what it said is lost for all of them.
            self._drop(error.reason.value)
            yield from self._lose("a message could not be read")

    def _repeats(self, message: TradeMessage | LiquidationMessage) -> bool:
        return self._recent.repeats(
            message.id,
            message.__struct_config__.tag,
            message.exchange,
            message.symbol,
            message.timestamp,
            message.side,
            message.price,
            message.amount,
        )

    def _drop(self, reason: str) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1

    # --- losses -------------------------------------------------------------------------------------------------

    def _lose(self, why: str) -> Iterator[Event]:
        now = self._clock()
        for exchange in self._exchanges:
            yield from self._lose_one(exchange, why, now)

    def _lose_one(self, exchange: str, why: str, now: int) -> Iterator[Event]:
        """Say that an exchange is silent; what is missing is known once it speaks again."""
        if exchange in self._exchanges and exchange not in self._lost:
            self._lost[exchange] = why
            for stream in self._streams[exchange]:
                yield Stale(ts_event=now, ts_init=now, stream=stream, detail=why)

    def _find(self, exchange: str, now: int) -> Iterator[Event]:
        """End the gap of an exchange that speaks again; note when it was heard last."""
        why = self._lost.pop(exchange, None)
        if why is not None:
            since = self._last.get(exchange, now)
            for stream in self._streams[exchange]:
                yield Gap(ts_event=since, ts_init=now, stream=stream, from_ts=since, to_ts=now, detail=why)
                yield Restored(ts_event=now, ts_init=now, stream=stream)
        self._last[exchange] = now


def _absent(url: str, error: Exception) -> str:
    said = str(error)[:200] or type(error).__name__
    return (
        f"no tardis-machine answers at {url} ({said}): start one (`npx tardis-machine`) or point "
        "AFTERSHOCK_TARDIS_MACHINE_WS_URL at one that runs; recorded data needs none: `aftershock replay`"
    )
