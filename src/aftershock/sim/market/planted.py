"""Planted quotes: a track of their own on a few options, beside the makers'."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from aftershock.model.units import BPS, NS_PER_S
from aftershock.sim.market.book import Books
from aftershock.sim.market.grid import Floats, Ints
from aftershock.sim.market.makers import Track
from aftershock.sim.market.script import PlantedQuote
from aftershock.sim.market.truth import Truth

__all__ = ["plant", "retail"]

_STALE_HALF_BPS = 4.0
_ERROR = 10.0


def plant(rng: Generator, truth: Truth, quote: PlantedQuote) -> list[int]:
    """Put a planted quote into the books and return the options it is on."""
    options = _choose(rng, truth, quote)
    for option in options:
        asks = bool(rng.random() < 0.5)
        bid, ask = _prices(truth, quote, option, asks=asks)
        moments = np.array([quote.from_ns, quote.to_ns], dtype=np.int64)
        if quote.how == "spoof":  # it flickers
            gaps = rng.uniform(0.3, 0.9, size=16) * NS_PER_S
            flicker = quote.from_ns + np.cumsum(gaps).astype(np.int64)
            moments = np.concatenate((moments[:1], flicker[flicker < quote.to_ns], moments[1:]))
        shown = np.where(np.arange(len(moments)) % 2 == 0, 1.0, np.nan)
        shown[-1] = np.nan
        _add(
            truth.books, option, moments, bid * shown, ask * shown, quote.coins,
            fillable=quote.how != "spoof", busted=quote.how == "error" or quote.choose == "expiring",
        )  # fmt: skip
    return options


def retail(rng: Generator, truth: Truth, expected: float, start: int, end: int) -> None:
    """Let a few people leave resting orders in the wings for minutes, a little inside the makers' quotes."""
    wings = [option for book in truth.books.groups if book.group.bucket == 0 for option in sorted(book.column)]
    for _ in range(rng.poisson(expected) if wings else 0):
        option = wings[int(rng.integers(len(wings)))]
        begin = int(rng.integers(start, end - 60 * NS_PER_S))
        until = begin + int(rng.uniform(60, 300) * NS_PER_S)
        asks = bool(rng.random() < 0.5)
        value, forward = _value(truth, begin, option)
        price = _on_tick(truth, option, value + (1.0 if asks else -1.0) * 1.0 / BPS * forward, up=asks)
        bid, ask = (np.nan, price) if asks else (price, np.nan)
        shown = np.array([1.0, np.nan])
        moments = np.array([begin, until], dtype=np.int64)
        _add(truth.books, option, moments, bid * shown, ask * shown, float(np.round(rng.uniform(0.1, 1.5), 1)))


def _choose(rng: Generator, truth: Truth, quote: PlantedQuote) -> list[int]:
    """Return options of moderate delta that fit the choice."""
    listing = truth.surface.listing
    live = np.array(sorted(truth.books.of), dtype=np.int64)
    values = truth.surface.values(np.full(len(live), quote.from_ns, dtype=np.int64), live)
    delta = np.abs(values.delta)
    days = (listing.expiries_ns[listing.expiry[live]] - quote.from_ns) / (86_400 * NS_PER_S)
    fits = (delta > 0.15) & (delta < 0.75)
    if quote.choose == "month":
        fits &= (days > 25) & (days < 35) & listing.inverse[live]
    elif quote.choose == "expiring":
        fits = (days < 1.0) & (delta > 0.05) & (delta < 0.95)
    elif quote.choose == "both":
        twins = np.array([_twin(truth, option) >= 0 for option in live.tolist()])
        fits &= twins
    else:
        fits &= days > 0.5
    found = live[fits]
    if not len(found):
        found = live
    return sorted(rng.choice(found, size=min(quote.count, len(found)), replace=False).tolist())


def _twin(truth: Truth, option: int) -> int:
    """Return the same contract on the other venue, -1 if it is not listed there."""
    listing = truth.surface.listing
    same = (
        (listing.expiry == listing.expiry[option])
        & (listing.strike == listing.strike[option])
        & (listing.is_call == listing.is_call[option])
        & (listing.inverse != listing.inverse[option])
    )
    found = np.flatnonzero(same)
    return int(found[0]) if len(found) else -1


def _value(truth: Truth, moment: int, option: int) -> tuple[float, float]:
    """Return the value and what 1 is in the price's unit: 1 coin, or the forward."""
    values = truth.surface.values(np.array([moment], dtype=np.int64), np.array([option], dtype=np.int64))
    inverse = bool(truth.surface.listing.inverse[option])
    return float(values.value[0]), 1.0 if inverse else float(values.forward[0])


def _prices(truth: Truth, quote: PlantedQuote, option: int, *, asks: bool) -> tuple[float, float]:
    value, unit = _value(truth, quote.from_ns, option)
    if quote.how == "stale":
        half = _STALE_HALF_BPS / BPS * unit
        return _on_tick(truth, option, value - half, up=False), _on_tick(truth, option, value + half, up=True)
    if quote.how == "error":
        price = value / _ERROR if asks else value * _ERROR
    else:
        at_value = truth.edge_now(option, value, quote.from_ns, asks=asks)  # minus what it costs to take
        off = (quote.off_bps - at_value) / BPS * unit
        price = value - off if asks else value + off
    price = _on_tick(truth, option, price, up=not asks)
    return (np.nan, price) if asks else (price, np.nan)


def _on_tick(truth: Truth, option: int, price: float, *, up: bool) -> float:
    inverse = bool(truth.surface.listing.inverse[option])
    tick = (0.0001 if price < 0.005 else 0.0005) if inverse else 5.0
    steps = np.ceil(price / tick - 1e-9) if up else np.floor(price / tick + 1e-9)
    return float(np.round(max(steps, 1.0) * tick, 4))


def _add(
    books: Books, option: int, moments: Ints, bid: Floats, ask: Floats, coins: float, *,
    fillable: bool = True, busted: bool = False,
) -> None:  # fmt: skip
    book = books.of[option]
    shape = (len(moments), len(book.group.options))
    c = book.column[option]
    columns = {name: np.full(shape, np.nan) for name in ("bid", "ask")}
    columns["bid"][:, c], columns["ask"][:, c] = bid, ask
    sizes = np.full(shape, coins)
    book.add(
        Track(
            moments=moments, seen=moments, bid=columns["bid"], ask=columns["ask"], bid_coins=sizes,
            ask_coins=sizes.copy(), fillable=fillable, busted=busted, planted=True,
        )
    )  # fmt: skip
