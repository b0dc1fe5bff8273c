"""From the `[live]` table to connected sources: tardis-machine's stream, one connection per request that fits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from aftershock.app.live.config import LiveConfig
from aftershock.app.live.journal import Terms
from aftershock.app.live.source import LiveSource
from aftershock.errors import ConfigError
from aftershock.model.instruments import Kind
from aftershock.model.table import InstrumentTable
from aftershock.venues.tardis.exchanges import active_instruments
from aftershock.venues.tardis.machine import MachineStream, Subscription, check_reachable

__all__ = ["API_URL", "MACHINE_URL", "Connected", "OpenSources", "machine_url", "open_sources"]

MACHINE_URL = "ws://127.0.0.1:8001"
"""Where tardis-machine serves its WebSocket; `AFTERSHOCK_TARDIS_MACHINE_WS_URL` goes before it."""

API_URL = "https://api.tardis.dev/v1"
"""Where Tardis lists instruments; `AFTERSHOCK_TARDIS_API_URL` goes before it."""


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """Sources, and what they know of instruments that the bundled table does not."""

    sources: Sequence[LiveSource]
    terms: Terms = Terms()


OpenSources = Callable[[LiveConfig, Mapping[str, str]], Awaitable[Connected]]
"""Opens what the `[live]` table asks for, with the variables of the process; an `UnreachableError` says why not."""


def machine_url(environment: Mapping[str, str]) -> str:
    """Return the WebSocket address of tardis-machine.

    Raises:
        ConfigError: The variable holds no such address.
    """
    url = environment.get("AFTERSHOCK_TARDIS_MACHINE_WS_URL") or MACHINE_URL
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"ws", "wss"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good:
        raise ConfigError(f"AFTERSHOCK_TARDIS_MACHINE_WS_URL is not a WebSocket address: write one like {MACHINE_URL}")
    return url


async def open_sources(live: LiveConfig, environment: Mapping[str, str]) -> Connected:
    """Ask Tardis for the instruments where none are named, and prepare a stream for each request.

    Raises:
        ConfigError: An exchange is unknown, or lists nothing of the coins asked for.
        UnreachableError: The machine or the list of instruments does not answer.
    """
    url, api = machine_url(environment), environment.get("AFTERSHOCK_TARDIS_API_URL") or API_URL
    await check_reachable(url)
    table = InstrumentTable()
    wanted: list[Subscription] = []
    for exchange in live.exchanges:
        symbols = live.symbols or await _symbols(api, exchange, live.assets, Kind.PERPETUAL, table)
        named = tuple(each for each in symbols if table.resolve(exchange, each) is not None)
        if not named:
            raise ConfigError(
                f"no perpetual of {exchange} is known among {', '.join(symbols)}: name others (`--symbol`)"
            )
        for types in (("liquidation",), ("quote", "derivative_ticker")):
            wanted += Subscription(exchange=exchange, symbols=named, data_types=types).split()
    for venue in live.option_venues:
        options = await _symbols(api, venue, live.assets, Kind.OPTION, table)
        wanted += Subscription(exchange=venue, symbols=options, data_types=("option_summary",)).split()
    return Connected(sources=[MachineStream(url, [each], table) for each in wanted])


async def _symbols(
    api: str, exchange: str, assets: Sequence[str], kind: Kind, table: InstrumentTable
) -> tuple[str, ...]:
    """Return an exchange's active instruments of a kind and of the coins asked for, if their names are understood."""
    found = []
    for listed in await active_instruments(api, exchange):
        instrument = table.resolve(exchange, listed.id)
        if instrument is not None and instrument.kind == kind and instrument.underlying in assets:
            found.append(listed.id)
    if not found:
        raise ConfigError(f"{exchange} lists no active {kind} of {', '.join(assets)}: name another exchange or coin")
    return tuple(found)
