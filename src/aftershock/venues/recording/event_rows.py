"""Rows of columnar files other than options, one event each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from aftershock.model.events import (
    BookSnapshot,
    ClockStep,
    DerivativeTicker,
    Event,
    Gap,
    Liquidation,
    Quote,
    Restored,
    Stale,
    StreamId,
    Trade,
)
from aftershock.model.liquidations import Completeness, PriceKind, liquidated_side
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

__all__ = ["read_events"]

_UNKNOWN = ""


class _Key(NamedTuple):
    ts_event: int
    ts_init: int
    venue: str
    symbol: str


_Make = Callable[[int, _Key], Event]


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
            yield piece_of(make(i, _Key(event_ns, init_ns, venues.values[venue], symbols.values[symbol])), row)
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


def _trades(block: Block, _kind: str, _table: InstrumentTable) -> _Make:
    sides, ids = block.one_of("side", SIDES, Broken.SIDE).rows(), block.texts("id").rows()
    prices, amounts = block.trade_prices("price").tolist(), block.numbers("amount", required=True).tolist()

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


def _liquidations(block: Block, _kind: str, table: InstrumentTable) -> _Make:
    sides, ids = block.one_of("side", SIDES, Broken.SIDE).rows(), block.texts("id").rows()
    prices, amounts = block.trade_prices("price").tolist(), block.numbers("amount", required=True).tolist()
    price_kinds = block.one_of("price_kind", (_UNKNOWN, *PriceKind), Broken.FIELD).rows()
    shares = block.one_of("completeness", (_UNKNOWN, *Completeness), Broken.FIELD).rows()

    def make(i: int, key: _Key) -> Event:
        price_kind, share = price_kinds[i], shares[i]
        if not (price_kind and share):
            coverage = table.coverage(key.venue, key.ts_event)
            price_kind, share = price_kind or coverage.price_kind, share or coverage.completeness
        return Liquidation(
            ts_event=key.ts_event,
            ts_init=key.ts_init,
            venue=key.venue,
            symbol=key.symbol,
            price=prices[i],
            amount=amounts[i],
            liquidated=liquidated_side(sides[i]),
            price_kind=PriceKind(price_kind),
            completeness=Completeness(share),
            liquidation_id=ids[i],
        )

    return make


def _quotes(block: Block, _kind: str, _table: InstrumentTable) -> _Make:
    bids, asks = block.prices("bid_price").tolist(), block.prices("ask_price").tolist()
    bid_amounts, ask_amounts = block.numbers("bid_amount").tolist(), block.numbers("ask_amount").tolist()

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


def _tickers(block: Block, _kind: str, _table: InstrumentTable) -> _Make:
    # Futures spreads have tickers too, and their prices may be negative.
    last, index, mark, rate, predicted = (
        block.numbers(name, signed=True).tolist()
        for name in ("last_price", "index_price", "mark_price", "funding_rate", "predicted_funding_rate")
    )
    interest = block.numbers("open_interest").tolist()
    funding_ts = block.times("funding_timestamp", required=False).tolist()

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


def _books(block: Block, kind: str, _table: InstrumentTable) -> _Make:
    bids, asks = (
        [
            tuple(block.numbers(f"{side}[{level}].{what}").tolist() for what in ("price", "amount"))
            for level in range(depth_of(kind))
        ]
        for side in ("bids", "asks")
    )

    def make(i: int, key: _Key) -> Event:
        # An empty level, with its cells absent or zero, is no level: NaN > 0 is false too.
        return BookSnapshot(
            ts_event=key.ts_event,
            ts_init=key.ts_init,
            venue=key.venue,
            symbol=key.symbol,
            bids=tuple((prices[i], amounts[i]) for prices, amounts in bids if prices[i] > 0),
            asks=tuple((prices[i], amounts[i]) for prices, amounts in asks if prices[i] > 0),
        )

    return make


def _gaps(block: Block, _kind: str, _table: InstrumentTable) -> _Make:
    kinds, details = block.texts("stream_kind").rows(), block.texts("detail").rows()
    what = block.one_of("what", ("gap", "stale", "restored", "clock_step"), Broken.FIELD).rows()
    from_ts, to_ts = block.any_times("from_ts").tolist(), block.any_times("to_ts").tolist()

    def make(i: int, key: _Key) -> Event:
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


_COLUMNS: dict[str, Callable[[Block, str, InstrumentTable], _Make]] = {
    "trades": _trades,
    "liquidations": _liquidations,
    "quotes": _quotes,
    "derivative_ticker": _tickers,
    "book_snapshot": _books,
    GAPS: _gaps,
}
