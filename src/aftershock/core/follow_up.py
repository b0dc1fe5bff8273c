"""What follows for one order: fix its package, hedge it, unwind the rest, give up what takes too long.

Every order goes through the risk gate. A halt stops entries, never this.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from aftershock.core.contracts import size_of
from aftershock.core.hedger import hedge_intent, hedge_need, hedge_top
from aftershock.core.order_parts import NEVER, Attempts, Hedging, Holding, Sent
from aftershock.core.risk import RiskGate
from aftershock.core.unwinder import unwind_order
from aftershock.core.working import WorkingOrder
from aftershock.model.orders import OrderIntent, RefusedOrder, leg_client_id
from aftershock.model.signals import Alarm
from aftershock.model.units import BPS, NS_PER_MS

if TYPE_CHECKING:
    from aftershock.core.config import EngineConfig
    from aftershock.core.market import Market

__all__ = ["FollowUp"]


class FollowUp:
    """Does for an order what can be done now; its only state is in the orders."""

    def __init__(
        self,
        config: EngineConfig,
        market: Market,
        say: Callable[[Any], None],
        on_sent: Callable[[WorkingOrder, Sent], None],
    ) -> None:
        """Take what it works with.

        Args:
            config: As given to the engine.
            market: To hedge and unwind in.
            say: Takes the effects, in order.
            on_sent: Gets each order that was approved and goes out, with the entry that it is for.
        """
        self._config, self._limits = config, config.execution
        self._market, self._say, self._on_sent = market, say, on_sent
        self._gate = RiskGate(config.risk)

    def up(self, order: WorkingOrder, now: int) -> bool:
        """Do what can be done now, and tell whether nothing is left to do."""
        if order.package is None:
            self._watch_legs(order, now)
        if order.hedging is not None and order.hedging.status == "working":
            self._hedge(order, order.hedging, now)
        waiting = [each for each in list(order.holdings.values()) if not self._unwound(order, each, now)]
        hedged = order.hedging is None or order.hedging.status != "working"
        return order.package is not None and hedged and not waiting

    def give_up(self, order: WorkingOrder, now: int) -> None:
        """Do at a deadline what is left to do."""
        if order.package is None and order.deadline <= now:
            silent = [sent for sent in order.legs if not sent.done]
            for sent in silent:
                sent.done = True
            names = ", ".join(sent.client_id for sent in silent)
            self._alarm(now, "order_silent", f"no word on {names} since the first fill: taken as over")
        hedging = order.hedging
        if hedging is not None and hedging.status == "working" and hedging.attempts.deadline <= now:
            self._fail(order, hedging, now, "it took too long")
        for each in order.holdings.values():
            if each.surplus and not each.given_up and each.unwinding.deadline <= now:
                self._abandon(order, each, now)

    def _watch_legs(self, order: WorkingOrder, now: int) -> None:
        """Fix the package once every leg is done."""
        if not all(sent.done for sent in order.legs):
            for sent in order.legs:  # until then nothing of it is too much
                order.holding(sent).keep = order.holding(sent).held
            if order.deadline == NEVER and any(sent.filled for sent in order.legs):
                order.deadline = now + int(self._limits.legs_deadline_ms * NS_PER_MS)
            return
        shares = [Fraction(sent.filled, sent.wanted) if sent.wanted else Fraction(0) for sent in order.legs]
        order.package = min(*shares, Fraction(1))
        order.keep_package(order.package)
        need = None if order.settled else hedge_need(order)
        if need is not None:
            spare = int(need.amount * self._limits.hedge_limit_bps / BPS)
            deadline = now + int(self._limits.hedge_deadline_ms * NS_PER_MS)
            order.hedging = Hedging(need, spare, Attempts(deadline))

    def _hedge(self, order: WorkingOrder, hedging: Hedging, now: int) -> None:
        attempts = hedging.attempts
        if hedging.need.amount <= 0:
            self._fail(order, hedging, now, "nobody knows its size")
        elif hedging.rest <= hedging.spare:
            hedging.status = "done"
        elif not attempts.in_flight and attempts.count >= self._limits.hedge_attempts:
            self._fail(order, hedging, now, f"{attempts.count} orders did not fill it")
        elif not attempts.in_flight and attempts.ready:
            self._send_hedge(order, hedging, now)

    def _send_hedge(self, order: WorkingOrder, hedging: Hedging, now: int) -> None:
        attempts, need = hedging.attempts, hedging.need
        attempts.ready = False
        top = hedge_top(need, self._market.asset(order.asset), self._market.fees, self._config, now)
        if top is None:
            return
        intent = hedge_intent(order, need, hedging.rest, top, self._limits.hedge_limit_bps)
        if intent is None:  # less than a lot
            hedging.status = "done"
            return
        self._send(order, attempts, intent, now, value_usd=top.microprice, forward=top.microprice)
        if not attempts.in_flight:  # refused
            self._hedge(order, hedging, now)

    def _fail(self, order: WorkingOrder, hedging: Hedging, now: int, why: str) -> None:
        """Unwind what is not hedged."""
        hedging.status = "failed"
        intent_id = order.intent.intent_id
        self._alarm(now, "hedge_failed", f"{intent_id} is not hedged ({why}): what is not covered is unwound")
        covered = Fraction(hedging.kept, hedging.need.amount) if hedging.need.amount > 0 else Fraction(0)
        order.keep_package((order.package or Fraction(0)) * min(covered, Fraction(1)))
        if not order.kept:  # less than a lot is covered
            order.keep_nothing()

    def _unwound(self, order: WorkingOrder, holding: Holding, now: int) -> bool:
        """Tell whether nothing is to be unwound, or nothing more can be; send the order if something is."""
        attempts = holding.unwinding
        if holding.surplus == 0:
            holding.unwinding, holding.given_up = Attempts(), False
            return True
        if holding.given_up or attempts.in_flight:
            return holding.given_up
        if attempts.count >= self._limits.unwind_attempts:
            self._abandon(order, holding, now)
            return True
        if attempts.deadline == NEVER:
            attempts.deadline = now + int(self._limits.unwind_deadline_ms * NS_PER_MS)
        if attempts.ready:
            attempts.ready = False
            found = unwind_order(order, holding, self._market, self._gate, now)
            if found is not None:
                self._send(order, attempts, found.intent, now, value_usd=found.value_usd, forward=found.forward)
                return self._unwound(order, holding, now)
        return False

    def _abandon(self, order: WorkingOrder, holding: Holding, now: int) -> None:
        holding.given_up = True
        name = holding.instrument.instrument_id
        self._alarm(
            now, "unwind_failed", f"{order.intent.intent_id} still holds {name} that it should not: close it by hand"
        )

    def _send(
        self,
        order: WorkingOrder,
        attempts: Attempts,
        intent: OrderIntent,
        now: int,
        *,
        value_usd: float,
        forward: float,
    ) -> None:
        """Put a hedge or an unwind to the gate, and send what passes."""
        order.numbers += 1
        attempts.count += 1
        leg = intent.legs[0]
        verdict = self._gate.check_reducing(intent, now, price_usd=leg.price_usd, value_usd=value_usd, forward=forward)
        self._say(verdict)
        instrument = self._market.resolve(leg.venue, leg.symbol)
        if isinstance(verdict, RefusedOrder) or instrument is None:
            return
        wanted = size_of(instrument, intent.quantity, leg.price)
        sent = Sent(leg_client_id(intent.intent_id, 1), leg, instrument, intent.purpose, wanted)
        order.followers.append(sent.client_id)
        self._on_sent(order, sent)
        attempts.sent = sent

    def _alarm(self, now: int, code: str, detail: str) -> None:
        self._say(Alarm(ts_init=now, code=code, detail=detail))
