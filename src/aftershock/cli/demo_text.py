"""The demonstration as text: the live report, one decision, the quote beside its value, and then what was hidden."""

from __future__ import annotations

import math
from pathlib import Path

from aftershock.app.demo import WARM_UP_S, Demonstration
from aftershock.app.demo_truth import TrueQuote, Truth
from aftershock.app.explain import Explanation
from aftershock.app.numerics import numerics_id
from aftershock.cli.explain_text import decision_text, legs_text, order_text, trigger_text, waterfall_text
from aftershock.cli.live_text import live_text
from aftershock.cli.table import number, table
from aftershock.model.signals import ArbitrageSignal, EdgeType
from aftershock.study.records import OrderRecord

__all__ = ["demo_text"]

_RULE = "=" * 78


def demo_text(shown: Demonstration, kept: Path | None) -> str:
    """Return everything; `kept` is the folder that the user named, None if nothing stays."""
    banner = f"  SIMULATED market, seed {shown.seed}: no figure says anything about any real one. Orders are on paper."
    sections = [f"{_RULE}\n{banner}\n{_RULE}", _live(shown)]
    if shown.best is None:
        sections.append("Nothing was decided: no trigger opened. Another --seed is another market.")
    else:
        sections += _decision(shown.best)
    sections += [_truth(shown.truth), _kept(kept)]
    return "\n\n".join(section for section in sections if section)


def _title(text: str) -> str:
    return f"--- {text} ".ljust(len(_RULE), "-")


def _live(shown: Demonstration) -> str:
    warm = shown.result.seconds - shown.seconds
    return (
        f"{live_text(shown.result)}\n"
        f"numerics  {numerics_id()}\n"
        f"The first {WARM_UP_S:.0f} s of the market were played in {max(warm, 0.0):.0f} s, so that the engine knew its "
        f"forward; durations\nare those of the {shown.seconds:g} s in real time after them."
    )


def _decision(best: Explanation) -> list[str]:
    signal = best.signal
    return [
        _title("what opened the trigger of the best decision"),
        trigger_text(best),
        _title("the decision"),
        decision_text(signal),
        _beside(signal),
        waterfall_text(signal),
        legs_text(signal),
        order_text(best),
    ]


def _beside(signal: ArbitrageSignal) -> str:
    """Return the quote beside its robust value, for a single option held against one."""
    if signal.edge_type is not EdgeType.STALE_QUOTE or len(signal.legs) != 1:
        return ""
    leg = signal.legs[0]
    quote = "ask" if leg.side.value == "buy" else "bid"
    below = "below" if quote == "ask" else "above"
    return (
        f"the {quote} of {leg.symbol} is {leg.price:g} = {number(leg.price_usd)} USD per coin, its robust value "
        f"{number(signal.value_usd)}:\n  {number(abs(signal.value_usd - leg.price_usd))} {below} the worst case "
        "of what the option is worth after the move"
    )


def _truth(truth: Truth) -> str:
    sections = [
        _title("the hidden truth: the engine never saw any of this"),
        f"planted: a shock of {number(truth.shock_bps, 1, sign=True)} bps"
        + "".join(
            f"; one of six makers on {venue} stands still from {number(begin, 0)} to {number(end, 0)} ms after onset"
            for venue, begin, end in truth.stalls
        )
        + f"\n{truth.opportunities} quotes of the episode were truly worth taking for a while, planted or not",
        *(_quote(leg) for leg in truth.legs),
        _orders(truth),
    ]
    return "\n\n".join(sections)


def _quote(leg: TrueQuote) -> str:
    lines = [
        f"{leg.side} of {leg.symbol}: seen at {leg.price:g} = {number(leg.price_usd)} USD per coin,",
        f"  truly worth {leg.value:.5g} = {number(leg.value_usd)};",
        f"  taking it at the decision would have left {number(leg.edge_bps, 1, sign=True)} bps after fee and hedge",
    ]
    if not leg.path:
        return "\n".join([*lines, "  it had never been worth taking by then"])
    rows = [
        [
            step.what,
            number(step.at_ms, 0, sign=True),
            f"{step.value:.5g}",
            "-" if math.isnan(step.price) else f"{step.price:g}",
            number(step.coins, 2),
            number(step.edge_bps, 1, sign=True),
        ]
        for step in leg.path
    ]
    heads = ["", "ms after onset", "true value", f"best {leg.side}", "coins", "edge bps"]
    lines.append(table(heads, rows))
    if leg.taken:
        first = leg.taken[0][0]
        coins = sum(each for _, each in leg.taken)
        lines.append(
            f"  competing takers took {number(coins, 2)} coins of it in {len(leg.taken)} fills, the first at "
            f"{number(first, 0, sign=True)} ms"
        )
    else:
        lines.append("  no competing taker took any of it; it ended when its maker requoted")
    return "\n".join(lines)


def _orders(truth: Truth) -> str:
    others = ""
    if truth.unjudged:
        others = (
            f"\n  {truth.unjudged} orders on Backpack are not among them: its simulated quotes follow okex-options "
            "150 ms later, and have no truth of their own."
        )
    if not any(paper.orders for paper in truth.paper):
        return "paper orders: the run sent none" + others
    lines = ["paper orders, had they been sent: this one, and all of the run"]
    rows = [
        [
            f"{paper.latency_ms:g} ms",
            _fate(paper.order),
            "-" if paper.order is None else number(paper.order.edge_bps, 1, sign=True),
            f"{paper.filled} of {paper.orders}",
            f"{paper.profitable}",
            number(paper.edge_usd, 0, sign=True),
        ]
        for paper in truth.paper
    ]
    lines.append(table(["latency", "this order", "edge bps", "filled", "profitable", "USD in all"], rows, left=2))
    return (
        "\n".join(
            [
                *lines,
                "  the edge is that at the fill: true value less price, fee and hedge",
                "  A stall was planted here, and these makers are slow: how often an edge pays, this can't say.",
            ]
        )
        + others
    )


def _fate(order: OrderRecord | None) -> str:
    if order is None:
        return "not sent"
    if not order.filled > 0:
        return "missed: the quote was gone"
    return f"{number(order.filled, 2)} of {number(order.quantity, 2)} coins filled"


def _kept(kept: Path | None) -> str:
    if kept is None:
        return "Kept nothing. `aftershock demo --out DIR` keeps the journal, to replay and explain."
    return (
        f"Kept in {kept}: try\n"
        f"  aftershock explain last --journal {kept / 'journal'}\n"
        f"  aftershock replay --from-journal {kept / 'journal'} --verify"
    )
