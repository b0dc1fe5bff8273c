"""A sandbox in the test's own loop, a client of ours with short deadlines, and a naive one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from aftershock.model.events import Event
from aftershock.sim.servers.sandbox import Sandbox
from aftershock.venues.connection.settings import ConnectionSettings
from aftershock.venues.tardis.client import TardisClient
from aftershock.venues.tardis.live import LiveSettings, LiveStream
from aftershock.venues.tardis.subscription import Subscription
from tests.connection.fakes import until

QUOTES = tuple(
    Subscription(exchange=exchange, symbols=(symbol,), data_types=("quote", "trade", "liquidation"))
    for exchange, symbol in (
        ("ftx-restart", "BTC-PERP"),
        ("binance-futures", "BTCUSDT"),
        ("bybit", "BTCUSDT"),
        ("deribit", "BTC-PERPETUAL"),
    )
)
QUICK = ConnectionSettings(
    connect_s=2.0,
    handshake_s=0.3,
    first_byte_s=0.3,
    ping_every_s=0.3,
    pong_within_s=0.3,
    backoff_s=0.01,
    backoff_cap_s=0.02,
    close_s=0.1,
)


@asynccontextmanager
async def sandbox(*faults: str, times: int | None = None, warm: bool = True) -> AsyncIterator[Sandbox]:
    """Serve a market that is busy from the start: its calm minutes are played thirty times too fast."""
    box = Sandbox(5, warm_up_s=90.0 if warm else 0.0, warm_up_takes_s=3.0)
    for fault in faults:
        box.faults.switch_on(fault, times)
    async with box:
        yield box


async def until_quoted(box: Sandbox) -> None:
    """Wait until Backpack's perpetual and its options are quoted."""
    market = box.backpack.market
    await until(lambda: market.books["BTC_USDC_PERP"].bids and market.documents() and len(market.marks) > 20)


def client(box: Sandbox, connection: ConnectionSettings = QUICK) -> TardisClient:
    return TardisClient(settings=LiveSettings(connection=connection), environment=box.environment)


async def collect(
    box: Sandbox, count: int, *, wanted: tuple[Subscription, ...] = QUOTES, connection: ConnectionSettings = QUICK
) -> tuple[list[Event], LiveStream]:
    """Listen until so many events have come, then close and take what is left."""
    stream = client(box, connection).stream(wanted)
    found: list[Event] = []
    async with asyncio.timeout(20):
        async for event in stream:
            found.append(event)
            if len(found) == count:
                await stream.close()
    return found, stream


class Naive:
    """What a script would do: connect, decode, add up.

    Attributes:
        trades: Prints by type, exchange and id.
        prices: Last middle price by symbol.
        counted: Messages.
    """

    def __init__(self) -> None:
        self.trades: list[tuple[str, str, str | None]] = []
        self.prices: dict[str, float] = {}
        self.crossed = 0
        self.counted = 0
        self.times: list[str] = []

    async def run(self, box: Sandbox, count: int = 200, wanted: tuple[Subscription, ...] = QUOTES) -> None:
        """Listen until so many messages came or the connection ended."""
        options = [
            {"exchange": each.exchange, "symbols": list(each.symbols), "dataTypes": list(each.data_types)}
            for each in wanted
        ]
        url = f"{box.urls['tardis_machine_ws']}/ws-stream-normalized"
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url, params={"options": json.dumps(options)}) as socket,
        ):
            async for message in socket:
                self._use(json.loads(message.data))
                if self.counted >= count:
                    return

    def _use(self, message: dict[str, Any]) -> None:
        self.counted += 1
        if message["type"] == "book_snapshot":
            bid, ask = message["bids"][0]["price"], message["asks"][0]["price"]
            self.crossed += bid > ask
            self.prices[message["symbol"]] = (bid + ask) / 2
        else:
            self.trades.append((message["type"], message["exchange"], message.get("id")))
            self.prices[message["symbol"]] = message["price"] + 0 * message["amount"]
        self.times.append(message["localTimestamp"])
