"""The minimal hedger: how much of what was filled is to be hedged, where, and with which order.

Edge A takes the perpetual that costs least now. A static package takes the dated future that locks it: of an inverse
one a number of dollars, the strike or the distance of the strikes per coin, whatever the future costs by then.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

from aftershock.core.contracts import coins_of
from aftershock.core.hedge import cheapest_hedge
from aftershock.core.order_parts import HedgeNeed, lot_size
from aftershock.model.orders import Leg, OrderIntent, Side
from aftershock.model.signals import EdgeType
from aftershock.model.units import BPS, NANO, nano

if TYPE_CHECKING:
    from aftershock.core.asset import AssetState
    from aftershock.core.config import EngineConfig
    from aftershock.core.fees import FeeBook
    from aftershock.core.forward import TopOfBook
    from aftershock.core.working import WorkingOrder

__all__ = ["hedge_intent", "hedge_need", "hedge_top", "to_tick"]

_LOCKED = (EdgeType.PARITY_INVERSE, EdgeType.PARITY_LINEAR, EdgeType.VERTICAL, EdgeType.BOX)


def hedge_need(order: WorkingOrder) -> HedgeNeed | None:
    """Return what the filled package needs, or None if it needs no hedge.

    The plan is scaled by the share that was filled: no fill, no hedge.
    """
    plan, share = order.intent.hedge, order.package
    if plan is None or not share or plan.coins == 0:
        return None
    if order.intent.edge not in _LOCKED:
        return HedgeNeed(side=plan.side, amount=_scaled(plan.coins, share))
    first = order.legs[0].instrument
    future = (first.venue, first.family, first.expiry_ns or 0)
    if not first.inverse:
        return HedgeNeed(side=plan.side, amount=_scaled(plan.coins, share), future=future)
    strikes = sorted(dict.fromkeys(sent.instrument.strike for sent in order.legs))
    width = strikes[-1] - strikes[0] if len(strikes) > 1 else strikes[0]
    return HedgeNeed(side=plan.side, amount=_scaled(width * order.intent.quantity, share), dollars=True, future=future)


def _scaled(amount: float, share: Fraction) -> int:
    """Return a share of an amount, rounded down; an amount that nobody knows is none, and can't be covered."""
    return math.floor(nano(amount) * share) if math.isfinite(amount) else 0


def hedge_top(need: HedgeNeed, asset: AssetState, fees: FeeBook, config: EngineConfig, now: int) -> TopOfBook | None:
    """Return the quote to hedge at now: the future's, or the cheapest perpetual's; None if none is fresh."""
    if need.future is not None:
        return asset.book.fresh_future(need.future, now)
    quote = cheapest_hedge(asset.book, fees, now, config.hedge_impact_bps)
    return None if quote is None else asset.book.perpetuals[quote.venue].top


def hedge_intent(
    order: WorkingOrder, need: HedgeNeed, rest: int, top: TopOfBook, limit_bps: float
) -> OrderIntent | None:
    """Return the order for the rest of a hedge, or None if that is less than a lot.

    The limit is `limit_bps` beyond the microprice. A contract that counts dollars is ordered for the dollars that the
    coins are at the microprice.
    """
    instrument, micro = top.instrument, top.microprice
    side = need.side
    beyond = 1.0 + limit_bps / BPS if side is Side.BUY else 1.0 - limit_bps / BPS
    limit = to_tick(micro * beyond, instrument.tick_size, side)
    dollars = need.dollars or instrument.counts_dollars
    size = rest if not dollars or need.dollars else math.floor(rest * micro)
    lot = lot_size(instrument)
    size = size // lot * lot
    if size == 0 or not limit > 0:
        return None
    leg = Leg(venue=instrument.venue, symbol=instrument.symbol, side=side, ratio=1.0, price=limit, price_usd=limit)
    return OrderIntent(
        intent_id=f"{order.intent.intent_id}/hedge-{order.numbers + 1}",
        trigger_id=order.intent.trigger_id,
        edge=order.intent.edge,
        legs=(leg,),
        quantity=coins_of(instrument, size, limit) if instrument.counts_dollars else size / NANO,
        limit_usd=limit,
        reduce_only=True,
        purpose="hedge",
        parent=order.intent.intent_id,
    )


def to_tick(price: float, tick: float, side: Side) -> float:
    """Round a limit to the venue's tick, to the side that is no worse than asked for; as it is if that is unknown."""
    if not tick > 0:
        return price
    ticks = math.floor(price / tick + 1e-9) if side is Side.BUY else math.ceil(price / tick - 1e-9)
    per_unit = round(1.0 / tick)
    return ticks / per_unit if per_unit > 0 and abs(per_unit * tick - 1.0) < 1e-12 else ticks * tick
