"""From intent to fill. Only `core` risk can make an `ApprovedOrder`."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from aftershock.model.events import Event

__all__ = ["ApprovedOrder", "Fill", "Hedge", "Leg", "OrderIntent", "RefusedOrder", "Side"]


class Side(StrEnum):
    """Side of an order or leg."""

    BUY = "buy"
    SELL = "sell"


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """One option or future of a package.

    Attributes:
        venue: Tardis exchange id.
        symbol: The venue's own name.
        side: Buy lifts the ask, sell hits the bid.
        ratio: Contracts of this leg per unit of the package.
        price: Executable price used, as the venue quotes it.
        price_usd: The same in quote currency per coin.
    """

    venue: str
    symbol: str
    side: Side
    ratio: float
    price: float
    price_usd: float


class Hedge(msgspec.Struct, frozen=True, kw_only=True):
    """What to trade in the underlying, only after the option legs are filled.

    Attributes:
        side: Side of the perpetual or future.
        coins: Size for the whole order, coins (inverse options: N(d1) - x per coin).
        cost_usd: Expected fee, half-spread and impact per coin of option.
    """

    side: Side
    coins: float
    cost_usd: float


class OrderIntent(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="order_intent"):
    """What the rules want to do; nothing can be sent from it.

    Attributes:
        intent_id: Deterministic id, equal in every replay.
        trigger_id: What opened it.
        edge: Type of edge: `A`, `B1`, ...
        legs: Option legs, each an IOC limit order at its price.
        quantity: Coins per leg ratio of 1.
        limit_usd: Worst total package price in quote currency per coin that still leaves the threshold.
        reduce_only: True if it may only shrink a position.
        hedge: None where no hedge is needed.
    """

    intent_id: str
    trigger_id: str
    edge: str
    legs: tuple[Leg, ...]
    quantity: float
    limit_usd: float
    hedge: Hedge | None = None
    time_in_force: str = "IOC"
    reduce_only: bool = False


class ApprovedOrder(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="approved_order"):
    """An intent that passed every limit; `venue_mode` is `paper` until live trading is delivered."""

    ts_init: int
    intent: OrderIntent
    venue_mode: str = "paper"


class RefusedOrder(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="refused_order"):
    """An intent that a limit refused, with the figures.

    Attributes:
        limit: Name of the limit.
        value: What the order has.
        allowed: What the limit allows.
        detail: One sentence for a person.
    """

    ts_init: int
    intent: OrderIntent
    limit: str
    value: float
    allowed: float
    detail: str


class Fill(Event, frozen=True, kw_only=True, tag="fill"):
    """An execution of one leg: `quantity` in coins, `price` as quoted, `fee` in the settlement currency."""

    client_id: str
    venue: str
    symbol: str
    side: Side
    quantity: float
    price: float
    fee: float
