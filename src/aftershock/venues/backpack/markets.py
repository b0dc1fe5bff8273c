"""Backpack's markets of every type. A type that nobody knows is kept, and not tradable.

The venue lists no options, and its answers have no field for a strike or an expiry. `typed_option` reads such fields if
they are there, as a venue of tomorrow may send them; it never reads them out of a name.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Any

import msgspec

from aftershock.model.units import NAN
from aftershock.venues.backpack.times import moment_ns

__all__ = [
    "KNOWN_TYPES",
    "Filters",
    "Market",
    "MarketType",
    "OptionTerms",
    "market_type",
    "read_markets",
    "typed_option",
]


class MarketType(StrEnum):
    """What a market is; `UNKNOWN` for a value that is newer than this program."""

    SPOT = "SPOT"
    PERP = "PERP"
    IPERP = "IPERP"
    DATED = "DATED"
    PREDICTION = "PREDICTION"
    RFQ = "RFQ"
    OPTION = "OPTION"
    UNKNOWN = "UNKNOWN"


KNOWN_TYPES = tuple(each for each in MarketType if each not in (MarketType.OPTION, MarketType.UNKNOWN))
"""Those of the official document of 2026-08-03; `/markets` answers with SPOT and PERP only unless asked for more."""


_TAKEABLE = frozenset({"Open", "LimitOnly"})
"""States of a book that an order can take from; `PostOnly` is none."""


class _Price(msgspec.Struct, frozen=True, rename="camel"):
    tick_size: str | None = None
    min_price: str | None = None
    max_price: str | None = None


class _Quantity(msgspec.Struct, frozen=True, rename="camel"):
    min_quantity: str | None = None
    max_quantity: str | None = None
    step_size: str | None = None


class Filters(msgspec.Struct, frozen=True):
    """Steps of price and quantity, decimal texts."""

    price: _Price | None = None
    quantity: _Quantity | None = None


class Market(msgspec.Struct, frozen=True, rename="camel"):
    """One market; prices and quantities are decimal texts, as the venue sends them.

    Attributes:
        market_type: As sent; `type` is what is known of it.
        order_book_state: `Open`, `Closed`, `CancelOnly`, `LimitOnly`, `PostOnly`.
        odd: True if its row could not be read whole: name and type are all that is known.
    """

    symbol: str
    base_symbol: str
    quote_symbol: str
    market_type: str
    filters: Filters | None = None
    order_book_state: str | None = None
    visible: bool | None = True
    strike_price: str | None = None
    expiry: str | None = None
    option_type: str | None = None
    contract_multiplier: str | None = None
    settlement_asset: str | None = None
    odd: bool = False

    @property
    def type(self) -> MarketType:
        """Return what it is."""
        return market_type(self.market_type)

    @property
    def tradable(self) -> bool:
        """Tell whether an order can take from its book: its type and its steps are known, and the book is open."""
        if self.odd or not self.visible or self.order_book_state not in _TAKEABLE or not self.symbol.isprintable():
            return False
        if self.type in (MarketType.UNKNOWN, MarketType.PREDICTION):
            return False
        if self.type is MarketType.OPTION and typed_option(self) is None:
            return False
        return self.tick_size > 0 and self.lot_size > 0

    @property
    def tick_size(self) -> float:
        """Return the step of prices, NaN if it is not known."""
        price = None if self.filters is None else self.filters.price
        return _step(None if price is None else price.tick_size)

    @property
    def lot_size(self) -> float:
        """Return the step of quantities, NaN if it is not known."""
        quantity = None if self.filters is None else self.filters.quantity
        return _step(None if quantity is None else quantity.step_size)


class _Name(msgspec.Struct, frozen=True, rename="camel"):
    """What must be there for a row to be kept."""

    symbol: str
    market_type: Any = None
    base_symbol: Any = None


class OptionTerms(msgspec.Struct, frozen=True):
    """What makes an option: strike, expiry in ns UTC, call or put, coins per contract, what it settles in."""

    strike: float
    expiry_ns: int
    is_call: bool
    multiplier: float
    settlement_asset: str


def market_type(text: str) -> MarketType:
    """Return a market's type, `UNKNOWN` for a new one."""
    try:
        return MarketType(text)
    except ValueError:
        return MarketType.UNKNOWN


def typed_option(market: Market) -> OptionTerms | None:
    """Return the terms of an option from typed fields, all of them; None if one is missing or none."""
    sides = {"call": True, "put": False}
    strike, multiplier = _step(market.strike_price), _step(market.contract_multiplier)
    try:
        expiry_ns = moment_ns(market.expiry or "")
    except ValueError:
        return None
    is_call = sides.get((market.option_type or "").lower())
    if is_call is None or not market.settlement_asset or not (strike > 0 and multiplier > 0):
        return None
    return OptionTerms(strike, expiry_ns, is_call, multiplier, market.settlement_asset)


def read_markets(document: Any) -> tuple[list[Market], int]:  # noqa: ANN401 - a document may be of any type
    """Return the markets of an answer, and how many rows could not be read whole; those with a name are kept as odd.

    Raises:
        msgspec.ValidationError: It is no list.
    """
    found, broken = [], 0
    for row in msgspec.convert(document, list[Any]):
        try:
            found.append(msgspec.convert(row, Market))
        except msgspec.ValidationError:
            broken += 1
            found += _odd(row)
    return found, broken


def _odd(row: Any) -> list[Market]:  # noqa: ANN401 - a document may be of any type
    try:
        name = msgspec.convert(row, _Name)
    except msgspec.ValidationError:
        return []
    kind, base = (each if isinstance(each, str) else "" for each in (name.market_type, name.base_symbol))
    return [Market(symbol=name.symbol, base_symbol=base, quote_symbol="", market_type=kind, odd=True)]


def _step(text: str | None) -> float:
    """Return a decimal text above zero, NaN for what is none."""
    try:
        value = float(text or "")
    except ValueError:
        return NAN
    return value if value > 0 and math.isfinite(value) else NAN
