"""What a labelled run leaves behind: a record per trigger, with its true opportunities and the orders sent.

Whoever judges (the simulated market, with its hidden truth) writes these; everything in this folder only reads
them. An *order* is one that was sent; a strategy that holds leaves none. Latencies and horizons are text, so that
they survive JSON as keys: `"20"` milliseconds, `"60s"`.
"""

from __future__ import annotations

import msgspec

__all__ = [
    "HORIZONS",
    "LATENCIES_MS",
    "OpportunityRecord",
    "OrderRecord",
    "QuestionRecord",
    "ReviewedRecord",
    "RunKey",
    "TriggerRecord",
    "latency_key",
]

LATENCIES_MS = (1.0, 5.0, 20.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 5000.0)
"""Order latencies of the curves."""

HORIZONS = ("1s", "10s", "60s", "10m")
"""Horizons of the realised label, shortest first."""


def latency_key(latency_ms: float) -> str:
    """Return the key under which records keep what holds at an order latency: `20.0` as `"20"`."""
    return f"{latency_ms:g}"


class OrderRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One order that was sent, what was claimed about it, and what the hidden truth made of it.

    Attributes:
        edge: "A", "B1" to "B5", "C", "D", "E"; empty for a baseline that knows no types.
        action: BUY or SELL.
        venue, symbols: Where, and the legs.
        spread_bps: Net edge claimed at the decision, 1e-4 of the forward.
        confidence: Claimed P(PnL0 > 0 | filled); NaN if nothing was claimed.
        p_fill: Claimed P(filled); NaN likewise.
        p_profit_h: Claimed P(PnL_H > 0 | filled); NaN likewise.
        quantity: Coins wanted.
        filled: Coins of the whole package that filled; 0 is none.
        partial_loss_usd: What unwinding legs that filled alone cost; at most 0.
        forward: Quote currency per coin.
        edge_bps: Edge label: PnL0 per coin filled, bps of the forward; NaN if unfilled.
        edge_usd: PnL0 of the filled quantity plus `partial_loss_usd`.
        realised_bps: Realised label: horizon to PnL_H per coin filled, bps of the forward.
        waterfall_bps: From the claim to the edge label, in order: the claimed gross edge first, then signed
            corrections; sums to `edge_bps`.
        decided_ms: Decision after the planned onset.
        lead_ms: Decision after the first moment at which delivered data could have shown the edge, so below zero
            only for somebody who looked at the truth; NaN if there was no true opportunity.
        by_latency_bps: Order latency in ms to PnL0 in bps, had the order taken that long; NaN if it would not
            have filled.
        trigger: Id of what opened it; with `edge` and `legs` it names the opportunity in every run of the same market.
        legs: Each leg as side, venue and symbol.
    """

    edge: str
    action: str
    venue: str
    symbols: tuple[str, ...]
    spread_bps: float
    confidence: float
    p_fill: float
    p_profit_h: float
    quantity: float
    filled: float
    partial_loss_usd: float
    forward: float
    edge_bps: float
    edge_usd: float
    realised_bps: dict[str, float]
    waterfall_bps: dict[str, float]
    decided_ms: float
    lead_ms: float
    by_latency_bps: dict[str, float]
    trigger: str = ""
    legs: tuple[str, ...] = ()


class QuestionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One question to a reviewer, and its answer.

    Attributes:
        trigger, edge, legs: The order that was asked about, as in `OrderRecord`.
        side: BUY or SELL.
        action: BUY, SELL or HOLD, as answered; empty without an answer.
        probability: As answered, in time or late; NaN without an answer.
        fallback: Why the engine had no answer; empty if it had one.
        latency_ms: Until the answer, or until it was clear that there is none.
        input_tokens, output_tokens: None where nobody counted.
        cost_usd: NaN if it is not known.
        is_estimate: True if tokens and cost are our own count.
        stand_in: True if no model answered but rules in its place.
    """

    trigger: str
    edge: str
    legs: tuple[str, ...]
    side: str
    action: str = ""
    probability: float
    fallback: str = ""
    latency_ms: float
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float = 0.0
    is_estimate: bool = False
    stand_in: bool = False


class ReviewedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One decision that a review touched.

    Attributes:
        trigger, edge, legs: The would-be order, as in `OrderRecord`.
        reason: `edge` if it was ordered, else why not.
        fallback: Why there was no answer; empty if there was one.
        waited_ms, lost_bps, size_share: As the signal says.
    """

    trigger: str
    edge: str
    legs: tuple[str, ...]
    reason: str
    fallback: str
    waited_ms: float
    lost_bps: float
    size_share: float


class OpportunityRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One true opportunity: legs and side whose edge after costs was positive for a while.

    Attributes:
        edge: Type, as in `OrderRecord`.
        planted: "S1" to "S6"; empty if it arose by itself.
        venue, symbols, action: Where, the legs, BUY or SELL.
        start_ms, end_ms: While the edge was positive, after the planned onset.
        peak_bps: Largest edge, 1e-4 of the forward.
        size_coins: Executable size.
        alive: Order latency in ms to whether the edge was positive at t_ref + L + B.
        captured: Whether an order on it filled with `edge_bps` above zero.
    """

    edge: str
    planted: str
    venue: str
    symbols: tuple[str, ...]
    action: str
    start_ms: float
    end_ms: float
    peak_bps: float
    size_coins: float
    alive: dict[str, bool]
    captured: bool


class TriggerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One planned trigger of one seed: the truth about it and what the strategy did.

    Attributes:
        seed, index: Which; together unique within a run.
        plan: "S1" to "S6" planted, "plain", or the decoys "D1" to "D20".
        opportunities: True opportunities, planted or not.
        t_ref_ms: When somebody who reads the truth could first have known; NaN if there was nothing to know.
        positive: Order latency in ms to the truth of the trigger: an edge alive at t_ref + L + B.
        triggers, decisions, evaluations: What the engine counted.
        hold_reasons: Reason to number of HOLD decisions.
        orders: Orders sent.
        outside_orders: Orders sent outside the time that the trigger is judged on; counted, never judged.
        questions, reviewed: What a reviewer was asked, and the decisions that it touched; empty without one.
    """

    seed: int
    index: int
    plan: str
    opportunities: tuple[OpportunityRecord, ...]
    t_ref_ms: float
    positive: dict[str, bool]
    triggers: int
    decisions: int
    evaluations: int
    hold_reasons: dict[str, int]
    orders: tuple[OrderRecord, ...]
    outside_orders: int = 0
    questions: tuple[QuestionRecord, ...] = ()
    reviewed: tuple[ReviewedRecord, ...] = ()


class RunKey(msgspec.Struct, frozen=True, kw_only=True):
    """What a run of many triggers was made with.

    Attributes:
        world: "base", or "shifted", which nothing is ever tuned on.
        makers: "fast" or "slow".
        latency_ms: Decision to the venue.
        feed_lag_ms: Added to the delivery of data.
        strategy: "engine", a baseline ("always_hold", "article", "price_move", "oracle", "coin"), or the name of
            an ablation; `engine+REVIEWER` for the engine with a second opinion.
    """

    world: str
    makers: str
    latency_ms: float
    feed_lag_ms: float
    strategy: str
