"""Times as the wire prints them."""

from __future__ import annotations

from datetime import UTC, datetime

from aftershock.model.units import NS_PER_MS, NS_PER_S, NS_PER_US

_FIRST_YEAR, _END_YEAR = 1971, 2200

__all__ = ["iso", "iso_micro", "minute_of", "parse_minute", "recorded"]


def iso(ts_ns: int) -> str:
    """Return milliseconds, as JavaScript does: `2026-11-01T00:00:05.098Z`."""
    return f"{_second(ts_ns)}.{ts_ns % NS_PER_S // NS_PER_MS:03d}Z"


def iso_micro(ts_ns: int) -> str:
    """Return microseconds: `2026-11-01T00:00:05.098533Z`."""
    return f"{_second(ts_ns)}.{ts_ns % NS_PER_S // NS_PER_US:06d}Z"


def recorded(ts_ns: int) -> str:
    """Return the 28 characters before a raw line: units of 100 ns."""
    return f"{_second(ts_ns)}.{ts_ns % NS_PER_S // 100:07d}Z"


def parse_minute(text: str) -> int:
    """Return ns UTC of an ISO date or time, its seconds dropped as Tardis drops them.

    Raises:
        ValueError: It is none.
    """
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    if not _FIRST_YEAR <= moment.year < _END_YEAR:
        raise ValueError(f"the year {moment.year}")
    return minute_of(int(moment.timestamp()) * NS_PER_S)


def minute_of(ts_ns: int) -> int:
    """Return the start of a moment's minute."""
    return ts_ns - ts_ns % (60 * NS_PER_S)


def _second(ts_ns: int) -> str:
    return f"{datetime.fromtimestamp(ts_ns // NS_PER_S, tz=UTC):%Y-%m-%dT%H:%M:%S}"
