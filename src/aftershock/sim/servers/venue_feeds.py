"""The public WebSockets of FTX, as it was, and of Deribit: what a recorder of their market data subscribes to.

For the real Tardis software, which records by them: `WSS_URL_FTX` and `WSS_URL_DERIBIT` point it here. FTX's socket
carries `ftx-restart`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from aftershock.model.events import Event
from aftershock.sim.servers.archive import venue_of
from aftershock.sim.servers.hub import Hub, Interest
from aftershock.sim.servers.native import CHANNELS, Native, Natives
from aftershock.sim.servers.tape import RESTART

__all__ = ["VenueFeeds"]

_MAX_FRAME = 512 << 10
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
        self._waiting: deque[bytes] = deque()
        self._wake = asyncio.Event()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve until the client goes."""
        socket = web.WebSocketResponse(max_msg_size=_MAX_FRAME)
        await socket.prepare(request)
        interest = Interest((), lambda *_: None, self._see)
        self._hub.join(interest)
        writer = asyncio.ensure_future(self._write(socket))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._put(self._answer(message.data))
        finally:
            self._hub.leave(interest)
            writer.cancel()
        return socket

    def _see(self, event: Event) -> None:
        if venue_of(event) != self._venue or not self._channels:
            return
        for native in self._natives.of(event):
            name = self._channels.get((native.channel, native.symbol))
            if name is not None:
                self._put(_named(native, name))

    def _put(self, fields: dict[str, Any]) -> None:
        self._waiting.append(msgspec.json.encode(fields))
        self._wake.set()

    async def _write(self, socket: web.WebSocketResponse) -> None:
        while True:
            while self._waiting:
                await socket.send_str(self._waiting.popleft().decode())
            self._wake.clear()
            await self._wake.wait()

    def _answer(self, text: str) -> dict[str, Any]:
        try:
            asked = msgspec.json.decode(text, type=dict[str, Any])
        except msgspec.MsgspecError:
            return {"type": "error", "msg": "Invalid JSON"} if self._venue == RESTART else _failed(None, _BAD_REQUEST)
        return self._answer_ftx(asked) if self._venue == RESTART else self._answer_deribit(asked)

    def _answer_ftx(self, asked: dict[str, Any]) -> dict[str, Any]:
        channel, market = asked.get("channel"), asked.get("market")
        if asked.get("op") == "ping":
            return {"type": "pong"}
        if asked.get("op") != "subscribe" or channel not in CHANNELS["ftx"] or not isinstance(market, str):
            return {"type": "error", "code": 400, "msg": "Invalid op, channel or market"}
        self._channels[channel, market] = ""
        return {"type": "subscribed", "channel": channel, "market": market}

    def _answer_deribit(self, asked: dict[str, Any]) -> dict[str, Any]:
        number, method = asked.get("id"), asked.get("method")
        if method == "public/subscribe":
            names = [str(name) for name in (asked.get("params") or {}).get("channels", [])]
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
