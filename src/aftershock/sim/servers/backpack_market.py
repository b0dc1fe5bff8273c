"""Backpack's side of the simulated market: books that follow other venues', prints, marks, and who listens to them.

The perpetual follows `binance-futures` with a basis of its own; options follow those of the linear option venue,
rounded to this venue's ticks away from the middle, `DELAY_NS` later: whoever quotes here looks there.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Protocol

from aftershock.model.events import Event, Liquidation, OptionQuotes, Quote, Trade
from aftershock.model.liquidations import Liquidated
from aftershock.model.units import NS_PER_DAY, NS_PER_MS, NS_PER_S
from aftershock.sim.market.listing import LINEAR, Listing
from aftershock.sim.servers.backpack_books import Book, Change, Fill
from aftershock.sim.servers.backpack_candles import Candles
from aftershock.sim.servers.backpack_errors import ApiError
from aftershock.sim.servers.backpack_listing import PERP, SPOT, OptionListing, documents, option_listing
from aftershock.sim.servers.backpack_stamps import micros, next_hour_ms
from aftershock.sim.servers.hub import Hub, Interest

__all__ = ["DELAY_NS", "BackpackMarket"]

DELAY_NS = 150 * NS_PER_MS
_LEADER = "binance-futures"
_BASIS = 0.6
_FOLLOWING = ((PERP, _BASIS), (SPOT, 0.0))
_FIRST_ID = 1_000_000
_FIRST_TRADE = 9_000_000
_KEPT_TRADES = 1_000
_LISTED_AGAIN_NS = 60 * NS_PER_S

Emit = Callable[[str, str, dict[str, Any]], None]
"""Gets (kind, symbol, data) of what listeners may have subscribed to."""


class OnPrinted(Protocol):
    """Gets the prints of others: market, price, quantity, id, and whether the buyer stood in the book."""

    def __call__(self, symbol: str, price: Decimal, quantity: Decimal, trade: int, *, maker_buys: bool) -> None: ...


def _ignored(symbol: str, price: Decimal, quantity: Decimal, trade: int, *, maker_buys: bool) -> None:
    """Do nothing."""


class BackpackMarket:
    """The venue's books and prints.

    Attributes:
        books: By symbol.
        marks: Mark prices by symbol.
        trades: Latest prints by symbol, newest last, in the form of the REST interface.
        candles: Of the prints.
        began_ns: When it was first quoted, ns UTC; 0 before.
        funding_rate: Told each hour; nobody is charged.
    """

    def __init__(self, hub: Hub, listing: Callable[[], Listing], *, options: bool = True) -> None:
        """Listen to the market.

        Args:
            hub: Plays it.
            listing: Returns the options that are listed now.
            options: Whether the overlay's options are listed.
        """
        self._hub, self._listing, self._with_options = hub, listing, options
        self.books: dict[str, Book] = {symbol: Book("0.1", "0.00001", _FIRST_ID) for symbol in (PERP, SPOT)}
        self.marks: dict[str, Decimal] = {}
        self.trades: dict[str, deque[dict[str, Any]]] = {}
        self.emit: Emit = lambda *_: None
        self.on_moved: Callable[[str], None] = lambda _symbol: None
        self.on_printed: OnPrinted = _ignored
        self._options: dict[str, OptionListing] = {}
        self._known: dict[str, OptionListing] = {}
        self.candles = Candles()
        self.began_ns = 0
        self.funding_rate = "0.0000125"
        self._underlyings: dict[int, float] = {}
        self._listed_ns = 0
        self._opened: tuple[int, Decimal] = (0, Decimal(0))
        self._next_trade = _FIRST_TRADE
        hub.attach(Interest((), lambda *_: None, self._see))

    # --- what there is ----------------------------------------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        """Return the market's clock."""
        return self._hub.pace.market_ns(time.time_ns())

    def documents(self) -> list[dict[str, Any]]:
        """Return what is listed."""
        self._list_again()
        return documents(self._options)

    def listed(self, symbol: object) -> dict[str, Any]:
        """Return one market as it is listed.

        Raises:
            ApiError: There is none of that name.
        """
        found = next((each for each in self.documents() if each["symbol"] == symbol), None)
        if found is None:
            raise ApiError("INVALID_SYMBOL", "Invalid symbol")
        return found

    def option(self, symbol: str) -> OptionListing | None:
        """Return an option by its name here, also one that is listed no more."""
        return self._known.get(symbol)

    def index(self) -> Decimal:
        """Return the index price of the coin."""
        return self.books[SPOT].mid or Decimal(0)

    def opening(self) -> Decimal:
        """Return the index as it stood first on this day, UTC; zero before it stood."""
        day = self.now_ns // NS_PER_DAY
        if self._opened[0] != day and self.index():
            self._opened = day, self.index()
        return self._opened[1]

    # --- what happens -----------------------------------------------------------------------------------------------

    def _see(self, event: Event) -> None:
        if isinstance(event, Quote) and event.venue == _LEADER:
            for symbol, basis in _FOLLOWING:
                book = self.books[symbol]
                change = book.show(event.bid + basis, event.bid_amount, event.ask + basis, event.ask_amount)
                self._changed(symbol, change, event.ts_event, event.ts_init)
                if book.mid is not None:
                    self.marks[symbol] = book.mid
            self.began_ns = self.began_ns or event.ts_init
            self.opening()
        elif isinstance(event, Trade) and event.venue == _LEADER:
            for symbol, basis in _FOLLOWING:
                self._print_others(
                    symbol, event.price + basis, event.amount, maker_buys=event.side == "sell", at_ns=event.ts_event
                )
        elif isinstance(event, Liquidation) and event.venue == _LEADER:
            self._liquidated(event)
        elif isinstance(event, OptionQuotes) and event.stream.venue == LINEAR and self._with_options:
            self._list_again()
            pace = self._hub.pace
            wait_ns = pace.wall_ns(event.ts_init + DELAY_NS) - pace.wall_ns(event.ts_init)
            asyncio.get_running_loop().call_later(wait_ns / NS_PER_S, self._follow, event)

    def _follow(self, event: OptionQuotes) -> None:
        columns = event.columns
        for row, follows in enumerate(event.symbols):
            option = self._options.get(follows)
            if option is None:
                continue
            book = self.books.setdefault(option.symbol, Book("1", "1", _FIRST_ID))
            bid, bid_size, ask, ask_size, underlying = (
                float(columns[name][row]) for name in ("bid", "bid_amount", "ask", "ask_amount", "underlying_price")
            )
            if underlying == underlying:  # noqa: PLR0124 - not NaN
                self._underlyings[option.expiry_ns] = underlying
            change = book.show(bid, bid_size, ask, ask_size)
            if book.mid is not None:
                self.marks[option.symbol] = book.mid
            ts_event, ts_init = int(event.row_ts_event[row]), int(event.row_ts_init[row])
            self._changed(option.symbol, change, ts_event + DELAY_NS, ts_init + DELAY_NS)

    def _liquidated(self, event: Liquidation) -> None:
        long = event.liquidated is Liquidated.LONG
        self._print_others(PERP, event.price + _BASIS, event.amount, maker_buys=long, at_ns=event.ts_event)
        data = {
            "e": "liquidation",
            "E": micros(event.ts_init),
            "q": f"{event.amount:.5f}",
            "p": f"{event.price + _BASIS:.1f}",
            "S": "Ask" if long else "Bid",
            "s": PERP,
            "T": micros(event.ts_event),
        }
        self.emit("liquidation", "", data)

    def deal(self, symbol: str, fills: list[Fill], *, bought: bool, resting_at: Decimal | None = None) -> list[int]:
        """Take fills out of a book and print them; return the ids of the prints.

        Args:
            symbol: The market.
            fills: What an order takes.
            bought: Whether it buys.
            resting_at: Price of an order that stood already when these came to it: one print, at its price.
        """
        now = self.now_ns
        change = self.books[symbol].remove(fills, bought=bought)
        if change is not None:
            self._tell(symbol, change, now, now)
        if resting_at is not None:
            quantity = sum((each.quantity for each in fills), Decimal(0))
            return [self._print(symbol, resting_at, quantity, maker_buys=bought, at_ns=now)]
        return [self._print(symbol, fill.price, fill.quantity, maker_buys=not bought, at_ns=now) for fill in fills]

    def _print_others(self, symbol: str, price: float, quantity: float, *, maker_buys: bool, at_ns: int) -> None:
        amounts = round(Decimal(price), 1), max(round(Decimal(quantity), 5), self.books[symbol].step)
        trade = self._print(symbol, *amounts, maker_buys=maker_buys, at_ns=at_ns)
        self.on_printed(symbol, *amounts, trade, maker_buys=maker_buys)

    def _print(self, symbol: str, price: Decimal, quantity: Decimal, *, maker_buys: bool, at_ns: int) -> int:
        self._next_trade += 1
        self.candles.add(symbol, at_ns, price, quantity)
        number = self._next_trade
        kept = self.trades.setdefault(symbol, deque(maxlen=_KEPT_TRADES))
        kept.append(
            {
                "id": number,
                "price": str(price),
                "quantity": str(quantity),
                "quoteQuantity": f"{price * quantity:.6f}",
                "timestamp": at_ns // NS_PER_MS,
                "isBuyerMaker": maker_buys,
            }
        )
        data = {
            "e": "trade",
            "E": micros(self.now_ns),
            "s": symbol,
            "p": str(price),
            "q": str(quantity),
            "b": str(number * 2),
            "a": str(number * 2 + 1),
            "t": number,
            "T": micros(at_ns),
            "m": maker_buys,
        }
        self.emit("trade", symbol, data)
        return number

    def _changed(self, symbol: str, change: Change | None, ts_event: int, ts_init: int) -> None:
        if change is not None:
            self._tell(symbol, change, ts_event, ts_init)
            self.on_moved(symbol)

    def _tell(self, symbol: str, change: Change, ts_event: int, ts_init: int) -> None:
        stamps = {"E": micros(ts_init), "s": symbol, "T": micros(ts_event)}
        levels = {"U": change.first, "u": change.last, "b": change.bids, "a": change.asks}
        self.emit("depth", symbol, {"e": "depth", **stamps, **levels})
        self.emit("bookTicker", symbol, self._top(symbol) | stamps)

    def _top(self, symbol: str) -> dict[str, Any]:
        book = self.books[symbol]
        bid, ask = book.best_bid, book.best_ask
        return {
            "e": "bookTicker",
            "a": None if ask is None else str(ask),
            "A": None if ask is None else book.quantity_at(ask, bids=False),
            "b": None if bid is None else str(bid),
            "B": None if bid is None else book.quantity_at(bid, bids=True),
            "u": book.last,
        }

    def states(self, kind: str, symbol: str) -> Iterator[dict[str, Any]]:
        """Yield what a new listener is told at once: the best quotes, and the mark."""
        now = micros(self.now_ns)
        if kind == "bookTicker" and symbol in self.books:
            yield self._top(symbol) | {"E": now, "s": symbol, "T": now}
        elif kind == "markPrice" and symbol in self.marks:
            yield self.mark(symbol)

    def mark(self, symbol: str) -> dict[str, Any]:
        """Return a mark price as the socket sends it; of an option with the price of its expiry's underlying."""
        now = micros(self.now_ns)
        data: dict[str, Any] = {"e": "markPrice", "E": now, "s": symbol, "p": str(self.marks[symbol]), "T": now}
        if symbol == PERP:
            data |= {"f": self.funding_rate, "i": str(self.index()), "n": next_hour_ms(self.now_ns)}
        option = self.option(symbol)
        if option is not None and option.expiry_ns in self._underlyings:
            data["underlyingPrice"] = f"{self._underlyings[option.expiry_ns]:.2f}"
        return data

    def _list_again(self) -> None:
        """Look what is listed, and take over how the options stand that are new."""
        now = self.now_ns
        if not self._with_options or now < self._listed_ns + _LISTED_AGAIN_NS:
            return
        self._listed_ns = now
        self._options = option_listing(self._listing())
        self._known |= {each.symbol: each for each in self._options.values()}
        for follows, option in self._options.items():
            state = self._hub.state(LINEAR, follows, "option_summary")
            if option.symbol not in self.books and state is not None:
                event, row = state
                if isinstance(event, OptionQuotes):
                    self._follow(event.slice(row, row + 1))
