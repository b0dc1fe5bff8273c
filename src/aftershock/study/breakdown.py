"""Where a run earned and lost: by type of edge, by plan, by size of the edge, and why it held."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from aftershock.study.figure import MIN_FILLS, MIN_TRIGGERS, Figure, figure
from aftershock.study.intervals import wilson
from aftershock.study.plans import expected, plan_order
from aftershock.study.records import OpportunityRecord, TriggerRecord
from aftershock.study.sample import Sample

__all__ = [
    "PEAKS_BPS",
    "Capture",
    "OfPlan",
    "OfType",
    "by_plan",
    "by_type",
    "capture_by_peak",
    "capture_by_plan",
    "hold_reasons",
]

PEAKS_BPS = (0.0, 1.0, 2.0, 5.0, 10.0, math.inf)
"""Edges of the classes of an edge's peak, bps; a peak on an edge belongs above it."""


class OfType(msgspec.Struct, frozen=True, kw_only=True):
    """Orders of one type of edge.

    Attributes:
        edge: Type; "none" for a baseline that knows no types.
        orders, fills: Counts.
        precision_fill, pnl_bps_per_fill: At the sample's prior.
        pnl_usd: Sum as simulated, losses of partials included.
    """

    edge: str
    orders: int
    fills: int
    precision_fill: Figure
    pnl_bps_per_fill: Figure
    pnl_usd: float


class OfPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Triggers of one plan, as simulated.

    Attributes:
        plan: "S1", "plain", "D1" ...
        expected: What a correct engine does.
        n: Triggers.
        positive: Those with a true opportunity in time, planted or not.
        ordered: Share with at least one order sent.
        orders, fills, pnl_usd: Counts and sum.
        outside_orders: Orders outside the time that the triggers are judged on.
    """

    plan: str
    expected: str
    n: int
    positive: int
    ordered: Figure
    orders: int
    fills: int
    pnl_usd: float
    outside_orders: int


class Capture(msgspec.Struct, frozen=True, kw_only=True):
    """Opportunities of one class that were alive in time, and the share of them that was captured."""

    name: str
    captured: Figure


def by_type(sample: Sample) -> tuple[OfType, ...]:
    """Return the orders by type of edge, in the types' order."""
    names = np.array([order.edge or "none" for order in sample.table.orders], dtype=np.str_)
    return tuple(_of_type(sample, str(name), names == name) for name in np.unique(names))


def _of_type(sample: Sample, edge: str, mine: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> OfType:
    table = sample.table
    filled = mine & table.filled
    fills = int(filled.sum())
    enough = fills >= MIN_FILLS and len(table.triggers) >= MIN_TRIGGERS and sample.complete
    return OfType(
        edge=edge,
        orders=int(mine.sum()),
        fills=fills,
        precision_fill=figure(sample.order_share(table.won, filled), fills, enough=enough),
        pnl_bps_per_fill=figure(sample.order_mean(table.edge_bps, filled), fills, enough=enough),
        pnl_usd=float(table.usd[mine].sum()),
    )


def by_plan(sample: Sample) -> tuple[OfPlan, ...]:
    """Return the triggers by plan: planted, plain, decoys."""
    table = sample.table
    plans = np.array([trigger.plan for trigger in table.triggers], dtype=np.str_)
    of_order = plans[table.cluster]
    rows = []
    for plan in sorted(map(str, np.unique(plans)), key=plan_order):
        mine, orders = plans == plan, of_order == plan
        count = int(mine.sum())
        rows.append(
            OfPlan(
                plan=plan,
                expected=expected(plan),
                n=count,
                positive=int(table.positive[mine].sum()),
                ordered=figure(wilson(float(table.ordered[mine].sum()), count), count, enough=True),
                orders=int(orders.sum()),
                fills=int(table.filled[orders].sum()),
                pnl_usd=float(table.usd[orders].sum()),
                outside_orders=sum(t.outside_orders for t in table.triggers if t.plan == plan),
            )
        )
    return tuple(rows)


def hold_reasons(triggers: Sequence[TriggerRecord]) -> dict[str, int]:
    """Return how often each reason to HOLD was given, the commonest first."""
    counts: Counter[str] = Counter()
    for trigger in triggers:
        counts.update(trigger.hold_reasons)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def capture_by_peak(triggers: Sequence[TriggerRecord], latency: str) -> tuple[Capture, ...]:
    """Return capture by the peak of the edge, over opportunities alive at t_ref + L + B."""
    classes = list(itertools.pairwise(PEAKS_BPS))

    def of(low: float, high: float) -> Callable[[OpportunityRecord], bool]:
        return lambda chance: low <= chance.peak_bps < high

    return tuple(_capture(_class(low, high), triggers, latency, of(low, high)) for low, high in classes)


def capture_by_plan(triggers: Sequence[TriggerRecord], latency: str) -> tuple[Capture, ...]:
    """Return capture by what was planted; `natural` ones arose by themselves."""
    kinds = sorted({chance.planted for trigger in triggers for chance in trigger.opportunities})

    def of(kind: str) -> Callable[[OpportunityRecord], bool]:
        return lambda chance: chance.planted == kind

    found = [_capture(kind or "natural", triggers, latency, of(kind)) for kind in kinds]
    return tuple(sorted(found, key=lambda capture: (capture.name == "natural", capture.name)))


def _capture(
    name: str, triggers: Sequence[TriggerRecord], latency: str, belongs: Callable[[OpportunityRecord], bool]
) -> Capture:
    alive = [
        chance
        for trigger in triggers
        for chance in trigger.opportunities
        if chance.alive.get(latency, False) and belongs(chance)
    ]
    share = wilson(sum(chance.captured for chance in alive), len(alive))
    return Capture(name=name, captured=figure(share, len(alive), enough=bool(alive)))


def _class(low: float, high: float) -> str:
    return f"{low:g}+" if math.isinf(high) else f"{low:g}-{high:g}"
