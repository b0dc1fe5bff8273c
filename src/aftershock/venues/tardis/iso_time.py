"""ISO 8601 times in UTC as exact integer nanoseconds: no float is involved."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from aftershock.model.units import NS_PER_S

__all__ = ["parse_iso_ns"]

_ISO = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]{1,9}))?Z")
_LAST_NS = 2**63


# Expiries, and stamps that venue and recorder share, come again and again.
@lru_cache(maxsize=1024)
def parse_iso_ns(text: str) -> int:
    """Parse `2022-11-01T00:00:05.0985331Z`, with up to nine decimals.

    Raises:
        ValueError: It is no such time, or not one between 1970 and 2262.
    """
    match = _ISO.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is no ISO time in UTC")
    date, hour, minute, second, decimals = match.groups()
    seconds = _midnight(date) + 3600 * int(hour) + 60 * int(minute) + int(second)
    ts_ns = seconds * NS_PER_S + int((decimals or "").ljust(9, "0"))
    if not 0 < ts_ns < _LAST_NS:
        raise ValueError(f"{text[:40]!r} is no time between 1970 and 2262")
    return ts_ns


@lru_cache(maxsize=512)
def _midnight(date: str) -> int:
    return int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp())
