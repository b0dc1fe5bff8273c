"""What was learnt on simulated markets, per kind of edge and side: thresholds, and probabilities over the net edge."""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import pairwise
from typing import Literal

import msgspec

from aftershock.core.rules import Assessment
from aftershock.model.signals import Action, ArbitrageSignal
from aftershock.model.units import NAN

__all__ = ["Calibration", "TypeCalibration", "calibrated", "spoken"]

_MARGIN = 0.05
_SCALE = 0.25


class TypeCalibration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of edge on one side.

    Attributes:
        edge: `A` to `E`, or a finer kind such as `B3`: the value of an `EdgeType`.
        action: Side of the option, package or perpetual.
        threshold_bps: Net edge that an order needs; `min_spread_bps` stays a floor below it.
        spread_bps: Knots, ascending.
        confidence, p_fill, p_profit_h: Values at the knots, linear between them, flat outside.
        gain_bps, loss_bps: Mean gain and mean loss (positive) of the filled trades.
        sd_bps: Standard deviation of a filled trade.
        fills: Filled trades that it rests on.

    Raises:
        ValueError: Knots do not ascend, lengths differ, or a figure is out of its bounds.
    """

    edge: str
    action: Literal["BUY", "SELL"]
    threshold_bps: float
    spread_bps: tuple[float, ...]
    confidence: tuple[float, ...]
    p_fill: tuple[float, ...]
    p_profit_h: tuple[float, ...]
    gain_bps: float
    loss_bps: float
    sd_bps: float
    fills: int

    def __post_init__(self) -> None:
        """Refuse what could not be interpolated, or would make a limit that nothing fails."""
        name = f"calibration of {self.edge} {self.action}"
        knots = self.spread_bps
        if not (knots and all(math.isfinite(x) for x in knots) and all(a < b for a, b in pairwise(knots))):
            raise ValueError(f"{name}: spread_bps must be finite and ascend")
        for field in ("confidence", "p_fill", "p_profit_h"):
            values = getattr(self, field)
            if len(values) != len(knots) or not all(0 <= p <= 1 for p in values):
                raise ValueError(f"{name}: {field} must hold one probability for each knot")
        for field in ("threshold_bps", "gain_bps", "loss_bps"):
            if not 0 <= getattr(self, field) <= 1e4:
                raise ValueError(f"{name}: {field} must lie between 0 and 1e4")
        if not (0 < self.sd_bps <= 1e4 and self.gain_bps + self.loss_bps > 0 and self.fills >= 0):
            raise ValueError(f"{name}: sd_bps and gain_bps + loss_bps must be positive, fills not negative")

    @property
    def needed_confidence(self) -> float:
        """Return the confidence at which a trade pays, with a margin: l / (g + l) + 0.05."""
        return self.loss_bps / (self.gain_bps + self.loss_bps) + _MARGIN

    def at(self, values: tuple[float, ...], spread_bps: float) -> float:
        """Interpolate values given at the knots; NaN for a net edge of NaN."""
        knots = self.spread_bps
        if spread_bps != spread_bps:  # noqa: PLR0124  NaN
            return NAN
        right = bisect_right(knots, spread_bps)
        if right == 0:
            return values[0]
        if right == len(knots):
            return values[-1]
        left = right - 1
        share = (spread_bps - knots[left]) / (knots[right] - knots[left])
        return values[left] + share * (values[right] - values[left])

    def expected_bps(self, spread_bps: float) -> float:
        """Return `p_fill * (c * g - (1 - c) * l)`: a miss costs nothing, the hedge goes out only after the fill."""
        c = self.at(self.confidence, spread_bps)
        return self.at(self.p_fill, spread_bps) * (c * self.gain_bps - (1.0 - c) * self.loss_bps)

    def score(self, spread_bps: float) -> float:
        """Return `100 * (1 - exp(-max(EV / sd, 0) / 0.25))`."""
        ratio = self.expected_bps(spread_bps) / self.sd_bps
        return 100.0 * -math.expm1(-(0.0 if ratio < 0 else ratio) / _SCALE)


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A named set, at most one for each kind and side.

    Raises:
        ValueError: One comes twice.
    """

    name: str
    types: tuple[TypeCalibration, ...]

    def __post_init__(self) -> None:
        """Refuse two for the same kind and side: nobody could say which one holds."""
        keys = sorted((each.edge, each.action) for each in self.types)
        for one, next_one in pairwise(keys):
            if one == next_one:
                raise ValueError(f"calibration {self.name}: {one[0]} {one[1]} comes twice")

    def of(self, edge: str, action: str) -> TypeCalibration | None:
        """Return what was learnt of a kind and side; None if nothing was."""
        for each in self.types:
            if each.edge == edge and each.action == action:
                return each
        return None


def calibrated(assessment: Assessment, calibration: Calibration | None, min_spread_bps: float) -> Assessment:
    """Return what the rules look at with the calibrated threshold and confidence; as it is where nothing was learnt.

    Args:
        assessment: Names its edge and side.
        calibration: All that was learnt.
        min_spread_bps: Floor under every threshold.
    """
    known = _known(assessment, calibration)
    if known is None:
        return assessment
    return msgspec.structs.replace(
        assessment,
        threshold_bps=max(known.threshold_bps, min_spread_bps),
        confidence=known.at(known.confidence, assessment.net_bps),
        needed_confidence=known.needed_confidence,
    )


def spoken(signal: ArbitrageSignal, assessment: Assessment, calibration: Calibration | None) -> ArbitrageSignal:
    """Return a signal with its calibrated threshold, probabilities and score; as it is where nothing was learnt."""
    known = _known(assessment, calibration)
    if known is None:
        return signal
    spread = signal.spread_bps
    return msgspec.structs.replace(
        signal,
        threshold_bps=assessment.threshold_bps,
        confidence=known.at(known.confidence, spread),
        calibrated=True,
        p_fill=known.at(known.p_fill, spread),
        p_profit_h=known.at(known.p_profit_h, spread),
        arbitrage_score=known.score(spread),
    )


def _known(assessment: Assessment, calibration: Calibration | None) -> TypeCalibration | None:
    if calibration is None or assessment.edge is None or assessment.action is Action.HOLD:
        return None
    return calibration.of(assessment.edge.value, assessment.action.value)
