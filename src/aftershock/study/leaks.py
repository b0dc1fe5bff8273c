"""Did somebody see the future: orders sent before delivered data could have shown their edge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import msgspec

from aftershock.study.intervals import Interval, wilson
from aftershock.study.records import TriggerRecord

__all__ = ["LEAK_LIMIT", "LeakCheck", "leak_check"]

LEAK_LIMIT = 0.01
"""An early order can be chance (an edge looked for in noise, and then there); a share above this is not."""


class LeakCheck(msgspec.Struct, frozen=True, kw_only=True):
    """Orders on true opportunities, and those of them that came too early.

    Attributes:
        n: Orders with a true opportunity.
        early: Those with a lead below zero.
        share: Wilson's interval of the share, not reweighted.
        verdict: `suspect` if the lower bound exceeds `LEAK_LIMIT`.
        earliest_ms: Smallest lead; NaN without an order.
    """

    n: int
    early: int
    share: Interval
    verdict: Literal["clear", "suspect"]
    earliest_ms: float


def leak_check(triggers: Sequence[TriggerRecord]) -> LeakCheck:
    """Check the orders of a run."""
    leads = [order.lead_ms for trigger in triggers for order in trigger.orders if math.isfinite(order.lead_ms)]
    early = sum(lead < 0.0 for lead in leads)
    share = wilson(early, len(leads))
    suspect = bool(leads) and share.low > LEAK_LIMIT
    return LeakCheck(
        n=len(leads),
        early=early,
        share=share,
        verdict="suspect" if suspect else "clear",
        earliest_ms=min(leads, default=math.nan),
    )
