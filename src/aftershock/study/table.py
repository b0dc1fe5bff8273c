"""Records as columns: one row per trigger, one per order, each order knowing its trigger."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from aftershock.errors import InputError, UsageError
from aftershock.study.arrays import BoolArray, FloatArray, IntArray, per_cluster
from aftershock.study.records import OrderRecord, TriggerRecord
from aftershock.study.weights import group_of

__all__ = ["Table", "join", "tabulate"]


class Table(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The records of one run at one order latency.

    Attributes:
        triggers: By seed and index; the columns up to `captured` have one entry for each.
        groups: Which share of the prior each trigger takes part in (see `weights`).
        positive: Truth at that latency.
        offered: Truth at the shortest latency that is known of each trigger.
        planted: The plan was S1 to S6.
        ordered: At least one order was sent: the prediction.
        captured: At least one order filled with an edge label above zero.
        orders: All orders in the order of their triggers; the columns below have one entry for each.
        cluster: Index of the order's trigger.
        filled: The whole package filled, at least in part of the quantity.
        won: Filled, and the money of the edge label was above zero.
        spread_bps, confidence: As claimed.
        edge_bps: Edge label; 0 if unfilled.
        usd: Money of the edge label, losses of partials included; 0 if nothing happened.
    """

    triggers: tuple[TriggerRecord, ...]
    groups: tuple[str, ...]
    positive: BoolArray
    offered: BoolArray
    planted: BoolArray
    ordered: BoolArray
    captured: BoolArray
    orders: tuple[OrderRecord, ...]
    cluster: IntArray
    filled: BoolArray
    won: BoolArray
    spread_bps: FloatArray
    confidence: FloatArray
    edge_bps: FloatArray
    usd: FloatArray

    @property
    def fills(self) -> int:
        """Number of orders that filled."""
        return int(self.filled.sum())


def tabulate(triggers: Sequence[TriggerRecord], latency: str) -> Table:
    """Lay out the records of one run, in one order however they were gathered.

    Args:
        triggers: Records; each (seed, index) once.
        latency: Order latency at which the truth is asked for, as `latency_key` writes it.

    Raises:
        UsageError: The records do not know the truth at that latency.
        InputError: A trigger appears twice, or a fill has no label.
    """
    triggers = sorted(triggers, key=lambda trigger: (trigger.seed, trigger.index))
    _refuse_duplicates(triggers)
    for trigger in triggers:
        if latency not in trigger.positive:
            known = ", ".join(trigger.positive) or "none"
            raise UsageError(
                f"the record of seed {trigger.seed}, trigger {trigger.index} has no truth at an order latency of "
                f"{latency} ms; it knows {known}"
            )
    orders = tuple(order for trigger in triggers for order in trigger.orders)
    cluster = np.repeat(np.arange(len(triggers)), [len(trigger.orders) for trigger in triggers]).astype(np.int64)
    filled = np.array([order.filled > 0.0 for order in orders], dtype=np.bool_)
    _refuse_unlabelled(triggers, orders, filled, cluster)
    edge_bps = np.where(filled, _column([order.edge_bps for order in orders]), 0.0)
    usd = _column([_usd(order) for order in orders])
    captured = per_cluster((filled & (edge_bps > 0.0)).astype(np.float64), cluster, len(triggers)) > 0.0
    return Table(
        triggers=tuple(triggers),
        groups=tuple(group_of(trigger.plan, positive=trigger.positive[latency]) for trigger in triggers),
        positive=np.array([trigger.positive[latency] for trigger in triggers], dtype=np.bool_),
        offered=np.array([trigger.positive[min(trigger.positive, key=float)] for trigger in triggers], dtype=np.bool_),
        planted=np.array([trigger.plan.startswith("S") for trigger in triggers], dtype=np.bool_),
        ordered=np.array([bool(trigger.orders) for trigger in triggers], dtype=np.bool_),
        captured=captured,
        orders=orders,
        cluster=cluster,
        filled=filled,
        won=filled & (usd > 0.0),
        spread_bps=_column([order.spread_bps for order in orders]),
        confidence=_column([order.confidence for order in orders]),
        edge_bps=edge_bps,
        usd=usd,
    )


def join(tables: Sequence[Table]) -> Table:
    """Put several runs into one table, each trigger of each run a trigger of its own."""
    starts = np.cumsum([0, *(len(table.triggers) for table in tables)])
    columns = {
        name: np.concatenate([getattr(table, name) for table in tables])
        for name in ("positive", "offered", "planted", "ordered", "captured", "filled", "won", *_NUMBERS)
    }
    return Table(
        triggers=tuple(trigger for table in tables for trigger in table.triggers),
        groups=tuple(group for table in tables for group in table.groups),
        orders=tuple(order for table in tables for order in table.orders),
        cluster=np.concatenate([table.cluster + start for table, start in zip(tables, starts, strict=False)]),
        **columns,
    )


_NUMBERS = ("spread_bps", "confidence", "edge_bps", "usd")


def _column(values: list[float]) -> FloatArray:
    return np.array(values, dtype=np.float64)


def _usd(order: OrderRecord) -> float:
    return order.edge_usd if math.isfinite(order.edge_usd) else order.partial_loss_usd


def _refuse_duplicates(triggers: Sequence[TriggerRecord]) -> None:
    seen: set[tuple[int, int]] = set()
    for trigger in triggers:
        if (trigger.seed, trigger.index) in seen:
            raise InputError(
                f"seed {trigger.seed}, trigger {trigger.index} is in the records twice: it would count twice"
            )
        seen.add((trigger.seed, trigger.index))


def _refuse_unlabelled(
    triggers: Sequence[TriggerRecord], orders: Sequence[OrderRecord], filled: BoolArray, cluster: IntArray
) -> None:
    for place, order in enumerate(orders):
        if filled[place] and not (math.isfinite(order.edge_bps) and math.isfinite(order.edge_usd)):
            trigger = triggers[int(cluster[place])]
            raise InputError(
                f"an order of seed {trigger.seed}, trigger {trigger.index} filled and has no edge label: "
                "without one it can't be judged"
            )
