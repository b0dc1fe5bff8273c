"""From the lines of a CSV file to blocks of rows of the right width, up to a number of rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from aftershock.venues.tardis.csv_block import CsvBlock, cut_cells
from aftershock.venues.tardis.csv_columns import CsvKind
from aftershock.venues.tardis.lines import LineBlock, LineReader
from aftershock.venues.tardis.report import Broken, FileReport

__all__ = ["CsvReader", "CsvRows"]

_REPLACED = "\N{REPLACEMENT CHARACTER}"
_TORN = "the last line is cut short"
_NO_LINE_END = "the last line has no line end and was taken as whole"


class CsvReader:
    """Read the data rows of one file."""

    def __init__(
        self, lines: LineReader, header_line: int, kind: CsvKind, report: FileReport, limit: int | None
    ) -> None:
        """Prepare to read.

        Args:
            lines: The file.
            header_line: Number of the line with the column names.
            kind: What that line says.
            report: Where rows are counted.
            limit: Data rows to stop after, if not None.
        """
        self._lines = lines
        self._header_line = header_line
        self._kind = kind
        self._report = report
        self._limit = limit

    def blocks(self) -> Iterator[CsvRows]:
        """Iterate over the data rows, in blocks."""
        for block in self._lines.blocks():
            left = None if self._limit is None else self._limit - self._report.rows
            if left is not None and left <= 0:
                return
            yield from self._block(block, left)
        self._report.incomplete = self._report.incomplete or self._lines.incomplete

    def _block(self, block: LineBlock, left: int | None) -> Iterator[CsvRows]:
        first, lines = block.first_line, block.lines
        if first <= self._header_line:
            lines = lines[self._header_line + 1 - first :]
            first = self._header_line + 1
        numbers = np.arange(first, first + len(lines))
        if "" in lines:
            numbers = numbers[[bool(line) for line in lines]]
            lines = [line for line in lines if line]
        if left is not None:
            lines, numbers = lines[:left], numbers[:left]
        if lines:
            yield CsvRows(self._kind, lines, numbers, self._report, unterminated=block.unterminated)


class CsvRows:
    """One block on its way: cut into cells, read by its user, then settled."""

    def __init__(
        self, kind: CsvKind, lines: list[str], numbers: NDArray[np.int64], report: FileReport, *, unterminated: bool
    ) -> None:
        self._report = report
        self._unterminated = unterminated
        rows_before = report.rows
        report.rows += len(lines)
        self._lines, self._numbers = lines, numbers
        row_numbers = np.arange(rows_before + 1, report.rows + 1)
        text = ",".join(lines)
        plain = _REPLACED not in text and '"' not in text and "\0" not in text
        if plain and {line.count(",") for line in lines} == {kind.width - 1}:
            self.cells = CsvBlock(kind, text.split(","), row_numbers)
            return
        cut = [None if _REPLACED in line else cut_cells(line) for line in lines]
        fits = np.array([cells is not None and len(cells) == kind.width for cells in cut], dtype=np.bool_)
        self._drop_unfit(fits)
        flat = [cell for cells, fit in zip(cut, fits, strict=True) if fit and cells is not None for cell in cells]
        self.cells = CsvBlock(kind, flat, row_numbers[fits])

    def _drop_unfit(self, fits: NDArray[np.bool_]) -> None:
        if fits.all():
            return
        if self._unterminated:
            self._tear()
        else:
            for i in np.flatnonzero(~fits).tolist():
                line = self._lines[i]
                self._report.drop(Broken.ENCODING if _REPLACED in line else Broken.CELLS, int(self._numbers[i]), line)
        self._lines = [line for line, fit in zip(self._lines, fits, strict=True) if fit]
        self._numbers = self._numbers[fits]

    def settle(self) -> NDArray[np.int64] | None:
        """Count the rows that were refused; return the positions of the good ones, or None if all are good."""
        if self._unterminated and len(self.cells):
            if self.cells.broken.any():
                self._tear()
                return np.zeros(0, dtype=np.int64)
            self._report.note(_NO_LINE_END)
        return self.cells.settle(self._report, self._numbers, self._lines)

    def drop_duplicate(self, position: int) -> None:
        """Count one of the good rows, by its position among all, as a repetition."""
        self._report.drop(Broken.DUPLICATE, int(self._numbers[position]), self._lines[position])

    def _tear(self) -> None:
        """Take the last line as the torn end of a file, not as a row."""
        self._report.rows -= 1
        self._report.incomplete = self._report.incomplete or _TORN
