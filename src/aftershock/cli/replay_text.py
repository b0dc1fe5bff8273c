"""A replay as text: what came in, what opened, what was decided and why, how long it took."""

from __future__ import annotations

import math
import textwrap

from aftershock.app.replay import ReplayResult
from aftershock.app.verification import Verification
from aftershock.app.words import REASONS
from aftershock.cli.inputs_text import inputs_text, short_time
from aftershock.cli.table import duration, money, number, table
from aftershock.core.package import PackageCounts
from aftershock.core.stats import LiquidationTotals
from aftershock.model.signals import Action, ArbitrageSignal, Reason, TriggerKind, TriggerOpened

__all__ = ["MAX_LINES", "replay_text", "verification_text"]

MAX_LINES = 20
"""Most triggers and decisions that text shows; `--json` has them all."""

_WIDTH = 110


def replay_text(result: ReplayResult) -> str:
    """Return the report."""
    sections = [
        inputs_text(result),
        _triggers(result),
        _decisions(result),
        _orders(result),
        _packages(result.stats.packages),
        _liquidations(result),
        _not_evaluable(result),
        _alarms(result),
        _timing(result),
    ]
    return "\n\n".join(section for section in sections if section)


def verification_text(verification: Verification) -> str:
    """Return what a verification found, in one or two lines."""
    found = verification.comparison
    held = "byte for byte" if found.held == "identical" else "within 1e-9, decisions equal"
    lines = [f"verified  {verification.journal}: {found.records:,} outputs reproduce {held}"]
    if not verification.same_numerics:
        lines.append(
            f"          numerics differ: recorded {_words(verification.recorded_numerics)}, "
            f"here {_words(verification.numerics)}"
        )
    if found.incomplete:
        lines.append(
            f"          the journal has no seal, so its run was cut short; {found.unrecorded:,} outputs beyond its end"
        )
    return "\n".join(lines)


def _words(numerics: dict[str, str]) -> str:
    return " ".join(f"{name} {value}" for name, value in sorted(numerics.items()))


def _triggers(result: ReplayResult) -> str:
    opened = result.outcome.opened
    kinds: dict[str, int] = {}
    for trigger in opened:
        kinds[trigger.kind.value] = kinds.get(trigger.kind.value, 0) + 1
    shares = ", ".join(f"{kind} {count}" for kind, count in kinds.items())
    lines = [f"triggers  {len(opened)}" + (f" ({shares})" if shares else "")]
    if opened:
        rows = [_trigger(trigger) for trigger in opened[:MAX_LINES]]
        lines.append(table(["time (UTC)", "kind", "series", "move bps", "USD", "next to", "profile"], rows, left=3))
        lines += _more(len(opened))
    return "\n".join(lines)


def _trigger(trigger: TriggerOpened) -> list[str]:
    features, aligned = trigger.features, trigger.alignment
    near = "" if trigger.kind in (TriggerKind.STATIC, TriggerKind.DISLOCATION) else "no chain"
    if aligned is not None:
        near = f"{number(aligned.price, 1)} -> {number(aligned.atm_strike, 0)}"
    profile = trigger.profile
    if trigger.profile == "degraded":
        profile += f" ({', '.join(trigger.not_evaluable)})"
    return [
        short_time(trigger.ts_init),
        trigger.kind.value,
        trigger.series or trigger.asset,
        number(features.get("move_bps"), 1, sign=True),
        money(features.get("long_usd_30s", math.nan) + features.get("short_usd_30s", math.nan)),
        near,
        profile,
    ]


def _decisions(result: ReplayResult) -> str:
    outcome = result.outcome
    counts = outcome.decisions()
    head = "decisions " + ", ".join(f"{action} {count}" for action, count in counts.items())
    if not outcome.signals:
        return f"{head}\n  No trigger opened, so there was nothing to decide."
    lines = [f"{head}; {result.stats.evaluations:,} evaluations"]
    if counts["HOLD"] > counts["BUY"] + counts["SELL"]:
        lines.append("  Most decisions are HOLD: after every cost there is rarely anything left, and that is normal.")
    orders = [signal for signal in outcome.signals if signal.action is not Action.HOLD]
    if orders:
        lines.append(table(_HEADS, [_decision(signal) for signal in orders[:MAX_LINES]], left=4))
        lines += _more(len(orders))
    if outcome.hold_reasons():
        rows = [[reason, f"{count:,}", REASONS[Reason(reason)]] for reason, count in outcome.hold_reasons().items()]
        lines += ["", "  why HOLD", _left(["reason", "count", "meaning"], rows)]
    floor = outcome.floor()
    if floor["min_spread_bps"] > 0:
        lines.append(
            f"  min_spread_bps {floor['min_spread_bps']:g} removed {floor['edges_removed']} edges that passed their own"
            f" threshold; reaching it takes a move of about {number(floor['implied_move_bps'], 0)} bps under a quote"
        )
    return "\n".join(lines)


_HEADS = ["time (UTC)", "action", "edge", "legs", "size", "gross", "net bps", "needs", "id"]


def _decision(signal: ArbitrageSignal) -> list[str]:
    legs = " ".join(f"{'+' if leg.side.value == 'buy' else '-'}{leg.symbol}" for leg in signal.legs)
    return [
        short_time(signal.ts_init),
        signal.action.value,
        "" if signal.edge_type is None else signal.edge_type.value,
        legs,
        number(signal.quantity, 2),
        number(signal.gross_spread_bps, 1),
        number(signal.spread_bps, 1),
        number(signal.threshold_bps, 1),
        signal.signal_id,
    ]


def _left(heads: list[str], rows: list[list[str]]) -> str:
    """Lay out name, count, words: the words are wrapped nowhere and come last."""
    return table(heads[:2], [row[:2] for row in rows]) if not rows[0][2:] else table(heads, rows, left=3)


def _orders(result: ReplayResult) -> str:
    outcome = result.outcome
    if not outcome.approved and not outcome.refused:
        return ""
    lines = [f"orders    {len(outcome.approved)} approved for paper, {len(outcome.refused)} refused"]
    lines += [f"  refused by {order.limit}: {order.detail}" for order in outcome.refused[:MAX_LINES]]
    lines += _more(len(outcome.refused))
    return "\n".join(lines)


def _packages(packages: dict[str, PackageCounts]) -> str:
    if not any(counts.checked or counts.desync for counts in packages.values()):
        return ""
    heads = ["kind", "checked", "desync", "unquoted", "gross > 0", "net > 0", "no executable forward"]
    rows = [
        [
            kind,
            *(
                f"{count:,}"
                for count in (
                    counts.checked,
                    counts.desync,
                    counts.unquoted,
                    counts.gross,
                    counts.net,
                    counts.no_executable_forward,
                )
            ),
        ]
        for kind, counts in packages.items()
    ]
    return "static packages, tested on executable prices\n" + table(heads, rows)


def _liquidations(result: ReplayResult) -> str:
    totals = result.stats.liquidations
    if not totals:
        return ""
    rows = [[asset, f"{t.count:,}", *_sums(t), f"{t.unconvertible:,}"] for asset, t in totals.items()]
    return "liquidations\n" + table(["asset", "count", "USD", "longs", "shorts", "size unknown"], rows)


def _sums(totals: LiquidationTotals) -> list[str]:
    if totals.unconvertible == totals.count:
        return ["-", "-", "-"]
    return [money(totals.usd), money(totals.long_usd), money(totals.short_usd)]


def _not_evaluable(result: ReplayResult) -> str:
    lines = []
    missing = result.stats.not_evaluable
    if missing:
        lines.append("not evaluable, for want of inputs")
        rows = sorted(missing.items(), key=lambda item: (-item[1], item[0]))
        lines.append(table(["condition", "times"], [[name, f"{count:,}"] for name, count in rows[:MAX_LINES]]))
    unknown = result.stats.unknown_instruments
    if unknown:
        names = ", ".join(list(unknown)[:5])
        more = "" if len(unknown) <= 5 else f" and {len(unknown) - 5} more"
        lines.append(
            textwrap.fill(
                f"unknown instruments: {sum(unknown.values()):,} rows of {names}{more}; their terms can be given with "
                "--instruments",
                _WIDTH,
                subsequent_indent="  ",
            )
        )
    return "\n".join(lines)


def _alarms(result: ReplayResult) -> str:
    alarms = result.outcome.alarms
    if not alarms:
        return ""
    lines = [f"alarms    {len(alarms)}"]
    lines += [f"  {short_time(alarm.ts_init)}  {alarm.code}: {alarm.detail}" for alarm in alarms[:MAX_LINES]]
    return "\n".join([*lines, *_more(len(alarms))])


def _timing(result: ReplayResult) -> str:
    rate = result.rows / result.wall_s if result.wall_s > 0 else 0.0
    rows = [
        [name, f"{h.count:,}", duration(h.quantile_ns(0.5)), duration(h.quantile_ns(0.99)), duration(h.max_ns)]
        for name, h in (("deciding", result.deciding), ("all", result.all_events))
    ]
    return f"time      {result.wall_s:.2f} s, {rate:,.0f} rows/s\n" + table(
        ["events", "count", "p50", "p99", "max"], rows
    )


def _more(count: int) -> list[str]:
    return [f"  ... and {count - MAX_LINES:,} more (all of them with --json)"] if count > MAX_LINES else []
