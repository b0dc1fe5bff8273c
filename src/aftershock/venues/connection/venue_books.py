"""The books of one connection, as events: top levels when they change, and holes where numbers are missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from aftershock.model.events import BookSnapshot, Event, Quote
from aftershock.model.units import NAN
from aftershock.venues.connection.book import BookSync, BookUpdate, Levels, Outcome, Snapshot
from aftershock.venues.connection.continuity import Continuity, Feed

__all__ = ["VenueBooks"]

_HOLES = frozenset({Outcome.GAP, Outcome.CROSSED, Outcome.BROKEN})
_WHY = {
    Outcome.GAP: "numbers of the book were missing",
    Outcome.CROSSED: "the book was crossed",
    Outcome.BROKEN: "the book had a number that can't be one",
}


class _Kept(msgspec.Struct):
    book: BookSync
    feed: Feed
    ts_event: int = 0
    top: tuple[Levels, Levels] = ((), ())


class VenueBooks:
    """Keeps books and says what of them is news.

    Attributes:
        gaps: Holes found in books so far, by outcome.
    """

    def __init__(
        self,
        venue: str,
        feeds: dict[str, Feed],
        continuity: Continuity,
        *,
        levels: int,
        quotes: bool,
        want: Callable[[str], None],
        have: Callable[[str], None],
    ) -> None:
        """Take which books to keep.

        Args:
            venue: Id in events.
            feeds: Of each book, by symbol.
            continuity: Of the feeds.
            levels: To tell, a side.
            quotes: Whether best bid and ask are told as `Quote`, too.
            want: Asks the venue for a whole book; may be called again and again.
            have: Hears of each book that has become whole.
        """
        self.gaps: dict[str, int] = {}
        self._venue, self._continuity = venue, continuity
        self._levels, self._quotes, self._want, self._have = levels, quotes, want, have
        self._kept = {symbol: _Kept(BookSync(), feed) for symbol, feed in feeds.items()}

    def keeps(self, symbol: str) -> bool:
        """Tell whether a book is one of ours."""
        return symbol in self._kept

    def whole(self, symbol: str) -> bool:
        """Tell whether a book is the venue's."""
        return self._kept[symbol].book.whole

    def book(self, symbol: str) -> BookSync:
        """Return a book."""
        return self._kept[symbol].book

    def lost(self) -> None:
        """Note that the connection is gone, and with it the numbers."""
        for kept in self._kept.values():
            kept.book.lost()
            kept.top = ((), ())

    def take(self, message: BookUpdate) -> Sequence[Event]:
        """Take a message of a book that is kept; return what is to be told."""
        kept, update, now = self._kept[message.symbol], message.update, message.ts_init
        book, was_whole = kept.book, kept.book.whole
        outcome = book.snapshot(update) if isinstance(update, Snapshot) else book.delta(update)
        kept.ts_event = max(kept.ts_event, message.ts_event)
        if book.whole:
            if not was_whole:
                self._have(message.symbol)
            told = self._continuity.heard(kept.feed, now)
            return [*told, *self._news(kept, message.symbol, now, again=bool(told))]
        self._want(message.symbol)
        if outcome not in _HOLES:
            return ()
        self.gaps[outcome.value] = self.gaps.get(outcome.value, 0) + 1
        why = _WHY[outcome]
        if outcome is Outcome.GAP and book.missing is not None:
            first, last = book.missing
            why = f"{why}: {first} to {'?' if last is None else last}"
        return self._continuity.lost(kept.feed, kept.feed.heard_ns or now, now, why)

    def _news(self, kept: _Kept, symbol: str, now: int, *, again: bool) -> list[Event]:
        top = kept.book.top(self._levels)
        if top == kept.top and not again:
            return []
        best = tuple(side[:1] for side in kept.top) != tuple(side[:1] for side in top)
        kept.top = top
        bids, asks = top
        found: list[Event] = [
            BookSnapshot(ts_event=kept.ts_event, ts_init=now, venue=self._venue, symbol=symbol, bids=bids, asks=asks)
        ]
        if self._quotes and (best or again):
            (bid, bid_amount), (ask, ask_amount) = (side[0] if side else (NAN, NAN) for side in top)
            found.append(
                Quote(
                    ts_event=kept.ts_event,
                    ts_init=now,
                    venue=self._venue,
                    symbol=symbol,
                    bid=bid,
                    bid_amount=bid_amount,
                    ask=ask,
                    ask_amount=ask_amount,
                )
            )
        return found
