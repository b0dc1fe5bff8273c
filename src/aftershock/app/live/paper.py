"""The paper venue of a live run: orders meet the last quotes that we know of once their latency is over.

What it can't know is kept out of its results rather than guessed: hidden size, what a market maker would have done, and
settlement. Size that a paper order took is not there for the next one while the price stands.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator

import msgspec

from aftershock.core.streams import carries_options, carries_quotes
from aftershock.model.events import BookSnapshot, Event, Gap, OptionQuotes, OrderUpdate, Quote, Stale, StreamId
from aftershock.model.instruments import Instrument, Kind
from aftershock.model.orders import ApprovedOrder, Fill, OrderIntent, Side, leg_client_id, leg_limit
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NAN, NS_PER_MS
from aftershock.pricing.matching import match_ioc

__all__ = ["NEVER", "PaperVenue"]

NEVER = 2**63 - 1
Levels = tuple[tuple[float, float], ...]
Place = tuple[str, str]


class _Book(msgspec.Struct, frozen=True):
    bids: Levels
    asks: Levels


class PaperVenue:
    """Keeps the last quotes of every instrument, and matches immediate-or-cancel orders against them.

    Attributes:
        due: Moment, ns, of the next order's arrival; `NEVER` without any.
    """

    def __init__(self, table: InstrumentTable, latency_ms: float) -> None:
        """Take the instruments, and the time from a decision to the venue."""
        self._table = table
        self._latency_ns = int(latency_ms * NS_PER_MS)
        self._books: dict[Place, _Book] = {}
        self._taken: dict[tuple[Place, Side], dict[float, float]] = {}
        self._due: list[tuple[int, int, OrderIntent, int]] = []
        self._sent = 0

    @property
    def due(self) -> int:
        """Return when the next order arrives."""
        return self._due[0][0] if self._due else NEVER

    def send(self, order: ApprovedOrder, now: int) -> None:
        """Let an order leave at a moment; each leg is an order of its own."""
        for number in range(len(order.intent.legs)):
            self._sent += 1
            heapq.heappush(self._due, (now + self._latency_ns, self._sent, order.intent, number))

    def advance(self, now: int) -> Iterator[Event]:
        """Let the orders arrive that are due by now, and yield what the venue says; `ts_init` is left open."""
        while self.due <= now:
            ts, _, intent, number = heapq.heappop(self._due)
            yield from self._execute(ts, intent, number)

    def see(self, event: Event) -> None:
        """Take what a public feed says about quotes; what is lost or silent is not known any longer."""
        if isinstance(event, OptionQuotes):
            columns = (event.columns[name].tolist() for name in ("bid", "bid_amount", "ask", "ask_amount"))
            for symbol, bid, bid_amount, ask, ask_amount in zip(event.symbols, *columns, strict=True):
                self._quote((event.stream.venue, symbol), ((bid, bid_amount),), ((ask, ask_amount),))
        elif isinstance(event, Quote):
            self._quote((event.venue, event.symbol), ((event.bid, event.bid_amount),), ((event.ask, event.ask_amount),))
        elif isinstance(event, BookSnapshot):
            self._quote((event.venue, event.symbol), event.bids, event.asks)
        elif isinstance(event, (Gap, Stale)):
            self._lose(event.stream)

    def top(self, venue: str, symbol: str) -> tuple[float, float]:
        """Return the best bid and ask; NaN where a side is empty or unknown."""
        book = self._books.get((venue, symbol))
        if book is None:
            return NAN, NAN
        return (book.bids[0][0] if book.bids else NAN), (book.asks[0][0] if book.asks else NAN)

    def _quote(self, place: Place, bids: Levels, asks: Levels) -> None:
        self._books[place] = _Book(bids, asks)
        if self._taken:
            for side, levels in ((Side.SELL, bids), (Side.BUY, asks)):
                taken = self._taken.get((place, side))
                if taken is not None:
                    standing = [price for price, _ in levels]
                    self._taken[place, side] = {price: size for price, size in taken.items() if price in standing}

    def _lose(self, stream: StreamId) -> None:
        for place in [place for place in self._books if self._is_of(place, stream)]:
            del self._books[place]

    def _is_of(self, place: Place, stream: StreamId) -> bool:
        venue, symbol = place
        if venue != stream.venue:
            return False
        instrument = self._table.resolve(venue, symbol)
        option = instrument is not None and instrument.kind is Kind.OPTION and instrument.underlying
        return carries_quotes(stream, symbol) or (bool(option) and carries_options(stream, str(option)))

    def _execute(self, ts: int, intent: OrderIntent, number: int) -> Iterator[Event]:
        leg = intent.legs[number]
        client_id = leg_client_id(intent.intent_id, number + 1)
        instrument = self._table.resolve(leg.venue, leg.symbol)
        if instrument is None or (instrument.expiry_ns is not None and instrument.expiry_ns <= ts):
            detail = "unknown instrument" if instrument is None else "expired"
            yield OrderUpdate(ts_event=ts, ts_init=0, client_id=client_id, status="rejected", detail=detail)
            return
        levels = self._levels(instrument, leg.side)
        dollars = instrument.counts_dollars
        wanted = intent.quantity * leg.ratio * (leg.price if dollars else 1.0)
        match = match_ioc(levels, wanted, leg_limit(intent, number), buying=leg.side is Side.BUY)
        for n, (level, size) in enumerate(match.fills, start=1):
            price = levels[level][0]
            taken = self._taken.setdefault(((leg.venue, leg.symbol), leg.side), {})
            taken[price] = taken.get(price, 0.0) + size
            yield Fill(
                ts_event=ts, ts_init=0, client_id=client_id, trade_id=f"{client_id}/{n}", venue=leg.venue,
                symbol=leg.symbol, side=leg.side, quantity=size / price if dollars else size, price=price, fee=NAN,
            )  # fmt: skip
        yield OrderUpdate(ts_event=ts, ts_init=0, client_id=client_id, status="expired")

    def _levels(self, instrument: Instrument, side: Side) -> Levels:
        """Return what an order can get: coins, or dollars of a contract that counts them, without what is taken."""
        place = (instrument.venue, instrument.symbol)
        book = self._books.get(place)
        if book is None:
            return ()
        taken = self._taken.get((place, side), {})
        levels = []
        for price, amount in book.asks if side is Side.BUY else book.bids:
            coins = instrument.coins(amount, price)
            size = coins * price if instrument.counts_dollars else coins
            if not (0 < price < math.inf and 0 < size < math.inf):  # a side that is not quoted, or of unknown size
                break
            levels.append((price, max(0.0, size - taken.get(price, 0.0))))
        return tuple(levels)
