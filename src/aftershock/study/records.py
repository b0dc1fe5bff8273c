"""What a labelled run leaves behind: a record per trigger, with its true opportunities and the orders sent.

Whoever judges (the simulated market, with its hidden truth) writes these; everything in this folder only reads
them. An *order* is one that was sent; a strategy that holds leaves none. Latencies and horizons are text, so that
they survive JSON as keys: `"20"` milliseconds, `"60s"`.
"""

from __future__ import annotations

import msgspec

__all__ = ["HORIZONS", "LATENCIES_MS", "OpportunityRecord", "OrderRecord", "RunKey", "TriggerRecord", "latency_key"]

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
        plan: "S1" to "S6" planted, "plain", or the decoys "D1" to "D19".
        opportunities: True opportunities, planted or not.
        t_ref_ms: When somebody who reads the truth could first have known; NaN if there was nothing to know.
        positive: Order latency in ms to the truth of the trigger: an edge alive at t_ref + L + B.
        triggers, decisions, evaluations: What the engine counted.
        hold_reasons: Reason to number of HOLD decisions.
        orders: Orders sent.
        outside_orders: Orders sent outside the time that the trigger is judged on; counted, never judged.
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


class RunKey(msgspec.Struct, frozen=True, kw_only=True):
    """What a run of many triggers was made with.

    Attributes:
        world: "base", or "shifted", which nothing is ever tuned on.
        makers: "fast" or "slow".
        latency_ms: Decision to the venue.
        feed_lag_ms: Added to the delivery of data.
        strategy: "engine", a baseline ("always_hold", "article", "price_move", "oracle", "coin"), or the name of
            an ablation.
    """

    world: str
    makers: str
    latency_ms: float
    feed_lag_ms: float
    strategy: str
