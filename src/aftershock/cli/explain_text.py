"""One decision as text: what opened it, the waterfall from value to net edge, and the reason in words."""

from __future__ import annotations

import math
import textwrap

from aftershock.app.explain import Explanation, waterfall
from aftershock.app.words import EDGES, FALLBACKS, REASONS, TRIGGERS
from aftershock.cli.inputs_text import short_time
from aftershock.cli.table import money, number, table
from aftershock.model.events import ReviewReply
from aftershock.model.orders import ApprovedOrder, PackageResult, RefusedOrder
from aftershock.model.review import ReviewMode
from aftershock.model.signals import Action, ArbitrageSignal, TriggerOpened

__all__ = ["decision_text", "explanation_text", "legs_text", "order_text", "trigger_text", "waterfall_text"]


def explanation_text(found: Explanation) -> str:
    """Return the whole explanation."""
    sections = [
        decision_text(found.signal),
        trigger_text(found),
        legs_text(found.signal),
        waterfall_text(found.signal),
        _quality(found.signal),
        _review(found),
        order_text(found),
        _outcome(found),
    ]
    return "\n\n".join(section for section in sections if section)


def decision_text(signal: ArbitrageSignal) -> str:
    """Return action, reason and identity."""
    edge = "" if signal.edge_type is None else f", {EDGES[signal.edge_type]}"
    way = f"{signal.source_market or 'no venue'} -> {signal.target_market or 'no venue'}"
    lines = [
        f"{signal.action.value}  {signal.asset}{edge}",
        f"  {signal.signal_id}, {short_time(signal.ts_init)} UTC, {way}",
        f"  {signal.reason.value}: {REASONS[signal.reason]}",
    ]
    lines += [f"  also {reason.value}: {REASONS[reason]}" for reason in signal.also]
    return "\n".join(lines)


def waterfall_text(signal: ArbitrageSignal) -> str:
    """Return the lines from value and price to net edge and threshold, and whether they add up."""
    steps = waterfall(signal)
    if not steps:
        return "edge\n  nothing could be priced"
    rows = [[("= " if s.total else "  ") + s.name, number(s.usd, 4), number(s.bps, 3, sign=True)] for s in steps]
    lines = ["edge, per coin", table(["", "USD", "bps"], rows)]
    if signal.scenario:
        lines.append(f"  value set by {signal.scenario}")
    net, gross = (signal.forward * bps / 1e4 for bps in (signal.spread_bps, signal.gross_spread_bps))
    costs = sum(cost for cost in (signal.fee_usd, signal.hedge_cost_usd) if not math.isnan(cost))
    if abs(gross - costs - net) > 1e-6 * max(1.0, signal.forward * 1e-4):
        lines.append(f"  NOTE these lines do not add up: gross - costs = {gross - costs:.6f}")
    return "\n".join(lines)


def trigger_text(found: Explanation) -> str:
    """Return what opened it, with its features and the aligned strikes."""
    trigger, signal = found.trigger, found.signal
    if trigger is None:
        return f"trigger {signal.trigger_id}: {TRIGGERS[signal.trigger_kind]}, not in the journal"
    head = f"trigger {trigger.trigger_id}: {TRIGGERS[trigger.kind]}"
    lines = [f"{head}, {trigger.series or trigger.asset}, opened {short_time(trigger.ts_init)} UTC, {trigger.profile}"]
    if trigger.not_evaluable:
        lines.append(f"  not evaluable: {', '.join(trigger.not_evaluable)}")
    if trigger.venues:
        lines.append(f"  liquidations on {', '.join(trigger.venues)}")
    if trigger.features:
        text = ", ".join(f"{name} {_feature(name, value)}" for name, value in trigger.features.items())
        lines.append(textwrap.fill(text, 108, initial_indent="  ", subsequent_indent="  "))
    lines.append(_alignment(trigger))
    if found.closed is not None:
        lines.append(
            f"  closed {short_time(found.closed.ts_init)} after {found.closed.evaluations:,} evaluations and "
            f"{found.closed.decisions} decisions"
        )
    return "\n".join(lines)


def _feature(name: str, value: float) -> str:
    return money(value) if name.endswith("usd") else number(value, 3).rstrip("0").rstrip(".")


def _alignment(trigger: TriggerOpened) -> str:
    aligned = trigger.alignment
    if aligned is None:
        return "  aligned: no chain to align with"
    strikes = ", ".join(
        f"{name} {number(strike, 0)}"
        for name, strike in (("itm", aligned.itm_strike), ("atm", aligned.atm_strike), ("otm", aligned.otm_strike))
    )
    return f"  aligned: {number(aligned.price)} ({aligned.price_source}) on {aligned.venue}: {strikes}"


def legs_text(signal: ArbitrageSignal) -> str:
    """Return the legs with their prices, the size and the hedge; empty without legs."""
    if not signal.legs:
        return ""
    rows = [
        [leg.side.value, leg.symbol, leg.venue, number(leg.ratio, 4), f"{leg.price:g}", number(leg.price_usd, 4)]
        for leg in signal.legs
    ]
    lines = ["legs", table(["side", "symbol", "venue", "ratio", "price", "USD per coin"], rows, left=3)]
    lines.append(
        f"  size {number(signal.quantity, 4)} coins; forward {number(signal.forward)}, index {number(signal.index)}"
        + (" (the forward stands in)" if signal.index_is_forward else "")
    )
    if signal.hedge is not None:
        lines.append(
            f"  hedge: {signal.hedge.side.value} {number(signal.hedge.coins, 4)} coins of the perpetual, only after a "
            f"fill, {number(signal.hedge.cost_usd, 4)} USD per coin"
        )
    return "\n".join(lines)


def _quality(signal: ArbitrageSignal) -> str:
    figures = [
        ("oldest leg", signal.book_age_ms, "ms"),
        ("leg span", signal.leg_span_ms, "ms"),
        ("latency", signal.latency_ms, "ms"),
        ("feed lag", signal.feed_lag_ms, "ms"),
        ("delta", signal.delta, ""),
        ("hedge delta", signal.hedge_delta, ""),
        ("vega per point", signal.vega_per_vol_point, "USD"),
        ("exit cost", signal.exit_cost_usd, "USD"),
    ]
    known = [
        f"{name} {number(value, 1 if unit == 'ms' else 3)}{f' {unit}' if unit else ''}"
        for name, value, unit in figures
        if not math.isnan(value)
    ]
    lines = [textwrap.fill(", ".join(known), 108, initial_indent="  ", subsequent_indent="  ")] if known else []
    if signal.action is not Action.HOLD:
        calibrated = "calibrated" if signal.calibrated else "uncalibrated"
        lines.append(f"  confidence {number(signal.confidence, 3)} ({calibrated})")
    return "\n".join(["ages and risk", *lines]) if lines else ""


def _review(found: Explanation) -> str:
    """Return what a model was asked, what it said and what waiting for it cost; empty if nobody was asked."""
    question, done = found.question, found.signal.review
    lines = []
    if question is not None:
        waits = "the order did not wait" if question.mode is ReviewMode.SHADOW else "its orders wait"
        patience_ms = (question.expires_ns - question.ts_init) / 1e6
        lines.append(f"  asked {short_time(question.ts_init)} UTC, {question.mode.value}: {waits}, {patience_ms:g} ms")
    if found.answer is not None:
        lines += _answer(found.answer)
    if done is not None:
        if done.fallback is not None:
            lines.append(f"  stood in for it: {done.fallback.value}, {FALLBACKS[done.fallback]}")
        waited, lost = number(done.waited_ms, 1), number(done.lost_bps, 3, sign=True)
        left = number(100.0 * done.size_share, 1)
        lines.append(f"  waited {waited} ms, lost {lost} bps of net edge meanwhile; it left {left} % of the size")
    return "\n".join(["second opinion", *lines]) if lines else ""


def _answer(reply: ReviewReply) -> list[str]:
    came = f"{short_time(reply.ts_init)} UTC, after {number(reply.latency_ms, 1)} ms"
    if reply.fallback:
        return [f"  no answer: {reply.fallback!a}, {came}"]
    whom = ascii(" ".join(part for part in (reply.provider, reply.model) if part))
    why = "" if not reply.reason_codes else f", because of {', '.join(reply.reason_codes)!a}"
    return [f"  {whom} said {reply.action!a}, probability {number(reply.probability, 2)}{why}: {came}"]


def order_text(found: Explanation) -> str:
    """Return what the risk gate made of it; empty without an order."""
    if found.approved is not None:
        intent = found.approved.intent
        return (
            f"order\n  approved for {found.approved.venue_mode}: {intent.intent_id}, {intent.time_in_force}, "
            f"{number(intent.quantity, 4)} coins, limit {number(intent.limit_usd, 4)} USD per coin"
        )
    if found.refused is not None:
        return f"order\n  refused by {found.refused.limit}: {found.refused.detail}"
    return ""


def _outcome(found: Explanation) -> str:
    """Return the hedges and unwinds of an order and what became of it; empty while no venue answered."""
    lines = [_follower(order) for order in found.followers]
    for result in found.results:
        lines += _result(result)
    return "\n".join(["outcome", *lines]) if lines else ""


def _follower(order: ApprovedOrder | RefusedOrder) -> str:
    intent, leg = order.intent, order.intent.legs[0]
    what = f"{intent.purpose}: {leg.side.value} {number(intent.quantity, 4)} coins of {leg.symbol} on {leg.venue}"
    refused = f", refused by {order.limit}: {order.detail}" if isinstance(order, RefusedOrder) else ""
    return f"  {short_time(order.ts_init)} UTC  {what}, limit {leg.price:g}{refused}"


def _result(result: PackageResult) -> list[str]:
    coins = [number(each, 4) for each in (result.filled, result.wanted, result.kept)]
    hedge = f"{number(result.hedge_coins, 4)} of {number(result.hedge_wanted, 4)} coins at {number(result.hedge_price)}"
    money = f"fees {number(result.fees_usd)} USD, unwinding lost {number(result.unwind_loss_usd)} USD"
    head = f"{short_time(result.ts_init)} UTC  {result.status}"
    lines = [f"  {head}: {coins[0]} of {coins[1]} coins filled, {coins[2]} kept", f"    hedge {hedge}; {money}"]
    if result.left:
        held = ", ".join(f"{number(coins, 4)} coins of {name}" for name, coins in sorted(result.left.items()))
        lines.append(f"    still held and should not be: {held}")
    return lines
