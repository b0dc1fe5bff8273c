"""A stand-in for a model: a few rules over the record it is sent. It proves wiring, never what an opinion is worth.

It reads numbers of the one JSON object that is the last message. Text in that object, or around it, says nothing to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import msgspec

from aftershock.model.review import ReviewCode
from aftershock.model.units import NAN

__all__ = ["HOLD", "Opinion", "judge"]

HOLD = "HOLD"
_MOST_REASONS = 3
_START = 0.4
"""Log-odds that an order pays which passed the rules: 0.6."""


class Opinion(msgspec.Struct, frozen=True):
    """What it answers: an action, the probability that the order pays, up to three codes."""

    action: str
    probability: float
    reasons: list[str]


_UNREADABLE = Opinion(HOLD, 0.5, [ReviewCode.DATA_DOUBT.value])


class _Record(msgspec.Struct, frozen=True):
    """What is read; unknown is NaN, and no comparison with it holds."""

    side: Literal["BUY", "SELL"]
    net_bps: float
    threshold_bps: float = NAN
    age_ms: float = NAN
    span_ms: float = NAN
    venues: float = NAN
    qty: float = NAN
    size: float = NAN
    days: float = NAN
    iv: float = NAN
    fair_iv: float = NAN

    @property
    def dear(self) -> float:
        """Return by how much the price is on the wrong side of the value, in volatility."""
        return (self.iv - self.fair_iv) * (1.0 if self.side == "BUY" else -1.0)


_SAYS: tuple[tuple[ReviewCode, float, Callable[[_Record], bool]], ...] = (
    (ReviewCode.EDGE_THIN, -2.5, lambda r: r.net_bps <= 0 or r.net_bps <= r.threshold_bps),
    (ReviewCode.EDGE_THIN, -0.8, lambda r: 0 < r.threshold_bps < r.net_bps <= 1.2 * r.threshold_bps),
    (ReviewCode.EDGE_WIDE, 0.8, lambda r: r.net_bps > 1 and r.net_bps >= 2 * r.threshold_bps),
    (ReviewCode.QUOTE_OLD, -1.2, lambda r: r.age_ms > 1_000),
    (ReviewCode.FRESH_SHOCK, 0.3, lambda r: r.age_ms < 250),
    (ReviewCode.DATA_DOUBT, -1.0, lambda r: r.span_ms > 500),
    (ReviewCode.VENUES_AGREE, 0.5, lambda r: r.venues >= 3),
    (ReviewCode.FEW_VENUES, -0.7, lambda r: r.venues < 2),
    (ReviewCode.DEPTH_THIN, -0.9, lambda r: r.size < r.qty),
    (ReviewCode.DEPTH_GOOD, 0.4, lambda r: r.size >= 2 * r.qty),
    (ReviewCode.NEAR_EXPIRY, -0.6, lambda r: r.days < 0.25),
    (ReviewCode.VOL_UNUSUAL, -1.0, lambda r: abs(r.dear) > 0.25),
    (ReviewCode.DATA_DOUBT, -1.5, lambda r: 0 < r.dear <= 0.25),
)
"""What speaks for an order and against it: the code, its weight in log-odds, when."""
_NEVER_NEGATIVE = ("age_ms", "span_ms", "venues", "qty", "size", "days", "iv",
                   "fair_iv")  # fmt: skip


def judge(text: str) -> Opinion:
    """Answer one record; HOLD with even odds and `data_doubt` where it can't be read or can't be true."""
    try:
        given = msgspec.json.decode(text, type=dict[str, object])
        record = msgspec.convert({name: value for name, value in given.items() if value is not None}, _Record)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return _UNREADABLE
    if any(getattr(record, name) < 0 for name in _NEVER_NEGATIVE):
        return _UNREADABLE
    said = [(code, weight) for code, weight, holds in _SAYS if holds(record)]
    probability = round(1.0 / (1.0 + math.exp(-_START - sum(weight for _, weight in said))), 3)
    goes = probability >= 0.5
    # The codes that led there, the heaviest first.
    led = sorted((each for each in said if (each[1] > 0) is goes), key=lambda each: -abs(each[1]))
    reasons = list(dict.fromkeys(code.value for code, _ in led))[:_MOST_REASONS]
    return Opinion(record.side if goes else HOLD, probability, reasons)
