"""The public WebSockets of FTX, as it was, and of Deribit: what a recorder of their market data subscribes to.

For the real Tardis software, which records by them: `WSS_URL_FTX` and `WSS_URL_DERIBIT` point it here. FTX's socket
carries `ftx-restart`.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from aftershock.model.events import Event
from aftershock.sim.servers.archive import venue_of
from aftershock.sim.servers.hub import Hub, Interest
from aftershock.sim.servers.native import CHANNELS, Native, Natives
from aftershock.sim.servers.outbox import Outbox, give_up
from aftershock.sim.servers.tape import RESTART

__all__ = ["VenueFeeds"]

_MAX_FRAME = 512 << 10
_HEARTBEAT_S = 30.0
_BAD_REQUEST = {"code": -32600, "message": "request entity is no JSON-RPC request"}
_NO_METHOD = {"code": -32601, "message": "Method not found"}


class VenueFeeds:
    """The routes `/ftx` and `/deribit`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def app(self, *middlewares: Any) -> web.Application:  # noqa: ANN401 - aiohttp's own type is private
        """Return the application."""
        app = web.Application(middlewares=middlewares)
        app.router.add_get("/ftx", self._ftx)
        app.router.add_get("/deribit", self._deribit)
        return app

    async def _ftx(self, request: web.Request) -> web.WebSocketResponse:
        return await _Connection(self._hub, RESTART).serve(request)

    async def _deribit(self, request: web.Request) -> web.WebSocketResponse:
        return await _Connection(self._hub, "deribit").serve(request)


class _Connection:
    """One connection: answers what it is asked, and sends the channels that were subscribed."""

    def __init__(self, hub: Hub, venue: str) -> None:
        self._hub, self._venue = hub, venue
        self._natives = Natives()
        self._channels: dict[tuple[str, str], str] = {}
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
        if venue_of(event) != self._venue or not self._channels:
            return
        for native in self._natives.of(event):
            name = self._channels.get((native.channel, native.symbol))
            if name is not None:
                self._put(_named(native, name))

    def _put(self, fields: dict[str, Any]) -> None:
        self._outbox.put(msgspec.json.encode(fields))

    async def _write(self, socket: web.WebSocketResponse) -> None:
        while not socket.closed:
            await socket.send_str((await self._outbox.take()).decode())

    def _answer(self, text: str) -> dict[str, Any]:
        try:
            asked = msgspec.json.decode(text, type=dict[str, Any])
        except (msgspec.MsgspecError, RecursionError):
            return {"type": "error", "msg": "Invalid JSON"} if self._venue == RESTART else _failed(None, _BAD_REQUEST)
        return self._answer_ftx(asked) if self._venue == RESTART else self._answer_deribit(asked)

    def _answer_ftx(self, asked: dict[str, Any]) -> dict[str, Any]:
        channel, market = asked.get("channel"), asked.get("market")
        if asked.get("op") == "ping":
            return {"type": "pong"}
        if (
            asked.get("op") != "subscribe"
            or not isinstance(channel, str)
            or channel not in CHANNELS["ftx"]
            or not isinstance(market, str)
        ):
            return {"type": "error", "code": 400, "msg": "Invalid op, channel or market"}
        self._channels[channel, market] = ""
        return {"type": "subscribed", "channel": channel, "market": market}

    def _answer_deribit(self, asked: dict[str, Any]) -> dict[str, Any]:
        number, method = asked.get("id"), asked.get("method")
        if method == "public/subscribe":
            params = asked.get("params")
            channels = params.get("channels") if isinstance(params, dict) else None
            names = [str(name) for name in channels] if isinstance(channels, list) else []
            for name in names:
                parts = name.split(".")
                if parts[0] in CHANNELS["deribit"] and len(parts) > 1:
                    self._channels[parts[0], parts[1]] = name
            return {"jsonrpc": "2.0", "id": number, "result": names}
        if method in ("public/set_heartbeat", "public/hello", "public/test"):
            return {"jsonrpc": "2.0", "id": number, "result": "ok"}
        return _failed(number, _NO_METHOD)


def _failed(number: object, error: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "error": error}


def _named(native: Native, name: str) -> dict[str, Any]:
    """Return a message under the name by which its channel was subscribed."""
    if not name:
        return native.fields
    return {**native.fields, "params": {**native.fields["params"], "channel": name}}
