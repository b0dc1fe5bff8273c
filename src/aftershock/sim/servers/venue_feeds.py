"""The public WebSocket of FTX, as it was: what a recorder of its market data subscribes to. It carries `ftx-restart`.

For the real Tardis software, which records by it: `WSS_URL_FTX` points it here.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from aftershock.model.events import Event
from aftershock.sim.servers.archive import venue_of
from aftershock.sim.servers.hub import Hub, Interest
from aftershock.sim.servers.native import CHANNELS, Natives
from aftershock.sim.servers.outbox import Outbox, give_up
from aftershock.sim.servers.tape import RESTART

__all__ = ["VenueFeeds"]

_MAX_FRAME = 512 << 10
_HEARTBEAT_S = 30.0


class VenueFeeds:
    """The route `/ftx`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def app(self, *middlewares: Any) -> web.Application:  # noqa: ANN401 - aiohttp's own type is private
        """Return the application."""
        app = web.Application(middlewares=middlewares)
        app.router.add_get("/ftx", self._ftx)
        return app

    async def _ftx(self, request: web.Request) -> web.WebSocketResponse:
        return await _Connection(self._hub).serve(request)


class _Connection:
    """One connection: answers what it is asked, and sends the channels that were subscribed."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._natives = Natives()
        self._channels: set[tuple[str, str]] = set()
        self._outbox: Outbox[bytes] = Outbox()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve until the client goes."""
        socket = web.WebSocketResponse(max_msg_size=_MAX_FRAME, heartbeat=_HEARTBEAT_S)
        await socket.prepare(request)
        interest = Interest((), lambda *_: None, self._see)
        self._hub.join(interest)
        tasks = [
            asyncio.ensure_future(work) for work in (self._read(socket), self._write(socket), self._outbox.full.wait())
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hub.leave(interest)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._outbox.full.is_set():
            await give_up(request, socket)
        return socket

    async def _read(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self._put(self._answer(message.data))

    def _see(self, event: Event) -> None:
        if venue_of(event) != RESTART or not self._channels:
            return
        for native in self._natives.of(event):
            if (native.channel, native.symbol) in self._channels:
                self._put(native.fields)

    def _put(self, fields: dict[str, Any]) -> None:
        self._outbox.put(msgspec.json.encode(fields))

    async def _write(self, socket: web.WebSocketResponse) -> None:
        while not socket.closed:
            await socket.send_str((await self._outbox.take()).decode())

    def _answer(self, text: str) -> dict[str, Any]:
        try:
            asked = msgspec.json.decode(text, type=dict[str, Any])
        except (msgspec.MsgspecError, RecursionError):
            return {"type": "error", "msg": "Invalid JSON"}
        channel, market = asked.get("channel"), asked.get("market")
        if asked.get("op") == "ping":
            return {"type": "pong"}
        known = isinstance(channel, str) and channel in CHANNELS["ftx"] and isinstance(market, str)
        if asked.get("op") != "subscribe" or not known:
            return {"type": "error", "code": 400, "msg": "Invalid op, channel or market"}
        self._channels.add((str(channel), str(market)))
        return {"type": "subscribed", "channel": channel, "market": market}
