"""How to close what should not be held: the other side, at once, within the collar around the price it has now."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from aftershock.core.contracts import coins_of
from aftershock.core.hedger import to_tick
from aftershock.model.instruments import Kind
from aftershock.model.orders import Leg, OrderIntent, Side
from aftershock.model.units import NAN

if TYPE_CHECKING:
    from aftershock.core.asset import AssetState
    from aftershock.core.market import Market
    from aftershock.core.order_parts import Holding
    from aftershock.core.risk import RiskGate
    from aftershock.core.working import WorkingOrder
    from aftershock.model.instruments import Instrument

__all__ = ["UnwindOrder", "spot", "unwind_order"]

_INSET = 1.0 - 1e-9  # so that rounding can't carry a limit over the collar that it is
_LEAST = 1e-3  # of the reference: a limit to sell at is above zero


class UnwindOrder(NamedTuple):
    """An intent, with the figures that the gate measures it by."""

    intent: OrderIntent
    value_usd: float
    forward: float


def unwind_order(order: WorkingOrder, holding: Holding, market: Market, gate: RiskGate, now: int) -> UnwindOrder | None:
    """Return the order that closes the surplus of a holding, or None while the side it needs is not quoted.

    The limit is as wide as the gate allows for an option, and for a perpetual or future the gate's share of the
    forward, measured from the middle of the quote; from the price it was traded at where only one side is quoted.
    """
    instrument, surplus = holding.instrument, holding.surplus
    asset = market.asset(order.asset)
    bid, ask = _quote(market, asset, instrument)
    side = Side.SELL if surplus > 0 else Side.BUY
    if not (bid if side is Side.SELL else ask) > 0:
        return None
    reference = 0.5 * (bid + ask) if bid > 0 and ask > 0 else holding.leg.price
    to_usd, forward = _rates(asset, holding, reference, now)
    value = reference * to_usd
    premium = value if instrument.kind is Kind.OPTION else 0.0  # a tenth of a perpetual's price is no limit
    room = gate.collar_usd(premium, forward) * _INSET
    limit_usd = max(value - room, value * _LEAST) if side is Side.SELL else value + room
    price = to_tick(limit_usd / to_usd, instrument.tick_size, side)
    leg = Leg(
        venue=instrument.venue,
        symbol=instrument.symbol,
        side=side,
        ratio=1.0,
        price=price,
        price_usd=price * to_usd,
    )
    intent = OrderIntent(
        intent_id=f"{order.intent.intent_id}/unwind-{order.numbers + 1}",
        trigger_id=order.intent.trigger_id,
        edge=order.intent.edge,
        legs=(leg,),
        quantity=coins_of(instrument, abs(surplus), price),
        limit_usd=leg.price_usd,
        reduce_only=True,
        purpose="unwind",
        parent=order.intent.intent_id,
    )
    return UnwindOrder(intent, value, forward)


def spot(asset: AssetState, now: int) -> float:
    """Return the price of the coin: the index, else the median of the fresh perpetuals; NaN without either."""
    reference = asset.book.log_reference(now)
    return asset.index(math.exp(reference) if reference == reference else NAN)  # noqa: PLR0124  not NaN


def _quote(market: Market, asset: AssetState, instrument: Instrument) -> tuple[float, float]:
    """Return the last known bid and ask, however old: risk is to go, and the order has a limit."""
    if instrument.kind is Kind.OPTION:
        listed = market.option(instrument.venue, instrument.symbol)
        return (NAN, NAN) if listed is None else (listed[1].cells[0][listed[2]], listed[1].cells[2][listed[2]])
    if instrument.kind is Kind.FUTURE:
        top = asset.book.futures.get((instrument.venue, instrument.family, instrument.expiry_ns or 0))
    else:
        perpetual = asset.book.perpetuals.get(instrument.venue)
        top = None if perpetual is None else perpetual.top
    if top is None or top.instrument.symbol != instrument.symbol:
        return NAN, NAN
    return top.bid, top.ask


def _rates(asset: AssetState, holding: Holding, reference: float, now: int) -> tuple[float, float]:
    """Return USD per unit of the price, and the forward for the collar."""
    instrument, leg = holding.instrument, holding.leg
    if instrument.kind is not Kind.OPTION:
        return 1.0, reference
    known = spot(asset, now)
    if not instrument.inverse:
        return 1.0, known
    rate = known if known > 0 else leg.price_usd / leg.price
    return rate, rate
