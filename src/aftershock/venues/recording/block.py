"""Some rows of a columnar file with a mark on each that turned out to be broken: the rules are those of CSV files."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aftershock.model.units import NAN
from aftershock.venues.recording.arrow import Cells, Texts
from aftershock.venues.tardis.report import Broken, FileReport

__all__ = ["Block"]

_REASONS = tuple(Broken)
_MAX_SHOWN = 5
_LEAST_NS = 10**18


class Block:
    """Rows as columns.

    Attributes:
        row_numbers: int64[n], number of each row in its file, from 1.
        broken: int8[n], 0 or 1 + position in `Broken` of the first thing found wrong.
        lost: Bytes before these rows that could not be read.
    """

    def __init__(self, cells: Cells, first_row: int, lost: int = 0, *, checks_scale: bool = True) -> None:
        """Take the rows.

        Args:
            cells: Their columns.
            first_row: Number of the first of them.
            lost: See above.
            checks_scale: True if a time before 2001 is one of another scale; our own clock may be that wrong.
        """
        self._cells, self._checks_scale = cells, checks_scale
        self.lost = lost
        self.row_numbers = np.arange(first_row, first_row + len(cells))
        self.broken = np.zeros(len(cells), dtype=np.int8)

    def __len__(self) -> int:
        """Return the number of rows, broken ones included."""
        return len(self._cells)

    def has(self, name: str) -> bool:
        """Tell whether there is such a column."""
        return self._cells.has(name)

    def refuse(self, rows: NDArray[np.bool_], reason: Broken) -> None:
        """Mark rows as broken, unless something else is wrong with them already."""
        self.broken[rows & (self.broken == 0)] = 1 + _REASONS.index(reason)

    def texts(self, name: str) -> Texts:
        """Return a column of texts, empty where absent."""
        return self._cells.texts(name)

    def one_of(self, name: str, allowed: Sequence[str], reason: Broken) -> Texts:
        """Return a column of texts that must be among some."""
        texts = self.texts(name)
        odd = [value not in allowed for value in texts.values]
        if any(odd):
            self.refuse(np.array(odd, dtype=np.bool_)[texts.codes], reason)
        return texts

    def names(self, name: str) -> Texts:
        """Return a column of names: none may be empty, or hold what would reach a terminal."""
        texts = self.texts(name)
        odd = [not (value and value.isprintable()) for value in texts.values]
        if any(odd):
            self.refuse(np.array(odd, dtype=np.bool_)[texts.codes], Broken.NAME)
        return texts

    def numbers(self, name: str, *, signed: bool = False, required: bool = False) -> NDArray[np.float64]:
        """Return a column of numbers, NaN where absent.

        Args:
            name: Column.
            signed: True if a number may be negative.
            required: True if it must be there.
        """
        values = self._cells.numbers(name)
        infinite = np.isinf(values)
        if infinite.any():
            self.refuse(infinite, Broken.NUMBER)
        if required:
            absent = np.isnan(values)
            if absent.any():
                self.refuse(absent, Broken.NUMBER)
        if not signed:
            negative = values < 0
            if negative.any():
                self.refuse(negative, Broken.NEGATIVE)
        return values

    def trade_prices(self, name: str) -> NDArray[np.float64]:
        """Return the prices of trades: each must be there and be more than zero."""
        values = self.numbers(name, required=True)
        nothing = values == 0.0
        if nothing.any():
            self.refuse(nothing, Broken.NO_PRICE)
        return values

    def prices(self, name: str) -> NDArray[np.float64]:
        """Return the prices of one side of a book: zero means that nobody is there."""
        values = self.numbers(name)
        values[values == 0.0] = NAN
        return values

    def times(self, name: str, *, required: bool = True) -> NDArray[np.int64]:
        """Return a column of times, 0 where one may be and is absent."""
        values, absent = self._cells.times(name)
        odd = values <= 0
        if odd.any():
            odd = odd if required else odd & ~absent
            self.refuse(odd, Broken.TIMESTAMP)
        if self._checks_scale and len(values) and values.min() < _LEAST_NS:
            self.refuse((values < _LEAST_NS) & ~absent, Broken.NOT_MICROSECONDS)
        return values

    def any_times(self, name: str) -> NDArray[np.int64]:
        """Return a column of times as it is, 0 where absent."""
        return self._cells.times(name)[0]

    def settle(self, report: FileReport) -> NDArray[np.int64]:
        """Count the broken rows, and return the positions of the others."""
        if not self.broken.any():
            return np.arange(len(self))
        bad = np.flatnonzero(self.broken)
        shown = self._shown(bad[:_MAX_SHOWN])
        for place, i in enumerate(bad.tolist()):
            text = shown[place] if place < len(shown) else ""
            report.drop(_REASONS[self.broken[i] - 1], int(self.row_numbers[i]), text)
        return np.flatnonzero(self.broken == 0)

    def drop_duplicate(self, i: int, report: FileReport) -> None:
        """Count a row that came before."""
        report.drop(Broken.DUPLICATE, int(self.row_numbers[i]), self._shown(np.array([i]))[0])

    def _shown(self, rows: NDArray[np.int64]) -> list[str]:
        venues, symbols = self.texts("exchange"), self.texts("symbol")
        stamps = self._cells.times("ts_init")[0]
        return [
            f"{venues.values[venues.codes[i]]},{symbols.values[symbols.codes[i]]},{int(stamps[i])}"
            for i in rows.tolist()
        ]
