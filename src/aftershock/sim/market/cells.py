"""Numbers, times and names as cells of a CSV file, such that whoever reads them has the same bits again."""

from __future__ import annotations

import math
from functools import lru_cache

from aftershock.model.units import NS_PER_US

__all__ = ["clock", "exact_percent", "name", "not_negative", "number", "price", "printed", "traded"]

_LEAST_US, _END_US = 10**15, 2**63 // NS_PER_US
"""From 2001, when microseconds got the 16 digits by which readers know them, to 2262, when 64 bits of ns are full."""

_MAX_NAMES = 65_536
_LONGEST_NAME = 200
_PERCENT = 100.0
_REPLACED = "\N{REPLACEMENT CHARACTER}"


def number(value: float, what: str) -> str:
    """Write a number in its shortest form that reads back bit for bit; an absent one is an empty cell.

    Raises:
        ValueError: It is infinite.
    """
    if value != value:  # noqa: PLR0124  NaN
        return ""
    if math.isinf(value):
        raise ValueError(f"{what} is infinite")
    return repr(float(value))


def not_negative(value: float, what: str) -> str:
    """Write an amount, or a price that may be zero.

    Raises:
        ValueError: It is negative or infinite.
    """
    if value < 0:
        raise ValueError(f"{what} is negative ({value!r})")
    return number(value, what)


def price(value: float, what: str) -> str:
    """Write the price of one side of a book; NaN where nobody is there, which is what a zero in a file means too.

    Raises:
        ValueError: It is zero, negative or infinite.
    """
    if value <= 0:
        raise ValueError(f"{what} is not positive ({value!r}); NaN says that nobody is there")
    return number(value, what)


def traded(value: float, what: str) -> str:
    """Write the price of a trade, which is always there.

    Raises:
        ValueError: It is absent, zero, negative or infinite.
    """
    if not value > 0:
        raise ValueError(f"{what} is not positive ({value!r})")
    return number(value, what)


def printed(value: float, what: str) -> str:
    """Write the amount of a trade, which is always there.

    Raises:
        ValueError: It is absent, negative or infinite.
    """
    if not value >= 0:
        raise ValueError(f"{what} is absent or negative ({value!r})")
    return number(value, what)


def clock(ts_ns: int, what: str) -> str:
    """Write nanoseconds as microseconds.

    Raises:
        ValueError: It is no whole number of microseconds, or no time from 2001 to 2262.
    """
    micros, rest = divmod(ts_ns, NS_PER_US)
    if rest:
        raise ValueError(f"{what} {ts_ns} is no whole number of microseconds, which is all that a file holds")
    if not _LEAST_US <= micros < _END_US:
        raise ValueError(f"{what} {ts_ns} is no time in nanoseconds from 2001 to 2262")
    return str(micros)


@lru_cache(maxsize=_MAX_NAMES)
def name(text: str, what: str, *, required: bool = True) -> str:
    """Write a name as it is: no reader should have to mind quotes.

    Raises:
        ValueError: It is empty but required, is long, or holds a comma, a quote or what can't be printed.
    """
    if not text and required:
        raise ValueError(f"{what} is empty")
    if len(text) > _LONGEST_NAME or not text.isprintable() or any(c in text for c in f',"{_REPLACED}'):
        raise ValueError(f"{what} {text[:_LONGEST_NAME]!r} holds a comma, a quote, a control character, or is long")
    return text


def exact_percent(fraction: float) -> float:
    """Return the percentage that a reader, dividing it by 100, turns into exactly this fraction; NaN if none does.

    Any fraction that came from a percentage has one. Of others about one in seven has none: where the last bit of a
    percentage is worth more than that of its hundredth part, the quotients skip some fractions.
    """
    near = fraction * _PERCENT
    for percent in (near, math.nextafter(near, -math.inf), math.nextafter(near, math.inf)):
        if percent / _PERCENT == fraction and math.isfinite(percent):
            return percent
    return math.nan
