"""One account of the simulated Backpack: orders, fills, balances and positions, in exact decimals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from aftershock.model.units import NS_PER_MS, NS_PER_S
from aftershock.sim.servers.backpack_books import Fill
from aftershock.sim.servers.backpack_errors import ApiError
from aftershock.sim.servers.backpack_listing import OPTION, SPOT
from aftershock.sim.servers.backpack_market import BackpackMarket, micros

__all__ = ["Account", "Order", "Position"]

_ZERO = Decimal(0)
_BPS = Decimal("0.0001")
FUTURES_TAKER, FUTURES_MAKER, SPOT_TAKER, SPOT_MAKER = Decimal(5), Decimal(2), Decimal(10), Decimal(8)
OPTION_TAKER, OPTION_MAKER, OPTION_CAP = Decimal(3), Decimal(2), Decimal("0.125")
"""bps; of options: of the index, at most a share of the premium. Options and their fees are the overlay's."""
_MARGIN = Decimal("0.02")
_OPTION_MARGIN = Decimal("0.15")
_MAX_CLIENT_ID = 2**32 - 1
_KEPT = 10_000
_NOT_IMPLEMENTED = (
    "triggerPrice", "triggerBy", "triggerQuantity", "stopLossTriggerPrice", "stopLossLimitPrice", "stopLossTriggerBy",
    "takeProfitTriggerPrice", "takeProfitLimitPrice", "takeProfitTriggerBy", "slippageTolerance",
    "slippageToleranceType", "autoBorrow", "autoBorrowRepay", "autoLend", "autoLendRedeem",
)  # fmt: skip
"""Fields of orders that mean more than a plain order: running one as such would be another order."""


class Order(msgspec.Struct, kw_only=True):
    """An order and what became of it; amounts are decimals."""

    id: str
    client_id: int | None
    symbol: str
    side: str
    kind: str
    price: Decimal | None
    quantity: Decimal
    tif: str
    post_only: bool
    reduce_only: bool
    created_ns: int
    filled: Decimal = _ZERO
    quote_filled: Decimal = _ZERO
    status: str = "New"

    @property
    def left(self) -> Decimal:
        """Return what is not filled."""
        return self.quantity - self.filled

    @property
    def buys(self) -> bool:
        """Tell whether it is a bid."""
        return self.side == "Bid"

    def document(self, *, history: bool = False) -> dict[str, Any]:
        """Return it as the venue lists it: fresh ones with milliseconds, those of history with a text without zone."""
        made = self.created_ns // NS_PER_MS
        found: dict[str, Any] = {
            "orderType": self.kind,
            "id": self.id,
            "clientId": self.client_id,
            "createdAt": _moment(self.created_ns) if history else made,
            "executedQuantity": str(self.filled),
            "executedQuoteQuantity": str(self.quote_filled),
            "quantity": str(self.quantity),
            "quoteQuantity": None,
            "reduceOnly": self.reduce_only or None,
            "timeInForce": self.tif,
            "selfTradePrevention": "RejectTaker",
            "side": self.side,
            "status": self.status,
            "symbol": self.symbol,
        }
        for name in ("stopLossTriggerPrice", "stopLossLimitPrice", "stopLossTriggerBy", "takeProfitTriggerPrice",
                     "takeProfitLimitPrice", "takeProfitTriggerBy", "triggerBy", "triggerPrice", "triggerQuantity",
                     "strategyId"):  # fmt: skip
            found[name] = None
        if not history:
            found |= {"triggeredAt": None, "relatedOrderId": None}
        if self.kind == "Limit":
            found |= {"price": str(self.price), "postOnly": self.post_only}
        return found


class Position(msgspec.Struct):
    """What is held of a market that is no spot: signed quantity, average entry price, realized profit."""

    quantity: Decimal = _ZERO
    entry: Decimal = _ZERO
    realized: Decimal = _ZERO


class Account:
    """Balances, positions and orders.

    Attributes:
        balances: By asset.
        positions: By symbol.
        open: Resting orders by id.
        orders: The latest of all orders by id, oldest first.
        fills: Rows of the fill history, oldest first.
        tell: Gets (kind, symbol, data) of the account's streams.
    """

    def __init__(self, market: BackpackMarket) -> None:
        """Open it with some money."""
        self.balances = {"USDC": Decimal(100_000), "BTC": Decimal(1)}
        self.positions: dict[str, Position] = {}
        self.open: dict[str, Order] = {}
        self.orders: dict[str, Order] = {}
        self.fills: list[dict[str, Any]] = []
        self.tell: Callable[[str, str, dict[str, Any]], None] = lambda *_: None
        self._market = market
        self._client_ids: set[int] = set()
        self._next_id = 4_238_900_000
        market.on_moved = self._moved

    # --- orders -----------------------------------------------------------------------------------------------------

    def execute(self, asked: dict[str, Any]) -> Order:
        """Take an order.

        Raises:
            ApiError: It is none, or not covered.
        """
        listed = self._listed(asked.get("symbol"))
        order = self._read(asked, listed)
        book = self._market.books.get(order.symbol)
        if book is None:
            raise ApiError("INVALID_ORDER", "The book is empty")
        self._cover(order, listed)
        limit = order.price if order.kind == "Limit" else None
        fills = book.take(
            buys=order.buys, quantity=order.quantity, limit=limit, all_or_nothing=order.tif == "FOK"
        )  # fmt: skip
        if order.post_only and fills:
            raise ApiError("INVALID_ORDER", "Order would immediately match and take")
        self._remember(order)
        self._update("orderAccepted", order)
        self._market.take(order.symbol, fills, bought=order.buys)
        for fill in fills:
            self._fill(order, fill, maker=False)
        if order.left and order.kind == "Limit" and order.tif == "GTC":
            self.open[order.id] = order
        elif order.left:
            order.status = "Expired"
            self._update("orderExpired", order)
        return order

    def find(self, symbol: object, order_id: object, client_id: object) -> Order:
        """Return an open order.

        Raises:
            ApiError: Both ids or none are given, or nothing is open under it.
        """
        self._listed(symbol)
        if (order_id is None) == (client_id is None):
            raise ApiError("INVALID_CLIENT_REQUEST", "Must specify exactly one of `orderId` and `clientId`")
        for order in self.open.values():
            named = order.id == order_id if client_id is None else _is_number(client_id, order.client_id)
            if named and order.symbol == symbol:
                return order
        raise ApiError("RESOURCE_NOT_FOUND", "Order not found", 404)

    def cancel(self, order: Order) -> Order:
        """End an open order."""
        del self.open[order.id]
        order.status = "Cancelled"
        self._update("orderCancelled", order)
        return order

    def _listed(self, symbol: object) -> dict[str, Any]:
        found = next((each for each in self._market.documents() if each["symbol"] == symbol), None)
        if found is None:
            raise ApiError("INVALID_SYMBOL", "Invalid symbol")
        return found

    def _read(self, asked: dict[str, Any], listed: dict[str, Any]) -> Order:
        beyond = [each for each in _NOT_IMPLEMENTED if asked.get(each) not in (None, False)]
        if beyond:
            raise ApiError("NOT_IMPLEMENTED", f"The sandbox has no orders with {', '.join(beyond)}")
        if listed["orderBookState"] != "Open":
            raise ApiError("INVALID_MARKET", f"Market is {listed['orderBookState']}")
        side, kind, tif = asked.get("side"), asked.get("orderType"), asked.get("timeInForce") or "GTC"
        if side not in ("Bid", "Ask") or kind not in ("Limit", "Market") or tif not in ("GTC", "IOC", "FOK"):
            raise ApiError(
                "INVALID_CLIENT_REQUEST", "failed to parse parameter: Expect a valid enumeration value"
            )  # fmt: skip
        client_id = asked.get("clientId")
        if client_id is not None and not (
            isinstance(client_id, int) and not isinstance(client_id, bool) and 0 <= client_id <= _MAX_CLIENT_ID
        ):
            raise ApiError("INVALID_CLIENT_REQUEST", "failed to parse parameter `clientId`: Expect a uint32")
        if client_id in self._client_ids:
            raise ApiError("INVALID_CLIENT_REQUEST", "Duplicate clientId")
        price, quantity = _decimal(asked, "price"), _decimal(asked, "quantity")
        tick = Decimal(listed["filters"]["price"]["tickSize"])
        step = Decimal(listed["filters"]["quantity"]["stepSize"])
        if quantity is None and asked.get("quoteQuantity") is not None and kind == "Market":
            mid = self._market.books[listed["symbol"]].mid if listed["symbol"] in self._market.books else None
            quote = _decimal(asked, "quoteQuantity")
            quantity = None if mid is None or quote is None else quote / mid // step * step
        if quantity is None or quantity <= 0 or quantity % step:
            raise ApiError("INVALID_QUANTITY", "Quantity is not a multiple of the step size, or below the minimum")
        if kind == "Limit" and (price is None or price <= 0 or price % tick):
            raise ApiError("INVALID_PRICE", "Price is not a multiple of the tick size")
        post_only, reduce_only = asked.get("postOnly") is True, asked.get("reduceOnly") is True
        if post_only and (kind != "Limit" or tif != "GTC"):
            raise ApiError("INVALID_ORDER", "Only GTC limit orders can be post only")
        self._next_id += 1
        return Order(
            id=str(self._next_id), client_id=client_id, symbol=listed["symbol"], side=side, kind=kind,
            price=price if kind == "Limit" else None, quantity=quantity, tif=tif, post_only=post_only,
            reduce_only=reduce_only, created_ns=self._market.now_ns,
        )  # fmt: skip

    def _cover(self, order: Order, listed: dict[str, Any]) -> None:
        """Refuse what the account can't pay for."""
        price = order.price or self._market.books[order.symbol].mid or _ZERO
        held = self.positions.get(order.symbol, Position()).quantity
        signed = order.quantity if order.buys else -order.quantity
        if order.reduce_only and (held * signed >= 0 or abs(signed) > abs(held)):
            raise ApiError("INVALID_ORDER", "Reduce only order would increase the position")
        if order.symbol == SPOT:
            asset, needed = ("USDC", price * order.quantity) if order.buys else ("BTC", order.quantity)
            if self.balances[asset] < needed:
                raise ApiError("INSUFFICIENT_FUNDS", "Insufficient funds")
            return
        if listed["marketType"] == OPTION:
            premium = price * order.quantity * Decimal(listed["contractMultiplier"])
            short = _OPTION_MARGIN * self._market.index() * order.quantity * Decimal(listed["contractMultiplier"])
            needed = premium if order.buys else short
        else:
            needed = _MARGIN * price * order.quantity
        if abs(held + signed) > abs(held) and self.balances["USDC"] < needed:
            raise ApiError("INSUFFICIENT_MARGIN", "Insufficient margin")

    def _remember(self, order: Order) -> None:
        self.orders[order.id] = order
        if order.client_id is not None:
            self._client_ids.add(order.client_id)
        while len(self.orders) > _KEPT:
            del self.orders[next(iter(self.orders))]

    # --- fills ------------------------------------------------------------------------------------------------------

    def _moved(self, symbol: str) -> None:
        """Fill resting orders that the market traded through."""
        book = self._market.books[symbol]
        for order in [each for each in self.open.values() if each.symbol == symbol]:
            best = book.best_ask if order.buys else book.best_bid
            if (
                best is not None
                and order.price is not None
                and (best <= order.price if order.buys else best >= order.price)
            ):
                del self.open[order.id]
                self._fill(order, Fill(order.price, order.left), maker=True)

    def _fill(self, order: Order, fill: Fill, *, maker: bool) -> None:
        option = self._market.option(order.symbol)
        size = fill.quantity * (Decimal("0.01") if option is not None else 1)
        cash = fill.price * size
        order.filled += fill.quantity
        order.quote_filled += cash
        order.status = "PartiallyFilled" if order.left else "Filled"
        signed = fill.quantity if order.buys else -fill.quantity
        if order.symbol == SPOT:
            fee = cash * (SPOT_MAKER if maker else SPOT_TAKER) * _BPS
            self.balances["BTC"] += signed
            self.balances["USDC"] -= (cash if order.buys else -cash) + fee
        elif option is not None:
            rate = OPTION_MAKER if maker else OPTION_TAKER
            fee = min(self._market.index() * size * rate * _BPS, cash * OPTION_CAP)
            self.balances["USDC"] -= (cash if order.buys else -cash) + fee
            self._hold(order.symbol, signed, fill.price)
        else:
            fee = cash * (FUTURES_MAKER if maker else FUTURES_TAKER) * _BPS
            self.balances["USDC"] += self._hold(order.symbol, signed, fill.price) - fee
        number = len(self.fills) + 9_748_000
        self.fills.append(
            {
                "clientId": None if order.client_id is None else str(order.client_id),
                "fee": _plain(fee),
                "feeSymbol": "USDC",
                "isMaker": maker,
                "orderId": order.id,
                "price": str(fill.price),
                "quantity": str(fill.quantity),
                "side": order.side,
                "symbol": order.symbol,
                "systemOrderType": None,
                "timestamp": _moment(self._market.now_ns),
                "tradeId": number,
            }
        )
        self._update("orderFill", order, {"l": str(fill.quantity), "L": str(fill.price), "N": "USDC", "n": _plain(fee),
                                          "m": maker, "t": number})  # fmt: skip

    def _hold(self, symbol: str, signed: Decimal, price: Decimal) -> Decimal:
        """Change a position and return the profit that it realized."""
        position = self.positions.setdefault(symbol, Position())
        was, profit = position.quantity, _ZERO
        if was * signed < 0:
            closed = min(abs(was), abs(signed))
            profit = closed * (price - position.entry) * (1 if was > 0 else -1)
            position.realized += profit
        position.quantity += signed
        if was * signed >= 0:
            total = abs(was) + abs(signed)
            position.entry = (abs(was) * position.entry + abs(signed) * price) / total
        elif position.quantity * was < 0:
            position.entry = price
        kind = "positionClosed" if not position.quantity else "positionOpened" if not was else "positionAdjusted"
        self.tell("account.positionUpdate", symbol, {"e": kind} | self.position(symbol))
        return profit

    def position(self, symbol: str) -> dict[str, Any]:
        """Return a position as the socket sends it; in a snapshot it has no `e`."""
        held, mark = self.positions[symbol], self._market.marks.get(symbol, _ZERO)
        now = micros(self._market.now_ns)
        unrealized = held.quantity * (mark - held.entry)
        return {"E": now, "s": symbol, "b": str(held.entry), "B": str(held.entry), "l": "0", "f": "0.02", "m": "0.0125",
                "M": str(mark), "n": _plain(abs(held.quantity) * mark), "q": str(held.quantity),
                "Q": str(abs(held.quantity)), "p": _plain(held.realized), "P": _plain(unrealized),
                "i": list(self.positions).index(symbol) + 5_411_399_049, "T": now}  # fmt: skip

    def _update(self, kind: str, order: Order, more: dict[str, Any] | None = None) -> None:
        now = micros(self._market.now_ns)
        data: dict[str, Any] = {"e": kind, "E": now, "s": order.symbol, "S": order.side, "o": order.kind.upper(),
                "f": order.tif, "q": str(order.quantity), "i": order.id, "X": order.status, "V": "RejectTaker",
                "z": str(order.filled), "Z": _plain(order.quote_filled), "r": order.reduce_only, "O": "USER", "t": None,
                "T": now}  # fmt: skip
        if order.client_id is not None:
            data["c"] = order.client_id
        if order.price is not None:
            data["p"] = str(order.price)
        self.tell("account.orderUpdate", order.symbol, data | (more or {}))


def _is_number(given: object, number: int | None) -> bool:
    """Tell whether a client id is one: a number in bodies, a text in queries."""
    return number is not None and isinstance(given, int | str) and str(given) == str(number)


def _decimal(asked: dict[str, Any], name: str) -> Decimal | None:
    given = asked.get(name)
    if given is None:
        return None
    try:
        value = Decimal(str(given)) if isinstance(given, str | int) and not isinstance(given, bool) else None
    except InvalidOperation:
        value = None
    if value is None or not value.is_finite() or abs(value.adjusted()) > 20:
        raise ApiError("INVALID_CLIENT_REQUEST", f"failed to parse parameter `{name}`: Expect a decimal")
    return value


def _plain(value: Decimal) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".")


def _moment(ts_ns: int) -> str:
    """Return a moment as history has it: ISO, milliseconds, no zone."""
    at = datetime.fromtimestamp(ts_ns // NS_PER_S, tz=UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{ts_ns % NS_PER_S // NS_PER_MS:03d}"
