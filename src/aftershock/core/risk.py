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
        """Approve an intent, or refuse it with the figures.

        Args:
            intent: What the rules want.
            now: Our clock, ns.
            price_usd: Executable price of the package per coin.
            value_usd: What it is worth.
            forward: For the collar.
        """
        config = self._config
        premium = sum(leg.ratio * leg.price_usd for leg in intent.legs) * intent.quantity
        away = abs(price_usd - value_usd)
        by_value, by_forward = config.collar_value_fraction * abs(value_usd), config.collar_value_bps * 1e-4 * forward
        collar = by_value if by_value >= by_forward else by_forward  # noqa: FURB136  NaN in either must refuse
        for limit, value, allowed, what in (
            ("quantity", intent.quantity, config.max_quantity_coins, "coins"),
            ("premium", premium, config.max_premium_usd, "USD of premium"),
            ("collar", away, collar, "USD away from the value"),
        ):
            if not value <= allowed:
                detail = f"{value:g} {what}, at most {allowed:g}"
                return RefusedOrder(
                    ts_init=now, intent=intent, limit=limit, value=value, allowed=allowed, detail=detail
                )
        key = tuple((leg.venue, leg.symbol, leg.side.value) for leg in intent.legs)
        self._forget(now)
        if key in self._last_order:
            since_s = (now - self._last_order[key]) / NS_PER_S
            return RefusedOrder(
                ts_init=now,
                intent=intent,
                limit="duplicate",
                value=since_s,
                allowed=config.duplicate_s,
                detail=f"the same legs were ordered {since_s:g} s ago; again only after {config.duplicate_s:g} s",
            )
        self._last_order[key] = now
        return ApprovedOrder(ts_init=now, intent=intent)

    def _forget(self, now: int) -> None:
        old = [key for key, ts in self._last_order.items() if now - ts >= self._duplicate_ns]
        for key in old:
            del self._last_order[key]
