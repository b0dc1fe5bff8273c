"""Who may talk to the sandbox: programs of this machine, and no web page that happens to be open on it.

Binding to loopback does not keep a page out: a browser sends what a page asks for to 127.0.0.1 too. Such requests carry
the page's Origin, or, after DNS was bent, its Host.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web

__all__ = ["Handler", "bears", "guarded", "with_token"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what a web page sends, and what was meant for another host."""
    if _name(request.headers.get("Host", "")) not in _HOSTS:
        return web.Response(status=421, text="this sandbox answers as 127.0.0.1 and localhost only\n")
    origin = request.headers.get("Origin")
    if origin is not None and _name(origin.partition("://")[2]) not in _HOSTS:
        return web.Response(status=403, text="this sandbox takes no requests of web pages\n")
    return await handler(request)


def with_token(request: web.Request, token: str) -> bool:
    """Tell whether a request may change something: it carries the sandbox's token."""
    return bears(request, token)


def bears(request: web.Request, token: str) -> bool:
    """Tell whether a request carries a token; bytes that are no text are none."""
    given = request.headers.get("Authorization", "")
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), f"Bearer {token}".encode())


def _name(host: str) -> str:
    """Return a host without its port."""
    return host.rsplit(":", 1)[0] if not host.endswith("]") and ":" in host else host
