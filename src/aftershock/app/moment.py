"""Moments and expiries as people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from aftershock.errors import UsageError
from aftershock.model.units import NS_PER_S, utc_ns

__all__ = ["expiry_name", "parse_expiry", "parse_moment"]

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_VENUE_STYLE = re.compile(r"(\d{1,2})([A-Za-z]{3})(\d{2})")
_WITH_FRACTION = re.compile(r"(.+:\d\d)\.(\d{1,9})(\D.*|)", re.ASCII)
_EXPIRY_HOUR_UTC = 8
# An integer is a time since 1970; its number of digits tells the unit for any date of this century.
_UNIT_BY_DIGITS = {10: NS_PER_S, 13: 1_000_000, 16: 1_000, 19: 1}


def parse_moment(text: str) -> int:
    """Return the nanoseconds of `2023-04-13T12:00:00Z`, `2023-04-13 12:00`, or an integer in s, ms, us or ns.

    A time without zone is UTC.

    Raises:
        UsageError: The text is none of these.
    """
    if text.isascii() and text.isdigit() and len(text) in _UNIT_BY_DIGITS:
        return int(text) * _UNIT_BY_DIGITS[len(text)]
    match = _WITH_FRACTION.fullmatch(text)
    whole, digits = (match[1] + match[3], match[2]) if match else (text, "")
    try:
        moment = datetime.fromisoformat(whole if "." not in whole else "")
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return int(moment.timestamp()) * NS_PER_S + int(digits.ljust(9, "0"))
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{text!r} is not a moment: write 2023-04-13T12:00:00Z, or nanoseconds since 1970") from error


def parse_expiry(text: str) -> int:
    """Return the nanoseconds of `28APR23` or `2023-04-28`, 08:00 UTC.

    Raises:
        UsageError: The text is no date.
    """
    match = _VENUE_STYLE.fullmatch(text)
    try:
        if match is not None:
            day, month, year = int(match[1]), _MONTHS.index(match[2].upper()) + 1, 2000 + int(match[3])
        else:
            date = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
            day, month, year = date.day, date.month, date.year
        return utc_ns(year, month, day, _EXPIRY_HOUR_UTC)
    except ValueError as error:
        raise UsageError(f"{text!r} is not an expiry: write 28APR23 or 2023-04-28") from error


def expiry_name(expiry_ns: int) -> str:
    """Return an expiry the way Deribit writes it, `28APR23`."""
    moment = datetime.fromtimestamp(expiry_ns // NS_PER_S, tz=UTC)
    return f"{moment.day}{_MONTHS[moment.month - 1]}{moment:%y}"
