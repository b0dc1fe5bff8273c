"""Rows of columnar files other than options, one event each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter

import msgspec
import numpy as np

from aftershock.model.events import ClockStep, Event, Gap, Restored, Stale, StreamId
from aftershock.model.liquidations import Completeness, Coverage, PriceKind
from aftershock.model.order import in_order
from aftershock.model.table import InstrumentTable
from aftershock.venues.connection.recent_ids import RecentIds
from aftershock.venues.recording.block import Block
from aftershock.venues.recording.damage import Damage
from aftershock.venues.recording.schema import GAPS, depth_of
from aftershock.venues.tardis.arrival import Arrival
from aftershock.venues.tardis.codec import SIDES
from aftershock.venues.tardis.piece import Piece, piece_of
from aftershock.venues.tardis.report import Broken, FileReport
from aftershock.venues.tardis.row_events import Make, RowKey, books, liquidations, quotes, tickers, trades

__all__ = ["read_events"]

_UNKNOWN = ""


def read_events(
    blocks: Iterable[Block], kind: str, report: FileReport, table: InstrumentTable, arrival: Arrival, damage: Damage
) -> Iterator[Piece]:
    """Yield the events of a file in the total order."""
    return in_order(_pieces(blocks, kind, report, table, arrival, damage), attrgetter("place"))


def _pieces(
    blocks: Iterable[Block], kind: str, report: FileReport, table: InstrumentTable, arrival: Arrival, damage: Damage
) -> Iterator[Piece]:
    columns_of = _COLUMNS["book_snapshot" if depth_of(kind) else kind]
    recent = RecentIds()
    for block in blocks:
        damage.count(block)
        # A gap may be one of no instrument, and its venue's clock that of nobody.
        names, times = (block.texts, block.any_times) if kind == GAPS else (block.names, block.times)
        venues, symbols = names("exchange"), names("symbol")
        ts_event, ts_raw = times("ts_event"), block.times("ts_init")
        make = columns_of(block, kind, table)
        good = block.settle(report)
        if kind in {"trades", "liquidations"}:
            good = good[_fresh(block, good.tolist(), recent, report)]
        if not len(good):
            continue
        ts_init, steps = arrival.block(ts_raw[good], block.row_numbers[good])
        first, last = int(ts_init[0]), int(ts_init[-1])
        if kind == GAPS:
            report.first_ts, report.last_ts = report.first_ts or first, last
        else:
            report.saw(first, last, two_clocks=not np.array_equal(ts_event[good], ts_raw[good]))
        yield from damage.before(first, last)
        step_of_row = {step.row: step for step in steps}
        columns = good, ts_event[good], ts_init, block.row_numbers[good], venues.codes[good], symbols.codes[good]
        for i, event_ns, init_ns, row, venue, symbol in zip(*(column.tolist() for column in columns), strict=True):
            if row in step_of_row:
                yield step_of_row[row]
            yield piece_of(make(i, RowKey(event_ns, init_ns, venues.values[venue], symbols.values[symbol])), row)
    yield from damage.at_the_end()


def _fresh(block: Block, good: list[int], recent: RecentIds, report: FileReport) -> list[bool]:
    """Tell for each good row whether it is new, and count the others."""
    ids = block.texts("id").rows()
    if not any(ids):
        return [True] * len(good)
    texts = [block.texts(name).rows() for name in ("exchange", "symbol", "side")]
    numbers = [block.times("ts_event").tolist(), *(block.numbers(name).tolist() for name in ("price", "amount"))]
    columns = [*texts, *numbers]
    fresh = [not recent.repeats(ids[i], *(column[i] for column in columns)) for i in good]
    for i, new in zip(good, fresh, strict=True):
        if not new:
            block.drop_duplicate(i, report)
    return fresh


def _trades(block: Block, _kind: str, _table: InstrumentTable) -> Make:
    return trades(*_prints(block))


def _liquidations(block: Block, _kind: str, table: InstrumentTable) -> Make:
    price_kinds = block.one_of("price_kind", (_UNKNOWN, *PriceKind), Broken.FIELD).rows()
    shares = block.one_of("completeness", (_UNKNOWN, *Completeness), Broken.FIELD).rows()

    def coverage(i: int, key: RowKey) -> Coverage:
        known = table.coverage(key.venue, key.ts_event)
        return msgspec.structs.replace(
            known,
            price_kind=PriceKind(price_kinds[i] or known.price_kind),
            completeness=Completeness(shares[i] or known.completeness),
        )

    return liquidations(*_prints(block), coverage)


def _prints(block: Block) -> tuple[list[str], list[str], list[float], list[float]]:
    sides, ids = block.one_of("side", SIDES, Broken.SIDE).rows(), block.texts("id").rows()
    return sides, ids, block.trade_prices("price").tolist(), block.numbers("amount", required=True).tolist()


def _quotes(block: Block, _kind: str, _table: InstrumentTable) -> Make:
    bids, asks = block.prices("bid_price").tolist(), block.prices("ask_price").tolist()
    return quotes(bids, block.numbers("bid_amount").tolist(), asks, block.numbers("ask_amount").tolist())


def _tickers(block: Block, _kind: str, _table: InstrumentTable) -> Make:
    # Futures spreads have tickers too, and their prices may be negative.
    last, index, mark, rate, predicted = (
        block.numbers(name, signed=True).tolist()
        for name in ("last_price", "index_price", "mark_price", "funding_rate", "predicted_funding_rate")
    )
    funding_ts = block.times("funding_timestamp", required=False).tolist()
    return tickers(last, index, mark, block.numbers("open_interest").tolist(), rate, predicted, funding_ts)


def _books(block: Block, kind: str, _table: InstrumentTable) -> Make:
    bids, asks = (
        [
            (block.numbers(f"{side}[{level}].price").tolist(), block.numbers(f"{side}[{level}].amount").tolist())
            for level in range(depth_of(kind))
        ]
        for side in ("bids", "asks")
    )
    return books(bids, asks)


def _gaps(block: Block, _kind: str, _table: InstrumentTable) -> Make:
    kinds, details = block.texts("stream_kind").rows(), block.texts("detail").rows()
    what = block.one_of("what", ("gap", "stale", "restored", "clock_step"), Broken.FIELD).rows()
    from_ts, to_ts = block.any_times("from_ts").tolist(), block.any_times("to_ts").tolist()

    def make(i: int, key: RowKey) -> Event:
        stamps = {"ts_event": key.ts_event, "ts_init": key.ts_init}
        stream = StreamId(key.venue, kinds[i], key.symbol)
        if what[i] == "gap":
            return Gap(**stamps, stream=stream, from_ts=from_ts[i], to_ts=to_ts[i], detail=details[i])
        if what[i] == "stale":
            return Stale(**stamps, stream=stream, detail=details[i])
        if what[i] == "restored":
            return Restored(**stamps, stream=stream)
        return ClockStep(**stamps, step_ns=to_ts[i] - from_ts[i], source=key.symbol)

    return make


_COLUMNS: dict[str, Callable[[Block, str, InstrumentTable], Make]] = {
    "trades": _trades,
    "liquidations": _liquidations,
    "quotes": _quotes,
    "derivative_ticker": _tickers,
    "book_snapshot": _books,
    GAPS: _gaps,
}
