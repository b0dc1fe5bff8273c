"""From what tardis-machine sends live to events: pure, and the same codec as for files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from aftershock.model.events import Event
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NS_PER_S
from aftershock.venues.connection.continuity import Continuity, Feed
from aftershock.venues.connection.feed_watch import VenueClocks, silent
from aftershock.venues.connection.inbox import Frame, Item, Lost, Opened, Skipped
from aftershock.venues.connection.resent import Resent
from aftershock.venues.tardis.codec import DataMessage, message_ns, option_terms, to_event
from aftershock.venues.tardis.live_report import LiveReport
from aftershock.venues.tardis.messages import (
    BrokenMessageError,
    DisconnectMessage,
    ErrorMessage,
    FailureMessage,
    LiquidationMessage,
    Message,
    OptionMessage,
    TradeMessage,
    UnusedMessage,
    decode,
)
from aftershock.venues.tardis.option_terms import OptionNames, is_readable
from aftershock.venues.tardis.report import Broken
from aftershock.venues.tardis.subscription import FeedPlan, LinkPlan

__all__ = ["LiveDecoder"]

_UNREADABLE_IN_A_ROW = 5


class LiveDecoder:
    """Turns the items of some connections into events; `ts_init` is when the socket delivered the message.

    Attributes:
        report: What became of the messages.
        continuity: Which streams are whole.
        names: Terms of options whose names can't be parsed.
        venue_clocks: By exchange, receive time against the venue's time.
        recorder_clocks: By exchange, receive time against the recorder's; `localTimestamp` is used for nothing else.
    """

    def __init__(
        self,
        plans: Sequence[LinkPlan],
        table: InstrumentTable,
        report: LiveReport,
        *,
        stale_after_s: float,
        drop: Callable[[int, str], None],
    ) -> None:
        """Take what was subscribed.

        Args:
            plans: The connections, in the order of their numbers.
            table: Says what a venue's liquidation feed means.
            report: Where messages are counted.
            stale_after_s: Silence of a feed that is not quiet.
            drop: Gives up a connection that delivers nothing of use; it will be opened again.
        """
        self.report, self.continuity, self.names = report, Continuity(), OptionNames()
        self._table, self._stale_after_ns, self._drop = table, round(stale_after_s * NS_PER_S), drop
        self._resent = Resent()
        self._feeds: list[dict[str, tuple[Feed, FeedPlan]]] = [
            {name: (Feed(streams=plan.streams), plan) for name, plan in link.feeds.items()} for link in plans
        ]
        self._last_ns = [0] * len(plans)
        self._unreadable = [0] * len(plans)
        self.venue_clocks, self.recorder_clocks = VenueClocks(), VenueClocks()

    def item(self, link: int, item: Item) -> Sequence[Event]:
        """Return the events of one item of a connection; option rows one by one, as `OptionRow`."""
        if isinstance(item, Frame):
            return self._frame(link, item.text, item.received_ns)
        if isinstance(item, Lost):
            found: list[Event] = []
            for name, (feed, _) in self._feeds[link].items():
                self._resent.reconnected((link, name))
                found += self.continuity.lost(feed, item.from_ns, item.at_ns, item.reason)
            return found
        if isinstance(item, Opened):
            self._last_ns[link] = item.at_ns
            for feed, _ in self._feeds[link].values():
                feed.heard_ns = feed.heard_ns or item.at_ns
            return ()
        return list(self._skipped(link, item) if isinstance(item, Skipped) else self._tick(item.at_ns))

    def ended(self, ts_ns: int) -> Iterator[Event]:
        """Yield the gaps that are open when nothing more will come."""
        for feeds in self._feeds:
            for feed, _ in feeds.values():
                yield from self.continuity.ended(feed, ts_ns)

    # --- messages: lists instead of generators, as each of them is passed here -----------------------------------

    def _frame(self, link: int, text: str, ts_ns: int) -> Sequence[Event]:
        self.report.rows += 1
        found: Sequence[Event] = ()
        try:
            found = self._message(link, decode(text), ts_ns)
            self._unreadable[link] = 0
        except BrokenMessageError as error:
            self.report.drop(error.reason, self.report.rows, text)
            if error.reason is Broken.JSON:
                found = list(self._lost_message(link, ts_ns))
        self._last_ns[link] = ts_ns
        return found

    def _message(self, link: int, message: Message | UnusedMessage | FailureMessage, ts_ns: int) -> Sequence[Event]:
        if isinstance(message, FailureMessage):
            self.report.note(f"tardis-machine broke off: {message.message[:200]}")
            self._drop(link, "tardis-machine broke off")
            return ()
        found = self._feeds[link].get(message.exchange)
        if found is None:
            kind = message.type if isinstance(message, UnusedMessage) else str(message.__struct_config__.tag)
            self.report.leave(kind)
            return ()
        feed, plan = found
        if isinstance(message, ErrorMessage):
            self.report.errors += 1
            self.report.note(f"the recorder reported for {message.exchange}: {message.details[:200]}")
            return ()
        if isinstance(message, DisconnectMessage):
            return list(self._disconnected(link, feed, message, ts_ns))
        if isinstance(message, UnusedMessage):
            self.report.leave(message.type)
            return self.continuity.heard(feed, ts_ns)
        return self._data(link, feed, plan, message, ts_ns)

    def _data(self, link: int, feed: Feed, plan: FeedPlan, message: DataMessage, ts_ns: int) -> Sequence[Event]:
        event = to_event(message, ts_ns, self._table)
        recorded_ns = message_ns(message.local_timestamp)
        told = self.continuity.heard(feed, ts_ns)
        tag = str(message.__struct_config__.tag)
        if tag not in plan.wanted:
            self.report.leave(tag)
            return told
        if isinstance(message, TradeMessage | LiquidationMessage) and self._repeats(link, tag, message):
            self.report.drop(Broken.DUPLICATE, self.report.rows, f"{tag} {message.symbol} {message.timestamp}")
            return told
        two_clocks = message.timestamp != message.local_timestamp
        self.recorder_clocks.observe(message.exchange, recorded_ns, ts_ns)
        if two_clocks:
            self.venue_clocks.observe(message.exchange, event.ts_event, ts_ns)
        if isinstance(message, OptionMessage) and not is_readable(message.exchange, message.symbol):
            self.names.remember(message.exchange, message.symbol, option_terms(message))
        self.report.saw(ts_ns, ts_ns, two_clocks=two_clocks)
        return (*told, event) if told else (event,)

    def _repeats(self, link: int, tag: str, message: TradeMessage | LiquidationMessage) -> bool:
        """Tell whether a print came before: a trade and a liquidation with one id are two messages."""
        name = (tag, message.exchange, message.symbol)
        row = (message.timestamp, message.side, message.price, message.amount)
        return self._resent.repeats((link, message.exchange), message.id, name, row)

    # --- losses -------------------------------------------------------------------------------------------------

    def _disconnected(self, link: int, feed: Feed, message: DisconnectMessage, ts_ns: int) -> Iterator[Event]:
        """Begin a gap at the last message that came: the time in a `disconnect` may be long before it."""
        self.report.disconnects += 1
        self._resent.reconnected((link, message.exchange))
        symbols = [symbol for symbol in message.symbols[:10] if symbol.isprintable()]
        of = f" ({', '.join(symbols)})" if symbols else ""
        yield from self.continuity.lost(feed, feed.heard_ns, ts_ns, f"the recorder lost the venue{of}")

    def _lost_message(self, link: int, ts_ns: int) -> Iterator[Event]:
        """Tell that one message could not be read; several in a row are another language, and end the connection."""
        self.report.unreadable += 1
        self._unreadable[link] += 1
        for feed, _ in self._feeds[link].values():
            yield from self.continuity.skipped(feed, self._last_ns[link], ts_ns, "a message was no JSON")
        if self._unreadable[link] >= _UNREADABLE_IN_A_ROW:
            self._unreadable[link] = 0
            self._drop(link, f"{_UNREADABLE_IN_A_ROW} messages in a row were no JSON")

    def _skipped(self, link: int, item: Skipped) -> Iterator[Event]:
        if item.overflow:
            self.report.overflowed += item.frames
        else:
            self.report.not_text += item.frames
        for feed, _ in self._feeds[link].values():
            yield from self.continuity.skipped(feed, item.from_ns, item.to_ns, item.reason)

    def _tick(self, now_ns: int) -> Iterator[Event]:
        """Tell which feeds went silent that must not, and whose clock is off."""
        watched = [feed for feeds in self._feeds for feed, plan in feeds.values() if not plan.quiet]
        yield from silent(self.continuity, watched, self._stale_after_ns, now_ns)
        yield from self.venue_clocks.judge(self.continuity, self._feeds_of, self.report.note, now_ns)

    def _feeds_of(self, exchange: str) -> list[Feed]:
        return [feeds[exchange][0] for feeds in self._feeds if exchange in feeds]
