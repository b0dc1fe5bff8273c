"""Rows of Tardis' `options_chain` files as option quotes."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from aftershock.model.events import OPTION_COLUMNS
from aftershock.venues.tardis.arrival import Arrival
from aftershock.venues.tardis.csv_block import CsvBlock
from aftershock.venues.tardis.csv_columns import OPTION_CELLS
from aftershock.venues.tardis.csv_reader import CsvReader
from aftershock.venues.tardis.option_rows import OptionRows, OptionSorter
from aftershock.venues.tardis.option_terms import IV_PER_FRACTION, OptionNames, OptionTerms
from aftershock.venues.tardis.piece import Piece
from aftershock.venues.tardis.report import Broken, FileReport

__all__ = ["read_options"]

_SIGNED = {"delta", "gamma", "vega", "theta", "rho", "bid_iv", "ask_iv", "mark_iv"}
_VOLATILITIES = ("bid_iv", "ask_iv", "mark_iv")


def read_options(reader: CsvReader, report: FileReport, names: OptionNames, arrival: Arrival) -> Iterator[Piece]:
    """Yield the batches of an options file in the total order."""
    sorter = OptionSorter(names.streams)
    for block in reader.blocks():
        if not len(block.cells):
            continue
        rows = _rows(block.cells, names)
        good = block.settle()
        if good is not None:
            rows = rows.take(good)
        if not len(rows):
            continue
        ts, steps = arrival.block(rows.ts_init, rows.row_numbers)
        report.saw(int(ts[0]), int(ts[-1]), two_clocks=not np.array_equal(rows.ts_event, rows.ts_init))
        yield from sorter.push(msgspec.structs.replace(rows, ts_init=ts), names.rank, steps)
    yield from sorter.finish(names.rank)


def _rows(cells: CsvBlock, names: OptionNames) -> OptionRows:
    """Read a block's columns, marking the rows that are broken."""
    venues, symbols = cells.names("exchange"), cells.names("symbol")
    ts_event, ts_init = cells.nanoseconds("timestamp"), cells.nanoseconds("local_timestamp")
    numbers = names.numbers(venues, symbols)
    _check_terms(cells, names, numbers, venues, symbols)
    values = np.empty((len(OPTION_COLUMNS), len(cells)))
    for i, name in enumerate(OPTION_CELLS):
        if name in {"bid_price", "ask_price"}:
            values[i] = cells.prices(name)
        else:
            values[i] = cells.numbers(name, signed=name in _SIGNED)
    _scale_volatilities(values, venues)
    known = names.symbols
    return OptionRows(
        symbols=[known[i] for i in numbers.tolist()],
        underlying_index=names.shared(cells.texts("underlying_index")),
        stream=names.stream[numbers],
        ts_event=ts_event,
        ts_init=ts_init,
        values=values,
        row_numbers=cells.row_numbers,
    )


def _check_terms(
    cells: CsvBlock, names: OptionNames, numbers: NDArray[np.int64], venues: list[str], symbols: list[str]
) -> None:
    """Refuse rows that contradict their own symbol, and remember the terms of symbols that can't be read."""
    types = cells.texts("type")
    is_call = np.array([text == "call" for text in types], dtype=np.bool_)
    if types.count("call") + types.count("put") != len(cells):
        cells.refuse([i for i, text in enumerate(types) if text not in {"call", "put"}], Broken.OPTION_TYPE)
    strike = cells.numbers("strike_price", required=True)
    expiry_ns = cells.nanoseconds("expiration")
    known = names.known[numbers]
    same = (
        (strike == names.strike[numbers])
        & (is_call == names.is_call[numbers])
        & (expiry_ns == names.expiry_ns[numbers])
    )
    if not (same | ~known).all():
        cells.refuse(known & ~same, Broken.CONTRADICTION)
    for i in np.flatnonzero(~known & (cells.broken == 0)).tolist():
        names.remember(venues[i], symbols[i], OptionTerms(float(strike[i]), bool(is_call[i]), int(expiry_ns[i])))


def _scale_volatilities(values: NDArray[np.float64], venues: list[str]) -> None:
    """Turn volatilities into fractions, in place."""
    if venues.count(venues[0]) == len(venues):
        per_fraction: float | NDArray[np.float64] = IV_PER_FRACTION.get(venues[0], 1.0)
    else:
        per_fraction = np.array([IV_PER_FRACTION.get(venue, 1.0) for venue in venues])
    for name in _VOLATILITIES:
        values[OPTION_COLUMNS.index(name)] /= per_fraction
