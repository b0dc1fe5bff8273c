"""The promise, held against a server that numbers what it sends and cuts the connection at random moments.

Every number that our socket delivered is processed exactly once. Every other one lies inside a recorded gap between its
neighbours. After each resync the order book equals the server's.
"""

from __future__ import annotations

import asyncio
import json
import os
from bisect import bisect
from random import Random

import pytest
from aiohttp import web

from aftershock.model.events import Event, Gap, Restored, Stale, StreamId
from aftershock.venues.connection.book import BookSync, Delta, Outcome, Snapshot
from aftershock.venues.connection.clock import SystemClock
from aftershock.venues.connection.connection import Connection
from aftershock.venues.connection.continuity import Continuity, Feed
from aftershock.venues.connection.inbox import Frame, Inbox, Lost, Skipped
from aftershock.venues.connection.resent import Resent
from aftershock.venues.connection.settings import ConnectionSettings
from tests.connection.fakes import serving, until

DISCONNECTS = int(os.environ.get("AFTERSHOCK_DISCONNECTS", "50"))
"""`make soak` asks for a thousand."""
STREAM = StreamId("venue", "book", "X")
SETTINGS = ConnectionSettings(backoff_s=0.002, backoff_cap_s=0.004, close_s=0.01)

pytestmark = pytest.mark.sockets


class Server:
    """Changes its book all the time; sends each change, repeats some, and ends connections in every way there is."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.seq = 0
        self.cuts = 0
        self.bids: dict[float, float] = {99.0: 1.0}
        self.asks: dict[float, float] = {101.0: 1.0}
        self.states: dict[int, tuple[object, object]] = {}
        self.texts: list[str] = [""]
        self.quiet = False

    def step(self) -> None:
        self.seq += 1
        side, start = (self.bids, 80) if self.random.random() < 0.5 else (self.asks, 101)
        price, amount = float(start + self.random.randrange(20)), float(self.random.randrange(4))
        side[price] = amount
        if not amount:
            del side[price]
        self.states[self.seq] = (tuple(sorted(self.bids.items(), reverse=True)), tuple(sorted(self.asks.items())))
        text = json.dumps({"seq": self.seq, "bid": side is self.bids, "price": price, "amount": amount})
        self.texts.append(text)

    def snapshot(self) -> str:
        return json.dumps({"last": self.seq, "bids": list(self.bids.items()), "asks": list(self.asks.items())})

    async def run(self) -> None:
        """Let the market move, whoever listens."""
        while not self.quiet:
            self.step()
            await asyncio.sleep(0.0007)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(timeout=0.01)
        await socket.prepare(request)
        reader = asyncio.ensure_future(self._requests(socket))
        sent = max(0, self.seq - self.random.choice((0, 0, 5)))  # some once more
        life = self.random.randrange(1, 30) if self.cuts < DISCONNECTS else 10**9
        try:
            while not socket.closed:
                while sent < self.seq and life > 0:
                    sent, life = sent + 1, life - 1
                    await socket.send_str(self.texts[sent])
                if life <= 0:
                    self.cuts += 1
                    await self._cut(request, socket)
                    break
                await asyncio.sleep(0.0005)
        except (ConnectionError, RuntimeError):
            pass
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
        return socket

    async def _requests(self, socket: web.WebSocketResponse) -> None:
        async for _ in socket:
            if self.random.random() < 0.8:
                await socket.send_str(self.snapshot())

    async def _cut(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        transport = request.transport
        assert transport is not None
        match self.random.randrange(4):
            case 0:
                await socket.close()
            case 1:
                transport.abort()
            case 2:
                transport.write(b"\x81\x7e\x02\x00" + b'{"seq": 1')  # says 512 bytes
                transport.close()
            case _:
                await socket.send_str('{"seq": 12')  # half a JSON
                await socket.send_bytes(b"\0")
                transport.abort()


class Client:
    """What any venue's client does with the parts."""

    def __init__(self, host: str, seed: int) -> None:
        self.inbox = Inbox(max_frames=50)
        self.connection = Connection(
            f"ws://{host}/", self.inbox, link=0, settings=SETTINGS, clock=SystemClock(), random=Random(seed)
        )
        self.feed, self.continuity, self.resent = Feed(streams=(STREAM,)), Continuity(), Resent()
        self.book = BookSync()
        self.events: list[Event] = []
        self.processed: list[tuple[int, int]] = []  # (number, receive time)
        self.snapshots = 0
        self.frames = self.unreadable = self.repeated = 0
        self.last_ns = 0

    async def run(self, server: Server) -> None:
        while (taken := await self.inbox.take()) is not None:
            item = taken[1]
            if isinstance(item, Lost):
                self.events += self.continuity.lost(self.feed, item.from_ns, item.at_ns, item.reason)
                self.resent.reconnected(0)
                self.book.lost()
            elif isinstance(item, Skipped):
                self.events += self.continuity.skipped(self.feed, item.from_ns, item.to_ns, item.reason)
            elif isinstance(item, Frame):
                self.frames += 1
                await self.frame(item, server)

    async def frame(self, item: Frame, server: Server) -> None:
        try:
            document = json.loads(item.text)
        except ValueError:
            self.unreadable += 1
            self.events += self.continuity.skipped(self.feed, self.last_ns, item.received_ns, "half a JSON")
            return
        self.last_ns = item.received_ns
        self.events += self.continuity.heard(self.feed, item.received_ns)
        if "last" in document:
            self.snapshots += 1
            self.book.snapshot(
                Snapshot(document["last"], tuple(map(tuple, document["bids"])), tuple(map(tuple, document["asks"])))
            )
        else:
            seq, level = document["seq"], ((document["price"], document["amount"]),)
            if self.resent.repeats(0, str(seq), ("delta",), ()):
                self.repeated += 1
                return
            self.processed.append((seq, item.received_ns))
            bids, asks = (level, ()) if document["bid"] else ((), level)
            if self.book.delta(Delta(seq, seq, bids, asks)) in {Outcome.WAITING, Outcome.GAP}:
                await self.connection.send("snapshot")
        if self.book.whole:
            assert self.book.last is not None
            assert (self.book.bids(), self.book.asks()) == server.states[self.book.last]


def check_promise(client: Client) -> None:
    numbers = [number for number, _ in client.processed]
    assert len(set(numbers)) == len(numbers)
    assert client.frames == len(numbers) + client.repeated + client.snapshots + client.unreadable
    ordered = sorted(client.processed)
    known = [number for number, _ in ordered]
    gaps = [event for event in client.events if isinstance(event, Gap)]
    lacking = sorted(set(range(known[0], known[-1])) - set(known))
    for number in lacking:
        at = bisect(known, number)
        (_, before_ns), (_, after_ns) = ordered[at - 1], ordered[at]
        assert any(before_ns <= gap.from_ts and gap.to_ts <= after_ns for gap in gaps), number
    assert lacking, "nothing was lost: the server did not do its worst"


@pytest.mark.parametrize("seed", [1, 2])
def test_disconnects_at_random_moments_lose_nothing_that_came_and_tell_all_that_did_not(seed: int) -> None:
    async def scenario() -> None:
        server = Server(seed)
        market = asyncio.ensure_future(server.run())
        async with serving(server.handle) as host:
            client = Client(host, seed)
            reading = asyncio.ensure_future(client.connection.run())
            using = asyncio.ensure_future(client.run(server))
            await until(lambda: server.cuts == DISCONNECTS or using.done(), patience_s=30 + DISCONNECTS / 5)
            await until(lambda: (client.connection.opened > DISCONNECTS and client.book.whole) or using.done())
            server.quiet = True
            await market
            await until(lambda: client.book.last == server.seq or using.done())
            reading.cancel()
            client.inbox.end()
            await asyncio.gather(reading, return_exceptions=True)
            await using
        check_promise(client)
        assert client.book.whole
        assert (client.book.bids(), client.book.asks()) == server.states[server.seq]
        assert sum(client.connection.losses.values()) == DISCONNECTS
        kinds = [type(event) for event in client.events if isinstance(event, Stale | Restored)]
        assert kinds == [Stale, Restored] * (len(kinds) // 2)

    asyncio.run(scenario())
