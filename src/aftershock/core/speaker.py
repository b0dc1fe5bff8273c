"""From a case to a decision: the rules, the risk gate and the second opinion; it speaks only when something changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from aftershock.core.calibration import calibrated, spoken
from aftershock.core.opinion import Verdict
from aftershock.core.review_features import review_features
from aftershock.core.risk import RiskGate
from aftershock.core.rules import Assessment, Limits, executable_size, judge
from aftershock.core.triggers import Decided
from aftershock.model.orders import OrderIntent, RefusedOrder
from aftershock.model.review import Reviewed
from aftershock.model.signals import Action, ArbitrageSignal, EdgeType, Reason, ReviewRequest
from aftershock.model.units import BPS, NS_PER_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aftershock.core.asset import AssetState
    from aftershock.core.case import Case
    from aftershock.core.config import EngineConfig
    from aftershock.core.held import Held, Reviews, TriggerReview
    from aftershock.core.triggers import OpenTrigger

__all__ = ["Speaker"]


class Speaker:
    """Judges cases and says what changed; its only state is the risk gate's memory."""

    def __init__(self, config: EngineConfig, reviews: Reviews) -> None:
        self._config = config
        self._reviews = reviews
        self._gate = RiskGate(config.risk)
        self._limits = Limits(
            config.option_max_age_ms, config.leg_span_ms, config.max_latency_ms, config.expiry_window_s
        )

    def would_order(self, assessment: Assessment) -> bool:
        """Tell whether every check before the risk gate passes."""
        return not judge(self._calibrated(assessment), self._limits)

    def decide(self, trigger: OpenTrigger, case: Case, asset: AssetState) -> list[Any]:
        """Return the decision on a case if it changed, with its order; what has to wait for a model says nothing."""
        assessment = self._calibrated(case.assess())
        against = judge(assessment, self._limits)
        wanted = Decided(Action.HOLD, against[0]) if against else Decided(assessment.action, Reason.EDGE)
        if trigger.decided.get(case.key) == wanted:
            return []
        review = trigger.review
        if review is not None:
            if case.key in review.held:
                return []  # its word is due once the question is settled
            if review.verdict is not None and not against:
                return self._conclude(trigger, review, case, assessment)
        signal = self._signal(trigger, case, assessment, against[1:])
        if against:
            return self._say(trigger, case, signal, wanted)
        if self._reviews.holds:
            return self._hold(trigger, case, asset, assessment, signal)
        said = self._order(trigger, case, assessment, signal)
        if review is None and self._reviews.asks and not self._reviews.ended and trigger.decided[case.key] == wanted:
            said.append(self._question(trigger, asset, _proposed(signal, assessment)))
        return said

    def settle(self, trigger: OpenTrigger, held: Held, case: Case, gone: Sequence[Reason] = ()) -> list[Any]:
        """Say what becomes of what was held, now that the question of its trigger is settled.

        Args:
            trigger: Where it belongs.
            held: As it had to wait.
            case: The same opportunity now.
            gone: Why nobody would look for it any more.
        """
        review = trigger.review
        if review is None:
            return []
        assessment = self._calibrated(case.assess())
        return self._conclude(trigger, review, case, assessment, held, gone)

    # --- the second opinion -------------------------------------------------------------------------------------

    def _hold(
        self, trigger: OpenTrigger, case: Case, asset: AssetState, assessment: Assessment, signal: ArbitrageSignal
    ) -> list[Any]:
        """Let what passes the risk gate wait for a model; the first of a trigger asks it."""
        refused = self._gate.refusal(_intent(signal, assessment), signal.ts_init, **_collar(signal))
        if refused is not None:
            return self._refuse(trigger, case, signal, refused)
        proposed = _proposed(signal, assessment)
        if trigger.review is not None:
            self._reviews.hold(trigger.review, case, proposed)
            return []
        if self._reviews.ended:
            review = self._reviews.stand_in(trigger, proposed)
            return self._conclude(trigger, review, case, assessment)
        question = self._question(trigger, asset, proposed)
        self._reviews.hold(self._reviews.of(question), case, proposed)
        return [question]

    def _question(self, trigger: OpenTrigger, asset: AssetState, proposed: ArbitrageSignal) -> ReviewRequest:
        features = review_features(proposed, trigger, asset, self._config)
        return self._reviews.ask(trigger, proposed, features)

    def _conclude(
        self,
        trigger: OpenTrigger,
        review: TriggerReview,
        case: Case,
        assessment: Assessment,
        held: Held | None = None,
        gone: Sequence[Reason] = (),
    ) -> list[Any]:
        """Decide under a verdict. What was held is spoken of in any case, another opportunity only if it changed."""
        verdict = review.verdict or Verdict(refusal=Reason.MODEL_UNSURE, share=0.0)
        against = [*judge(assessment, self._limits), *gone]
        also, refusal, share = against, verdict.refusal, 1.0 if verdict.refusal is None else 0.0
        if not against and refusal is None and verdict.share < 1.0:
            wanted, assessment = assessment.quantity, _shrunk(assessment, verdict.share)
            share = assessment.quantity / wanted
            if not assessment.quantity >= assessment.lot_coins:
                also, refusal = [Reason.THIN], Reason.MODEL_UNSURE
        if refusal is None and not against:
            result = Decided(assessment.action, Reason.EDGE)
        else:
            result = Decided(Action.HOLD, refusal or Reason.EDGE_GONE_IN_REVIEW)
        if held is None and trigger.decided.get(case.key) == result:
            return []
        signal = self._signal(trigger, case, assessment, also)
        now = signal.ts_init
        done = Reviewed(
            request_id=review.request_id,
            fallback=verdict.fallback,
            probability=verdict.probability,
            waited_ms=0.0 if held is None else (now - held.signal.ts_init) / NS_PER_MS,
            lost_bps=0.0 if held is None else held.signal.spread_bps - signal.spread_bps,
            size_share=share,
        )
        signal = msgspec.structs.replace(signal, review=done)
        if result.action is not Action.HOLD:
            return self._order(trigger, case, assessment, signal, anyway=held is not None)
        said = self._say(trigger, case, signal, result)
        if against:  # what the rules say next is news only if it differs from what they say now
            trigger.decided[case.key] = Decided(Action.HOLD, against[0])
        return said

    # --- saying it ----------------------------------------------------------------------------------------------

    def _calibrated(self, assessment: Assessment) -> Assessment:
        return calibrated(assessment, self._config.calibration, self._config.min_spread_bps)

    def _signal(
        self, trigger: OpenTrigger, case: Case, assessment: Assessment, also: Sequence[Reason]
    ) -> ArbitrageSignal:
        return msgspec.structs.replace(
            spoken(case.signal(assessment), assessment, self._config.calibration),
            signal_id=f"{trigger.trigger_id}/{trigger.decisions + 1}",
            also=tuple(also),
        )

    @staticmethod
    def _say(trigger: OpenTrigger, case: Case, signal: ArbitrageSignal, result: Decided) -> list[Any]:
        trigger.decided[case.key] = result
        trigger.decisions += 1
        return [msgspec.structs.replace(signal, action=result.action, reason=result.reason)]

    def _order(
        self,
        trigger: OpenTrigger,
        case: Case,
        assessment: Assessment,
        signal: ArbitrageSignal,
        *,
        anyway: bool = False,
    ) -> list[Any]:
        """Put an intent to the risk gate, and say what it makes of it."""
        order = self._gate.check(_intent(signal, assessment), signal.ts_init, **_collar(signal))
        if isinstance(order, RefusedOrder):
            return self._refuse(trigger, case, signal, order, anyway=anyway)
        return [*self._say(trigger, case, signal, Decided(assessment.action, Reason.EDGE)), order]

    def _refuse(
        self, trigger: OpenTrigger, case: Case, signal: ArbitrageSignal, order: RefusedOrder, *, anyway: bool = False
    ) -> list[Any]:
        result = Decided(Action.HOLD, Reason.RISK_LIMIT)
        if trigger.decided.get(case.key) == result and not anyway:
            return []
        return [*self._say(trigger, case, signal, result), order]


def _proposed(signal: ArbitrageSignal, assessment: Assessment) -> ArbitrageSignal:
    return msgspec.structs.replace(signal, action=assessment.action, reason=Reason.EDGE)


def _shrunk(assessment: Assessment, share: float) -> Assessment:
    """Return an assessment for a share of its quantity, floored to its lot; never for more."""
    wanted = assessment.quantity
    fewer = executable_size(share * wanted, (), 1.0, assessment.lot_coins)
    return msgspec.structs.replace(assessment, quantity=min(fewer, wanted))


def _intent(signal: ArbitrageSignal, assessment: Assessment) -> OrderIntent:
    room = (assessment.net_bps - assessment.threshold_bps) / BPS * signal.forward
    selling_one = len(signal.legs) == 1 and assessment.action is Action.SELL
    return OrderIntent(
        intent_id=f"{signal.signal_id}/order",
        trigger_id=signal.trigger_id,
        edge="" if signal.edge_type is None else signal.edge_type.value,
        legs=signal.legs,
        quantity=signal.quantity,
        limit_usd=signal.price_usd - room if selling_one else signal.price_usd + room,
        hedge=signal.hedge,
    )


def _collar(signal: ArbitrageSignal) -> dict[str, float]:
    """Return the price and the value that the risk gate holds against each other."""
    price_usd, value_usd = signal.price_usd, signal.value_usd
    if signal.edge_type is EdgeType.DISLOCATION:  # the pair is worth next to nothing, the perpetual its fair price
        price_usd, value_usd = signal.legs[0].price_usd, signal.forward
    return {"price_usd": price_usd, "value_usd": value_usd, "forward": signal.forward}
