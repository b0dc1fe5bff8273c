"""A block of CSV rows as columns: whole columns become arrays; a broken row is marked, counted and left out.

Converting a column at a time is what makes reading fast; only a column with something odd in it is looked at cell by
cell.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from aftershock.model.units import NAN, NS_PER_US
from aftershock.venues.tardis.csv_columns import CsvKind
from aftershock.venues.tardis.report import Broken, FileReport

__all__ = ["CsvBlock", "cut_cells"]

_LEAST_MICROSECONDS = 10**15
_END_MICROSECONDS = 2**63 // NS_PER_US
"""In the year 2262 nanoseconds no longer fit into 64 bits."""

_REASONS = tuple(Broken)
_FLOATS = msgspec.json.Decoder(list[float])
_FLOATS_OR_NONE = msgspec.json.Decoder(list[float | None])
_INTEGERS = msgspec.json.Decoder(list[int])
_INTEGER = msgspec.json.Decoder(int)
_FAR = 2**62


class CsvBlock:
    """Rows of equal width, as columns of text, with a mark on each row that turned out to be broken.

    Attributes:
        row_numbers: int64[n], number of each data row in its file, from 1.
        broken: int8[n], 0 or 1 + position in `Broken` of the first thing found wrong.
    """

    def __init__(self, kind: CsvKind, flat: list[str], row_numbers: NDArray[np.int64]) -> None:
        """Take the cells of all rows, one row after the other, each of the kind's width."""
        self._cells = {name: flat[i :: kind.width] for name, i in kind.columns.items()}
        self._n = len(row_numbers)
        self.row_numbers = row_numbers
        self.broken = np.zeros(self._n, dtype=np.int8)

    def __len__(self) -> int:
        """Return the number of rows, broken ones included."""
        return self._n

    def refuse(self, rows: NDArray[np.bool_] | Sequence[int], reason: Broken) -> None:
        """Mark rows as broken, unless something else is wrong with them already."""
        mask = np.zeros(self._n, dtype=np.bool_)
        mask[rows] = True
        self.broken[mask & (self.broken == 0)] = 1 + _REASONS.index(reason)

    def texts(self, name: str) -> list[str]:
        """Return a column as it is, empty texts if the file does not have it."""
        return self._cells.get(name) or [""] * self._n

    def names(self, name: str) -> list[str]:
        """Return a column in which no cell may be empty."""
        column = self.texts(name)
        if not all(map(str.isprintable, column)) or "" in column:  # a control character would reach a terminal
            self.refuse([i for i, cell in enumerate(column) if not (cell and cell.isprintable())], Broken.NAME)
        return column

    def numbers(self, name: str, *, signed: bool = False, required: bool = False) -> NDArray[np.float64]:
        """Return a column of numbers, NaN where a cell is empty.

        Args:
            name: Column; all NaN if the file does not have it.
            signed: True if a number may be negative.
            required: True if a cell may not be empty.
        """
        column = self._cells.get(name)
        if column is None:
            return np.full(self._n, NAN)
        empty = column.count("")
        values = _fast_floats(column, empty)
        if values is None:
            values, odd = _slow_floats(column)
            self.refuse(odd, Broken.NUMBER)
        if required and empty:
            self.refuse([i for i, cell in enumerate(column) if not cell], Broken.NUMBER)
        if not signed:
            negative = values < 0
            if negative.any():
                self.refuse(negative, Broken.NEGATIVE)
        return values

    def trade_prices(self, name: str) -> NDArray[np.float64]:
        """Return the prices of trades: each must be there and be more than zero."""
        values = self.numbers(name, required=True)
        if (values == 0.0).any():
            self.refuse(values == 0.0, Broken.NO_PRICE)
        return values

    def prices(self, name: str) -> NDArray[np.float64]:
        """Return the prices of one side of a book: zero means that nobody is there, as an empty cell does."""
        values = self.numbers(name)
        values[values == 0.0] = NAN
        return values

    def nanoseconds(self, name: str, *, required: bool = True) -> NDArray[np.int64]:
        """Return a column of microseconds since 1970 as nanoseconds, 0 where a cell may be and is empty."""
        column = self._cells.get(name)
        if column is None:
            return np.zeros(self._n, dtype=np.int64)
        micros = _fast_micros(column)
        if micros is None:
            micros, odd = _slow_micros(column, required=required)
            self.refuse(odd, Broken.TIMESTAMP)
        if self._n and not (micros.min() >= _LEAST_MICROSECONDS and micros.max() < _END_MICROSECONDS):
            absent = np.array([not cell for cell in column]) if not required else np.zeros(self._n, dtype=np.bool_)
            beyond = (micros >= _END_MICROSECONDS) & (micros < 10 * _LEAST_MICROSECONDS)
            self.refuse(((micros <= 0) | beyond) & ~absent, Broken.TIMESTAMP)
            scaled = (micros < _LEAST_MICROSECONDS) | (micros >= _END_MICROSECONDS)
            self.refuse(scaled & ~absent, Broken.NOT_MICROSECONDS)
            micros = np.where(scaled, 0, micros)
        return micros * NS_PER_US

    def settle(
        self, report: FileReport, first_line: Sequence[int] | NDArray[np.int64], lines: list[str]
    ) -> NDArray[np.int64] | None:
        """Count the broken rows.

        Args:
            report: Where to count them.
            first_line: Line number of each row.
            lines: Text of each row.

        Returns:
            Positions of the good rows; None if all are good.
        """
        if not self.broken.any():
            return None
        for i in np.flatnonzero(self.broken).tolist():
            report.drop(_REASONS[self.broken[i] - 1], int(first_line[i]), lines[i])
        return np.flatnonzero(self.broken == 0)


def cut_cells(line: str) -> list[str] | None:
    """Cut one line at its commas, minding quotes; None if the quotes don't match."""
    if '"' not in line:
        return line.split(",")
    try:
        rows = list(csv.reader([line], strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def _fast_floats(column: list[str], empty: int) -> NDArray[np.float64] | None:
    """Convert a column that holds only numbers and empty cells; None if it holds anything else.

    The JSON decoder reads numbers twice as fast as `float`, and refuses `nan`, `inf` and `1_000`.
    """
    if empty == len(column):
        return np.full(empty, NAN)
    text = ",".join(column)
    try:
        if not empty:
            values = np.array(_FLOATS.decode(f"[{text}]"))
        else:
            text = f",{text},".replace(",,", ",null,").replace(",,", ",null,")
            values = np.array(_FLOATS_OR_NONE.decode(f"[{text[1:-1]}]"), dtype=np.float64)
    except msgspec.MsgspecError:
        return None
    # A cell may say `null` itself, or hold a comma in quotes.
    return values if len(values) == len(column) and int(np.isnan(values).sum()) == empty else None


def _slow_floats(column: list[str]) -> tuple[NDArray[np.float64], list[int]]:
    values, odd = np.full(len(column), NAN), []
    for i, cell in enumerate(column):
        if not cell:
            continue
        try:
            value = NAN if "_" in cell else float(cell)
        except ValueError:
            value = NAN
        if math.isfinite(value):
            values[i] = value
        else:
            odd.append(i)
    return values, odd


def _fast_micros(column: list[str]) -> NDArray[np.int64] | None:
    try:
        values = np.array(_INTEGERS.decode(f"[{','.join(column)}]"), dtype=np.int64)
    except (msgspec.MsgspecError, OverflowError):
        return None
    return values if len(values) == len(column) else None


def _slow_micros(column: list[str], *, required: bool) -> tuple[NDArray[np.int64], list[int]]:
    values, odd = np.zeros(len(column), dtype=np.int64), []
    for i, cell in enumerate(column):
        if not cell and not required:
            continue
        try:
            values[i] = max(min(_INTEGER.decode(cell), _FAR), -_FAR)
        except msgspec.MsgspecError:
            odd.append(i)
    return values, odd
