"""What each plan of a trigger is, and what a correct engine does on it."""

from __future__ import annotations

__all__ = ["MUST_BE_ZERO", "PLANS", "expected", "plan_order"]

PLANS = {
    "S1": "stalled maker after a consolidated move",
    "S2": "one parity leg stale",
    "S3": "vertical, butterfly or box broken",
    "S4": "the same option cheaper on another venue",
    "S5": "implied volatility overshoots and comes back",
    "S6": "one perpetual dislocated from the others",
    "plain": "nothing planted",
    "D1": "cascade, makers requote in time",
    "D2": "one perpetual venue dislocates, the others do not",
    "D3": "edge smaller than its costs",
    "D4": "too little size at the good price",
    "D5": "spoofed quote that vanishes before an order arrives",
    "D6": "obvious-error quote",
    "D7": "crossed or locked book",
    "D8": "sequence gap, not resynchronised",
    "D9": "frozen feed on a live connection",
    "D10": "feed delayed under stress",
    "D11": "clock step or drift on one venue",
    "D12": "wrong unit or multiplier",
    "D13": "wrong expiry or strike",
    "D14": "liquidation side flipped, duplicated or replayed",
    "D15": "saturated throttle",
    "D16": "volatility regime shift: cheap against the old surface only",
    "D17": "reversal within our latency",
    "D18": "expiry within minutes, delisted or halted",
    "D19": "hedge venue down",
    "D20": "names that give orders to a model",
}

MUST_BE_ZERO = ("D7", "D8", "D9", "D12", "D13", "D20")
"""Decoys of data quality: one order on any of them is a fault."""

_SPECIAL = {"D5": "HOLD or unfilled", "D14": "HOLD, detect once", "D15": "HOLD, detect once", "D17": "loss bounded"}


def expected(plan: str) -> str:
    """Return what is expected of an engine: an order where something is planted, else HOLD."""
    return "order" if plan.startswith("S") else _SPECIAL.get(plan, "HOLD")


def plan_order(plan: str) -> tuple[int, int, str]:
    """Return a sort key: planted, plain, then decoys by number."""
    number = plan[1:]
    rank = {"S": 0, "D": 2}.get(plan[:1], 1)
    return rank, int(number) if number.isdecimal() else 0, plan
