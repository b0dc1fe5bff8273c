"""What Tardis knows of an exchange: its active instruments, and who is meant by an id that it does not know."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TypeVar

import aiohttp
import msgspec

from aftershock.errors import ConfigError, UnreachableError

__all__ = ["Listed", "active_instruments", "explain_unknown"]

T = TypeVar("T")

_BODY_BYTES = 64 << 20
_TIMEOUT = aiohttp.ClientTimeout(total=60.0, sock_connect=10.0, sock_read=20.0)

LIQUIDATIONS = {
    "ftx": "2019-08-01 to 2022-11-13, recorded only",
    "deribit": "since 2020-10",
    "bitmex": "",
    "binance-futures": "",
    "binance-delivery": "",
    "bybit": "",
    "okex-swap": "",
    "okex-futures": "",
    "huobi-dm": "",
    "huobi-dm-swap": "",
    "huobi-dm-linear-swap": "",
    "bitfinex-derivatives": "",
    "cryptofacilities": "",
    "dydx-v4": "",
    "bitget-futures": "since 2026-04-28",
    "lighter": "since 2026-04",
    "aster-futures": "since 2026-08",
}
"""Exchanges with a liquidation feed, and since when where that is a surprise (Tardis' documentation, 2026-11-23)."""


class Listed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An instrument that Tardis records.

    Attributes:
        id: The venue's own name.
        type: `perpetual`, `future`, `option`, `spot`, ...
        available_to: Empty while it is recorded.
    """

    id: str
    type: str = ""
    available_to: str = ""


class _Details(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    available_symbols: list[Listed] = []


class _Named(msgspec.Struct, frozen=True):
    id: str


async def active_instruments(api_url: str, exchange: str) -> list[Listed]:
    """Return what an exchange lists now; needs no key.

    Args:
        api_url: `https://api.tardis.dev/v1`, or whatever answers like it.
        exchange: Tardis id.

    Raises:
        ConfigError: Tardis has no such exchange; names ids like it and those with liquidations.
        UnreachableError: Nobody answers, or not as Tardis does.
    """
    base = api_url.rstrip("/")
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        status, body = await _get(session, f"{base}/exchanges/{exchange}")
        if status != 200:
            listing_status, listing = await _get(session, f"{base}/exchanges")
            if listing_status != 200:
                raise UnreachableError(f"{base} answered {status} for {exchange}: {_words(body)}")
            known = [each.id for each in _decoded(listing, list[_Named], base)]
            if exchange in known:
                raise UnreachableError(f"{base} answered {status} for {exchange}, which it lists: {_words(body)}")
            raise ConfigError(explain_unknown(exchange, known))
    details = _decoded(body, _Details, base)
    return [each for each in details.available_symbols if not each.available_to]


def explain_unknown(exchange: str, known: Sequence[str]) -> str:
    """Return what to tell somebody whose exchange is not there."""
    near = difflib.get_close_matches(exchange, known, n=3) or [each for each in known if each in exchange]
    like = f"; like it: {', '.join(near)}" if near else ""
    feeds = ", ".join(f"{name} ({when})" if when else name for name, when in LIQUIDATIONS.items() if name in known)
    return f"Tardis has no exchange `{exchange}`{like}. With liquidations: {feeds or 'none of its list'}"


async def _get(session: aiohttp.ClientSession, url: str) -> tuple[int, bytes]:
    try:
        async with session.get(url) as answer:
            body = await answer.content.read(_BODY_BYTES)
            return answer.status, body
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        said = str(error)[:200] or type(error).__name__
        raise UnreachableError(
            f"Tardis' list of instruments at {url} does not answer ({said}): point AFTERSHOCK_TARDIS_API_URL at one "
            "that does"
        ) from None


def _decoded(body: bytes, kind: type[T], where: str) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        raise UnreachableError(f"{where} did not answer as Tardis does: {_words(body)}") from None


def _words(body: bytes) -> str:
    text = body[:200].decode("utf-8", "replace")
    return "".join(c if c.isprintable() else " " for c in text).strip() or "nothing"
