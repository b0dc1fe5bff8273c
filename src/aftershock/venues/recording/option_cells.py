"""Rows of columnar option files as option quotes: columns stay columns, and no row becomes an object of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from aftershock.model.events import OPTION_COLUMNS
from aftershock.venues.recording.arrow import Texts
from aftershock.venues.recording.block import Block
from aftershock.venues.recording.damage import Damage
from aftershock.venues.tardis.arrival import Arrival
from aftershock.venues.tardis.csv_columns import OPTION_CELLS
from aftershock.venues.tardis.option_rows import OptionRows, OptionSorter
from aftershock.venues.tardis.option_terms import IV_PER_FRACTION, OptionNames, OptionTerms
from aftershock.venues.tardis.piece import Piece
from aftershock.venues.tardis.report import Broken, FileReport

__all__ = ["read_options"]

_SIGNED = {"delta", "gamma", "vega", "theta", "rho", "bid_iv", "ask_iv", "mark_iv"}
_VOLATILITIES = ("bid_iv", "ask_iv", "mark_iv")
_TYPES = ("call", "put")


def read_options(
    blocks: Iterable[Block],
    report: FileReport,
    names: OptionNames,
    arrival: Arrival,
    damage: Damage,
    *,
    fractions: bool,
    needs_terms: bool,
) -> Iterator[Piece]:
    """Yield the batches of an options file in the total order.

    Args:
        blocks: Of the file.
        report: Where rows are counted.
        names: Its instruments.
        arrival: Receive times that never go back.
        damage: What was lost.
        fractions: True if volatilities are fractions, False if they are as the venue prints them.
        needs_terms: True if a row without type, strike and expiration is broken.
    """
    sorter = OptionSorter(names.streams)
    for block in blocks:
        damage.count(block)
        rows = _rows(block, names, fractions=fractions, needs_terms=needs_terms)
        good = block.settle(report)
        if not len(good):
            continue
        if len(good) < len(rows):
            rows = rows.take(good)
        ts, steps = arrival.block(rows.ts_init, rows.row_numbers)
        first, last = int(ts[0]), int(ts[-1])
        report.saw(first, last, two_clocks=not np.array_equal(rows.ts_event, rows.ts_init))
        marks = [*damage.before(first, last), *steps]
        yield from sorter.push(msgspec.structs.replace(rows, ts_init=ts), names.rank, marks)
    yield from sorter.finish(names.rank)
    yield from damage.at_the_end()


def _rows(block: Block, names: OptionNames, *, fractions: bool, needs_terms: bool) -> OptionRows:
    """Read a block's columns, marking the rows that are broken."""
    venues, symbols = block.names("exchange"), block.names("symbol")
    ts_event, ts_init = block.times("ts_event"), block.times("ts_init")
    numbers = _numbers(names, venues, symbols)
    _check_terms(block, names, numbers, venues, symbols, needs_terms=needs_terms)
    values = np.empty((len(OPTION_COLUMNS), len(block)))
    for i, name in enumerate(OPTION_CELLS):
        is_price = name in {"bid_price", "ask_price"}
        values[i] = block.prices(name) if is_price else block.numbers(name, signed=name in _SIGNED)
    if not fractions:
        per_fraction = np.array([IV_PER_FRACTION.get(venue, 1.0) for venue in venues.values])[venues.codes]
        for name in _VOLATILITIES:
            values[OPTION_COLUMNS.index(name)] /= per_fraction
    known = names.symbols
    index = block.texts("underlying_index")
    return OptionRows(
        symbols=[known[i] for i in numbers.tolist()],
        underlying_index=Texts(index.codes, names.shared(index.values)).rows(),
        stream=names.stream[numbers],
        ts_event=ts_event,
        ts_init=ts_init,
        values=values,
        row_numbers=block.row_numbers,
    )


def _numbers(names: OptionNames, venues: Texts, symbols: Texts) -> NDArray[np.int64]:
    """Return the number of each row's instrument, asking once for each different one."""
    if len(venues.values) == 1:
        return names.numbers(venues.values * len(symbols.values), symbols.values)[symbols.codes]
    pairs = venues.codes * len(symbols.values) + symbols.codes
    different, place = np.unique(pairs, return_inverse=True)
    venue, symbol = np.divmod(different, len(symbols.values))
    asked = names.numbers(Texts(venue, venues.values).rows(), Texts(symbol, symbols.values).rows())
    return asked[place]


def _check_terms(
    block: Block,
    names: OptionNames,
    numbers: NDArray[np.int64],
    venues: Texts,
    symbols: Texts,
    *,
    needs_terms: bool,
) -> None:
    """Refuse rows that contradict their own symbol, and remember the terms of symbols that can't be read."""
    types = block.one_of("type", _TYPES if needs_terms else (*_TYPES, ""), Broken.OPTION_TYPE)
    there = np.array([value != "" for value in types.values], dtype=np.bool_)[types.codes]
    is_call = np.array([value == "call" for value in types.values], dtype=np.bool_)[types.codes]
    strike = block.numbers("strike_price", required=needs_terms)
    expiry_ns = block.times("expiration", required=needs_terms)
    known = names.known[numbers]
    same = (
        (strike == names.strike[numbers])
        & (is_call == names.is_call[numbers])
        & (expiry_ns == names.expiry_ns[numbers])
    )
    unlike = known & there & ~same
    if unlike.any():
        block.refuse(unlike, Broken.CONTRADICTION)
    unread = np.flatnonzero(~known & there & (block.broken == 0))
    if not len(unread):
        return
    _, first = np.unique(numbers[unread], return_index=True)
    for i in unread[first].tolist():
        terms = OptionTerms(float(strike[i]), bool(is_call[i]), int(expiry_ns[i]))
        names.remember(venues.values[venues.codes[i]], symbols.values[symbols.codes[i]], terms)
