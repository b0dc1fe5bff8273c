"""One attempt to open a WebSocket: two deadlines, and why it failed in words."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from aftershock.venues.connection.clock import Clock, within
from aftershock.venues.connection.settings import ConnectionSettings
from aftershock.venues.connection.text import printable

if TYPE_CHECKING:
    import aiohttp

__all__ = ["NotOpenedError", "open_socket"]

_NEVER = frozenset({400, 401, 403, 404, 405, 410, 414, 426, 431})
"""HTTP statuses that the same request will get again."""


class NotOpenedError(Exception):
    """An attempt failed.

    Attributes:
        final: True if trying again is of no use.
        retry_after_s: What the server asks to wait, 0 if it does not say.
    """

    def __init__(self, reason: str, *, final: bool = False, retry_after_s: float = 0.0) -> None:
        """Take the reason, the end of a sentence that begins with the server's name."""
        super().__init__(reason)
        self.final, self.retry_after_s = final, retry_after_s


async def open_socket(
    session: aiohttp.ClientSession, url: str, settings: ConnectionSettings, clock: Clock, connected: asyncio.Event
) -> aiohttp.ClientWebSocketResponse:
    """Open a WebSocket.

    Args:
        session: Of this attempt alone.
        url: Percent-encoded already.
        settings: Deadlines and the longest message.
        clock: What the deadlines run on.
        connected: Set by the session once the transport stands.

    Raises:
        NotOpenedError: It could not be opened.
    """
    import aiohttp
    from yarl import URL

    opening = asyncio.ensure_future(
        session.ws_connect(
            URL(url, encoded=True),
            max_msg_size=settings.max_frame_bytes,
            autoping=False,
            timeout=aiohttp.ClientWSTimeout(ws_close=settings.close_s),
        )
    )
    try:
        try:
            await within(clock, settings.connect_s, _either(opening, connected))
        except TimeoutError:
            raise NotOpenedError(f"accepts no connection within {settings.connect_s:g} s") from None
        try:
            return await within(clock, settings.handshake_s, _finished(opening))
        except TimeoutError:
            raise NotOpenedError(f"does not answer the handshake within {settings.handshake_s:g} s") from None
    except aiohttp.WSServerHandshakeError as error:
        raise _refused(error) from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise NotOpenedError(f"does not answer ({_why(error)})") from error
    finally:
        if not opening.done():
            opening.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await opening


async def _either(opening: asyncio.Future[aiohttp.ClientWebSocketResponse], connected: asyncio.Event) -> None:
    """Return once the transport stands, or the attempt has ended either way."""
    waiting = asyncio.ensure_future(connected.wait())
    try:
        await asyncio.wait((opening, waiting), return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


async def _finished(
    opening: asyncio.Future[aiohttp.ClientWebSocketResponse],
) -> aiohttp.ClientWebSocketResponse:
    return await asyncio.shield(opening)


def _refused(error: aiohttp.WSServerHandshakeError) -> NotOpenedError:
    asked = error.headers.get("Retry-After", "") if error.headers is not None else ""
    seconds = float(asked) if asked.isascii() and asked.isdigit() else 0.0
    if error.status < 300:  # it speaks HTTP, but no WebSocket
        return NotOpenedError(f"is no WebSocket server (HTTP {error.status})", final=True)
    why = f"refuses the handshake with HTTP {error.status}"
    return NotOpenedError(why, final=error.status in _NEVER, retry_after_s=seconds)


def _why(error: Exception) -> str:
    inner = getattr(error, "os_error", None) or error
    return printable(getattr(inner, "strerror", None) or str(inner) or type(inner).__name__)
