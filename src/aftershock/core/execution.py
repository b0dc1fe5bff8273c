"""What venues say about orders: fills are booked, ends noted, expiries settled, and each order followed up.

`docs/execution.md` tells the life of an order in words. Whatever a venue says, the rule is the same: what every leg
filled is the package; the package, and nothing else, is hedged; whatever is held beyond package and hedge is unwound.
So a fill that comes late, twice or in the wrong order needs no case of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aftershock.core.contracts import is_usable, size_of
from aftershock.core.follow_up import FollowUp
from aftershock.core.order_parts import NEVER, Attempts, Sent
from aftershock.core.unwinder import spot
from aftershock.core.working import WorkingOrder
from aftershock.model.instruments import Instrument, Kind
from aftershock.model.orders import ApprovedOrder, Fill, leg_client_id
from aftershock.model.signals import Alarm

if TYPE_CHECKING:
    from aftershock.core.account import Account
    from aftershock.core.config import EngineConfig
    from aftershock.core.market import Market
    from aftershock.model.events import OrderUpdate, Settlement

__all__ = ["Execution"]

_KEPT = 10_000
_ENDS = ("rejected", "cancelled", "expired")
_HEDGES = (Kind.PERPETUAL, Kind.FUTURE)


class Execution:
    """Orders at work.

    Attributes:
        next_deadline: Moment, ns, of the next thing to be given up; `NEVER` without any.
        active: Orders that something is still to be done about, by intent id.
    """

    def __init__(self, config: EngineConfig, market: Market, account: Account, say: Callable[[Any], None]) -> None:
        """Take what it works with.

        Args:
            config: As given to the engine.
            market: To hedge and unwind in.
            account: Where fills are booked.
            say: Takes the effects, in order.
        """
        self._market, self._account, self._say = market, account, say
        self._follow = FollowUp(config, market, say, self._on_sent)
        self._sent: dict[str, tuple[WorkingOrder, Sent]] = {}
        self._silent: dict[str, WorkingOrder] = {}
        self._over: dict[str, WorkingOrder] = {}
        self.active: dict[str, WorkingOrder] = {}
        self.next_deadline = NEVER

    # --- what comes in ------------------------------------------------------------------------------------------

    def open(self, order: ApprovedOrder) -> None:
        """Watch an approved entry; until its venue says a word it costs nothing."""
        intent = order.intent
        legs = []
        for number, leg in enumerate(intent.legs, start=1):
            instrument = self._market.resolve(leg.venue, leg.symbol)
            if instrument is None:
                return
            wanted = size_of(instrument, intent.quantity * leg.ratio, leg.price)
            legs.append(Sent(leg_client_id(intent.intent_id, number), leg, instrument, intent.purpose, wanted))
        working = WorkingOrder.of(order, tuple(legs))
        for sent in legs:
            self._sent[sent.client_id] = working, sent
        self._silent[intent.intent_id] = working
        if len(self._silent) > _KEPT:
            self._forget(self._silent.pop(next(iter(self._silent))))

    def on_fill(self, fill: Fill) -> None:
        """Book a fill and act on it; one that came before changes nothing."""
        now = fill.ts_init
        instrument = self._market.resolve(fill.venue, fill.symbol)
        if instrument is None or instrument.kind is Kind.SPOT or not is_usable(fill):
            self._alarm(
                now, "bad_fill", f"the fill {fill.trade_id} of {fill.client_id} can't be booked: check the account"
            )
            return
        index = spot(self._market.asset(instrument.underlying), now)
        booked = self._account.apply_fill(fill, instrument, index=index)
        if booked is None:
            return
        if not math.isfinite(booked.fee):
            self._alarm(
                now, "fee_unknown", f"nobody knows the fee of {fill.trade_id} on {fill.venue}: cash is too high"
            )
        found = self._sent.get(fill.client_id)
        if found is None or found[1].place != (fill.venue, fill.symbol) or found[1].leg.side is not fill.side:
            what = f"{fill.side.value} {fill.quantity:g} {fill.symbol} on {fill.venue}"
            self._alarm(now, "unknown_fill", f"{what} ({fill.client_id}) was filled, which nobody ordered")
            return
        order, sent = found
        if sent.done:
            late = f"{fill.quantity:g} {fill.symbol} of {fill.client_id} were filled after the order was over"
            self._alarm(now, "late_fill", late)
        usd = _usd(sent, fill, index)
        order.take(sent, fill, booked.fee * usd, usd)
        self._progress(order, now)

    def on_update(self, update: OrderUpdate) -> None:
        """Note that an order is over; `accepted` changes nothing."""
        found = self._sent.get(update.client_id)
        if found is not None and update.status in _ENDS:
            order, sent = found
            sent.done = True
            self._progress(order, update.ts_init)

    def on_quote(self, instrument: Instrument, now: int) -> None:
        """Let what waits for a quote try again."""
        for order in list(self.active.values()):
            waiting: list[Attempts] = []
            holding = order.holdings.get((instrument.venue, instrument.symbol))
            if holding is not None and holding.surplus:
                waiting.append(holding.unwinding)
            hedging = order.hedging
            hedges = instrument.kind in _HEDGES and instrument.underlying == order.asset
            if hedging is not None and hedging.status == "working" and hedges:
                waiting.append(hedging.attempts)
            waiting = [each for each in waiting if not each.in_flight]
            for each in waiting:
                each.ready = True
            if waiting:
                self._progress(order, now)

    def on_settlement(self, event: Settlement) -> None:
        """Settle an expiry, once, and close the hedges of what was settled."""
        account, now = self._account, event.ts_init
        name = f"{event.family} on {event.venue}"
        known = account.settled_at(event.venue, event.family, event.expiry_ns)
        if known is not None:
            if event.price != known:
                told = f"{name} was settled at {known:g}, and now {event.price:g} is said: the first stays"
                self._alarm(now, "settlement_conflict", told)
            return
        unknown_fees = account.unknown_fees
        account.settle(event.venue, event.family, event.expiry_ns, event.price)
        if account.settled_at(event.venue, event.family, event.expiry_ns) is None:
            self._alarm(now, "bad_settlement", f"{name} can't be settled at {event.price:g}")
            return
        if account.unknown_fees != unknown_fees:
            self._alarm(now, "fee_unknown", f"nobody knows a delivery fee of {name}: cash is too high")
        self._expire(event)

    def _expire(self, event: Settlement) -> None:
        key = (event.venue, event.family, event.expiry_ns)
        for order in [*self._silent.values(), *self.active.values(), *self._over.values()]:
            for sent in order.legs:
                if _expiry_of(sent.instrument) == key:
                    sent.done = True
                    order.holding(sent)  # what still fills of it is settled, and not held
            gone = [each for each in order.holdings.values() if _expiry_of(each.instrument) == key]
            for holding in gone:
                holding.expire()
            if gone:
                self._after_expiry(order)
                if order.intent.intent_id not in self._silent:
                    self._progress(order, event.ts_init)

    @staticmethod
    def _after_expiry(order: WorkingOrder) -> None:
        """Once every leg is settled, let nothing of the hedge be kept."""
        if any(not order.holding(sent).expired for sent in order.legs):
            return
        order.settled = True
        if order.hedging is not None and order.hedging.status == "working":
            order.hedging.status = "done"
        order.keep_nothing()

    def advance(self, now: int) -> None:
        """Give up, in order and each at its own time, whatever had its deadline before now."""
        while self.next_deadline < now:
            due = self.next_deadline
            for order in list(self.active.values()):
                if order.next_deadline <= due:
                    self._follow.give_up(order, due)
                    self._progress(order, due)
            self._schedule()

    def on_end(self, now: int) -> None:
        """Say how far every order came of which nothing more will be heard."""
        for order in self.active.values():
            self._say(order.result(now, over=False))

    # --- what follows -------------------------------------------------------------------------------------------

    def _progress(self, order: WorkingOrder, now: int) -> None:
        """Do what can be done now, and close the order once nothing is left to do."""
        self._silent.pop(order.intent.intent_id, None)
        self._over.pop(order.intent.intent_id, None)
        self.active[order.intent.intent_id] = order
        if self._follow.up(order, now):
            self._close(order, now)
        self._schedule()

    def _on_sent(self, order: WorkingOrder, sent: Sent) -> None:
        self._sent[sent.client_id] = order, sent

    def _close(self, order: WorkingOrder, now: int) -> None:
        """Say the result, and keep the order for late fills and for its expiry."""
        intent_id = order.intent.intent_id
        del self.active[intent_id]
        self._over[intent_id] = order
        if not order.told:
            order.told = True
            self._say(order.result(now, over=True))
        if len(self._over) > _KEPT:
            flat = next((each for each in self._over.values() if each.is_flat), None)
            if flat is not None:
                self._forget(self._over.pop(flat.intent.intent_id))

    def _forget(self, order: WorkingOrder) -> None:
        for client_id in (*(sent.client_id for sent in order.legs), *order.followers):
            del self._sent[client_id]

    def _schedule(self) -> None:
        self.next_deadline = min((order.next_deadline for order in self.active.values()), default=NEVER)

    def _alarm(self, now: int, code: str, detail: str) -> None:
        self._say(Alarm(ts_init=now, code=code, detail=detail))


def _expiry_of(instrument: Instrument) -> tuple[str, str, int | None]:
    return instrument.venue, instrument.family, instrument.expiry_ns


def _usd(sent: Sent, fill: Fill, index: float) -> float:
    """Return USD per unit of the settlement currency: of a coin the index, else what the order was priced with."""
    if not sent.instrument.inverse:
        return 1.0
    if index > 0:
        return index
    return fill.price if sent.instrument.counts_dollars else sent.leg.price_usd / sent.leg.price
