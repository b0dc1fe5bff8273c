"""Backpack's prediction markets on prices: cash-or-nothing digitals, by typed fields. To look at, not to trade.

A market pays 1 if a price stands above or below a strike at the end, or inside a range; the strike of an up-or-down
market is the price at its start.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from aftershock.errors import UnreachableError
from aftershock.model.units import NAN
from aftershock.venues.backpack.times import moment_ns

__all__ = ["Digital", "read_digitals"]


class Digital(msgspec.Struct, frozen=True, kw_only=True):
    """What pays 1 or nothing.

    Attributes:
        symbol: Market.
        question: The venue's own words; text from outside.
        kind: Of which side of the strike it pays.
        strike: Of above and below; the lower bound of a range, 0 if there is none. NaN while it is not known.
        upper: Upper bound of a range, infinite if there is none.
        start_ns, end_ns: ns UTC; 0 where the venue does not say.
        source: What decides, `binance BTCUSDT`.
        price: Last price of yes, 0 to 1; NaN if there is none.
    """

    symbol: str
    question: str
    kind: Literal["above", "below", "range"]
    strike: float
    upper: float
    start_ns: int
    end_ns: int
    source: str
    price: float


class _Condition(msgspec.Struct, frozen=True, rename="camel"):
    type: str
    condition: str = ""
    greater_than_or_equal: str | None = None
    less_than: str | None = None


class _Market(msgspec.Struct, frozen=True, rename="camel"):
    market_symbol: str
    question: str = ""
    active_price: str | None = None
    resolution_price: str | None = None
    resolution_condition: _Condition | None = None


class _Resolution(msgspec.Struct, frozen=True, rename="camel"):
    start_date: str | None = None
    end_date: str | None = None
    strike_price: str | None = None
    resolution_source: str | None = None
    resolution_source_event_identifier: str | None = None


class _Event(msgspec.Struct, frozen=True, rename="camel"):
    prediction_markets: list[_Market]
    resolution: _Resolution = _Resolution()
    resolved: bool = False


def read_digitals(document: Any) -> tuple[list[Digital], int]:  # noqa: ANN401 - a document
    """Return the open digitals on prices, and how many open markets are none: outcomes, and what can't be read.

    Raises:
        UnreachableError: It is no list of events.
    """
    try:
        rows = msgspec.convert(document, list[Any])
    except msgspec.ValidationError as error:
        raise UnreachableError(f"Backpack answers with what is no list of predictions ({error}): try again") from error
    found, others = [], 0
    for row in rows:
        try:
            event = msgspec.convert(row, _Event)
        except msgspec.ValidationError:
            others += 1
            continue
        if event.resolved:
            continue
        for market in event.prediction_markets:
            digital = _digital(event.resolution, market)
            if digital is None:
                others += 1
            else:
                found.append(digital)
    return found, others


def _digital(resolution: _Resolution, market: _Market) -> Digital | None:
    condition = market.resolution_condition
    if condition is None or resolution.resolution_source is None:
        return None
    kind: Literal["above", "below", "range"]
    try:
        if condition.type == "StrikePrice" and condition.condition == "above":
            kind, strike, upper = "above", _number(resolution.strike_price), float("inf")
        elif condition.type == "StrikePrice" and condition.condition == "below":
            kind, strike, upper = "below", _number(resolution.strike_price), float("inf")
        elif condition.type == "QuantityRange":
            kind, strike = "range", float(condition.greater_than_or_equal or 0.0)
            upper = float("inf") if condition.less_than is None else float(condition.less_than)
        else:
            return None
        return Digital(
            symbol=market.market_symbol,
            question=market.question,
            kind=kind,
            strike=strike,
            upper=upper,
            start_ns=moment_ns(resolution.start_date) if resolution.start_date else 0,
            end_ns=moment_ns(resolution.end_date) if resolution.end_date else 0,
            source=f"{resolution.resolution_source} {resolution.resolution_source_event_identifier or ''}".strip(),
            price=_number(market.active_price),
        )
    except ValueError:
        return None


def _number(text: str | None) -> float:
    return NAN if text is None else float(text)
