"""Orders of an account of Backpack. They go to a sandbox on this machine only, and each is sent once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

from aftershock.errors import ConfigError, UnreachableError, UsageError
from aftershock.venues.backpack.account_requests import AccountRequests
from aftershock.venues.backpack.fate import LOOK_UP_S, Sought, look_up, sought
from aftershock.venues.backpack.orders import BatchRefusal, NewOrder, OrderState, read_batch, read_order, read_orders
from aftershock.venues.backpack.refusals import BackpackError, UnknownFateError
from aftershock.venues.connection.text import place_of

__all__ = ["OrderRequests"]

_NOT_FOUND, _ACCEPTED = 404, 202
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_WHO = "Backpack"

T = TypeVar("T")


class OrderRequests(AccountRequests):
    """Orders: sent once, looked up where the answer does not tell what became of them."""

    async def execute(self, order: NewOrder) -> OrderState:
        """Send an order, once.

        If the answer is lost or does not say what became of it, the order is looked up by its client id for some
        seconds, among the open ones and in the history.

        Raises:
            ConfigError: The address is not of this machine, or there is no key.
            BackpackError: The venue refuses it.
            UnknownFateError: No answer tells what became of it, and it was not found: it may have been carried out.
            UnreachableError: It could not be sent.
        """
        self._refuse_real_orders()
        body, sent_ns = order.body(), self._rest.clock.wall_ns()
        try:
            _, document = await self._rest.change("POST", "/api/v1/order", body, "orderExecute")
            return _told(lambda: read_order(document, _WHO))
        except UnknownFateError as lost:
            (found,) = await self._look_up_sent([order], sent_ns)
            if found is None:
                raise UnknownFateError(f"{lost}; {_not_found([order])}") from lost
            return found

    async def execute_batch(self, orders: Sequence[NewOrder]) -> list[OrderState | BatchRefusal]:
        """Send several orders at once, and return what became of each, in their order; raises as `execute`.

        An order whose row of the answer does not tell it is looked up; the error has what is known of the others.
        """
        self._refuse_real_orders()
        bodies, sent_ns = [each.body() for each in orders], self._rest.clock.wall_ns()
        lost = UnknownFateError(f"{_WHO} does not answer for each of {len(orders)} orders")
        try:
            _, document = await self._rest.change("POST", "/api/v1/orders", bodies, "orderExecute")
            found = read_batch(document, len(orders), _WHO)
        except UnknownFateError as error:
            found, lost = [None] * len(orders), error
        open_ones = [i for i, each in enumerate(found) if each is None]
        states = await self._look_up_sent([orders[i] for i in open_ones], sent_ns)
        for i, state in zip(open_ones, states, strict=True):
            found[i] = state
        missing = [order for order, each in zip(orders, found, strict=True) if each is None]
        if missing:
            raise UnknownFateError(f"{lost}; {_not_found(missing)}", tuple(found)) from lost
        return [each for each in found if each is not None]

    async def cancel(self, symbol: str, *, order_id: str | None = None, client_id: int | None = None) -> OrderState:
        """Cancel an order by one of its ids.

        If the answer is lost, the order is looked up for some seconds.

        Returns:
            Its last state, which may be filled; with status `Cancelling` if that was accepted, but not yet carried out.

        Raises:
            UsageError: Both ids are given, or none. Else as `execute`.
        """
        self._refuse_real_orders()
        body = _ids(symbol, order_id, client_id)
        try:
            status, document = await self._rest.change("DELETE", "/api/v1/order", body, "orderCancel")
            if status == _ACCEPTED:
                return OrderState(
                    order_id=order_id or "", client_id=client_id, symbol=symbol, side=None, status="Cancelling"
                )
            return _told(lambda: read_order(document, _WHO))
        except UnknownFateError as lost:

            def ended(state: OrderState) -> bool:
                same = state.order_id == order_id if client_id is None else state.client_id == client_id
                return same and not state.is_open

            (found,) = await look_up(self._rest, [Sought(symbol, ended)])
            if found is None:
                raise UnknownFateError(f"{lost}; within {LOOK_UP_S:g} s it was not seen to end") from lost
            return found

    async def cancel_all(self, symbol: str) -> list[OrderState]:
        """Cancel all orders of a market; an empty list also if that was accepted, but not yet carried out.

        Raises:
            UnknownFateError: No answer tells what became of it; `open_orders` has what is left. Else as `execute`.
        """
        self._refuse_real_orders()
        status, document = await self._rest.change("DELETE", "/api/v1/orders", {"symbol": symbol}, "orderCancelAll")
        return [] if status == _ACCEPTED else _told(lambda: read_orders(document, _WHO))

    async def query(
        self, symbol: str, *, order_id: str | None = None, client_id: int | None = None
    ) -> OrderState | None:
        """Return an open order by one of its ids; None if nothing is open under it."""
        try:
            document = await self._rest.get("/api/v1/order", _ids(symbol, order_id, client_id), "orderQuery")
        except BackpackError as error:
            if error.status == _NOT_FOUND and error.code:  # a web page that says 404 knows nothing of orders
                return None
            raise
        return read_order(document, _WHO)

    async def open_orders(self, symbol: str | None = None) -> list[OrderState]:
        """Return all open orders, of one market if it is named."""
        return read_orders(await self._rest.get("/api/v1/orders", {"symbol": symbol}, "orderQueryAll"), _WHO)

    async def look_up(self, symbol: str, client_id: int) -> OrderState | None:
        """Return an order, open or not, by its client id; None if the venue does not know it."""
        found = await self.query(symbol, client_id=client_id)
        if found is not None:
            return found
        rows = await self._rest.get(
            "/wapi/v1/history/orders", {"symbol": symbol, "limit": 1_000}, "orderHistoryQueryAll"
        )
        return next((each for each in read_orders(rows, _WHO) if each.client_id == client_id), None)

    async def _look_up_sent(self, orders: Sequence[NewOrder], sent_ns: int) -> list[OrderState | None]:
        """Return what became of orders; those without a client id can't be told from others."""
        named = [i for i, each in enumerate(orders) if each.client_id is not None]
        states: list[OrderState | None] = [None] * len(orders)
        if named:
            for i, state in zip(
                named, await look_up(self._rest, [sought(orders[i], sent_ns) for i in named]), strict=True
            ):
                states[i] = state
        return states

    def _refuse_real_orders(self) -> None:
        if urlsplit(self._rest.url).hostname not in _LOOPBACK:
            raise ConfigError(
                f"real orders are not delivered, and {place_of(self._rest.url)} is not of this machine: orders go to "
                "the sandbox only (`aftershock sandbox`)"
            )


def _told(read: Callable[[], T]) -> T:
    """Return what an answer to a change tells.

    Raises:
        UnknownFateError: Nothing, though the change was asked for.
    """
    try:
        return read()
    except UnreachableError as error:
        raise UnknownFateError(f"{error}: find out what became of it") from error


def _not_found(orders: Sequence[NewOrder]) -> str:
    """Return the sentence on orders that were looked up in vain."""
    named = [str(each.client_id) for each in orders if each.client_id is not None]
    said = [f"under client id {', '.join(named)} nothing was found within {LOOK_UP_S:g} s"] if named else []
    if len(named) < len(orders):
        said.append("an order without a client id can't be looked up")
    return "; ".join([*said, "don't send it again before you know"])


def _ids(symbol: str, order_id: str | None, client_id: int | None) -> dict[str, str | int | bool | None]:
    if (order_id is None) == (client_id is None):
        raise UsageError("an order of Backpack is named by its order_id or its client_id, not both")
    return {"symbol": symbol, "orderId": order_id, "clientId": client_id}
