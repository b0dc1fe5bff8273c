"""What a model's answer allows: to refuse or to shrink what the rules want, never to create, enlarge or flip it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from aftershock.model.review import Fallback, ReviewMode
from aftershock.model.signals import Action, Reason
from aftershock.model.units import NAN

if TYPE_CHECKING:
    from aftershock.core.config import ReviewConfig
    from aftershock.model.events import ReviewReply

__all__ = ["Verdict", "opinion", "without_answer"]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for every order of a trigger once its question is settled.

    Attributes:
        refusal: What its orders are refused for; None lets them go.
        share: Of the rules' quantity that may go, 0 to 1.
        fallback: Why there is no answer of a model; None if there was one.
        probability: The model's; NaN without an answer.
    """

    refusal: Reason | None = None
    share: float = 1.0
    fallback: Fallback | None = None
    probability: float = NAN


def opinion(reply: ReviewReply, proposed: Action, config: ReviewConfig) -> Verdict:
    """Return what an answer allows; one that makes no sense, or names the other side, is none.

    Args:
        reply: As it came: nothing about it is trusted.
        proposed: BUY or SELL, what the model was asked about.
        config: Mode and limits.
    """
    if reply.fallback:
        return without_answer(_named(reply.fallback), config)
    if reply.action not in (proposed.value, Action.HOLD.value) or not 0.0 <= reply.probability <= 1.0:
        return without_answer(Fallback.SEMANTIC, config)
    unsure = config.mode == ReviewMode.GATE.value and not reply.probability >= config.min_probability
    if reply.action == Action.HOLD.value or unsure:
        return Verdict(refusal=Reason.MODEL_UNSURE, share=0.0, probability=reply.probability)
    full = config.full_size_probability
    share = reply.probability / full if reply.probability < full else 1.0
    return Verdict(share=share, probability=reply.probability)


def without_answer(fallback: Fallback, config: ReviewConfig) -> Verdict:
    """Return what the mode, or `on_fallback`, makes of silence."""
    rejects = config.on_fallback == "reject" or (config.on_fallback == "mode" and config.mode == ReviewMode.GATE.value)
    if not rejects:
        return Verdict(fallback=fallback)
    reason = Reason.BUDGET if fallback is Fallback.BUDGET else Reason.MODEL_UNSURE
    return Verdict(refusal=reason, share=0.0, fallback=fallback)


def _named(text: str) -> Fallback:
    """Return a fallback by its value; a word that nobody agreed on makes no sense."""
    try:
        return Fallback(text)
    except ValueError:
        return Fallback.SEMANTIC
