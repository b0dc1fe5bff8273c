"""Backpack's markets of every type. A type that nobody knows is kept, and not tradable.

The venue lists no options, and its answers have no field for a strike or an expiry. `typed_option` reads such fields if
they are there, as a venue of tomorrow may send them; it never reads them out of a name.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec

from aftershock.model.units import NS_PER_S

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


class _Price(msgspec.Struct, frozen=True, rename="camel"):
    tick_size: str = ""
    min_price: str | None = None
    max_price: str | None = None


class _Quantity(msgspec.Struct, frozen=True, rename="camel"):
    min_quantity: str | None = None
    max_quantity: str | None = None
    step_size: str = ""


class Filters(msgspec.Struct, frozen=True):
    """Steps of price and quantity, decimal texts."""

    price: _Price = _Price()
    quantity: _Quantity = _Quantity()


class Market(msgspec.Struct, frozen=True, rename="camel"):
    """One market; prices and quantities are decimal texts, as the venue sends them.

    Attributes:
        market_type: As sent; `type` is what is known of it.
        order_book_state: `Open`, `Closed`, `CancelOnly`, `LimitOnly`, `PostOnly`.
    """

    symbol: str
    base_symbol: str
    quote_symbol: str
    market_type: str
    filters: Filters = Filters()
    order_book_state: str = ""
    visible: bool = True
    strike_price: str | None = None
    expiry: str | None = None
    option_type: str | None = None
    contract_multiplier: str | None = None
    settlement_asset: str | None = None

    @property
    def type(self) -> MarketType:
        """Return what it is."""
        return market_type(self.market_type)

    @property
    def tradable(self) -> bool:
        """Tell whether orders may be sent at all: its type is known, and its book is open."""
        known = self.type not in (MarketType.UNKNOWN, MarketType.PREDICTION)
        if self.type is MarketType.OPTION and typed_option(self) is None:
            return False
        return known and self.visible and self.order_book_state in {"Open", "LimitOnly", "PostOnly"}


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
    try:
        strike, multiplier = float(market.strike_price or ""), float(market.contract_multiplier or "")
        moment = datetime.fromisoformat(market.expiry or "")
    except ValueError:
        return None
    is_call = sides.get((market.option_type or "").lower())
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    if is_call is None or not market.settlement_asset or not (strike > 0 and multiplier > 0):
        return None
    return OptionTerms(strike, int(moment.timestamp()) * NS_PER_S, is_call, multiplier, market.settlement_asset)


def read_markets(document: Any) -> tuple[list[Market], int]:  # noqa: ANN401 - a document may be of any type
    """Return the markets of an answer, and how many rows were none.

    Raises:
        msgspec.ValidationError: It is no list.
    """
    found, broken = [], 0
    for row in msgspec.convert(document, list[Any]):
        try:
            found.append(msgspec.convert(row, Market))
        except msgspec.ValidationError:
            broken += 1
    return found, broken
