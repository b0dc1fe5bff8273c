"""Learn a calibration from training records."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from aftershock.errors import InputError
from aftershock.study.arrays import BoolArray
from aftershock.study.calibration import CalibrationDocument, TypeCalibration, refuse_held_out
from aftershock.study.curves import fit_curve
from aftershock.study.records import RunKey, TriggerRecord, latency_key
from aftershock.study.sample import Sample
from aftershock.study.table import join, tabulate
from aftershock.study.thresholds import MIN_THRESHOLD_FILLS, TARGET, find_threshold

__all__ = ["CalibrationSettings", "calibrate"]

_PAIRS = ("E",)
"""Kinds whose sides are one trade, named after the leg that is out of line: both are learnt from all orders."""


class CalibrationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is chosen beforehand.

    Attributes:
        prior: Share of triggers with a true opportunity that probabilities hold for.
        target: Precision among fills that thresholds aim at.
        min_fills: Fewest fills for a threshold.
        horizon: Of `p_profit_h`.
    """

    prior: float = 0.10
    target: float = TARGET
    min_fills: int = MIN_THRESHOLD_FILLS
    horizon: str = "60s"


def calibrate(
    runs: Sequence[tuple[RunKey, Sequence[TriggerRecord]]],
    *,
    name: str,
    commit: str,
    created: str,
    trials: int = 0,
    settings: CalibrationSettings | None = None,
) -> CalibrationDocument:
    """Learn thresholds, probabilities, gains and losses by type of edge and side.

    The training runs should order on every positive edge: what a threshold kept from being sent can't be learnt
    from. Runs of the same seeds against fast and slow makers count as different triggers.

    Args:
        runs: Training records with what they were made with.
        name: What to call the document.
        commit: Of the code; kept as given, since nothing here looks at a repository.
        created: When; kept as given, since nothing here reads a clock.
        trials: What was tried before; the thresholds looked at here are added.
        settings: Defaults if None.

    Raises:
        ConfigError: A seed is held out, or the world is the shifted one.
        InputError: There is no record.
        UsageError: The records do not know the truth at their run's latency.
    """
    settings = settings or CalibrationSettings()
    if not any(triggers for _, triggers in runs):
        raise InputError("no training record: nothing can be learnt")
    for key, triggers in runs:
        for trigger in triggers:
            refuse_held_out(trigger.seed, key.world)
    table = join([tabulate(triggers, latency_key(key.latency_ms)) for key, triggers in runs])
    sample = Sample(table, settings.prior)
    types = []
    for edge, action in sorted({(order.edge, order.action) for order in table.orders}):
        both = edge in _PAIRS
        of_type = [order.edge == edge and (both or order.action == action) for order in table.orders]
        mine = np.array(of_type, dtype=np.bool_) & np.isfinite(table.spread_bps)
        found, tried = _type(sample, mine, settings, edge=edge, action=action)
        types.append(found)
        trials += tried
    return CalibrationDocument(
        name=name,
        seeds=_seeds(runs),
        commit=commit,
        created=created,
        prior=settings.prior,
        horizon=settings.horizon,
        target=settings.target,
        trials=trials,
        types=tuple(types),
    )


def _seeds(runs: Sequence[tuple[RunKey, Sequence[TriggerRecord]]]) -> dict[str, str]:
    spans: dict[str, tuple[int, int]] = {}
    for key, triggers in runs:
        source = f"{key.world}/{key.makers}"
        for trigger in triggers:
            low, high = spans.get(source, (trigger.seed, trigger.seed))
            spans[source] = (min(low, trigger.seed), max(high, trigger.seed))
    return {source: f"{low}-{high}" for source, (low, high) in sorted(spans.items())}


def _type(
    sample: Sample, mine: BoolArray, settings: CalibrationSettings, *, edge: str, action: str
) -> tuple[TypeCalibration, int]:
    table, weight = sample.table, sample.order_weight
    filled = mine & table.filled
    later = np.array([order.realised_bps.get(settings.horizon, math.nan) for order in table.orders], dtype=np.float64)
    known = filled & np.isfinite(later)
    confidence, p_fill, p_profit_h = (
        fit_curve(table.spread_bps[among], outcome[among], weight[among], table.cluster[among])
        for outcome, among in ((table.won, filled), (table.filled, mine), (later > 0.0, known))
    )
    knots = np.unique(np.concatenate([confidence.knots, p_fill.knots, p_profit_h.knots]))
    threshold = find_threshold(sample, mine, target=settings.target, min_fills=settings.min_fills)
    gain, loss, spread = _sizes(sample, filled)
    found = TypeCalibration(
        edge=edge,
        action=action,
        threshold_bps=threshold.bps if math.isfinite(threshold.bps) else None,
        threshold_rule=threshold.rule,
        spread_bps=tuple(knots.tolist()),
        confidence=tuple(confidence.at(knots).tolist()),
        p_fill=tuple(p_fill.at(knots).tolist()),
        p_profit_h=tuple(p_profit_h.at(knots).tolist()),
        method=confidence.method,
        gain_bps=gain,
        loss_bps=loss,
        sd_bps=spread,
        orders=int(mine.sum()),
        fills=int(filled.sum()),
    )
    return found, threshold.tried


def _sizes(sample: Sample, filled: BoolArray) -> tuple[float, float, float]:
    """Return mean gain, mean loss and standard deviation of the edge label, bps; zeros without a fill.

    As long as no fill has lost, a loss is taken to be as large as a gain: unknown, but not nothing.
    """
    if not filled.any():
        return 0.0, 0.0, 0.0
    edge, weight = sample.table.edge_bps[filled], sample.order_weight[filled]
    gains = edge > 0.0
    gain = float(np.average(edge[gains], weights=weight[gains])) if gains.any() else 0.0
    loss = float(np.average(-edge[~gains], weights=weight[~gains])) if not gains.all() else gain
    mean = float(np.average(edge, weights=weight))
    return gain, loss, math.sqrt(float(np.average(np.square(edge - mean), weights=weight)))
