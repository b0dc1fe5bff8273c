"""Backpack's REST interface on the simulated market, with the answers and refusals that clients know."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from aiohttp import web

from aftershock.model.units import NS_PER_MS
from aftershock.sim.servers.backpack_account import Account
from aftershock.sim.servers.backpack_auth import Verifier
from aftershock.sim.servers.backpack_errors import ApiError
from aftershock.sim.servers.backpack_listing import OPTION, PERP, TYPES, prediction_events
from aftershock.sim.servers.backpack_market import BackpackMarket
from aftershock.sim.servers.backpack_orders import Order, plain, read_decimal
from aftershock.sim.servers.backpack_positions import collateral, position_document
from aftershock.sim.servers.backpack_stamps import micros
from aftershock.sim.servers.backpack_wallet import Fees
from aftershock.sim.servers.faults import Faults
from aftershock.sim.servers.outbox import abort

__all__ = ["BackpackRest"]

_MOST_BODY = 1 << 18
_PER_MINUTE = 2_000
_DEPTHS = ("5", "10", "20", "50", "100", "500", "1000")
_PAGE = "<html><head><title>Just a moment</title></head><body>Too many requests</body></html>"
_EXPECTED = "failed to parse parameter `{}`: Expect a valid enumeration value"
_SKEW_MS = 120_000
_BATCH = 100


class BackpackRest:
    """The routes.

    Attributes:
        per_minute: Most requests in a minute.
    """

    def __init__(
        self, market: BackpackMarket, account: Account, verifier: Verifier, faults: Faults, *, options: bool
    ) -> None:
        self._market, self._account, self._verifier, self._faults = market, account, verifier, faults
        self._types = (*TYPES, OPTION) if options else TYPES
        self._options = options
        self._asked: deque[float] = deque()
        self.per_minute = _PER_MINUTE

    def app(self, *middlewares: Any) -> web.Application:  # noqa: ANN401 - aiohttp's own type is private
        """Return the application."""
        app = web.Application(middlewares=[*middlewares, self._guarded], client_max_size=_MOST_BODY)
        for path, answer in {
            "markets": self._markets,
            "market": self._one_market,
            "depth": self._depth,
            "ticker": self._ticker,
            "tickers": self._tickers,
            "trades": self._trades,
            "trades/history": self._trades,
            "klines": lambda _: [],
            "markPrices": self._mark_prices,
            "openInterest": self._open_interest,
            "fundingRates": lambda _: [],
            "prediction": lambda _: prediction_events(self._market.now_ns, self._market.opening()),
            "prediction/tags": lambda _: [{"slug": "crypto", "title": "Crypto"}],
            "assets": lambda _: [],
            "securities": lambda _: [],
            "market-sessions": lambda _: [],
            "collateral": lambda _: [],
            "status": lambda _: {"status": "Ok", "message": None},
        }.items():
            app.router.add_get(f"/api/v1/{path}", _answers(answer))
        app.router.add_get("/api/v1/ping", _text("pong"))
        app.router.add_get("/api/v1/time", self._time)
        for method, path, instruction, answer in (
            ("GET", "/api/v1/account", "accountQuery", self._account_summary),
            ("GET", "/api/v1/account/limits/order", "maxOrderQuantity", self._limits),
            ("GET", "/api/v1/capital", "balanceQuery", self._balances),
            ("GET", "/api/v1/capital/collateral", "collateralQuery", self._collateral),
            ("GET", "/api/v1/position", "positionQuery", self._positions),
            ("GET", "/api/v1/order", "orderQuery", self._query),
            ("GET", "/api/v1/orders", "orderQueryAll", self._query_all),
            ("POST", "/api/v1/order", "orderExecute", self._execute),
            ("POST", "/api/v1/orders", "orderExecute", self._batch),
            ("DELETE", "/api/v1/order", "orderCancel", self._cancel),
            ("DELETE", "/api/v1/orders", "orderCancelAll", self._cancel_all),
            ("GET", "/wapi/v1/history/fills", "fillHistoryQueryAll", self._fills),
            ("GET", "/wapi/v1/history/orders", "orderHistoryQueryAll", self._order_history),
        ):
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
            params: Any = dict(request.query) if request.method == "GET" else _body(await request.read())
            self._verifier.check_request(instruction, params, request.headers, self._clocks_ms())
            if self._faults.on("backpack-lost-reply") and request.method != "GET":
                answer(params)
                self._faults.strikes("backpack-lost-reply")
                abort(request)
                return web.Response()
            found = answer(params)
            return found if isinstance(found, web.StreamResponse) else web.json_response(found)

        return handle

    # --- the market -------------------------------------------------------------------------------------------------

    def _documents(self) -> list[dict[str, Any]]:
        found = self._market.documents()
        if self._faults.strikes("backpack-new-type"):
            found.append({**found[0], "symbol": "BTC_USDC_SWAPTION", "marketType": "SWAPTION"})
        if self._faults.strikes("backpack-new-state"):
            found = [{**each, "orderBookState": "Auction"} if each["symbol"] == PERP else each for each in found]
        if self._faults.strikes("backpack-nulls"):
            found = [{**each, "baseSymbol": None} if each["marketType"] == OPTION else each for each in found]
        if self._faults.strikes("backpack-wrong-types"):
            found = [{**each, "filters": {"price": {"tickSize": 0.1}, "quantity": 7}} for each in found]
        return found

    def _markets(self, request: web.Request) -> Any:  # noqa: ANN401 - a document
        wanted = request.query.getall("marketType", ["SPOT", "PERP"])
        if not all(each in self._types for each in wanted):
            raise ApiError("INVALID_CLIENT_REQUEST", _EXPECTED.format("marketType"))
        return [each for each in self._documents() if each["marketType"] in {*wanted, "SWAPTION"}]

    def _one_market(self, request: web.Request) -> Any:  # noqa: ANN401 - a document
        return self._listed(request)

    def _listed(self, request: web.Request) -> dict[str, Any]:
        return self._market.listed(request.query.get("symbol"))

    def _depth(self, request: web.Request) -> Any:  # noqa: ANN401 - a document
        symbol, limit = self._listed(request)["symbol"], request.query.get("limit", "1000")
        if limit not in _DEPTHS:
            raise ApiError("INVALID_CLIENT_REQUEST", _EXPECTED.format("limit"))
        book = self._market.books.get(symbol)
        last = 0 if book is None else book.last
        if self._faults.strikes("backpack-old-snapshot"):
            last -= 1_000
        bids, asks = ([], []) if book is None else book.levels(int(limit))
        return {"asks": asks, "bids": bids, "lastUpdateId": str(last), "timestamp": micros(self._market.now_ns)}

    def _tickers(self, _request: web.Request) -> Any:  # noqa: ANN401 - a document
        return [self._stats(symbol) for symbol in self._market.books]

    def _ticker(self, request: web.Request) -> Any:  # noqa: ANN401 - a document
        return self._stats(self._listed(request)["symbol"])

    def _stats(self, symbol: str) -> dict[str, str]:
        prints = list(self._market.trades.get(symbol, ()))
        book = self._market.books.get(symbol)
        mid = str(book.mid) if book is not None and book.mid is not None else "0"
        prices = [float(each["price"]) for each in prints] or [float(mid)]
        volume = sum(float(each["quantity"]) for each in prints)
        quote = sum(float(each["quoteQuantity"]) for each in prints)
        return {
            "symbol": symbol,
            "firstPrice": f"{prices[0]:.1f}",
            "lastPrice": f"{prices[-1]:.1f}",
            "priceChange": f"{prices[-1] - prices[0]:.1f}",
            "priceChangePercent": f"{(prices[-1] - prices[0]) / prices[0] if prices[0] else 0.0:.6f}",
            "high": f"{max(prices):.1f}",
            "low": f"{min(prices):.1f}",
            "volume": f"{volume:.5f}",
            "quoteVolume": f"{quote:.6f}",
            "trades": str(len(prints)),
        }

    def _trades(self, request: web.Request) -> Any:  # noqa: ANN401 - a document
        symbol, limit = self._listed(request)["symbol"], request.query.get("limit", "100")
        if not limit.isascii() or not limit.isdigit() or not 0 < int(limit[:5]) <= 1_000:
            raise ApiError("INVALID_CLIENT_REQUEST", "failed to parse parameter `limit`: Expect 1 to 1000")
        return list(self._market.trades.get(symbol, ()))[: -int(limit) - 1 : -1]

    def _mark_prices(self, request: web.Request) -> Any:  # noqa: ANN401 - a document
        kind, wanted = request.query.get("marketType"), request.query.get("symbol")
        if kind is not None and kind not in self._types:
            raise ApiError("INVALID_CLIENT_REQUEST", _EXPECTED.format("marketType"))
        types = {each["symbol"]: each["marketType"] for each in self._market.documents()}
        names = [
            symbol
            for symbol in self._market.marks
            if types.get(symbol) not in (None, "SPOT")
            and (kind is None or types[symbol] == kind)
            and wanted in (None, symbol)
        ]
        found = []
        for symbol in names:
            mark = self._market.mark(symbol)
            row: dict[str, Any] = {"symbol": symbol, "markPrice": mark["p"]}
            if "i" in mark:
                row |= {"indexPrice": mark["i"], "fundingRate": mark["f"], "nextFundingTimestamp": mark["n"]}
            if "underlyingPrice" in mark:
                row["underlyingPrice"] = mark["underlyingPrice"]
            found.append(row)
        return found

    def _open_interest(self, request: web.Request) -> Any:  # noqa: ANN401 - a document
        wanted = request.query.get("symbol")
        now = self._market.now_ns // NS_PER_MS
        return [
            {"symbol": each["symbol"], "openInterest": "10", "timestamp": now}
            for each in self._market.documents()
            if each["marketType"] != "SPOT" and wanted in (None, each["symbol"])
        ]

    async def _time(self, _request: web.Request) -> web.Response:
        return web.Response(text=str(self._clocks_ms()[0]))

    # --- the account ------------------------------------------------------------------------------------------------

    def _account_summary(self, _params: dict[str, Any]) -> Any:  # noqa: ANN401 - a document
        found = {
            "autoBorrowSettlements": True, "autoLend": True, "autoRealizePnl": True, "autoRepayBorrows": True,
            "borrowLimit": "10000000", "futuresMakerFee": str(Fees.FUTURES_MAKER),
            "futuresTakerFee": str(Fees.FUTURES_TAKER), "leverageLimit": "10", "limitOrders": len(self._account.open),
            "liquidating": False, "positionLimit": "10000000", "spotMakerFee": str(Fees.SPOT_MAKER),
            "spotTakerFee": str(Fees.SPOT_TAKER), "triggerOrders": 0,
        }  # fmt: skip
        if self._options:
            found |= {
                "optionMakerFee": str(Fees.OPTION_MAKER),
                "optionTakerFee": str(Fees.OPTION_TAKER),
                "optionFeeCap": str(Fees.OPTION_CAP),
            }
        return found

    def _limits(self, params: dict[str, Any]) -> Any:  # noqa: ANN401 - a document
        listed, side = self._market.listed(params.get("symbol")), params.get("side")
        symbol, wallet = listed["symbol"], self._account.wallet
        book = self._market.books.get(symbol)
        if side not in ("Bid", "Ask"):
            raise ApiError("INVALID_CLIENT_REQUEST", _EXPECTED.format("side"))
        best = None if book is None else book.best_ask if side == "Bid" else book.best_bid
        price = read_decimal(params, "price") or best
        most, held = Decimal(0), wallet.held(symbol) * (-1 if side == "Bid" else 1)
        if book is not None and price is not None and price > 0:
            room = max(wallet.room(symbol, price, self._account.claims(), buys=side == "Bid"), Decimal(0))
            most = (min(room, max(held, Decimal(0))) if params.get("reduceOnly") == "true" else room) // book.step
            most *= book.step
        return {"maxOrderQuantity": plain(most), "side": side, "symbol": symbol}

    def _balances(self, _params: dict[str, Any]) -> Any:  # noqa: ANN401 - a document
        claims, wallet = self._account.claims(), self._account.wallet
        locked = {asset: wallet.locked(asset, claims) for asset in wallet.balances}
        return {
            asset: {"available": f"{amount - locked[asset]:f}", "locked": f"{locked[asset]:f}", "staked": "0"}
            for asset, amount in wallet.balances.items()
        }

    def _collateral(self, _params: dict[str, Any]) -> Any:  # noqa: ANN401 - a document
        return collateral(self._account.wallet, self._account.claims())

    def _positions(self, params: dict[str, Any]) -> Any:  # noqa: ANN401 - a document
        wallet, claims, now = self._account.wallet, self._account.claims(), self._market.now_ns
        return [
            position_document(wallet, symbol, claims, now)
            for symbol, held in wallet.positions.items()
            if held.quantity and params.get("symbol") in (None, symbol)
        ]

    def _execute(self, params: dict[str, Any]) -> Any:  # noqa: ANN401 - a document
        return self._account.execute(_object(params)).document()

    def _batch(self, params: Any) -> Any:  # noqa: ANN401 - a document
        if not isinstance(params, list) or not 0 < len(params) <= _BATCH:
            raise ApiError("INVALID_CLIENT_REQUEST", f"Expect 1 to {_BATCH} orders")
        found = []
        for number, each in enumerate(params):
            if number and self._faults.strikes("backpack-batch-mix"):
                found.append({"operation": "Err", **ApiError("INSUFFICIENT_FUNDS", "Insufficient funds").document()})
                continue
            try:
                found.append({"operation": "Ok", **self._account.execute(_object(each)).document()})
            except ApiError as error:
                found.append({"operation": "Err", **error.document()})
        return found

    def _found(self, params: dict[str, Any]) -> Order:
        params = _object(params)
        return self._account.find(params.get("symbol"), params.get("orderId"), params.get("clientId"))

    def _query(self, params: dict[str, Any]) -> Any:  # noqa: ANN401 - a document
        return self._found(params).document()

    def _query_all(self, params: dict[str, Any]) -> Any:  # noqa: ANN401 - a document
        return [each.document() for each in self._account.open.values() if params.get("symbol") in (None, each.symbol)]

    def _cancel(self, params: dict[str, Any]) -> Any:  # noqa: ANN401 - a document
        order = self._found(params)
        accepted = self._faults.strikes("backpack-cancel-202")
        cancelled = self._account.cancel(order).document()
        return web.Response(status=202) if accepted else cancelled

    def _cancel_all(self, params: dict[str, Any]) -> Any:  # noqa: ANN401 - a document
        symbol = _object(params).get("symbol")
        if symbol is None:
            raise ApiError("INVALID_CLIENT_REQUEST", "failed to parse parameter `symbol`: Expect a symbol")
        mine = [each for each in self._account.open.values() if each.symbol == symbol]
        return [self._account.cancel(each).document() for each in mine]

    def _fills(self, params: dict[str, Any]) -> Any:  # noqa: ANN401 - a document
        rows = [
            each
            for each in reversed(self._account.fills)
            if params.get("symbol") in (None, each["symbol"]) and params.get("orderId") in (None, each["orderId"])
        ]
        return rows[: _limit(params)]

    def _order_history(self, params: dict[str, Any]) -> Any:  # noqa: ANN401 - a document
        rows = [
            each.document(history=True)
            for each in reversed(self._account.orders.values())
            if params.get("symbol") in (None, each.symbol) and params.get("orderId") in (None, each.id)
        ]
        return rows[: _limit(params)]


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


def _object(params: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever came
    if not isinstance(params, dict):
        raise ApiError("INVALID_CLIENT_REQUEST", "The body is no object")
    return params


def _limit(params: dict[str, Any]) -> int:
    text = str(params.get("limit", "100"))
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:5]) <= 1_000:
        raise ApiError("INVALID_CLIENT_REQUEST", "failed to parse parameter `limit`: Expect 1 to 1000")
    return int(text)
