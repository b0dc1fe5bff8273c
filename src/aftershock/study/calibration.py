"""The artefact of a calibration: thresholds and probabilities by type of edge, and what they were learnt from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import msgspec
import numpy as np

from aftershock.errors import ConfigError
from aftershock.study.arrays import FloatArray
from aftershock.study.records import OrderRecord

__all__ = [
    "FIRST_HELD_OUT_SEED",
    "VERSION",
    "CalibrationDocument",
    "TypeCalibration",
    "decode_calibration",
    "encode_calibration",
    "refuse_held_out",
    "stated_confidence",
]

VERSION = 1
FIRST_HELD_OUT_SEED = 100_000
"""Seeds from here on are for judging only."""


class TypeCalibration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One type of edge and side.

    Attributes:
        edge, action: Type, BUY or SELL.
        threshold_bps: Least net edge for an order; None: off, no order of this type.
        threshold_rule: `bound`, `point` or `off`, see `thresholds`.
        spread_bps: Knots of the three probabilities, ascending; linear between them, flat outside.
        confidence: P(PnL0 > 0 | filled) at each knot.
        p_fill: P(filled).
        p_profit_h: P(PnL_H > 0 | filled) at the document's horizon.
        method: How the confidence was fitted.
        gain_bps: Mean edge label of the fills that gained.
        loss_bps: Mean loss of those that did not, above zero; the gain until a loss was seen.
        sd_bps: Standard deviation of the edge label over fills.
        orders, fills: Training orders and fills of the type.
    """

    edge: str
    action: str
    threshold_bps: float | None
    threshold_rule: str
    spread_bps: tuple[float, ...]
    confidence: tuple[float, ...]
    p_fill: tuple[float, ...]
    p_profit_h: tuple[float, ...]
    method: str
    gain_bps: float
    loss_bps: float
    sd_bps: float
    orders: int
    fills: int

    @property
    def threshold(self) -> float:
        """Return the threshold as a number: infinite if the type is off."""
        return math.inf if self.threshold_bps is None else self.threshold_bps


class CalibrationDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A calibration as it is kept.

    Attributes:
        version: Of this layout.
        name: What to call it.
        seeds: "world/makers" to the training seeds "A-B", both included.
        commit: Of the code that made the training records.
        created: When, as given by the caller.
        prior: Prior of the weights.
        horizon: Of `p_profit_h`.
        target: Precision that thresholds aim at.
        trials: Everything that was tried before this was kept: each threshold looked at, and what came before.
        types: By edge and action.
    """

    name: str
    seeds: dict[str, str]
    commit: str
    created: str
    prior: float
    horizon: str
    target: float
    trials: int
    types: tuple[TypeCalibration, ...]
    version: int = VERSION


def encode_calibration(document: CalibrationDocument) -> bytes:
    """Return the document as readable JSON.

    Raises:
        ConfigError: It does not hold together, or was learnt from seeds or a world that are for judging.
    """
    _check(document)
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def decode_calibration(data: bytes) -> CalibrationDocument:
    """Read a document back.

    Raises:
        ConfigError: It is not one, does not hold together, or was learnt from seeds or a world that are for judging.
    """
    try:
        document = msgspec.json.decode(data, type=CalibrationDocument)
    except msgspec.DecodeError as error:
        raise ConfigError(f"not a calibration: {error}; make one with `evaluate` on training seeds") from error
    _check(document)
    return document


def stated_confidence(document: CalibrationDocument, orders: Sequence[OrderRecord]) -> FloatArray:
    """Return the confidence that a document states for each order; NaN for a type that it does not know."""
    types = {(found.edge, found.action): found for found in document.types}
    stated = [
        math.nan
        if (found := types.get((order.edge, order.action))) is None
        else float(np.interp(order.spread_bps, found.spread_bps, found.confidence))
        for order in orders
    ]
    return np.array(stated, dtype=np.float64)


def refuse_held_out(seed: int, world: str) -> None:
    """Refuse a seed or a world that is kept for judging.

    Raises:
        ConfigError: It is.
    """
    if seed >= FIRST_HELD_OUT_SEED:
        raise ConfigError(
            f"seed {seed} is held out: seeds from {FIRST_HELD_OUT_SEED:,} on judge a calibration and may not make "
            "one; use smaller ones"
        )
    if world == "shifted":
        raise ConfigError("the shifted world is never tuned on: calibrate on the base world")


def _check(document: CalibrationDocument) -> None:
    if document.version != VERSION:
        raise ConfigError(f"a calibration of version {document.version}; this program reads version {VERSION}")
    if not document.seeds:
        raise ConfigError(f"calibration {document.name!r} does not say which seeds it was learnt from")
    for source, seeds in document.seeds.items():
        first, dash, last = seeds.partition("-")
        if not (dash and first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
            raise ConfigError(f"seeds of {source} are {seeds!r}; write them as first-last, such as 0-199")
        refuse_held_out(int(last), source.partition("/")[0])
    for found in document.types:
        fault = _fault(found)
        if fault:
            raise ConfigError(f"calibration {document.name!r}, {found.edge} {found.action}: {fault}")


def _fault(found: TypeCalibration) -> str:
    """Return what is wrong with one type, or nothing."""
    curves = (found.confidence, found.p_fill, found.p_profit_h)
    if not found.spread_bps or any(len(curve) != len(found.spread_bps) for curve in curves):
        return "each probability needs one value per knot, and there must be a knot"
    if not all(low < high for low, high in pairwise(found.spread_bps)):
        return "knots do not ascend"
    if not all(0.0 <= value <= 1.0 for curve in curves for value in curve):
        return "a probability is not between 0 and 1"
    numbers = (*found.spread_bps, found.gain_bps, found.loss_bps, found.sd_bps, found.threshold_bps or 0.0)
    if not all(math.isfinite(value) for value in numbers):
        return "a number is not finite; a type that is off has no threshold"
    if found.threshold_bps is not None and not found.threshold_bps >= 0.0:
        return "the threshold is below zero"
    if not (found.gain_bps >= 0.0 and found.loss_bps >= 0.0 and found.sd_bps >= 0.0):
        return "gain, loss and sd are sizes: none may be below zero"
    return ""
