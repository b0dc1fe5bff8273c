"""Deribit's side of the simulated market: instruments, summaries, books, marks, as its interface prints them."""

from __future__ import annotations

import time
import zlib
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from aftershock.model.events import DerivativeTicker, Event, OptionQuotes, Quote
from aftershock.model.units import NAN, NS_PER_MS, NS_PER_YEAR
from aftershock.pricing import greeks, implied_vol
from aftershock.sim.market.listing import INVERSE, Listing
from aftershock.sim.servers.backpack_books import Book, Change
from aftershock.sim.servers.hub import Hub, Interest
from aftershock.sim.servers.native import Natives

__all__ = ["INDEX", "PERPETUAL", "DeribitMarket"]

PERPETUAL, INDEX = "BTC-PERPETUAL", "btc_usd"
_FIRST_ID = 70_000_000
_KEPT_TRADES = 500
_MAKER, _TAKER = 0.0003, 0.0003

Emit = Callable[[str, str, Any], None]
"""Gets (kind of channel, instrument or index, data)."""


class DeribitMarket:
    """What the venue knows.

    Attributes:
        quotes: Best prices by symbol: bid, amount, ask, amount; zero where a side is empty.
        books: Whole books, of the perpetual.
        trades: Latest prints by symbol, newest last.
        marks: Of each option: mark price in coin, implied volatility as a fraction, (delta, gamma, vega, theta, rho).
        underlyings: Price of each expiry's underlying, by ns UTC.
    """

    def __init__(self, hub: Hub, listing: Callable[[], Listing]) -> None:
        """Listen to the market; `listing` returns what is listed now."""
        self._hub, self._listing = hub, listing
        self.quotes: dict[str, tuple[float, float, float, float]] = {}
        self.books = {PERPETUAL: Book("0.5", "10", _FIRST_ID)}
        self.trades: dict[str, deque[dict[str, Any]]] = {}
        self.marks: dict[str, tuple[float, float, tuple[float, ...]]] = {}
        self.underlyings: dict[int, float] = {}
        self.index = 0.0
        self.emit: Emit = lambda *_: None
        self._natives = Natives()
        self._expiry_of: dict[str, int] = {}
        hub.attach(Interest((), lambda *_: None, self._see))

    @property
    def now_ns(self) -> int:
        """Return the market's clock."""
        return self._hub.pace.market_ns(time.time_ns())

    # --- what happens -----------------------------------------------------------------------------------------------

    def _see(self, event: Event) -> None:
        venue = event.stream.venue if isinstance(event, OptionQuotes) else getattr(event, "venue", "")
        if venue != INVERSE:
            return
        if isinstance(event, OptionQuotes):
            self._options(event)
        elif isinstance(event, Quote):
            self.quotes[event.symbol] = _sides(event.bid, event.bid_amount, event.ask, event.ask_amount)
            if event.symbol == PERPETUAL:
                change = self.books[PERPETUAL].show(event.bid, event.bid_amount, event.ask, event.ask_amount)
                if change is not None:
                    self.emit("book", PERPETUAL, _change(change, event.ts_event // NS_PER_MS))
        elif isinstance(event, DerivativeTicker) and event.index_price > 0:
            self.index = event.index_price
            price = {"index_name": INDEX, "price": self.index, "timestamp": event.ts_event // NS_PER_MS}
            self.emit("deribit_price_index", INDEX, price)
        self._tell(event)

    def _tell(self, event: Event) -> None:
        for native in self._natives.of(event):
            data = native.fields["params"]["data"]
            if native.channel == "trades":
                kept = self.trades.setdefault(native.symbol, deque(maxlen=_KEPT_TRADES))
                data = [{**each, "index_price": self.index or None, "mark_price": each["price"]} for each in data]
                kept.extend(data)
            if native.channel == "ticker":
                data = self.ticker(native.symbol) | {"timestamp": data["timestamp"]}
            self.emit(native.channel, native.symbol, data)
            if native.channel == "ticker" and native.symbol in self._expiry_of:
                self.emit("quote", native.symbol, self.quote(native.symbol, data["timestamp"]))

    def _options(self, event: OptionQuotes) -> None:
        columns = event.columns
        for row, symbol in enumerate(event.symbols):
            if symbol not in self._expiry_of:
                self._list_again()
            values = [float(columns[name][row]) for name in ("bid", "bid_amount", "ask", "ask_amount")]
            self.quotes[symbol] = _sides(*values)
            underlying = float(columns["underlying_price"][row])
            if underlying == underlying and symbol in self._expiry_of:  # noqa: PLR0124 - not NaN
                self.underlyings[self._expiry_of[symbol]] = underlying

    def _list_again(self) -> None:
        """Look what is listed, and take over how the options stand that are new."""
        listing = self._listing()
        for i, (venue, symbol) in enumerate(zip(listing.venues, listing.symbols, strict=True)):
            if venue != INVERSE:
                continue
            if symbol not in self._expiry_of:
                opened = {"instrument_name": symbol, "timestamp": self.now_ns // NS_PER_MS, "state": "started"}
                self.emit("instrument.state", "option.BTC", opened)
            self._expiry_of[symbol] = int(listing.expiries_ns[listing.expiry[i]])
            state = self._hub.state(INVERSE, symbol, "option_summary")
            if symbol not in self.quotes and state is not None and isinstance(state[0], OptionQuotes):
                self.quotes[symbol] = (0.0, 0.0, 0.0, 0.0)
                self._options(state[0].slice(state[1], state[1] + 1))

    def revalue(self) -> list[dict[str, Any]]:
        """Value all options at the middle of their quotes, and return the marks of the whole chain."""
        self._list_again()
        listing, now = self._listing(), self.now_ns
        rows = [
            (i, symbol)
            for i, (venue, symbol) in enumerate(zip(listing.venues, listing.symbols, strict=True))
            if venue == INVERSE and self._expiry_of[symbol] > now and self._expiry_of[symbol] in self.underlyings
        ]
        if not rows:
            return []
        at = np.array([i for i, _ in rows])
        expiries = np.array([self._expiry_of[symbol] for _, symbol in rows])
        forward = np.array([self.underlyings[int(expiry)] for expiry in expiries])
        tau = (expiries - now) / NS_PER_YEAR
        middle = np.array([_middle(self.quotes.get(symbol, (0.0, 0.0, 0.0, 0.0))) for _, symbol in rows])
        strike, calls = listing.strike[at], listing.is_call[at]
        iv, _ = implied_vol(middle * forward, forward, strike, tau, calls)
        risk = greeks(forward, strike, tau, iv, calls)
        found = []
        for n, (_, symbol) in enumerate(rows):
            if not (iv[n] > 0 and middle[n] > 0):
                continue
            sensitivities = (risk.delta[n], risk.gamma[n], risk.vega[n] / 100, risk.theta[n], risk.rho_black76[n] / 100)
            self.marks[symbol] = float(middle[n]), float(iv[n]), tuple(float(each) for each in sensitivities)
            found.append(
                {"timestamp": now // NS_PER_MS, "mark_price": round(float(middle[n]), 6), "iv": round(float(iv[n]), 6),
                 "instrument_name": symbol}
            )  # fmt: skip
        return found

    # --- documents --------------------------------------------------------------------------------------------------

    def instruments(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Return what is listed: the perpetual, dated futures, options."""
        listing = self._listing()
        self._list_again()
        found = []
        if kind in (None, "any", "future"):
            found.append(_instrument(PERPETUAL, "future", 0.5, 10.0, None, taker=0.0005, maker=0.0))
            found += [
                _instrument(each.symbol, "future", each.tick, 10.0, each.expiry_ns, taker=0.0005, maker=0.0)
                for each in listing.futures
            ]
        if kind in (None, "any", "option"):
            columns = zip(
                listing.venues, listing.symbols, listing.strike.tolist(), listing.is_call.tolist(), strict=True
            )
            found += [
                _instrument(symbol, "option", 0.0001, 1.0, self._expiry_of[symbol], taker=_TAKER, maker=_MAKER)
                | {"strike": strike, "option_type": "call" if is_call else "put"}
                for venue, symbol, strike, is_call in columns
                if venue == INVERSE
            ]
        return found

    def summary(self, symbol: str) -> dict[str, Any]:
        """Return a row of `get_book_summary`: percent volatility, no sizes."""
        bid, _, ask, _ = self.quotes.get(symbol, (0.0, 0.0, 0.0, 0.0))
        mark, iv, _ = self.marks.get(symbol, (_middle(self.quotes.get(symbol, (0, 0, 0, 0))), NAN, ()))
        expiry = self._expiry_of.get(symbol)
        row: dict[str, Any] = {
            "instrument_name": symbol, "base_currency": "BTC", "quote_currency": "BTC" if expiry else "USD",
            "bid_price": bid or None, "ask_price": ask or None, "mid_price": (bid + ask) / 2 if bid and ask else None,
            "mark_price": mark, "open_interest": 1.0, "volume": 0.0, "volume_usd": 0.0, "last": None, "high": None,
            "low": None, "price_change": None, "creation_timestamp": self.now_ns // NS_PER_MS,
            "estimated_delivery_price": self.index,
        }  # fmt: skip
        if expiry is not None:
            name = symbol.rsplit("-", 2)[0]
            row |= {"underlying_price": self.underlyings.get(expiry), "underlying_index": f"SYN.{name}",
                    "interest_rate": 0.0, "mark_iv": round(iv * 100, 2) if iv > 0 else None}  # fmt: skip
        return row

    def quote(self, symbol: str, timestamp_ms: int) -> dict[str, Any]:
        """Return the best prices as `quote` has them."""
        bid, bid_amount, ask, ask_amount = self.quotes.get(symbol, (0.0, 0.0, 0.0, 0.0))
        return {"timestamp": timestamp_ms, "instrument_name": symbol, "best_bid_price": bid,
                "best_bid_amount": bid_amount, "best_ask_price": ask, "best_ask_amount": ask_amount}  # fmt: skip

    def ticker(self, symbol: str) -> dict[str, Any]:
        """Return the whole state of an instrument."""
        now = self.now_ns // NS_PER_MS
        row = self.summary(symbol)
        found = self.quote(symbol, now) | {
            "state": "open", "stats": {"high": None, "low": None, "volume": 0.0, "price_change": None},
            "mark_price": row["mark_price"], "last_price": None, "open_interest": 1.0, "index_price": self.index,
            "min_price": 0.0001, "max_price": 10.0, "settlement_price": None,
            "estimated_delivery_price": self.index,
        }  # fmt: skip
        if symbol in self._expiry_of:
            _, iv, risk = self.marks.get(symbol, (0.0, NAN, ()))
            found |= {"underlying_price": row["underlying_price"], "underlying_index": row["underlying_index"],
                      "interest_rate": 0.0, "mark_iv": row["mark_iv"], "bid_iv": row["mark_iv"] or 0.0,
                      "ask_iv": row["mark_iv"] or 0.0}  # fmt: skip
            names = ("delta", "gamma", "vega", "theta", "rho")
            found["greeks"] = dict(zip(names, (round(each, 5) for each in risk), strict=False)) if iv > 0 else None
        else:
            found |= {"funding_8h": 0.0, "current_funding": 0.0, "interest_value": 0.0}
        return {key: value for key, value in found.items() if value is not None or key == "last_price"}

    def order_book(self, symbol: str, depth: int) -> dict[str, Any]:
        """Return a book, whole for the perpetual, the best prices for others."""
        found = self.ticker(symbol)
        book = self.books.get(symbol)
        if book is None:
            bid, bid_amount, ask, ask_amount = self.quotes.get(symbol, (0.0, 0.0, 0.0, 0.0))
            bids, asks = [[bid, bid_amount]] if bid else [], [[ask, ask_amount]] if ask else []
            change_id = _FIRST_ID
        else:
            listed = book.levels(depth)
            bids, asks = ([[float(p), float(q)] for p, q in side] for side in (listed[0][::-1], listed[1]))
            change_id = book.last
        return found | {"bids": bids[:depth], "asks": asks[:depth], "change_id": change_id}


def _sides(bid: float, bid_amount: float, ask: float, ask_amount: float) -> tuple[float, float, float, float]:
    """Return both sides with zeros where nobody is there, as the venue prints it."""
    sides = ((bid, bid_amount), (ask, ask_amount))
    shown = [(price, amount) if price > 0 and amount > 0 else (0.0, 0.0) for price, amount in sides]
    return (*shown[0], *shown[1])


def _middle(quote: tuple[float, float, float, float]) -> float:
    bid, _, ask, _ = quote
    return (bid + ask) / 2 if bid and ask else bid or ask


def _change(change: Change, timestamp_ms: int) -> dict[str, Any]:
    sides = {
        name: [["delete" if float(amount) == 0 else "change", float(price), float(amount)] for price, amount in levels]
        for name, levels in (("bids", change.bids), ("asks", change.asks))
    }
    return {"type": "change", "timestamp": timestamp_ms, "instrument_name": PERPETUAL, "change_id": change.last,
            "prev_change_id": change.first - 1, **sides}  # fmt: skip


def _instrument(
    symbol: str, kind: str, tick: float, size: float, expiry_ns: int | None, *, taker: float, maker: float
) -> dict[str, Any]:
    option = kind == "option"
    return {
        "instrument_name": symbol, "instrument_id": zlib.crc32(symbol.encode()), "kind": kind,
        "instrument_type": "reversed", "price_index": INDEX, "base_currency": "BTC", "counter_currency": "USD",
        "quote_currency": "BTC" if option else "USD", "settlement_currency": "BTC",
        "settlement_period": "perpetual" if expiry_ns is None else "week", "tick_size": tick,
        "tick_size_steps": [{"above_price": 0.005, "tick_size": 0.0005}] if option else [], "contract_size": size,
        "min_trade_amount": 0.1 if option else 10.0, "maker_commission": maker, "taker_commission": taker,
        "is_active": True, "state": "open", "creation_timestamp": 1_719_561_600_000,
        "expiration_timestamp": 32_503_708_800_000 if expiry_ns is None else expiry_ns // NS_PER_MS,
        "block_trade_commission": taker, "block_trade_min_trade_amount": 25, "block_trade_tick_size": tick,
        "rfq": False, "max_leverage": 50,
    }  # fmt: skip
