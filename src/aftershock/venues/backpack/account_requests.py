"""What an account of Backpack holds and may do: money, margin, positions, fees."""

from __future__ import annotations

import msgspec

from aftershock.errors import UsageError
from aftershock.model.instruments import FeeSchedule
from aftershock.venues.backpack.account import AccountSummary, Balance, Margin, Position, convert, fee_schedules
from aftershock.venues.backpack.rest import Rest
from aftershock.venues.connection.text import printable

__all__ = ["AccountRequests"]

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


class _Limit(msgspec.Struct, frozen=True, rename="camel"):
    max_order_quantity: str
