"""Parts of an order at work: what was sent, what is held and should be, what is hedged. State only.

Sizes are integers as in `core/contracts.py`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import msgspec

from aftershock.core.contracts import coins_of, flow_of, signed, size_of
from aftershock.model.instruments import Instrument, Kind
from aftershock.model.orders import Leg, Purpose, Side
from aftershock.model.units import NAN, NANO, nano

if TYPE_CHECKING:
    from aftershock.model.orders import Fill

__all__ = ["NEVER", "Attempts", "HedgeNeed", "Hedging", "Holding", "Place", "Sent", "lot_size"]

NEVER = 2**63 - 1

Place = tuple[str, str]
"""Venue and symbol."""


class Sent(msgspec.Struct):
    """One leg at its venue, an immediate-or-cancel order.

    Attributes:
        client_id: Its id there.
        leg, instrument, purpose: What was ordered, and for what.
        wanted, filled: Sizes without sign.
        done: Nothing more is expected of it; a fill after that is late.
        coins, value: Sums over the fills, of coins and of coins times price.
    """

    client_id: str
    leg: Leg
    instrument: Instrument
    purpose: Purpose
    wanted: int
    filled: int = 0
    done: bool = False
    coins: float = 0.0
    value: float = 0.0

    @property
    def place(self) -> Place:
        """Return where it is."""
        return self.leg.venue, self.leg.symbol

    @property
    def filled_coins(self) -> float:
        """Return what was filled, coins; dollars of an inverse contract at the leg's own price."""
        return coins_of(self.instrument, self.filled, self.leg.price)

    @property
    def average_price(self) -> float:
        """Return the average price of the fills, NaN without any."""
        return self.value / self.coins if self.coins > 0 else NAN

    def take(self, fill: Fill) -> None:
        """Add a fill."""
        self.filled += size_of(self.instrument, fill.quantity, fill.price)
        self.coins += fill.quantity
        self.value += fill.quantity * fill.price
        self.done |= self.filled >= self.wanted


class Attempts(msgspec.Struct):
    """Orders sent one after the other for one end.

    Attributes:
        deadline: Moment, ns, at which it is given up.
        count: Orders so far, refused ones included.
        ready: True if the next may go out: at first, and after each new quote.
        sent: The last order at a venue.
    """

    deadline: int = NEVER
    count: int = 0
    ready: bool = True
    sent: Sent | None = None

    @property
    def in_flight(self) -> bool:
        """Tell whether an order is out that may still fill."""
        return self.sent is not None and not self.sent.done


class HedgeNeed(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be hedged of a package that was filled.

    Attributes:
        side: Of the hedge.
        amount: Coins, or dollars where `dollars` is set, billionths.
        dollars: True if the package is locked by a number of dollars of an inverse future.
        future: The dated future that locks it; None for any perpetual of the coin.
    """

    side: Side
    amount: int
    dollars: bool = False
    future: tuple[str, str, int] | None = None

    def amount_of(self, fill: Fill) -> int:
        """Return what a fill contributes, without sign."""
        return nano(fill.quantity * fill.price if self.dollars else fill.quantity)


class Hedging(msgspec.Struct):
    """State of a hedge.

    Attributes:
        need: What for.
        kept: How much of the need is covered.
        spare: How much of it may stay uncovered, or be covered too much.
        status: `failed` once the option is to be unwound instead.
    """

    need: HedgeNeed
    spare: int
    attempts: Attempts
    kept: int = 0
    coins: float = 0.0
    value: float = 0.0
    status: Literal["working", "done", "failed"] = "working"

    @property
    def rest(self) -> int:
        """Return what is still to be covered."""
        return max(self.need.amount - self.kept, 0)

    def cover(self, fill: Fill) -> Fraction:
        """Count a fill as cover, and return the share of it that is wanted: none after a failure, nor beyond need."""
        amount = self.need.amount_of(fill)
        room = self.need.amount + self.spare - self.kept if self.status != "failed" else 0
        if amount > room:
            amount, wanted = max(room, 0), Fraction(max(room, 0), amount)
        else:
            wanted = Fraction(1)
        self.kept += amount
        self.coins += float(wanted) * fill.quantity
        self.value += float(wanted) * fill.quantity * fill.price
        return wanted


class Holding(msgspec.Struct):
    """What an order holds of one instrument.

    Attributes:
        instrument: Of what.
        leg: First leg that traded it.
        held: Signed size of all fills.
        keep: What should be held; the rest is to be unwound.
        entered, entry_flow, entry_fees_usd: Of the fills that were not unwinding.
        unwinding: Orders to unwind; `given_up` once a person was called instead.
        expired: True once it was settled: nothing is held of it, whatever may still be filled.
    """

    instrument: Instrument
    leg: Leg
    held: int = 0
    keep: int = 0
    entered: int = 0
    entry_flow: int = 0
    entry_fees_usd: float = 0.0
    unwinding: Attempts = msgspec.field(default_factory=Attempts)
    given_up: bool = False
    expired: bool = False

    @property
    def excess(self) -> int:
        """Return what is held and should not be, signed as the holding."""
        return self.held - self.keep

    @property
    def surplus(self) -> int:
        """Return what of it can be unwound: whole lots."""
        lot = lot_size(self.instrument)
        whole = abs(self.excess) // lot * lot
        return whole if self.excess > 0 else -whole

    def enter(self, fill: Fill, fee_usd: float) -> int:
        """Take a fill of a leg or a hedge, and return its signed size."""
        size = signed(fill.side, size_of(self.instrument, fill.quantity, fill.price))
        self._move(size)
        self.entered += abs(size)
        self.entry_flow += flow_of(self.instrument, size, fill.price)
        self.entry_fees_usd += fee_usd
        self.unwinding.count, self.unwinding.deadline, self.unwinding.ready = 0, NEVER, True
        self.given_up = False
        return size

    def leave(self, fill: Fill, fee_usd: float, usd: float) -> float:
        """Take a fill that unwinds, and return what it lost in USD, with the fees of both ways."""
        size = signed(fill.side, size_of(self.instrument, fill.quantity, fill.price))
        self._move(size)
        part = min(abs(size) / self.entered, 1.0) if self.entered else 0.0
        flows = self.entry_flow * part + flow_of(self.instrument, size, fill.price)
        return -flows / NANO * usd + self.entry_fees_usd * part + fee_usd

    def expire(self) -> None:
        """Hold nothing of it any more."""
        self.expired, self.held, self.keep = True, 0, 0

    def _move(self, size: int) -> None:
        if not self.expired:
            self.held += size


def lot_size(instrument: Instrument) -> int:
    """Return the smallest order in billionths of a coin, or of a dollar where those are counted; 1 if unknown."""
    lot = instrument.lot_size
    one = instrument.notional_usd(lot, 1.0) if instrument.counts_dollars else instrument.coins(lot, 1.0)
    return max(nano(one), 1) if one > 0 and instrument.kind is not Kind.SPOT else 1
