"""A file is what its content says; only where two kinds look the same does a flag or the path decide."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from aftershock.errors import InputError
from aftershock.model.events import BookSnapshot, DerivativeTicker, Liquidation, OptionQuotes, Quote, Trade
from tests.venues.files import (
    OPTION_HEADER,
    PRINT_HEADER,
    QUOTE_HEADER,
    T0_US,
    columns,
    message,
    option_row,
    option_rows,
    print_row,
    read,
    source,
    write,
)

TICKER_HEADER = (
    "exchange,symbol,timestamp,local_timestamp,funding_timestamp,funding_rate,predicted_funding_rate,open_interest,"
    "last_price,index_price,mark_price"
)


def test_an_options_file_is_known_by_its_columns_whatever_its_name(tmp_path: Path) -> None:
    opened, events = read(write(tmp_path / "liquidations.txt", [OPTION_HEADER, option_row()]))
    assert opened.kind == "options_chain"
    assert [type(event) for event in events] == [OptionQuotes]


def test_columns_may_come_in_any_order_and_others_between_them_do_not_matter(tmp_path: Path) -> None:
    lines = [OPTION_HEADER, option_row(0), option_row(5, strike=31000, kind="put")]
    shuffled = [("remark", "a", "b"), *reversed(columns(lines))]
    _, plain = read(write(tmp_path / "plain.csv", lines))
    _, other = read(write(tmp_path / "other.csv", [",".join(row) for row in zip(*shuffled, strict=True)]))
    assert option_rows(other) == option_rows(plain)


def test_compression_is_known_by_content_not_by_name(tmp_path: Path) -> None:
    named_plain = tmp_path / "options.csv"
    named_plain.write_bytes(gzip.compress(f"{OPTION_HEADER}\n{option_row()}\n".encode()))
    opened, events = read(named_plain)
    assert (opened.report.format, len(events)) == ("csv.gz", 1)
    named_gzip = tmp_path / "options.csv.gz"
    named_gzip.write_text(f"{OPTION_HEADER}\n{option_row()}\n")
    assert read(named_gzip)[0].report.format == "csv"


def test_trades_and_liquidations_are_told_apart_by_the_flag_first(tmp_path: Path) -> None:
    path = write(tmp_path / "ftx_trades_2022-11-01_PERPETUALS.csv", [PRINT_HEADER, print_row()])
    assert isinstance(read(path, expect="liquidations")[1][0], Liquidation)
    assert isinstance(read(path, expect="trades")[1][0], Trade)


@pytest.mark.parametrize(
    "name",
    [
        "ftx/liquidations/2022/11/01/PERPETUALS.csv.gz",
        "ftx_liquidations_2022-11-01_PERPETUALS.csv.gz",
        "trades/ftx-liquidations.csv",
    ],
)
def test_the_path_tells_liquidations_as_tardis_lays_files_out(tmp_path: Path, name: str) -> None:
    opened, events = read(write(tmp_path / name, [PRINT_HEADER, print_row()]))
    assert opened.kind == "liquidations"
    assert isinstance(events[0], Liquidation)


@pytest.mark.parametrize("name", ["mine.csv", "trades_and_liquidations.csv", "trades/a/b/c/d/e/f/mine.csv"])
def test_prints_that_nothing_tells_apart_are_refused_with_the_flags_to_give(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"say which with --trades or --liquidations"):
        source(write(tmp_path / name, [PRINT_HEADER, print_row()]))


def test_quotes_and_book_ticker_are_the_same_events(tmp_path: Path) -> None:
    row = f"deribit,BTC-PERPETUAL,{T0_US},{T0_US + 9},250,30001,30000.5,7000"
    quotes, events = read(write(tmp_path / "quotes.csv", [QUOTE_HEADER, row]))
    ticker, same = read(write(tmp_path / "deribit/book_ticker/2023/04/13/X.csv", [QUOTE_HEADER, row]))
    assert (quotes.kind, ticker.kind) == ("quotes", "book_ticker")
    assert events == same
    assert events == [
        Quote(
            ts_event=T0_US * 1000,
            ts_init=(T0_US + 9) * 1000,
            venue="deribit",
            symbol="BTC-PERPETUAL",
            bid=30000.5,
            bid_amount=7000,
            ask=30001,
            ask_amount=250,
        )
    ]


def test_a_derivative_ticker_is_read_with_its_absent_cells(tmp_path: Path) -> None:
    row = f"deribit,BTC-PERPETUAL,{T0_US},{T0_US},{T0_US + 60},-0.0001,,66128281,30000,30010.5,30001"
    (event,) = read(write(tmp_path / "x.csv", [TICKER_HEADER, row]))[1]
    assert isinstance(event, DerivativeTicker)
    assert (event.funding_rate, event.funding_ts, event.index_price) == (-0.0001, (T0_US + 60) * 1000, 30010.5)
    assert event.predicted_funding_rate != event.predicted_funding_rate


@pytest.mark.parametrize("depth", [1, 5, 25])
def test_a_book_of_any_depth_is_read_best_level_first(tmp_path: Path, depth: int) -> None:
    names = [f"{side}[{i}].{cell}" for i in range(depth) for side in ("asks", "bids") for cell in ("price", "amount")]
    cells = [str(n) for i in range(depth) for n in (100 + i, 1.5, 99 - i, 2)]
    header = "exchange,symbol,timestamp,local_timestamp," + ",".join(names)
    opened, (book,) = read(write(tmp_path / "b.csv", [header, f"x,Y,{T0_US},{T0_US}," + ",".join(cells)]))
    assert opened.kind == f"book_snapshot_{depth}"
    assert isinstance(book, BookSnapshot)
    assert book.bids == tuple((99.0 - i, 2.0) for i in range(depth))
    assert book.asks == tuple((100.0 + i, 1.5) for i in range(depth))


def test_empty_levels_of_a_book_are_left_out(tmp_path: Path) -> None:
    header = "exchange,symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount,bids[0].price,bids[0].amount"
    (book,) = read(write(tmp_path / "b.csv", [header, f"x,Y,{T0_US},{T0_US},,,99,1"]))[1]
    assert isinstance(book, BookSnapshot)
    assert (book.bids, book.asks) == (((99.0, 1.0),), ())


def test_messages_of_tardis_machine_are_known_by_their_first_line(tmp_path: Path) -> None:
    opened, events = read(write(tmp_path / "any.csv", [message("trade", 1), message("liquidation", 2)]))
    assert (opened.kind, opened.report.format) == ("normalized", "ndjson")
    assert [type(event) for event in events] == [Trade, Liquidation]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (f"{OPTION_HEADER}\n{option_row()}\n".encode(), "holds options_chain, not liquidations"),
        (b"PAR1\x00\x01\x02\x03", "is not text"),
        (b"\xff\xfe" + "exchange".encode("utf-16-le"), "is not text"),
        (b"date,open,close\n1,2,3\n", "names no columns of a known kind"),
        (b"exchange,symbol,timestamp,local_timestamp,id,side,amount\n", "has no column price"),
        (b"exchange,symbol,timestamp,local_timestamp,id\n", "has no column side, price, amount"),
        (b"exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n", "incremental book updates"),
        (b"exchange,symbol,timestamp,local_timestamp,side,price,amount,price\n", "two columns price"),
        (message("trade", 1).encode() + b"\n", "holds trade messages, not liquidations"),
        (b'{"localTimestamp":"2022-11-01T00:00:00.0000000Z","message":{}}\n', "use /replay-normalized"),
        (b'{"responseText":"","message":"HttpError: 401","url":"/"}', "error answer"),
        (b'{"a":1}\n', "no messages of tardis-machine"),
    ],
)
def test_what_is_not_liquidations_is_refused_with_one_sentence_that_says_what_it_is(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    path = tmp_path / "given.csv"
    path.write_bytes(content)
    with pytest.raises(InputError) as refusal:
        source(path, expect="liquidations")
    text = str(refusal.value)
    assert sentence in text
    assert str(path) in text
    assert ": " in text
    assert "\n" not in text


def test_an_options_file_without_a_column_it_needs_is_refused_by_name(tmp_path: Path) -> None:
    header = OPTION_HEADER.replace("ask_price", "offer").replace("expiration", "expiry")
    with pytest.raises(InputError, match=r"looks like options_chain but has no column expiration, ask_price"):
        source(write(tmp_path / "o.csv", [header, option_row()]))


def test_columns_that_options_can_do_without_are_absent_and_said_to_be(tmp_path: Path) -> None:
    header = OPTION_HEADER.replace("rho", "my_rho")
    opened, events = read(write(tmp_path / "o.csv", [header, option_row(rho=0.5)]))
    assert option_rows(events)[0][-2] is None
    assert opened.report.notes == ["no column rho: absent in every row"]


@pytest.mark.parametrize("name", ["missing.csv", ".", "a\0b"])
def test_a_path_that_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"does not exist|is a folder|is not a file name"):
        source(tmp_path / name)


def test_an_unknown_expectation_names_the_kinds(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the kinds are liquidations, trades, options"):
        source(write(tmp_path / "x.csv", [PRINT_HEADER]), expect="candles")


@pytest.mark.parametrize(
    "content", [b"", gzip.compress(b""), b"\n\n"], ids=["no byte", "gzip of nothing", "blank lines"]
)
def test_an_empty_file_means_no_data_for_that_day(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ftx_liquidations_2022-11-02_PERPETUALS.csv.gz"
    path.write_bytes(content)
    opened, events = read(path)
    assert (opened.kind, events, opened.report.rows, opened.report.incomplete) == ("liquidations", [], 0, "")
    assert opened.report.notes == ["the file is empty: no data"]


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(tmp_path: Path) -> None:
    lines = [PRINT_HEADER, print_row(1), print_row(2)]
    _, plain = read(write(tmp_path / "trades.csv", lines))
    _, other = read(write(tmp_path / "trades_2.csv", ["\ufeff" + lines[0], *lines[1:]], newline="\r\n"))
    assert plain == other


def test_the_digest_is_of_the_file_as_it_lies_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "trades.csv"
    path.write_bytes(b"")
    assert source(path).digest() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
