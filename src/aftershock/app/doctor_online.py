"""What the outside services say when they are asked: whether they answer, what a key may read, how their clocks run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from aftershock.app.checks import Check
from aftershock.app.live.reviewer import chosen_providers
from aftershock.errors import AftershockError
from aftershock.model.units import NS_PER_MS
from aftershock.review.config import GatewayConfig
from aftershock.review.providers import Provider
from aftershock.venues.backpack.client import BackpackOptionsClient
from aftershock.venues.connection.clock import Clock, SystemClock, within
from aftershock.venues.connection.http import RefusedError, get_json
from aftershock.venues.connection.text import place_of, printable
from aftershock.venues.deribit.client import DeribitClient
from aftershock.venues.tardis.client import TardisClient
from aftershock.venues.tardis.exchanges import LIQUIDATION_EXCHANGES, exchange_list

__all__ = ["reach"]

_DEADLINE_S = 5.0
_PROBE_S = 15.0
_WARN_MS, _HALT_MS = 50, 200
_EXTRAS = {"aiohttp": "live", "cryptography": "live", "uvloop": "live", "pyarrow": "data"}


async def reach(
    environment: Mapping[str, str], gateway: GatewayConfig | None = None, clock: Clock | None = None
) -> list[Check]:
    """Ask Tardis' API, tardis-machine, Deribit, Backpack and providers of models, a few seconds at most.

    Args:
        environment: Addresses and keys.
        gateway: Which providers count; None for the default.
        clock: What offsets are held against; else the machine's.
    """
    missing = [f"{name} (extra `{extra}`)" for name, extra in _EXTRAS.items() if find_spec(name) is None]
    extras = Check(
        "extras", "warning" if missing else "ok", f"not installed: {', '.join(missing)}" if missing else "all"
    )
    if find_spec("aiohttp") is None:
        return [extras]
    clock = clock or SystemClock()
    try:
        client = TardisClient(environment=environment, clock=clock)
    except AftershockError as error:
        return [extras, Check("Tardis", "failed", str(error))]
    asked = await asyncio.gather(
        _api(client, clock),
        _key(client, clock),
        _machine(client, clock),
        _deribit(environment, clock),
        _backpack(environment, clock),
        _models(environment, gateway or GatewayConfig(), clock),
    )
    return [extras, *(check for found in asked for check in ([found] if isinstance(found, Check) else found))]


async def _api(client: TardisClient, clock: Clock) -> Check:
    try:
        known = await exchange_list(client.api_url, clock)
    except AftershockError as error:
        return Check("Tardis API", "warning", str(error))
    ids = {each.id for each in known}
    liquidations = [each for each in LIQUIDATION_EXCHANGES if each in ids]
    return Check(
        "Tardis API", "ok", f"{place_of(client.api_url)}: {len(known)} exchanges, {len(liquidations)} with liquidations"
    )


async def _key(client: TardisClient, clock: Clock) -> Check:
    if not client.has_key:
        return Check("Tardis key", "info", "none: live data needs none, of history the first day of each month is free")
    try:
        rights: Any = await get_json(
            f"{client.api_url}/api-key-info", who="the Tardis API", clock=clock, headers=client.authorization(),
            deadline_s=_DEADLINE_S,
        )  # fmt: skip
    except RefusedError as error:
        return Check("Tardis key", "warning", f"refused ({error.status}): check or renew it")
    except AftershockError as error:
        return Check("Tardis key", "warning", str(error))
    if not isinstance(rights, list) or not rights:
        return Check("Tardis key", "warning", "known, but it grants nothing: it has expired, or belongs to no plan")
    names = [printable(str(each.get("exchange"))) for each in rights if isinstance(each, dict)]
    return Check("Tardis key", "ok", f"may read {len(names)} exchanges: {', '.join(names[:6])}")


async def _models(environment: Mapping[str, str], gateway: GatewayConfig, clock: Clock) -> list[Check]:
    """Return which providers of models take their key and list their model; nothing is asked that costs money."""
    try:
        found = chosen_providers(gateway, environment)
    except AftershockError as error:
        return [Check("models", "failed", str(error))]
    if not found.asked:
        return [Check("models", "info", "no provider has a key: `run --review` is then without an answer")]
    pairs = [
        (provider, key, gateway.model if number == 0 and gateway.model else provider.model)
        for number, (provider, key) in enumerate(found.asked)
    ]
    return list(await asyncio.gather(*(_model(provider, key, model, clock) for provider, key, model in pairs)))


async def _model(provider: Provider, key: str, model: str, clock: Clock) -> Check:
    name = f"model {provider.name}"
    try:
        listed: Any = await get_json(
            f"{provider.base_url}/models", who=f"the provider {provider.name}", clock=clock,
            headers={"Authorization": f"Bearer {key}"} if key else {}, deadline_s=_DEADLINE_S,
        )  # fmt: skip
    except RefusedError as error:
        return Check(name, "warning", f"refused ({error.status}): check the key and the account")
    except AftershockError as error:
        return Check(name, "warning", str(error))
    rows = listed.get("data") if isinstance(listed, dict) else None
    ids = {str(each.get("id")) for each in rows if isinstance(each, dict)} if isinstance(rows, list) else set()
    where = place_of(provider.base_url)
    if model not in ids:
        return Check(name, "warning", printable(f"{where} takes the key and does not list {model}: set gateway.model"))
    return Check(name, "ok", printable(f"{where} takes the key and lists {model} among {len(ids)} models"))


async def _deribit(environment: Mapping[str, str], clock: Clock) -> list[Check]:
    """Return whether Deribit answers, whose clock is off, how many options of BTC it lists, and what its key may do."""
    try:
        client = DeribitClient(environment=environment, clock=clock)
        offset_ms = 1_000 * await within(clock, _DEADLINE_S, client.clock_offset_s())
        chain = await within(clock, _PROBE_S, client.chain("BTC"))
    except TimeoutError:
        return [Check("Deribit", "warning", f"does not answer within {_PROBE_S:g} s: try again later")]
    except AftershockError as error:
        return [Check("Deribit", "warning", str(error))]
    said = f"{place_of(client.http_url)}: {len(chain)} options of BTC; its clock is {offset_ms:+,.0f} ms off ours"
    found = Check("Deribit", "ok" if abs(offset_ms) <= _WARN_MS else "warning", said)
    return [found, await _deribit_key(client, clock)]


async def _deribit_key(client: DeribitClient, clock: Clock) -> Check:
    if not client.has_key:
        return Check("Deribit key", "info", "none: market data needs none; fees of the account do")
    try:
        listed = await within(clock, _PROBE_S, client.listed("BTC"))
        fees, notes = await within(clock, _DEADLINE_S, client.fees(listed))
    except TimeoutError:
        return Check("Deribit key", "warning", "no answer on the account: try again later")
    except AftershockError as error:
        return Check("Deribit key", "warning", str(error))
    rates = ", ".join(f"{each.kind.value}s {each.taker_bps:.4g} bps" for each in fees)
    return Check("Deribit key", "warning" if notes else "ok", "; ".join((f"known: {rates} as taker", *notes)))


async def _backpack(environment: Mapping[str, str], clock: Clock) -> list[Check]:
    """Return what Backpack offers today, and what its key may do."""
    try:
        async with BackpackOptionsClient(environment=environment, clock=clock) as client:
            where = place_of(client.rest_url)
            offset_ms = 1_000 * await within(clock, _DEADLINE_S, client.clock_offset_s())
            found = await within(clock, _PROBE_S, client.capabilities())
            checks = [Check("Backpack", "ok" if found.has_options else "info", f"{where} {found.text()}")]
            if abs(offset_ms) > _WARN_MS:
                said = f"{where}: its clock is {offset_ms:+,.0f} ms off ours, so set this machine's clock"
                checks.append(Check("Backpack clock", "warning", said))
            checks.append(await _backpack_key(client, clock))
            return checks
    except TimeoutError:
        return [Check("Backpack", "warning", f"does not answer within {_PROBE_S:g} s: try again later")]
    except AftershockError as error:
        return [Check("Backpack", "warning", str(error))]


async def _backpack_key(client: BackpackOptionsClient, clock: Clock) -> Check:
    if not client.has_key:
        return Check("Backpack key", "info", "none: market data needs none; fees and orders of the account do")
    try:
        account = await within(clock, _DEADLINE_S, client.account())
    except TimeoutError:
        return Check("Backpack key", "warning", "no answer on the account: try again later")
    except AftershockError as error:
        return Check("Backpack key", "warning", str(error))
    option = account.option_taker_fee
    fees = f"perpetuals {account.futures_taker_fee or 'unknown'} bps, options {option or 'unknown'} bps as taker"
    if account.liquidating:
        return Check("Backpack key", "warning", printable(f"the account is being LIQUIDATED; {fees}"))
    return Check("Backpack key", "ok", printable(f"known: {fees}"))


async def _machine(client: TardisClient, clock: Clock) -> Check:
    before = clock.wall_ns()
    try:
        health: Any = await get_json(
            f"{client.machine_http_url}/health-check", who="tardis-machine", clock=clock, deadline_s=_DEADLINE_S
        )
    except AftershockError:
        return Check(
            "tardis-machine",
            "warning",
            f"none answers at {place_of(client.machine_http_url)}: live data needs one that you run "
            "(`npx tardis-machine`), or the sandbox (`aftershock sandbox`)",
        )
    middle_ms = (before + clock.wall_ns()) / 2 / NS_PER_MS
    theirs = health.get("timestampMs") if isinstance(health, dict) else None
    if not isinstance(theirs, (int, float)):
        return Check("tardis-machine", "warning", "what answers there is no tardis-machine: check its address")
    offset = theirs - middle_ms
    said = f"{place_of(client.machine_http_url)}; its clock is {offset:+,.0f} ms off ours"
    if abs(offset) <= _WARN_MS:
        return Check("tardis-machine", "ok", said)
    advice = f"beyond {_HALT_MS} ms nothing is decided, so set this machine's clock"
    return Check("tardis-machine", "warning", f"{said}: {advice}")
