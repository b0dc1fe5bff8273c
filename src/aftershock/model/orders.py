"""From intent to fill. Only `core` risk can make an `ApprovedOrder`."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

from aftershock.model.events import Event

__all__ = [
    "ApprovedOrder",
    "Fill",
    "Hedge",
    "Leg",
    "OrderIntent",
    "PackageResult",
    "Purpose",
    "RefusedOrder",
    "Side",
    "leg_client_id",
    "leg_limit",
]

Purpose = Literal["entry", "hedge", "unwind"]
"""What an order is for: a new position, the hedge of one that was filled, or closing what should not be there."""


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
        legs: Each an IOC order with the limit `leg_limit`, known to the venue by `leg_client_id`.
        quantity: Coins per leg ratio of 1. They become the venue's native amount at the leg's own price: that matters
            for contracts counted in dollars alone, of which an order is for `quantity * ratio * price` dollars.
        limit_usd: Worst total package price in quote currency per coin that still leaves the threshold.
        reduce_only: True if it only takes risk away: a hedge, which shrinks a delta, or an unwind, which shrinks a
            position. A venue's own reduce-only flag fits the unwind alone.
        hedge: None where no hedge is needed.
        purpose: Entry, hedge or unwind.
        parent: `intent_id` of the entry that a hedge or unwind belongs to.
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
    purpose: Purpose = "entry"
    parent: str = ""


def leg_client_id(intent_id: str, number: int) -> str:
    """Return the id under which a leg is sent, legs counted from 1: the same in every replay."""
    return f"{intent_id}/{number}"


def leg_limit(intent: OrderIntent, number: int) -> float:
    """Return the worst price of a leg, legs counted from 0, as its venue quotes it.

    What the whole order may lose against the prices of its legs and still leave the threshold is shared out equally: if
    every leg fills at its limit, the package costs `limit_usd`. Rounded to billionths: the way there and back between
    two units may not leave a limit at a quote's own price a bit short of it.
    """
    leg = intent.legs[number]
    signs = [1.0 if each.side is Side.BUY else -1.0 for each in intent.legs]
    if len(intent.legs) == 1:
        wanted = intent.limit_usd
    else:
        package = sum(sign * each.ratio * each.price_usd for sign, each in zip(signs, intent.legs, strict=True))
        wanted = leg.price_usd + signs[number] * (intent.limit_usd - package) / (len(signs) * leg.ratio)
    if not wanted > 0 or not leg.price_usd > 0:
        return leg.price
    return round(wanted * leg.price / leg.price_usd, 9)


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


class PackageResult(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="package_result"):
    """What became of an approved entry, once nothing more is to be done about it; again if a late fill reopened it.

    Amounts in USD take coin at the index price of the moment of each fill. Prices are averages, NaN without a fill.

    Attributes:
        ts_init: Moment, our clock.
        intent_id, trigger_id, edge: Of the entry.
        status: `filled` (all that was wanted), `partial`, `unfilled`, `hedge_failed`, or `open`: the input ended first.
        wanted, filled, kept: Coins per leg ratio of 1; `filled` is what every leg filled, `kept` less than that only if
            the hedge failed.
        leg_coins, leg_prices: Of each leg, as filled and as quoted.
        excess: Coins of each leg beyond the package, which were to be unwound.
        hedge_wanted, hedge_coins, hedge_price: Of the hedge for `filled`, and what is held of it.
        fees_usd: Fees of all fills so far.
        unwind_loss_usd: What unwinding cost: entry price against exit price of what was unwound, fees of both. This is
            the loss of a partial fill, and of a package whose hedge failed. Negative if it paid.
        left: Coins that should have been unwound and were not, by instrument id.
    """

    ts_init: int
    intent_id: str
    trigger_id: str
    edge: str
    status: str
    wanted: float
    filled: float
    kept: float
    leg_coins: tuple[float, ...]
    leg_prices: tuple[float, ...]
    excess: tuple[float, ...]
    hedge_wanted: float
    hedge_coins: float
    hedge_price: float
    fees_usd: float
    unwind_loss_usd: float
    left: dict[str, float] = {}


class Fill(Event, frozen=True, kw_only=True, tag="fill"):
    """An execution of one leg.

    Attributes:
        client_id: Of the order, see `leg_client_id`.
        trade_id: The venue's id of the trade; with `client_id` it tells a fill from its repetition.
        venue, symbol, side: As ordered.
        quantity: Coins at `price`; of a contract counted in dollars, dollars divided by `price`.
        price: As quoted.
        fee: What the venue charged, in the settlement currency; NaN if it does not say, and the fee schedule is taken.
    """

    client_id: str
    trade_id: str
    venue: str
    symbol: str
    side: Side
    quantity: float
    price: float
    fee: float
