"""Rows of Tardis' CSV files other than options, one event each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from aftershock.model.events import (
    BookSnapshot,
    DerivativeTicker,
    Event,
    Liquidation,
    Quote,
    Trade,
)
from aftershock.model.liquidations import liquidated_side
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

__all__ = ["read_events"]


class _Key(NamedTuple):
    ts_event: int
    ts_init: int
    venue: str
    symbol: str


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
            yield piece_of(make(i, _Key(event_ns, init_ns, venues[i], symbols[i])), row)


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


def _trades(cells: CsvBlock, _kind: CsvKind, _table: InstrumentTable) -> Callable[[int, _Key], Event]:
    sides, ids = _sides(cells), cells.texts("id")
    prices = cells.trade_prices("price").tolist()
    amounts = cells.numbers("amount", required=True).tolist()

    def make(i: int, key: _Key) -> Event:
        return Trade(
            ts_event=key.ts_event,
            ts_init=key.ts_init,
            venue=key.venue,
            symbol=key.symbol,
            price=prices[i],
            amount=amounts[i],
            side=sides[i],
            trade_id=ids[i],
        )

    return make


def _liquidations(cells: CsvBlock, _kind: CsvKind, table: InstrumentTable) -> Callable[[int, _Key], Event]:
    sides, ids = _sides(cells), cells.texts("id")
    prices = cells.trade_prices("price").tolist()
    amounts = cells.numbers("amount", required=True).tolist()

    def make(i: int, key: _Key) -> Event:
        coverage = table.coverage(key.venue, key.ts_event)
        return Liquidation(
            ts_event=key.ts_event,
            ts_init=key.ts_init,
            venue=key.venue,
            symbol=key.symbol,
            price=prices[i],
            amount=amounts[i],
            liquidated=liquidated_side(sides[i]),
            price_kind=coverage.price_kind,
            completeness=coverage.completeness,
            liquidation_id=ids[i],
        )

    return make


def _quotes(cells: CsvBlock, _kind: CsvKind, _table: InstrumentTable) -> Callable[[int, _Key], Event]:
    bids, asks = cells.prices("bid_price").tolist(), cells.prices("ask_price").tolist()
    bid_amounts, ask_amounts = cells.numbers("bid_amount").tolist(), cells.numbers("ask_amount").tolist()

    def make(i: int, key: _Key) -> Event:
        return Quote(
            ts_event=key.ts_event,
            ts_init=key.ts_init,
            venue=key.venue,
            symbol=key.symbol,
            bid=bids[i],
            bid_amount=bid_amounts[i],
            ask=asks[i],
            ask_amount=ask_amounts[i],
        )

    return make


def _tickers(cells: CsvBlock, _kind: CsvKind, _table: InstrumentTable) -> Callable[[int, _Key], Event]:
    # Futures spreads have tickers too, and their prices may be negative.
    last, index, mark, rate, predicted = (
        cells.numbers(name, signed=True).tolist()
        for name in ("last_price", "index_price", "mark_price", "funding_rate", "predicted_funding_rate")
    )
    interest = cells.numbers("open_interest").tolist()
    funding_ts = cells.nanoseconds("funding_timestamp", required=False).tolist()

    def make(i: int, key: _Key) -> Event:
        return DerivativeTicker(
            ts_event=key.ts_event,
            ts_init=key.ts_init,
            venue=key.venue,
            symbol=key.symbol,
            last_price=last[i],
            index_price=index[i],
            mark_price=mark[i],
            open_interest=interest[i],
            funding_rate=rate[i],
            predicted_funding_rate=predicted[i],
            funding_ts=funding_ts[i],
        )

    return make


def _books(cells: CsvBlock, kind: CsvKind, _table: InstrumentTable) -> Callable[[int, _Key], Event]:
    levels = [[cells.numbers(name.format(level)).tolist() for name in BOOK_LEVELS] for level in range(kind.depth)]

    def make(i: int, key: _Key) -> Event:
        # An empty level, with its cells empty or zero, is no level: NaN > 0 is false too.
        return BookSnapshot(
            ts_event=key.ts_event,
            ts_init=key.ts_init,
            venue=key.venue,
            symbol=key.symbol,
            bids=tuple((level[0][i], level[1][i]) for level in levels if level[0][i] > 0),
            asks=tuple((level[2][i], level[3][i]) for level in levels if level[2][i] > 0),
        )

    return make


_COLUMNS: dict[str, Callable[[CsvBlock, CsvKind, InstrumentTable], Callable[[int, _Key], Event]]] = {
    "trades": _trades,
    "liquidations": _liquidations,
    "quotes": _quotes,
    "book_ticker": _quotes,
    "derivative_ticker": _tickers,
    "book_snapshot": _books,
}
