"""The sandbox's tardis-machine says what the real one says, and lets nobody in who is not of this machine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from aftershock.sim.servers.sandbox import Sandbox
from tests.connection.fakes import until
from tests.sandbox.box import sandbox

pytestmark = pytest.mark.sockets

DAY = {"from": "2022-11-01", "to": "2022-11-01T00:03:00Z"}
FTX = {"exchange": "ftx", "symbols": ["BTC-PERP"], "dataTypes": ["trade", "liquidation"], **DAY}


def run(main: Callable[[Sandbox, aiohttp.ClientSession], Awaitable[None]], *faults: str) -> None:
    async def inside() -> None:
        async with sandbox(*faults, warm=False) as box, aiohttp.ClientSession() as session:
            await main(box, session)

    asyncio.run(inside())


async def replay(box: Sandbox, session: aiohttp.ClientSession, options: object) -> tuple[int, str]:
    url = f"{box.urls['tardis_machine_http']}/replay-normalized"
    async with session.get(url, params={"options": json.dumps(options)}) as response:
        return response.status, await response.text()


async def closing(box: Sandbox, session: aiohttp.ClientSession, route: str, options: object) -> tuple[list[str], int]:
    """Return what a socket sent until its end, and its code."""
    url = f"{box.urls['tardis_machine_ws']}/{route}"
    async with session.ws_connect(url, params={"options": json.dumps(options)}) as socket:
        texts = [message.data async for message in socket]
        return texts, socket.close_code or 0


REFUSED = [
    ({**FTX, "exchange": "ftx-us", "dataTypes": ["liquidation"]}, "normalizeLiquidations: ftx-us not supported"),
    ({**FTX, "dataTypes": ["option_summary"]}, "normalizeOptionsSummary: ftx not supported"),
    ({**FTX, "dataTypes": ["candles"]}, "Can't normalize data without any normalizers provided"),
    ({"exchange": "ftx", **DAY}, "Cannot read properties of undefined (reading 'includes')"),
    ({**FTX, "to": "2022-10-31"}, 'Invalid "to" and "from" arguments combination'),
]


@pytest.mark.parametrize(("options", "says"), REFUSED, ids=[says[:24] for _, says in REFUSED])
def test_what_makes_no_sense_is_refused_as_the_machine_refuses_it(options: dict[str, Any], says: str) -> None:
    async def main(box: Sandbox, session: aiohttp.ClientSession) -> None:
        status, text = await replay(box, session, options)
        assert status == 500
        assert says in json.loads(text)["message"]
        assert await closing(box, session, "ws-replay-normalized", options) == ([], 1011)

    run(main)


def test_both_ways_of_a_replay_give_the_same_lines_and_the_socket_says_that_it_is_whole() -> None:
    async def main(box: Sandbox, session: aiohttp.ClientSession) -> None:
        status, text = await replay(box, session, FTX)
        texts, code = await closing(box, session, "ws-replay-normalized", FTX)
        assert (status, code) == (200, 1000)
        assert text.splitlines() == texts
        kinds = [json.loads(line)["type"] for line in texts]
        assert kinds.count("trade") > kinds.count("liquidation") > 0

    run(main)


def test_a_replay_may_break_off_inside_its_answer() -> None:
    async def main(box: Sandbox, session: aiohttp.ClientSession) -> None:
        status, text = await replay(box, session, FTX)
        assert status == 200
        assert not text.endswith("\n")
        assert "type" not in json.loads(text.splitlines()[-1])

    run(main, "failure-in-200")


def test_prints_of_the_simulated_venue_are_flagged_trades() -> None:
    """As on FTX and Deribit: a liquidation comes as a trade, too, with one id."""

    async def main(box: Sandbox, session: aiohttp.ClientSession) -> None:
        _, text = await replay(box, session, FTX)
        lines = [json.loads(line) for line in text.splitlines()]
        ids = {line["type"]: {each["id"] for each in lines if each["type"] == line["type"]} for line in lines}
        assert ids["liquidation"] <= ids["trade"]

    run(main)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:80"}, 200),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:80"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
    ids=str,
)
def test_a_web_page_is_not_answered(headers: dict[str, str], status: int) -> None:
    async def main(box: Sandbox, session: aiohttp.ClientSession) -> None:
        for url in (f"{box.urls['tardis_machine_http']}/health-check", f"{box.urls['tardis_api']}/exchanges"):
            async with session.get(url, headers=headers) as response:
                assert response.status == status

    run(main)


def test_faults_are_switched_with_the_token_only() -> None:
    async def main(box: Sandbox, session: aiohttp.ClientSession) -> None:
        async def switch(body: object, token: str) -> tuple[int, str]:
            headers = {"Authorization": f"Bearer {token}"}
            async with session.post(box.urls["control"], json=body, headers=headers) as response:
                return response.status, await response.text()

        assert (await switch({"on": ["gap"]}, "guess"))[0] == 401
        assert not box.faults.on("gap")
        assert (await switch({"on": ["gap"], "times": 1}, box.token))[0] == 200
        assert box.faults.on("gap")
        status, text = await switch({"on": ["nonsense"]}, box.token)
        assert status == 400
        assert "no-handshake" in text
        wrong: object
        for wrong in ([], {"on": 3}, {"times": 1}, {"on": ["gap"], "times": "x"}, {"on": ["x" * (1 << 17)]}):
            assert (await switch(wrong, box.token))[0] in (400, 413)

    run(main)


def test_the_token_that_switches_faults_is_no_variable_of_a_client() -> None:
    async def main(box: Sandbox, _session: aiohttp.ClientSession) -> None:
        assert box.key not in repr(box)
        assert box.token not in json.dumps(box.environment)

    run(main)


DEEP = "[" * 200_000


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("exchanges", {"Authorization": "Bearer \udcff"}),
        ("instruments/deribit", {"Authorization": "Bearer \udcff"}),
        ("instruments/deribit?filter={}", {}),
        ("data-feeds/ftx?from=2022-11-01&offset=999999999999999", {}),
        ("data-feeds/ftx?from=0001-01-01T00:00%2B14:00", {}),
        ('data-feeds/ftx?from=2022-11-01&filters=[{"channel":"trades","symbols":7}]', {}),
        ("data-feeds/ftx?from=2022-11-01&filters=" + DEEP[:6_000], {}),
    ],
)
def test_nonsense_is_refused_and_never_a_fault_of_the_server(path: str, headers: dict[str, str]) -> None:
    async def main(box: Sandbox, _session: aiohttp.ClientSession) -> None:
        host, port = box.urls["tardis_api"].split("/")[2].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        lines = [f"GET /v1/{path} HTTP/1.1", f"Host: {host}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape"))
        status = int((await reader.readline()).split()[1])
        writer.close()
        assert status < 500

    run(main)


@pytest.mark.parametrize(
    "body", ['{"on": ["silence", "nope"]}', '{"on": ["silence"], "times": 1e999}', '{"on": "silence"}', DEEP, "\xff"]
)
def test_faults_are_switched_all_or_not_at_all(body: str) -> None:
    async def main(box: Sandbox, session: aiohttp.ClientSession) -> None:
        headers = {"Authorization": f"Bearer {box.token}"}
        async with session.post(box.urls["control"], data=body[:60_000].encode("latin-1"), headers=headers) as response:
            assert response.status == 400
        assert box.faults.on("gap")
        assert not box.faults.on("silence")

    run(main, "gap")


@pytest.mark.parametrize("where", ["machine", "venue"])
def test_a_client_that_falls_too_far_behind_is_closed(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aftershock.sim.servers.outbox._MOST_WAITING", 2)

    async def main() -> None:
        async with sandbox() as box, aiohttp.ClientSession() as session, asyncio.timeout(20):
            options = [{"exchange": "deribit", "dataTypes": ["option_summary", "quote", "trade"]}]
            url = box.urls["deribit_recorder_ws"]
            if where == "machine":
                url = f"{box.urls['tardis_machine_ws']}/ws-stream-normalized?options={json.dumps(options)}"
            async with session.ws_connect(url) as socket:
                names = [f"ticker.{symbol}.raw" for symbol in box.market.listing.symbols]
                await socket.send_json({"method": "public/subscribe", "id": 1, "params": {"channels": names}})
                async for _ in socket:
                    pass
                assert socket.close_code == 1008

    asyncio.run(main())


@pytest.mark.parametrize("fault", ["no-handshake", "no-first-byte"])
def test_what_a_fault_keeps_waiting_ends_with_its_client(fault: str) -> None:
    async def main(box: Sandbox, _session: aiohttp.ClientSession) -> None:
        host, port = box.urls["tardis_machine_ws"].split("/")[2].split(":")
        before = len(asyncio.all_tasks())
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            f"GET /ws-stream-normalized?options=[] HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            .encode()
        )  # fmt: skip
        async with asyncio.timeout(5):
            await until(lambda: box.faults.hits.get(fault))
            writer.transport.abort()
            await until(lambda: len(asyncio.all_tasks()) <= before)
        del reader

    run(main, fault)
