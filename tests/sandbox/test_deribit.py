"""The sandbox's Deribit: its JSON-RPC, its limits, and naive readers that go wrong on its faults."""

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

BOOK = "book.BTC-PERPETUAL.100ms"


def run(
    main: Callable[[Sandbox, aiohttp.ClientSession], Awaitable[None]], *faults: str, times: int | None = None
) -> None:
    async def inside() -> None:
        async with sandbox(*faults, times=times) as box, aiohttp.ClientSession() as session, asyncio.timeout(30):
            await until(lambda: box.deribit.market.books["BTC-PERPETUAL"].bids)
            await main(box, session)

    asyncio.run(inside())


async def ask(box: Sandbox, session: aiohttp.ClientSession, method: str, **params: Any) -> dict[str, Any]:
    async with session.get(f"{box.urls['deribit_http']}/{method}", params=params) as answer:
        found: dict[str, Any] = await answer.json()
        return found


def request(method: str, **params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}


def test_a_chain_can_be_listed_summed_up_and_read_over_http() -> None:
    async def main(box: Sandbox, session: aiohttp.ClientSession) -> None:
        box.deribit.market.revalue()
        options = (await ask(box, session, "public/get_instruments", currency="BTC", kind="option"))["result"]
        rows = (await ask(box, session, "public/get_book_summary_by_currency", currency="BTC", kind="option"))["result"]
        assert {each["instrument_name"] for each in options} == {each["instrument_name"] for each in rows}
        assert any(20 < (row["mark_iv"] or 0) < 200 for row in rows), "percent"
        assert not any("bid_amount" in row for row in rows)
        assert (await ask(box, session, "public/get_instruments", currency="ETH"))["result"] == []
        book = (await ask(box, session, "public/get_order_book", instrument_name="BTC-PERPETUAL"))["result"]
        assert book["bids"][0][0] < book["asks"][0][0]

    run(main)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ([], -32600), ({"method": 7}, -32600), (request("public/nonsense"), -32601),
        (request("public/get_instruments", currency="XXX"), -32602),
        (request("public/ticker", instrument_name="BTC-NONE"), -32602),
        (request("public/get_order_book", instrument_name="BTC-PERPETUAL", depth=-1), -32602),
        (request("private/get_positions"), 13_009),
        (request("public/auth", grant_type="client_credentials", client_id="x"), 13_004),
        ({"method": "public/test", "params": [1]}, -32602),
    ],
    ids=str,
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_the_venue_s_code(asked: object, code: int) -> None:
    async def main(box: Sandbox, session: aiohttp.ClientSession) -> None:
        async with session.post(box.urls["deribit_http"], data=json.dumps(asked)) as answer:
            assert answer.status == 400
            assert (await answer.json())["error"]["code"] == code

    run(main)


def test_raw_channels_need_a_key() -> None:
    async def main(box: Sandbox, session: aiohttp.ClientSession) -> None:
        async with session.ws_connect(box.urls["deribit_ws"]) as socket:
            await socket.send_json(request("public/subscribe", channels=["ticker.BTC-PERPETUAL.raw"]))
            assert (await socket.receive_json())["error"]["code"] == 13_778
            keys = {"client_id": box.deribit.client_id, "client_secret": box.deribit.client_secret}
            await socket.send_json(request("public/auth", grant_type="client_credentials", **keys))
            assert "access_token" in (await socket.receive_json())["result"]
            await socket.send_json(
                request("public/subscribe", channels=["ticker.BTC-PERPETUAL.raw", "ticker.NONE.raw"])
            )
            said = [await socket.receive_json() for _ in range(2)]
            assert ["ticker.BTC-PERPETUAL.raw"] in [each.get("result") for each in said]

    run(main)


def test_a_session_that_asks_too_much_is_ended_with_10028() -> None:
    async def main(box: Sandbox, session: aiohttp.ClientSession) -> None:
        async with session.ws_connect(box.urls["deribit_ws"]) as socket:
            for _ in range(200):
                await socket.send_json(request("public/get_time"))
            answers = [json.loads(message.data) async for message in socket]
            assert [each["error"]["code"] for each in answers if "error" in each] == [10_028]
            assert 100 <= len(answers) < 150

    run(main)


def test_a_session_that_does_not_answer_its_heartbeat_is_ended() -> None:
    async def main(box: Sandbox, session: aiohttp.ClientSession) -> None:
        box.deribit.heartbeat_scale = 0.01
        async with session.ws_connect(box.urls["deribit_ws"]) as socket:
            await socket.send_json(request("public/set_heartbeat", interval=10))
            methods = [json.loads(message.data).get("method") async for message in socket]
            assert methods.count("heartbeat") == 1

    run(main)


class NaiveBook:
    """Adds up whatever comes."""

    def __init__(self) -> None:
        self.sides: dict[str, dict[float, float]] = {"bids": {}, "asks": {}}
        self.taken: list[int] = []

    def take(self, data: dict[str, Any]) -> None:
        self.taken.append(data["change_id"])
        for side, levels in self.sides.items():
            for _, price, amount in data[side]:
                if amount:
                    levels[price] = amount
                else:
                    levels.pop(price, None)


@pytest.mark.parametrize("fault", ["deribit-book-gap", "deribit-book-twice"])
def test_a_book_that_is_only_added_up_does_not_notice(fault: str) -> None:
    async def main(box: Sandbox, session: aiohttp.ClientSession) -> None:
        naive = NaiveBook()
        async with session.ws_connect(box.urls["deribit_ws"]) as socket:
            await socket.send_json(request("public/subscribe", channels=[BOOK]))
            async for message in socket:
                said = json.loads(message.data)
                if said.get("method") == "subscription":
                    naive.take(said["params"]["data"])
                if box.faults.hits.get(fault) and len(naive.taken) > 30:
                    break
        steps = [b - a for a, b in zip(naive.taken, naive.taken[1:], strict=False)]
        assert (2 if fault == "deribit-book-gap" else 0) in steps

    run(main, fault, times=1)
