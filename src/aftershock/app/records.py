"""What a replay's journal holds: the kinds of its records and their codecs."""

from __future__ import annotations

from typing import Any

import msgspec

from aftershock.app.outcome import Effect
from aftershock.core.stats import EngineStats
from aftershock.journal import Codec
from aftershock.model.orders import ApprovedOrder, PackageResult, RefusedOrder
from aftershock.model.signals import Alarm, ArbitrageSignal, ReviewRequest, TriggerClosed, TriggerOpened

__all__ = [
    "END",
    "STATS",
    "End",
    "decode_effect",
    "decode_end",
    "decode_output",
    "encode_effect",
    "encode_end",
    "encode_stats",
]

END = 1
"""Kind of the input record that says how much of the files the run took."""

STATS = 7
"""Kind of the last output: the engine's counts, so that a run without a single effect proves something too."""

_KINDS: dict[type, int] = {
    TriggerOpened: 1,
    TriggerClosed: 2,
    ArbitrageSignal: 3,
    ApprovedOrder: 4,
    RefusedOrder: 5,
    Alarm: 6,
    PackageResult: 8,
    ReviewRequest: 9,
}


class End(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the run ended; the references before it say how many rows of each file it took.

    Attributes:
        last_ts: `ts_init` of the last event, ns; 0 if there was none.
        interrupted: True if somebody stopped it before the files ended.
    """

    last_ts: int
    interrupted: bool


_EFFECTS: Codec[Any] = Codec(Effect)  # type: ignore[arg-type]  # a union is a type to msgspec, not to mypy
_STATS = Codec(EngineStats)
_END = Codec(End)


def encode_effect(effect: Effect) -> tuple[int, bytes]:
    """Return kind and payload of an output record."""
    return _KINDS[type(effect)], _EFFECTS.encode(effect)


def decode_effect(payload: bytes) -> Effect:
    """Return the effect of an output record."""
    effect: Effect = _EFFECTS.decode(payload)
    return effect


def encode_stats(stats: EngineStats) -> tuple[int, bytes]:
    """Return kind and payload of the last output record.

    The number of events is left out: it depends on where batches of rows are cut, which may not show in a journal.
    """
    return STATS, _STATS.encode(msgspec.structs.replace(stats, events=0))


def decode_output(kind: int, payload: bytes) -> object:
    """Return the value of any output record."""
    return _STATS.decode(payload) if kind == STATS else _EFFECTS.decode(payload)


def encode_end(end: End) -> bytes:
    """Return the payload of an `END` record."""
    return _END.encode(end)


def decode_end(payload: bytes) -> End:
    """Return what an `END` record says."""
    return _END.decode(payload)
