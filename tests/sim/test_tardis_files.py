"""What is written as Tardis CSV is read back bit for bit, or not written at all."""

from __future__ import annotations

import gzip
import math
import tracemalloc
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.model.events import (
    OPTION_COLUMNS,
    BookSnapshot,
    ClockStep,
    DerivativeTicker,
    Event,
    Gap,
    Halt,
    Liquidation,
    OptionQuotes,
    Quote,
    Restored,
    Stale,
    StreamId,
    Trade,
)
from aftershock.model.liquidations import Completeness, Liquidated, PriceKind
from aftershock.model.order import total_order
from aftershock.model.units import NAN, NS_PER_DAY, NS_PER_MS
from aftershock.sim.market.cells import exact_percent
from aftershock.sim.market.tardis_files import TardisFiles, Written, carried, write_tardis_files
from tests.sim.tardis_events import (
    LISTED,
    T0,
    bits,
    liquidations,
    option_batches,
    quotes,
    read_back,
    tickers,
    trades,
    union_margined,
)

FEW_TIMES = st.integers(0, 4).map(lambda micros: T0 + 1000 * micros)
NO_IDS = st.just("")
ANY = st.one_of(
    quotes(FEW_TIMES), tickers(FEW_TIMES), trades(FEW_TIMES, NO_IDS), liquidations(FEW_TIMES, NO_IDS),
    option_batches(FEW_TIMES),
)  # fmt: skip
CALL = "BTC-9OCT26-90000-C"
SMALL = settings(max_examples=60)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tardis")


def write(folder: Path, events: Iterable[Event]) -> Written:
    return write_tardis_files(folder, events, [union_margined()])


def quote(ts: int = T0, **fields: Any) -> Quote:
    values: dict[str, Any] = {"venue": "bybit", "symbol": "BTCUSDT", "bid": 1.0, "ask": 2.0, "ts_event": ts}
    return Quote(**{**values, "ts_init": ts, "bid_amount": 1.0, "ask_amount": 1.0, **fields})


def liquidation(ts: int = T0, **fields: Any) -> Liquidation:
    values: dict[str, Any] = {"venue": "ftx", "symbol": "BTC-PERP", "price": 1.0, "amount": 2.0, "ts_event": ts}
    values |= {"liquidated": Liquidated.LONG, "price_kind": PriceKind.FILL, "completeness": Completeness.ALL}
    return Liquidation(**{**values, "ts_init": ts, **fields})


def trade(ts: int = T0, **fields: Any) -> Trade:
    values: dict[str, Any] = {"venue": "ftx", "symbol": "BTC-PERP", "price": 1.0, "amount": 2.0, "side": "buy"}
    return Trade(**{**values, "ts_event": ts, "ts_init": ts, **fields})


def options(
    ts: int = T0, symbol: str = CALL, venue: str = "deribit", underlying: str = "BTC", index: str = "", **cells: float
) -> OptionQuotes:
    stamps = np.array([ts], dtype=np.int64)
    return OptionQuotes(
        ts_event=ts,
        ts_init=ts,
        stream=StreamId(venue, "option_quotes", underlying),
        symbols=[symbol],
        row_ts_event=stamps,
        row_ts_init=stamps,
        columns={name: np.array([cells.get(name, NAN)]) for name in OPTION_COLUMNS},
        underlying_index=[index],
    )


@SMALL
@given(event=quotes())
def test_a_quote_comes_back_bit_for_bit(folder: Path, event: Event) -> None:
    assert bits(read_back(write(folder, [event]).files)) == bits([event])


@SMALL
@given(event=tickers())
def test_a_ticker_comes_back_bit_for_bit(folder: Path, event: Event) -> None:
    assert bits(read_back(write(folder, [event]).files)) == bits([event])


@SMALL
@given(event=trades())
def test_a_trade_comes_back_bit_for_bit(folder: Path, event: Event) -> None:
    assert bits(read_back(write(folder, [event]).files)) == bits([event])


@SMALL
@given(event=liquidations())
def test_a_liquidation_comes_back_bit_for_bit(folder: Path, event: Event) -> None:
    assert bits(read_back(write(folder, [event]).files)) == bits([event])


@SMALL
@given(event=option_batches())
def test_option_rows_come_back_bit_for_bit_with_volatilities_that_were_percentages(folder: Path, event: Event) -> None:
    written = write(folder, [event])
    assert bits(read_back(written.files)) == bits([event])
    assert written.volatilities_left_empty == 0


@pytest.mark.slow
@settings(max_examples=100)
@given(events=st.lists(ANY, max_size=15).map(lambda found: sorted(found, key=first_ts)))
def test_events_of_all_kinds_come_back_in_the_total_order(folder: Path, events: list[Event]) -> None:
    parts = sorted(apart(events), key=lambda event: event.ts_init)
    ordered = list(total_order(parts))
    assert bits(read_back(write(folder, ordered).files)) == bits(ordered)


def first_ts(event: Event) -> int:
    return int(event.row_ts_init[0]) if isinstance(event, OptionQuotes) else event.ts_init


def apart(events: Iterable[Event]) -> Iterator[Event]:
    for event in events:
        yield from event.rows() if isinstance(event, OptionQuotes) else (event,)


@pytest.mark.parametrize("value", [5e-324, 2.2250738585072014e-308, 0.1, 1 / 3, 1e22, 1.7976931348623157e308])
def test_the_smallest_and_the_largest_numbers_come_back(folder: Path, value: float) -> None:
    event = quote(bid=value, ask_amount=value)
    assert bits(read_back(write(folder, [event]).files)) == bits([event])


def test_cells_are_written_as_python_would_type_the_numbers(folder: Path) -> None:
    events = [quote(bid=30000.5, ask=NAN, bid_amount=0.1, ask_amount=-0.0), quote(T0 + 1000, bid=1e-7)]
    (file,) = write(folder, events).files
    assert gzip.decompress(file.path.read_bytes()).decode().splitlines() == [
        "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount",
        "bybit,BTCUSDT,1790845200000000,1790845200000000,-0.0,,30000.5,0.1",
        "bybit,BTCUSDT,1790845200000001,1790845200000001,1.0,2.0,1e-07,1.0",
    ]


def test_an_option_row_has_its_terms_and_deribits_volatility_in_percent(folder: Path) -> None:
    events = [
        options(bid=0.05, bid_iv=0.574, mark_iv=NAN, index="SYN.BTC-9OCT26"),
        options(symbol="BTC-USD_UM-261009-90000-P", venue="okex-options", bid=410.0, bid_iv=0.574),
    ]
    clocks = "1790845200000000,1790845200000000"
    deribit, okex = [
        gzip.decompress(file.path.read_bytes()).decode().splitlines()[1] for file in write(folder, events).files
    ]
    assert deribit == (f"deribit,{CALL},{clocks},call,90000.0,1791532800000000,,,0.05,,57.4,,,,,,SYN.BTC-9OCT26,,,,,,")
    assert okex == (
        f"okex-options,BTC-USD_UM-261009-90000-P,{clocks},put,90000.0,1791532800000000,,,410.0,,0.574,,,,,,,,,,,,"
    )


@given(percent=st.floats(0.01, 1000.0))
def test_every_fraction_that_was_a_percentage_has_one(percent: float) -> None:
    assert exact_percent(percent / 100) / 100 == percent / 100


def test_a_volatility_without_an_exact_percentage_is_left_empty_and_counted(folder: Path) -> None:
    reachable = [percent / 100 for percent in (75.0 + i * 2.0**-46 for i in range(200))]  # all floats from 75 on
    lost = next(f for f in (0.75 + i * 2.0**-53 for i in range(100)) if f not in reachable)
    written = write(folder, [options(mark_iv=lost, bid_iv=reachable[9])])
    (batch,) = read_back(written.files)
    assert written.volatilities_left_empty == 1
    assert bits([batch]) == bits([options(mark_iv=NAN, bid_iv=reachable[9])])


def test_there_is_a_file_for_each_venue_kind_group_and_day(folder: Path) -> None:
    midnight = (T0 // NS_PER_DAY + 1) * NS_PER_DAY
    events = [
        quote(),
        quote(venue="deribit", symbol="BTC-30OCT26"),
        quote(venue="deribit", symbol=CALL),
        options(),
        options(symbol="ETH-30OCT26-4000-C", underlying="ETH"),
        trade(symbol="BTC/USD"),
        liquidation(),
        quote(midnight - NS_PER_MS),
        quote(midnight, ts_event=midnight - NS_PER_MS),
        DerivativeTicker(venue="deribit", symbol="BTC-PERPETUAL", ts_event=midnight, ts_init=midnight + 1000),
    ]
    written = write(folder, total_order(events))
    assert {file.path.name: file.rows for file in written.files} == {
        "bybit_quotes_2026-10-01_PERPETUALS.csv.gz": 2,
        "bybit_quotes_2026-10-02_PERPETUALS.csv.gz": 1,
        "deribit_derivative_ticker_2026-10-02_PERPETUALS.csv.gz": 1,
        "deribit_options_chain_2026-10-01_OPTIONS.csv.gz": 2,
        "deribit_quotes_2026-10-01_FUTURES.csv.gz": 1,
        "deribit_quotes_2026-10-01_OPTIONS.csv.gz": 1,
        "ftx_liquidations_2026-10-01_PERPETUALS.csv.gz": 1,
        "ftx_trades_2026-10-01_SPOT.csv.gz": 1,
    }
    assert written.rows == len(events)
    assert all(file.bytes == file.path.stat().st_size for file in written.files)
    first = written.files[0]
    assert (first.first_ts, first.last_ts) == (T0, midnight - NS_PER_MS)


def test_equal_events_give_equal_bytes_wherever_batches_are_cut(tmp_path: Path) -> None:
    rows = [options(T0 + 1000 * i, bid=0.001 * (i + 1)) for i in range(3000)]
    whole = OptionQuotes(
        ts_event=rows[-1].ts_event,
        ts_init=rows[-1].ts_init,
        stream=rows[0].stream,
        symbols=[CALL] * len(rows),
        row_ts_event=np.concatenate([row.row_ts_event for row in rows]),
        row_ts_init=np.concatenate([row.row_ts_init for row in rows]),
        columns={name: np.concatenate([row.columns[name] for row in rows]) for name in OPTION_COLUMNS},
        underlying_index=[""] * len(rows),
    )
    contents = []
    for number, events in enumerate((rows, [whole])):
        (tmp_path / str(number)).mkdir()
        (file,) = write(tmp_path / str(number), events).files
        contents.append(file.path.read_bytes())
    assert contents[0] == contents[1]
    assert contents[0][3] == 0, "no name in the gzip header"
    assert contents[0][4:8] == bytes(4), "no time in the gzip header"


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (quote(T0 + 1), "whole number of microseconds"),
        (quote(ts_event=T0 + 999), "whole number of microseconds"),
        (quote(10**18 - 1000), "no time in nanoseconds"),
        (quote(bid=0.0), "bid is not positive"),
        (quote(ask=-0.0), "ask is not positive"),
        (quote(bid=math.inf), "bid is infinite"),
        (quote(bid_amount=-1.0), "bid_amount is negative"),
        (quote(symbol="DOGE-26"), "nobody gave its instrument"),
        (quote(venue="a/../b"), "no Tardis exchange id"),
        (trade(side="BUY"), "the side is"),
        (trade(price=NAN), "price is not positive"),
        (trade(amount=NAN), "amount is absent"),
        (trade(trade_id="1,2"), "comma"),
        (trade(trade_id='"1"'), "quote"),
        (trade(trade_id="1\n"), "control character"),
        (trade(trade_id="\x1b[31m"), "control character"),
        (trade(trade_id="\N{REPLACEMENT CHARACTER}"), "control character"),
        (trade(trade_id="1" * 201), "long"),
        (liquidation(price=0.0), "price is not positive"),
        (liquidation(completeness=Completeness.THROTTLED), "read as fill and all"),
        (liquidation(price_kind=PriceKind.ENTRY), "read as fill and all"),
        (options(ask=0.0), "ask is not positive"),
        (options(mark_price=-0.1), "mark_price is negative"),
        (options(delta=math.inf), "delta is infinite"),
        (options(underlying="ETH"), "not of this one"),
        (options(symbol="BTC-30OCT26"), "is no option"),
        (options(symbol="BTC-9OCT26-90,000-C"), "comma"),
        (options(index="a,b"), "comma"),
    ],
)
def test_what_a_reader_would_not_give_back_is_refused(tmp_path: Path, event: Event, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        write(tmp_path, [event])


def test_the_refusal_names_kind_instrument_and_moment(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"quotes of BTCUSDT of bybit, 2026-10-01T09:00:00\.000000000Z: bid is"):
        write(tmp_path, [quote(bid=0.0)])


def test_terms_that_contradict_the_symbol_are_refused(tmp_path: Path) -> None:
    wrong = msgspec.structs.replace(union_margined(), strike=91_000.0)
    row = options(symbol=wrong.symbol, venue=wrong.venue)
    with pytest.raises(ValueError, match="contradicts strike"):
        write_tardis_files(tmp_path, [row], [wrong])


@pytest.mark.parametrize(
    "events",
    [
        [quote(T0 + 1000), quote(T0)],
        [liquidation(T0), quote(T0)],
        [quote(T0, venue="deribit", symbol="BTC-PERPETUAL"), quote(T0)],
        [options(T0), options(T0, symbol="BTC-USD-261009-90000-C", venue="okex-options"), options(T0)],
    ],
    ids=["time", "priority", "stream", "options"],
)
def test_events_out_of_the_total_order_are_refused(tmp_path: Path, events: list[Event]) -> None:
    with pytest.raises(ValueError, match="total order"):
        write(tmp_path, events)


def test_events_without_a_place_in_csv_are_counted(tmp_path: Path) -> None:
    stream = StreamId("deribit", "option_quotes", "BTC")
    events: list[Event] = [
        Gap(ts_event=T0, ts_init=T0, stream=stream, from_ts=T0, to_ts=T0),
        Stale(ts_event=T0, ts_init=T0, stream=stream),
        Stale(ts_event=T0, ts_init=T0, stream=stream),
        Restored(ts_event=T0, ts_init=T0, stream=stream),
        ClockStep(ts_event=T0, ts_init=T0, step_ns=5),
        Halt(ts_event=T0, ts_init=T0, reason="a person"),
        BookSnapshot(ts_event=T0, ts_init=T0, venue="bybit", symbol="BTCUSDT", bids=(), asks=()),
        quote(),
    ]
    written = write(tmp_path, events)
    assert written.not_carried == {
        "book_snapshot": 1, "clock_step": 1, "gap": 1, "halt": 1, "restored": 1, "stale": 2,
    }  # fmt: skip
    assert written.rows == 1
    assert [event for event in events if carried(event)] == events[-1:]


def test_a_refused_event_leaves_what_came_before_whole(tmp_path: Path) -> None:
    with TardisFiles(tmp_path) as files:
        files.add(quote())
        with pytest.raises(ValueError, match="bid"):
            files.add(quote(bid=0.0))
    (path,) = tmp_path.iterdir()
    assert gzip.decompress(path.read_bytes()).count(b"\n") == 2


def test_headers_are_those_of_recorded_files(shared_data: Path, tmp_path: Path) -> None:
    ours = {}
    for file in write(tmp_path, total_order([options(), liquidation()])).files:
        with gzip.open(file.path, "rt", encoding="utf-8") as lines:
            ours[file.kind] = lines.readline()
    recorded = {}
    for path in sorted((shared_data / "tardis").glob("*.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            recorded["options_chain" if "options_chain" in path.name else "liquidations"] = lines.readline()
    assert ours == recorded


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_rows(tmp_path: Path) -> None:
    peaks = []
    for count in (5_000, 20_000):
        tracemalloc.start()
        write(tmp_path, (quote(T0 + 1000 * i, bid=1.0 + i) for i in range(count)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] <= 1.3 * peaks[0]


def test_every_venue_of_these_tests_is_listed(tmp_path: Path) -> None:
    assert write(tmp_path, [quote(venue=venue, symbol=symbol) for venue, symbol in sorted(LISTED.items())]).rows == 4
