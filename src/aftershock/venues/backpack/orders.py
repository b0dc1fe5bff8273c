"""Orders of Backpack, and what becomes of them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from aftershock.errors import UnreachableError, UsageError
from aftershock.model.orders import Side
from aftershock.model.units import NAN, NS_PER_MS
from aftershock.venues.backpack.refusals import UNSETTLED_CODES
from aftershock.venues.backpack.times import moment_ns
from aftershock.venues.connection.text import printable

__all__ = ["BatchRefusal", "NewOrder", "OrderState", "read_batch", "read_order", "read_orders"]

MAX_CLIENT_ID = 2**32 - 1
_SIDES = {Side.BUY: "Bid", Side.SELL: "Ask"}
_OURS = {"Bid": Side.BUY, "Ask": Side.SELL}


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask for; prices and quantities are decimal texts, as no float is a price.

    Attributes:
        symbol: Market.
        side: Buy or sell.
        quantity: Native amount, a multiple of the market's step.
        price: Limit; empty for a market order.
        client_id: Number of 32 bits, from `ClientIds`; None for none, and then a lost answer can't be looked up.
        time_in_force: For how long it stands.
        post_only, reduce_only: As the venue means it.
        self_trade: What happens where it would meet our own.
    """

    symbol: str
    side: Side
    quantity: str
    price: str = ""
    client_id: int | None = None
    time_in_force: Literal["GTC", "IOC", "FOK"] = "IOC"
    post_only: bool = False
    reduce_only: bool = False
    self_trade: Literal["RejectTaker", "RejectMaker", "RejectBoth"] = "RejectTaker"

    def body(self) -> dict[str, str | int | bool | None]:
        """Return the body of the request.

        Raises:
            UsageError: The client id is out of bounds.
        """
        if self.client_id is not None and not 0 <= self.client_id <= MAX_CLIENT_ID:
            raise UsageError(f"a client id of Backpack is from 0 to {MAX_CLIENT_ID}, not {self.client_id}")
        return {
            "symbol": self.symbol,
            "side": _SIDES[self.side],
            "orderType": "Limit" if self.price else "Market",
            "quantity": self.quantity,
            "price": self.price or None,
            "timeInForce": self.time_in_force,
            "clientId": self.client_id,
            "postOnly": True if self.post_only else None,
            "reduceOnly": True if self.reduce_only else None,
            "selfTradePrevention": self.self_trade,
        }


class OrderState(msgspec.Struct, frozen=True, kw_only=True):
    """An order as the venue has it.

    Attributes:
        status: `New`, `PartiallyFilled`, `Filled`, `Cancelled`, `Expired`, `TriggerPending`, `TriggerFailed`; or, of a
            cancellation that was accepted and not yet carried out, `Cancelling`.
        price, quantity, filled: NaN where the venue gives none.
        average: Average price of the fills, NaN without one.
        created_ns: ns UTC; 0 where it is not given.
    """

    order_id: str
    client_id: int | None
    symbol: str
    side: Side | None
    status: str
    price: float = NAN
    quantity: float = NAN
    filled: float = NAN
    average: float = NAN
    created_ns: int = 0

    @property
    def is_open(self) -> bool:
        """Tell whether more may come of it."""
        return self.status in {"New", "PartiallyFilled", "TriggerPending", "Cancelling"}


class BatchRefusal(msgspec.Struct, frozen=True):
    """One order of a batch that was refused inside a 200."""

    code: str
    message: str


class _Order(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    symbol: str
    status: str
    side: str | None = None
    client_id: int | str | None = None
    price: str | None = None
    quantity: str | None = None
    executed_quantity: str | None = None
    executed_quote_quantity: str | None = None
    created_at: int | str | None = None


class _Result(msgspec.Struct, frozen=True):
    operation: str = ""
    code: str = ""
    message: str = ""


def read_order(document: Any, where: str) -> OrderState:  # noqa: ANN401 - a document
    """Return an order of an answer.

    Raises:
        UnreachableError: It is none.
    """
    try:
        order = msgspec.convert(document, _Order)
        filled, quote = _number(order.executed_quantity), _number(order.executed_quote_quantity)
        return OrderState(
            order_id=order.id,
            client_id=None if order.client_id is None else int(order.client_id),
            symbol=order.symbol,
            side=_OURS.get(order.side or ""),
            status=order.status,
            price=_number(order.price),
            quantity=_number(order.quantity),
            filled=filled,
            average=quote / filled if filled > 0 and quote > 0 else NAN,
            created_ns=_created(order.created_at),
        )
    except (msgspec.ValidationError, ValueError) as error:
        raise UnreachableError(f"{where} answers with what is no order ({printable(str(error))}): ask again") from error


def read_orders(document: Any, where: str) -> list[OrderState]:  # noqa: ANN401 - a document
    """Return the orders of an answer.

    Raises:
        UnreachableError: It is no list of orders.
    """
    if not isinstance(document, list):
        raise UnreachableError(f"{where} answers with what is no list of orders: ask again")
    return [read_order(each, where) for each in document]


def read_batch(document: Any, count: int, where: str) -> list[OrderState | BatchRefusal | None]:  # noqa: ANN401
    """Return what became of each order of a batch, in its order; None for those of which the answer does not say it."""
    if not isinstance(document, list) or len(document) != count:
        return [None] * count
    return [_result(each, where) for each in document]


def _result(row: Any, where: str) -> OrderState | BatchRefusal | None:  # noqa: ANN401 - a document
    try:
        result = msgspec.convert(row, _Result)
        if result.operation == "Err":
            refusal = BatchRefusal(printable(result.code), printable(result.message))
            return None if result.code in UNSETTLED_CODES else refusal
        return read_order(row, where)
    except (msgspec.ValidationError, UnreachableError):
        return None


def _number(text: str | None) -> float:
    return NAN if text is None else float(text)


def _created(when: int | str | None) -> int:
    """Return ns UTC; fresh orders have milliseconds, those of history a text."""
    return moment_ns(when) if isinstance(when, str) else (when or 0) * NS_PER_MS
