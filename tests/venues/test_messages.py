"""Files of tardis-machine's messages: exact times, gaps from disconnects, and a count of what is of no use."""

from __future__ import annotations

import contextlib
import math
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.model.events import BookSnapshot, ClockStep, Gap, Liquidation, OptionQuotes, Quote, StreamId, Trade
from aftershock.model.liquidations import Liquidated, PriceKind
from aftershock.model.units import iso_utc
from aftershock.venues.tardis.iso_time import parse_iso_ns
from tests.venues.files import message, read, write

NOON_NS = 1_667_260_800_000_000_000
"""2022-11-01T00:00:00Z."""
OPTION = {
    "symbol": "BTC-25NOV22-20000-P",
    "exchange": "deribit",
    "optionType": "put",
    "strikePrice": 20000,
    "expirationDate": "2022-11-25T08:00:00.000Z",
    "bestBidPrice": 0.0167,
    "markIV": 58.31,
    "underlyingIndex": "BTC-25NOV22",
}


def _s(seconds: float) -> int:
    return NOON_NS + round(seconds * 1e6) * 1000


@pytest.mark.parametrize(
    ("decimals", "ns"),
    [("", 0), (".5", 500_000_000), (".098", 98_000_000), (".098533", 98_533_000), (".0985337", 98_533_700)],
)
def test_times_of_any_number_of_decimals_are_exact(decimals: str, ns: int) -> None:
    assert parse_iso_ns(f"2022-11-01T00:00:05{decimals}Z") == NOON_NS + 5_000_000_000 + ns


@given(ns=st.integers(1, 2**63 - 1))
def test_a_time_written_with_nine_decimals_is_read_back_to_the_nanosecond(ns: int) -> None:
    assert parse_iso_ns(iso_utc(ns)) == ns


@given(moment=st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1)))  # noqa: DTZ001 - hypothesis wants them naive
def test_times_agree_with_the_calendar(moment: datetime) -> None:
    delta = moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    expected = (delta.days * 86_400 + delta.seconds) * 10**9 + delta.microseconds * 1000
    assert parse_iso_ns(f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}Z") == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2022-11-01",
        "2022-11-01T00:00:05",
        "2022-11-01 00:00:05Z",
        "2022-02-30T00:00:00Z",
        "2022-11-01T24:00:00Z",
        "2022-11-01T00:00:60Z",
        "2022-11-01T00:00:05+01:00",
        "1969-12-31T23:59:59Z",
        "2300-01-01T00:00:00Z",
        "\N{FULLWIDTH DIGIT TWO}022-11-01T00:00:05Z",
    ],
)
def test_what_is_no_utc_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no|out of range"):
        parse_iso_ns(text)


@given(text=st.text(alphabet="0123456789-:.TZ+ ", max_size=32))
def test_no_text_makes_the_time_parser_raise_anything_else(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert parse_iso_ns(text) > 0


def test_the_side_of_a_liquidation_says_whose_position_was_closed(tmp_path: Path) -> None:
    lines = [message("liquidation", i, side=side) for i, side in enumerate(["buy", "sell", "unknown"], 1)]
    events = [event for event in read(write(tmp_path / "m.ndjson", lines))[1] if isinstance(event, Liquidation)]
    assert [event.liquidated for event in events] == [Liquidated.SHORT, Liquidated.LONG, Liquidated.UNKNOWN]
    assert {event.price_kind for event in events} == {PriceKind.FILL}


def test_a_venue_that_prints_bankruptcy_prices_is_marked_so(tmp_path: Path) -> None:
    lines = [message("liquidation", 1, exchange="okex-swap", symbol="BTC-USDT-SWAP")]
    (event,) = read(write(tmp_path / "m.ndjson", lines))[1]
    assert isinstance(event, Liquidation)
    assert event.price_kind is PriceKind.BANKRUPTCY


@pytest.mark.parametrize(
    ("exchange", "symbol", "fraction"),
    [
        ("deribit", "BTC-25NOV22-20000-P", 0.5831),
        ("okex-options", "BTC-USD-221125-20000-P", 58.31),
        ("bybit-options", "BTC-25NOV22-20000-P", 58.31),
    ],
)
def test_volatility_is_percent_on_deribit_alone(tmp_path: Path, exchange: str, symbol: str, fraction: float) -> None:
    lines = [message("option_summary", 1, **(OPTION | {"exchange": exchange, "symbol": symbol}))]
    (batch,) = read(write(tmp_path / "m.ndjson", lines))[1]
    assert isinstance(batch, OptionQuotes)
    assert batch.columns["mark_iv"][0] == pytest.approx(fraction, rel=1e-15)
    assert math.isnan(batch.columns["ask"][0])
    assert batch.stream == StreamId(exchange, "option_quotes", "BTC")


def test_terms_of_options_whose_names_cannot_be_read_are_kept_beside_the_events(tmp_path: Path) -> None:
    lines = [
        message("option_summary", 1, **(OPTION | {"exchange": "bybit-options"})),
        message("option_summary", 2, **OPTION),
    ]
    opened, _ = read(write(tmp_path / "m.ndjson", lines))
    assert list(opened.option_terms) == [("bybit-options", "BTC-25NOV22-20000-P")]
    terms = opened.option_terms["bybit-options", "BTC-25NOV22-20000-P"]
    assert (terms.strike, terms.is_call, terms.expiry_ns) == (20000, False, parse_iso_ns("2022-11-25T08:00:00Z"))


def test_a_disconnect_becomes_a_gap_up_to_the_next_message_of_that_exchange(tmp_path: Path) -> None:
    lines = [
        message("trade", 1),
        message("trade", 2, exchange="deribit"),
        message("disconnect", 1),
        message("trade", 3, exchange="deribit"),
        message("trade", 9),
    ]
    _, events = read(write(tmp_path / "m.ndjson", lines))
    assert [type(event) for event in events] == [Trade, Trade, Trade, Gap, Trade]
    gap = events[3]
    assert isinstance(gap, Gap)
    assert gap.stream == StreamId("ftx", "", "")
    assert (gap.from_ts, gap.to_ts, gap.ts_init) == (_s(1), _s(9), _s(9))
    assert [event.ts_init for event in events] == sorted(event.ts_init for event in events)


def test_repeated_disconnects_are_one_gap_from_the_first(tmp_path: Path) -> None:
    lines = [
        message("trade", 1),
        message("disconnect", 1),
        message("disconnect", 2, symbols=["A"]),
        message("trade", 5),
    ]
    gaps = [event for event in read(write(tmp_path / "m.ndjson", lines))[1] if isinstance(event, Gap)]
    assert [(gap.from_ts, gap.to_ts) for gap in gaps] == [(_s(1), _s(5))]


def test_a_message_of_no_use_ends_a_gap_too(tmp_path: Path) -> None:
    lines = [message("trade", 1), message("disconnect", 1), message("book_change", 4), message("trade", 6)]
    opened, events = read(write(tmp_path / "m.ndjson", lines))
    assert [(type(event), event.ts_init) for event in events] == [(Trade, _s(1)), (Gap, _s(4)), (Trade, _s(6))]
    assert opened.report.unused == {"unused:book_change": 1}


def test_a_gap_at_the_end_of_the_file_is_told_at_its_last_moment(tmp_path: Path) -> None:
    lines = [message("trade", 1), message("trade", 7, exchange="deribit"), message("disconnect", 1)]
    (gap,) = (event for event in read(write(tmp_path / "m.ndjson", lines))[1] if isinstance(event, Gap))
    assert (gap.from_ts, gap.to_ts, gap.ts_init) == (_s(1), _s(7), _s(7))


def test_a_file_of_one_disconnect_is_one_gap(tmp_path: Path) -> None:
    (gap,) = read(write(tmp_path / "m.ndjson", [message("disconnect", 3)]))[1]
    assert isinstance(gap, Gap)
    assert (gap.from_ts, gap.to_ts) == (_s(3), _s(3))


def test_error_messages_are_counted_and_shown(tmp_path: Path) -> None:
    lines = [message("trade", 1), message("error", 2, details="getaddrinfo ENOTFOUND", subSequentErrorsCount=1)]
    opened, _ = read(write(tmp_path / "m.ndjson", lines))
    assert opened.report.errors == 1
    assert opened.report.notes == ["the recorder reported for ftx: getaddrinfo ENOTFOUND"]


def test_messages_of_no_use_are_counted_by_type(tmp_path: Path) -> None:
    lines = [message("trade", 1), message("book_change", 2), message("trade_bar", 3), message("trade_bar", 4)]
    opened, events = read(write(tmp_path / "m.ndjson", lines))
    assert len(events) == 1
    assert opened.report.rows == 4
    assert opened.report.unused == {"unused:book_change": 1, "unused:trade_bar": 2}


def test_many_unknown_types_do_not_fill_the_report(tmp_path: Path) -> None:
    lines = [message("trade", 1), *(message(f"kind_{i}", 2) for i in range(500))]
    opened, _ = read(write(tmp_path / "m.ndjson", lines))
    assert len(opened.report.unused) == 51
    assert sum(opened.report.unused.values()) == 500


def test_a_file_given_as_liquidations_gives_liquidations_and_gaps_only(tmp_path: Path) -> None:
    lines = [message("trade", 1), message("liquidation", 2), message("disconnect", 2), message("trade", 3)]
    opened, events = read(write(tmp_path / "m.ndjson", lines), expect="liquidations")
    assert [type(event) for event in events] == [Liquidation, Gap]
    assert opened.report.unused == {"unused:trade": 2}


def test_a_message_behind_steps_the_clock(tmp_path: Path) -> None:
    lines = [message("trade", 5), message("trade", 4), message("trade", 6)]
    opened, events = read(write(tmp_path / "m.ndjson", lines))
    steps = [event for event in events if isinstance(event, ClockStep)]
    assert [(step.ts_init, step.step_ns) for step in steps] == [(_s(5), 10**9)]
    assert opened.report.out_of_order == 1
    assert [event.ts_init for event in events if isinstance(event, Trade)] == [_s(5), _s(5), _s(6)]


def test_quotes_come_as_books_named_quote_and_their_empty_levels_are_absent(tmp_path: Path) -> None:
    levels = {"depth": 1, "interval": 0, "bids": [{"price": 20480, "amount": 2}], "asks": [{}]}
    lines = [
        message("book_snapshot", 1, name="quote", **levels),
        message("book_snapshot", 2, name="book_snapshot_1_100ms", **levels),
        message("book_ticker", 3, bidPrice=20480, bidAmount=2),
    ]
    quote, book, ticker = read(write(tmp_path / "m.ndjson", lines))[1]
    for event in (quote, ticker):
        assert isinstance(event, Quote)
        assert (event.bid, event.bid_amount) == (20480, 2)
        assert math.isnan(event.ask)
        assert math.isnan(event.ask_amount)
    assert isinstance(book, BookSnapshot)
    assert (book.bids, book.asks) == (((20480, 2),), ())


def test_option_messages_come_in_batches_between_the_others(tmp_path: Path) -> None:
    lines = [message("option_summary", i, **OPTION) for i in (1, 2, 3)]
    lines.insert(2, message("trade", 2.5))
    events = read(write(tmp_path / "m.ndjson", lines))[1]
    assert [len(event) if isinstance(event, OptionQuotes) else 0 for event in events] == [2, 0, 1]


def test_deeply_nested_json_is_a_broken_row_not_a_crash(tmp_path: Path) -> None:
    opened, events = read(write(tmp_path / "m.ndjson", [message("trade", 1), '{"type":' + "[" * 100_000]))
    assert len(events) == 1
    assert opened.report.dropped == {"not_json": 1}
