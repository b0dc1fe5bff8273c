"""Orders of the simulated Backpack: read from requests, and told as the REST interface and the socket tell them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from aftershock.model.units import NS_PER_MS
from aftershock.sim.servers.backpack_errors import ApiError
from aftershock.sim.servers.backpack_stamps import micros, moment

__all__ = ["Order", "plain", "read_decimal", "read_order"]

_ZERO = Decimal(0)
_MAX_CLIENT_ID = 2**32 - 1
_SELF_TRADE = ("RejectTaker", "RejectMaker", "RejectBoth")
_NOT_IMPLEMENTED = (
    "triggerPrice", "triggerBy", "triggerQuantity", "stopLossTriggerPrice", "stopLossLimitPrice", "stopLossTriggerBy",
    "takeProfitTriggerPrice", "takeProfitLimitPrice", "takeProfitTriggerBy", "slippageTolerance",
    "slippageToleranceType", "autoBorrow", "autoBorrowRepay", "autoLend", "autoLendRedeem",
)  # fmt: skip
"""Fields of orders that mean more than a plain order: running one as such would be another order."""
_NEVER = (
    "stopLossTriggerPrice", "stopLossLimitPrice", "stopLossTriggerBy", "takeProfitTriggerPrice", "takeProfitLimitPrice",
    "takeProfitTriggerBy", "triggerBy", "triggerPrice", "triggerQuantity", "strategyId",
)  # fmt: skip


class Order(msgspec.Struct, kw_only=True):
    """An order and what became of it; amounts are decimals.

    Attributes:
        quote: What a market order for an amount of the quote asset asked for.
        expiry_reason: Why it expired, the venue's word.
    """

    id: str
    client_id: int | None
    symbol: str
    side: str
    kind: str
    price: Decimal | None
    quantity: Decimal
    quote: Decimal | None
    tif: str
    post_only: bool
    reduce_only: bool
    self_trade: str
    created_ns: int
    filled: Decimal = _ZERO
    quote_filled: Decimal = _ZERO
    status: str = "New"
    expiry_reason: str | None = None

    @property
    def left(self) -> Decimal:
        """Return what is not filled."""
        return self.quantity - self.filled

    @property
    def buys(self) -> bool:
        """Tell whether it is a bid."""
        return self.side == "Bid"

    def reaches(self, price: Decimal) -> bool:
        """Tell whether it would trade at a price."""
        return self.price is None or (price <= self.price if self.buys else price >= self.price)

    def document(self, *, history: bool = False) -> dict[str, Any]:
        """Return it as the venue lists it: fresh ones with milliseconds, those of history with a text without zone."""
        found: dict[str, Any] = {
            "orderType": self.kind,
            "id": self.id,
            "clientId": self.client_id,
            "createdAt": moment(self.created_ns) if history else self.created_ns // NS_PER_MS,
            "executedQuantity": str(self.filled),
            "executedQuoteQuantity": str(self.quote_filled),
            "quantity": str(self.quantity),
            "quoteQuantity": None if self.quote is None else str(self.quote),
            "reduceOnly": self.reduce_only or None,
            "timeInForce": self.tif,
            "selfTradePrevention": self.self_trade,
            "side": self.side,
            "status": self.status,
            "symbol": self.symbol,
            **dict.fromkeys(_NEVER),
        }
        if history:
            found |= {"expiryReason": self.expiry_reason, "systemOrderType": None}
        else:
            found |= {"triggeredAt": None, "relatedOrderId": None}
        if self.kind == "Limit":
            found |= {"price": str(self.price), "postOnly": self.post_only}
        return found

    def update(self, kind: str, at_ns: int) -> dict[str, Any]:
        """Return what the socket says of it when something happens to it; fields that don't apply are absent."""
        now = micros(at_ns)
        data: dict[str, Any] = {
            "e": kind, "E": now, "s": self.symbol, "S": self.side, "o": self.kind.upper(), "f": self.tif,
            "q": str(self.quantity), "i": self.id, "X": self.status, "V": self.self_trade, "z": str(self.filled),
            "Z": plain(self.quote_filled), "r": self.reduce_only, "O": "USER", "t": None, "T": now,
        }  # fmt: skip
        optional = {
            "c": self.client_id,
            "p": None if self.price is None else str(self.price),
            "Q": None if self.quote is None else str(self.quote),
            "y": self.post_only if self.kind == "Limit" else None,
            "R": self.expiry_reason if kind == "orderExpired" else None,
        }
        return data | {key: value for key, value in optional.items() if value is not None}


def read_order(
    asked: dict[str, Any], listed: dict[str, Any], *, number: int, mid: Decimal | None, mark: Decimal | None, at_ns: int
) -> Order:
    """Return the order that a request asks for.

    Args:
        asked: Its body.
        listed: The market, as `/markets` lists it.
        number: Id of the order.
        mid: Middle of the book, for orders of an amount of the quote asset.
        mark: Mark price that limits are held against; None without one.
        at_ns: When, ns UTC.

    Raises:
        ApiError: It is none, or one that the market does not take.
    """
    beyond = [each for each in _NOT_IMPLEMENTED if asked.get(each) not in (None, False)]
    if beyond:
        raise ApiError("NOT_IMPLEMENTED", f"The sandbox has no orders with {', '.join(beyond)}")
    if listed["orderBookState"] != "Open":
        raise ApiError("INVALID_MARKET", f"Market is {listed['orderBookState']}")
    side, kind, tif = asked.get("side"), asked.get("orderType"), asked.get("timeInForce") or "GTC"
    self_trade = asked.get("selfTradePrevention") or "RejectTaker"
    if (
        side not in ("Bid", "Ask")
        or kind not in ("Limit", "Market")
        or tif not in ("GTC", "IOC", "FOK")
        or self_trade not in _SELF_TRADE
    ):
        raise ApiError("INVALID_CLIENT_REQUEST", "failed to parse parameter: Expect a valid enumeration value")
    post_only, reduce_only = asked.get("postOnly") is True, asked.get("reduceOnly") is True
    if post_only and (kind != "Limit" or tif != "GTC"):
        raise ApiError("INVALID_ORDER", "Only GTC limit orders can be post only")
    quantity, quote = _amounts(asked, listed, kind, mid)
    return Order(
        id=str(number), client_id=_client_id(asked), symbol=listed["symbol"], side=side, kind=kind,
        price=_price(asked, listed, mark) if kind == "Limit" else None, quantity=quantity, quote=quote, tif=tif,
        post_only=post_only, reduce_only=reduce_only, self_trade=self_trade, created_ns=at_ns,
    )  # fmt: skip


def _client_id(asked: dict[str, Any]) -> int | None:
    given = asked.get("clientId")
    if given is None:
        return None
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given <= _MAX_CLIENT_ID:
        raise ApiError("INVALID_CLIENT_REQUEST", "failed to parse parameter `clientId`: Expect a uint32")
    return given


def _amounts(
    asked: dict[str, Any], listed: dict[str, Any], kind: str, mid: Decimal | None
) -> tuple[Decimal, Decimal | None]:
    quantity, quote = read_decimal(asked, "quantity"), read_decimal(asked, "quoteQuantity")
    if quote is not None and (kind != "Market" or quantity is not None):
        raise ApiError("INVALID_CLIENT_REQUEST", "`quoteQuantity` is for market orders without `quantity`")
    step = Decimal(listed["filters"]["quantity"]["stepSize"])
    if quote is not None and mid:
        quantity = quote / mid // step * step
    if quantity is None or quantity <= 0 or quantity % step:
        raise ApiError("INVALID_QUANTITY", "Quantity is not a multiple of the step size, or below the minimum")
    return quantity, quote


def _price(asked: dict[str, Any], listed: dict[str, Any], mark: Decimal | None) -> Decimal:
    filters, price = listed["filters"]["price"], read_decimal(asked, "price")
    if price is None or price <= 0 or price % Decimal(filters["tickSize"]):
        raise ApiError("INVALID_PRICE", "Price is not a multiple of the tick size")
    least, most = filters["minMultiplier"], filters["maxMultiplier"]
    if mark and least and most and not mark * Decimal(least) <= price <= mark * Decimal(most):
        raise ApiError("INVALID_PRICE", "Price is out of bounds")
    return price


def read_decimal(asked: dict[str, Any], name: str) -> Decimal | None:
    """Return a field that is a decimal text; None where it is absent.

    Raises:
        ApiError: It is none, or beyond all measure.
    """
    given = asked.get(name)
    if given is None:
        return None
    try:
        value = Decimal(str(given)) if isinstance(given, str | int) and not isinstance(given, bool) else None
    except (InvalidOperation, ValueError):
        value = None
    if value is None or not value.is_finite() or abs(value.adjusted()) > 20:
        raise ApiError("INVALID_CLIENT_REQUEST", f"failed to parse parameter `{name}`: Expect a decimal")
    return value


def plain(value: Decimal) -> str:
    """Return an amount as a text, nine digits at most."""
    return f"{value + 0:.9f}".rstrip("0").rstrip(".")
