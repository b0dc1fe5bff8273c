"""A venue's stream over sockets: it asks again for what it lacks, until its book is the venue's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from aftershock.errors import AftershockError
from aftershock.model.events import BookSnapshot, Event, Settlement
from aftershock.venues.connection.book import BookUpdate, Snapshot
from aftershock.venues.connection.rate_limit import TokenBucket
from aftershock.venues.connection.settings import ConnectionSettings, LiveSettings
from aftershock.venues.connection.venue_plan import Heartbeat, Tell, VenuePlan
from aftershock.venues.connection.venue_stream import VenueStream
from tests.connection.fakes import FakeClock, serving, turns, until
from tests.connection.toy_venue import Toy, names, plan, stream, told

pytestmark = pytest.mark.sockets

Play = Callable[[web.WebSocketResponse, int], Awaitable[None]]
Make = Callable[[str], VenuePlan]


def run(play: Play, make: Make, done: Callable[[list[Event]], object]) -> tuple[list[Event], VenueStream]:
    """Play a venue and read it until a condition holds."""
    numbers = iter(range(1, 100))

    async def serve(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await play(socket, next(numbers))
        return socket

    async def main() -> tuple[list[Event], VenueStream]:
        found: list[Event] = []
        async with serving(serve) as place:
            source = stream(make(f"ws://{place}"))
            async with asyncio.timeout(10):
                async for event in source:
                    found.append(event)
                    if done(found):
                        await source.close()
        return found, source

    return asyncio.run(main())


async def heard(socket: web.WebSocketResponse) -> list[str]:
    return [message.data async for message in socket]


def test_a_venue_that_sends_books_anew_is_asked_to_and_the_book_is_the_venue_s_again() -> None:
    async def play(socket: web.WebSocketResponse, _number: int) -> None:
        assert (await socket.receive()).data == "hello"
        await socket.send_str(told("whole", n=1))
        await socket.send_str(told("book", n=3))
        assert (await socket.receive()).data == "again X"
        await socket.send_str(told("whole", n=5))
        await heard(socket)

    found, source = run(play, lambda url: plan(Toy(), url, hello=lambda: ("hello",)), lambda found: len(found) == 5)

    assert names(found) == [
        *("BookSnapshot", "Stale book_snapshot", "Gap book_snapshot", "Restored book_snapshot"),
        "BookSnapshot",
    ]
    assert source.gaps == 1
    assert source.book_gaps == {"gap": 1}
    book = source.book("X")
    assert book is not None
    assert book.last == 5


def test_a_venue_that_gives_books_over_http_is_asked_once_its_changes_come_and_again_after_a_hole() -> None:
    toy = Toy([BookUpdate("X", 1, 1, Snapshot(n, ((10.0, float(n)),), ((11.0, 1.0),))) for n in (3, 7)])

    async def play(socket: web.WebSocketResponse, _number: int) -> None:
        for n in (2, 3, 4):
            await socket.send_str(told("book", n=n))
        await until(lambda: toy.asked == 1)
        await asyncio.sleep(0.05)  # until the snapshot is used
        await socket.send_str(told("book", n=8))
        await heard(socket)

    found, source = run(play, lambda url: plan(toy, url), lambda found: len(found) == 5)

    assert names(found)[:2] == ["BookSnapshot", "Stale book_snapshot"]
    assert [e.bids for e in found if isinstance(e, BookSnapshot)] == [((10.0, 4.0),), ((10.0, 8.0),)]
    assert toy.asked == 2
    assert source.report.dropped == {}


def test_a_book_that_never_changes_is_asked_for_all_the_same_and_a_refusal_is_noted_and_asked_again() -> None:
    clock, toy = FakeClock(), Toy([])

    async def serve(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await heard(socket)
        return socket

    async def main() -> list[Event]:
        found: list[Event] = []
        async with serving(serve) as place:
            source = stream(plan(toy, f"ws://{place}"), clock)

            async def read() -> None:
                found.extend([event async for event in source])

            task = asyncio.ensure_future(read())
            await until(lambda: source.connections and source.reconnects == 0 and clock.slept)
            await turns(0.05)
            assert toy.asked == 0
            await clock.advance(1.0)
            await until(lambda: toy.asked == 1)
            toy.snapshots = [BookUpdate("X", 1, 1, Snapshot(1, ((1.0, 1.0),), ()))]
            await clock.advance(2.0)
            await until(lambda: source.book("X") is not None and source.book("X").whole)  # type: ignore[union-attr]
            await source.close()
            await task
            assert source.report.notes == ["the book of X was refused: the venue has no book of X now: try again"]
        return found

    assert names(asyncio.run(main())) == ["BookSnapshot"]


def test_after_a_reconnect_everything_is_said_again_and_what_was_missed_is_a_gap_of_each_stream() -> None:
    hellos: list[str] = []

    async def play(socket: web.WebSocketResponse, number: int) -> None:
        hellos.append((await socket.receive()).data)
        await socket.send_str(told("whole", n=number))
        await socket.send_str(told("quote"))
        await socket.send_str(told("trade", id="same"))
        if number == 1:
            await socket.close()
        await heard(socket)

    found, source = run(
        play, lambda url: plan(Toy(), url, hello=lambda: ("hello",)), lambda found: names(found).count("Quote") == 2
    )

    assert hellos == ["hello", "hello"]
    assert names(found).count("Trade") == 1
    assert [names(found).count(f"{kind} quotes") for kind in ("Stale", "Gap", "Restored")] == [1, 1, 1]
    assert source.reconnects == 1
    assert len(source.losses) == 1


def test_a_refusal_for_good_ends_the_stream_with_the_venue_s_reason() -> None:
    async def play(socket: web.WebSocketResponse, _number: int) -> None:
        await socket.send_str(told("no"))
        await heard(socket)

    with pytest.raises(AftershockError, match="the venue has no X"):
        run(play, lambda url: plan(Toy(), url), lambda _: False)


def test_what_was_known_before_and_what_is_found_out_beside_are_told_in_their_order() -> None:
    settled = Settlement(ts_event=1, ts_init=1, venue="toy", family="X", expiry_ns=1, price=2.0)

    async def beside(tell: Tell) -> None:
        tell([settled])

    def make(url: str) -> VenuePlan:
        made = plan(Toy(), url)
        return VenuePlan(venue="toy", adapter=made.adapter, links=made.links, first=(settled,), background=(beside,))

    async def play(socket: web.WebSocketResponse, _number: int) -> None:
        await heard(socket)

    found, _ = run(play, make, lambda found: len(found) == 2)
    assert found == [settled, settled]


def test_subscriptions_are_paced_a_heartbeat_is_kept_and_a_venue_that_wants_peace_gets_it() -> None:
    clock, said, opened = FakeClock(), [], 0
    patient = LiveSettings(connection=ConnectionSettings(backoff_s=0.1, first_byte_s=9_000, ping_every_s=9_000))

    async def serve(request: web.Request) -> web.StreamResponse:
        nonlocal opened
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        opened += 1
        async for message in socket:
            said.append(message.data)
            if message.data == "alive":
                await socket.send_str(told("leave"))
        return socket

    async def main() -> None:
        async with serving(serve) as place:
            more: dict[str, Any] = {
                "hello": lambda: ("one", "two", "three"),
                "limiter": TokenBucket(0.5, 2, clock),
                "heartbeat": Heartbeat("alive", 30.0),
                "books": (),
            }
            source = stream(plan(Toy(), f"ws://{place}", **more), clock, patient)

            async def read() -> None:
                async for _ in source:
                    pass

            task = asyncio.ensure_future(read())
            await until(lambda: said == ["one", "two"])
            await clock.advance(2.0)
            await until(lambda: said == ["one", "two", "three"])
            await clock.advance(30.0)
            await until(lambda: said[-1] == "alive")
            await until(lambda: source.losses == {"too many requests": 1})
            await clock.advance(44.0)
            assert opened == 1
            await clock.advance(2.0)
            await until(lambda: opened == 2)
            await source.close()
            await task

    asyncio.run(main())
