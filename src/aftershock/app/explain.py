"""One decision, whole: what opened it, each line of its edge, and why it ended as it did."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec

from aftershock.app.live.journal import review_replies
from aftershock.app.outcome import Effect
from aftershock.app.plain import plain, plain_signal
from aftershock.app.records import STATS, decode_effect
from aftershock.app.words import EDGES, FALLBACKS, REASONS, TRIGGERS
from aftershock.errors import UsageError
from aftershock.journal import JournalReader
from aftershock.model.events import ReviewReply
from aftershock.model.orders import ApprovedOrder, PackageResult, RefusedOrder
from aftershock.model.signals import Action, ArbitrageSignal, EdgeType, ReviewRequest, TriggerClosed, TriggerOpened
from aftershock.model.units import BPS

__all__ = ["Explanation", "WaterfallLine", "explain", "waterfall"]


# Value, fees and hedge of the edges that are not held against a robust value, net of one way.
_LINES: dict[EdgeType | None, tuple[str, str, str]] = {
    EdgeType.VOL_OVERSHOOT: ("expected exit price", "option fees, in and out", "hedge, in and out"),
    EdgeType.DISLOCATION: ("fair price of the pair", "fees of both legs", "other leg's slippage"),
}


class WaterfallLine(msgspec.Struct, frozen=True):
    """One step from value to net edge.

    Attributes:
        name: What it is.
        usd: Quote currency per coin; NaN if unknown.
        bps: The same in 1e-4 of the forward.
        total: True for a sum of the lines above, False for a term.
    """

    name: str
    usd: float
    bps: float
    total: bool = False


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """A decision with its trigger and what became of it.

    Attributes:
        followers: Hedges and unwinds of its order, refused ones included.
        results: What became of the order; more than one if a late fill reopened it.
        question: What a model was asked about the trigger.
        answer: The first thing that came back, too late or not; None in the journal of a replay of files.
    """

    signal: ArbitrageSignal
    trigger: TriggerOpened | None
    closed: TriggerClosed | None
    approved: ApprovedOrder | None
    refused: RefusedOrder | None
    followers: tuple[ApprovedOrder | RefusedOrder, ...] = ()
    results: tuple[PackageResult, ...] = ()
    question: ReviewRequest | None = None
    answer: ReviewReply | None = None

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        signal = self.signal
        fallback = None if signal.review is None else signal.review.fallback
        return {
            "schema_version": 1,
            "signal": plain_signal(signal),
            "trigger": plain(self.trigger),
            "trigger_closed": plain(self.closed),
            "in_words": {
                "trigger": TRIGGERS[signal.trigger_kind],
                "edge": None if signal.edge_type is None else EDGES[signal.edge_type],
                "reason": REASONS[signal.reason],
                "also": [REASONS[reason] for reason in signal.also],
                "fallback": None if fallback is None else FALLBACKS[fallback],
            },
            "waterfall": plain([msgspec.to_builtins(line) for line in waterfall(signal)]),
            "order": plain(self.approved),
            "refusal": plain(self.refused),
            "followers": plain(self.followers),
            "results": plain(self.results),
            "question": plain(self.question),
            "answer": plain(self.answer),
        }


def explain(folder: Path, wanted: str) -> Explanation:
    """Find one decision in a journal.

    Args:
        folder: Folder of the journal.
        wanted: Its id, the unambiguous beginning of one, `last`, or `best` (largest net edge;
            orders before HOLDs, statistical edges last)

    Raises:
        UsageError: No decision or several fit.
        JournalError: The journal is damaged.
    """
    reader = JournalReader(folder)
    effects = [decode_effect(payload) for _, kind, payload in reader.outputs() if kind != STATS]
    signals = [effect for effect in effects if isinstance(effect, ArbitrageSignal)]
    if not signals:
        raise UsageError(f"journal {folder} holds no decision: no trigger opened in that run")
    found = _with_context(_select(signals, wanted, folder), effects)
    if found.question is None:
        return found
    asked = found.question.request_id
    answer = next((reply for reply in review_replies(reader) if reply.request_id == asked), None)
    return msgspec.structs.replace(found, answer=answer)


def waterfall(signal: ArbitrageSignal) -> list[WaterfallLine]:
    """Return the lines from value and price to net edge and threshold; empty if nothing was priced."""
    forward = signal.forward
    net = signal.spread_bps * forward / BPS
    gross = signal.gross_spread_bps * forward / BPS
    if math.isnan(gross) and math.isnan(net):
        return []

    def line(name: str, usd: float, *, total: bool = False) -> WaterfallLine:
        return WaterfallLine(name, usd, BPS * usd / forward, total)

    value, fees, hedge = _LINES.get(signal.edge_type, ("robust value", "option fees", "hedge"))
    lines = [
        line(value, signal.value_usd),
        line("executable price", signal.price_usd),
        line("gross edge", gross, total=True),
        line(fees, -signal.fee_usd),
        line(hedge, -signal.hedge_cost_usd),
        line("allowances", -signal.allowance_usd),
        line("net edge", net, total=True),
        line("threshold", signal.threshold_bps * forward / BPS),
    ]
    return [step for step in lines if step.total or not math.isnan(step.usd)]


def _select(signals: list[ArbitrageSignal], wanted: str, folder: Path) -> ArbitrageSignal:
    if wanted == "last":
        return signals[-1]
    if wanted == "best":
        return max(signals, key=_merit)
    exact = [signal for signal in signals if signal.signal_id == wanted]
    found = exact or [signal for signal in signals if signal.signal_id.startswith(wanted)]
    if not found:
        raise UsageError(
            f"no decision of journal {folder} starts with {wanted!r}: it holds {len(signals)}, the last is "
            f"{signals[-1].signal_id}"
        )
    if len(found) > 1:
        raise UsageError(
            f"{len(found)} decisions start with {wanted!r}, the first two are {found[0].signal_id} and "
            f"{found[1].signal_id}: give more of the id"
        )
    return found[0]


def _merit(signal: ArbitrageSignal) -> tuple[bool, bool, float]:
    spread = signal.spread_bps
    robust = signal.edge_type is not None and not signal.edge_type.is_statistical
    return signal.action is not Action.HOLD, robust, -math.inf if math.isnan(spread) else spread


def _with_context(signal: ArbitrageSignal, effects: list[Effect]) -> Explanation:
    trigger = closed = approved = refused = question = None
    for effect in effects:
        if isinstance(effect, TriggerOpened) and effect.trigger_id == signal.trigger_id:
            trigger = effect
        elif isinstance(effect, TriggerClosed) and effect.trigger_id == signal.trigger_id:
            closed = effect
        elif isinstance(effect, ReviewRequest) and effect.trigger_id == signal.trigger_id:
            question = effect
        elif isinstance(effect, ApprovedOrder) and _is_of(effect, signal):
            approved = effect
        elif isinstance(effect, RefusedOrder) and _is_of(effect, signal):
            refused = effect
    intent_id = None if approved is None else approved.intent.intent_id
    orders = [effect for effect in effects if isinstance(effect, ApprovedOrder | RefusedOrder)]
    return Explanation(
        signal=signal,
        trigger=trigger,
        closed=closed,
        approved=approved,
        refused=refused,
        followers=tuple(order for order in orders if order.intent.parent and order.intent.parent == intent_id),
        results=tuple(e for e in effects if isinstance(e, PackageResult) and e.intent_id == intent_id),
        question=question,
    )


def _is_of(order: ApprovedOrder | RefusedOrder, signal: ArbitrageSignal) -> bool:
    """Tell whether an order came from a decision: same trigger, same legs and prices, same moment."""
    intent = order.intent
    return (intent.trigger_id, intent.legs, order.ts_init) == (signal.trigger_id, signal.legs, signal.ts_init)
