"""A replay as one self-contained page: counts, triggers over the underlying price, and each decision's waterfall."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from aftershock.app.explain import waterfall
from aftershock.app.replay import ReplayResult
from aftershock.app.words import EDGES, REASONS
from aftershock.errors import InputError
from aftershock.model.signals import Action, ArbitrageSignal, Reason, TriggerOpened
from aftershock.model.units import iso_utc

__all__ = ["MAX_ROWS", "page", "write_html"]

MAX_ROWS = 500
"""Most decisions that the page lists: orders first, then the HOLDs that came closest."""

_WIDTH, _HEIGHT, _MARGIN = 960, 260, 46
_COLOURS = {"cascade": "#c0392b", "price_move": "#2471a3", "static": "#7d3c98"}
_STYLE = """
body{font:14px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:62rem;padding:0 1rem;color:#222}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}
td,th{padding:.2rem .5rem;border-bottom:1px solid #ddd;text-align:right;vertical-align:top}
td.t,th.t{text-align:left}code{font-size:12px}.BUY{color:#1e8449}.SELL{color:#b9770e}.HOLD{color:#666}
.warn{background:#fdf2e9;padding:.6rem 1rem}svg{width:100%;height:auto;background:#fafafa}summary{cursor:pointer}
"""


def write_html(path: Path, result: ReplayResult, title: str = "Aftershock replay") -> None:
    """Write the page.

    Raises:
        InputError: The file can't be written.
    """
    try:
        path.write_text(page(result, title), encoding="utf-8")
    except OSError as error:
        raise InputError(f"can't write the report {path}: {error.strerror}; name another file") from error


def page(result: ReplayResult, title: str) -> str:
    """Return the page; it loads nothing and runs no script."""
    parts = [
        f"<h1>{escape(title)}</h1>",
        _warnings(result),
        _counts(result),
        "<h2>Triggers</h2>",
        _timeline(result),
        "<h2>Why HOLD</h2>",
        _reasons(result),
        "<h2>Decisions</h2>",
        _decisions(result.outcome.signals),
    ]
    body = "\n".join(part for part in parts if part)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _warnings(result: ReplayResult) -> str:
    lines = [f"Incomplete input: {text}" for text in result.incomplete]
    if result.rows_dropped:
        lines.append(f"{result.rows_dropped:,} rows were dropped")
    if result.interrupted:
        lines.append("The run was interrupted")
    return f'<div class="warn">{"<br>".join(map(escape, lines))}</div>' if lines else ""


def _counts(result: ReplayResult) -> str:
    config, decisions = result.settings.config, result.outcome.decisions()
    degraded = sum(trigger.profile == "degraded" for trigger in result.outcome.opened)
    cells = [
        ("rows", f"{result.rows:,}"),
        ("clocks", config.clocks),
        ("options feed", config.options_feed),
        ("forward", config.forward),
        ("triggers", f"{len(result.outcome.opened):,}, {degraded:,} degraded"),
        ("evaluations", f"{result.stats.evaluations:,}"),
        *((action, f"{count:,}") for action, count in decisions.items()),
    ]
    heads = "".join(f"<th>{escape(name)}</th>" for name, _ in cells)
    values = "".join(f"<td>{escape(value)}</td>" for _, value in cells)
    return f"<table><tr>{heads}</tr><tr>{values}</tr></table>"


def _timeline(result: ReplayResult) -> str:
    """Draw the price that most triggers are about, triggers as lines over it, and orders below."""
    opened = result.outcome.opened
    if not opened:
        return "<p>None opened.</p>"
    traces = result.trace.points
    asset = max(traces, key=lambda name: sum(trigger.asset == name for trigger in opened), default="")
    prices = traces.get(asset, [])
    spans = [ts for report in result.reports for ts in (report.first_ts, report.last_ts) if ts is not None]
    left, right = min(spans), max(spans)
    low, high = (min(p for _, p in prices), max(p for _, p in prices)) if prices else (0.0, 1.0)

    def at(ts: int, price: float) -> tuple[float, float]:
        x = _MARGIN + (ts - left) / max(right - left, 1) * (_WIDTH - 2 * _MARGIN)
        y = _HEIGHT - _MARGIN - (price - low) / max(high - low, 1e-9) * (_HEIGHT - 2 * _MARGIN)
        return x, y

    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(ts, price) for ts, price in prices))
    shapes = [f'<polyline points="{line}" fill="none" stroke="#999"/>'] if prices else []
    shapes += [_mark(trigger, *at(trigger.ts_init, low)) for trigger in opened]
    shapes += [_tick(s, *at(s.ts_init, low)) for s in result.outcome.signals if s.action is not Action.HOLD]
    shapes += [
        _text(_MARGIN, _HEIGHT - 8, iso_utc(left)[:19]),
        _text(_WIDTH - _MARGIN, _HEIGHT - 8, iso_utc(right)[:19], anchor="end"),
    ]
    if prices:
        shapes += [_text(4, at(left, high)[1], f"{high:,.0f}"), _text(4, at(left, low)[1], f"{low:,.0f}")]
    legend = ", ".join(f'<span style="color:{c}">{kind}</span>' for kind, c in _COLOURS.items())
    caption = f"{escape(asset)}: the venue's underlying price of the nearest expiry; " if asset else ""
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">{"".join(shapes)}</svg>'
        f"<p>{caption}vertical lines are triggers ({legend}), triangles orders (up BUY, down SELL).</p>"
    )


def _mark(trigger: TriggerOpened, x: float, bottom: float) -> str:
    colour = _COLOURS[trigger.kind.value]
    tip = escape(f"{trigger.kind.value} {trigger.asset} {iso_utc(trigger.ts_init)[:23]} {trigger.profile}")
    dash = ' stroke-dasharray="3 3"' if trigger.profile == "degraded" else ""
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_MARGIN - 20}" y2="{bottom:.1f}" stroke="{colour}" '
        f'stroke-opacity="0.6"{dash}><title>{tip}</title></line>'
    )


def _tick(signal: ArbitrageSignal, x: float, bottom: float) -> str:
    buys = signal.action is Action.BUY
    y, point = bottom + 14, -9 if buys else 9
    tip = escape(f"{signal.action.value} {signal.spread_bps:.2f} bps {signal.signal_id}")
    colour = "#1e8449" if buys else "#b9770e"
    return f'<path d="M{x - 5:.1f} {y:.1f}h10l-5 {point}z" fill="{colour}"><title>{tip}</title></path>'


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="11" text-anchor="{anchor}" fill="#555">{escape(text)}</text>'


def _reasons(result: ReplayResult) -> str:
    rows = [
        f'<tr><td class="t"><code>{reason}</code></td><td>{count:,}</td>'
        f'<td class="t">{REASONS[Reason(reason)]}</td></tr>'
        for reason, count in result.outcome.hold_reasons().items()
    ]
    return f"<table>{''.join(rows)}</table>" if rows else "<p>There was no HOLD.</p>"


def _decisions(signals: Sequence[ArbitrageSignal]) -> str:
    if not signals:
        return "<p>No trigger opened, so there was nothing to decide.</p>"
    ranked = sorted(
        signals, key=lambda s: (s.action is Action.HOLD, -s.spread_bps if s.spread_bps == s.spread_bps else 1e9)
    )
    heads = "<tr><th class=t>time (UTC)</th><th class=t>action</th><th class=t>legs</th><th>net bps</th>"
    rows = "".join(_decision(signal) for signal in ranked[:MAX_ROWS])
    more = f"<p>{len(signals) - MAX_ROWS:,} more are in the JSON document.</p>" if len(signals) > MAX_ROWS else ""
    return f"<table>{heads}<th class=t>reason and edge</th></tr>{rows}</table>{more}"


def _decision(signal: ArbitrageSignal) -> str:
    legs = "<br>".join(escape(f"{leg.side.value} {leg.symbol} at {leg.price:g}") for leg in signal.legs)
    net = f"{signal.spread_bps:.2f}" if signal.spread_bps == signal.spread_bps else ""
    return (
        f'<tr><td class="t">{iso_utc(signal.ts_init)[:23].replace("T", " ")}</td>'
        f'<td class="t {signal.action.value}">{signal.action.value} {escape(signal.asset)}</td>'
        f'<td class="t">{legs}</td><td>{net}</td><td class="t">{_why(signal)}</td></tr>'
    )


def _why(signal: ArbitrageSignal) -> str:
    text = escape(f"{signal.reason.value}: {REASONS[signal.reason]}")
    steps = waterfall(signal)
    if not steps:
        return text
    lines = "".join(
        f'<tr><td class="t">{"= " if s.total else ""}{escape(s.name)}</td>'
        f"<td>{s.usd:,.4f}</td><td>{s.bps:+.3f}</td></tr>"
        for s in steps
    )
    edge = "" if signal.edge_type is None else escape(EDGES[signal.edge_type])
    return (
        f"<details><summary>{text}</summary><p>{edge}; <code>{escape(signal.signal_id)}</code></p>"
        f"<table><tr><th></th><th>USD per coin</th><th>bps</th></tr>{lines}</table></details>"
    )
