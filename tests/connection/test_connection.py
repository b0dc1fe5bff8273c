"""One connection against servers that misbehave: what is handed on, what is told, when it is opened again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import msgspec
import pytest
from aiohttp import WSMsgType, web

from aftershock.errors import UnreachableError
from aftershock.venues.connection.clock import Clock, SystemClock
from aftershock.venues.connection.connection import Connection
from aftershock.venues.connection.inbox import Frame, Inbox, Item, Lost, Opened, Skipped
from aftershock.venues.connection.opening import NotOpenedError, open_socket
from aftershock.venues.connection.settings import ConnectionSettings
from tests.connection.fakes import FakeClock, raw_serving, serving, turns, until

FAST = ConnectionSettings(backoff_s=0.002, backoff_cap_s=0.01, close_s=0.02, first_attempts=2)

pytestmark = pytest.mark.sockets


class Watched:
    """A connection that runs, and what came of it."""

    def __init__(self, url: str, clock: Clock, settings: ConnectionSettings, **options: Any) -> None:
        self.inbox = Inbox()
        self.connection = Connection(
            url, self.inbox, link=0, settings=settings, clock=clock, random=Random(1), **options
        )
        self.items: list[Item] = []
        self.task = asyncio.ensure_future(self.connection.run())

    def look(self) -> list[Item]:
        while (taken := self.inbox.take_now()) is not None:
            self.items.append(taken[1])
        return self.items

    def texts(self) -> list[str]:
        return [item.text for item in self.look() if isinstance(item, Frame)]

    def losses(self) -> list[str]:
        return [item.reason for item in self.look() if isinstance(item, Lost)]


@asynccontextmanager
async def watched(
    host: str,
    clock: Clock | None = None,
    settings: ConnectionSettings = FAST,
    **options: Any,
) -> AsyncIterator[Watched]:
    one = Watched(f"ws://{host}/", clock or SystemClock(), settings, **options)
    try:
        yield one
    finally:
        one.task.cancel()
        await asyncio.gather(one.task, return_exceptions=True)
        assert len(asyncio.all_tasks()) <= 4  # this one, and those of the server


def socket_server(talk: Callable[[web.WebSocketResponse, int], Any], **options: Any) -> Any:
    """Serve WebSockets; `talk` gets each with its number, from 1."""
    count = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal count
        count += 1
        socket = web.WebSocketResponse(timeout=0.02, **options)
        await socket.prepare(request)
        await talk(socket, count)
        return socket

    return handler


async def listen(socket: web.WebSocketResponse) -> None:
    async for _ in socket:
        pass


def test_frames_are_handed_on_in_order_with_our_time() -> None:
    async def talk(socket: web.WebSocketResponse, _: int) -> None:
        for number in range(100):
            await socket.send_str(str(number))
        await listen(socket)

    async def scenario() -> None:
        clock = FakeClock()
        async with serving(socket_server(talk)) as host, watched(host, clock) as one:
            await until(lambda: len(one.texts()) == 100)
            assert one.texts() == [str(number) for number in range(100)]
            assert {item.received_ns for item in one.items if isinstance(item, Frame)} == {clock.wall_ns()}

    asyncio.run(scenario())


def test_after_a_clean_close_it_is_opened_again_and_subscribes_again() -> None:
    heard: list[str] = []

    async def talk(socket: web.WebSocketResponse, count: int) -> None:
        heard.append(await socket.receive_str())
        if count > 2:
            await listen(socket)

    async def scenario() -> None:
        async with serving(socket_server(talk)) as host, watched(host, hello=lambda: ["subscribe"]) as one:
            await until(lambda: len(heard) == 3)
            assert heard == ["subscribe"] * 3
            assert one.losses() == ["the server closed it (1000)"] * 2
            assert [item.number for item in one.look() if isinstance(item, Opened)] == [1, 2, 3]
            assert one.connection.reconnects == 2

    asyncio.run(scenario())


def test_a_transport_cut_in_the_middle_of_a_message_is_a_loss_from_the_last_whole_frame_on() -> None:
    async def talk(socket: web.WebSocketResponse, count: int) -> None:
        await socket.send_str("whole")
        if count == 1:
            transport = socket._req.transport if socket._req is not None else None
            assert transport is not None
            await asyncio.sleep(0.005)
            transport.write(b"\x81\x7e\x10\x00half of a mess")  # says 4,096 bytes
            transport.close()
        await listen(socket)

    async def scenario() -> None:
        async with serving(socket_server(talk)) as host, watched(host) as one:
            await until(lambda: len(one.texts()) == 2)
            whole = next(item for item in one.items if isinstance(item, Frame))
            lost = next(item for item in one.items if isinstance(item, Lost))
            assert whole.received_ns <= lost.from_ns <= lost.at_ns

    asyncio.run(scenario())


def test_ten_megabytes_are_not_taken_and_end_the_connection() -> None:
    async def talk(socket: web.WebSocketResponse, count: int) -> None:
        await socket.send_str("x" * 10_000_000 if count == 1 else "small")
        await listen(socket)

    async def scenario() -> None:
        async with serving(socket_server(talk)) as host, watched(host) as one:
            await until(lambda: one.texts() == ["small"])
            assert "sent what can't be taken" in one.losses()[0]

    asyncio.run(scenario())


def test_text_that_is_no_utf8_ends_the_connection() -> None:
    async def talk(socket: web.WebSocketResponse, count: int) -> None:
        if count == 1:
            await socket.send_frame(b"\xff\xfe", WSMsgType.TEXT)
        else:
            await socket.send_str("fine")
        await listen(socket)

    async def scenario() -> None:
        async with serving(socket_server(talk)) as host, watched(host) as one:
            await until(lambda: one.texts() == ["fine"])
            assert "sent what can't be taken" in one.losses()[0]

    asyncio.run(scenario())


def test_a_binary_message_is_skipped_and_told() -> None:
    async def talk(socket: web.WebSocketResponse, _: int) -> None:
        await socket.send_str("before")
        await socket.send_bytes(b"\0\1")
        await socket.send_str("after")
        await listen(socket)

    async def scenario() -> None:
        async with serving(socket_server(talk)) as host, watched(host) as one:
            await until(lambda: len(one.texts()) == 2)
            assert [type(item) for item in one.items] == [Opened, Frame, Skipped, Frame]

    asyncio.run(scenario())


def test_pings_of_the_venue_are_answered() -> None:
    answers: list[bytes] = []

    async def talk(socket: web.WebSocketResponse, _: int) -> None:
        await socket.ping(b"still there?")
        while True:
            message = await socket.receive()
            if message.type is WSMsgType.PONG:
                answers.append(message.data)
                await socket.send_str("yes")
            elif message.type is WSMsgType.PING:
                await socket.pong(message.data)
            else:
                return

    async def scenario() -> None:
        async with serving(socket_server(talk, autoping=False)) as host, watched(host) as one:
            await until(lambda: one.texts() == ["yes"])
            assert answers == [b"still there?"]

    asyncio.run(scenario())


def test_half_an_hour_without_data_is_no_fault_while_pings_are_answered() -> None:
    async def talk(socket: web.WebSocketResponse, _: int) -> None:
        await listen(socket)

    async def scenario() -> None:
        clock = FakeClock()
        quiet = msgspec.structs.replace(FAST, ping_every_s=60.0, pong_within_s=10.0)
        async with serving(socket_server(talk)) as host, watched(host, clock, quiet) as one:
            await until(lambda: one.connection.opened)
            for _ in range(31):
                await turns()
                await clock.advance(60)
            assert not one.losses()
            assert one.connection.opened == 1

    asyncio.run(scenario())


def test_where_data_is_due_its_absence_ends_the_connection_though_pings_are_answered() -> None:
    async def talk(socket: web.WebSocketResponse, _: int) -> None:
        await listen(socket)

    async def scenario() -> None:
        clock = FakeClock()
        busy = msgspec.structs.replace(FAST, data_within_s=30.0)
        async with serving(socket_server(talk)) as host, watched(host, clock, busy) as one:
            await until(lambda: one.connection.opened)
            for _ in range(8):
                await turns()
                await clock.advance(5)
            await until(one.losses)
            assert one.losses() == ["no data came for 30 s"]

    asyncio.run(scenario())


@pytest.mark.parametrize(("before_s", "named_s"), [(0.0, 7), (60.0, 4)])
def test_a_server_that_answers_no_ping_is_given_up(before_s: float, named_s: int) -> None:
    deaf = asyncio.Event()

    async def talk(socket: web.WebSocketResponse, count: int) -> None:
        while True:
            message = await socket.receive()
            if message.type is not WSMsgType.PING:
                return
            if count > 1 or not deaf.is_set():
                await socket.pong(message.data)

    async def scenario() -> None:
        clock = FakeClock()
        settings = msgspec.structs.replace(FAST, first_byte_s=7.0, ping_every_s=20.0, pong_within_s=4.0)
        deaf.clear()
        if not before_s:
            deaf.set()
        async with serving(socket_server(talk, autoping=False)) as host, watched(host, clock, settings) as one:
            await until(lambda: one.connection.opened)
            for _ in range(round(before_s)):
                await turns()
                await clock.advance(1)
            deaf.set()
            for _ in range(30):
                await turns()
                await clock.advance(1)
                if one.losses():
                    break
            assert one.losses() == [f"nothing came for {named_s} s, not even the answer to a ping"]
            await clock.advance(1)
            await until(lambda: one.connection.opened == 2)

    asyncio.run(scenario())


def test_waits_grow_while_connections_break_at_once_and_shrink_after_one_that_held() -> None:
    keep = asyncio.Event()

    async def talk(socket: web.WebSocketResponse, _: int) -> None:
        if keep.is_set():
            await listen(socket)

    async def scenario() -> None:
        keep.clear()
        clock = FakeClock()
        hour = dict.fromkeys(("connect_s", "handshake_s", "first_byte_s", "ping_every_s"), 3600.0)
        settings = msgspec.structs.replace(FAST, backoff_s=1.0, backoff_cap_s=16.0, proved_s=60.0, **hour)
        async with serving(socket_server(talk)) as host, watched(host, clock, settings) as one:

            def waits() -> list[float]:
                return [wait for wait in clock.slept if wait < 3600]

            for count in range(1, 7):
                await until(lambda wanted=count: len(waits()) == wanted)  # type: ignore[misc]
                assert min(2 ** (count - 1), 16) / 2 <= waits()[-1] <= min(2 ** (count - 1), 16)
                if count == 6:
                    keep.set()
                await clock.advance(waits()[-1])
            await until(lambda: one.connection.opened == 7)
            await clock.advance(61)
            one.connection.drop("enough")
            await until(lambda: len(waits()) == 7)
            assert waits()[-1] <= 1

    asyncio.run(scenario())


def test_nobody_there_is_one_sentence() -> None:
    async def scenario() -> None:
        async with raw_serving(lambda _reader, _writer: asyncio.sleep(0)) as host:
            pass
        async with watched(host, who="tardis-machine", advice="start one") as one:
            with pytest.raises(UnreachableError) as caught:
                await one.task
            assert str(caught.value).startswith(f"tardis-machine at ws://{host} does not answer (")
            assert str(caught.value).endswith("): start one")

    asyncio.run(scenario())


def test_a_server_that_never_answers_the_handshake_is_given_up_by_the_clock() -> None:
    async def silent(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async def scenario() -> None:
        clock = FakeClock()
        async with raw_serving(silent) as host, watched(host, clock) as one:
            for _ in range(60):
                await turns()
                await clock.advance(1)
                if one.task.done():
                    break
            with pytest.raises(UnreachableError, match="does not answer the handshake within 10 s"):
                await one.task

    asyncio.run(scenario())


def test_a_transport_that_never_stands_is_given_up_by_the_clock() -> None:
    class Session:
        async def ws_connect(self, *_: object, **__: object) -> None:
            await asyncio.sleep(60)

    async def scenario() -> None:
        clock = FakeClock()
        opening = asyncio.ensure_future(
            open_socket(Session(), "ws://127.0.0.1", FAST, clock, asyncio.Event())  # type: ignore[arg-type]
        )
        await turns()
        await clock.advance(10)
        with pytest.raises(NotOpenedError, match="accepts no connection within 10 s"):
            await opening

    asyncio.run(scenario())


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\0\xff\0\xff", b"", b"HTTP/1.1 200 OK\r\n\r\nhello"])
def test_garbage_in_place_of_a_handshake_is_one_sentence(answer: bytes) -> None:
    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async def scenario() -> None:
        async with raw_serving(garbage) as host, watched(host) as one:
            with pytest.raises(UnreachableError) as caught:
                await one.task
            assert str(caught.value).isprintable()

    asyncio.run(scenario())


@pytest.mark.parametrize(("status", "attempts"), [(401, 1), (403, 1), (404, 1), (431, 1), (429, 2), (503, 2)])
def test_a_refusal_is_final_or_tried_again_by_its_status(status: int, attempts: int) -> None:
    seen = 0

    async def refuse(_: web.Request) -> web.StreamResponse:
        nonlocal seen
        seen += 1
        return web.Response(
            status=status, text="<html>no</html>", content_type="text/html", headers={"Retry-After": "0"}
        )

    async def scenario() -> None:
        async with serving(refuse) as host, watched(host) as one:
            with pytest.raises(UnreachableError, match=f"refuses the handshake with HTTP {status}"):
                await one.task
            assert seen == attempts

    asyncio.run(scenario())


def test_what_the_server_asks_to_wait_is_waited() -> None:
    async def refuse(_: web.Request) -> web.StreamResponse:
        return web.Response(status=429, headers={"Retry-After": "17"})

    async def scenario() -> None:
        clock = FakeClock()
        async with serving(refuse) as host, watched(host, clock):
            await until(lambda: 17.0 in clock.slept)

    asyncio.run(scenario())


def test_a_close_that_will_never_change_ends_it() -> None:
    async def talk(socket: web.WebSocketResponse, _: int) -> None:
        await socket.close(code=1011, message=b"Error: x not supported\x07")

    async def scenario() -> None:
        final: Callable[[int, str], bool] = lambda code, reason: code == 1011 and "not supported" in reason  # noqa: E731
        async with serving(socket_server(talk)) as host, watched(host, is_final=final) as one:
            with pytest.raises(UnreachableError, match="x not supported") as caught:
                await one.task
            assert str(caught.value).isprintable()

    asyncio.run(scenario())


def test_it_survives_a_minute_without_network() -> None:
    async def talk(socket: web.WebSocketResponse, _: int) -> None:
        await socket.send_str("here")
        await listen(socket)

    async def scenario() -> None:
        async with watched_restart(talk) as one:
            await until(lambda: one.texts() == ["here", "here"])

    @asynccontextmanager
    async def watched_restart(talk: Any) -> AsyncIterator[Watched]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", socket_server(talk))
        runner = web.AppRunner(app, shutdown_timeout=0.01)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        async with watched(f"127.0.0.1:{port}") as one:
            await until(lambda: one.texts() == ["here"])
            await runner.cleanup()
            await until(lambda: len(one.losses()) == 1)
            await asyncio.sleep(0.03)  # some attempts fail
            again = web.Application()
            again.router.add_route("*", "/{path:.*}", socket_server(talk))
            runner = web.AppRunner(again, shutdown_timeout=0.01)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port).start()
            yield one
        await runner.cleanup()

    asyncio.run(scenario())


def test_no_address_shows_its_query_or_password() -> None:
    async def scenario() -> None:
        async with raw_serving(lambda _reader, _writer: asyncio.sleep(0)) as host:
            pass
        async with watched(f"user:secret@{host}/?token=secret") as one:
            with pytest.raises(UnreachableError) as caught:
                await one.task
            assert "secret" not in str(caught.value)

    asyncio.run(scenario())
