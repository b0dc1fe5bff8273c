"""Backpack's REST interface on the simulated market: who may ask, and how often; what is said lies elsewhere."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from aiohttp import web

from aftershock.model.units import NS_PER_MS
from aftershock.sim.servers.backpack_account import Account
from aftershock.sim.servers.backpack_auth import Verifier
from aftershock.sim.servers.backpack_errors import ApiError
from aftershock.sim.servers.backpack_market import BackpackMarket
from aftershock.sim.servers.backpack_private import PrivateAnswers
from aftershock.sim.servers.backpack_public import PublicAnswers
from aftershock.sim.servers.faults import Faults
from aftershock.sim.servers.outbox import abort

__all__ = ["BackpackRest"]

_MOST_BODY = 1 << 18
_PER_MINUTE = 2_000
_PAGE = "<html><head><title>Just a moment</title></head><body>Too many requests</body></html>"
_SKEW_MS = 120_000
_TOLD_BEFORE_S = 0.4


class BackpackRest:
    """The routes.

    Attributes:
        per_minute: Most requests in a minute.
    """

    def __init__(
        self, market: BackpackMarket, account: Account, verifier: Verifier, faults: Faults, *, options: bool
    ) -> None:
        self._market, self._verifier, self._faults = market, verifier, faults
        self._public = PublicAnswers(market, faults, options=options)
        self._private = PrivateAnswers(market, account, faults, options=options)
        self._asked: deque[float] = deque()
        self.per_minute = _PER_MINUTE

    def app(self, *middlewares: Any) -> web.Application:  # noqa: ANN401 - aiohttp's own type is private
        """Return the application."""
        app = web.Application(middlewares=[*middlewares, self._guarded], client_max_size=_MOST_BODY)
        for path, answer in self._public.routes().items():
            app.router.add_get(f"/api/v1/{path}", _answers(answer))
        app.router.add_get("/api/v1/ping", _text("pong"))
        app.router.add_get("/api/v1/time", self._time)
        for method, path, instruction, answer in self._private.routes():
            app.router.add_route(method, path, self._signed(instruction, answer))
        return app

    # --- who may ask ------------------------------------------------------------------------------------------------

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Any) -> web.StreamResponse:  # noqa: ANN401
        faults, now = self._faults, time.monotonic()
        while self._asked and self._asked[0] < now - 60:
            self._asked.popleft()
        self._asked.append(now)
        if faults.strikes("backpack-429-html"):
            return web.Response(status=429, text=_PAGE, content_type="text/html")
        if faults.strikes("backpack-429") or len(self._asked) > self.per_minute:
            return ApiError("TOO_MANY_REQUESTS", "Too many requests", 429).response()
        if faults.strikes("backpack-maintenance"):
            return ApiError("MAINTENANCE", "Backpack is down for maintenance", 503).response()
        try:
            found: web.StreamResponse = await handler(request)
        except ApiError as error:
            return error.response()
        except web.HTTPRequestEntityTooLarge:
            return ApiError("INVALID_CLIENT_REQUEST", "The body is too large", 413).response()
        return found

    def _clocks_ms(self) -> list[int]:
        skew = _SKEW_MS if self._faults.strikes("backpack-clock") else 0
        return [now // NS_PER_MS + skew for now in (time.time_ns(), self._market.now_ns)]

    def _signed(self, instruction: str, answer: Callable[..., Any]) -> Any:  # noqa: ANN401 - aiohttp's handler
        async def handle(request: web.Request) -> web.StreamResponse:
            params: Any = _query(request) if request.method == "GET" else _body(await request.read())
            self._verifier.check_request(instruction, params, request.headers, self._clocks_ms())
            if self._faults.on("backpack-lost-reply") and request.method != "GET":
                answer(params)
                self._faults.strikes("backpack-lost-reply")
                abort(request)
                return web.Response()
            found = answer(params)
            if instruction == "orderExecute" and self._faults.strikes("backpack-fill-first"):
                await asyncio.sleep(_TOLD_BEFORE_S)
            return found if isinstance(found, web.StreamResponse) else web.json_response(found)

        return handle

    async def _time(self, _request: web.Request) -> web.Response:
        return web.Response(text=str(self._clocks_ms()[0]))


def _answers(answer: Callable[[web.Request], Any]) -> Any:  # noqa: ANN401 - aiohttp's handler
    async def handle(request: web.Request) -> web.Response:
        return web.json_response(answer(request))

    return handle


def _text(text: str) -> Any:  # noqa: ANN401 - aiohttp's handler
    async def handle(_request: web.Request) -> web.Response:
        return web.Response(text=text)

    return handle


def _body(raw: bytes) -> Any:  # noqa: ANN401 - a document
    """Read a body, numbers with a point as the texts that were signed."""
    try:
        found = json.loads(raw, parse_float=str)
    except (ValueError, RecursionError):
        raise ApiError("INVALID_CLIENT_REQUEST", "The body is no JSON") from None
    many = found if isinstance(found, list) else [found]
    if not all(isinstance(each, dict) for each in many):
        raise ApiError("INVALID_CLIENT_REQUEST", "The body is no object")
    return found


def _query(request: web.Request) -> dict[str, str]:
    """Read a signed query; how the venue would sign a name that repeats is not documented."""
    if len(request.query) != len(set(request.query)):
        raise ApiError("NOT_IMPLEMENTED", "The sandbox takes each parameter of a signed query once")
    return dict(request.query)
