"""The venue's texts of time: ISO, mostly without a zone, and then UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from aftershock.model.units import NS_PER_S

__all__ = ["moment_ns"]


def moment_ns(text: str) -> int:
    """Return a moment in ns UTC, of whole microseconds.

    Raises:
        ValueError: It is none, or none after 1970.
    """
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    found = (since.days * 86_400 + since.seconds) * NS_PER_S + since.microseconds * 1_000
    if not found > 0:
        raise ValueError("before 1970")
    return found
