"""A live run as text: its status while it runs, and its final report."""

from __future__ import annotations

import math

from aftershock.app.live.report import LiveResult, PaperResult
from aftershock.app.live.shell import Status
from aftershock.app.words import REASONS
from aftershock.cli.inputs_text import short_time
from aftershock.cli.review_text import review_text
from aftershock.cli.table import duration, number, table
from aftershock.model.signals import Action, Reason

__all__ = ["clock_text", "live_text", "status_line"]

_SHOWN = 10


def status_line(status: Status) -> str:
    """Return the state of things on one line."""
    lost = f"  {status.events_lost:,} LOST" if status.events_lost else ""
    return (
        f"{clock_text(status.uptime_s)}  {status.events_per_s:,.0f} events/s  lag {status.lag_ms:.1f} ms  "
        f"open triggers {status.open_triggers}  decisions {status.decisions:,}  orders {status.orders:,}  "
        f"gaps {status.gaps}  reconnects {status.reconnects}{lost}"
    )


def live_text(result: LiveResult) -> str:
    """Return the final report."""
    sections = [_came_in(result), _decided(result), _signals(result), _paper(result.paper)]
    sections += [review_text(result.review), _alarms(result)]
    sections.append(_times(result))
    return "\n\n".join(section for section in sections if section)


def clock_text(seconds: float) -> str:
    """Return a duration as hours, minutes and seconds."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest:02d}"


def _came_in(result: LiveResult) -> str:
    rate = result.events_in / result.seconds if result.seconds > 0 else 0.0
    lost = f"{result.events_lost:,} lost; {result.gaps:,} gaps, {result.reconnects:,} reconnects"
    lines = [
        f"live      {result.seconds:.1f} s on {', '.join(result.sources) or 'no source'}; orders on paper",
        f"events    {result.events_in:,} in ({rate:,.0f}/s), {lost}",
    ]
    if result.signal_number:
        lines.append("  INTERRUPTED: what follows is what there was until then")
    if result.failure is not None:
        lines.append(f"  ENDED EARLY: {result.failure}")
    unknown = result.stats.unknown_instruments
    if unknown:
        names = ", ".join(list(unknown)[:3]) + (" ..." if len(unknown) > 3 else "")
        lines.append(f"  {sum(unknown.values()):,} rows of unknown instruments: {names}")
    return "\n".join(lines)


def _decided(result: LiveResult) -> str:
    tally = result.tally
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in tally.kinds.items())
    counts = ", ".join(f"{action} {count:,}" for action, count in tally.decisions().items())
    lines = [
        f"triggers  {tally.opened:,}" + (f" ({kinds})" if kinds else ""),
        f"decisions {counts}; {result.stats.evaluations:,} evaluations",
    ]
    rows = [
        [action.value, reason, f"{count:,}", REASONS[Reason(reason)]]
        for (action, reason), count in sorted(
            tally.by_action_and_reason.items(), key=lambda item: (list(Action).index(item[0][0]), -item[1], item[0][1])
        )
    ]
    if rows:
        lines.append(table(["action", "reason", "count", "meaning"], rows, left=4))
    return "\n".join(lines)


def _signals(result: LiveResult) -> str:
    orders = [signal for signal in result.tally.signals if signal.action is not Action.HOLD]
    if not orders:
        return ""
    rows = [
        [
            short_time(signal.ts_init),
            signal.action.value,
            "" if signal.edge_type is None else signal.edge_type.value,
            " ".join(f"{'+' if leg.side.value == 'buy' else '-'}{leg.symbol}" for leg in signal.legs),
            number(signal.quantity, 2),
            number(signal.spread_bps, 1),
            signal.target_market,
        ]
        for signal in orders[-_SHOWN:]
    ]
    heads = ["latest (UTC)", "action", "edge", "legs", "coins", "net bps", "on"]
    return table(heads, rows, left=4)


def _paper(paper: PaperResult) -> str:
    packages = ", ".join(f"{status} {count:,}" for status, count in paper.packages.items()) or "none"
    if not paper.orders:
        return "paper     no orders"
    lines = [f"paper     {paper.orders:,} orders; packages: {packages}"]
    unpriced = f" ({len(paper.unquoted)} positions without a price)" if paper.unquoted else ""
    lines.append(
        f"  result {_dollars(paper.profit_usd)} USD after fees of {_dollars(paper.fees_usd)}; open positions would "
        f"close for {_dollars(paper.open_value_usd)}{unpriced}"
    )
    lines += [f"  cash {amount:+.8f} {key}" for key, amount in paper.cash.items()]
    held = [f"  holds {quantity:+g} {name}" for name, quantity in paper.positions.items()]
    lines += held[:_SHOWN]
    if len(held) > _SHOWN:
        lines.append(f"  and {len(held) - _SHOWN} positions more")
    return "\n".join(lines)


def _dollars(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:,.2f}"


def _alarms(result: LiveResult) -> str:
    codes = result.tally.alarmed
    if not codes:
        return ""
    lines = ["alarms    " + ", ".join(f"{code} {count:,}" for code, count in codes.items())]
    lines += [f"  {short_time(each.ts_init)}  {each.code}: {each.detail}" for each in list(result.tally.alarms)[-5:]]
    return "\n".join(lines)


def _times(result: LiveResult) -> str:
    words = {
        "receive": "socket to queue",
        "queue": "in the queue",
        "process": "in the engine",
        "effect": "journal, signals, orders",
        "total": "queue to answered",
        "decision": "the same, deciding",
    }
    rows = [
        [name, words[name], f"{h.count:,}", duration(h.quantile_ns(0.5)), duration(h.quantile_ns(0.99)),
         duration(h.max_ns)]
        for name, h in result.stages.by_name().items() if h.count
    ]  # fmt: skip
    text = "latency, stage by stage\n" + table(["stage", "is", "events", "p50", "p99", "max"], rows, left=2)
    return text if result.journal is None else f"{text}\n\njournal   {result.journal}"
