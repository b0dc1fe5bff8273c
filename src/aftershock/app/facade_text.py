"""What `ArbitrageEngine` prints: each order that it would send, and the final report."""

from __future__ import annotations

import math
from collections.abc import Mapping

from aftershock.app.live.report import LiveResult
from aftershock.model.signals import ArbitrageSignal

__all__ = ["final_report", "signal_box"]

_RULE = "=" * 60


def signal_box(signal: ArbitrageSignal) -> str:
    """Return one BUY or SELL."""
    legs = ", ".join(f"{leg.side.value} {leg.symbol} at {leg.price:g}" for leg in signal.legs)
    latency = "unknown" if math.isnan(signal.latency_ms) else f"{signal.latency_ms:.1f} ms"
    confidence = f"{signal.confidence:.2f}" if signal.calibrated else "uncalibrated"
    return "\n".join(
        [
            f"ARBITRAGE SIGNAL  {signal.action.value}  {signal.asset}  on paper",
            f"  source {signal.source_market.upper()}, target {signal.target_market.upper()}",
            f"  {legs}",
            f"  spread {signal.spread_bps:.1f} bps ({signal.spread_pct:.4f} %) net, size {signal.quantity:g} coins",
            f"  confidence {confidence}, latency {latency}",
        ]
    )


def final_report(
    metrics: Mapping[str, float], result: LiveResult, max_latency_ms: float, off: Mapping[str, str]
) -> str:
    """Return the report that ends a run: decisions, latency, cost, return, and what was off.

    The return is what the paper trades came to at executable prices, after fees; nothing is assumed.
    """
    signals = int(metrics["total_signals"])
    process, paper = result.stages.process, result.paper
    cost = metrics["total_cost_usd"]
    per_signal = f"${cost / signals:.6f}" if signals else "no signal"
    lines = [
        _RULE,
        "ARBITRAGE ENGINE - FINAL REPORT",
        _RULE,
        f"Total Signals: {signals}",
        f"  BUY:  {int(metrics['buy_signals'])}",
        f"  SELL: {int(metrics['sell_signals'])}",
        f"  HOLD: {int(metrics['hold_signals'])}"
        + "".join(f"\n    {reason} {count}" for reason, count in result.tally.hold_reasons().items()),
        "",
        "Performance:",
        f"  Avg Latency: {metrics['avg_latency_ms']:.2f} ms of data time, cause to decision",
        f"  Max Latency Threshold: {max_latency_ms:g} ms",
        f"  Engine: p50 {_micros(process.quantile_ns(0.5))}, p99 {_micros(process.quantile_ns(0.99))} per event",
        f"  Events: {result.events_in:,} in, {result.events_lost:,} lost",
        f"  Connection: {result.gaps} gaps, {result.reconnects} reconnects",
        "",
        "Cost Analysis:",
        f"  Total Model Cost: ${cost:.4f}",
        f"  Cost per Signal: {per_signal}",
        "",
        "Return (paper):",
        f"  Orders: {paper.orders}",
        f"  Fees: {_dollars(paper.fees_usd)}",
        f"  Profit after fees, open positions at what closing pays: {_dollars(paper.profit_usd)}",
        "",
        "Off:",
        *(f"  {what}: {why}" for what, why in off.items()),
        _RULE,
    ]
    return "\n".join(lines)


def _micros(value_ns: int | None) -> str:
    return "-" if value_ns is None else f"{value_ns / 1_000:.1f} us"


def _dollars(value: float) -> str:
    return "unknown" if math.isnan(value) else f"${value:,.2f}"
