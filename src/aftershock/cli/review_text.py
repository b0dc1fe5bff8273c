"""Second opinions as text: how the providers began, and what the reviews of a run came to."""

from __future__ import annotations

import math
from collections.abc import Sequence

from aftershock.app.live.reviewer import ReviewFigures
from aftershock.app.words import FALLBACKS
from aftershock.cli.table import duration, table
from aftershock.model.review import Fallback
from aftershock.review.lane import LaneReport

__all__ = ["dollars_exact", "review_text", "start_text"]


def start_text(lanes: Sequence[LaneReport]) -> str:
    """Return how the providers answered the known question."""
    if not lanes:
        return "review: nobody is asked; the final report says why"
    return "review: " + "; ".join(f"{lane.provider} ({lane.model}) {_state(lane)}" for lane in lanes)


def _state(lane: LaneReport) -> str:
    if lane.answers:
        return f"answers, held to {lane.capability}"
    return f"does not answer: {lane.why}" if lane.why else "has not answered yet"


def review_text(review: ReviewFigures) -> str:
    """Return what the reviews came to; empty if nobody wanted any."""
    if review.mode == "off":
        return ""
    asked = f"{review.requests:,} questions, {review.answers:,} answers in time"
    counts = f"agreed {review.agreed:,}, refused {review.refused:,}"
    lines = [f"review    {review.mode}: {asked} ({counts}), {review.fallbacks:,} fallbacks"]
    if review.why_off:
        lines.append(f"  {review.why_off}")
    rows = [[reason, f"{count:,}", FALLBACKS[Fallback(reason)]] for reason, count in review.by_fallback.items()]
    if rows:
        lines.append(table(["fallback", "count", "meaning"], rows, left=4))
    latency = review.latency_ns
    if latency is not None and latency.count:
        lines.append(
            f"  from question to reply: p50 {duration(latency.quantile_ns(0.5))}, p99 "
            f"{duration(latency.quantile_ns(0.99))}, max {duration(latency.max_ns)}; {review.late:,} answers came late"
        )
    if review.held:
        lines.append(
            f"  {review.held:,} decisions waited and lost {review.lost_bps:.1f} bps of edge together; the edge of "
            f"{review.gone:,} was gone, {review.stopped:,} were stopped"
        )
    if review.calls:
        estimate = ", partly estimated" if review.cost_is_estimate else ""
        each = review.cost_usd / review.requests if review.requests else math.nan
        per = f"; {dollars_exact(each)} for each question" if review.requests else ""
        lines.append(f"  {review.calls:,} calls cost {dollars_exact(review.cost_usd)}{estimate}{per}")
    lines += [_lane(lane) for lane in review.lanes]
    if review.gateway_deaths:
        lines.append(f"  the gateway's process ended unasked {review.gateway_deaths:,} times")
    if review.failure:
        lines.append(f"  the gateway ended early: {review.failure}")
    return "\n".join(lines)


def _lane(lane: LaneReport) -> str:
    notes = [f"{lane.answers:,} of {lane.requests:,} answered"]
    if lane.other_models:
        notes.append(f"{lane.other_models:,} by another model than asked for")
    if lane.why:
        notes.append(f"{lane.state}: {lane.why}")
    if lane.is_stand_in:
        notes.append("a stand-in of fixed rules: no evidence of what a model is worth")
    return f"  {lane.provider} {lane.model}: {'; '.join(notes)}"


def dollars_exact(value: float) -> str:
    """Return small money with the digits that matter."""
    return "unknown money" if math.isnan(value) else f"${value:.6f}"
