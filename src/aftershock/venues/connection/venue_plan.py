"""What a venue's own module gives to its live stream: connections, and an adapter that knows the venue's words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol, TypeAlias

import msgspec

from aftershock.errors import AftershockError
from aftershock.model.events import Event, StreamId
from aftershock.venues.connection.book import BookUpdate
from aftershock.venues.connection.rate_limit import TokenBucket

__all__ = [
    "Answer",
    "Confirmed",
    "Decoded",
    "GiveUp",
    "Heartbeat",
    "Refused",
    "Tell",
    "Unreadable",
    "VenueAdapter",
    "VenueLink",
    "VenuePlan",
    "Withheld",
]


class Answer(NamedTuple):
    """A text to send back on the same connection: at once, or when the connection's limiter lets it."""

    text: str
    paced: bool = False


class Confirmed(NamedTuple):
    """The venue says that these streams are subscribed: from here on their silence means that nothing happened."""

    streams: tuple[StreamId, ...]


class Withheld(NamedTuple):
    """The venue says that it does not send these streams: they are stale until it does."""

    streams: tuple[StreamId, ...]
    reason: str


class Unreadable(NamedTuple):
    """A message that no one can tell what it was: a gap in every stream of the connection; five in a row end it."""

    reason: str


class GiveUp(NamedTuple):
    """The connection is of no use: open another, not before `wait_s` seconds are over."""

    reason: str
    wait_s: float = 0.0


class Refused(NamedTuple):
    """What was asked for can't be had, now or later: the stream ends with this error."""

    error: AftershockError


Decoded: TypeAlias = Event | BookUpdate | Answer | Confirmed | Withheld | Unreadable | GiveUp | Refused
"""What a message may become; options row by row as `OptionRow`."""


class VenueAdapter(Protocol):
    """The venue's words."""

    def decode(self, link: int, text: str, received_ns: int) -> Sequence[Decoded]:
        """Return what one message says; it never raises, and counts what it does not use.

        Args:
            link: Number of the connection.
            text: As the socket delivered it.
            received_ns: When, ns UTC.
        """
        ...

    def lost(self, link: int) -> None:
        """Forget what the messages of a connection said of quotes: some after them were lost, so they may be over.

        Whatever is told later must not repeat them, as that would confirm them.
        """
        ...

    def resync(self, symbol: str) -> Sequence[str]:
        """Return the texts that make the venue send a whole book; none if it is to be had from `snapshot` only."""
        ...

    async def snapshot(self, symbol: str) -> BookUpdate:
        """Fetch a whole book by another way; called only where `resync` has no texts.

        Raises:
            AftershockError: It can't be had; it will be asked for again.
        """
        ...


class Heartbeat(NamedTuple):
    """A text to send every so many seconds, where the venue wants more than pings."""

    text: str
    every_s: float


class VenueLink(msgspec.Struct, frozen=True, kw_only=True):
    """One connection.

    Attributes:
        url: `ws://` or `wss://`, percent-encoded.
        who: Name of the server in messages.
        streams: What it carries. Symbol empty for all symbols; events of other streams are left out and counted.
        quiet: Those of them whose silence is no fault.
        hello: Gives the texts to send after each opening.
        books: Symbols whose books are kept; each is a stream `book_snapshot` of its own.
        book_quotes: Whether best bid and ask of those books are to be told as `Quote`, too.
        confirms: True if the adapter says `Confirmed`: a quiet stream is back after that, or after a message of its
            own. Else any message brings it back.
        limiter: What texts of ours wait for, each for one token; None to send at once.
        heartbeat: Text to send now and then.
        is_final: Tells from a close code and reason whether opening again is of no use.
        advice: End of the sentence that says that nobody answers.
    """

    url: str
    who: str
    streams: tuple[StreamId, ...]
    quiet: frozenset[StreamId] = frozenset()
    hello: Callable[[], Sequence[str]] = tuple
    books: tuple[str, ...] = ()
    book_quotes: bool = False
    confirms: bool = False
    limiter: TokenBucket | None = None
    heartbeat: Heartbeat | None = None
    is_final: Callable[[int, str], bool] = lambda _code, _reason: False
    advice: str = "check the address and the network"

    def book_stream(self, venue: str, symbol: str) -> tuple[StreamId, ...]:
        """Return what fails with a book."""
        book = StreamId(venue, "book_snapshot", symbol)
        return (book, StreamId(venue, "quotes", symbol)) if self.book_quotes else (book,)


Tell: TypeAlias = Callable[[Sequence[Event]], None]


class VenuePlan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one stream is made of.

    Attributes:
        venue: Id in events.
        adapter: The venue's words.
        links: Connections.
        first: Events to tell before any of them opens, e.g. the chain as a request answered it.
        background: What runs beside them and tells events of its own; a fault of theirs ends the stream.
        book_levels: Levels a side of the books that are told.
    """

    venue: str
    adapter: VenueAdapter
    links: tuple[VenueLink, ...]
    first: tuple[Event, ...] = ()
    background: tuple[Callable[[Tell], Awaitable[None]], ...] = ()
    book_levels: int = 10
