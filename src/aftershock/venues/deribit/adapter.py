"""Deribit's words for the live stream: market data, what it complains of, and what it wants an answer to."""

from __future__ import annotations

from collections.abc import Sequence

from aftershock.errors import InputError
from aftershock.model.events import Event, Quote
from aftershock.model.table import InstrumentTable
from aftershock.venues.connection.book import BookUpdate
from aftershock.venues.connection.packed import OptionRow
from aftershock.venues.connection.text import printable
from aftershock.venues.connection.venue_plan import Answer, Decoded, GiveUp, Unreadable
from aftershock.venues.deribit.codec import Decoder
from aftershock.venues.deribit.listings import Listings
from aftershock.venues.deribit.messages import Frame
from aftershock.venues.deribit.options import Joined
from aftershock.venues.deribit.subscriptions import Subscriptions, request
from aftershock.venues.tardis.report import FileReport

__all__ = ["DeribitAdapter"]

_TOO_MANY = 10_028
_WAIT_S = 5.0


class DeribitAdapter:
    """Decodes frames of all connections of one stream, and joins what is known of each option."""

    def __init__(
        self,
        table: InstrumentTable,
        report: FileReport,
        subscriptions: Subscriptions | None = None,
        listings: Listings | None = None,
    ) -> None:
        """Take what resolves instruments, where messages are counted, what was asked for, and what is listed."""
        self._subscriptions, self._listings = subscriptions or Subscriptions(), listings or Listings((), report)
        self._report, self._decoder, self._known = report, Decoder(table, report), Joined(report)

    def know(self, rows: Sequence[OptionRow]) -> None:
        """Take over what a request answered about options."""
        self._known.know(rows)

    def decode(self, link: int, text: str, received_ns: int) -> Sequence[Decoded]:
        """Return what one message says."""
        dropped = self._report.rows_dropped
        found: list[Decoded] = []
        for each in self._decoder.decode(text, received_ns):
            found += self._joined(link, each)
        if self._decoder.unanswered:
            self._decoder.unanswered = 0
            found.append(Answer(request("public/test", 0)))
        if self._report.rows_dropped > dropped and not found:
            return [Unreadable("a message could not be read")]
        if self._decoder.states or self._known.strangers:
            opened = [*self._listings.opened(self._decoder.states), *self._listings.seen(self._known.strangers)]
            self._decoder.states.clear()
            self._known.strangers.clear()
            found += [Answer(each, paced=True) for each in self._subscriptions.add(opened)]
        while self._decoder.answers:
            found += self._answered(self._decoder.answers.pop(0))
        return found

    def _answered(self, frame: Frame) -> Sequence[Decoded]:
        error = frame.error
        if error is not None and error.code == _TOO_MANY:
            return [GiveUp("Deribit says that there were too many requests", _WAIT_S)]
        found, note = self._subscriptions.answered(frame)
        if note:
            self._report.note(note)
        elif error is not None:
            self._report.note(f"Deribit complained: {error.code} {printable(error.message)}")
        return found

    def _joined(self, link: int, each: Event | BookUpdate) -> Sequence[Decoded]:
        if isinstance(each, Quote):
            return self._known.quote(link, each)
        if isinstance(each, OptionRow):
            return self._known.mark(each) if self._decoder.channel == "markprice" else self._known.ticker(link, each)
        return [each]

    def lost(self, link: int) -> None:
        """Forget the quotes of a connection."""
        self._decoder.lost()
        self._known.forget(link)

    def resync(self, symbol: str) -> Sequence[str]:
        """Return the texts that make the venue send a whole book."""
        channel = f"book.{symbol}.100ms"
        return (
            request("public/unsubscribe", 2, channels=[channel]),
            request("public/subscribe", 3, channels=[channel]),
        )

    async def snapshot(self, symbol: str) -> BookUpdate:
        """Refuse: a book comes by its subscription."""
        raise InputError(f"the book of {symbol} comes by its subscription")
