"""Calibrations between the study that learns them and the core that uses them, and the one that is bundled."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Literal

from aftershock.core.calibration import Calibration, TypeCalibration
from aftershock.errors import ConfigError
from aftershock.model.signals import EdgeType
from aftershock.study.calibration import CalibrationDocument, decode_calibration
from aftershock.study.calibration import TypeCalibration as Learnt

__all__ = ["BUNDLED", "for_the_core", "load"]

BUNDLED = "calibration.json"
_OFF_BPS = 10_000.0
"""A threshold that no order passes."""
_LEAST_BPS = 0.01
"""A loss and a spread that no fill has shown yet are small, not nothing."""


def load(what: str | None) -> Calibration | None:
    """Return a calibration by name.

    Args:
        what: `bundled`, `none`, or the path of a file; None for `bundled`.

    Raises:
        ConfigError: There is no such file, or it is no calibration.
    """
    if what == "none":
        return None
    if what is None or what == "bundled":
        source = resources.files("aftershock").joinpath("data", BUNDLED)
        if not source.is_file():
            raise ConfigError("no calibration is bundled: make one with `evaluate --train --write FILE`")
        return for_the_core(decode_calibration(source.read_bytes()))
    try:
        data = Path(what).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"can't read the calibration {what}: {error.strerror}; name a file, bundled or none"
        ) from error
    return for_the_core(decode_calibration(data))


def for_the_core(document: CalibrationDocument) -> Calibration:
    """Return what the engine needs of a document; a kind and side that training never saw is off."""
    known = [_known(each) if each.fills else _off(each.edge, each.action) for each in document.types]
    seen = [(each.edge, each.action) for each in known]
    unseen = [
        _off(edge.value, action) for edge in EdgeType for action in ("BUY", "SELL") if (edge.value, action) not in seen
    ]
    return Calibration(name=document.name, types=(*known, *unseen))


def _known(each: Learnt) -> TypeCalibration:
    return TypeCalibration(
        edge=each.edge,
        action=_side(each.action),
        threshold_bps=_OFF_BPS if each.threshold_bps is None else each.threshold_bps,
        spread_bps=each.spread_bps,
        confidence=each.confidence,
        p_fill=each.p_fill,
        p_profit_h=each.p_profit_h,
        gain_bps=each.gain_bps,
        loss_bps=max(each.loss_bps, _LEAST_BPS),
        sd_bps=max(each.sd_bps, _LEAST_BPS),
        fills=each.fills,
    )


def _off(edge: str, action: str) -> TypeCalibration:
    return TypeCalibration(
        edge=edge,
        action=_side(action),
        threshold_bps=_OFF_BPS,
        spread_bps=(0.0,),
        confidence=(0.0,),
        p_fill=(0.0,),
        p_profit_h=(0.0,),
        gain_bps=0.0,
        loss_bps=_LEAST_BPS,
        sd_bps=_LEAST_BPS,
        fills=0,
    )


def _side(action: str) -> Literal["BUY", "SELL"]:
    return "BUY" if action == "BUY" else "SELL"
