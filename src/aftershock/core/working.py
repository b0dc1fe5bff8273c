"""The life of one approved entry: what was sent for it, what is held for it and should be, and what became of it.

State only; `core/follow_up.py` moves it.
"""

from __future__ import annotations

import math
from fractions import Fraction

import msgspec

from aftershock.core.contracts import coins_of, signed
from aftershock.core.order_parts import NEVER, Hedging, Holding, Place, Sent, lot_size
from aftershock.model.orders import ApprovedOrder, Fill, OrderIntent, PackageResult
from aftershock.model.units import NAN, NANO, nano

__all__ = ["WorkingOrder"]


class WorkingOrder(msgspec.Struct):
    """One entry from its approval until nothing more is to be done about it.

    Attributes:
        intent, asset: What was approved, and the coin.
        legs: As sent.
        holdings: By place.
        followers: Client ids of its hedges and unwinds.
        numbers: Hedges and unwinds so far, refused ones included.
        deadline: Of the legs, ns.
        package: Share of the wanted size that every leg filled; None until the legs are done.
        kept: Share of it that is kept: all of `package` unless the hedge failed.
        hedging: None until a hedge is needed.
        fees_usd, loss_usd: So far.
        settled: True once the legs expired: what is closed then is no loss of a partial.
        told: True once its result was said, until a late fill.
    """

    intent: OrderIntent
    asset: str
    legs: tuple[Sent, ...]
    holdings: dict[Place, Holding] = {}
    followers: list[str] = []
    numbers: int = 0
    deadline: int = NEVER
    package: Fraction | None = None
    kept: Fraction = Fraction(0)
    hedging: Hedging | None = None
    fees_usd: float = 0.0
    loss_usd: float = 0.0
    settled: bool = False
    told: bool = False

    @classmethod
    def of(cls, order: ApprovedOrder, legs: tuple[Sent, ...]) -> WorkingOrder:
        """Return the order as it is when it goes out."""
        return cls(intent=order.intent, asset=legs[0].instrument.underlying, legs=legs)

    def holding(self, sent: Sent) -> Holding:
        """Return what is held of a leg's instrument, new if need be."""
        return self.holdings.setdefault(sent.place, Holding(sent.instrument, sent.leg))

    def take(self, sent: Sent, fill: Fill, fee_usd: float, usd: float) -> None:
        """Write a fill into what it is held for, and what it cost.

        Args:
            sent: What filled.
            fill: How.
            fee_usd: Its fee.
            usd: USD per unit of the settlement currency.
        """
        sent.take(fill)
        self.told &= self.settled
        self.fees_usd += fee_usd
        holding = self.holding(sent)
        if sent.purpose == "unwind":
            loss = holding.leave(fill, fee_usd, usd)
            self.loss_usd += 0.0 if self.settled else loss
            return
        size = holding.enter(fill, fee_usd)
        if sent.purpose == "hedge" and self.hedging is not None and not self.settled:
            holding.keep += int(size * self.hedging.cover(fill))

    @property
    def next_deadline(self) -> int:
        """Return the next moment at which something is given up."""
        moments = [each.unwinding.deadline for each in self.holdings.values() if not each.given_up]
        if self.package is None:
            moments.append(self.deadline)
        if self.hedging is not None and self.hedging.status == "working":
            moments.append(self.hedging.attempts.deadline)
        return min(moments, default=NEVER)

    @property
    def is_flat(self) -> bool:
        """Tell whether nothing is held for it."""
        return not any(each.held for each in self.holdings.values())

    def keep_package(self, share: Fraction) -> None:
        """Keep a share of what was wanted, in whole lots of each leg."""
        for sent in self.legs:
            lot = lot_size(sent.instrument)
            size = math.floor(sent.wanted * share) // lot * lot if share < 1 else sent.wanted
            holding = self.holding(sent)
            holding.keep = 0 if holding.expired else signed(sent.leg.side, size)
        first = self.legs[0]
        self.kept = Fraction(abs(self.holding(first).keep), first.wanted) if first.wanted else Fraction(0)

    def keep_nothing(self) -> None:
        """Keep neither legs nor hedge."""
        self.kept = Fraction(0)
        for each in self.holdings.values():
            each.keep = 0

    def result(self, now: int, *, over: bool) -> PackageResult:
        """Return what became of it so far."""
        intent, share, hedging = self.intent, self.package or Fraction(0), self.hedging
        excess = tuple(
            coins_of(sent.instrument, max(sent.filled - math.floor(sent.wanted * share), 0), sent.leg.price)
            for sent in self.legs
        )
        left = {
            each.instrument.instrument_id: coins_of(each.instrument, each.excess, each.leg.price)
            for each in self.holdings.values()
            if each.excess
        }
        return PackageResult(
            ts_init=now,
            intent_id=intent.intent_id,
            trigger_id=intent.trigger_id,
            edge=intent.edge,
            status=self._status() if over else "open",
            wanted=intent.quantity,
            filled=float(nano(intent.quantity) * share) / NANO,
            kept=float(nano(intent.quantity) * self.kept) / NANO,
            leg_coins=tuple(sent.filled_coins for sent in self.legs),
            leg_prices=tuple(sent.average_price for sent in self.legs),
            excess=excess,
            hedge_wanted=0.0 if intent.hedge is None else intent.hedge.coins * float(share),
            hedge_coins=0.0 if hedging is None else hedging.coins,
            hedge_price=NAN if hedging is None or not hedging.coins else hedging.value / hedging.coins,
            fees_usd=self.fees_usd,
            unwind_loss_usd=self.loss_usd,
            left=left,
        )

    def _status(self) -> str:
        if not self.package:
            return "unfilled"
        if self.hedging is not None and self.hedging.status == "failed":
            return "hedge_failed"
        return "filled" if self.package == 1 else "partial"
