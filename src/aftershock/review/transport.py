"""One POST over HTTP, with the moments at which things happened."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple, Protocol

import aiohttp

__all__ = ["AiohttpTransport", "Lost", "Raw", "Transport"]

_LONGEST_REPLY = 1 << 20
_KEPT_HEADERS = (
    "content-type",
    "date",
    "openai-processing-ms",
    "request-id",
    "retry-after",
    "retry-after-ms",
    "server",
    "x-ratelimit-limit-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-requests",
    "x-ratelimit-reset-tokens",
    "x-request-id",
)
_LONGEST_HEADER = 200


class Raw(NamedTuple):
    """An answer as it came.

    Attributes:
        status: HTTP.
        headers: Those that are kept, names in lower case, values printable.
        body: Up to a size; `is_cut` tells that there was more.
        sent_ns, first_byte_ns, done_ns: Monotonic clock: the request was handed to a connection, the answer's head was
            there, all of it was.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    is_cut: bool
    sent_ns: int
    first_byte_ns: int
    done_ns: int


class Lost(Exception):  # noqa: N818 - what happened, caught by the gateway alone
    """No answer, or not all of it.

    Attributes:
        was_sent: Whether the provider may have read the request, and charge for it.
    """

    def __init__(self, detail: str, *, was_sent: bool) -> None:
        """Say in one sentence what happened."""
        super().__init__(detail)
        self.was_sent = was_sent


class Transport(Protocol):
    """Sends one request; cancelling it ends it."""

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> Raw:
        """Return the answer, whatever its status.

        Raises:
            Lost: There is none.
        """
        ...

    async def close(self) -> None:
        """Let go of the connections."""
        ...


class AiohttpTransport:
    """aiohttp with nothing around it: connections are kept, nothing is followed, unpacked, retried or read from disk.

    Time limits are the caller's: one deadline holds over all that happens here.
    """

    def __init__(self, keep_s: float = 75.0) -> None:
        """Take how long an idle connection is kept; it needs a running loop."""
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(_note_sent)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=keep_s, ttl_dns_cache=300),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            trust_env=False,
            trace_configs=[trace],
            skip_auto_headers=("User-Agent",),
        )

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> Raw:
        """Return the answer, whatever its status.

        Raises:
            Lost: There is none.
        """
        sent: list[int] = []
        try:
            async with self._session.post(
                url, data=body, headers=headers, allow_redirects=False, trace_request_ctx=sent
            ) as response:
                first_byte = time.monotonic_ns()
                received, is_cut = await _read(response)
                return Raw(
                    response.status,
                    _kept(response),
                    received,
                    is_cut,
                    sent[0] if sent else first_byte,
                    first_byte,
                    time.monotonic_ns(),
                )
        except aiohttp.ClientConnectorError as error:
            raise Lost(f"no connection: {type(error).__name__}", was_sent=False) from None
        except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError, ValueError) as error:
            raise Lost(f"the connection broke: {type(error).__name__}", was_sent=bool(sent)) from None

    async def close(self) -> None:
        """Let go of the connections."""
        await self._session.close()


async def _note_sent(_session: object, context: object, _params: object) -> None:
    sent = getattr(context, "trace_request_ctx", None)
    if isinstance(sent, list):
        sent.append(time.monotonic_ns())


async def _read(response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """Read up to a size; what is longer is no answer and need not come through."""
    pieces, length = [], 0
    async for piece in response.content.iter_any():
        pieces.append(piece)
        length += len(piece)
        if length > _LONGEST_REPLY:
            response.close()
            return b"".join(pieces)[:_LONGEST_REPLY], True
    return b"".join(pieces), False


def _kept(response: aiohttp.ClientResponse) -> dict[str, str]:
    kept = {}
    for name in _KEPT_HEADERS:
        value = response.headers.get(name)
        if value is not None:
            kept[name] = "".join(c for c in value[:_LONGEST_HEADER] if c.isascii() and c.isprintable())
    return kept
