"""Parameters of requests to the simulated Backpack, with the venue's words for what is none."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar

from aftershock.sim.servers.backpack_errors import ApiError

__all__ = ["choice", "flag", "number", "page"]

T = TypeVar("T")

_MOST_ROWS = 1_000
_DIGITS = 14
"""Of the longest number that is taken: milliseconds of the year 5138."""


def choice(params: Mapping[str, Any], name: str, known: Collection[str], absent: str | None = None) -> str | None:
    """Return a parameter that is one of some words, or `absent`.

    Raises:
        ApiError: It is another word.
    """
    given: str | None = params.get(name, absent)
    if given is not None and given not in known:
        raise ApiError(
            "INVALID_CLIENT_REQUEST", f"failed to parse parameter `{name}`: Expect a valid enumeration value"
        )
    return given


def flag(params: Mapping[str, Any], name: str) -> bool | None:
    """Return a parameter that is true or false, None where it is absent.

    Raises:
        ApiError: It is neither.
    """
    given = choice(params, name, ("true", "false"))
    return None if given is None else given == "true"


def number(params: Mapping[str, Any], name: str, absent: int | None = None) -> int | None:
    """Return a parameter that is a whole number, not negative, or `absent`.

    Raises:
        ApiError: It is none.
    """
    given = params.get(name)
    if given is None:
        return absent
    text = str(given)
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise ApiError("INVALID_CLIENT_REQUEST", f"failed to parse parameter `{name}`: Expect a whole number")
    return int(text)


def page(rows: Sequence[T], params: Mapping[str, Any]) -> list[T]:
    """Return the rows that `limit` and `offset` ask for, the first hundred where they don't.

    Raises:
        ApiError: One is out of bounds.
    """
    limit, offset = number(params, "limit", 100) or 0, number(params, "offset", 0) or 0
    if not 0 < limit <= _MOST_ROWS:
        raise ApiError("INVALID_CLIENT_REQUEST", f"failed to parse parameter `limit`: Expect 1 to {_MOST_ROWS}")
    return list(rows[offset : offset + limit])
