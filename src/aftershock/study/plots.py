"""The plots of an evaluation's page."""

from __future__ import annotations

import math
from collections.abc import Sequence

from aftershock.study.intervals import Interval
from aftershock.study.metrics import Metrics
from aftershock.study.reliability import Reliability
from aftershock.study.survival import LatencyPoint, Survival
from aftershock.study.svg import Frame, Scale, figure_of, linear, logarithmic, nice_ticks, text_at
from aftershock.study.waterfall import Waterfall
from aftershock.study.words import number, percent, prior_name, shown, span

__all__ = ["calibration_plot", "edge_plot", "proportions_plot", "survival_plot", "waterfall_plot"]

_SERIES = ("first", "second", "third")
_SHARES = [(share, percent(share, 0)) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
_PROPORTIONS = ("precision_fill", "precision_order", "recall_capture", "recall_detect", "accuracy", "fpr")


def survival_plot(curve: Survival) -> str:
    """Draw the share of orders whose edge is still there against order latency."""
    frame = Frame(_latency_scale(curve), linear(0.0, 1.0))
    frame.axes(_latency_ticks(curve), _SHARES, x_name="order latency, ms", y_name="edge still there")
    points = [(p.latency_ms, p.alive) for p in curve.points]
    frame.band([(x, y.low) for x, y in points], [(x, y.high) for x, y in points], "first")
    frame.line([(x, y.value) for x, y in points], "first")
    for x, y in points:
        frame.dot((x, y.value), "first", f"{x:g} ms: {percent(y.value)}, {span('fpr', y)}")
    return frame.drawing("Share of orders whose edge is still there, against order latency")


def edge_plot(curve: Survival) -> str:
    """Draw the mean edge of fills, and of all orders, against order latency."""
    lines: list[tuple[str, str, list[tuple[float, Interval]]]] = [
        ("first", "if filled", [(p.latency_ms, p.edge_bps) for p in curve.points]),
        ("second", "per order", [(p.latency_ms, p.per_order_bps) for p in curve.points]),
    ]
    ends = [end for _, _, points in lines for _, y in points for end in (y.value, y.low, y.high) if math.isfinite(end)]
    ticks = nice_ticks(min([0.0, *ends]), max([1.0, *ends]))
    frame = Frame(_latency_scale(curve), linear(ticks[0], ticks[-1]))
    frame.axes(
        _latency_ticks(curve), [(t, f"{t:g}") for t in ticks], x_name="order latency, ms", y_name="mean edge, bps"
    )
    for style, what, points in lines:
        there = [(x, y) for x, y in points if math.isfinite(y.value)]
        frame.line([(x, y.value) for x, y in there], style)
        for x, y in there:
            if math.isfinite(y.low) and math.isfinite(y.high):
                frame.bar(x, y.low, y.high, style)
            frame.dot((x, y.value), style, f"{x:g} ms {what}: {number(y.value)} bps, {span('pnl_usd', y)}")
    return frame.drawing("Mean edge of fills and of orders, against order latency")


def calibration_plot(found: Reliability) -> str:
    """Draw what came true against the stated confidence; on the diagonal the statement is true."""
    frame = Frame(linear(0.0, 1.0), linear(0.0, 1.0), width=320.0)
    frame.axes(_SHARES, _SHARES, x_name="stated confidence", y_name="came true")
    frame.line([(0.0, 0.0), (1.0, 1.0)], "reference")
    for part in found.bins:
        frame.bar(part.stated, part.low, part.high, "first")
        tip = f"stated {percent(part.stated)}, came true {percent(part.observed)} of {part.n:,} fills"
        frame.dot((part.stated, part.observed), "first", tip)
    return frame.drawing("Stated confidence against what came true")


def waterfall_plot(found: Waterfall) -> str:
    """Draw the steps from the claimed edge to the edge label as bars from where the one before ended."""
    rows: list[tuple[str, float, float, str]] = []
    level = 0.0
    for step in found.steps:
        rows.append((step.name, level, level + step.bps.value, "gain" if step.bps.value >= 0.0 else "cost"))
        level += step.bps.value
    rows.append(("edge label", 0.0, found.net_bps.value, "net"))
    ends = [end for _, start, stop, _ in rows for end in (start, stop)]
    scale, left, right = linear(min(0.0, *ends), max(0.0, *ends)), 150.0, 620.0
    shapes = []
    for place, (name, start, stop, style) in enumerate(rows):
        y = 10.0 + 26.0 * place
        low, high = (left + scale(end) * (right - left) for end in (min(start, stop), max(start, stop)))
        shapes.append(text_at(left - 10, y + 13, name.replace("_", " "), anchor="end"))
        shapes.append(
            f'<rect x="{low:.1f}" y="{y:.1f}" width="{max(high - low, 1.0):.1f}" height="18" class="{style}"/>'
        )
        shapes.append(text_at(right + 70, y + 13, f"{number(stop - start, 2, sign=True)}", anchor="end"))
    zero = left + scale(0.0) * (right - left)
    shapes.append(f'<path d="M{zero:.1f} 4V{10 + 26 * len(rows):.1f}" class="axis"/>')
    return figure_of(shapes, 700.0, 20.0 + 26.0 * len(rows), "From the claimed edge to the edge label, mean bps")


def proportions_plot(metrics: Sequence[Metrics]) -> str:
    """Draw the proportions at each prior, each a point in its interval."""
    left, right, row = 150.0, 620.0, 18.0
    height = len(_PROPORTIONS) * (row * len(metrics) + 10.0)
    shapes = [
        f'<path d="M{left + share * (right - left):.1f} 4V{height:.1f}" class="grid"/>'
        + text_at(left + share * (right - left), height + 16, label, anchor="middle")
        for share, label in _SHARES
    ]
    y = 8.0
    for name in _PROPORTIONS:
        shapes.append(text_at(left - 10, y + row * len(metrics) / 2 + 4, name.replace("_", " "), anchor="end"))
        for style, found in zip(_SERIES, metrics, strict=False):
            y += row
            value = found.figures[name]
            if not math.isfinite(value.value):
                continue
            low, at, high = (left + end * (right - left) for end in (value.low, value.value, value.high))
            tip = f"{name} at {prior_name(found.prior)}: {shown(name, value.value)}, {span(name, value)}"
            shapes.append(f'<path d="M{low:.1f} {y - 6:.1f}H{high:.1f}" class="bar {style}"/>')
            shapes.append(
                f'<circle cx="{at:.1f}" cy="{y - 6:.1f}" r="4" class="dot {style}"><title>{tip}</title></circle>'
            )
            shapes.append(text_at(right + 70, y - 2, shown(name, value.value), anchor="end"))
        y += 10.0
    return figure_of(shapes, 700.0, height + 24.0, "Proportions at each prior with their 95 % intervals")


def _latency_scale(curve: Survival) -> Scale:
    first, last = curve.points[0].latency_ms, curve.points[-1].latency_ms
    return logarithmic(first, last) if last > first else linear(first, first)


def _latency_ticks(curve: Survival) -> list[tuple[float, str]]:
    points: tuple[LatencyPoint, ...] = curve.points
    return [(p.latency_ms, f"{p.latency_ms:g}") for p in points]
