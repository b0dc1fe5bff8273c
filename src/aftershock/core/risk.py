"""The gate before an order. The only place that makes an `ApprovedOrder`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aftershock.model.orders import ApprovedOrder, OrderIntent, RefusedOrder
from aftershock.model.units import NS_PER_S

if TYPE_CHECKING:
    from aftershock.core.config import RiskConfig

__all__ = ["RiskGate"]


class RiskGate:
    """Checks an intent against each limit in turn; approves for paper only."""

    def __init__(self, config: RiskConfig) -> None:
        self._config = config
        self._duplicate_ns = int(config.duplicate_s * NS_PER_S)
        self._last_order: dict[tuple[tuple[str, str, str], ...], int] = {}

    def check(
        self, intent: OrderIntent, now: int, *, price_usd: float, value_usd: float, forward: float
    ) -> ApprovedOrder | RefusedOrder:
        """Approve an intent and remember it, or refuse it with the figures.

        Args:
            intent: What the rules want.
            now: Our clock, ns.
            price_usd: Executable price of the package per coin.
            value_usd: What it is worth.
            forward: For the collar.
        """
        refused = self.refusal(intent, now, price_usd=price_usd, value_usd=value_usd, forward=forward)
        if refused is not None:
            return refused
        self._last_order[_legs(intent)] = now
        return ApprovedOrder(ts_init=now, intent=intent)

    def refusal(
        self, intent: OrderIntent, now: int, *, price_usd: float, value_usd: float, forward: float
    ) -> RefusedOrder | None:
        """Return what `check` would refuse an intent with, None if nothing; it is not remembered as an order."""
        premium = sum(leg.ratio * leg.price_usd for leg in intent.legs) * intent.quantity
        refused = _first_exceeded(
            intent,
            now,
            ("quantity", intent.quantity, self._config.max_quantity_coins, "coins"),
            ("premium", premium, self._config.max_premium_usd, "USD of premium"),
            ("collar", abs(price_usd - value_usd), self.collar_usd(value_usd, forward), "USD away from the value"),
        )
        if refused is not None:
            return refused
        self._forget(now)
        last = self._last_order.get(_legs(intent))
        if last is None:
            return None
        since_s = (now - last) / NS_PER_S
        return RefusedOrder(
            ts_init=now,
            intent=intent,
            limit="duplicate",
            value=since_s,
            allowed=self._config.duplicate_s,
            detail=f"the same legs were ordered {since_s:g} s ago; again only after {self._config.duplicate_s:g} s",
        )

    def check_reducing(
        self, intent: OrderIntent, now: int, *, price_usd: float, value_usd: float, forward: float
    ) -> ApprovedOrder | RefusedOrder:
        """Approve a hedge or an unwind of what was filled, or refuse it with the figures.

        It takes risk away: only its size and its limit price are looked at, and it may come again at once.

        Args:
            intent: Hedge or unwind; anything else is refused.
            now: Our clock, ns.
            price_usd: Its limit, per coin.
            value_usd: Price that it is measured against.
            forward: For the collar.
        """
        reducing = intent.reduce_only and intent.purpose != "entry" and bool(intent.parent)
        refused = _first_exceeded(
            intent,
            now,
            ("purpose", 0.0 if reducing else 1.0, 0.0, "orders that add risk by way of the gate for those that do not"),
            ("quantity", intent.quantity, self._config.max_quantity_coins, "coins"),
            ("collar", abs(price_usd - value_usd), self.collar_usd(value_usd, forward), "USD away from the value"),
        )
        return ApprovedOrder(ts_init=now, intent=intent) if refused is None else refused

    def collar_usd(self, value_usd: float, forward: float) -> float:
        """Return how far a price may be from a value, per coin; NaN without a forward."""
        by_value = self._config.collar_value_fraction * abs(value_usd)
        by_forward = self._config.collar_value_bps * 1e-4 * forward
        return by_value if by_value >= by_forward else by_forward  # noqa: FURB136  NaN in either must refuse

    def _forget(self, now: int) -> None:
        old = [key for key, ts in self._last_order.items() if now - ts >= self._duplicate_ns]
        for key in old:
            del self._last_order[key]


def _legs(intent: OrderIntent) -> tuple[tuple[str, str, str], ...]:
    return tuple((leg.venue, leg.symbol, leg.side.value) for leg in intent.legs)


def _first_exceeded(intent: OrderIntent, now: int, *limits: tuple[str, float, float, str]) -> RefusedOrder | None:
    """Refuse an intent for the first limit that its value exceeds; NaN in either exceeds."""
    for limit, value, allowed, what in limits:
        if not value <= allowed:
            detail = f"{value:g} {what}, at most {allowed:g}"
            return RefusedOrder(ts_init=now, intent=intent, limit=limit, value=value, allowed=allowed, detail=detail)
    return None
