"""A session that Deribit sent in 2021, played at full speed with messages left out: our books are the venue's again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiohttp import web

from aftershock.model.events import Event, Gap, Restored
from aftershock.model.order import option_stream
from aftershock.model.table import InstrumentTable
from aftershock.venues.connection.venue_plan import VenueLink, VenuePlan
from aftershock.venues.connection.venue_stream import VenueStream
from aftershock.venues.deribit.adapter import DeribitAdapter
from aftershock.venues.deribit.subscriptions import Subscriptions
from aftershock.venues.tardis.live_report import LiveReport
from tests.connection.fakes import serving, until
from tests.connection.test_recorded_frames import captured
from tests.connection.toy_venue import stream

pytestmark = [pytest.mark.sockets, pytest.mark.slow]

Level = tuple[float, float]


class Book:
    """A book kept in the plainest way, to compare with."""

    def __init__(self) -> None:
        self.bids: dict[float, float] = {}
        self.asks: dict[float, float] = {}
        self.last = -1

    def take(self, data: dict[str, Any]) -> None:
        if "prev_change_id" not in data:
            self.bids, self.asks = {}, {}
        for side, changes in ((self.bids, data["bids"]), (self.asks, data["asks"])):
            for what, price, amount in changes:
                side[price] = amount
                if what == "delete":
                    del side[price]
        self.last = data["change_id"]

    def levels(self) -> tuple[list[Level], list[Level]]:
        return sorted(self.bids.items(), reverse=True), sorted(self.asks.items())


class Venue:
    """Plays the tape, also while nobody listens; some book changes are never sent, and it tells a book when asked."""

    def __init__(self, frames: list[str], seed: int, cuts: int) -> None:
        self.books: dict[str, Book] = {}
        self.left_out = 0
        self.done = False
        self._random = Random(seed)
        self._frames = [text for text in frames if '"method":"subscription"' in text.replace(" ", "")]
        self._at = 0
        self._cuts = cuts
        data = [json.loads(text)["params"]["data"] for text in self._frames]
        self._last = {each["instrument_name"]: i for i, each in enumerate(data) if "change_id" in each}
        for name in self._last:
            self.books[name] = Book()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        reading = asyncio.ensure_future(self._answer(socket))
        await socket.send_str(json.dumps({"jsonrpc": "2.0", "method": "heartbeat", "params": {"type": "heartbeat"}}))
        while self._at < len(self._frames) and not socket.closed:
            await self._step(socket)
            if self._cuts and self._random.random() < 0.05:
                self._cuts -= 1
                reading.cancel()
                await socket.close()
                for _ in range(self._random.randrange(4)):
                    await self._step(None)
                return socket
        self.done = self._at >= len(self._frames)
        await reading
        return socket

    async def _step(self, socket: web.WebSocketResponse | None) -> None:
        if self._at >= len(self._frames):
            return
        text, number = self._frames[self._at], self._at
        self._at += 1
        data = json.loads(text)["params"]["data"]
        name = data["instrument_name"]
        change = "change_id" in data
        if change:
            self.books[name].take(data)
        # A change that nothing follows could be missed by anybody: the last of each book is always sent.
        if change and number != self._last[name] and self._random.random() < 0.3:
            self.left_out += 1
        elif socket is not None:
            await socket.send_str(text)
            await asyncio.sleep(0)

    async def _answer(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            asked = json.loads(message.data)
            channels = asked["params"]["channels"]
            await socket.send_str(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": channels}))
            for channel in channels if asked["method"] == "public/subscribe" else ():
                name = channel.split(".")[1]
                book = self.books[name]
                if book.last < 0:
                    continue
                sides = {side: [["new", p, q] for p, q in levels]
                         for side, levels in zip(("bids", "asks"), book.levels(), strict=True)}  # fmt: skip
                data = {"type": "snapshot", "timestamp": 1_626_993_723_000, "instrument_name": name,
                        "change_id": book.last, **sides}  # fmt: skip
                frame = {"jsonrpc": "2.0", "method": "subscription", "params": {"channel": channel, "data": data}}
                await socket.send_str(json.dumps(frame))


def plan(url: str, names: tuple[str, ...], report: LiveReport) -> VenuePlan:
    subscriptions = Subscriptions()
    subscriptions.add([f"book.{name}.100ms" for name in names])
    streams = tuple(dict.fromkeys(option_stream("deribit", name) for name in names))
    link = VenueLink(url=url, who="Deribit", streams=streams, books=names, hello=subscriptions.requests, confirms=True)
    return VenuePlan(venue="deribit", adapter=DeribitAdapter(InstrumentTable(), report, subscriptions), links=(link,))


@pytest.mark.parametrize(("seed", "cuts"), [(1, 0), (2, 0), (3, 0), (4, 3), (5, 3), (6, 3)])
def test_books_of_a_recorded_session_are_the_venue_s_whatever_was_left_out(
    shared_data: Path, seed: int, cuts: int
) -> None:
    frames = captured(shared_data / "wire-captures-cryptofeed", "DERIBIT")
    venue = Venue(frames, seed, cuts)
    names = tuple(venue.books)
    assert len(names) == 10

    async def main() -> tuple[list[Event], VenueStream]:
        async with serving(venue.serve) as place, asyncio.timeout(60):
            source = stream(plan(f"ws://{place}", names, LiveReport(path="x", kind="native", format="live")))

            async def read() -> list[Event]:
                return [event async for event in source]

            def equal(name: str) -> bool:
                book = source.book(name)
                return book is not None and book.whole and book.last == venue.books[name].last

            reading = asyncio.ensure_future(read())
            await until(lambda: venue.done and all(map(equal, names)), patience_s=40)
            for name in names:
                book = source.book(name)
                assert book is not None
                bids, asks = venue.books[name].levels()
                assert (sorted(book.bids(), reverse=True), sorted(book.asks())) == (bids, asks)
            await source.close()
            return await reading, source

    found, source = asyncio.run(main())
    assert venue.left_out > 3
    assert source.book_gaps.get("gap", 0) > 0 or cuts
    assert source.report.dropped == {}
    gaps = {each.stream for each in found if isinstance(each, Gap)}
    restored = {each.stream for each in found if isinstance(each, Restored)}
    assert gaps
    assert {each for each in gaps if each.kind == "book_snapshot"} <= restored
