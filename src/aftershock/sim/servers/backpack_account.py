"""One account of the simulated Backpack: its orders meet the book, rest, are filled, and end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from aftershock.sim.servers.backpack_books import Fill
from aftershock.sim.servers.backpack_errors import ApiError
from aftershock.sim.servers.backpack_listing import SPOT
from aftershock.sim.servers.backpack_market import BackpackMarket
from aftershock.sim.servers.backpack_orders import Order, plain, read_order
from aftershock.sim.servers.backpack_positions import position_update
from aftershock.sim.servers.backpack_stamps import moment
from aftershock.sim.servers.backpack_wallet import Claim, Wallet

__all__ = ["Account"]

_ZERO = Decimal(0)
_KEPT = 10_000
_ENDS = {"FOK": "FillOrKill", "IOC": "ImmediateOrCancel"}


class _Plan(NamedTuple):
    """What an order takes, what of our own it meets, and whether that ends it."""

    fills: list[Fill]
    met: list[Order]
    stopped: bool


class Account:
    """Orders and fills.

    Attributes:
        wallet: Balances and positions.
        open: Resting orders by id.
        orders: The latest of all orders by id, oldest first.
        fills: The latest rows of the fill history, oldest first.
        tell: Gets (kind, symbol, data) of the account's streams.
    """

    def __init__(self, market: BackpackMarket) -> None:
        """Open it with some money."""
        self.wallet = Wallet(market)
        self.open: dict[str, Order] = {}
        self.orders: dict[str, Order] = {}
        self.fills: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self.tell: Callable[[str, str, dict[str, Any]], None] = lambda *_: None
        self._market = market
        self._client_ids: set[int] = set()
        self._next_id = 4_238_900_000
        market.on_moved, market.on_printed = self._moved, self._printed

    # --- orders -----------------------------------------------------------------------------------------------------

    def execute(self, asked: dict[str, Any]) -> Order:
        """Take an order.

        Raises:
            ApiError: It is none, or not covered.
        """
        listed = self._market.listed(asked.get("symbol"))
        book = self._market.books.get(listed["symbol"])
        self._next_id += 1
        order = read_order(
            asked, listed, number=self._next_id, mid=None if book is None else book.mid,
            mark=self._market.marks.get(listed["symbol"]), at_ns=self._market.now_ns,
        )  # fmt: skip
        if order.client_id in self._client_ids:
            raise ApiError("INVALID_CLIENT_REQUEST", "Duplicate clientId")
        if book is None:
            raise ApiError("INVALID_ORDER", "The book is empty")
        plan = self._plan(order)
        if order.post_only and (plan.fills or plan.met):
            raise ApiError("INVALID_ORDER", "Order would immediately match and take")
        self._cover(order, plan.fills)
        self._remember(order)
        self._update("orderAccepted", order)
        for mine in plan.met:
            self._expire(mine, "SelfTradePrevention")
        trades = self._market.deal(order.symbol, plan.fills, bought=order.buys)
        for fill, trade in zip(plan.fills, trades, strict=True):
            self._fill(order, fill, trade, maker=False)
        if order.left and order.kind == "Limit" and order.tif == "GTC" and not plan.stopped:
            self.open[order.id] = order
        elif order.left:
            why = _ENDS.get(order.tif, "InsufficientLiquidity")
            self._expire(order, "SelfTradePrevention" if plan.stopped else why)
        self._shrink(order.symbol)
        return order

    def find(self, symbol: object, order_id: object, client_id: object) -> Order:
        """Return an open order.

        Raises:
            ApiError: Both ids or none are given, or nothing is open under it.
        """
        self._market.listed(symbol)
        if (order_id is None) == (client_id is None):
            raise ApiError("INVALID_CLIENT_REQUEST", "Must specify exactly one of `orderId` and `clientId`")
        for order in self.open.values():
            named = order.id == order_id if client_id is None else _is_number(client_id, order.client_id)
            if named and order.symbol == symbol:
                return order
        raise ApiError("RESOURCE_NOT_FOUND", "Order not found", 404)

    def cancel(self, order: Order) -> Order:
        """End an open order; one that is not open any more stays as it is."""
        if self.open.pop(order.id, None) is not None:
            order.status = "Cancelled"
            self._update("orderCancelled", order)
        return order

    def claims(self) -> list[Claim]:
        """Return what open orders may still come to."""
        return [Claim(each.symbol, each.buys, each.left, each.price or _ZERO) for each in self.open.values()]

    def _plan(self, order: Order) -> _Plan:
        """Look what an order would take, and where it would meet one of our own."""
        book, limit = self._market.books[order.symbol], order.price
        mine = [each for each in self._resting(order.symbol, buys=not order.buys) if order.reaches(each.price or _ZERO)]
        if mine and mine[0].price is not None and order.self_trade != "RejectMaker":
            limit = mine[0].price + (-book.tick if order.buys else book.tick)
        fills = book.take(buys=order.buys, quantity=order.quantity, limit=limit, all_or_nothing=order.tif == "FOK")
        left = order.quantity - sum((fill.quantity for fill in fills), _ZERO)
        if not mine or (order.tif == "FOK" and not fills and order.self_trade == "RejectMaker"):
            return _Plan(fills, [], stopped=False)
        if order.self_trade == "RejectMaker":
            worst = fills[-1].price if fills else None
            met = [each for each in mine if left or (worst is not None and _is_first(each, worst))]
            return _Plan(fills, met, stopped=False)
        return _Plan(fills, mine[:1] if left and order.self_trade == "RejectBoth" else [], stopped=bool(left))

    def _cover(self, order: Order, fills: list[Fill]) -> None:
        """Refuse what the account can't pay for."""
        wallet, claims = self.wallet, self.claims()
        held = wallet.held(order.symbol)
        if order.reduce_only and order.quantity > (-held if order.buys else held):
            raise ApiError("INVALID_ORDER", "Reduce only order would increase the position")
        worst = order.price or (fills[-1].price if fills else self._market.books[order.symbol].mid) or _ZERO
        claim = Claim(order.symbol, order.buys, order.quantity, worst)
        if order.symbol == SPOT:
            asset, needed = ("USDC", worst * order.quantity) if order.buys else ("BTC", order.quantity)
            if wallet.free(asset, claims) < needed:
                raise ApiError("INSUFFICIENT_FUNDS", "Insufficient funds")
            return
        required = wallet.required([*claims, claim])
        if required > wallet.required(claims) and required > wallet.equity(claims):
            raise ApiError("INSUFFICIENT_MARGIN", "Insufficient margin")

    def _remember(self, order: Order) -> None:
        self.orders[order.id] = order
        if order.client_id is not None:
            self._client_ids.add(order.client_id)
        while len(self.orders) > _KEPT:
            del self.orders[next(iter(self.orders))]

    # --- fills ------------------------------------------------------------------------------------------------------

    def _resting(self, symbol: str, *, buys: bool) -> list[Order]:
        """Return open orders of one side, best price first, then oldest."""
        mine = [each for each in self.open.values() if each.symbol == symbol and each.buys is buys]
        return sorted(mine, key=lambda order: (order.price or _ZERO) * (-1 if buys else 1))

    def _moved(self, symbol: str) -> None:
        """Fill resting orders that the book came to, with what stands there and no more."""
        book = self._market.books[symbol]
        for order in [*self._resting(symbol, buys=True), *self._resting(symbol, buys=False)]:
            if order.id not in self.open or order.price is None:
                continue
            taken = book.take(buys=order.buys, quantity=order.left, limit=order.price, all_or_nothing=False)
            if not taken:
                continue
            (trade,) = self._market.deal(symbol, taken, bought=order.buys, resting_at=order.price)
            self._fill(order, Fill(order.price, sum((each.quantity for each in taken), _ZERO)), trade, maker=True)
            self._shrink(symbol)

    def _printed(self, symbol: str, price: Decimal, quantity: Decimal, trade: int, *, maker_buys: bool) -> None:
        """Fill resting orders that stood before what a print of others was filled at."""
        step = self._market.books[symbol].step
        for order in self._resting(symbol, buys=maker_buys):
            amount = min(order.left, quantity) // step * step
            if order.price is None or not amount or not _is_first(order, price):
                return
            if order.id not in self.open:
                continue
            quantity -= amount
            self._fill(order, Fill(order.price, amount), trade, maker=True)
            self._shrink(symbol)

    def _fill(self, order: Order, fill: Fill, trade: int, *, maker: bool) -> None:
        signed = fill.quantity if order.buys else -fill.quantity
        was = self.wallet.held(order.symbol)
        cash, fee, asset = self.wallet.settle(order.symbol, signed, fill.price, maker=maker)
        order.filled += fill.quantity
        order.quote_filled += cash
        order.status = "PartiallyFilled" if order.left else "Filled"
        if not order.left:
            self.open.pop(order.id, None)
        self.fills.append(
            {
                "clientId": None if order.client_id is None else str(order.client_id),
                "fee": plain(fee),
                "feeSymbol": asset,
                "isMaker": maker,
                "orderId": order.id,
                "price": str(fill.price),
                "quantity": str(fill.quantity),
                "side": order.side,
                "symbol": order.symbol,
                "systemOrderType": None,
                "timestamp": moment(self._market.now_ns),
                "tradeId": trade,
            }
        )
        self._update("orderFill", order, {"l": str(fill.quantity), "L": str(fill.price), "N": asset, "n": plain(fee),
                                          "m": maker, "t": trade})  # fmt: skip
        if order.symbol != SPOT:
            held = self.wallet.held(order.symbol)
            kind = "positionClosed" if not held else "positionOpened" if not was else "positionAdjusted"
            data = {"e": kind} | position_update(self.wallet, order.symbol, self._market.now_ns)
            self.tell("account.positionUpdate", order.symbol, data)

    def _shrink(self, symbol: str) -> None:
        """Keep orders that may only reduce a position from turning it."""
        held = self.wallet.held(symbol)
        for order in [each for each in self.open.values() if each.symbol == symbol and each.reduce_only]:
            most = max(-held if order.buys else held, _ZERO)
            if not most:
                self._expire(order, "ReduceOnlyNotReduced")
            elif order.left > most:
                order.quantity = order.filled + most
                self._update("orderModified", order)

    def _expire(self, order: Order, reason: str) -> None:
        self.open.pop(order.id, None)
        order.status, order.expiry_reason = "Expired", reason
        self._update("orderExpired", order)

    def _update(self, kind: str, order: Order, more: dict[str, Any] | None = None) -> None:
        self.tell("account.orderUpdate", order.symbol, order.update(kind, self._market.now_ns) | (more or {}))


def _is_first(order: Order, price: Decimal) -> bool:
    """Tell whether an order stands before a price: better, for whoever trades with it."""
    return order.price is not None and (order.price > price if order.buys else order.price < price)


def _is_number(given: object, number: int | None) -> bool:
    """Tell whether a client id is one: a number in bodies, a text in queries."""
    return number is not None and isinstance(given, int | str) and str(given) == str(number)
