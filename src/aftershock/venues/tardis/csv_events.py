"""Rows of Tardis' CSV files other than options, one event each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter

import numpy as np

from aftershock.model.order import in_order
from aftershock.model.table import InstrumentTable
from aftershock.venues.connection.recent_ids import RecentIds
from aftershock.venues.tardis.arrival import Arrival
from aftershock.venues.tardis.codec import SIDES
from aftershock.venues.tardis.csv_block import CsvBlock
from aftershock.venues.tardis.csv_columns import BOOK_LEVELS, CsvKind
from aftershock.venues.tardis.csv_reader import CsvReader, CsvRows
from aftershock.venues.tardis.piece import Piece, piece_of
from aftershock.venues.tardis.report import Broken, FileReport
from aftershock.venues.tardis.row_events import Make, RowKey, books, liquidations, quotes, tickers, trades

__all__ = ["read_events"]


def read_events(
    reader: CsvReader, kind: CsvKind, report: FileReport, table: InstrumentTable, arrival: Arrival
) -> Iterator[Piece]:
    """Yield the events of a file in the total order."""
    return in_order(_pieces(reader, kind, report, table, arrival), attrgetter("place"))


def _pieces(
    reader: CsvReader, kind: CsvKind, report: FileReport, table: InstrumentTable, arrival: Arrival
) -> Iterator[Piece]:
    columns_of = _COLUMNS["book_snapshot" if kind.depth else kind.kind]
    recent = RecentIds()
    for block in reader.blocks():
        cells = block.cells
        venues, symbols = cells.names("exchange"), cells.names("symbol")
        ts_event, ts_raw = cells.nanoseconds("timestamp"), cells.nanoseconds("local_timestamp")
        make = columns_of(cells, kind, table)
        settled = block.settle()
        good = np.arange(len(cells)) if settled is None else settled
        if "id" in kind.columns:
            good = good[_fresh(block, good.tolist(), recent)]
        if not len(good):
            continue
        ts_init, steps = arrival.block(ts_raw[good], cells.row_numbers[good])
        report.saw(int(ts_init[0]), int(ts_init[-1]), two_clocks=not np.array_equal(ts_event[good], ts_raw[good]))
        step_of_row = {step.row: step for step in steps}
        columns = good, ts_event[good], ts_init, cells.row_numbers[good]
        for i, event_ns, init_ns, row in zip(*(column.tolist() for column in columns), strict=True):
            if row in step_of_row:
                yield step_of_row[row]
            yield piece_of(make(i, RowKey(event_ns, init_ns, venues[i], symbols[i])), row)


def _fresh(block: CsvRows, good: list[int], recent: RecentIds) -> list[bool]:
    """Tell for each good row whether it is new, and count the others."""
    cells = block.cells
    names = ("id", "exchange", "symbol", "timestamp", "side", "price", "amount")
    columns = [cells.texts(name) for name in names]
    fresh = [not recent.repeats(*(column[i] for column in columns)) for i in good]
    for i, new in zip(good, fresh, strict=True):
        if not new:
            block.drop_duplicate(i)
    return fresh


def _sides(cells: CsvBlock) -> list[str]:
    sides = cells.texts("side")
    if sum(map(sides.count, SIDES)) != len(cells):
        cells.refuse([i for i, side in enumerate(sides) if side not in SIDES], Broken.SIDE)
    return sides


def _trades(cells: CsvBlock, _kind: CsvKind, _table: InstrumentTable) -> Make:
    return trades(*_prints(cells))


def _liquidations(cells: CsvBlock, _kind: CsvKind, table: InstrumentTable) -> Make:
    return liquidations(*_prints(cells), lambda _, key: table.coverage(key.venue, key.ts_event))


def _prints(cells: CsvBlock) -> tuple[list[str], list[str], list[float], list[float]]:
    amounts = cells.numbers("amount", required=True).tolist()
    return _sides(cells), cells.texts("id"), cells.trade_prices("price").tolist(), amounts


def _quotes(cells: CsvBlock, _kind: CsvKind, _table: InstrumentTable) -> Make:
    bids, asks = cells.prices("bid_price").tolist(), cells.prices("ask_price").tolist()
    return quotes(bids, cells.numbers("bid_amount").tolist(), asks, cells.numbers("ask_amount").tolist())


def _tickers(cells: CsvBlock, _kind: CsvKind, _table: InstrumentTable) -> Make:
    # Futures spreads have tickers too, and their prices may be negative.
    last, index, mark, rate, predicted = (
        cells.numbers(name, signed=True).tolist()
        for name in ("last_price", "index_price", "mark_price", "funding_rate", "predicted_funding_rate")
    )
    interest = cells.numbers("open_interest").tolist()
    funding_ts = cells.nanoseconds("funding_timestamp", required=False).tolist()
    return tickers(last, index, mark, interest, rate, predicted, funding_ts)


def _books(cells: CsvBlock, kind: CsvKind, _table: InstrumentTable) -> Make:
    levels = [[cells.numbers(name.format(level)).tolist() for name in BOOK_LEVELS] for level in range(kind.depth)]
    return books([(each[0], each[1]) for each in levels], [(each[2], each[3]) for each in levels])


_COLUMNS: dict[str, Callable[[CsvBlock, CsvKind, InstrumentTable], Make]] = {
    "trades": _trades,
    "liquidations": _liquidations,
    "quotes": _quotes,
    "book_ticker": _quotes,
    "derivative_ticker": _tickers,
    "book_snapshot": _books,
}
