"""Deribit's JSON-RPC over HTTP and WebSocket on the simulated market, with its limits and its way to end a session."""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from aiohttp import WSMsgType, web

from aftershock.model.units import NS_PER_MS, NS_PER_US
from aftershock.sim.market.listing import Listing
from aftershock.sim.servers.deribit_market import INDEX, DeribitMarket
from aftershock.sim.servers.deribit_rpc import RpcError, depth_of, read, refusal
from aftershock.sim.servers.deribit_session import Session
from aftershock.sim.servers.faults import Faults
from aftershock.sim.servers.hub import Hub
from aftershock.sim.servers.outbox import give_up

__all__ = ["Deribit"]

_MAX_FRAME = 512 << 10
_COST, _SUBSCRIBE_COST = 500.0, 3_000.0
_MARK_S = 1.0
_TOO_MANY = 10_028
_FEES = [
    {"kind": "option", "index_name": INDEX,
     "value": {"default": {"type": "relative", "taker": 0.625, "maker": 0.5}, "block_trade": 0.625}},
    {"kind": "perpetual", "index_name": INDEX,
     "value": {"default": {"type": "fixed", "taker": 0.00035, "maker": -0.0001}, "block_trade": 0.3}},
]  # fmt: skip
"""Discounts of the sandbox's account."""
_PAGE = "<html><head><title>Just a moment</title></head><body>Too many requests</body></html>"


class Deribit:
    """The venue.

    Attributes:
        client_id, client_secret: Of its one account, made anew each time.
        market: Books and prints.
        heartbeat_scale: Share of the time that heartbeats take; a test makes it small.
    """

    def __init__(self, hub: Hub, listing: Callable[[], Listing], faults: Faults) -> None:
        """Listen to the market."""
        self.client_id, self.client_secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        self.market = DeribitMarket(hub, listing)
        self.heartbeat_scale = 1.0
        self.faults = faults
        self._open: list[Session] = []
        self._tokens: set[str] = set()
        self.market.emit = self._emit

    def app(self, *middlewares: Any) -> web.Application:  # noqa: ANN401 - aiohttp's own type is private
        """Return the application: `/api/v2/...`, `/ws/api/v2`, and `/deribit` for recorders, raw without a key."""
        app = web.Application(middlewares=middlewares, client_max_size=_MAX_FRAME)
        app.router.add_get("/ws/api/v2", partial(self._socket, recorder=False))
        app.router.add_get("/deribit", partial(self._socket, recorder=True))
        app.router.add_post("/api/v2", self._post)
        app.router.add_post("/api/v2/{scope}/{name}", self._post)
        app.router.add_get("/api/v2/{scope}/{name}", self._get)
        app.cleanup_ctx.append(self._clock)
        return app

    # --- over HTTP --------------------------------------------------------------------------------------------------

    async def _get(self, request: web.Request) -> web.Response:
        method = f"{request.match_info['scope']}/{request.match_info['name']}"
        return self._answer(request, {"method": method, "params": dict(request.query), "id": None})

    async def _post(self, request: web.Request) -> web.Response:
        try:
            asked = json.loads(await request.read())
        except (ValueError, RecursionError):
            return web.json_response(refusal(None, RpcError(-32700, "Parse error")), status=400)
        return self._answer(request, asked)

    def _answer(self, request: web.Request, asked: object) -> web.Response:
        faults = self.faults
        if faults.strikes("deribit-429-html"):
            return web.Response(status=429, text=_PAGE, content_type="text/html")
        if faults.strikes("deribit-maintenance"):
            return web.json_response(refusal(None, RpcError(13_888, "temporarily_unavailable")), status=503)
        token = request.headers.get("Authorization", "").removeprefix("bearer ").removeprefix("Bearer ")
        answer = self._call(asked, None, authorized=token in self._tokens)
        status = 200 if "error" not in answer else 429 if answer["error"]["code"] == _TOO_MANY else 400
        return web.json_response(answer, status=status)

    def _call(self, asked: object, connection: Session | None, *, authorized: bool) -> dict[str, Any]:
        """Answer one request."""
        began = time.time_ns() // NS_PER_US
        number = asked.get("id") if isinstance(asked, dict) else None
        try:
            method, params = read(asked)
            result = self._result(method, params, connection, authorized=authorized)
        except RpcError as error:
            return refusal(number, error)
        ended = time.time_ns() // NS_PER_US
        return {"jsonrpc": "2.0", "id": number, "result": result, "usIn": began, "usOut": ended,
                "usDiff": ended - began, "testnet": True}  # fmt: skip

    def _result(self, method: str, params: dict[str, Any], connection: Session | None, *, authorized: bool) -> Any:  # noqa: ANN401 - a document
        known = self._public().get(method)
        if known is not None:
            return known(params)
        if method == "public/auth":
            return self._auth(params, connection)
        if method.startswith("private/"):
            if not authorized and not (connection is not None and connection.authorized):
                raise RpcError(13_009, "unauthorized", {"reason": "no access token"})
            if method == "private/get_account_summary":
                return {"currency": params.get("currency", "BTC"), "balance": 10.0, "equity": 10.0, "type": "main",
                        "username": "sandbox", "margin_balance": 10.0, "available_funds": 10.0}  # fmt: skip
            if method == "private/get_account_summaries":
                return {"type": "main", "username": "sandbox", "summaries": [{"currency": "BTC", "equity": 10.0,
                        "fees": _FEES if params.get("extended") in (True, "true") else None}]}  # fmt: skip
            if method == "private/get_positions":
                return []
        if connection is not None:
            return connection.control(method, params)
        raise RpcError(-32601, "Method not found")

    def _public(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        market = self.market
        return {
            "public/test": lambda _: {"version": "1.2.26"},
            "public/hello": lambda _: {"version": "1.2.26"},
            "public/get_time": lambda _: market.now_ns // NS_PER_MS,
            "public/status": lambda _: {"locked": False, "locked_indices": []},
            "public/get_currencies": lambda _: [
                {"currency": each, "currency_long": each, "coin_type": each, "fee_precision": 4, "min_confirmations": 1,
                 "min_withdrawal_fee": 0.0001, "withdrawal_fee": 0.0001, "withdrawal_priorities": []}
                for each in ("BTC", "ETH", "USDC")
            ],
            "public/get_index_price": lambda _: {"index_price": market.index, "estimated_delivery_price": market.index},
            "public/get_instruments": self._instruments,
            "public/get_instrument": self._one,
            "public/get_expirations": lambda _: {"btc": {"option": sorted({
                each["instrument_name"].split("-")[1] for each in market.instruments("option")})}},
            "public/get_book_summary_by_currency": lambda p: [
                market.summary(each["instrument_name"]) for each in self._instruments(p)],
            "public/get_book_summary_by_instrument": lambda p: [market.summary(self._one(p)["instrument_name"])],
            "public/ticker": lambda p: market.ticker(self._one(p)["instrument_name"]),
            "public/get_order_book": lambda p: market.order_book(self._one(p)["instrument_name"], depth_of(p)),
            "public/get_last_trades_by_instrument": lambda p: {
                "trades": list(market.trades.get(self._one(p)["instrument_name"], ()))[::-1][:100], "has_more": False},
            "public/get_delivery_prices": lambda _: {"data": [], "records_total": 0},
        }  # fmt: skip

    def _instruments(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        currency, kind = str(params.get("currency", "any")).upper(), params.get("kind")
        if currency not in ("BTC", "ETH", "USDC", "USDT", "EURR", "ANY"):
            raise RpcError(-32602, "Invalid params", {"reason": "wrong currency", "param": "currency"})
        found = self.market.instruments(kind) if currency in ("BTC", "ANY") else []
        if self.faults.strikes("deribit-nulls"):
            found = [{**each, "tick_size": None, "min_trade_amount": None} for each in found]
        if self.faults.strikes("deribit-new-state"):
            found = [
                {**each, "state": "dreaming", "is_active": False} if i % 2 else each for i, each in enumerate(found)
            ]
        return found

    def _one(self, params: dict[str, Any]) -> dict[str, Any]:
        name = params.get("instrument_name")
        found = next((each for each in self.market.instruments() if each["instrument_name"] == name), None)
        if found is None:
            raise RpcError(-32602, "Invalid params", {"reason": "wrong format", "param": "instrument_name"})
        return found

    def _auth(self, params: dict[str, Any], connection: Session | None) -> dict[str, Any]:
        given = f"{params.get('client_id')}:{params.get('client_secret')}"
        if params.get("grant_type") != "client_credentials" or not hmac.compare_digest(
            given.encode("utf-8", "surrogatepass"), f"{self.client_id}:{self.client_secret}".encode()
        ):
            raise RpcError(13_004, "invalid_credentials")
        token = secrets.token_urlsafe(24)
        self._tokens.add(token)
        if connection is not None:
            connection.authorized = True
        return {"access_token": token, "refresh_token": secrets.token_urlsafe(24), "expires_in": 900,
                "scope": "session:sandbox", "token_type": "bearer"}  # fmt: skip

    # --- over WebSocket ---------------------------------------------------------------------------------------------

    def _emit(self, kind: str, symbol: str, data: Any) -> None:  # noqa: ANN401 - a document
        for connection in self._open:
            connection.offer(kind, symbol, data)

    async def _clock(self, _app: web.Application) -> Any:  # noqa: ANN401 - an async generator
        ticking = asyncio.ensure_future(self._tick())
        yield
        ticking.cancel()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_MARK_S)
            marks = self.market.revalue()
            if marks:
                self._emit("markprice.options", INDEX, marks)

    async def _socket(self, request: web.Request, *, recorder: bool) -> web.StreamResponse:
        if not web.WebSocketResponse().can_prepare(request).ok:
            return web.Response(status=426, text="a WebSocket is expected\n")
        socket = web.WebSocketResponse(max_msg_size=_MAX_FRAME)
        await socket.prepare(request)
        connection = Session(self.market, self.faults, raw=recorder, heartbeat_scale=self.heartbeat_scale)
        self._open.append(connection)
        works = (
            self._read(socket, connection),
            connection.write(socket),
            connection.beat(),
            connection.outbox.full.wait(),
        )
        tasks = [asyncio.ensure_future(work) for work in works]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._open.remove(connection)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if connection.outbox.full.is_set():
            await give_up(request, socket)
        await socket.close()
        return socket

    async def _read(self, socket: web.WebSocketResponse, connection: Session) -> None:
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            try:
                asked = json.loads(message.data)
            except (ValueError, RecursionError):
                asked = None
            method = asked.get("method") if isinstance(asked, dict) else ""
            too_many = not connection.pay(_SUBSCRIBE_COST if str(method).endswith("subscribe") else _COST)
            if too_many or self.faults.strikes("deribit-10028"):
                number = asked.get("id") if isinstance(asked, dict) else None
                no = RpcError(_TOO_MANY, "too_many_requests", {"wait": 1})
                await socket.send_str(json.dumps(refusal(number, no)))
                return
            if method == "public/test":
                connection.test()
            connection.outbox.put(json.dumps(self._call(asked, connection, authorized=False)))
