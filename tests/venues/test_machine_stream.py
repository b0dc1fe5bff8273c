"""The live stream of tardis-machine, against servers that behave and that do not."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import WSCloseCode, web

from aftershock.errors import ConfigError, UnreachableError
from aftershock.model.events import Event, Gap, Liquidation, OptionQuotes, Quote, Restored, Stale, StreamId
from aftershock.model.table import InstrumentTable
from aftershock.venues.tardis.exchanges import active_instruments
from aftershock.venues.tardis.machine import MachineStream, Subscription, check_reachable

pytestmark = pytest.mark.sockets

WANTED = Subscription(exchange="ftx", symbols=("BTC-PERP",), data_types=("liquidation",))
Play = Callable[[web.WebSocketResponse, int], Awaitable[None]]


def liquidation(number: int, **changes: object) -> str:
    fields: dict[str, object] = {
        "type": "liquidation",
        "symbol": "BTC-PERP",
        "exchange": "ftx",
        "id": str(number),
        "price": 20_480,
        "amount": 1.5,
        "side": "sell",
        "timestamp": "2022-11-01T00:00:05.098533Z",
        "localTimestamp": "2022-11-01T00:00:05.123533Z",
    }
    return json.dumps({key: value for key, value in {**fields, **changes}.items() if value is not None})


@asynccontextmanager
async def machine(play: Play, asked: list[object] | None = None) -> AsyncIterator[str]:
    """Serve `/ws-stream-normalized`; `play` gets each connection and its number."""
    count = 0

    async def serve(request: web.Request) -> web.WebSocketResponse:
        nonlocal count
        if asked is not None:
            asked.append(json.loads(request.query["options"]))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        count += 1
        await play(socket, count)
        return socket

    app = web.Application()
    app.router.add_get("/ws-stream-normalized", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"ws://{host}:{port}"
    finally:
        await runner.cleanup()


async def no_wait(_seconds: float) -> None:
    await asyncio.sleep(0)


async def take(url: str, count: int, wanted: Subscription = WANTED) -> tuple[list[Event], MachineStream]:
    """Take so many events and close."""
    stream = MachineStream(url, [wanted], InstrumentTable(), sleep=no_wait, seed=1)
    found: list[Event] = []
    iterator = aiter(stream)
    async with asyncio.timeout(10):
        while len(found) < count:
            found.append(await anext(iterator))
        await stream.close()
        async for _ in iterator:
            pass
    return found, stream


def run(play: Play, count: int, wanted: Subscription = WANTED) -> tuple[list[Event], MachineStream]:
    async def main() -> tuple[list[Event], MachineStream]:
        async with machine(play) as url:
            return await take(url, count, wanted)

    return asyncio.run(main())


def ids(events: list[Event]) -> list[str]:
    return [event.liquidation_id for event in events if isinstance(event, Liquidation)]


async def until_closed(socket: web.WebSocketResponse) -> None:
    async for _ in socket:
        pass


def test_what_is_asked_for_is_what_tardis_machine_understands() -> None:
    asked: list[object] = []

    async def play(socket: web.WebSocketResponse, _number: int) -> None:
        await socket.send_str(liquidation(1))
        await until_closed(socket)

    async def main() -> None:
        async with machine(play, asked) as url:
            await take(url, 1)

    asyncio.run(main())
    assert asked == [
        [
            {
                "exchange": "ftx",
                "symbols": ["BTC-PERP"],
                "dataTypes": ["liquidation"],
                "withDisconnectMessages": True,
                "withErrorMessages": True,
                "timeoutIntervalMS": 1_800_000,
            }
        ]
    ]


def test_messages_become_events_with_our_clock_and_the_venue_s() -> None:
    quote = {
        "type": "book_snapshot",
        "name": "quote",
        "symbol": "BTC-PERP",
        "exchange": "ftx",
        "depth": 1,
        "interval": 0,
        "bids": [{"price": 20_480, "amount": 1}],
        "asks": [{}],
        "timestamp": "2022-11-01T00:00:05.098Z",
        "localTimestamp": "2022-11-01T00:00:05.123Z",
    }
    option = {
        "type": "option_summary",
        "symbol": "BTC-25NOV22-20000-P",
        "exchange": "ftx",
        "optionType": "put",
        "strikePrice": 20_000,
        "expirationDate": "2022-11-25T08:00:00.000Z",
        "markPrice": 0.0172,
        "timestamp": "2022-11-01T00:00:02.499Z",
        "localTimestamp": "2022-11-01T00:00:02.503Z",
    }

    async def play(socket: web.WebSocketResponse, _number: int) -> None:
        for text in (liquidation(1), json.dumps(quote), json.dumps(option)):
            await socket.send_str(text)
        await until_closed(socket)

    (first, second, third), stream = run(play, 3)
    assert isinstance(first, Liquidation)
    assert first.ts_event == 1_667_260_805_098_533_000
    assert first.ts_init > 1_790_000_000_000_000_000, "ours is the moment of receipt, not Tardis' localTimestamp"
    assert isinstance(second, Quote)
    assert second.bid == 20_480.0
    assert math.isnan(second.ask)
    assert isinstance(third, OptionQuotes)
    assert stream.lag_ns["ftx"] > 0


def test_a_lost_connection_is_a_gap_from_the_last_message_to_the_next_and_nothing_comes_twice() -> None:
    async def play(socket: web.WebSocketResponse, number: int) -> None:
        for i in (1, 2) if number == 1 else (2, 3):  # a venue sends its last message again
            await socket.send_str(liquidation(i))
        if number == 1:
            await socket.close()
        else:
            await until_closed(socket)

    events, stream = run(play, 6)
    assert ids(events) == ["1", "2", "3"]
    assert [type(event) for event in events] == [Liquidation, Liquidation, Stale, Gap, Restored, Liquidation]
    gap = events[3]
    assert isinstance(gap, Gap)
    assert gap.stream == StreamId("ftx", "liquidations", "")
    assert (gap.from_ts, gap.to_ts) == (events[1].ts_init, events[5].ts_init)
    assert stream.reconnects == 1
    assert stream.dropped == {"sent again after a reconnect": 1}


def test_a_venue_that_the_machine_lost_is_a_gap_although_our_socket_stayed() -> None:
    async def play(socket: web.WebSocketResponse, _number: int) -> None:
        await socket.send_str(liquidation(1))
        await socket.send_str(json.dumps({"type": "error", "exchange": "ftx", "localTimestamp": "x", "details": "no"}))
        await socket.send_str(
            json.dumps({"type": "disconnect", "exchange": "ftx", "localTimestamp": "2022-11-01T00:00:05Z"})
        )
        await socket.send_str(liquidation(2))
        await until_closed(socket)

    events, stream = run(play, 5)
    assert [type(event) for event in events] == [Liquidation, Stale, Gap, Restored, Liquidation]
    assert stream.reconnects == 0
    assert stream.dropped == {"error of the machine": 1}


@pytest.mark.parametrize(
    "text",
    [
        "garbage",
        liquidation(2)[:-20],
        liquidation(2, price="much"),
        liquidation(2, price=-1),
        liquidation(2, symbol="BTC\x1b[2J"),
        liquidation(2, timestamp="yesterday"),
        "[" * 100_000,
    ],
    ids=["garbage", "half", "text for a number", "negative", "control character", "no time", "deep"],
)
def test_a_frame_that_can_t_be_read_is_counted_and_is_a_gap(text: str) -> None:
    async def play(socket: web.WebSocketResponse, _number: int) -> None:
        for each in (liquidation(1), text, liquidation(3)):
            await socket.send_str(each)
        await until_closed(socket)

    events, stream = run(play, 5)
    assert [type(event) for event in events] == [Liquidation, Stale, Gap, Restored, Liquidation]
    assert ids(events) == ["1", "3"]
    assert sum(stream.dropped.values()) == 1


def test_a_frame_of_ten_megabytes_ends_the_connection_and_is_a_gap() -> None:
    async def play(socket: web.WebSocketResponse, number: int) -> None:
        await socket.send_str(liquidation(number))
        if number == 1:
            await socket.send_str("x" * 10_000_000)
        await until_closed(socket)

    events, stream = run(play, 5)
    assert [type(event) for event in events] == [Liquidation, Stale, Gap, Restored, Liquidation]
    assert stream.reconnects == 1


def test_fifty_disconnects_at_random_lose_nothing_outside_a_gap() -> None:
    sent: list[int] = []

    async def play(socket: web.WebSocketResponse, number: int) -> None:
        for i in range(1 + number * 7 % 5):
            await socket.send_str(liquidation(100 * number + i))
            sent.append(100 * number + i)
        if number <= 50:
            await (socket.close() if number % 2 else socket.close(code=WSCloseCode.GOING_AWAY))
        else:
            await socket.send_str(liquidation(999_999))
            await until_closed(socket)

    async def main() -> tuple[list[Event], MachineStream]:
        async with machine(play) as url:
            stream = MachineStream(url, [WANTED], InstrumentTable(), sleep=no_wait, seed=1)
            found: list[Event] = []
            async with asyncio.timeout(30):
                async for event in stream:
                    found.append(event)
                    if isinstance(event, Liquidation) and event.liquidation_id == "999999":
                        await stream.close()
            return found, stream

    events, stream = asyncio.run(main())
    assert ids(events) == [str(number) for number in [*sent, 999_999]]
    assert stream.reconnects == 50
    assert sum(isinstance(event, Gap) for event in events) == 50


def test_an_exchange_that_the_machine_refuses_is_explained() -> None:
    async def play(socket: web.WebSocketResponse, _number: int) -> None:
        await socket.close(code=1011, message=b"Error")

    with pytest.raises(UnreachableError, match=r"does not serve ftx.*no `ftx-restart`"):
        run(play, 1)


def test_no_machine_is_one_sentence_with_both_ways_to_get_data() -> None:
    async def main() -> None:
        await check_reachable("ws://127.0.0.1:1")

    with pytest.raises(UnreachableError, match=r"npx tardis-machine.*aftershock replay"):
        asyncio.run(main())


def test_a_chain_of_two_thousand_options_is_asked_for_in_requests_that_fit() -> None:
    names = tuple(f"BTC-27MAR26-{strike}-C" for strike in range(10_000, 210_000, 100))
    parts = list(Subscription(exchange="deribit", symbols=names, data_types=("option_summary",)).split())
    assert tuple(name for part in parts for name in part.symbols) == names
    assert 2 < len(parts) < 10


async def _listing(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name == "deribit":
        symbols = [{"id": "BTC-PERPETUAL", "type": "perpetual"}, {"id": "OLD", "type": "future", "availableTo": "2020"}]
        return web.json_response({"id": "deribit", "availableSymbols": symbols})
    if name == "html":
        return web.Response(text="<html>", content_type="text/html")
    return web.json_response({"code": 100, "message": "no"}, status=404)


async def _list(_request: web.Request) -> web.Response:
    return web.json_response([{"id": "ftx"}, {"id": "ftx-us"}, {"id": "deribit"}, {"id": "bybit"}])


def _ask(name: str) -> list[str]:
    async def main() -> list[str]:
        app = web.Application()
        app.router.add_get("/v1/exchanges/{name}", _listing)
        app.router.add_get("/v1/exchanges", _list)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            host, port = runner.addresses[0][:2]
            return [each.id for each in await active_instruments(f"http://{host}:{port}/v1", name)]
        finally:
            await runner.cleanup()

    return asyncio.run(main())


def test_what_is_no_longer_recorded_is_not_active() -> None:
    assert _ask("deribit") == ["BTC-PERPETUAL"]


def test_ftx_restart_explains_itself_against_the_real_list() -> None:
    with pytest.raises(ConfigError, match=r"no exchange `ftx-restart`; like it: ftx") as caught:
        _ask("ftx-restart")
    assert "ftx (2019-08-01 to 2022-11-13, recorded only)" in str(caught.value)


def test_a_server_that_answers_otherwise_is_not_tardis() -> None:
    with pytest.raises(UnreachableError, match="did not answer as Tardis does"):
        _ask("html")
