"""Times as Backpack prints them: in three units and two kinds of text."""

from __future__ import annotations

from datetime import UTC, datetime

from aftershock.model.units import NS_PER_MS, NS_PER_S, NS_PER_US

__all__ = ["micros", "moment", "next_hour_ms", "second"]

_HOUR_MS = 3_600_000


def micros(ts_ns: int) -> int:
    """Return microseconds, as the socket stamps."""
    return ts_ns // NS_PER_US


def next_hour_ms(ts_ns: int) -> int:
    """Return when the hour ends, in milliseconds, as the next funding is told."""
    return (ts_ns // NS_PER_MS // _HOUR_MS + 1) * _HOUR_MS


def moment(ts_ns: int) -> str:
    """Return a moment as histories have it: ISO, milliseconds, no zone."""
    return f"{second(ts_ns)}.{ts_ns % NS_PER_S // NS_PER_MS:03d}"


def second(ts_ns: int, between: str = "T") -> str:
    """Return a moment to the second, no zone."""
    return f"{datetime.fromtimestamp(ts_ns // NS_PER_S, tz=UTC):%Y-%m-%d{between}%H:%M:%S}"
