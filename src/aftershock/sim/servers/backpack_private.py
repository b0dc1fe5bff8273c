"""What the owner of the simulated Backpack's account may ask: money, positions, orders, histories."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from aiohttp import web

from aftershock.model.units import NS_PER_MS
from aftershock.sim.servers.backpack_account import Account
from aftershock.sim.servers.backpack_errors import ApiError
from aftershock.sim.servers.backpack_listing import OPTION, TYPES
from aftershock.sim.servers.backpack_market import BackpackMarket
from aftershock.sim.servers.backpack_orders import Order, plain, read_decimal
from aftershock.sim.servers.backpack_params import choice, flag, number, page
from aftershock.sim.servers.backpack_positions import collateral, position_document
from aftershock.sim.servers.backpack_stamps import moment
from aftershock.sim.servers.backpack_wallet import Fees
from aftershock.sim.servers.faults import Faults

__all__ = ["PrivateAnswers"]

_BATCH = 100
_CANCELS_AFTER_S = 0.4
_SIDES, _DIRECTIONS, _RESTING = ("Bid", "Ask"), ("Asc", "Desc"), ("RestingLimitOrder", "ConditionalOrder")
_BY_USERS = "User"
_FILLS = (_BY_USERS, "BookLiquidation", "Adl", "Backstop", "Liquidation", "AllLiquidation", "CollateralConversion",
          "CollateralConversionAndSpotLiquidation")  # fmt: skip


class PrivateAnswers:
    """Answers to signed requests."""

    def __init__(self, market: BackpackMarket, account: Account, faults: Faults, *, options: bool) -> None:
        self._market, self._account, self._faults, self._options = market, account, faults, options
        self._types = (*TYPES, OPTION) if options else TYPES

    def routes(self) -> tuple[tuple[str, str, str, Callable[..., Any]], ...]:
        """Return methods, paths, instructions and what answers."""
        return (
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
        )

    # --- money ------------------------------------------------------------------------------------------------------

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
        listed, side = self._market.listed(params.get("symbol")), choice(params, "side", _SIDES, "")
        symbol, wallet = listed["symbol"], self._account.wallet
        book = self._market.books.get(symbol)
        best = None if book is None else book.best_ask if side == "Bid" else book.best_bid
        price = read_decimal(params, "price") or best
        most, held = Decimal(0), wallet.held(symbol) * (-1 if side == "Bid" else 1)
        if book is not None and price is not None and price > 0:
            room = max(wallet.room(symbol, price, self._account.claims(), buys=side == "Bid"), Decimal(0))
            most = (min(room, max(held, Decimal(0))) if flag(params, "reduceOnly") else room) // book.step
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
        wanted = self._wanted(params)
        return [
            position_document(wallet, symbol, claims, now)
            for symbol, held in wallet.positions.items()
            if held.quantity and wanted(symbol)
        ]

    # --- orders -----------------------------------------------------------------------------------------------------

    def _execute(self, params: dict[str, Any]) -> Any:  # noqa: ANN401 - a document
        return self._account.execute(_object(params)).document()

    def _batch(self, params: Any) -> Any:  # noqa: ANN401 - a document
        if not isinstance(params, list) or not 0 < len(params) <= _BATCH:
            raise ApiError("INVALID_CLIENT_REQUEST", f"Expect 1 to {_BATCH} orders")
        found = []
        for place, each in enumerate(params):
            if place and self._faults.strikes("backpack-batch-mix"):
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
        wanted = self._wanted(params)
        return [each.document() for each in self._account.open.values() if wanted(each.symbol)]

    def _cancel(self, params: dict[str, Any]) -> Any:  # noqa: ANN401 - a document
        order = self._found(params)
        return self._accepted([order]) or self._account.cancel(order).document()

    def _cancel_all(self, params: dict[str, Any]) -> Any:  # noqa: ANN401 - a document
        symbol = _object(params).get("symbol")
        if symbol is None:
            raise ApiError("INVALID_CLIENT_REQUEST", "failed to parse parameter `symbol`: Expect a symbol")
        conditional = choice(params, "orderType", _RESTING) == "ConditionalOrder"
        mine = [] if conditional else [each for each in self._account.open.values() if each.symbol == symbol]
        return self._accepted(mine) or [self._account.cancel(each).document() for each in mine]

    def _accepted(self, orders: Iterable[Order]) -> web.Response | None:
        """By its fault: take a cancellation, and carry it out a moment later on what is open then."""
        if not self._faults.strikes("backpack-cancel-202"):
            return None
        for order in orders:
            asyncio.get_running_loop().call_later(_CANCELS_AFTER_S, self._account.cancel, order)
        return web.Response(status=202)

    # --- histories --------------------------------------------------------------------------------------------------

    def _fills(self, params: dict[str, Any]) -> Any:  # noqa: ANN401 - a document
        since, until = (number(params, name) for name in ("from", "to"))
        wanted, by_users = self._wanted(params), choice(params, "fillType", _FILLS) in (None, _BY_USERS)
        rows = [
            each
            for each in self._account.fills
            if by_users
            and wanted(each["symbol"])
            and params.get("orderId") in (None, each["orderId"])
            and (since is None or each["timestamp"] >= moment(since * NS_PER_MS))
            and (until is None or each["timestamp"] <= moment(until * NS_PER_MS))
        ]
        return _history(rows, params)

    def _order_history(self, params: dict[str, Any]) -> Any:  # noqa: ANN401 - a document
        wanted = self._wanted(params)
        rows = [
            each.document(history=True)
            for each in self._account.orders.values()
            if wanted(each.symbol) and params.get("orderId") in (None, each.id)
        ]
        return _history(rows, params)

    def _wanted(self, params: dict[str, Any]) -> Callable[[str], bool]:
        """Return which symbols a request names, by name and by type."""
        named, kind = params.get("symbol"), choice(params, "marketType", self._types)
        types = {each["symbol"]: each["marketType"] for each in self._market.documents()} if kind else {}

        def wanted(symbol: str) -> bool:
            expired = OPTION if self._market.option(symbol) else None
            return named in (None, symbol) and kind in (None, types.get(symbol, expired))

        return wanted


def _history(rows: list[dict[str, Any]], params: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the page of a history, the latest first unless asked otherwise; no order here is of a strategy."""
    ascending = choice(params, "sortDirection", _DIRECTIONS) == "Asc"
    kept = [] if params.get("strategyId") is not None else rows if ascending else rows[::-1]
    return page(kept, params)


def _object(params: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever came
    if not isinstance(params, dict):
        raise ApiError("INVALID_CLIENT_REQUEST", "The body is no object")
    return params
