"""Time and money units, in one place: integer nanoseconds, basis points, micro-dollars."""

from __future__ import annotations

from datetime import UTC, datetime

NS_PER_US = 1_000
NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
NS_PER_DAY = 86_400 * NS_PER_S
NS_PER_YEAR = 31_536_000 * NS_PER_S
"""A year is 365 days of 86,400 seconds, as option venues count it."""

BPS = 1e4
MICRO = 1_000_000
"""Micro-dollars per dollar: sums from which something is subtracted are integers in this unit."""

NANO = 1_000_000_000
"""Parts per coin, per unit of a currency or per unit of a venue's size: what money and sizes are counted in where they
must add up. Finer than any venue's books, and a double still holds every whole one of them up to nine million."""

LARGEST_USD = 1e15
"""More than any true notional: beyond it a size counts as unknown."""

NAN = float("nan")
"""An absent number. Every limit is tested as `if not value <= limit: refuse`, so that it refuses."""


def nano(value: float) -> int:
    """Return the nearest whole number of billionths; ties go to the even one.

    A decimal figure of at most nine places comes out as itself: 0.1 + 0.2 is 300,000,000 of them, 0.3 when read back.

    Raises:
        ValueError: The value is NaN.
        OverflowError: The value is infinite.
    """
    return round(value * NANO)


def tau_years(expiry_ns: int, now_ns: int) -> float:
    """Return the time to expiry in years of 365 days; zero or negative once expired."""
    return (expiry_ns - now_ns) / NS_PER_YEAR


def iso_utc(ts_ns: int) -> str:
    """Format a nanosecond time as ISO 8601 in UTC with all nine decimals."""
    seconds, nanos = divmod(ts_ns, NS_PER_S)
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanos:09d}Z"


def utc_ns(year: int, month: int, day: int, hour: int = 0) -> int:
    """Return the nanosecond time of a UTC date and hour."""
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp()) * NS_PER_S
