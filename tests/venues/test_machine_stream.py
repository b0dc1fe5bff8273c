"""The live stream of tardis-machine, against servers that behave and that do not."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest
from aiohttp import WSCloseCode, web

from aftershock.errors import UnreachableError, UsageError
from aftershock.model.events import Event, Gap, Liquidation, OptionQuotes, Quote, Restored, Stale, StreamId
from aftershock.venues.connection.settings import ConnectionSettings
from aftershock.venues.tardis.client import TardisClient
from aftershock.venues.tardis.live import LiveSettings, LiveStream
from aftershock.venues.tardis.subscription import Subscription

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


def listen(url: str, wanted: Subscription = WANTED) -> LiveStream:
    """Listen without waiting long between attempts."""
    quick = ConnectionSettings(backoff_s=0.001, backoff_cap_s=0.002)
    return TardisClient(machine_ws_url=url, settings=LiveSettings(connection=quick)).stream([wanted])


async def take(url: str, count: int, wanted: Subscription = WANTED) -> tuple[list[Event], LiveStream]:
    """Take so many events and close."""
    stream = listen(url, wanted)
    found: list[Event] = []
    iterator = aiter(stream)
    async with asyncio.timeout(10):
        while len(found) < count:
            found.append(await anext(iterator))
        await stream.close()
        async for _ in iterator:
            pass
    return found, stream


def run(play: Play, count: int, wanted: Subscription = WANTED) -> tuple[list[Event], LiveStream]:
    async def main() -> tuple[list[Event], LiveStream]:
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
    everything = msgspec.structs.replace(WANTED, data_types=("liquidation", "quote", "option_summary"))
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

    (first, second, third), stream = run(play, 3, everything)
    assert isinstance(first, Liquidation)
    assert first.ts_event == 1_667_260_805_098_533_000
    assert first.ts_init > 1_790_000_000_000_000_000, "ours is the moment of receipt, not Tardis' localTimestamp"
    assert isinstance(second, Quote)
    assert second.bid == 20_480.0
    assert math.isnan(second.ask)
    assert isinstance(third, OptionQuotes)
    assert stream.report.rows == 3


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
    assert gap.from_ts == events[1].ts_init
    assert gap.from_ts < gap.to_ts <= events[5].ts_init
    assert stream.reconnects == 1
    assert stream.report.dropped == {"duplicate": 1}


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
    assert stream.report.errors == 1


@pytest.mark.parametrize("text", ["garbage", liquidation(2)[:-20]], ids=["garbage", "half"])
def test_a_frame_that_is_no_json_is_counted_and_is_a_gap(text: str) -> None:
    async def play(socket: web.WebSocketResponse, _number: int) -> None:
        for each in (liquidation(1), text, liquidation(3)):
            await socket.send_str(each)
        await until_closed(socket)

    events, stream = run(play, 3)
    assert [type(event) for event in events] == [Liquidation, Gap, Liquidation]
    assert ids(events) == ["1", "3"]
    assert stream.report.unreadable == 1


@pytest.mark.parametrize(
    "changes",
    [{"price": "much"}, {"price": -1}, {"symbol": "BTC\x1b[2J"}, {"timestamp": "yesterday"}, {"side": "both"}],
    ids=["text for a number", "negative", "control character", "no time", "no side"],
)
def test_a_message_that_makes_no_sense_is_counted_and_never_used(changes: dict[str, object]) -> None:
    async def play(socket: web.WebSocketResponse, _number: int) -> None:
        for each in (liquidation(1), liquidation(2, **changes), liquidation(3)):
            await socket.send_str(each)
        await until_closed(socket)

    events, stream = run(play, 2)
    assert ids(events) == ["1", "3"]
    assert sum(stream.report.dropped.values()) == 1


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

    async def main() -> tuple[list[Event], LiveStream]:
        async with machine(play) as url:
            stream = listen(url)
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


def test_no_machine_is_one_sentence_with_both_ways_to_get_data() -> None:
    with pytest.raises(UnreachableError, match=r"npx tardis-machine.*aftershock replay"):
        asyncio.run(take("ws://127.0.0.1:1", 1))


async def _listing(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name == "deribit":
        symbols = [
            {"id": "BTC-PERPETUAL", "type": "perpetual"},
            {"id": "OLD", "type": "perpetual", "availableTo": "2020-01-01T00:00:00.000Z"},
        ]
        return web.json_response({"id": "deribit", "availableSymbols": symbols})
    if name == "html":
        return web.Response(text="<html>", content_type="text/html")
    return web.json_response({"code": 100, "message": "no"}, status=404)


async def _list(_request: web.Request) -> web.Response:
    return web.json_response(
        [
            {"id": "ftx", "availableSince": "2019-08-01", "availableTo": "2022-11-13"},
            {"id": "ftx-us"},
            {"id": "deribit"},
            {"id": "bybit"},
        ]
    )


def _ask(name: str) -> tuple[str, ...]:
    async def main() -> tuple[str, ...]:
        app = web.Application()
        app.router.add_get("/v1/exchanges/{name}", _listing)
        app.router.add_get("/v1/exchanges", _list)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            host, port = runner.addresses[0][:2]
            return await TardisClient(api_url=f"http://{host}:{port}/v1").listed(name, "perpetual")
        finally:
            await runner.cleanup()

    return asyncio.run(main())


def test_what_is_no_longer_recorded_is_not_listed() -> None:
    assert _ask("deribit") == ("BTC-PERPETUAL",)


def test_ftx_restart_explains_itself_against_the_real_list() -> None:
    with pytest.raises(UsageError, match=r"no exchange `ftx-restart`: ids like it are ftx") as caught:
        _ask("ftx-restart")
    assert "2019-08-01 to 2022-11-13" in str(caught.value)


def test_a_server_that_answers_otherwise_is_not_tardis() -> None:
    with pytest.raises(UnreachableError):
        _ask("html")


def test_a_key_is_never_shown() -> None:
    assert "secret" not in repr(TardisClient("secret-key"))
