"""The engine with a second opinion, in the market's own time: an answer is an event that comes when it would have."""

from __future__ import annotations

import heapq

from aftershock.app.evaluation.labels import leg_names
from aftershock.app.evaluation.recorded import MISSING
from aftershock.app.evaluation.reviewers import Answer, Reviewer
from aftershock.app.evaluation.strategies import EngineStrategy, Sent
from aftershock.core.config import EngineConfig
from aftershock.model.events import Event, ReviewReply, Timer
from aftershock.model.review import Fallback
from aftershock.model.signals import ArbitrageSignal, ReviewRequest
from aftershock.model.units import NS_PER_MS
from aftershock.sim.market.listing import Listing
from aftershock.study.records import QuestionRecord, ReviewedRecord

__all__ = ["ReviewedStrategy"]


class ReviewedStrategy(EngineStrategy):
    """Asks a reviewer what the engine wants to know, and hands over each answer at its own moment.

    An answer after the deadline is recorded and never handed over: the engine has decided without it by then. A timer
    tells it that the moment has come, as the live program does, so that nothing waits for the market's next event.
    """

    def __init__(self, config: EngineConfig, listing: Listing, reviewer: Reviewer, scope: str = "") -> None:
        """Take who answers.

        Args:
            config: With a review mode.
            listing: Options.
            reviewer: Who answers.
            scope: Put before the ids of questions: the same trigger id may come in every seed.
        """
        super().__init__(config, listing)
        self._reviewer, self._scope = reviewer, scope
        self._number = 0
        self._due: list[tuple[int, int, Event]] = []

    def on_event(self, event: Event) -> list[Sent]:
        """Process an event, after what the engine still owed to the moments before it.

        A question belongs to the moment that raised it. Were it asked with the next event only, an answer that takes
        no time at all would already be judged by that event's prices.
        """
        orders: list[Sent] = []
        while (moment := self.engine.next_deadline) is not None and moment < event.ts_init:
            orders += super().on_event(Timer(ts_event=moment, ts_init=moment, key="due"))
            while self._due and self._due[0][0] <= moment:
                orders += super().on_event(heapq.heappop(self._due)[2])
        return orders + super().on_event(event)

    def see(self, effect: object, now: int) -> None:
        """Ask, and note what a review did to a decision."""
        if isinstance(effect, ReviewRequest):
            self._ask(effect, now)
        elif isinstance(effect, ArbitrageSignal) and effect.review is not None:
            review = effect.review
            self.counted.reviewed.append(
                ReviewedRecord(
                    trigger=effect.trigger_id,
                    edge="" if effect.edge_type is None else effect.edge_type.value,
                    legs=leg_names(effect.legs),
                    reason=effect.reason.value,
                    fallback="" if review.fallback is None else review.fallback.value,
                    waited_ms=review.waited_ms,
                    lost_bps=review.lost_bps,
                    size_share=review.size_share,
                )
            )

    def due(self) -> int | None:
        """Return when the next answer comes or the next deadline is over."""
        return self._due[0][0] if self._due else None

    def act(self) -> list[Sent]:
        """Hand over what is due."""
        _, _, event = heapq.heappop(self._due)
        return self.on_event(event)

    def _ask(self, request: ReviewRequest, now: int) -> None:
        answer = self._reviewer.ask(request, self._scope)
        comes = max(request.ts_init + int(answer.latency_ms * NS_PER_MS), now)
        late = comes > request.expires_ns
        if late:
            over = max(request.expires_ns + 1, now)  # deadlines are over a nanosecond after they were met
            self._push(Timer(ts_event=over, ts_init=over, key="review"))
        else:
            self._push(_reply(request, answer, comes))
        signal = request.signal
        self.counted.questions.append(
            QuestionRecord(
                trigger=request.trigger_id,
                edge="" if signal.edge_type is None else signal.edge_type.value,
                legs=leg_names(signal.legs),
                side=signal.action.value,
                action=answer.action,
                probability=answer.probability,
                fallback=Fallback.DEADLINE.value if late else answer.fallback,
                latency_ms=answer.latency_ms,
                input_tokens=answer.input_tokens,
                output_tokens=answer.output_tokens,
                cost_usd=answer.cost_usd,
                is_estimate=answer.is_estimate,
                stand_in=answer.stand_in,
            )
        )

    def _push(self, event: Event) -> None:
        self._number += 1
        heapq.heappush(self._due, (event.ts_init, self._number, event))


def _reply(request: ReviewRequest, answer: Answer, comes: int) -> ReviewReply:
    # What a recording does not hold is, to the engine, a reviewer that could not be reached.
    fallback = Fallback.UNREACHABLE.value if answer.fallback == MISSING else answer.fallback
    return ReviewReply(
        ts_event=comes,
        ts_init=comes,
        request_id=request.request_id,
        action=answer.action,
        probability=answer.probability,
        reason_codes=answer.reasons,
        fallback=fallback,
        provider=answer.provider,
        model=answer.model,
        latency_ms=answer.latency_ms,
        cost_usd=answer.cost_usd,
        cost_is_estimate=answer.is_estimate,
    )
