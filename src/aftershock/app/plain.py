"""Structs as plain JSON values: NaN becomes null, a nanosecond time a decimal string, an enum its value."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from aftershock.model.signals import ArbitrageSignal
from aftershock.model.units import iso_utc

__all__ = ["plain", "plain_signal", "ranked"]

# Nanoseconds since 1970 exceed 2**53, above which readers of JSON that know doubles only would round them.
_TIMES = ("expires_ns", "expiry_ns", "from_ts", "to_ts", "ts_event", "ts_init", "ts_changed", "ts_confirmed")


def plain(value: object) -> Any:  # noqa: ANN401 - JSON values have no common type
    """Return dicts, lists, text, numbers, booleans and None only."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, msgspec.Struct):
        return plain(msgspec.to_builtins(value))
    if isinstance(value, Mapping):
        return {str(key): _field(str(key), item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int)):
        return value
    return str(value)


def _field(name: str, value: object) -> Any:  # noqa: ANN401 - as above
    if name in _TIMES and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return plain(value)


def plain_signal(signal: ArbitrageSignal) -> dict[str, Any]:
    """Return one decision as JSON values, with the derived fields that its readers know by name."""
    document: dict[str, Any] = plain(signal)
    document["spread_pct"] = plain(signal.spread_pct)
    document["timestamp"] = plain(signal.timestamp)
    document["time"] = iso_utc(signal.ts_init)
    return document


def ranked(counts: Mapping[str, int] | Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return counts with the largest first; equal ones by name."""
    return dict(sorted(dict(counts).items(), key=lambda item: (-item[1], item[0])))
