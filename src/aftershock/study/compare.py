"""Two runs on the same triggers: paired differences, and McNemar's test of their predictions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from aftershock.errors import UsageError
from aftershock.study.arrays import BoolArray, FloatArray, per_cluster
from aftershock.study.bootstrap import Resampler
from aftershock.study.intervals import Interval
from aftershock.study.records import TriggerRecord
from aftershock.study.table import Table, tabulate
from aftershock.study.weights import reweight

__all__ = ["Comparison", "McNemar", "compare", "mcnemar"]


class McNemar(msgspec.Struct, frozen=True, kw_only=True):
    """Triggers on which exactly one of two runs predicted rightly.

    Attributes:
        first_only, second_only: Counts.
        p_value: Two-sided and exact: 2 P(Bin(b + c, 1/2) <= min(b, c)), at most 1.
    """

    first_only: int
    second_only: int
    p_value: float


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Second run minus first, on the triggers of both.

    Attributes:
        n: Triggers.
        differences: Metric to the difference with its bootstrap interval, at the prior.
        mcnemar: Of the trigger-level predictions, not reweighted.
    """

    n: int
    differences: dict[str, Interval]
    mcnemar: McNemar


def mcnemar(first_right: BoolArray, second_right: BoolArray) -> McNemar:
    """Test whether two predictors of the same cases are right equally often."""
    first_only = int((first_right & ~second_right).sum())
    second_only = int((second_right & ~first_right).sum())
    n, least = first_only + second_only, min(first_only, second_only)
    # Integers throughout: 0.5**n is zero in floating point from 1,075 discordant pairs on.
    tail = sum(math.comb(n, k) for k in range(least + 1))
    return McNemar(first_only=first_only, second_only=second_only, p_value=min(1.0, 2 * tail / 2**n))


def compare(
    first: Sequence[TriggerRecord],
    second: Sequence[TriggerRecord],
    *,
    first_latency: str,
    second_latency: str,
    prior: float,
) -> Comparison:
    """Compare two runs by trigger.

    Args:
        first: Records; only triggers (seed, index) that both runs have are compared.
        second: Records of the other run.
        first_latency: Order latency of the first run, as `latency_key` writes it.
        second_latency: Likewise.
        prior: Share of positives.

    Raises:
        UsageError: The runs have no trigger in common.
    """
    common = sorted({(t.seed, t.index) for t in first} & {(t.seed, t.index) for t in second})
    if not common:
        raise UsageError("the two runs have no trigger in common: give runs of the same seeds")
    tables = [
        tabulate([by_place[place] for place in common], latency)
        for by_place, latency in (
            ({(t.seed, t.index): t for t in first}, first_latency),
            ({(t.seed, t.index): t for t in second}, second_latency),
        )
    ]
    sums = [_sums(table, reweight(table.groups, prior)) for table in tables]
    strata = [f"{one}/{other}" for one, other in zip(tables[0].groups, tables[1].groups, strict=True)]
    resampler = Resampler(strata)
    differences = {
        name: resampler.interval(np.column_stack([sums[0][name], sums[1][name]]), _difference) for name in sums[0]
    }
    right = [table.ordered == table.positive for table in tables]
    return Comparison(n=len(common), differences=differences, mcnemar=mcnemar(*right))


def _sums(table: Table, weight: FloatArray) -> dict[str, FloatArray]:
    """Return, for each metric, what each trigger adds to numerator and denominator, shape (triggers, 2)."""
    positive = table.positive.astype(np.float64)
    of_order = weight[table.cluster]

    def by_trigger(values: FloatArray) -> FloatArray:
        return per_cluster(of_order * values, table.cluster, len(weight))

    fills = by_trigger(table.filled.astype(np.float64))
    right = (table.ordered == table.positive).astype(np.float64)
    ordered, captured = table.ordered.astype(np.float64), table.captured.astype(np.float64)
    columns = {
        "accuracy": (weight * right, weight),
        "fpr": (weight * (1.0 - positive) * ordered, weight * (1.0 - positive)),
        "recall_capture": (weight * positive * captured, weight * positive),
        "precision_fill": (by_trigger(table.won.astype(np.float64)), fills),
        "pnl_bps_per_fill": (by_trigger(table.edge_bps), fills),
        "pnl_usd": (by_trigger(table.usd), weight),
    }
    return {name: np.column_stack(pair) for name, pair in columns.items()}


def _difference(sums: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = sums[:, 0::2] / sums[:, 1::2]
    return shares[:, 1] - shares[:, 0]
