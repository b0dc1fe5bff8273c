"""How one connection of a venue stands: what it carries, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable

from aftershock.model.events import StreamId
from aftershock.venues.connection.continuity import Feed
from aftershock.venues.connection.venue_books import VenueBooks
from aftershock.venues.connection.venue_plan import VenueLink

__all__ = ["LinkState"]


class LinkState:
    """Feeds, books and order of one connection.

    Attributes:
        plan: What it carries.
        books: The books that are kept.
        by_stream, by_name: Feeds by stream, and by its kind and symbol.
        feeds: All of them, those of the books included.
        busy, quiet: Those whose silence is a fault, and those whose is not.
        number: Of the present opening; 0 while it is down.
        last_ns: When its last message came, ns UTC.
        unreadable: Messages in a row that could not be read.
    """

    def __init__(self, plan: VenueLink, books: VenueBooks, book_feeds: dict[str, Feed]) -> None:
        """Take what it carries, its books, and what fails with each of them."""
        self.plan, self.books = plan, books
        self.by_stream = {stream: Feed(streams=(stream,)) for stream in plan.streams}
        self.by_name = {(stream.kind, stream.symbol): feed for stream, feed in self.by_stream.items()}
        self.feeds = [*self.by_stream.values(), *book_feeds.values()]
        self.busy = [feed for feed in self.feeds if not plan.quiet.issuperset(feed.streams)]
        self.quiet = [feed for stream, feed in self.by_stream.items() if stream in plan.quiet]
        self.number = self.last_ns = self.unreadable = 0

    def quiet_of(self, streams: Iterable[StreamId]) -> list[Feed]:
        """Return the feeds of some streams, of those that may be quiet."""
        return [self.by_stream[stream] for stream in streams if stream in self.by_stream and stream in self.plan.quiet]
