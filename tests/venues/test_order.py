"""Inside a file: receive times never go back, repetitions are dropped, and equal times have one order."""

from __future__ import annotations

from pathlib import Path

from aftershock.model.events import ClockStep, Liquidation, OptionQuotes, Trade
from tests.venues.files import (
    OPTION_HEADER,
    PRINT_HEADER,
    T0_US,
    message,
    option_row,
    option_rows,
    print_row,
    read,
    write,
)


def _ns(us: int) -> int:
    return (T0_US + us) * 1000


def test_rows_behind_are_delivered_at_the_latest_time_with_one_clock_step_per_step_back(tmp_path: Path) -> None:
    rows = [print_row(us, price=i + 1) for i, us in enumerate([10, 5, 6, 7, 11, 9, 12])]
    opened, events = read(write(tmp_path / "trades.csv", [PRINT_HEADER, *rows]))
    trades = [(e.price, e.ts_init, e.ts_event) for e in events if isinstance(e, Trade)]
    delivered = zip(range(1, 8), [10, 10, 10, 10, 11, 11, 12], [10, 5, 6, 7, 11, 9, 12], strict=True)
    assert trades == [(price, _ns(us), _ns(event_us)) for price, us, event_us in delivered]
    steps = [(e.ts_init, e.step_ns, e.source) for e in events if isinstance(e, ClockStep)]
    assert steps == [(_ns(10), 5000, "trades.csv"), (_ns(11), 2000, "trades.csv")]
    assert opened.report.out_of_order == 4


def test_option_rows_behind_are_treated_the_same(tmp_path: Path) -> None:
    rows = [option_row(us, strike=30000 + i) for i, us in enumerate([10, 5, 6, 7, 11, 9, 12])]
    opened, events = read(write(tmp_path / "o.csv", [OPTION_HEADER, *rows]))
    assert [row[3] for row in option_rows(events)] == [_ns(us) for us in [10, 10, 10, 10, 11, 11, 12]]
    assert [row[1] for row in option_rows(events)] == [f"BTC-28APR23-{30000 + i}-C" for i in range(7)]
    assert [(e.ts_init, e.step_ns) for e in events if isinstance(e, ClockStep)] == [(_ns(10), 5000), (_ns(11), 2000)]
    assert opened.report.out_of_order == 4
    kinds = [type(event) for event in events]
    assert kinds == [ClockStep, OptionQuotes, ClockStep, OptionQuotes]


def test_a_clock_that_steps_back_for_good_is_reported_once(tmp_path: Path) -> None:
    rows = [print_row(us) for us in [1_000_000, *range(20_000)]]
    opened, events = read(write(tmp_path / "trades.csv", [PRINT_HEADER, *rows]))
    assert sum(isinstance(event, ClockStep) for event in events) == 1
    assert opened.report.out_of_order == 20_000
    assert {event.ts_init for event in events} == {_ns(1_000_000)}


def test_a_repeated_id_is_dropped_and_rows_without_an_id_are_not(tmp_path: Path) -> None:
    rows = [
        print_row(1, row_id="7"),
        print_row(1, row_id="7", local_timestamp=T0_US + 2),
        print_row(3, row_id="7", symbol="ETH-PERP"),
        print_row(4, row_id="8"),
        print_row(5),
        print_row(5),
    ]
    opened, events = read(write(tmp_path / "liquidations.csv", [PRINT_HEADER, *rows]))
    assert [e.liquidation_id for e in events if isinstance(e, Liquidation)] == ["7", "7", "8", "", ""]
    assert opened.report.dropped == {"duplicate": 1}
    assert opened.report.examples[0].line == 3


def test_a_trade_and_a_liquidation_with_one_id_are_both_kept_because_ftx_prints_both(tmp_path: Path) -> None:
    lines = [message(kind, 5, id="5312345002") for kind in ("trade", "liquidation", "liquidation")]
    opened, events = read(write(tmp_path / "m.ndjson", lines))
    assert [type(event) for event in events] == [Trade, Liquidation]
    assert opened.report.dropped == {"duplicate": 1}


def test_only_lately_seen_ids_are_remembered(tmp_path: Path) -> None:
    rows = [print_row(i, row_id=str(i)) for i in range(65_540)]
    rows += [print_row(3, row_id="3"), print_row(65_539, row_id="65539")]
    opened, events = read(write(tmp_path / "trades.csv", [PRINT_HEADER, *rows]))
    assert opened.report.dropped == {"duplicate": 1}
    assert sum(isinstance(event, Trade) for event in events) == 65_541


def test_rows_of_one_time_are_ordered_by_stream_and_otherwise_stay_as_they_are(tmp_path: Path) -> None:
    rows = [
        option_row(1, base="ETH", strike=2000),
        option_row(1, base="BTC", strike=30000),
        option_row(1, base="ETH", strike=1900),
        option_row(1, base="BTC", strike=29000),
        option_row(2, base="ETH", strike=2100),
    ]
    _, events = read(write(tmp_path / "o.csv", [OPTION_HEADER, *rows]))
    batches = [(e.stream.symbol, e.symbols) for e in events if isinstance(e, OptionQuotes)]
    assert batches == [
        ("BTC", ["BTC-28APR23-30000-C", "BTC-28APR23-29000-C"]),
        ("ETH", ["ETH-28APR23-2000-C", "ETH-28APR23-1900-C", "ETH-28APR23-2100-C"]),
    ]


def test_the_order_of_one_time_holds_across_the_blocks_that_are_read_at_once(tmp_path: Path) -> None:
    rows = [option_row(0 if i < 5 else 7, base="ETH" if i % 3 else "BTC", strike=i + 1) for i in range(3000)]
    _, events = read(write(tmp_path / "o.csv", [OPTION_HEADER, *rows]))
    strikes = [int(str(row[1]).split("-")[2]) - 1 for row in option_rows(events)]
    assert strikes == sorted(range(3000), key=lambda i: (i >= 5, i % 3 > 0, i))


def test_clocks_are_one_only_if_every_row_carries_its_time_twice(tmp_path: Path) -> None:
    one = [print_row(us) for us in (1, 2)]
    assert read(write(tmp_path / "trades.csv", [PRINT_HEADER, *one]))[0].report.clocks == "one"
    two = [*one, print_row(3, timestamp=T0_US + 2)]
    assert read(write(tmp_path / "trades.csv", [PRINT_HEADER, *two]))[0].report.clocks == "two"
    assert read(write(tmp_path / "trades.csv", [PRINT_HEADER]))[0].report.clocks == ""


def test_the_report_says_what_span_of_receive_times_was_read(tmp_path: Path) -> None:
    opened, _ = read(write(tmp_path / "trades.csv", [PRINT_HEADER, print_row(3), print_row(8)]))
    assert (opened.report.first_ts, opened.report.last_ts) == (_ns(3), _ns(8))
