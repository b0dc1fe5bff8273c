"""One connection to `/ws-stream-normalized`: what it asked for, what waits for it, and what may go wrong with it."""

from __future__ import annotations

import asyncio
import json
import random
import struct
import zlib
from collections import deque
from typing import Any

from aiohttp import WSMsgType, web

from aftershock.sim.servers.faults import Faults
from aftershock.sim.servers.hub import Hub, Interest, Wanted
from aftershock.sim.servers.normalized import Message
from aftershock.sim.servers.outbox import Outbox, abort, give_up
from aftershock.sim.servers.stamps import iso
from aftershock.sim.servers.tamper import spoil

__all__ = ["Listener"]

_INTERNAL_ERROR = 1011
_SENT_AGAIN = 5
_PRINTS = frozenset({"trade", "liquidation"})
_AFTER_MESSAGES = 20
_GAP_S = 2.0
_LATE_S = 3.0
_ERROR_LINE = {"responseText": "", "message": "HttpError: upstream said no", "url": "/v1/data-feeds"}


class Listener:
    """Sends one connection its messages until it goes.

    Attributes:
        sent: Text messages sent.
    """

    def __init__(self, hub: Hub, faults: Faults, wanted: tuple[Wanted, ...], rng: random.Random) -> None:
        """Take what it wants; `rng` is the chance of faults."""
        self.sent = 0
        self._hub, self._faults, self._rng = hub, faults, rng
        self._outbox: Outbox[Message] = Outbox()
        self._interest = Interest(wanted, self._take)
        self._exchanges = list(dict.fromkeys(each.exchange for each in wanted))
        self._gap_until, self._before = 0.0, ""
        self._held: str | None = None

    def _take(self, message: Message, _ts_init: int) -> None:
        self._outbox.put(message)

    async def serve(self, request: web.Request, socket: web.WebSocketResponse, latest: deque[Message]) -> None:
        """Send until the client or a fault ends it.

        Args:
            request: Of the handshake.
            socket: Open.
            latest: Prints that were sent last on any connection, for those that are sent again.
        """
        if self._faults.strikes("duplicates"):
            self._outbox.put(*latest)
        self._hub.join(self._interest)
        tasks = [
            asyncio.ensure_future(work)
            for work in (
                _read(socket),
                self._write(request, socket, latest),
                self._die(request),
                self._outbox.full.wait(),
            )
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hub.leave(self._interest)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._outbox.full.is_set():
            await give_up(request, socket)

    async def _die(self, request: web.Request) -> None:
        """Reset the connection at a random moment, where that is the fault."""
        if not self._faults.on("disconnects"):
            await asyncio.Event().wait()
        await asyncio.sleep(self._rng.uniform(0.05, 1.0))
        self._faults.strikes("disconnects")
        abort(request)

    async def _write(self, request: web.Request, socket: web.WebSocketResponse, latest: deque[Message]) -> None:
        if self._faults.strikes("too-many-errors"):
            await self._give_up(socket)
            return
        while not socket.closed:
            message = await self._outbox.take()
            if message.fields["type"] in _PRINTS:
                latest.append(message)
            if not await self._send(request, socket, message):
                return

    async def _send(self, request: web.Request, socket: web.WebSocketResponse, message: Message) -> bool:
        """Send one message, or what a fault makes of it; return False if that ended the connection."""
        if await self._lost_in_gap(socket, message):
            return True
        if self._faults.strikes("slow"):
            await asyncio.sleep(_LATE_S)
        text = spoil(message, self._faults).text()
        if self.sent >= _AFTER_MESSAGES:
            if await self._ended(request, socket, text):
                return False
            text = await self._beside(socket, text)
        if self._faults.on("reordered") and self._held is None:
            self._held = text
            return True
        if self._held is not None:
            self._faults.strikes("reordered")
            await socket.send_str(text)
            text, self._held = self._held, None
        await socket.send_str(text)
        self.sent += 1
        return True

    async def _ended(self, request: web.Request, socket: web.WebSocketResponse, text: str) -> bool:
        """Tell whether a fault ended the connection instead of the message."""
        faults = self._faults
        if faults.strikes("silence"):
            await asyncio.Event().wait()
        if faults.strikes("reset-mid-message"):
            await _half_frame(request, text)
        elif faults.strikes("deflate-bomb"):
            await _bomb(request)
        elif faults.strikes("error-line"):
            await socket.send_str(json.dumps(_ERROR_LINE))
            await socket.close(code=_INTERNAL_ERROR, message=b"Error: HttpError: status code: 500")
        else:
            return False
        return True

    async def _beside(self, socket: web.WebSocketResponse, text: str) -> str:
        """Send what does not belong before a message, and return the message, or half of it."""
        faults = self._faults
        if faults.strikes("huge-message"):
            await socket.send_str(json.dumps({"type": "trade", "padding": "x" * (10 << 20)}))
        if faults.strikes("garbage"):
            await socket.send_str("<html>502 Bad Gateway</html>")
        if faults.strikes("binary"):
            await socket.send_bytes(text.encode())
        return text[: len(text) // 2] if faults.strikes("half-json") else text

    async def _lost_in_gap(self, socket: web.WebSocketResponse, message: Message) -> bool:
        """Lose two seconds of an exchange, then say so as the machine does: with the time of the message before."""
        now = asyncio.get_running_loop().time()
        if not self._gap_until and self.sent >= _AFTER_MESSAGES and self._faults.strikes("gap"):
            self._gap_until = now + _GAP_S
            self._before = message.fields["localTimestamp"]
        if not self._gap_until or message.exchange != self._exchanges[0]:
            return False
        if now < self._gap_until:
            return True
        self._gap_until = 0.0
        said = {"type": "disconnect", "exchange": message.exchange, "localTimestamp": self._before}
        await socket.send_str(json.dumps(said))
        return False

    async def _give_up(self, socket: web.WebSocketResponse) -> None:
        for count in range(1, 4):
            for exchange in self._exchanges:
                said: dict[str, Any] = {"type": "error", "exchange": exchange, "localTimestamp": iso(0)}
                said |= {"details": "getaddrinfo ENOTFOUND", "subSequentErrorsCount": count}
                await socket.send_str(json.dumps(said))
        await socket.close(code=_INTERNAL_ERROR, message=b"Too many subsequent errors when connecting to exchange")


async def _read(socket: web.WebSocketResponse) -> None:
    """Read until the client goes; what it says means nothing to the machine."""
    async for message in socket:
        if message.type is WSMsgType.ERROR:
            return


async def _half_frame(request: web.Request, text: str) -> None:
    """Send the head of a text frame and half of its body, then reset."""
    data = text.encode()
    head = bytes([0x81, 126]) + struct.pack("!H", len(data)) if len(data) > 125 else bytes([0x81, len(data)])
    if request.transport is not None:
        request.transport.write(head + data[: len(data) // 2])
        await asyncio.sleep(0.05)
    abort(request)


async def _bomb(request: web.Request) -> None:
    """Send a frame marked as compressed that unpacks to a hundred megabytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = b" " * (1 << 20)
    data = b"".join(packer.compress(block) for _ in range(100)) + packer.flush(zlib.Z_SYNC_FLUSH)
    if request.transport is not None:
        request.transport.write(bytes([0xC1, 127]) + struct.pack("!Q", len(data)) + data)
        await asyncio.sleep(0.5)
    abort(request)
