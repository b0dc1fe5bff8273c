"""Which exchanges Tardis has, since when, with which symbols, and what to say of one that it does not have."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from aftershock.errors import UnreachableError, UsageError
from aftershock.model.units import NS_PER_S
from aftershock.venues.connection.clock import Clock
from aftershock.venues.connection.http import RefusedError, get_json
from aftershock.venues.connection.text import place_of, printable
from aftershock.venues.tardis.iso_time import parse_iso_ns

__all__ = [
    "LIQUIDATION_EXCHANGES",
    "NO_LIQUIDATIONS",
    "Exchange",
    "ListedSymbol",
    "active_perpetuals",
    "active_symbols",
    "exchange_details",
    "exchange_list",
    "unknown_exchange",
]

LIQUIDATION_EXCHANGES = (
    "aster-futures",
    "binance-delivery",
    "binance-futures",
    "bitfinex-derivatives",
    "bitget-futures",
    "bitmex",
    "bybit",
    "cryptofacilities",
    "deribit",
    "dydx-v4",
    "ftx",
    "huobi-dm",
    "huobi-dm-linear-swap",
    "huobi-dm-swap",
    "lighter",
    "okex-futures",
    "okex-swap",
)
"""Those whose liquidations Tardis normalizes, November 2026."""

NO_LIQUIDATIONS = {
    "hyperliquid": "it publishes none: fills of one's own account alone carry the word",
    **dict.fromkeys(
        ("dydx", "gate-io-futures", "kucoin-futures", "mexc-futures", "phemex", "crypto-com", "woo-x", "ftx-us",
         "coinbase-international"),
        "Tardis normalizes none of it",
    ),
}  # fmt: skip
"""Those of which some expect liquidations, and why there are none."""

T = TypeVar("T")

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NOT_FOUND = frozenset({400, 404})


class ListedSymbol(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A symbol of an exchange; times are ISO texts, `available_to` empty if it is still listed."""

    id: str
    type: str = ""
    available_since: str = ""
    available_to: str | None = None


class ListedData(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A symbol or group that data sets exist of, and their types."""

    id: str
    data_types: list[str] = []


class DataSets(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What there is as daily files, and until when."""

    exported_from: str = ""
    exported_until: str = ""
    symbols: list[ListedData] = []


class Exchange(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An exchange; symbols, channels and data sets only in its details."""

    id: str
    name: str = ""
    enabled: bool = True
    available_since: str = ""
    available_to: str | None = None
    delisted: bool = False
    available_symbols: list[ListedSymbol] = []
    available_channels: list[str] = []
    datasets: DataSets = DataSets()

    def has_ended(self, now_ns: int) -> bool:
        """Tell whether there is history only."""
        return self.delisted or _is_before(self.available_to, now_ns)

    @property
    def span(self) -> str:
        """Return its dates: `since 2019-03-30` or `2019-08-01 to 2022-11-13`."""
        since, until = self.available_since[:10], (self.available_to or "")[:10]
        return printable(f"{since} to {until}" if until else f"since {since}" if since else "no dates")


async def exchange_list(api_url: str, clock: Clock) -> list[Exchange]:
    """Return all exchanges; needs no key.

    Raises:
        UnreachableError: The API does not answer, or with something else.
    """
    return _converted(await _get(api_url, "exchanges", clock), list[Exchange], api_url)


async def exchange_details(api_url: str, exchange: str, clock: Clock) -> Exchange:
    """Return one exchange with its symbols; needs no key.

    Raises:
        UsageError: Tardis does not have it; says which it has.
        UnreachableError: The API does not answer, or with something else.
    """
    if _ID.fullmatch(exchange) is None:  # nothing that may be put into a path
        raise unknown_exchange(exchange, await exchange_list(api_url, clock))
    try:
        document = await _get(api_url, f"exchanges/{exchange}", clock)
    except RefusedError as error:
        if error.status not in _NOT_FOUND:
            raise
        raise unknown_exchange(exchange, await exchange_list(api_url, clock)) from error
    return _converted(document, Exchange, api_url)


def active_perpetuals(exchange: Exchange, now_ns: int) -> tuple[str, ...]:
    """Return the perpetuals that are listed now, as the exchange names them."""
    return active_symbols(exchange, now_ns, "perpetual")


def active_symbols(exchange: Exchange, now_ns: int, kind: str) -> tuple[str, ...]:
    """Return what is listed now of one kind (`perpetual`, `option`, ...), as the exchange names it."""
    return tuple(
        symbol.id
        for symbol in exchange.available_symbols
        if symbol.type == kind and not _is_before(symbol.available_to, now_ns)
    )


def unknown_exchange(name: str, known: Sequence[Exchange]) -> UsageError:
    """Return the error that says what there is instead.

    Args:
        name: What was asked for.
        known: All exchanges; empty if the list could not be had, and then the ids bundled here are named.
    """
    by_id = {exchange.id: exchange for exchange in known}
    ids = sorted(by_id) or list(LIQUIDATION_EXCHANGES)
    first = name.split("-", 1)[0]
    near = [each for each in ids if each.split("-", 1)[0] == first]
    near += [each for each in difflib.get_close_matches(name, ids, n=3, cutoff=0.6) if each not in near]

    def dated(each: str) -> str:
        return f"{printable(each)} ({by_id[each].span})" if each in by_id else each

    alike = f"ids like it are {', '.join(map(dated, near[:5]))}; " if near else ""
    liquidations = ", ".join(dated(each) for each in ids if each in LIQUIDATION_EXCHANGES)
    return UsageError(f"Tardis has no exchange `{_shown(name)}`: {alike}liquidations come from {liquidations}")


async def _get(api_url: str, path: str, clock: Clock) -> object:
    document: object = await get_json(f"{api_url.rstrip('/')}/{path}", who="the Tardis API", clock=clock)
    return document


def _converted(document: object, kind: type[T], api_url: str) -> T:
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise UnreachableError(
            f"what answers at {place_of(api_url)} is not the Tardis API ({printable(str(error))}): "
            "check AFTERSHOCK_TARDIS_API_URL"
        ) from error


def _is_before(text: str | None, now_ns: int) -> bool:
    if not text:
        return False
    try:
        if len(text) == len("2022-11-13"):
            return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * NS_PER_S <= now_ns
        return parse_iso_ns(text) <= now_ns
    except ValueError:
        return False


def _shown(name: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name[:60])
