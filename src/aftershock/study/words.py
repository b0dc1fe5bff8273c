"""Figures in words and digits, the same in the terminal and on the page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from aftershock.study.figure import Figure
from aftershock.study.intervals import Interval
from aftershock.study.records import RunKey

__all__ = ["METRIC_WORDS", "layout", "number", "p_value", "percent", "prior_name", "run_name", "shown", "span"]

METRIC_WORDS = {
    "accuracy": "triggers decided rightly",
    "accuracy_always_hold": "the same, never sending an order",
    "fpr": "triggers without an edge in which an order was sent",
    "precision_fill": "fills that were worth more than they cost",
    "precision_order": "orders sent that ended so",
    "recall_detect": "planted triggers in which an order was sent",
    "recall_capture": "triggers with an edge in time, captured",
    "recall_offered": "triggers with an edge for the fastest order judged, captured",
    "f1": "of trigger-level precision and recall",
    "mcc": "correlation of truth and prediction",
    "brier": "squared error of the stated confidence",
    "ece": "confidence minus what came true, on average",
    "pnl_bps_per_fill": "edge label per fill, bps of the forward",
    "pnl_usd": "edge label per trigger, USD",
}

_PLAIN_NUMBERS = {"mcc", "brier", "ece", "f1", "pnl_bps_per_fill", "pnl_usd"}


def run_name(key: RunKey) -> str:
    """Return a run's name for a heading."""
    lag = f", feed {key.feed_lag_ms:g} ms late" if key.feed_lag_ms else ""
    return f"{key.strategy}, {key.world} world, {key.makers} makers, order {key.latency_ms:g} ms{lag}"


def percent(value: float, decimals: int = 1) -> str:
    """Format a share; an absent one is a dash."""
    return f"{100.0 * value:.{decimals}f} %" if math.isfinite(value) else "-"


def prior_name(prior: float | None) -> str:
    """Return what a column at a prior is called."""
    return "as simulated" if prior is None else f"prior {100.0 * prior:g} %"


def number(value: float, decimals: int = 2, *, sign: bool = False) -> str:
    """Format a number with thousands separators; an absent one is a dash."""
    return f"{value:{'+' if sign else ''},.{decimals}f}" if math.isfinite(value) else "-"


def shown(name: str, value: float) -> str:
    """Format a metric's value: shares in percent, the others as they are."""
    if name in {"pnl_bps_per_fill", "pnl_usd"}:
        return number(value, sign=True)
    return number(value, 3) if name in _PLAIN_NUMBERS else percent(value)


def span(name: str, found: Figure | Interval) -> str:
    """Format an interval as "low to high"; nothing if there is none."""
    if not all(math.isfinite(x) for x in (found.value, found.low, found.high)):
        return "-"
    return f"{shown(name, found.low)} to {shown(name, found.high)}"


def p_value(value: float) -> str:
    """Format a p-value; one too small for a number is said to be below the smallest."""
    return f"p = {value:.2g}" if value > 0.0 else "p < 1e-300"


def layout(heads: Sequence[str], rows: Iterable[Sequence[str]], *, words: Sequence[int] = (0,)) -> str:
    """Align rows under heads: columns of words to the left (negative ones from the end), the others to the right."""
    lines = [list(heads), *(list(row) for row in rows)]
    left = {column % len(heads) for column in words}
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    return "\n".join(
        "  "
        + "  ".join(
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
