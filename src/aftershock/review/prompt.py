"""The question: one fixed text first, then a compact record of computed figures. No text from outside is in it.

Whatever could be cached by a provider comes first and never changes; the figures are last. Names of instruments are
not asked about: kind, distance of the strike and time to expiry say what matters, and a symbol is somebody's text.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from aftershock.model.review import ReviewCode
from aftershock.model.signals import ReviewRequest

__all__ = ["FIELDS", "PROMPT_VERSION", "SCHEMA", "SCHEMA_VERSION", "SYSTEM", "question", "record"]

PROMPT_VERSION = "2026-11-27.1"
SCHEMA_VERSION = "1"

_MOST_REASONS = 3

_FROM_SIGNAL = (
    ("net_bps", "spread_bps", 1),
    ("threshold_bps", "threshold_bps", 1),
    ("gross_bps", "gross_spread_bps", 1),
    ("qty", "quantity", 4),
    ("delta", "delta", 2),
    ("vega", "vega_per_vol_point", 1),
    ("age_ms", "book_age_ms", 0),
    ("span_ms", "leg_span_ms", 0),
    ("lag_ms", "latency_ms", 0),
)
_FROM_FEATURES = (
    ("size", "top_size_coins", 2),
    ("wide_bps", "quote_spread_bps", 1),
    ("strike_pct", "moneyness_pct", 1),
    ("days", "days_to_expiry", 2),
    ("theta", "theta_per_day_usd", 1),
    ("iv", "iv_price", 3),
    ("fair_iv", "iv_value", 3),
    ("move_bps", "move_bps", 0),
    ("burst", "intensity_ratio", 0),
    ("onesided", "imbalance", 2),
    ("venues", "venues", 0),
    ("usd", "liquidated_usd", -3),
)
FIELDS = ("side", "edge", "trigger", "legs", "kind", *(name for name, *_ in (*_FROM_SIGNAL, *_FROM_FEATURES)))
"""What the places of the record hold."""


SYSTEM = (
    "You review one trade that fixed rules want to make against an option quote that may lag a forced liquidation. "
    "Every figure is computed; do not recompute. Judge whether the edge is real and still there when an order arrives: "
    "edge against threshold and distance of the strike; theta and days; quoted against fair volatility; size and width "
    "of the quote. Old quotes, few venues, a reverting move, thin size and an edge near its threshold speak against. "
    f"The user message is one JSON array: {', '.join(FIELDS)}. "
    "null is unknown. side: what would be done. edge: A late quote, B package, C two venues, D vol, E perpetual. "
    "bps: 1e-4 of the forward. strike_pct: strike over forward. vega: USD per vol point. theta: USD per day. burst: "
    "liquidations over their usual rate. onesided: 0 to 1. "
    'Answer only with one json object: {"action": side or "HOLD", "probability": 0 to 1 that the order pays after '
    f'costs, "reasons": up to {_MOST_REASONS} of {", ".join(ReviewCode)}}}'
)
"""Constant, byte for byte: a new wording is a new `PROMPT_VERSION`."""

SCHEMA: dict[str, Any] = {
    "name": "review",
    "strict": True,
    "schema": {
        "type": "object",
        "properties": {
            "action": {"type": "string", "enum": ["BUY", "SELL", "HOLD"]},
            "probability": {"type": "number", "minimum": 0, "maximum": 1},
            "reasons": {
                "type": "array",
                "items": {"type": "string", "enum": [code.value for code in ReviewCode]},
                "maxItems": _MOST_REASONS,
            },
        },
        "required": ["action", "probability", "reasons"],
        "additionalProperties": False,
    },
}


def record(request: ReviewRequest) -> dict[str, Any]:
    """Return the figures of a question; None where one is unknown."""
    signal = request.signal
    edge = "" if signal.edge_type is None else signal.edge_type.value
    kinds = {"C": "C", "P": "P"}
    kind = kinds.get(signal.legs[0].symbol.rpartition("-")[2], "-") if len(signal.legs) == 1 else "-"
    figures: dict[str, Any] = {
        "side": signal.action.value,
        "edge": edge[:1],
        "trigger": signal.trigger_kind.value,
        "legs": len(signal.legs),
        "kind": kind,
    }
    for name, attribute, digits in _FROM_SIGNAL:
        figures[name] = _rounded(getattr(signal, attribute), digits)
    for name, feature, digits in _FROM_FEATURES:
        figures[name] = _rounded(request.features.get(feature, math.nan), digits)
    return figures


def question(request: ReviewRequest) -> tuple[str, str]:
    """Return the fixed text and the record: its figures by place, which takes fewer tokens than by name."""
    return SYSTEM, msgspec.json.encode(list(record(request).values())).decode()


def _rounded(value: float, digits: int) -> float | int | None:
    """Round to what matters: equal figures give equal bytes, and fewer digits are fewer tokens."""
    if not abs(value) < math.inf:
        return None
    rounded = round(value, digits)
    return int(rounded) if digits <= 0 or rounded == int(rounded) else rounded
