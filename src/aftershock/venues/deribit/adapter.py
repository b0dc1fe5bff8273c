"""Deribit's words for the live stream: one row of an option out of what several channels say about it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from aftershock.errors import InputError
from aftershock.model.events import Event, Quote
from aftershock.model.order import option_stream
from aftershock.model.table import InstrumentTable
from aftershock.venues.connection.book import BookUpdate
from aftershock.venues.connection.packed import OptionRow
from aftershock.venues.connection.text import printable
from aftershock.venues.connection.venue_plan import Answer, Decoded, GiveUp, Unreadable
from aftershock.venues.deribit.codec import VENUE, Decoder
from aftershock.venues.deribit.messages import decode_frame
from aftershock.venues.tardis.report import FileReport

__all__ = ["DeribitAdapter", "request"]

_TOO_MANY = 10_028
_WAIT_S = 5.0
_MARKS = (8, 9)
_BID, _BID_AMOUNT, _ASK, _ASK_AMOUNT = 0, 1, 3, 4


def request(method: str, number: int, **params: object) -> str:
    """Return a request of JSON-RPC."""
    return msgspec.json.encode({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).decode()


class DeribitAdapter:
    """Decodes frames of all connections of one stream, and joins what is known of each option.

    Quotes come from `quote`, marks and volatilities of the whole chain from `markprice.options`, the price of each
    expiry's underlying from the ticker of one option.
    """

    def __init__(self, table: InstrumentTable, report: FileReport) -> None:
        """Take what resolves instruments, and where messages are counted."""
        self._report, self._decoder = report, Decoder(table, report)
        self._rows: dict[str, OptionRow] = {}

    def know(self, rows: Sequence[OptionRow]) -> None:
        """Take over what a request answered about options."""
        self._rows |= {row.symbol: row for row in rows}

    def decode(self, _link: int, text: str, received_ns: int) -> Sequence[Decoded]:
        """Return what one message says."""
        dropped = self._report.rows_dropped
        found: list[Decoded] = []
        for each in self._decoder.decode(text, received_ns):
            found += self._joined(each, "markprice" in text[:120])
        if self._decoder.unanswered:
            self._decoder.unanswered = 0
            found.append(Answer(request("public/test", 0)))
        if self._report.rows_dropped > dropped and not found:
            return [Unreadable("a message could not be read")]
        if '"error"' in text[:400]:
            found += self._error(text)
        return found

    def _error(self, text: str) -> Sequence[Decoded]:
        try:
            error = decode_frame(text).error
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            return ()
        if error is None:
            return ()
        if error.code == _TOO_MANY:
            return [GiveUp("Deribit says that there were too many requests", _WAIT_S)]
        self._report.note(f"Deribit complained: {error.code} {printable(error.message)}")
        return ()

    def _joined(self, each: Event | BookUpdate, marks: bool) -> list[Decoded]:
        if isinstance(each, Quote):
            known = self._rows.get(each.symbol)
            if known is None and not each.symbol.endswith(("-C", "-P")):
                return [each]
            values = list(_blank() if known is None else known.values)
            values[_BID], values[_BID_AMOUNT], values[_ASK], values[_ASK_AMOUNT] = (
                each.bid, each.bid_amount, each.ask, each.ask_amount,
            )  # fmt: skip
            return [self._keep(each.symbol, each.ts_event, each.ts_init, values, known)]
        if isinstance(each, OptionRow):
            known = self._rows.get(each.symbol)
            if marks and known is not None:
                values = list(known.values)
                for column in _MARKS:
                    values[column] = each.values[column]
                return [self._keep(each.symbol, each.ts_event, each.ts_init, values, known)]
            if not marks:
                self._rows[each.symbol] = each
                return [each]
            return []  # a mark of an option that nobody asked for
        return [each]

    def _keep(
        self, symbol: str, ts_event: int, ts_init: int, values: list[float], known: OptionRow | None
    ) -> OptionRow:
        row = OptionRow(
            ts_event=ts_event,
            ts_init=ts_init,
            stream=option_stream(VENUE, symbol),
            symbol=symbol,
            values=tuple(values),
            underlying_index="" if known is None else known.underlying_index,
        )
        self._rows[symbol] = row
        return row

    def resync(self, symbol: str) -> Sequence[str]:
        """Return the texts that make the venue send a whole book."""
        channel = f"book.{symbol}.100ms"
        return (
            request("public/unsubscribe", 90, channels=[channel]),
            request("public/subscribe", 91, channels=[channel]),
        )

    async def snapshot(self, symbol: str) -> BookUpdate:
        """Refuse: a book comes by its subscription."""
        raise InputError(f"the book of {symbol} comes by its subscription")


def _blank() -> tuple[float, ...]:
    return (float("nan"),) * 16
