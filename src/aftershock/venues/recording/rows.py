"""Events that wait to be written, and what their columns are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import numpy as np

from aftershock.model.events import (
    OPTION_COLUMNS,
    BookSnapshot,
    ClockStep,
    DerivativeTicker,
    Event,
    Gap,
    Liquidation,
    OptionQuotes,
    Quote,
    Restored,
    Stale,
    Trade,
)
from aftershock.model.liquidations import Liquidated
from aftershock.model.symbols import parse_symbol
from aftershock.model.units import NAN
from aftershock.venues.recording.schema import columns_of, depth_of
from aftershock.venues.tardis.option_terms import OptionTerms

__all__ = ["SIDE_OF", "Rows", "TermsOf"]

SIDE_OF = {Liquidated.SHORT: "buy", Liquidated.LONG: "sell", Liquidated.UNKNOWN: "unknown"}
"""Side of the forced order, by whose position it closed."""
TermsOf = Callable[[str, str], OptionTerms | None]
"""Looks up the terms of an option whose name can't be parsed, by venue and symbol."""

_NO_STRIKE = ("", NAN, None)
_MAX_NAMES = 65_536


class Rows:
    """Rows of one venue and kind that wait to be written.

    Attributes:
        count: How many.
        first_ts: `ts_init` of the first of them.
        last_ts: Of the last.
    """

    def __init__(self, kind: str, terms_of: TermsOf = lambda _venue, _symbol: None) -> None:
        """Start without a row."""
        self._kind, self._depth, self._terms_of = kind, depth_of(kind), terms_of
        self._rows: list[tuple[Any, ...]] = []
        self._batches: list[OptionQuotes] = []
        self._terms: dict[str, tuple[str, float, int | None]] = {}
        self.count = 0
        self.first_ts = self.last_ts = 0

    def add(self, event: Event) -> None:
        """Take an event of the kind, which was found fit."""
        first_ts, rows = event.ts_init, 1
        if isinstance(event, OptionQuotes):
            first_ts, rows = int(event.row_ts_init[0]), len(event)
            self._batches.append(event)
        else:
            self._rows.append(_CELLS[type(event)](event, self._depth))
        if not self.count:
            self.first_ts = first_ts
        self.last_ts = event.ts_init
        self.count += rows

    def take(self) -> list[Any]:
        """Return the columns of what waits, in the order of the kind, and forget it."""
        rows, batches, self.count = self._rows, self._batches, 0
        self._rows, self._batches = [], []
        if batches:
            return self._option_columns(batches)
        return list(zip(*rows, strict=True))

    def _option_columns(self, batches: Sequence[OptionQuotes]) -> list[Any]:
        venue = batches[0].stream.venue
        symbols = list(chain.from_iterable(batch.symbols for batch in batches))
        known = self._terms
        if len(known) > _MAX_NAMES:
            known.clear()
        for symbol in symbols:
            if symbol not in known:
                known[symbol] = self._terms_named(venue, symbol)
        columns: dict[str, Any] = {
            "exchange": [venue] * len(symbols),
            "symbol": symbols,
            "ts_event": np.concatenate([batch.row_ts_event for batch in batches]),
            "ts_init": np.concatenate([batch.row_ts_init for batch in batches]),
            "underlying_index": list(chain.from_iterable(batch.underlying_index for batch in batches)),
        }
        terms = zip(*(known[symbol] for symbol in symbols), strict=True)
        columns |= zip(("type", "strike_price", "expiration"), terms, strict=True)
        for name in OPTION_COLUMNS:
            columns[_CELL_NAMES.get(name, name)] = np.concatenate([batch.columns[name] for batch in batches])
        return [columns[column.name] for column in columns_of(self._kind)]

    def _terms_named(self, venue: str, symbol: str) -> tuple[str, float, int | None]:
        parsed = parse_symbol(venue, symbol)
        if parsed is None:
            terms = self._terms_of(venue, symbol)
            return _NO_STRIKE if terms is None else ("call" if terms.is_call else "put", terms.strike, terms.expiry_ns)
        if parsed.strike is None:
            return _NO_STRIKE
        return "call" if parsed.is_call else "put", float(parsed.strike), parsed.expiry_ns or None


_CELL_NAMES = {"bid": "bid_price", "ask": "ask_price"}


def _trade(event: Trade, _depth: int) -> tuple[Any, ...]:
    return (event.venue, event.symbol, event.ts_event, event.ts_init, event.trade_id, event.side, event.price,
            event.amount)  # fmt: skip


def _liquidation(event: Liquidation, _depth: int) -> tuple[Any, ...]:
    return (event.venue, event.symbol, event.ts_event, event.ts_init, event.liquidation_id, SIDE_OF[event.liquidated],
            event.price, event.amount, event.price_kind.value, event.completeness.value)  # fmt: skip


def _quote(event: Quote, _depth: int) -> tuple[Any, ...]:
    return (event.venue, event.symbol, event.ts_event, event.ts_init, event.ask_amount, event.ask, event.bid,
            event.bid_amount)  # fmt: skip


def _ticker(event: DerivativeTicker, _depth: int) -> tuple[Any, ...]:
    return (event.venue, event.symbol, event.ts_event, event.ts_init, event.funding_ts or None, event.funding_rate,
            event.predicted_funding_rate, event.open_interest, event.last_price, event.index_price,
            event.mark_price)  # fmt: skip


def _book(event: BookSnapshot, depth: int) -> tuple[Any, ...]:
    asks = (*event.asks, *[(NAN, NAN)] * (depth - len(event.asks)))
    bids = (*event.bids, *[(NAN, NAN)] * (depth - len(event.bids)))
    levels = (number for ask, bid in zip(asks, bids, strict=True) for number in (*ask, *bid))
    return (event.venue, event.symbol, event.ts_event, event.ts_init, *levels)


def _gap(event: Gap, _depth: int) -> tuple[Any, ...]:
    stream = event.stream
    return (stream.venue, stream.symbol, event.ts_event, event.ts_init, stream.kind, "gap", event.from_ts, event.to_ts,
            event.detail)  # fmt: skip


def _stale(event: Stale, _depth: int) -> tuple[Any, ...]:
    stream = event.stream
    return (stream.venue, stream.symbol, event.ts_event, event.ts_init, stream.kind, "stale", None, None, event.detail)


def _restored(event: Restored, _depth: int) -> tuple[Any, ...]:
    stream = event.stream
    return (stream.venue, stream.symbol, event.ts_event, event.ts_init, stream.kind, "restored", None, None, "")


def _clock_step(event: ClockStep, _depth: int) -> tuple[Any, ...]:
    """Return a step as the time that the clock showed then, and the one that it had shown before."""
    return ("", event.source, event.ts_event, event.ts_init, "clock", "clock_step", event.ts_init - event.step_ns,
            event.ts_init, "")  # fmt: skip


_CELLS: dict[type[Event], Callable[[Any, int], tuple[Any, ...]]] = {
    Trade: _trade,
    Liquidation: _liquidation,
    Quote: _quote,
    DerivativeTicker: _ticker,
    BookSnapshot: _book,
    Gap: _gap,
    Stale: _stale,
    Restored: _restored,
    ClockStep: _clock_step,
}
