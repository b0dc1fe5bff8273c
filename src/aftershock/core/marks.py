"""Marked to what could be executed: what closing every position would pay now, and how it moves with the coin."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from aftershock.core.contracts import flow_of
from aftershock.model.instruments import Instrument, Kind
from aftershock.model.units import NAN, NANO, tau_years
from aftershock.pricing.black76 import greeks
from aftershock.pricing.implied_vol import implied_vol

if TYPE_CHECKING:
    from aftershock.core.account import Account, CashKey, Position

__all__ = ["Mark", "Marked", "mark"]


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one instrument now.

    Attributes:
        bid, ask: As quoted; NaN where a side is empty.
        forward: Of an option's expiry, or the price of the coin: quote currency per coin.
        volatility: For the delta of an option, a fraction; NaN for what the middle of the quote implies.
    """

    bid: float
    ask: float
    forward: float
    volatility: float = NAN


class Marked(msgspec.Struct, frozen=True, kw_only=True):
    """Open positions at one moment.

    Attributes:
        value: By venue and settlement currency: what closing would pay, before fees. Of an option all of its price, of
            a perpetual or future the profit that is not realised.
        value_usd: All of it, coin at the forward; NaN if a position can't be closed at a price.
        delta_coins: By coin: coins of the underlying that it behaves like, in quote currency; NaN if unknown.
        unquoted: Instruments that can't be closed at a price.
    """

    value: dict[CashKey, float]
    value_usd: float
    delta_coins: dict[str, float]
    unquoted: tuple[str, ...]


def mark(account: Account, quotes: Mapping[tuple[str, str], Mark], now: int) -> Marked:
    """Return what the open positions are worth to somebody who has to close them now.

    Long positions are closed at the bid, short ones at the ask.

    Args:
        account: Whose.
        quotes: By (venue, symbol); what is missing is not quoted.
        now: Our clock, ns.
    """
    value: dict[CashKey, float] = {}
    deltas: dict[str, float] = {}
    total, unquoted = 0.0, []
    unknown = Mark(bid=NAN, ask=NAN, forward=NAN)
    for place, position in sorted(account.positions.items()):
        if position.size == 0:
            continue
        instrument, quote = position.instrument, quotes.get(place, unknown)
        worth = _closing_value(position, quote)
        if not math.isfinite(worth):
            unquoted.append(instrument.instrument_id)
        key = (instrument.venue, instrument.settles_in)
        value[key] = value.get(key, 0.0) + worth
        total += worth * (quote.forward if instrument.inverse else 1.0)
        coin = instrument.underlying
        deltas[coin] = deltas.get(coin, 0.0) + _delta(position, quote, now)
    return Marked(value=value, value_usd=total, delta_coins=deltas, unquoted=tuple(unquoted))


def _closing_value(position: Position, quote: Mark) -> float:
    price = quote.bid if position.size > 0 else quote.ask
    if not 0 < price < math.inf:
        return NAN
    closing = flow_of(position.instrument, -position.size, price)
    return (closing if position.instrument.kind is Kind.OPTION else closing + position.open_flow) / NANO


def _delta(position: Position, quote: Mark, now: int) -> float:
    """Return the delta in coins.

    Of an inverse option N(d1) - x, where x is the coin that was paid for it: that coin moves with the price no longer.
    N dollars of an inverse contract are N/P0 coins, at whatever price the coin is.
    """
    instrument = position.instrument
    if instrument.kind is not Kind.OPTION:
        return position.coins
    delta = _option_delta(instrument, quote, now)
    return position.coins * (delta - position.average_price if instrument.inverse else delta)


def _option_delta(instrument: Instrument, quote: Mark, now: int) -> float:
    tau = tau_years(instrument.expiry_ns or 0, now)
    is_call = instrument.is_call is True
    sigma = quote.volatility
    if not sigma > 0:
        middle = 0.5 * (quote.bid + quote.ask) * (quote.forward if instrument.inverse else 1.0)
        sigma = float(implied_vol(middle, quote.forward, instrument.strike, tau, is_call)[0])
    return float(greeks(quote.forward, instrument.strike, tau, sigma, is_call).delta)
