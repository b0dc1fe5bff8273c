"""Frames that real venues sent, through one connection at full speed: all of them, once, in order, whatever breaks."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiohttp import web

from aftershock.venues.connection.book import BookSync, Delta, Snapshot
from aftershock.venues.connection.clock import SystemClock
from aftershock.venues.connection.connection import Connection
from aftershock.venues.connection.inbox import Frame, Inbox, Lost
from aftershock.venues.connection.settings import ConnectionSettings
from tests.connection.fakes import serving

pytestmark = [pytest.mark.sockets, pytest.mark.slow]

SETTINGS = ConnectionSettings(backoff_s=0.002, backoff_cap_s=0.004, close_s=0.05)
CAPTURES = ("BINANCE_DELIVERY", "BINANCE_FUTURES", "BYBIT", "DERIBIT", "OKX", "BITMEX")
CUTS = 20


def captured(folder: Path, name: str, kind: str = "recv") -> list[str]:
    """Return what a venue sent in a recorded session, or what was sent to it, or what it answered over HTTP."""
    if name == "BITMEX":
        with gzip.open(folder / "BITMEX.ws.1.0.gz", "rt", encoding="utf-8") as file:
            return [line.split(": ", 1)[1].rstrip("\n") for line in file if ": {" in line]
    arrow = pytest.importorskip("pyarrow")
    with arrow.input_stream(str(folder / f"{name}.jsonl.zst"), compression="zstd") as stream:
        lines = [json.loads(line) for line in stream.read().decode().splitlines()]
    return [line["data"] for line in lines if line["t"] == kind]


async def read(url: str, inbox: Inbox) -> asyncio.Task[None]:
    connection = Connection(f"ws://{url}", inbox, link=0, settings=SETTINGS, clock=SystemClock(), random=Random(1))
    return asyncio.ensure_future(connection.run())


@pytest.mark.parametrize("name", CAPTURES)
def test_a_recorded_session_comes_through_frame_by_frame(shared_data: Path, name: str) -> None:
    frames = captured(shared_data / "wire-captures-cryptofeed", name)
    assert len(frames) > 100

    async def play(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for frame in frames:
            await socket.send_str(frame)
        async for _ in socket:
            pass
        return socket

    async def main() -> list[str]:
        inbox = Inbox()
        found: list[str] = []
        async with serving(play) as url:
            task = await read(url, inbox)
            async with asyncio.timeout(30):
                while len(found) < len(frames):
                    taken = await inbox.take()
                    assert taken is not None
                    if isinstance(taken[1], Frame):
                        found.append(taken[1].text)
            task.cancel()
        assert inbox.dropped == 0
        return found

    assert asyncio.run(main()) == frames


class Tape:
    """A venue that goes on while nobody listens, and gives the book as it is to whoever comes."""

    def __init__(self, lines: list[str]) -> None:
        self.frames = lines
        self.at = 0
        self.sent: list[int] = []
        self.bids: dict[str, str] = {}
        self.asks: dict[str, str] = {}
        self.last = -1
        self.early: list[dict[str, Any]] = []
        self.states: dict[int, tuple[object, object]] = {}
        self.random = Random(7)
        self.cuts = 0
        self.done = asyncio.Event()

    def step(self) -> str:
        """Return the next frame, and let it happen to the book."""
        text = self.frames[self.at]
        self.at += 1
        message = json.loads(text)
        data: dict[str, Any] = message.get("data", message)
        if "lastUpdateId" in data and self.last < 0:  # asked for before, it came after some of the changes to it
            self.last = data["lastUpdateId"]
            self.bids, self.asks = dict(data["bids"]), dict(data["asks"])
            for early in self.early:
                self.change(early)
        elif data.get("e") == "depthUpdate":
            self.early.append(data)
            self.change(data)
        return text

    def change(self, data: dict[str, Any]) -> None:
        if not 0 <= self.last < data["u"]:
            return
        for side, changes in ((self.bids, data["b"]), (self.asks, data["a"])):
            for price, amount in changes:
                side[price] = amount
                if not float(amount):
                    del side[price]
        self.last = data["u"]

    def state(self) -> tuple[object, object]:
        bids = tuple(sorted(((float(p), float(a)) for p, a in self.bids.items()), reverse=True))
        return bids, tuple(sorted((float(p), float(a)) for p, a in self.asks.items()))

    async def play(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if self.last >= 0:
            book = {"last": self.last, "bids": list(self.bids.items()), "asks": list(self.asks.items())}
            await socket.send_str(json.dumps(book))
        life = self.random.randrange(1_000, 7_000) if self.cuts < CUTS else len(self.frames)
        while self.at < len(self.frames) and life:
            self.sent.append(self.at)
            await socket.send_str(self.step())
            life -= 1
        self.states[self.last] = self.state()
        if self.at < len(self.frames):
            self.cuts += 1
            # What was sent has to leave before the cut, which empties the buffer in which a slow reader leaves it.
            while request.transport is not None and request.transport.get_write_buffer_size():  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.02)
            if request.transport is not None:
                request.transport.abort()
            for _ in range(self.random.randrange(0, 400)):
                if self.at < len(self.frames):
                    self.step()
        else:
            self.done.set()
            async for _ in socket:
                pass
        return socket


class Reader:
    """Keeps the book of what comes, and holds it against the venue's whenever the connection is lost."""

    def __init__(self, tape: Tape) -> None:
        self.tape, self.book = tape, BookSync()
        self.found: list[str] = []
        self.losses: list[int] = []
        self.checked = 0

    def take(self, item: object) -> None:
        if isinstance(item, Frame):
            self._use(item.text)
        elif isinstance(item, Lost):
            self.losses.append(len(self.found))
            self.compare()
            self.book.lost()

    def compare(self) -> None:
        book = self.book
        if book.whole and book.last in self.tape.states:
            assert (book.bids(), book.asks()) == self.tape.states[book.last]
            self.checked += 1

    def _use(self, text: str) -> None:
        message = json.loads(text)
        data = message.get("data", message)
        if "last" in message:
            self.book.snapshot(Snapshot(message["last"], _levels(message["bids"]), _levels(message["asks"])))
            return
        self.found.append(text)
        if "lastUpdateId" in data:
            self.book.snapshot(Snapshot(data["lastUpdateId"], _levels(data["bids"]), _levels(data["asks"])))
        elif data.get("e") == "depthUpdate":
            self.book.delta(Delta(data["pu"] + 1, data["u"], _levels(data["b"]), _levels(data["a"])))


def test_a_busy_feed_that_breaks_twenty_times_loses_only_what_was_not_sent_and_its_book_is_the_venue_s(
    shared_data: Path,
) -> None:
    with gzip.open(shared_data / "binance-perp-feed" / "btcusdt_20240808.gz", "rt", encoding="utf-8") as file:
        lines = [line.split(" ", 1)[1].rstrip("\n") for line in file]

    async def main() -> Reader:
        reader, inbox = Reader(Tape(lines)), Inbox(max_frames=200_000, max_chars=1 << 30)
        async with serving(reader.tape.play) as url:
            task = await read(url, inbox)
            async with asyncio.timeout(60):
                while not (reader.tape.done.is_set() and len(reader.found) >= len(reader.tape.sent)):
                    taken = await inbox.take()
                    assert taken is not None
                    reader.take(taken[1])
            reader.compare()
            task.cancel()
        assert inbox.dropped == 0
        return reader

    reader = asyncio.run(main())
    tape = reader.tape
    assert reader.found == [lines[n] for n in tape.sent]
    assert len(lines) > len(reader.found) > 80_000
    assert len(reader.losses) == tape.cuts == CUTS
    # what was not sent lies between the last frame before a loss and the first after it
    holes = [place for place, (a, b) in enumerate(itertools.pairwise(tape.sent), 1) if b != a + 1]
    assert set(holes) <= set(reader.losses)
    assert reader.checked >= CUTS


def _levels(pairs: list[list[str]]) -> tuple[tuple[float, float], ...]:
    return tuple((float(price), float(amount)) for price, amount in pairs)
