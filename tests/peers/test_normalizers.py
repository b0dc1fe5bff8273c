"""The real Tardis normalizers, fed by our API and our venue sockets, beside our machine and our client."""

from __future__ import annotations

import asyncio
import json
import urllib.parse
import urllib.request
from collections import Counter
from typing import Any, Literal

import pytest

from aftershock.model.events import Event
from aftershock.venues.tardis.client import TardisClient
from aftershock.venues.tardis.subscription import Subscription
from tests.peers.conftest import Oracle, Running
from tests.peers.printed import fact_of_line, facts_of_event

pytestmark = [pytest.mark.sockets, pytest.mark.subprocess, pytest.mark.slow]

SPAN = {"from": "2022-11-01", "to": "2022-11-01T00:05:00Z"}
FTX: dict[str, Any] = {"exchange": "ftx", "symbols": ["BTC-PERP"], "dataTypes": ["trade", "liquidation"], **SPAN}
DERIBIT: dict[str, Any] = {
    "exchange": "deribit",
    "symbols": ["BTC-PERPETUAL", "BTC-2NOV22-86750-C", "BTC-2NOV22-86750-P", "BTC-2NOV22-90000-C"],
    "dataTypes": ["trade", "liquidation", "option_summary"],
    **SPAN,
}


def replayed(url: str, options: object) -> list[str]:
    query = urllib.parse.urlencode({"options": json.dumps(options)})
    with urllib.request.urlopen(f"{url}/replay-normalized?{query}", timeout=60) as answer:  # noqa: S310 - loopback
        return [str(line) for line in answer.read().decode().splitlines()]


@pytest.mark.parametrize("options", [FTX, DERIBIT, [FTX, DERIBIT]], ids=["ftx", "deribit", "both"])
def test_our_machine_prints_what_the_real_normalizers_print_to_the_letter(
    served: Running, oracle: Oracle, options: object
) -> None:
    real = replayed(oracle.http_url, options)
    ours = replayed(served.box.urls["tardis_machine_http"], options)

    kinds = Counter(json.loads(line)["type"] for line in real)
    assert kinds["trade"] > 100
    assert kinds["liquidation"] > 5
    if isinstance(options, list):  # merged by receive time; what came at one moment has no order of its own
        assert [json.loads(line)["localTimestamp"] for line in real] == sorted(
            json.loads(line)["localTimestamp"] for line in real
        )
    assert sorted(ours) == sorted(real)


@pytest.mark.parametrize("over", ["ws", "http"])
def test_our_client_replays_what_the_real_normalizers_print(oracle: Oracle, over: Literal["ws", "http"]) -> None:
    wanted = [
        Subscription(exchange=each["exchange"], symbols=tuple(each["symbols"]), data_types=tuple(each["dataTypes"]))
        for each in (FTX, DERIBIT)
    ]

    async def read() -> list[Event]:
        client = TardisClient(machine_ws_url=oracle.ws_url, machine_http_url=oracle.http_url, environment={})
        replay = client.replay(wanted, SPAN["from"], SPAN["to"], over=over)
        found = [event async for event in replay]
        assert not replay.report.dropped
        assert not replay.report.incomplete
        return found

    events = asyncio.run(read())
    received = [event.ts_init for event in events]
    assert received == sorted(received)
    printed = Counter(fact_of_line(line) for line in replayed(oracle.http_url, [FTX, DERIBIT]))
    assert Counter(fact for event in events for fact in facts_of_event(event)) == printed


def test_our_client_reads_what_the_real_normalizers_send_live(served: Running, oracle: Oracle) -> None:
    listing = served.box.market.listing
    options = tuple(
        symbol for symbol, venue in zip(listing.symbols, listing.venues, strict=True) if venue == "deribit"
    )[:12]
    wanted = [
        Subscription(exchange="ftx", symbols=("BTC-PERP",), data_types=("trade", "liquidation")),
        Subscription(exchange="deribit", symbols=("BTC-PERPETUAL", "BTC-26DEC26"), data_types=("trade", "liquidation")),
        Subscription(exchange="deribit", symbols=options, data_types=("option_summary",)),
    ]

    async def listen() -> list[Event]:
        stream = TardisClient(machine_ws_url=oracle.ws_url, environment={}).stream(wanted)
        found: list[Event] = []
        facts = 0
        async with asyncio.timeout(60):
            async for event in stream:
                found.append(event)
                facts += len(facts_of_event(event))
                if facts >= 300:
                    await stream.close()
        assert not stream.report.dropped, stream.report.examples
        return found

    events = asyncio.run(listen())
    facts = Counter(fact for event in events for fact in facts_of_event(event))
    printed = Counter(fact_of_line(line) for line in oracle.sent.read_text().splitlines())
    assert sum(facts.values()) >= 300
    assert {fact[0] for fact in facts} >= {"trade", "option_summary"}
    assert facts <= printed  # the last lines may have been on their way when we left
    assert sum((printed - facts).values()) < 50
