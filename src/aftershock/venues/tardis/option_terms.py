"""The instruments of an option file: their streams, and what their names say about strike, type and expiry."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec
import numpy as np
from numpy.typing import NDArray

from aftershock.model.events import StreamId
from aftershock.model.order import option_stream
from aftershock.model.symbols import parse_symbol
from aftershock.model.units import NAN

__all__ = ["IV_PER_FRACTION", "OptionNames", "OptionTerms", "contradiction", "is_readable"]

IV_PER_FRACTION = {"deribit": 100.0}
"""Volatility as a venue prints it, per fraction. Tardis passes it through: Deribit prints percent, others fractions."""

_MAX_NAMES = 65_536
_parse = lru_cache(maxsize=_MAX_NAMES)(parse_symbol)


class OptionTerms(msgspec.Struct, frozen=True):
    """What the rows of an option say about it."""

    strike: float
    is_call: bool
    expiry_ns: int


def is_readable(venue: str, symbol: str) -> bool:
    """Tell whether the symbol says what its option's terms are."""
    return _parse(venue, symbol) is not None


def contradiction(venue: str, symbol: str, terms: OptionTerms) -> bool:
    """Tell whether the venue's grammar reads something else from the symbol than the row says."""
    parsed = _parse(venue, symbol)
    if parsed is None:
        return False
    return parsed.strike is None or terms != OptionTerms(
        float(parsed.strike), bool(parsed.is_call), parsed.expiry_ns or 0
    )


class OptionNames:
    """A number for each instrument of a file, and arrays by that number.

    Attributes:
        symbols: Names, one object per name.
        streams: Streams, in order of appearance.
        stream: int64[names], position of each name's stream in `streams`.
        rank: int64[streams], place of each stream in the order of streams.
        known: bool[names], True where the grammar is known.
        strike: float64[names], NaN where the name is not an option's.
        is_call: bool[names].
        expiry_ns: int64[names].
        unparsed: Terms by (venue, symbol), of names whose grammar is unknown, as rows say; filled by the reader.
    """

    def __init__(self) -> None:
        """Start without any name."""
        self.unparsed: dict[tuple[str, str], OptionTerms] = {}
        self.streams: list[StreamId] = []
        self._stream_number: dict[StreamId, int] = {}
        self._texts: dict[str, str] = {}
        self._forget()

    def _forget(self) -> None:
        self._number: dict[tuple[str, str], int] = {}
        self._terms: list[tuple[int, bool, float, bool, int]] = []
        self.symbols: list[str] = []
        self._rebuild()

    def numbers(self, venues: Sequence[str], symbols: Sequence[str]) -> NDArray[np.int64]:
        """Return the number of each row's instrument; numbers hold until the next call."""
        known = self._number
        try:
            return np.array([known[key] for key in zip(venues, symbols, strict=True)], dtype=np.int64)
        except KeyError:
            pass
        if len(known) > _MAX_NAMES:
            self._forget()
            known = self._number
        for key in dict.fromkeys(zip(venues, symbols, strict=True)):
            if key not in known:
                known[key] = len(self.symbols)
                self._add(*key)
        self._rebuild()
        return np.array([known[key] for key in zip(venues, symbols, strict=True)], dtype=np.int64)

    def _add(self, venue: str, symbol: str) -> None:
        stream = option_stream(venue, symbol)
        if stream not in self._stream_number:
            self._stream_number[stream] = len(self.streams)
            self.streams.append(stream)
        parsed = _parse(venue, symbol)
        strike = NAN if parsed is None or parsed.strike is None else float(parsed.strike)
        is_call = parsed is not None and bool(parsed.is_call)
        expiry_ns = 0 if parsed is None else parsed.expiry_ns or 0
        self._terms.append((self._stream_number[stream], parsed is not None, strike, is_call, expiry_ns))
        self.symbols.append(symbol)

    def _rebuild(self) -> None:
        stream, known, strike, is_call, expiry_ns = zip(*self._terms, strict=True) if self._terms else ((),) * 5
        self.stream = np.array(stream, dtype=np.int64)
        self.known = np.array(known, dtype=np.bool_)
        self.strike = np.array(strike, dtype=np.float64)
        self.is_call = np.array(is_call, dtype=np.bool_)
        self.expiry_ns = np.array(expiry_ns, dtype=np.int64)
        order = sorted(range(len(self.streams)), key=self.streams.__getitem__)
        self.rank = np.empty(len(order), dtype=np.int64)
        self.rank[order] = np.arange(len(order))

    def shared(self, texts: Sequence[str]) -> list[str]:
        """Return the texts with one object for equal ones, so that blocks that wait stay small."""
        if len(self._texts) > _MAX_NAMES:
            self._texts.clear()
        return [self._texts.setdefault(text, text) for text in texts]

    def remember(self, venue: str, symbol: str, terms: OptionTerms) -> None:
        """Keep what a row says about a name that the grammar can't read."""
        if len(self.unparsed) < _MAX_NAMES:
            self.unparsed[venue, symbol] = terms
