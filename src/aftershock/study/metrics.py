"""The figures of a run at one prior, each with its interval and whether it is established.

Trigger level: a trigger is predicted positive if at least one order was *sent*; the truth is whether an edge was
alive at t_ref + L + B. Order level: a fill is right if the money of its edge label is above zero.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from aftershock.study.arrays import BoolArray, FloatArray
from aftershock.study.bootstrap import ratio
from aftershock.study.figure import MIN_ECE_FILLS, MIN_FILLS, MIN_TRIGGERS, Figure, figure
from aftershock.study.intervals import Interval, wilson
from aftershock.study.records import HORIZONS
from aftershock.study.reliability import Reliability, reliability
from aftershock.study.sample import Sample

__all__ = ["METRICS", "Confusion", "Metrics", "Realised", "confidence_reliability", "measure", "prevalence"]

METRICS = (
    *("accuracy", "accuracy_always_hold", "fpr", "precision_fill", "precision_order", "recall_detect"),
    *("recall_capture", "recall_offered", "f1", "mcc", "brier", "ece", "pnl_bps_per_fill", "pnl_usd"),
)
"""Names, in the order in which they are shown."""


class Confusion(msgspec.Struct, frozen=True):
    """Triggers by truth and prediction: counts as simulated."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int


class Realised(msgspec.Struct, frozen=True, kw_only=True):
    """The realised label at one horizon: what a fill was worth later, luck included.

    Attributes:
        pnl_bps_per_fill: Mean PnL_H per coin filled, 1e-4 of the forward.
        precision_fill: Share of fills with PnL_H above zero.
    """

    pnl_bps_per_fill: Figure
    precision_fill: Figure


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of a run at one prior.

    Attributes:
        prior: None for the mix as it was simulated.
        figures: One for each name of `METRICS`; edge label.
        realised: By horizon.
        confusion: Counts, not reweighted.
    """

    prior: float | None
    figures: dict[str, Figure]
    realised: dict[str, Realised]
    confusion: Confusion


def measure(sample: Sample) -> Metrics:
    """Return all figures of a sample.

    `pnl_usd` is the mean money per trigger, losses of partials included. F1 and MCC are of the trigger level; MCC
    is 0 where it is 0/0, as for a strategy that always holds.
    """
    return Metrics(
        prior=sample.prior,
        figures=_trigger_figures(sample) | _order_figures(sample),
        realised={horizon: _realised(sample, horizon) for horizon in _horizons(sample)},
        confusion=_confusion(sample),
    )


def prevalence(sample: Sample) -> Figure:
    """Return the share of triggers with a true opportunity, as simulated."""
    triggers = len(sample.table.triggers)
    return figure(wilson(float(sample.table.positive.sum()), triggers), triggers, enough=triggers >= MIN_TRIGGERS)


def confidence_reliability(sample: Sample) -> Reliability:
    """Return the reliability of `confidence` against the edge label, over fills."""
    table, filled = sample.table, sample.table.filled
    return reliability(
        table.confidence[filled],
        table.won[filled],
        sample.order_weight[filled],
        table.cluster[filled],
        sample.resampler,
    )


def _trigger_figures(sample: Sample) -> dict[str, Figure]:
    table = sample.table
    positive, ordered, everyone = table.positive, table.ordered, np.ones(len(table.positive), dtype=np.bool_)
    confusion = np.column_stack(
        [
            sample.weight * cell
            for cell in (ordered & positive, ordered & ~positive, ~ordered & positive, ~ordered & ~positive)
        ]
    )
    enough = len(positive) >= MIN_TRIGGERS
    mixed = enough and sample.complete

    def share(hit: BoolArray, among: BoolArray, *, enough: bool) -> Figure:
        return figure(sample.trigger_share(hit, among), int(among.sum()), enough=enough)

    return {
        "accuracy": share(ordered == positive, everyone, enough=mixed),
        "accuracy_always_hold": _always_hold(sample, enough=mixed),
        "fpr": share(ordered, ~positive, enough=enough),
        "recall_detect": _recall_detect(sample, enough=enough),
        "recall_capture": share(table.captured, positive, enough=enough),
        "recall_offered": _recall_offered(sample, enough=enough),
        "f1": figure(sample.bootstrap(confusion, _f1), len(positive), enough=mixed),
        "mcc": figure(sample.bootstrap(confusion, _mcc), len(positive), enough=mixed),
    }


def _always_hold(sample: Sample, *, enough: bool) -> Figure:
    """Return the accuracy of a strategy that never sends an order: known exactly where a prior is given."""
    positive = sample.table.positive
    negatives = float(sample.weight[~positive].sum())
    known = Interval(negatives, negatives, negatives)
    counted = wilson(float((~positive).sum()), len(positive))
    return figure(counted if sample.prior is None else known, len(positive), enough=enough)


def _recall_detect(sample: Sample, *, enough: bool) -> Figure:
    """Return the share of planted triggers with an order: of the design, not of a market, so not reweighted."""
    planted = sample.table.planted
    count = int(planted.sum())
    return figure(wilson(float(sample.table.ordered[planted].sum()), count), count, enough=enough)


def _recall_offered(sample: Sample, *, enough: bool) -> Figure:
    """Return the share captured of what the fastest order judged would have met: the same triggers at every latency.

    Not reweighted: some of them are negatives at the latency of the run.
    """
    offered, captured = sample.table.offered, sample.table.captured
    count = int(offered.sum())
    return figure(wilson(float(captured[offered].sum()), count), count, enough=enough)


def _order_figures(sample: Sample) -> dict[str, Figure]:
    table = sample.table
    every_order = np.ones(len(table.orders), dtype=np.bool_)
    enough = len(table.triggers) >= MIN_TRIGGERS and table.fills >= MIN_FILLS
    mixed = enough and sample.complete
    stated = confidence_reliability(sample)
    usd = np.column_stack([sample.order_sums(table.usd, every_order)[:, 0], sample.weight])
    return {
        "precision_fill": figure(sample.order_share(table.won, table.filled), table.fills, enough=mixed),
        "precision_order": figure(sample.order_share(table.won, every_order), len(every_order), enough=mixed),
        "brier": figure(stated.brier, stated.n, enough=mixed and stated.n >= MIN_FILLS),
        "ece": figure(stated.ece, stated.n, enough=mixed and stated.n >= MIN_ECE_FILLS),
        "pnl_bps_per_fill": figure(sample.order_mean(table.edge_bps, table.filled), table.fills, enough=mixed),
        "pnl_usd": figure(sample.bootstrap(usd, ratio), len(table.triggers), enough=mixed),
    }


def _horizons(sample: Sample) -> list[str]:
    orders = sample.table.orders
    named = {name for order in orders for name in order.realised_bps}
    return [*(name for name in HORIZONS if name in named), *sorted(named.difference(HORIZONS))]


def _realised(sample: Sample, horizon: str) -> Realised:
    table = sample.table
    worth = np.array([order.realised_bps.get(horizon, math.nan) for order in table.orders], dtype=np.float64)
    known = table.filled & np.isfinite(worth)
    count = int(known.sum())
    enough = len(table.triggers) >= MIN_TRIGGERS and count >= MIN_FILLS and sample.complete
    return Realised(
        pnl_bps_per_fill=figure(sample.order_mean(worth, known), count, enough=enough),
        precision_fill=figure(sample.order_share(worth > 0.0, known), count, enough=enough),
    )


def _confusion(sample: Sample) -> Confusion:
    positive, ordered = sample.table.positive, sample.table.ordered
    cells = (ordered & positive, ordered & ~positive, ~ordered & positive, ~ordered & ~positive)
    return Confusion(*(int(cell.sum()) for cell in cells))


def _f1(sums: FloatArray) -> FloatArray:
    """Return 2 TP/(2 TP + FP + FN)."""
    hit, wrong, missed, _ = sums.T
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(hit + wrong + missed > 0.0, 2.0 * hit / (2.0 * hit + wrong + missed), np.nan)


def _mcc(sums: FloatArray) -> FloatArray:
    """Return Matthews' correlation of truth and prediction; 0 for 0/0."""
    hit, wrong, missed, left = sums.T
    below = np.sqrt((hit + wrong) * (hit + missed) * (left + wrong) * (left + missed))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0.0, (hit * left - wrong * missed) / below, 0.0)
