"""From the items of a venue's connections to events: pure but for what it asks of its connections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeAlias

from aftershock.errors import AftershockError
from aftershock.model.events import (
    BookSnapshot,
    DerivativeTicker,
    Event,
    Liquidation,
    Quote,
    Stale,
    StreamId,
    Trade,
)
from aftershock.model.units import NS_PER_S
from aftershock.venues.connection.book import BookUpdate
from aftershock.venues.connection.continuity import Continuity, Feed
from aftershock.venues.connection.feed_watch import VenueClocks, silent
from aftershock.venues.connection.inbox import Frame, Given, Item, Lost, Opened, Skipped
from aftershock.venues.connection.link_state import LinkState
from aftershock.venues.connection.packed import OptionRow
from aftershock.venues.connection.resent import Resent
from aftershock.venues.connection.venue_books import VenueBooks
from aftershock.venues.connection.venue_plan import (
    Answer,
    Confirmed,
    GiveUp,
    Refused,
    Unreadable,
    VenueLink,
    VenuePlan,
    Withheld,
)
from aftershock.venues.tardis.live_report import LiveReport
from aftershock.venues.tardis.report import Broken

__all__ = ["Links", "VenueDecoder"]

_UNREADABLE_IN_A_ROW = 5
_OPTIONS = "option_quotes"
_KINDS: dict[type[Event], str] = {
    DerivativeTicker: "derivative_ticker",
    Quote: "quotes",
    BookSnapshot: "book_snapshot",
    Trade: "trades",
    Liquidation: "liquidations",
}
_Market: TypeAlias = DerivativeTicker | Quote | BookSnapshot | Trade | Liquidation


class Links(Protocol):
    """What the decoder asks of its connections."""

    def send(self, link: int, text: str, *, paced: bool = False) -> None:
        """Send a text, at once or when the connection's limiter lets it."""
        ...

    def drop(self, link: int, reason: str, wait_s: float) -> None:
        """Give up a connection, and open it again after so many seconds or later."""
        ...

    def want_book(self, link: int, symbol: str) -> None:
        """Ask for a whole book, unless that is being done."""
        ...

    def have_book(self, link: int, symbol: str) -> None:
        """Note that a book is whole: nothing more needs to be asked."""
        ...

    def fail(self, error: AftershockError) -> None:
        """End the stream."""
        ...


class VenueDecoder:
    """Turns items into events; `ts_init` is when the socket delivered the message.

    Attributes:
        report: What became of the messages.
        continuity: Which streams are whole.
        clocks: Receive time against the venue's.
        links: State of each connection, in the order of their numbers.
    """

    def __init__(self, plan: VenuePlan, report: LiveReport, connections: Links, *, stale_after_s: float) -> None:
        """Take what is listened to.

        Args:
            plan: Connections and the venue's words.
            report: Where messages are counted.
            connections: What answers go to.
            stale_after_s: Silence of a stream that is not quiet.
        """
        self.report, self.continuity, self.clocks = report, Continuity(), VenueClocks()
        self._plan, self._connections = plan, connections
        self._stale_after_ns = round(stale_after_s * NS_PER_S)
        self._resent = Resent()
        self.links = [self._state(number, link) for number, link in enumerate(plan.links)]

    def _state(self, number: int, link: VenueLink) -> LinkState:
        venue = self._plan.venue
        feeds = {symbol: Feed(streams=link.book_stream(venue, symbol)) for symbol in link.books}
        books = VenueBooks(
            venue,
            feeds,
            self.continuity,
            levels=self._plan.book_levels,
            quotes=link.book_quotes,
            want=lambda symbol: self._connections.want_book(number, symbol),
            have=lambda symbol: self._connections.have_book(number, symbol),
        )
        return LinkState(link, books, feeds)

    def item(self, link: int, item: Item) -> Sequence[Event]:
        """Return the events of one item of a connection; option rows one by one, as `OptionRow`."""
        state = self.links[link]
        if isinstance(item, Frame):
            return self._frame(link, state, item.text, item.received_ns)
        if isinstance(item, Lost):
            return self._lost(link, state, item)
        if isinstance(item, Opened):
            state.last_ns, state.number = item.at_ns, item.number
            for feed in state.feeds:
                feed.heard_ns = feed.heard_ns or item.at_ns
            return ()
        if isinstance(item, Given):
            return self._given(state, item)
        return list(self._skipped(link, state, item) if isinstance(item, Skipped) else self._tick(item.at_ns))

    def ended(self, ts_ns: int) -> Iterator[Event]:
        """Yield the gaps that are open when nothing more will come."""
        for state in self.links:
            for feed in state.feeds:
                yield from self.continuity.ended(feed, ts_ns)

    # --- messages -----------------------------------------------------------------------------------------------

    def _frame(self, link: int, state: LinkState, text: str, now_ns: int) -> Sequence[Event]:
        found: list[Event] = []
        readable = True
        for each in self._plan.adapter.decode(link, text, now_ns):
            if isinstance(each, Event):
                self._market(link, state, each, found)
            elif isinstance(each, BookUpdate):
                self._book(state, each, found)
            elif isinstance(each, Unreadable):
                readable = False
                self._unreadable(link, state, each.reason, now_ns, found)
            else:
                self._control(link, state, each, now_ns, found)
        if readable:
            state.unreadable = 0
            if state.quiet and not state.plan.confirms:
                for feed in state.quiet:
                    found[:0] = self.continuity.heard(feed, now_ns)
        state.last_ns = now_ns
        return found

    def _market(self, link: int, state: LinkState, event: Event, found: list[Event]) -> None:
        if isinstance(event, OptionRow):
            kind, symbol = _OPTIONS, event.stream.symbol
        elif isinstance(event, _Market):
            kind, symbol = _KINDS[type(event)], event.symbol
        else:  # an expiry that was settled and the like belongs to no feed
            found.append(event)
            return
        feed = state.by_name.get((kind, symbol)) or state.by_name.get((kind, ""))
        if feed is None:
            self.report.leave(kind)
            return
        found += self.continuity.heard(feed, event.ts_init)
        if isinstance(event, Trade | Liquidation) and self._repeats(link, event):
            self.report.drop(Broken.DUPLICATE, self.report.rows, f"{kind} {symbol} {event.ts_event}")
            return
        if event.ts_event != event.ts_init:
            self.clocks.observe(self._plan.venue, event.ts_event, event.ts_init)
        found.append(event)

    def _repeats(self, link: int, event: Trade | Liquidation) -> bool:
        """Tell whether a print came before: a trade and a liquidation with one id are two messages."""
        if isinstance(event, Trade):
            tag, row_id, side = "trade", event.trade_id, event.side
        else:
            tag, row_id, side = "liquidation", event.liquidation_id, event.liquidated.value
        row = (event.ts_event, side, event.price, event.amount)
        return self._resent.repeats(link, row_id, (tag, event.venue, event.symbol), row)

    def _book(self, state: LinkState, message: BookUpdate, found: list[Event]) -> None:
        if not state.books.keeps(message.symbol):
            self.report.leave("book")
            return
        if message.ts_event != message.ts_init:
            self.clocks.observe(self._plan.venue, message.ts_event, message.ts_init)
        found += state.books.take(message)

    def _control(
        self,
        link: int,
        state: LinkState,
        each: Answer | Confirmed | Withheld | GiveUp | Refused,
        now_ns: int,
        found: list[Event],
    ) -> None:
        if isinstance(each, Answer):
            self._connections.send(link, each.text, paced=each.paced)
        elif isinstance(each, Confirmed):
            for feed in state.quiet_of(each.streams):
                found += self.continuity.heard(feed, now_ns)
        elif isinstance(each, Withheld):
            for feed in state.quiet_of(each.streams):
                found += self.continuity.lost(feed, feed.heard_ns or now_ns, now_ns, each.reason)
        elif isinstance(each, GiveUp):
            self.report.note(each.reason)
            self._connections.drop(link, each.reason, each.wait_s)
        else:
            self._connections.fail(each.error)

    def _unreadable(self, link: int, state: LinkState, reason: str, now_ns: int, found: list[Event]) -> None:
        self.report.unreadable += 1
        state.unreadable += 1
        self._plan.adapter.lost(link)
        for feed in state.feeds:
            found += self.continuity.skipped(feed, state.last_ns, now_ns, reason)
        if state.unreadable >= _UNREADABLE_IN_A_ROW:
            state.unreadable = 0
            self._connections.drop(link, f"{_UNREADABLE_IN_A_ROW} messages in a row could not be read", 0.0)

    # --- all else -----------------------------------------------------------------------------------------------

    def _given(self, state: LinkState, item: Given) -> Sequence[Event]:
        found: list[Event] = []
        if not isinstance(item.what, BookUpdate):
            found += item.what if isinstance(item.what, tuple) else ()
        elif item.number == state.number:  # else the numbers that it belongs to are gone
            self._book(state, item.what, found)
        return found

    def _lost(self, link: int, state: LinkState, item: Lost) -> Sequence[Event]:
        state.number = 0
        state.books.lost()
        self._plan.adapter.lost(link)
        self._resent.reconnected(link)
        found: list[Event] = []
        for feed in state.feeds:
            found += self.continuity.lost(feed, item.from_ns, item.at_ns, item.reason)
        return found

    def _skipped(self, link: int, state: LinkState, item: Skipped) -> Iterator[Event]:
        self._plan.adapter.lost(link)
        if item.overflow:
            self.report.overflowed += item.frames
        else:
            self.report.not_text += item.frames
        for feed in state.feeds:
            yield from self.continuity.skipped(feed, item.from_ns, item.to_ns, item.reason)

    def _tick(self, now_ns: int) -> Iterator[Event]:
        for link, state in enumerate(self.links):
            found = list(silent(self.continuity, state.busy, self._stale_after_ns, now_ns))
            if any(isinstance(each, Stale) and each.stream.kind == _OPTIONS for each in found):
                self._plan.adapter.lost(link)
            yield from found
        yield from self.clocks.judge(self.continuity, self._feeds_of, self.report.note, now_ns)

    def _feeds_of(self, _venue: str) -> list[Feed]:
        return [feed for state in self.links for feed in state.feeds]

    def streams(self) -> list[StreamId]:
        """Return all that is listened to."""
        return [stream for state in self.links for feed in state.feeds for stream in feed.streams]
