"""From the `[live]` table to sources: a stream of `TardisClient`, and one of each venue that is spoken to itself."""

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
from aftershock.model.instruments import FeeSchedule, Kind
from aftershock.model.table import InstrumentTable
from aftershock.venues.backpack.client import BackpackOptionsClient
from aftershock.venues.connection.clock import Clock
from aftershock.venues.connection.http import RefusedError
from aftershock.venues.connection.text import place_of
from aftershock.venues.deribit.client import DeribitClient
from aftershock.venues.tardis.client import TardisClient
from aftershock.venues.tardis.subscription import Subscription

__all__ = ["BACKPACK", "DERIBIT", "Connected", "OpenSources", "connect_backpack", "open_sources"]

BACKPACK, DERIBIT = "backpack", "deribit"
"""The first is always spoken to itself, as Tardis does not have it; the second where `live.direct` names it."""
_CONNECT_S = 5.0
_UNKNOWN_KEY = 401


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """Sources, and what they know of instruments that the bundled table does not."""

    sources: Sequence[LiveSource]
    terms: Terms = Terms()


OpenSources = Callable[[LiveConfig, Mapping[str, str]], Awaitable[Connected]]
"""Opens what the `[live]` table asks for, with the variables of the process; an `UnreachableError` says why not."""


async def open_sources(live: LiveConfig, environment: Mapping[str, str], clock: Clock | None = None) -> Connected:
    """Ask Tardis for the instruments where none are named, Backpack for its own, and prepare the streams of all.

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
    named = (*live.exchanges, *live.option_venues)
    itself = [each for each in (BACKPACK, *live.direct) if each in named]
    through_tardis = msgspec.structs.replace(
        live,
        exchanges=tuple(each for each in live.exchanges if each not in itself),
        option_venues=tuple(each for each in live.option_venues if each not in itself),
    )
    parts = []
    if through_tardis.exchanges or through_tardis.option_venues:
        parts.append(await _tardis(through_tardis, environment, clock))
    if BACKPACK in itself:
        parts.append(await _backpack(live, environment, clock))
    if DERIBIT in itself:
        parts.append(await _deribit(live, environment, clock))
    return Connected(
        sources=[source for part in parts for source in part.sources],
        terms=Terms(
            instruments=tuple(each for part in parts for each in part.terms.instruments),
            fees=tuple(each for part in parts for each in part.terms.fees),
        ),
    )


async def _backpack(live: LiveConfig, environment: Mapping[str, str], clock: Clock | None) -> Connected:
    client = BackpackOptionsClient(environment=environment, clock=clock)
    try:
        return await connect_backpack(
            client, live.assets, perpetuals=BACKPACK in live.exchanges, options=BACKPACK in live.option_venues
        )
    finally:
        await client.close_requests()


async def _deribit(live: LiveConfig, environment: Mapping[str, str], clock: Clock | None) -> Connected:
    client = DeribitClient(environment=environment, clock=clock)
    perpetuals, options = DERIBIT in live.exchanges, DERIBIT in live.option_venues
    listed = [await client.listed(asset) for asset in live.assets]
    stream = client.stream(live.assets, perpetuals=perpetuals, options=options)
    fees: list[FeeSchedule] = []
    for one in listed:
        own, notes = await client.fees(one) if client.has_key else (one.terms.fees, ())
        fees += own
        for note in notes:
            stream.report.note(note)
    instruments = tuple(each for one in listed for each in one.terms.instruments)
    return Connected(sources=[stream], terms=Terms(instruments=instruments, fees=tuple(fees)))


async def connect_backpack(
    client: BackpackOptionsClient, assets: Sequence[str], *, perpetuals: bool, options: bool
) -> Connected:
    """Ask Backpack for its instruments and the account's fees, and prepare the stream of both.

    Args:
        client: Its fees are asked for if it has a key.
        assets: Coins.
        perpetuals: Whether to listen to their perpetuals.
        options: Whether to listen to their option chains.

    Raises:
        ConfigError: The key can't be one, or none of that is listed.
        UnreachableError: Backpack does not answer, or refuses the key.
    """
    listed = [each for asset in assets for each in await client.instruments(asset)]
    kinds = {Kind.PERPETUAL: perpetuals, Kind.OPTION: options}
    instruments = tuple(each for each in listed if kinds.get(each.kind, False))
    missing = [kind for kind, wanted in kinds.items() if wanted and not any(i.kind is kind for i in instruments)]
    if missing:
        found = await client.capabilities()
        advice = "use Deribit's chain (--option-venue deribit)" if Kind.OPTION in missing else "name other coins"
        raise ConfigError(
            f"Backpack has no {missing[0]} of {', '.join(assets)}: it {found.text()}; {advice}, or the sandbox"
        )
    fees = await client.fees() if client.has_key else ()
    stream = client.stream(assets, perpetuals=perpetuals, options=options)
    return Connected(sources=[stream], terms=Terms(instruments=instruments, fees=fees))


async def _tardis(live: LiveConfig, environment: Mapping[str, str], clock: Clock | None) -> Connected:
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
