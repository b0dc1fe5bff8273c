"""Requests of an account of Backpack: money, positions, orders. Orders go to a sandbox on this machine only."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec

from aftershock.errors import ConfigError, UsageError
from aftershock.model.instruments import FeeSchedule
from aftershock.venues.backpack.account import AccountSummary, Balance, Margin, Position, convert, fee_schedules
from aftershock.venues.backpack.orders import (
    BatchRefusal,
    NewOrder,
    OrderState,
    read_batch,
    read_order,
    read_orders,
)
from aftershock.venues.backpack.rest import BackpackError, Rest, UnknownFateError
from aftershock.venues.connection.text import place_of, printable

__all__ = ["AccountRequests"]

_NOT_FOUND, _ACCEPTED = 404, 202
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SIDES = frozenset({"Bid", "Ask"})


class AccountRequests:
    """What an account can be asked.

    Without a key each raises `ConfigError`, `BackpackError` where the venue says no, and `UnreachableError` where it
    does not answer, or with something else.
    """

    def __init__(self, rest: Rest) -> None:
        """Take how to ask."""
        self._rest = rest

    async def account(self) -> AccountSummary:
        """Return fees and limits."""
        found: AccountSummary = convert(
            await self._rest.get("/api/v1/account", {}, "accountQuery"), AccountSummary, "account"
        )
        return found

    async def fees(self) -> tuple[FeeSchedule, ...]:
        """Return the account's fee schedules, as far as the venue says them."""
        return fee_schedules(await self.account(), self._rest.clock.wall_ns())

    async def balances(self) -> dict[str, Balance]:
        """Return what is held, by asset."""
        document = await self._rest.get("/api/v1/capital", {}, "balanceQuery")
        found: dict[str, Balance] = convert(document, dict[str, Balance], "list of balances")
        return found

    async def margin(self) -> Margin:
        """Return equity and margin of the account."""
        document = await self._rest.get("/api/v1/capital/collateral", {}, "collateralQuery")
        found: Margin = convert(document, Margin, "margin summary")
        return found

    async def positions(self) -> list[Position]:
        """Return the open positions."""
        document = await self._rest.get("/api/v1/position", {}, "positionQuery")
        found: list[Position] = convert(document, list[Position], "list of positions")
        return found

    async def max_order_quantity(self, symbol: str, side: str) -> float:
        """Return the largest order that the margin allows, native amount; `side` is `Bid` or `Ask`."""
        if side not in _SIDES:
            raise UsageError(f"a side of Backpack is Bid or Ask, not {printable(side)}")
        document = await self._rest.get(
            "/api/v1/account/limits/order", {"symbol": symbol, "side": side}, "maxOrderQuantity"
        )
        found: _Limit = convert(document, _Limit, "limit")
        return float(found.max_order_quantity)

    # --- orders -----------------------------------------------------------------------------------------------------

    async def execute(self, order: NewOrder) -> OrderState:
        """Send an order, once.

        If the answer is lost, the order is looked up by its client id, among the open ones and in the history.

        Raises:
            ConfigError: The address is not of this machine, or there is no key.
            BackpackError: The venue refuses it.
            UnknownFateError: No answer came, and it can't be found out what became of it.
            UnreachableError: It could not be sent.
        """
        self._refuse_real_orders()
        try:
            _, document = await self._rest.change("POST", "/api/v1/order", order.body(), "orderExecute")
        except UnknownFateError:
            found = None if order.client_id is None else await self.look_up(order.symbol, order.client_id)
            if found is None:
                raise
            return found
        return read_order(document, "Backpack")

    async def execute_batch(self, orders: Sequence[NewOrder]) -> list[OrderState | BatchRefusal]:
        """Send several orders at once, and return what became of each, in their order; raises as `execute`."""
        self._refuse_real_orders()
        bodies = [each.body() for each in orders]
        _, document = await self._rest.change("POST", "/api/v1/orders", bodies, "orderExecute")
        return read_batch(document, len(orders), "Backpack")

    async def cancel(self, symbol: str, *, order_id: str | None = None, client_id: int | None = None) -> OrderState:
        """Cancel an order by one of its ids.

        Returns:
            Its last state; with status `Cancelling` if that was accepted, but not yet carried out.

        Raises:
            UsageError: Both ids are given, or none. Else as `execute`.
        """
        self._refuse_real_orders()
        body = _ids(symbol, order_id, client_id)
        status, document = await self._rest.change("DELETE", "/api/v1/order", body, "orderCancel")
        if status == _ACCEPTED or document is None:
            return OrderState(
                order_id=order_id or "", client_id=client_id, symbol=symbol, side=None, status="Cancelling"
            )
        return read_order(document, "Backpack")

    async def cancel_all(self, symbol: str) -> list[OrderState]:
        """Cancel all orders of a market; an empty list also if that was accepted, but not yet carried out."""
        self._refuse_real_orders()
        _, document = await self._rest.change("DELETE", "/api/v1/orders", {"symbol": symbol}, "orderCancelAll")
        return [] if document is None else read_orders(document, "Backpack")

    async def query(
        self, symbol: str, *, order_id: str | None = None, client_id: int | None = None
    ) -> OrderState | None:
        """Return an open order by one of its ids; None if nothing is open under it."""
        try:
            document = await self._rest.get("/api/v1/order", _ids(symbol, order_id, client_id), "orderQuery")
        except BackpackError as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        return read_order(document, "Backpack")

    async def open_orders(self, symbol: str | None = None) -> list[OrderState]:
        """Return all open orders, of one market if it is named."""
        return read_orders(await self._rest.get("/api/v1/orders", {"symbol": symbol}, "orderQueryAll"), "Backpack")

    async def look_up(self, symbol: str, client_id: int) -> OrderState | None:
        """Return an order, open or not, by its client id; None if the venue does not know it."""
        found = await self.query(symbol, client_id=client_id)
        if found is not None:
            return found
        rows = await self._rest.get(
            "/wapi/v1/history/orders", {"symbol": symbol, "limit": 1_000}, "orderHistoryQueryAll"
        )
        return next((each for each in read_orders(rows, "Backpack") if each.client_id == client_id), None)

    def _refuse_real_orders(self) -> None:
        if urlsplit(self._rest.url).hostname not in _LOOPBACK:
            raise ConfigError(
                f"real orders are not delivered, and {place_of(self._rest.url)} is not of this machine: orders go to "
                "the sandbox only (`aftershock sandbox`)"
            )


class _Limit(msgspec.Struct, frozen=True, rename="camel"):
    max_order_quantity: str


def _ids(symbol: str, order_id: str | None, client_id: int | None) -> dict[str, str | int | bool | None]:
    if (order_id is None) == (client_id is None):
        raise UsageError("an order of Backpack is named by its order_id or its client_id, not both")
    return {"symbol": symbol, "orderId": order_id, "clientId": client_id}
