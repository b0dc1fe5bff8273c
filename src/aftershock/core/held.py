"""Questions to a model: which were asked, what waits for their answers and until when.

One question per trigger; what it is answered holds for all of the trigger. Where the mode waits, would-be orders are
kept here as cases and nothing is said of them until the question is settled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from aftershock.core.opinion import Verdict, opinion, without_answer
from aftershock.model.review import Fallback, ReviewMode
from aftershock.model.signals import Action, ArbitrageSignal, ReviewRequest
from aftershock.model.units import NS_PER_MS

if TYPE_CHECKING:
    from aftershock.core.case import Case, CaseKey
    from aftershock.core.config import ReviewConfig
    from aftershock.core.stats import ReviewCounts
    from aftershock.core.triggers import OpenTrigger
    from aftershock.model.events import ReviewReply

__all__ = ["Held", "Reviews", "TriggerReview"]

_NEVER = 2**63 - 1
_REMEMBERED = 10_000
"""Questions whose answers are still told from answers to nothing."""


class Held(NamedTuple):
    """A would-be order: its case, and the decision as it stood when it had to wait."""

    case: Case
    signal: ArbitrageSignal


class TriggerReview(msgspec.Struct, kw_only=True):
    """The one question of a trigger: mutable state of the engine.

    Attributes:
        request_id: Its id.
        action: What was proposed, BUY or SELL.
        expires: An answer after this moment changes nothing, ns.
        held: What waits, by opportunity, in order of appearance.
        verdict: Once it is settled; never in shadow mode.
        answered: Whether a reply came, in time or not.
        closing: True if the trigger ended while something waited.
    """

    request_id: str
    action: Action
    expires: int
    held: dict[CaseKey, Held] = {}
    verdict: Verdict | None = None
    answered: bool = False
    closing: bool = False


class Reviews:
    """All questions of an engine.

    Attributes:
        asks: False if nobody is asked.
        holds: True if orders wait for answers.
        ended: Set once the input is over: who asks then would not be heard.
        next_deadline: Moment, ns, until which the first of those that wait does so.
    """

    def __init__(self, config: ReviewConfig, counts: ReviewCounts) -> None:
        self._config = config
        self._counts = counts
        self._mode = ReviewMode(config.mode)
        self.asks = self._mode is not ReviewMode.OFF
        self.holds = self._mode in (ReviewMode.VETO, ReviewMode.GATE)
        self._patience_ns = int((config.deadline_ms if self.holds else config.shadow_deadline_ms) * NS_PER_MS)
        self._asked: dict[str, TriggerReview] = {}
        self._waiting: dict[str, OpenTrigger] = {}
        self.ended = False
        self.next_deadline = _NEVER

    def of(self, question: ReviewRequest) -> TriggerReview:
        """Return what is kept of a question."""
        return self._asked[question.request_id]

    def ask(self, trigger: OpenTrigger, signal: ArbitrageSignal, features: dict[str, float]) -> ReviewRequest:
        """Ask about the first order of a trigger.

        Args:
            trigger: Not asked about before.
            signal: BUY or SELL with every figure.
            features: Further figures by name.
        """
        now = signal.ts_init
        review = self._begin(trigger, signal, now + self._patience_ns)
        self._counts.requests += 1
        self._asked[review.request_id] = review
        if len(self._asked) > _REMEMBERED:
            del self._asked[next(iter(self._asked))]
        if self.holds:
            self._waiting[review.request_id] = trigger
            self.next_deadline = min(self.next_deadline, review.expires)
        return ReviewRequest(
            request_id=review.request_id,
            trigger_id=trigger.trigger_id,
            ts_init=now,
            expires_ns=review.expires,
            mode=self._mode,
            signal=signal,
            features=features,
        )

    def stand_in(self, trigger: OpenTrigger, signal: ArbitrageSignal) -> TriggerReview:
        """Settle the question of a trigger without asking it: the input is over."""
        review = self._begin(trigger, signal, signal.ts_init)
        review.verdict = self._without(Fallback.STOPPED)
        return review

    @staticmethod
    def _begin(trigger: OpenTrigger, signal: ArbitrageSignal, expires: int) -> TriggerReview:
        review = TriggerReview(request_id=f"{trigger.trigger_id}/review", action=signal.action, expires=expires)
        trigger.review = review
        return review

    def hold(self, review: TriggerReview, case: Case, signal: ArbitrageSignal) -> None:
        """Let a would-be order wait."""
        self._counts.held += 1
        review.held[case.key] = Held(case, signal)

    def answer(self, reply: ReviewReply) -> OpenTrigger | None:
        """Take an answer; return the trigger whose question it settles, None if nothing waits for it."""
        review, counts = self._asked.get(reply.request_id), self._counts
        if review is None:
            counts.unknown += 1
            return None
        if review.answered:
            counts.repeated += 1
            return None
        review.answered = True
        if review.verdict is not None or reply.ts_init > review.expires:
            counts.late += 1
            return None
        counts.replies += 1
        trigger = self._waiting.pop(reply.request_id, None)
        if trigger is None:
            return None
        review.verdict = opinion(reply, review.action, self._config)
        if review.verdict.fallback is not None:
            self._count(review.verdict.fallback)
        self._reschedule()
        return trigger

    def expire(self, now: int) -> list[OpenTrigger]:
        """Settle the questions whose time is over, and return their triggers in the order of asking."""
        return self._give_up(now, Fallback.DEADLINE)

    def stop(self) -> list[OpenTrigger]:
        """Settle every question, as expire does: no answer will come."""
        return self._give_up(_NEVER, Fallback.STOPPED)

    def _give_up(self, now: int, fallback: Fallback) -> list[OpenTrigger]:
        over = []
        for request_id, trigger in list(self._waiting.items()):
            review = trigger.review
            if review is not None and review.expires <= now:
                review.verdict = self._without(fallback)
                del self._waiting[request_id]
                over.append(trigger)
        self._reschedule()
        return over

    def _without(self, fallback: Fallback) -> Verdict:
        self._count(fallback)
        return without_answer(fallback, self._config)

    def _count(self, fallback: Fallback) -> None:
        self._counts.fallbacks[fallback.value] = self._counts.fallbacks.get(fallback.value, 0) + 1

    def _reschedule(self) -> None:
        ends = [trigger.review.expires for trigger in self._waiting.values() if trigger.review is not None]
        self.next_deadline = min(ends, default=_NEVER)
