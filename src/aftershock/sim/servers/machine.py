"""tardis-machine: its WebSocket and HTTP routes, its messages, and its ways to say no."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import msgspec
from aiohttp import web

from aftershock.model.events import Event
from aftershock.sim.servers.catalogue import ENDED, LIVE
from aftershock.sim.servers.faults import Faults
from aftershock.sim.servers.hub import Hub, Interest, Wanted
from aftershock.sim.servers.library import Library
from aftershock.sim.servers.listener import Listener
from aftershock.sim.servers.normalized import DATA_TYPES, Message, data_types_of, normalized, rows_of
from aftershock.sim.servers.stamps import parse_minute

__all__ = ["Machine"]

_INTERNAL_ERROR, _POLICY = 1011, 1008
_MAX_FRAME = 512 << 10
_FLUSHED = 32
_HEARTBEAT_S = 30.0
_NORMALIZERS = {
    "liquidation": "normalizeLiquidations",
    "option_summary": "normalizeOptionsSummary",
    "trade": "normalizeTrades",
    "derivative_ticker": "normalizeDerivativeTickers",
    "book_ticker": "normalizeBookTickers",
    "quote": "normalizeBookChanges",
}
_PAGE = "<html><head><title>Service unavailable</title></head><body><h1>Try again later</h1></body></html>"


class RefusedError(Exception):
    """The machine can't do what was asked; its own words."""


class Machine:
    """The routes, over a hub and what is recorded."""

    def __init__(self, hub: Hub, library: Library, faults: Faults, seed: int) -> None:
        self._hub, self._library, self._faults = hub, library, faults
        self._rng = random.Random(seed)  # noqa: S311 - chance of faults
        self._latest: deque[Message] = deque(maxlen=5)
        self._started = time.monotonic()

    def websocket_app(self, *middlewares: Any) -> web.Application:  # noqa: ANN401 - aiohttp's own type is private
        """Return the application of the WebSocket port."""
        app = web.Application(middlewares=middlewares)
        app.router.add_get("/ws-stream-normalized", self._stream)
        app.router.add_get("/ws-replay-normalized", self._replay_socket)
        app.router.add_get("/{path:.*}", self._unknown_socket)
        return app

    def http_app(self, *middlewares: Any) -> web.Application:  # noqa: ANN401 - aiohttp's own type is private
        """Return the application of the HTTP port."""
        app = web.Application(middlewares=middlewares)
        app.router.add_get("/replay-normalized", self._replay_http)
        app.router.add_get("/health-check", self._health)
        return app

    # --- live -----------------------------------------------------------------------------------------------------

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        refused = await self._refuse_handshake()
        if refused is not None:
            return refused
        deaf = self._faults.strikes("no-first-byte")
        socket = web.WebSocketResponse(
            max_msg_size=_MAX_FRAME, heartbeat=None if deaf else _HEARTBEAT_S, autoping=not deaf and not self._mute()
        )
        await socket.prepare(request)
        if deaf:
            await asyncio.Event().wait()
        if self._faults.strikes("close-at-once"):
            await socket.close()
            return socket
        if self._faults.strikes("refused"):
            await socket.close(code=_INTERNAL_ERROR, message=b"Error: normalizeLiquidations: ftx-restart not supported")
            return socket
        try:
            wanted = _wanted(_options(request), live=True)
        except RefusedError as error:
            await socket.close(code=_INTERNAL_ERROR, message=f"Error: {error}".encode()[:123])
            return socket
        await Listener(self._hub, self._faults, wanted, self._rng).serve(request, socket, self._latest)
        return socket

    def _mute(self) -> bool:
        """Tell whether pings stay unanswered, as on a network that is gone."""
        return self._faults.on("silence")

    async def _refuse_handshake(self) -> web.StreamResponse | None:
        faults = self._faults
        if faults.strikes("no-handshake"):
            await asyncio.Event().wait()
        if faults.strikes("http-429"):
            return web.Response(status=429, text=_PAGE, content_type="text/html", headers={"Retry-After": "1"})
        if faults.strikes("http-503"):
            return web.Response(status=503, text=_PAGE, content_type="text/html")
        if faults.strikes("html"):
            return web.Response(text=_PAGE, content_type="text/html")
        return None

    async def _unknown_socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        if not socket.can_prepare(request).ok:
            return web.Response(status=404)
        await socket.prepare(request)
        await socket.close(code=_POLICY)
        return socket

    # --- replay ---------------------------------------------------------------------------------------------------

    async def _replay_socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(max_msg_size=_MAX_FRAME, heartbeat=_HEARTBEAT_S)
        await socket.prepare(request)
        try:
            for text in await self._replayed(_options(request)):
                await socket.send_str(text)
        except RefusedError as error:
            await socket.close(code=_INTERNAL_ERROR, message=f"Error: {error}".encode()[:123])
        else:
            await socket.close(code=1000, message=b"WS replay-normalized finished")
        return socket

    async def _replay_http(self, request: web.Request) -> web.StreamResponse:
        try:
            texts = await self._replayed(_options(request))
        except RefusedError as error:
            return web.json_response({"message": str(error)}, status=500)
        response = web.StreamResponse(headers={"Content-Type": "application/x-json-stream"})
        await response.prepare(request)
        waiting: list[str] = []
        for text in texts:
            waiting.append(text + "\n")
            if len(waiting) >= _FLUSHED:
                await response.write("".join(waiting).encode())
                waiting.clear()
                if self._faults.strikes("failure-in-200"):  # what was buffered is lost, and the status was sent
                    failure = {"responseText": "", "message": "HttpError: status code: 500", "url": "/v1/data-feeds"}
                    await response.write(json.dumps(failure).encode())
                    return response
        await response.write("".join(waiting).encode())
        return response

    async def _replayed(self, options: list[dict[str, Any]]) -> Iterator[str]:
        """Return the messages of a replay.

        Raises:
            RefusedError: An option makes no sense.
        """
        wanted = _wanted(options, live=False)
        try:
            from_ns = min(parse_minute(each["from"]) for each in options)
            to_ns = max(parse_minute(each["to"]) for each in options)
        except (KeyError, TypeError, ValueError):
            raise RefusedError('Invalid "from" argument. Please provide valid ISO 8601 date string.') from None
        if to_ns < from_ns:
            raise RefusedError('Invalid "to" and "from" arguments combination. Please provide "to" date that is later')
        exchanges = [each.exchange for each in wanted]
        events = await asyncio.to_thread(lambda: list(self._library.past(exchanges, from_ns, to_ns)))
        return self._texts(events, Interest(wanted, lambda *_: None))

    def _texts(self, events: list[Event], interest: Interest) -> Iterator[str]:
        terms = self._library.terms()
        for event in events:
            for data_type in data_types_of(event):
                for exchange, symbol, row in rows_of(event):
                    if interest.wants(exchange, symbol, data_type):
                        yield normalized(event, row, data_type, terms, live=False).text()

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "status": "Healthy",
                "uptimeHours": (time.monotonic() - self._started) / 3600,
                "timestampMs": time.time_ns() // 1_000_000,
                "memoryInfo": {},
            }
        )


def _options(request: web.Request) -> list[dict[str, Any]]:
    try:
        options = msgspec.json.decode(request.query.get("options", ""))
    except (msgspec.MsgspecError, RecursionError) as error:
        raise RefusedError(str(error)) from None
    found = options if isinstance(options, list) else [options]
    if not found or not all(isinstance(each, dict) for each in found):
        raise RefusedError("Cannot read properties of undefined (reading 'includes')")
    return found


def _wanted(options: list[dict[str, Any]], *, live: bool) -> tuple[Wanted, ...]:
    """Return what is asked for; data types are united per exchange, as the machine does it."""
    types: dict[str, list[str]] = {}
    for each in options:
        if not isinstance(each.get("dataTypes"), list):
            raise RefusedError("Cannot read properties of undefined (reading 'includes')")
        types.setdefault(str(each.get("exchange")), []).extend(map(str, each["dataTypes"]))
    found = []
    for exchange, named in types.items():
        known = [name for name in named if name in DATA_TYPES]
        if not known:
            raise RefusedError("Can't normalize data without any normalizers provided")
        can = LIVE.get(exchange, ()) if live else (LIVE | ENDED).get(exchange, ())
        for name in known:
            if name not in can:
                raise RefusedError(f"{_NORMALIZERS[name]}: {exchange[:40]} not supported")
        lists = [each.get("symbols") or [] for each in options if str(each.get("exchange")) == exchange]
        if not all(isinstance(each, list) for each in lists):
            raise RefusedError("Cannot read properties of undefined (reading 'includes')")
        symbols = frozenset(str(symbol) for symbols in lists for symbol in symbols) if all(lists) else frozenset()
        found.append(Wanted(exchange, frozenset(known), symbols))
    return tuple(found)
