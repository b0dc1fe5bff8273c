"""From the `[live]` table to what a tardis-machine is asked for, and back to an event."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from aftershock.app.live.config import LiveConfig
from aftershock.app.live.connect import open_sources
from aftershock.errors import ConfigError, UnreachableError
from aftershock.model.events import Event, Liquidation
from aftershock.sim.servers.sandbox import Sandbox

pytestmark = pytest.mark.sockets

LISTED = {
    "bybit": [{"id": "BTCUSDT", "type": "perpetual"}, {"id": "ETHUSDT", "type": "perpetual"}],
    "deribit": [
        {"id": "BTC-PERPETUAL", "type": "perpetual"},
        {"id": "BTC-27MAR26-60000-C", "type": "option"},
        {"id": "BTC-27MAR20-60000-C", "type": "option", "availableTo": "2020-03-27T08:00:00.000Z"},
        {"id": "ETH-27MAR26-3000-C", "type": "option"},
    ],
}
LIQUIDATION = {
    "type": "liquidation",
    "symbol": "BTCUSDT",
    "exchange": "bybit",
    "price": 90_000,
    "amount": 1.5,
    "side": "sell",
    "timestamp": "2026-03-01T00:00:05.098Z",
    "localTimestamp": "2026-03-01T00:00:05.123Z",
}


@asynccontextmanager
async def tardis(asked: list[dict[str, Any]]) -> AsyncIterator[dict[str, str]]:
    """Serve the list of instruments and the machine's stream; yield the variables that point there."""

    async def details(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        return web.json_response({"id": name, "availableSymbols": LISTED[name]})

    async def stream(request: web.Request) -> web.WebSocketResponse:
        asked.extend(json.loads(request.query["options"]))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(json.dumps(LIQUIDATION))
        async for _ in socket:
            pass
        return socket

    app = web.Application()
    app.router.add_get("/v1/exchanges/{name}", details)
    app.router.add_get("/ws-stream-normalized", stream)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield {
            "AFTERSHOCK_TARDIS_API_URL": f"http://{host}:{port}/v1",
            "AFTERSHOCK_TARDIS_MACHINE_WS_URL": f"ws://{host}:{port}",
        }
    finally:
        await runner.cleanup()


def test_listed_instruments_of_the_coins_are_subscribed_and_what_comes_is_an_event() -> None:
    asked: list[dict[str, Any]] = []
    live = LiveConfig(exchanges=("bybit",), option_venues=("deribit",), assets=("BTC",))

    async def main() -> Event:
        async with tardis(asked) as environment, asyncio.timeout(10):
            (source,) = (await open_sources(live, environment)).sources
            events = aiter(source)
            event = await anext(events)
            await source.close()
            async for _ in events:
                pass
            return event

    event = asyncio.run(main())
    assert isinstance(event, Liquidation)
    assert (event.venue, event.symbol) == ("bybit", "BTCUSDT")
    wanted = {(each["exchange"], kind): each["symbols"] for each in asked for kind in each["dataTypes"]}
    assert wanted == {
        ("bybit", "liquidation"): ["BTCUSDT"],
        ("bybit", "quote"): ["BTCUSDT"],
        ("bybit", "derivative_ticker"): ["BTCUSDT"],
        ("deribit", "option_summary"): ["BTC-27MAR26-60000-C"],
    }


def test_a_coin_that_an_exchange_does_not_list_is_refused_before_anything_is_subscribed() -> None:
    asked: list[dict[str, Any]] = []

    async def main() -> None:
        async with tardis(asked) as environment:
            await open_sources(LiveConfig(exchanges=("bybit",), assets=("SOL",)), environment)

    with pytest.raises(ConfigError, match="bybit has no perpetual of SOL"):
        asyncio.run(main())
    assert asked == []


def test_a_wrong_key_is_told_though_live_data_needs_none() -> None:
    async def main(key: str) -> None:
        async with Sandbox(5) as box:
            environment = {**box.environment, "TARDIS_API_KEY": key or box.key}
            connected = await open_sources(LiveConfig(exchanges=("bybit",)), environment)
            for source in connected.sources:
                await source.close()

    with pytest.raises(UnreachableError, match="does not know the key of TARDIS_API_KEY"):
        asyncio.run(main("TD.wrong"))
    asyncio.run(main(""))


def test_a_password_in_an_address_is_never_shown() -> None:
    url = "ws://me:hunter2@127.0.0.1:9"

    with pytest.raises(UnreachableError, match=r"answers at ws://127.0.0.1:9: start") as raised:
        asyncio.run(open_sources(LiveConfig(), {"AFTERSHOCK_TARDIS_MACHINE_WS_URL": url}))
    assert "hunter2" not in str(raised.value)
