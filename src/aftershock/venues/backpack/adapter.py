"""Backpack's words for the live stream: market data, option quotes, the account's orders."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from aftershock.errors import UsageError
from aftershock.model.events import DerivativeTicker, Event, Quote, StreamId
from aftershock.model.instruments import Instrument
from aftershock.model.units import NAN
from aftershock.venues.backpack.account_stream import AccountDecoder, account_gap
from aftershock.venues.backpack.chain import OptionQuote, option_row
from aftershock.venues.backpack.codec import VENUE, Decoder
from aftershock.venues.connection.book import BookUpdate
from aftershock.venues.connection.text import printable
from aftershock.venues.connection.venue_plan import Decoded, Refused, Unreadable
from aftershock.venues.tardis.report import FileReport

__all__ = ["BackpackAdapter"]

_INVALID_STREAM = 4006
_LONGEST_STREAM = 160
"""Characters at the end of a message that may be the name of its stream, with the market's in it."""


class _Mark(msgspec.Struct, frozen=True):
    underlyingPrice: str | None = None  # noqa: N815 - the venue's name


class _MarkFrame(msgspec.Struct, frozen=True):
    data: _Mark


_MARKS = msgspec.json.Decoder(_MarkFrame)


class BackpackAdapter:
    """Decodes frames of all connections of one stream."""

    def __init__(
        self,
        report: FileReport,
        options: Mapping[str, Instrument],
        snapshot: Callable[[str], Awaitable[BookUpdate]],
        *,
        contracts: Mapping[str, float] = MappingProxyType({}),
        name_of: Callable[[int], str] = str,
        account: bool = False,
    ) -> None:
        """Take what is listened to.

        Args:
            report: Where messages are counted.
            options: Instruments of options by symbol: their quotes become rows of a chain.
            snapshot: Fetches a book.
            contracts: Coins of one unit of amount, of each market whose fills can be counted.
            name_of: Returns the name of an order of ours by its client id.
            account: The account's stream is subscribed to, too.
        """
        self._report, self._decoder = report, Decoder(report)
        self._account = AccountDecoder(report, contracts, name_of)
        self._options = {
            symbol: OptionQuote(
                symbol=symbol, strike=each.strike, expiry_ns=each.expiry_ns or 0, is_call=bool(each.is_call)
            )
            for symbol, each in options.items()
        }
        self._link_of: dict[str, int] = {}
        self._streams = {symbol: StreamId(VENUE, "option_quotes", each.underlying) for symbol, each in options.items()}
        self._snapshot = snapshot
        self._heard, self._proved, self._hears_account = False, False, account

    def opening(self) -> None:
        """Note that the streams are subscribed to on a new connection.

        Before any of them was heard, one that the venue does not know ends all, as a wrong name does. After a reconnect
        it is one that was delisted meanwhile, and no reason to lose the others: it stays silent, which is told.
        """
        self._proved = self._heard

    def decode(self, link: int, text: str, received_ns: int) -> Sequence[Decoded]:
        """Return what one message says."""
        if '"account.' in text[:64] or '"account.' in text[-_LONGEST_STREAM:]:
            said = self._account.decode(text, received_ns)
            return [Unreadable("a message on our orders could not be read")] if said is None else said
        errors, dropped = self._report.errors, self._report.rows_dropped
        found: list[Decoded] = []
        for each in self._decoder.decode(text, received_ns):
            found += self._of_options(link, each, text, received_ns)
        if self._report.rows_dropped > dropped:
            return [Unreadable("a message could not be read")]
        if self._report.errors > errors:
            return self._complaint(*self._decoder.errors[-1], received_ns)
        self._heard = self._heard or bool(found)
        return found

    def _complaint(self, code: int, message: str, now_ns: int) -> Sequence[Decoded]:
        """Return what follows from an error, which names no stream: it may be of the account's."""
        if code == _INVALID_STREAM and not self._proved:
            return [Refused(UsageError(f"Backpack has no such stream ({printable(message)}): name listed markets"))]
        detail = f"Backpack complained: {code} {printable(message)}"
        self._report.note(detail)
        return [account_gap(detail, now_ns)] if self._hears_account else ()

    def _of_options(self, link: int, each: Event | BookUpdate, text: str, now_ns: int) -> list[Decoded]:
        symbol = each.symbol if isinstance(each, Quote | DerivativeTicker) else ""
        known = self._options.get(symbol)
        if known is None:
            return [each]
        if isinstance(each, Quote):
            known = msgspec.structs.replace(
                known, bid=each.bid, bid_amount=each.bid_amount, ask=each.ask, ask_amount=each.ask_amount,
                ts_event=each.ts_event,
            )  # fmt: skip
        elif isinstance(each, DerivativeTicker):
            known = msgspec.structs.replace(
                known, mark=each.mark_price, underlying=_underlying(text), ts_event=max(each.ts_event, known.ts_event)
            )
        self._options[symbol], self._link_of[symbol] = known, link
        return [option_row(known, self._streams[symbol], now_ns)]

    def lost(self, link: int) -> None:
        """Forget the quotes and marks of a connection."""
        for symbol, known in self._options.items():
            if self._link_of.get(symbol) == link:
                self._options[symbol] = OptionQuote(
                    symbol=symbol, strike=known.strike, expiry_ns=known.expiry_ns, is_call=known.is_call
                )

    # --- books ------------------------------------------------------------------------------------------------------

    def resync(self, _symbol: str) -> Sequence[str]:
        """Return nothing: a book is to be had over REST only."""
        return ()

    async def snapshot(self, symbol: str) -> BookUpdate:
        """Fetch a book."""
        return await self._snapshot(symbol)


def _underlying(text: str) -> float:
    """Return the price of an option's underlying at its expiry, NaN where the venue does not say it.

    The index is no such price: between the two lies the carry.
    """
    try:
        price = _MARKS.decode(text).data.underlyingPrice
        return NAN if price is None else float(price)
    except (msgspec.MsgspecError, ValueError):
        return NAN
