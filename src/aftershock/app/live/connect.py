"""From the `[live]` table to a source: everything that it asks for, as one stream of `TardisClient`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

import msgspec

from aftershock.app.live.config import LiveConfig
from aftershock.app.live.journal import Terms
from aftershock.app.live.source import LiveSource
from aftershock.errors import ConfigError, UnreachableError
from aftershock.model.instruments import Kind
from aftershock.model.table import InstrumentTable
from aftershock.venues.connection.clock import Clock
from aftershock.venues.connection.http import RefusedError
from aftershock.venues.connection.text import place_of
from aftershock.venues.tardis.client import TardisClient
from aftershock.venues.tardis.subscription import Subscription

__all__ = ["Connected", "OpenSources", "open_sources"]

_CONNECT_S = 5.0
_UNKNOWN_KEY = 401


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """Sources, and what they know of instruments that the bundled table does not."""

    sources: Sequence[LiveSource]
    terms: Terms = Terms()


OpenSources = Callable[[LiveConfig, Mapping[str, str]], Awaitable[Connected]]
"""Opens what the `[live]` table asks for, with the variables of the process; an `UnreachableError` says why not."""


async def open_sources(live: LiveConfig, environment: Mapping[str, str], clock: Clock | None = None) -> Connected:
    """Ask Tardis for the instruments where none are named, and prepare the stream of all.

    With a key the contract terms of the option venues are asked for too; without one those of the bundled table hold.

    Args:
        live: What to listen to.
        environment: Addresses and keys.
        clock: Clocks of the connections; else the machine's.

    Raises:
        ConfigError: An address is none, or an exchange lists nothing of the coins asked for.
        UsageError: An exchange is unknown.
        UnreachableError: The machine or the list of instruments does not answer.
    """
    table = InstrumentTable()
    client = TardisClient(table=table, environment=environment, clock=clock)
    await _check_reachable(client.machine_ws_url)
    wanted = []
    for exchange in live.exchanges:
        symbols = live.symbols or await client.listed(exchange, Kind.PERPETUAL)
        named = _of_coins(exchange, symbols, live.assets, Kind.PERPETUAL, table)
        wanted += [
            Subscription(exchange=exchange, symbols=named, data_types=types)
            for types in (("liquidation",), ("quote", "derivative_ticker"))
        ]
    terms = await _option_terms(client, live.option_venues)
    table.add(terms.instruments, terms.fees)
    for venue in live.option_venues:
        named = _of_coins(venue, await client.listed(venue, Kind.OPTION), live.assets, Kind.OPTION, table)
        wanted.append(Subscription(exchange=venue, symbols=named, data_types=("option_summary",)))
    return Connected(sources=[client.stream(wanted)], terms=terms)


async def _option_terms(client: TardisClient, venues: Sequence[str]) -> Terms:
    if not client.has_key:
        return Terms()
    try:
        loaded = [await client.instruments(venue) for venue in venues]
    except RefusedError as error:
        if error.status == _UNKNOWN_KEY:
            raise UnreachableError(
                "Tardis does not know the key of TARDIS_API_KEY: correct it, or unset it, since live data needs none"
            ) from error
        return Terms()  # a plan without contract terms
    options = tuple(each for one in loaded for each in one.instruments if each.kind is Kind.OPTION)
    return Terms(instruments=options, fees=tuple(each for one in loaded for each in one.fees))


async def _check_reachable(url: str) -> None:
    """Find out whether anybody listens at the machine's address, before anything is asked of others."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(parts.hostname, port), _CONNECT_S)
    except (OSError, TimeoutError):
        raise UnreachableError(
            f"no tardis-machine answers at {place_of(url)}: start one (`npx tardis-machine`) or point "
            "AFTERSHOCK_TARDIS_MACHINE_WS_URL at one that runs; recorded data needs none (`aftershock replay`)"
        ) from None
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def _of_coins(
    exchange: str, symbols: Sequence[str], assets: Sequence[str], kind: Kind, table: InstrumentTable
) -> tuple[str, ...]:
    """Return the symbols of a kind and of the coins asked for, as far as their names are understood."""
    found = []
    for symbol in symbols:
        instrument = table.resolve(exchange, symbol)
        if instrument is not None and instrument.kind == kind and instrument.underlying in assets:
            found.append(symbol)
    if not found:
        raise ConfigError(f"{exchange} has no {kind} of {', '.join(assets)} that is known: name other symbols or coins")
    return tuple(found)
