"""Who gives the second opinion in an evaluation: rules in place of a model, a recording, or a provider."""

from __future__ import annotations

from typing import Protocol

import msgspec

from aftershock.model.signals import ReviewRequest
from aftershock.model.units import NAN
from aftershock.review.prices import PriceTable
from aftershock.review.prompt import question, record
from aftershock.review.providers import BUNDLED
from aftershock.review.tokens import estimate_tokens
from aftershock.review.usage import Usage
from aftershock.sim.servers.gateway_judge import judge

__all__ = ["Answer", "Reviewer", "StandIn"]

_PRICED_AS = BUNDLED["holysheep"]
"""The article's provider and model: what the stand-in would have cost, had they been asked."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a reviewer said, and when.

    Attributes:
        action: `BUY`, `SELL` or `HOLD`; empty without an answer.
        probability: That the order pays; NaN without an answer.
        reasons: Values of `ReviewCode`.
        fallback: Why there is no answer: a value of `Fallback`, or `missing` for what a recording does not hold.
        latency_ms: From the question.
        provider, model: Who answered.
        input_tokens, output_tokens: None where nobody counted.
        cost_usd: NaN if it is not known.
        is_estimate: True if tokens and cost are our own count.
        stand_in: True if no model answered but rules in its place.
    """

    action: str = ""
    probability: float = NAN
    reasons: tuple[str, ...] = ()
    fallback: str = ""
    latency_ms: float
    provider: str = ""
    model: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float = 0.0
    is_estimate: bool = False
    stand_in: bool = False


class Reviewer(Protocol):
    """Whoever answers questions; time passes in the simulated market, not while it answers."""

    def ask(self, request: ReviewRequest, scope: str) -> Answer:
        """Answer a question, late ones included: the caller knows its deadline.

        Args:
            request: The question.
            scope: Put before its id, it names the question in all markets.
        """
        ...


class StandIn:
    """A few rules over the record that a model would be sent. It proves wiring, never what an opinion is worth."""

    def __init__(self, latency_ms: float) -> None:
        self._latency_ms = latency_ms
        self._prices = PriceTable.bundled()

    def ask(self, request: ReviewRequest, scope: str) -> Answer:  # noqa: ARG002 - rules forget what they said
        """Answer at once; tokens are those of the question that a provider would get, by our own count."""
        said = judge(msgspec.json.encode(record(request)).decode())
        system, user = question(request)
        usage = Usage(
            input_tokens=estimate_tokens(system) + estimate_tokens(user),
            output_tokens=estimate_tokens(msgspec.json.encode(said).decode()),
            is_estimate=True,
        )
        price = self._prices.price(_PRICED_AS.name, _PRICED_AS.model, request.ts_init)
        return Answer(
            action=said.action,
            probability=said.probability,
            reasons=tuple(said.reasons),
            latency_ms=self._latency_ms,
            provider="stand-in",
            model="stand-in-judge",
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cost_usd=NAN if price is None else price.cost_usd(usage),
            is_estimate=True,
            stand_in=True,
        )
