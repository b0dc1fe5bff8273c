"""Bodies of requests to Backpack and of its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

__all__ = ["Params", "decoded", "read", "stripped", "text"]

_MAX_BYTES = 32 << 20

Params = Mapping[str, str | int | bool | None]


async def read(asked: Any) -> tuple[int, bytes, float]:  # noqa: ANN401 - aiohttp's own type is private
    """Return status, body and Retry-After (seconds, 0 for none) of a request.

    Raises:
        ValueError: The body is too long.
    """
    async with asked as response:
        parts, size = [], 0
        async for part in response.content.iter_chunked(1 << 16):
            size += len(part)
            if size > _MAX_BYTES:
                raise ValueError(f"a body of more than {_MAX_BYTES >> 20} MiB")
            parts.append(part)
        waits = response.headers.get("Retry-After", "")
        retry_after_s = float(waits) if waits.isascii() and waits.isdigit() else 0.0
        return response.status, b"".join(parts), retry_after_s


def decoded(body: bytes) -> Any:  # noqa: ANN401 - a document may be of any type
    """Return a document.

    Raises:
        ValueError: It is none.
    """
    if not body:
        return None
    if body == b"pong":
        return "pong"
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError("no document") from error


def stripped(body: Params | Sequence[Params]) -> Any:  # noqa: ANN401 - a body
    """Return a body without what is absent."""
    if isinstance(body, Mapping):
        return {name: value for name, value in body.items() if value is not None}
    return [{name: value for name, value in each.items() if value is not None} for each in body]


def text(value: str | int | bool) -> str:
    """Return a value of a query."""
    return str(value).lower() if isinstance(value, bool) else str(value)
