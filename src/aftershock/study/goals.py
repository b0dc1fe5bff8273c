"""The goals, judged at the interval's bound: met, missed, or not established.

A goal is met only on the full sample: 4,000 triggers and 200 fills, 500 fills for the calibration error, 200
triggers of each decoy on which no order may be sent. Less can still establish a miss: on enough triggers an engine
that hardly trades misses capture, and is not excused by having too few fills to judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from aftershock.study.figure import MIN_DECOYS, MIN_FILLS, MIN_TRIGGERS, Figure, figure
from aftershock.study.intervals import wilson
from aftershock.study.metrics import Metrics
from aftershock.study.plans import MUST_BE_ZERO
from aftershock.study.records import TriggerRecord

__all__ = ["GOAL_PRIOR", "Goal", "Outcome", "judge"]

GOAL_PRIOR = 0.10

Outcome = Literal["met", "missed", "not_established"]

_LIMITS: tuple[tuple[str, Literal[">=", "<="], float], ...] = (
    ("precision_fill", ">=", 0.90),
    ("recall_capture", ">=", 0.70),
    ("accuracy", ">=", 0.95),
    ("fpr", "<=", 0.02),
    ("ece", "<=", 0.05),
)


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """One goal and how it went.

    Attributes:
        name: A metric, or "orders on D7".
        relation, limit: What is asked of the bound.
        bound: The worse end of the interval; for the decoys the number of orders.
        figure: What was measured; for the decoys the share of triggers with an order.
        outcome: See the module.
        note: Why, where it is not plain from the figures.
    """

    name: str
    relation: Literal[">=", "<=", "=="]
    limit: float
    bound: float
    figure: Figure
    outcome: Outcome
    note: str = ""


def judge(metrics: Metrics, triggers: Sequence[TriggerRecord]) -> tuple[Goal, ...]:
    """Judge a run by its figures at `GOAL_PRIOR` and by its triggers.

    Args:
        metrics: At the prior of the goals.
        triggers: The records that they were measured on.
    """
    fills = metrics.figures["precision_fill"].n
    return (
        *(_limit(metrics, name, relation, limit, fills) for name, relation, limit in _LIMITS),
        *(_no_orders(plan, triggers) for plan in MUST_BE_ZERO),
    )


def _limit(metrics: Metrics, name: str, relation: Literal[">=", "<="], limit: float, fills: int) -> Goal:
    found = metrics.figures[name]
    bound = found.low if relation == ">=" else found.high
    holds = bound >= limit if relation == ">=" else bound <= limit
    outcome: Outcome = "met" if holds else "missed"
    note = ""
    if found.status != "ok":
        outcome, note = "not_established", _too_few(name, found, fills)
    elif holds and fills < MIN_FILLS:
        outcome, note = "not_established", f"only {fills} of {MIN_FILLS} fills"
    return Goal(name=name, relation=relation, limit=limit, bound=bound, figure=found, outcome=outcome, note=note)


def _too_few(name: str, found: Figure, fills: int) -> str:
    if name in {"precision_fill", "ece"}:
        return f"{found.n} fills with this figure, {fills} in all: too few, or too few triggers"
    return f"{found.n} triggers in its denominator: fewer than {MIN_TRIGGERS} in all, or no true opportunity among them"


def _no_orders(plan: str, triggers: Sequence[TriggerRecord]) -> Goal:
    of_plan = [trigger for trigger in triggers if trigger.plan == plan]
    orders = sum(len(trigger.orders) for trigger in of_plan)
    hit = sum(bool(trigger.orders) for trigger in of_plan)
    enough = len(of_plan) >= MIN_DECOYS
    outcome: Outcome = "missed" if orders else "met" if enough else "not_established"
    return Goal(
        name=f"orders on {plan}",
        relation="==",
        limit=0.0,
        bound=float(orders),
        figure=figure(wilson(hit, len(of_plan)), len(of_plan), enough=enough),
        outcome=outcome,
        note="" if enough or orders else f"only {len(of_plan)} of {MIN_DECOYS} triggers",
    )
