"""One JSON document over HTTP, within bounds of time and size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

import msgspec

from aftershock.errors import UnreachableError
from aftershock.venues.connection.backoff import Backoff
from aftershock.venues.connection.clock import Clock, within
from aftershock.venues.connection.library import need_aiohttp
from aftershock.venues.connection.text import place_of, printable

if TYPE_CHECKING:
    import aiohttp

__all__ = ["RefusedError", "get_json", "is_passing", "said"]

_ATTEMPTS = 3
_DEADLINE_S = 30.0
_MAX_BYTES = 64 << 20
_SHORTEST_SECRET = 8
_LOST_QUERY = "ISO 8601 format"
"""What Tardis says when the network in front of it dropped a request's query, which happens now and then."""


class RefusedError(UnreachableError):
    """The server answered with an HTTP status that says no.

    Attributes:
        status: It.
        retry_after_s: What the server asks to wait; 0 if it does not say.
        rpc_code: Its own number for what is wrong, where the answer is an error of JSON-RPC; else 0.
    """

    def __init__(self, message: str, status: int, retry_after_s: float = 0.0, rpc_code: int = 0) -> None:
        """Take the sentence, the status, the wait and the code."""
        super().__init__(message)
        self.status, self.retry_after_s, self.rpc_code = status, retry_after_s, rpc_code


async def get_json(
    url: str,
    *,
    who: str,
    clock: Clock,
    headers: dict[str, str] | None = None,
    post: Mapping[str, Any] | None = None,
    secrets: Sequence[str] = (),
    deadline_s: float = _DEADLINE_S,
    max_bytes: int = _MAX_BYTES,
) -> Any:  # noqa: ANN401 - a document may be of any type
    """Return a decoded document.

    Args:
        url: Where.
        who: Name of the server in messages.
        clock: What deadline and waits run on.
        headers: To send; never shown.
        post: Document to send; without one it is asked for with GET. Only of a request that may be sent again.
        secrets: What is in that document and must never be shown.
        deadline_s: For one attempt, from name to last byte.
        max_bytes: Largest body, after decompression.

    Raises:
        RefusedError: It said no, three times if it might change its mind.
        UnreachableError: It does not answer, or with what is no such document.
    """
    need_aiohttp()
    import aiohttp

    backoff = Backoff(1.0, 10.0, Random(0))  # noqa: S311 - jitter is no secret
    where = f"{who} at {place_of(url)}"
    sent = (headers or {}) | {f"secret {i}": each for i, each in enumerate(secrets)}
    attempt = 0
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
        while True:
            attempt += 1
            try:
                status, body = await within(clock, deadline_s, _read(session, url, headers or {}, post, max_bytes))
            except TimeoutError:
                error = UnreachableError(f"{where} does not answer within {deadline_s:g} s: try again later")
            except (aiohttp.ClientError, OSError, ValueError) as fault:
                why = getattr(getattr(fault, "os_error", None), "strerror", None) or str(fault)
                error = UnreachableError(
                    f"{where} does not answer ({printable(why)}): check the address and the network"
                )
            else:
                if status == 200:
                    return _decoded(body, where, sent)
                words = said(body, sent)
                error = RefusedError(
                    f"{where} says no with HTTP {status} ({words})", status, rpc_code=_rpc_error(body)[0]
                )
                if not is_passing(status, words):
                    raise error
            if attempt == _ATTEMPTS:
                raise error
            await clock.sleep(backoff.next_s())


async def _read(
    session: aiohttp.ClientSession, url: str, headers: dict[str, str], post: Mapping[str, Any] | None, max_bytes: int
) -> tuple[int, bytes]:
    data = None if post is None else msgspec.json.encode(post)
    if data is not None:
        headers = headers | {"Content-Type": "application/json"}
    asked = session.request("GET" if data is None else "POST", url, headers=headers, data=data, allow_redirects=False)
    async with asked as response:
        parts, size = [], 0
        async for part in response.content.iter_chunked(1 << 16):
            size += len(part)
            if size > max_bytes:
                raise ValueError(f"a body of more than {max_bytes:,} bytes")
            parts.append(part)
        return response.status, b"".join(parts)


def _decoded(body: bytes, where: str, sent: Mapping[str, str]) -> Any:  # noqa: ANN401 - a document may be of any type
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        what = printable(_without(sent, body[:4096].decode("utf-8", errors="replace")))[:60]
        raise UnreachableError(f"{where} answers with what is no JSON ({what}): check the address") from error


def is_passing(status: int, words: str) -> bool:
    """Tell whether the same request may be answered another time."""
    return status == 429 or status >= 500 or (status == 400 and _LOST_QUERY in words)


def said(body: bytes, sent: Mapping[str, str]) -> str:
    """Return the message of an error document, or how the body starts.

    Args:
        body: Of the answer.
        sent: Headers of the request: their values are taken out, as a server may repeat the key that it refuses.
    """
    try:
        document = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        document = None
    code, message = _rpc_error(body)
    said = document.get("message") if isinstance(document, dict) else None
    if code or message:
        said = f"{code} {message}"
    text = said if isinstance(said, str) else body.decode("utf-8", errors="replace")
    return printable(_without(sent, text))


class _Rpc(msgspec.Struct, frozen=True):
    code: int = 0
    message: str = ""


class _RpcAnswer(msgspec.Struct, frozen=True):
    error: _Rpc = _Rpc()


def _rpc_error(body: bytes) -> tuple[int, str]:
    """Return code and message of an error of JSON-RPC; 0 and nothing if it is none."""
    try:
        error = msgspec.json.decode(body, type=_RpcAnswer).error
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return 0, ""
    return error.code, error.message


def _without(sent: Mapping[str, str], text: str) -> str:
    words = {word for value in sent.values() for word in (value, value.rpartition(" ")[2])}
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= _SHORTEST_SECRET:
            text = text.replace(word, "***")
    return text
