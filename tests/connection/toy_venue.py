"""A venue of a few words, for what every venue's stream must do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

from aftershock.errors import AftershockError, UnreachableError
from aftershock.model.events import Event, Quote, StreamId, Trade
from aftershock.venues.connection.book import BookUpdate, Delta, Snapshot
from aftershock.venues.connection.clock import Clock, SystemClock
from aftershock.venues.connection.settings import ConnectionSettings, LiveSettings
from aftershock.venues.connection.venue_decoder import VenueDecoder
from aftershock.venues.connection.venue_plan import (
    Answer,
    Confirmed,
    Decoded,
    GiveUp,
    Refused,
    Unreadable,
    VenueLink,
    VenuePlan,
)
from aftershock.venues.connection.venue_stream import VenueStream
from aftershock.venues.tardis.live_report import LiveReport

TRADES, QUOTES, BOOK = (StreamId("toy", kind, "X") for kind in ("trades", "quotes", "book_snapshot"))
QUICK = LiveSettings(connection=ConnectionSettings(backoff_s=0.001, backoff_cap_s=0.002, close_s=0.05))


class Toy:
    """Its words; `snapshots` answer what is asked over HTTP, and are empty for a venue that resends."""

    def __init__(self, snapshots: list[BookUpdate] | None = None) -> None:
        self.snapshots = snapshots
        self.asked = 0
        self.losses: list[int] = []

    def lost(self, link: int) -> None:
        self.losses.append(link)

    def decode(self, _link: int, text: str, received_ns: int) -> Sequence[Decoded]:
        try:
            said = json.loads(text)
        except ValueError:
            return [Unreadable("a message was no JSON")]
        return [word(said, received_ns)]

    def resync(self, symbol: str) -> Sequence[str]:
        return () if self.snapshots is not None else (f"again {symbol}",)

    async def snapshot(self, symbol: str) -> BookUpdate:
        self.asked += 1
        if not self.snapshots:
            raise UnreachableError(f"the venue has no book of {symbol} now: try again")
        return self.snapshots.pop(0)


def word(said: dict[str, Any], now: int) -> Decoded:
    at = said.get("at", now - 1_000_000)
    match said["is"]:
        case "trade":
            return Trade(ts_event=at, ts_init=now, venue="toy", symbol="X", price=1.0, amount=1.0, side="buy",
                         trade_id=said["id"])  # fmt: skip
        case "quote":
            return Quote(ts_event=at, ts_init=now, venue="toy", symbol="X", bid=1, bid_amount=1, ask=2, ask_amount=1)
        case "book":
            return BookUpdate("X", at, now, Delta(said["n"], said["n"], ((10.0, float(said["n"])),), ()))
        case "whole":
            return BookUpdate("X", at, now, Snapshot(said["n"], ((10.0, float(said["n"])),), ((11.0, 1.0),)))
        case "ping":
            return Answer("pong")
        case "stands":
            return Confirmed((TRADES,))
        case "leave":
            return GiveUp("too many requests", 45.0)
        case _:
            return Refused(AftershockError("the venue has no X: name another"))


def told(what: str, **more: object) -> str:
    return json.dumps({"is": what, **more})


def plan(adapter: Toy, url: str = "ws://127.0.0.1:9", **changes: Any) -> VenuePlan:
    given = {"streams": (TRADES, QUOTES), "quiet": frozenset({TRADES, BOOK}), "books": ("X",)} | changes
    return VenuePlan(venue="toy", adapter=adapter, links=(VenueLink(url=url, who="toy", **given),))


def stream(found: VenuePlan, clock: Clock | None = None, settings: LiveSettings = QUICK) -> VenueStream:
    async def resolve() -> VenuePlan:
        return found

    return VenueStream("toy", resolve, settings=settings, clock=clock or SystemClock(), random=Random(1))


class Asked:
    """Notes what a decoder asks of its connections."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.dropped: list[tuple[str, float]] = []
        self.books: list[str] = []
        self.errors: list[AftershockError] = []
        self.toy = Toy()

    def send(self, _link: int, text: str, *, paced: bool = False) -> None:
        self.sent.append(f"paced {text}" if paced else text)

    def drop(self, _link: int, reason: str, wait_s: float) -> None:
        self.dropped.append((reason, wait_s))

    def want_book(self, _link: int, symbol: str) -> None:
        self.books.append(f"want {symbol}")

    def have_book(self, _link: int, symbol: str) -> None:
        self.books.append(f"have {symbol}")

    def fail(self, error: AftershockError) -> None:
        self.errors.append(error)


def decoder(**changes: Any) -> tuple[VenueDecoder, Asked]:
    asked, report = Asked(), LiveReport(path="toy", kind="native", format="live")
    asked.toy = toy = Toy()
    return VenueDecoder(plan(toy, **changes), report, asked, stale_after_s=15.0), asked


def names(events: Sequence[Event]) -> list[str]:
    """Return the kinds of events, those of a stream with the stream's."""
    return [f"{type(e).__name__} {e.stream.kind}" if hasattr(e, "stream") else type(e).__name__ for e in events]
