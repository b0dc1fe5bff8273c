"""Backpack's WebSocket on the simulated market: subscriptions, prices, the account's own streams."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable
from typing import Any

from aiohttp import WSMsgType, web

from aftershock.model.units import NS_PER_MS
from aftershock.sim.servers.backpack_account import Account
from aftershock.sim.servers.backpack_auth import Verifier
from aftershock.sim.servers.backpack_candles import INTERVALS
from aftershock.sim.servers.backpack_errors import ApiError
from aftershock.sim.servers.backpack_market import BackpackMarket
from aftershock.sim.servers.backpack_positions import position_update
from aftershock.sim.servers.backpack_ticker import Summaries
from aftershock.sim.servers.faults import Faults
from aftershock.sim.servers.outbox import Outbox, give_up

__all__ = ["BackpackWs"]

_MAX_FRAME = 512 << 10
_PING_S = 60.0
_MARK_S = 1.0
_OF_A_SYMBOL = ("bookTicker", "depth", "trade", "markPrice", "ticker", "kline")
_PRIVATE = ("account.orderUpdate", "account.positionUpdate", "account.rfqUpdate", "account.balanceUpdate")
_SLOWER = {"200ms": 0.2, "600ms": 0.6, "1000ms": 1.0}
_INVALID = {"id": None, "error": {"code": 4006, "message": "Invalid stream"}}
_AFTER = 20


class BackpackWs:
    """All connections, and what each of them subscribed to."""

    def __init__(self, market: BackpackMarket, account: Account, verifier: Verifier, faults: Faults) -> None:
        self._market, self._account, self._verifier, self._faults = market, account, verifier, faults
        self._open: list[_Connection] = []
        self._summaries = Summaries(market)
        market.emit = self.emit
        account.tell = self.emit

    def app(self, *middlewares: Any) -> web.Application:  # noqa: ANN401 - aiohttp's own type is private
        """Return the application."""
        app = web.Application(middlewares=middlewares)
        app.router.add_get("/", self._serve)
        app.cleanup_ctx.append(self._clock)
        return app

    def emit(self, kind: str, symbol: str, data: dict[str, Any]) -> None:
        """Send what happened to whoever subscribed to it."""
        if not self._open:
            return
        names = [f"{kind}.{symbol}", kind] if kind.startswith("account.") else [f"{kind}.{symbol}" if symbol else kind]
        for connection in self._open:
            connection.offer(kind, symbol, names, data)

    async def _clock(self, _app: web.Application) -> Any:  # noqa: ANN401 - an async generator
        ticking = asyncio.ensure_future(self._tick())
        yield
        ticking.cancel()

    async def _tick(self) -> None:
        """Send marks, tickers and candles each second, and slower books when they are due."""
        count = 0
        while True:
            await asyncio.sleep(0.2)
            count += 1
            for name, every_s in _SLOWER.items():
                if count % round(every_s / 0.2) == 0:
                    for connection in self._open:
                        connection.flush(name)
            if count % round(_MARK_S / 0.2) == 0:
                for symbol in list(self._market.marks):
                    self.emit("markPrice", symbol, self._market.mark(symbol))
                wanted = [_parts(name) for connection in self._open for name in connection.names]
                for kind, name, data in list(self._summaries.due(wanted)):
                    self.emit(kind, name, data)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if not web.WebSocketResponse().can_prepare(request).ok:
            return web.Response(status=426, text="a WebSocket is expected\n")
        mute = self._faults.strikes("backpack-no-pong")
        socket = web.WebSocketResponse(max_msg_size=_MAX_FRAME, heartbeat=None if mute else _PING_S, autoping=not mute)
        await socket.prepare(request)
        connection = _Connection(self._faults)
        self._open.append(connection)
        tasks = [
            asyncio.ensure_future(work)
            for work in (self._read(socket, connection), connection.write(socket), connection.outbox.full.wait())
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._open.remove(connection)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if connection.outbox.full.is_set():
            await give_up(request, socket)
        return socket

    async def _read(self, socket: web.WebSocketResponse, connection: _Connection) -> None:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                for answer in self._answers(message.data, connection):
                    connection.outbox.put(json.dumps(answer))

    def _answers(self, text: str, connection: _Connection) -> Iterable[dict[str, Any]]:
        """Do what is asked; yield what is said at once. There is no word for a subscription that stands."""
        try:
            asked = json.loads(text)
            method, names = asked["method"], asked["params"]
        except (ValueError, KeyError, TypeError, RecursionError):
            yield {"id": None, "error": {"code": 4000, "message": "Invalid request"}}
            return
        if method not in ("SUBSCRIBE", "UNSUBSCRIBE") or not isinstance(names, list):
            yield {"id": None, "error": {"code": 4000, "message": "Invalid method"}}
            return
        for name in map(str, names):
            if method == "UNSUBSCRIBE":
                connection.names.discard(name)
            else:
                yield from self._subscribe(name, asked.get("signature"), connection)

    def _subscribe(self, name: str, signature: object, connection: _Connection) -> Iterable[dict[str, Any]]:
        kind, symbol, slower = _parts(name)
        if not self._is_known(kind, symbol, slower):
            yield _INVALID
            return
        if kind in _PRIVATE:
            try:
                clocks = [now // NS_PER_MS for now in (time.time_ns(), self._market.now_ns)]
                self._verifier.check_subscription(signature, clocks)
            except ApiError as error:
                yield {"id": None, "error": {"code": 4002, "message": error.message}}
                return
        connection.names.add(name)
        if kind == "account.positionUpdate":
            for held in self._account.wallet.positions:
                data = position_update(self._account.wallet, held, self._market.now_ns)
                yield {"stream": name, "data": data}
        for data in self._market.states(kind, symbol):
            yield {"stream": name, "data": data}

    def _is_known(self, kind: str, symbol: str, slower: str) -> bool:
        if kind == "liquidation":
            return not symbol
        if kind in _PRIVATE:
            return True
        listed = any(each["symbol"] == symbol for each in self._market.documents())
        return kind in _OF_A_SYMBOL and listed and (kind != "kline" or slower in INTERVALS)


class _Connection:
    """One client."""

    def __init__(self, faults: Faults) -> None:
        self.names: set[str] = set()
        self.outbox: Outbox[str] = Outbox()
        self._faults = faults
        self._pending: dict[str, dict[str, Any]] = {}
        self._depths = 0

    def offer(self, kind: str, symbol: str, names: list[str], data: dict[str, Any]) -> None:
        """Take what it subscribed to."""
        for name in names:
            if name in self.names:
                self._send(kind, name, data)
        if kind == "depth":
            for slower in _SLOWER:
                name = f"depth.{slower}.{symbol}"
                if name in self.names:
                    self._pending[name] = _joined(self._pending.get(name), data)

    def flush(self, slower: str) -> None:
        """Send the changes of books that were collected."""
        for name in [each for each in self._pending if each.startswith(f"depth.{slower}.")]:
            self._send("depth", name, self._pending.pop(name))

    def _send(self, kind: str, name: str, data: dict[str, Any]) -> None:
        faults = self._faults
        if kind == "depth":
            self._depths += 1
            if self._depths > _AFTER:
                if faults.strikes("backpack-depth-gap"):
                    return
                if faults.strikes("backpack-ghost-level"):
                    data = {**data, "b": [*data["b"], ["1.0", "0.00000"]]}
                if faults.strikes("backpack-depth-twice"):
                    self.outbox.put(json.dumps({"stream": name, "data": data}))
        self.outbox.put(json.dumps({"stream": name, "data": data}))

    async def write(self, socket: web.WebSocketResponse) -> None:
        """Send what waits, until a fault or the client ends it."""
        sent = 0
        while not socket.closed:
            await socket.send_str(await self.outbox.take())
            sent += 1
            if sent > _AFTER and self._faults.strikes("backpack-close"):
                await socket.close(code=1001, message=b"going away")
                return


def _parts(name: str) -> tuple[str, str, str]:
    """Return kind, symbol and interval of a stream's name; symbols may have points in them."""
    for kind in _PRIVATE:
        if name == kind or name.startswith(f"{kind}."):
            return kind, name[len(kind) + 1 :], ""
    kind, _, rest = name.partition(".")
    if kind == "depth" and rest.partition(".")[0] in _SLOWER:
        slower, _, rest = rest.partition(".")
        return kind, rest, slower
    if kind == "kline":
        interval, _, rest = rest.partition(".")
        return kind, rest, interval
    return kind, rest, ""


def _joined(before: dict[str, Any] | None, data: dict[str, Any]) -> dict[str, Any]:
    if before is None:
        return data
    sides = {side: list((dict(before[side]) | dict(data[side])).items()) for side in ("b", "a")}
    return {**data, "U": before["U"], **{side: [list(level) for level in levels] for side, levels in sides.items()}}
