"""One question on its way through the gateway."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from aftershock.model.review import Fallback
from aftershock.model.signals import ReviewRequest
from aftershock.model.units import NAN, NS_PER_MS
from aftershock.review.record import ReviewRecord, Verdict

__all__ = ["Job", "Outcome"]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway says to a question, once and in time.

    Attributes:
        request_id, trigger_id: Of the question.
        verdict: None without an answer; `fallback` and `detail` say why.
        provider, model: Who answered; empty if nobody did.
        latency_ms: From the question.
        cost_usd: Of all requests for it so far; NaN if one of them has no price.
        cost_is_estimate: True if a provider did not say what it counted.
    """

    request_id: str
    trigger_id: str
    verdict: Verdict | None = None
    fallback: Fallback | None = None
    detail: str = ""
    provider: str = ""
    model: str = ""
    latency_ms: float = NAN
    cost_usd: float = 0.0
    cost_is_estimate: bool = False


class Job:
    """A question, until it is answered and, if it was late, until its late answer is recorded.

    Attributes:
        request: The question.
        system, user: Its two texts.
        deadline_ns: Monotonic clock.
        asked_ns, asked_wall_ns: When it came.
        outcome: Set once; from then on nothing about it changes what anybody decides.
        timer: Fires at the deadline.
        cost_usd, is_estimate: Of what was sent for it so far.
        sent: Requests for it.
        known_answer: The only action that makes sense, of a question that was asked to see whether it comes.
    """

    def __init__(
        self, request: ReviewRequest, texts: tuple[str, str], deadline_ns: int, now_ns: int, wall_ns: int
    ) -> None:
        """Take a question."""
        self.request, (self.system, self.user) = request, texts
        self.deadline_ns, self.asked_ns, self.asked_wall_ns = deadline_ns, now_ns, wall_ns
        self.outcome: Outcome | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.cost_usd, self.is_estimate = 0.0, False
        self.sent = 0
        self.known_answer = ""

    def is_over(self) -> bool:
        """Tell whether its outcome was told."""
        return self.outcome is not None

    @property
    def side(self) -> str:
        """Return what was asked about."""
        return self.request.signal.action.value

    @property
    def strategy(self) -> str:
        """Return the type of edge, under which money is counted."""
        edge = self.request.signal.edge_type
        return "" if edge is None else edge.value

    def left_s(self, now_ns: int) -> float:
        """Return the time to the deadline."""
        return (self.deadline_ns - now_ns) / 1e9

    def ms_since(self, moment_ns: int) -> float:
        """Return the time from the question to a moment."""
        return (moment_ns - self.asked_ns) / NS_PER_MS

    def record(self, **fields: Any) -> ReviewRecord:  # noqa: ANN401 - of the record's own types
        """Return a record of this question."""
        return ReviewRecord(
            request_id=self.request.request_id,
            trigger_id=self.request.trigger_id,
            ts_ns=self.asked_wall_ns,
            **fields,
        )
