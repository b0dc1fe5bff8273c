"""Ten things about Tardis that bite whoever does not know them, each met by the client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal

import pytest
from aiohttp import web

from aftershock.errors import AftershockError, UnreachableError, UsageError
from aftershock.model.events import Event, Gap, Liquidation, OptionQuotes, Stale, Trade
from aftershock.model.liquidations import Liquidated
from aftershock.venues.connection.clock import Clock, SystemClock
from aftershock.venues.tardis.client import TardisClient
from aftershock.venues.tardis.subscription import Subscription
from tests.connection.fakes import FakeClock, raw_serving

pytestmark = pytest.mark.sockets

LIQUIDATION: dict[str, Any] = {
    "type": "liquidation", "symbol": "BTC-PERP", "exchange": "ftx", "id": "5312345002", "price": 20480, "amount": 1.5,
    "side": "sell", "timestamp": "2022-11-01T00:00:05.098533Z", "localTimestamp": "2022-11-01T00:00:05.123533Z",
}  # fmt: skip
TRADE = {**LIQUIDATION, "type": "trade"}
OPTION: dict[str, Any] = {
    "type": "option_summary", "symbol": "BTC-25NOV22-20000-P", "exchange": "deribit", "optionType": "put",
    "strikePrice": 20000, "expirationDate": "2022-11-25T08:00:00.000Z", "bestBidPrice": 0.0167, "bestBidIV": 57.4,
    "markIV": 58.31, "underlyingIndex": "BTC-25NOV22", "timestamp": "2022-11-01T00:00:06.499Z",
    "localTimestamp": "2022-11-01T00:00:06.503321Z",
}  # fmt: skip
LINEAR = {
    **OPTION,
    "exchange": "okex-options",
    "symbol": "BTC-USD-221125-20000-P",
    "bestBidIV": 0.574,
    "markIV": 0.5831,
}
EXCHANGES = [
    {"id": "deribit", "availableSince": "2019-03-30T00:00:00.000Z"},
    {"id": "ftx", "availableSince": "2019-08-01T00:00:00.000Z", "availableTo": "2022-11-13T00:00:00.000Z"},
    {"id": "ftx-us", "availableSince": "2020-05-22T00:00:00.000Z", "availableTo": "2022-11-13T00:00:00.000Z"},
]
FTX = Subscription(exchange="ftx", symbols=("BTC-PERP",), data_types=("trade", "liquidation"))
Play = Callable[[web.Request], Awaitable[web.StreamResponse]]


def says(*messages: object, code: int = 1000, reason: bytes = b"", stays: bool = False) -> Play:
    """Send some messages, then close, or send nothing but pings."""

    async def play(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=0.02 if stays else None)
        await socket.prepare(request)
        for message in messages:
            await socket.send_str(json.dumps(message))
        if stays:
            async for _ in socket:  # pings are answered while somebody reads
                pass
        await socket.close(code=code, message=reason)
        return socket

    return play


@asynccontextmanager
async def tardis(play: Play, clock: Clock | None = None) -> AsyncIterator[TardisClient]:
    async def exchanges(_request: web.Request) -> web.Response:
        return web.json_response(EXCHANGES)

    async def nothing(_request: web.Request) -> web.Response:
        return web.json_response({"code": 100, "message": "no such exchange"}, status=404)

    app = web.Application()
    app.router.add_get("/v1/exchanges", exchanges)
    app.router.add_get("/v1/exchanges/{id}", nothing)
    app.router.add_get("/{route:(ws-)?(stream|replay)-normalized}", play)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host = f"127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield TardisClient(
            api_url=f"http://{host}/v1", machine_ws_url=f"ws://{host}", machine_http_url=f"http://{host}",
            environment={}, clock=clock or SystemClock(),
        )  # fmt: skip
    finally:
        await runner.cleanup()


def replayed(
    play: Play, *wanted: Subscription, over: Literal["ws", "http"] = "ws"
) -> tuple[list[Event], AftershockError | None]:
    """Return what a replay gave, and what it ended with."""

    async def main() -> tuple[list[Event], AftershockError | None]:
        found: list[Event] = []
        async with tardis(play) as client, asyncio.timeout(20):
            try:
                async for event in client.replay(wanted or (FTX,), "2022-11-01", "2022-11-01T00:05Z", over=over):
                    found.append(event)  # noqa: PERF401 - what came before an error counts
            except AftershockError as error:
                return found, error
        return found, None

    return asyncio.run(main())


def test_1_ftx_restart_explains_itself_against_the_real_list() -> None:
    async def main() -> None:
        async with tardis(says()) as client:
            async for _ in client.get_liquidation_stream(exchanges=["ftx-restart"], symbols=None):
                pass

    with pytest.raises(UsageError) as raised:
        asyncio.run(main())
    said = str(raised.value)
    assert "Tardis has no exchange `ftx-restart`" in said
    assert "ftx (2019-08-01 to 2022-11-13), ftx-us" in said
    assert "liquidations come from deribit (since 2019-03-30)" in said


def test_a_venue_without_public_liquidations_is_said_to_have_none() -> None:
    async def main() -> None:
        async for _ in TardisClient(environment={}).get_liquidation_stream(exchanges=["hyperliquid"]):
            pass

    with pytest.raises(UsageError, match=r"hyperliquid has no liquidation stream \(it publishes none.*aster"):
        asyncio.run(main())


def test_2_a_fill_that_is_a_trade_and_a_liquidation_comes_as_both_and_neither_hides_the_other() -> None:
    events, error = replayed(says(TRADE, LIQUIDATION))

    assert error is None
    assert [type(event) for event in events] == [Trade, Liquidation]


def test_a_symbol_in_small_letters_is_the_same_symbol() -> None:
    small = Subscription(exchange="ftx", symbols=("btc-perp",), data_types=("trade", "liquidation"))

    events, _ = replayed(says(TRADE, LIQUIDATION), small)

    assert len(events) == 2


def test_3_a_buy_liquidated_a_short_and_a_sell_a_long() -> None:
    events, _ = replayed(says(LIQUIDATION, {**LIQUIDATION, "side": "buy", "id": "2"}))

    assert [e.liquidated for e in events if isinstance(e, Liquidation)] == [Liquidated.LONG, Liquidated.SHORT]


def test_4_absent_keys_are_no_errors() -> None:
    bare = {key: value for key, value in LIQUIDATION.items() if key != "id"}
    chain = Subscription(exchange="deribit", data_types=("option_summary",))

    events, _ = replayed(says(bare, OPTION), FTX, chain)

    liquidation, options = events
    assert isinstance(liquidation, Liquidation)
    assert liquidation.liquidation_id == ""
    assert isinstance(options, OptionQuotes)
    assert options.columns["ask"][0] != options.columns["ask"][0]


def test_5_an_answer_that_fails_inside_a_200_is_no_whole_answer() -> None:
    async def play(_request: web.Request) -> web.Response:
        failure = {"responseText": '{"code":4}', "message": "HttpError: status code: 401", "url": "x"}
        return web.Response(text=json.dumps(LIQUIDATION) + "\n" + json.dumps(failure))

    events, error = replayed(play, over="http")

    assert len(events) == 1
    assert isinstance(error, UnreachableError)
    assert "start the machine with a key (TM_API_KEY)" in str(error)
    assert "status code: 401" in str(error)


def test_5_an_answer_whose_end_can_not_be_told_from_a_break_is_none() -> None:
    async def raw(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + json.dumps(LIQUIDATION).encode() + b"\n")
        await writer.drain()
        writer.close()

    async def main() -> tuple[int, str]:
        async with raw_serving(raw) as host:
            client, count = TardisClient(machine_http_url=f"http://{host}", environment={}), 0
            try:
                async for _ in client.replay([FTX], "2022-11-01", "2022-11-01T00:05Z", over="http"):
                    count += 1
            except UnreachableError as error:
                return count, str(error)
        return count, ""

    count, said = asyncio.run(main())
    assert count == 1
    assert "can't be told from a break" in said


@pytest.mark.parametrize("moment", ["2022-11-01T00:00:30", "2022-11-01T00:00:30.5Z"])
def test_6_seconds_which_the_machine_would_drop_are_refused(moment: str) -> None:
    client = TardisClient(environment={})

    with pytest.raises(UsageError, match="whole minute"):
        client.replay([FTX], moment, "2022-11-02")
    with pytest.raises(UsageError, match="end in the future"):
        client.replay([FTX], "2022-11-01", "2099-11-01")
    with pytest.raises(UsageError, match="ends before it begins"):
        client.replay([FTX], "2022-11-01T00:05", "2022-11-01T00:05Z")


def test_7_silence_has_a_deadline_of_ours() -> None:
    """The machine tries its source up to thirty times, with waits of minutes, without a word."""

    async def main() -> None:
        clock = FakeClock()
        async with tardis(says(stays=True), clock) as client:
            reading = asyncio.ensure_future(
                anext(aiter(client.replay([FTX], "2022-10-30", "2022-10-31", silence_s=120)))
            )
            for _ in range(400):
                await clock.advance(1.0)
                if reading.done():
                    break
            assert 100 < clock.monotonic() < 160
            with pytest.raises(UnreachableError, match="sent nothing for 120 s: it tries its source again"):
                await reading

    asyncio.run(main())


@pytest.mark.parametrize("over", ["ws", "http"])
def test_5_a_failure_in_so_many_words_is_none_of_a_good_end(over: Literal["ws", "http"]) -> None:
    failure = {"responseText": "", "message": "HttpError: status code: 500", "url": "x"}

    async def play(request: web.Request) -> web.StreamResponse:
        if over == "ws":
            return await says(LIQUIDATION, failure)(request)
        return web.Response(text=json.dumps(LIQUIDATION) + "\n" + json.dumps(failure) + "\n")

    events, error = replayed(play, over=over)

    assert len(events) == 1
    assert isinstance(error, UnreachableError)
    assert "broke off: HttpError: status code: 500, after 1 messages" in str(error)


def test_7_a_replay_that_its_reader_gives_up_ends_as_given_up() -> None:
    async def main() -> None:
        clock = FakeClock()
        async with tardis(says(stays=True), clock) as client:
            reading = asyncio.ensure_future(
                anext(aiter(client.replay([FTX], "2022-10-30", "2022-10-31", silence_s=120)))
            )
            await clock.advance(119.9)
            reading.cancel()
            await clock.advance(60.0)
            with pytest.raises(asyncio.CancelledError):
                await reading

    asyncio.run(main())


def test_8_a_stream_of_liquidations_may_be_quiet_and_asks_the_machine_to_bear_it() -> None:
    asked: list[Any] = []

    async def play(request: web.Request) -> web.StreamResponse:
        asked.extend(json.loads(request.query["options"]))
        return await says(LIQUIDATION, stays=True)(request)

    async def main() -> list[Event]:
        clock, found = FakeClock(), list[Event]()
        async with tardis(play, clock) as client:
            stream = client.stream([Subscription(exchange="ftx", symbols=("BTC-PERP",), data_types=("liquidation",))])

            async def read() -> None:
                async for event in stream:
                    found.append(event)

            reading = asyncio.ensure_future(read())
            for _ in range(360):
                await clock.advance(5.0)
            await stream.close()
            await reading
        return found

    events = asyncio.run(main())
    assert asked[0]["timeoutIntervalMS"] >= 30 * 60 * 1000
    assert not [event for event in events if isinstance(event, Stale)]


def test_9_a_disconnect_carries_the_time_of_the_last_message_before_it() -> None:
    later = {**LIQUIDATION, "id": "2", "localTimestamp": "2022-11-01T00:02:00.000000Z"}
    disconnect = {"type": "disconnect", "exchange": "ftx", "localTimestamp": LIQUIDATION["localTimestamp"]}

    events, _ = replayed(says(LIQUIDATION, disconnect, later))

    first, gap, last = events
    assert isinstance(gap, Gap)
    assert (gap.from_ts, gap.to_ts) == (first.ts_init, last.ts_init)


def test_10_volatility_is_a_fraction_whatever_the_venue_prints() -> None:
    chains = [Subscription(exchange=name, data_types=("option_summary",)) for name in ("deribit", "okex-options")]

    events, _ = replayed(says(OPTION, LINEAR), *chains)

    found = [float(e.columns["mark_iv"][0]) for e in events if isinstance(e, OptionQuotes)]
    assert found == pytest.approx([0.5831, 0.5831])
