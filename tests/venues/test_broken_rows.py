"""A broken row is counted by reason, located and shown; the rows around it are used."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.model.events import OptionQuotes, Quote, Trade
from aftershock.venues.tardis.report import excerpt
from tests.venues.files import (
    OPTION_HEADER,
    PRINT_HEADER,
    QUOTE_HEADER,
    T0_US,
    message,
    option_row,
    option_rows,
    print_row,
    read,
    write,
)

GOOD_BEFORE, GOOD_AFTER = print_row(1, price=1), print_row(9, price=9)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("ftx,BTC-PERP,1", "cell_count"),
        (print_row(2) + ",7", "cell_count"),
        ('"ftx,BTC-PERP,' + print_row(2), "cell_count"),
        (print_row(2, price="n/a"), "not_a_number"),
        (print_row(2, price="nan"), "not_a_number"),
        (print_row(2, price="inf"), "not_a_number"),
        (print_row(2, price="1e999"), "not_a_number"),
        (print_row(2, price="3_0"), "not_a_number"),
        (print_row(2, price="null"), "not_a_number"),
        (print_row(2, price=""), "not_a_number"),
        (print_row(2, price='"3,5"'), "not_a_number"),
        (print_row(2, price=-1), "negative"),
        (print_row(2, amount=-0.5), "negative"),
        (print_row(2, timestamp=0), "timestamp"),
        (print_row(2, timestamp=-(T0_US)), "timestamp"),
        (print_row(2, timestamp="2023-04-13"), "timestamp"),
        (print_row(2, local_timestamp=""), "timestamp"),
        (print_row(2, local_timestamp="9" * 5000), "timestamp"),
        (print_row(2, timestamp=9_223_372_036_854_776), "timestamp"),  # in ns, more than 64 bits hold
        (print_row(2, timestamp=T0_US * 1000), "timestamp_not_microseconds"),
        (print_row(2, local_timestamp=T0_US // 1000), "timestamp_not_microseconds"),
        (print_row(2, side="long"), "side"),
        (print_row(2, symbol=""), "no_symbol"),
        (print_row(2, symbol="\udcff"), "not_utf8"),
        (print_row(2, symbol="X" * (2 << 20)), "cell_count"),
    ],
)
def test_a_broken_row_is_dropped_for_its_reason_and_the_others_are_used(tmp_path: Path, row: str, reason: str) -> None:
    path = tmp_path / "trades.csv"
    text = f"{PRINT_HEADER}\n{GOOD_BEFORE}\n{row}\n{GOOD_AFTER}\n"
    path.write_bytes(text.encode("utf-8", errors="surrogateescape"))
    opened, events = read(path)
    assert [event.price for event in events if isinstance(event, Trade)] == [1, 9]
    assert opened.report.rows == 3
    assert opened.report.dropped == {reason: 1}
    assert [(e.line, e.reason) for e in opened.report.examples] == [(3, reason)]
    assert len(opened.report.examples[0].excerpt) <= 100


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"strike_price": 31000}, "contradicts_symbol"),
        ({"type": "put"}, "contradicts_symbol"),
        ({"expiration": T0_US}, "contradicts_symbol"),
        ({"symbol": "BTC-PERPETUAL"}, "contradicts_symbol"),
        ({"type": "C"}, "option_type"),
        ({"strike_price": ""}, "not_a_number"),
        ({"bid_price": "x"}, "not_a_number"),
        ({"bid_iv": "nan"}, "not_a_number"),
        ({"ask_price": -0.01}, "negative"),
        ({"underlying_price": -1}, "negative"),
    ],
)
def test_an_option_row_that_contradicts_itself_is_dropped(tmp_path: Path, cells: dict[str, Any], reason: str) -> None:
    lines = [OPTION_HEADER, option_row(1), option_row(2, **cells), option_row(3)]
    opened, events = read(write(tmp_path / "o.csv", lines))
    assert [row[3] for row in option_rows(events)] == [(T0_US + 1) * 1000, (T0_US + 3) * 1000]
    assert opened.report.dropped == {reason: 1}
    assert opened.report.examples[0].line == 3


def test_the_same_broken_messages_are_dropped_from_ndjson(tmp_path: Path) -> None:
    broken = {
        "not_json": '{"type":"trade",',
        "wrong_field": message("trade", 2, price="20480"),
        "negative": message("trade", 2, price=-1),
        "timestamp": message("trade", 2, timestamp="2022-02-30T00:00:00.000Z"),
        "side": message("trade", 2, side="long"),
        "no_symbol": message("trade", 2, symbol=""),
    }
    option = {"symbol": "BTC-25NOV22-20000-P", "exchange": "deribit", "strikePrice": 20000, "optionType": "put"}
    option |= {"expirationDate": "2022-11-25T08:00:00.000Z"}
    broken["contradicts_symbol"] = message("option_summary", 2, **(option | {"strikePrice": 21000}))
    broken["option_type"] = message("option_summary", 2, **(option | {"optionType": "P"}))
    lines = [message("trade", 1), *broken.values(), message("trade", 3)]
    opened, events = read(write(tmp_path / "m.ndjson", lines))
    assert len(events) == 2
    assert opened.report.dropped == dict.fromkeys(broken, 1)
    assert opened.report.rows == len(lines)


def test_a_crossed_market_is_data_not_a_broken_row(tmp_path: Path) -> None:
    opened, events = read(write(tmp_path / "o.csv", [OPTION_HEADER, option_row(bid_price=0.06, ask_price=0.05)]))
    assert len(option_rows(events)) == 1
    assert opened.report.dropped == {}


@pytest.mark.parametrize("cell", ["", "0", "0.0"])
def test_an_empty_or_zero_bid_is_an_absent_bid(tmp_path: Path, cell: str) -> None:
    (batch,) = read(write(tmp_path / "o.csv", [OPTION_HEADER, option_row(bid_price=cell)]))[1]
    assert isinstance(batch, OptionQuotes)
    assert math.isnan(batch.columns["bid"][0])
    assert batch.columns["ask"][0] == 0.055
    (quote,) = read(write(tmp_path / "q.csv", [QUOTE_HEADER, f"x,Y,{T0_US},{T0_US},1,2,{cell},"]))[1]
    assert isinstance(quote, Quote)
    assert math.isnan(quote.bid)
    assert math.isnan(quote.bid_amount)


def test_the_word_null_is_not_an_empty_cell(tmp_path: Path) -> None:
    lines = [OPTION_HEADER, option_row(1, rho=""), option_row(2, rho="null"), option_row(3, rho="0.5")]
    opened, events = read(write(tmp_path / "o.csv", lines))
    assert [row[-2] for row in option_rows(events)] == [None, 0.5]
    assert opened.report.dropped == {"not_a_number": 1}


def test_only_five_broken_rows_are_shown_but_all_are_counted(tmp_path: Path) -> None:
    rows = [print_row(i, price="x" if i % 2 else 1) for i in range(5000)]
    opened, events = read(write(tmp_path / "trades.csv", [PRINT_HEADER, *rows]))
    assert len(events) == 2500
    assert opened.report.dropped == {"not_a_number": 2500}
    assert [example.line for example in opened.report.examples] == [3, 5, 7, 9, 11]


def test_line_numbers_count_blank_lines_and_rows_do_not(tmp_path: Path) -> None:
    lines = ["", PRINT_HEADER, "", print_row(1), "", print_row(2, side="?")]
    opened, _ = read(write(tmp_path / "trades.csv", lines))
    assert (opened.report.rows, opened.report.examples[0].line) == (2, 6)


def test_an_excerpt_shows_no_key_and_no_control_character() -> None:
    shown = excerpt("HOLYSHEEP_API_KEY=sk-abcdefghijklmnopqrstuvwxyz012345\x1b[31m")
    assert "ghijkl" not in shown
    assert "\x1b" not in shown
    assert excerpt("deribit,BTC_USDC-27DEC24-100000-C,1681344001489000") == (
        "deribit,BTC_USDC-27DEC24-100000-C,1681344001489000"
    )


NUMBER_CELLS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True).map(str),
    st.integers().map(str),
    st.text(alphabet="0123456789.eE+-_ nulaif", max_size=8),
)


@given(cells=st.lists(NUMBER_CELLS, min_size=1, max_size=12))
def test_what_a_cell_means_does_not_depend_on_the_rows_around_it(tmp_path_factory: object, cells: list[str]) -> None:
    folder = tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    rows = [print_row(i, amount=cell) for i, cell in enumerate(cells)]
    together = read(write(folder / "trades.csv", [PRINT_HEADER, *rows]))[1]
    alone = [event for row in rows for event in read(write(folder / "trades.csv", [PRINT_HEADER, row]))[1]]
    assert together == alone
    for event in together:
        assert isinstance(event, Trade)
        assert event.amount >= 0
        assert math.isfinite(event.amount)
