"""One row of an option out of what several channels say: never an older price, never one from before a loss."""

from __future__ import annotations

import math

import pytest

from aftershock.model.events import DerivativeTicker, Gap, Quote, StreamId
from aftershock.venues.connection.inbox import Frame, Item, Lost, Opened, Skipped, Tick
from aftershock.venues.connection.packed import OptionRow
from aftershock.venues.connection.venue_decoder import VenueDecoder
from aftershock.venues.connection.venue_plan import VenueLink, VenuePlan
from tests.connection.toy_venue import Asked
from tests.deribit.said import CALL, MS, NOW_MS, OTHER, PERPETUAL, PUT, adapter, cells, mark, quote, say, ticker, told

S = 1_000_000_000
T0 = NOW_MS * MS


def test_a_mark_after_a_loss_does_not_repeat_the_quote_from_before_it() -> None:
    reader, _ = adapter()
    say(reader, quote(CALL, 0.049, 0.051))
    (before,) = say(reader, mark(CALL, ms=100))
    assert (cells(before)["bid"], cells(before)["ask"]) == (0.049, 0.051)

    reader.lost(0)
    (after,) = say(reader, mark(CALL, ms=5_000))
    assert all(math.isnan(cells(after)[name]) for name in ("bid", "bid_amount", "ask", "ask_amount"))
    assert cells(after)["mark_iv"] == 0.5

    say(reader, quote(CALL, 0.039, 0.041, ms=6_000))
    (again,) = say(reader, mark(CALL, ms=7_000))
    assert (cells(again)["bid"], cells(again)["ask"]) == (0.039, 0.041)


@pytest.mark.parametrize(
    "loss",
    [
        Lost(T0, T0 + S, "gone"),
        Skipped(T0, T0 + S, 9, "frames came faster than they were used", overflow=True),
        Frame("<html>", T0 + S),
        Frame(told(f"quote.{CALL}", {"instrument_name": CALL, "timestamp": "soon"}), T0 + S),
        Tick(T0 + 60 * S),
    ],
)
def test_whatever_is_lost_the_first_row_after_it_confirms_no_quote_from_before(loss: Item) -> None:
    reader, report = adapter()
    options = StreamId("deribit", "option_quotes", "BTC")
    link = VenueLink(url="ws://127.0.0.1:9", who="Deribit", streams=(options,))
    decoder = VenueDecoder(VenuePlan(venue="deribit", adapter=reader, links=(link,)), report, Asked(), stale_after_s=15)
    decoder.item(0, Opened(T0, 1))
    decoder.item(0, Frame(quote(CALL, 0.049, 0.051), T0))

    told_of_it = [*decoder.item(0, loss), *decoder.item(0, Frame(mark(CALL, ms=61_000), T0 + 61 * S))]
    assert any(isinstance(each, Gap) for each in told_of_it)
    assert isinstance(told_of_it[-1], OptionRow)
    assert math.isnan(cells(told_of_it[-1])["bid"])


def test_a_price_of_the_underlying_from_before_a_loss_is_not_told_as_one_of_now() -> None:
    reader, _ = adapter()
    say(reader, ticker(CALL, 0.049, 0.051))
    reader.lost(0)

    (after,) = say(reader, mark(CALL, ms=5_000))
    assert math.isnan(cells(after)["underlying_price"])
    assert math.isnan(cells(after)["bid_iv"])


def test_the_loss_of_another_connection_takes_no_quotes_of_this_one() -> None:
    reader, _ = adapter()
    say(reader, quote(CALL, 0.049, 0.051), link=0)
    say(reader, quote(PUT, 0.029, 0.031), link=1)
    reader.lost(1)

    kept, gone = say(reader, mark(CALL, PUT, ms=100), link=0)
    assert cells(kept)["bid"] == 0.049
    assert math.isnan(cells(gone)["bid"])


def test_all_options_of_an_expiry_have_the_price_of_its_underlying_as_last_told() -> None:
    reader, _ = adapter()
    say(reader, quote(PUT, 0.029, 0.031))
    say(reader, quote(OTHER, 0.1, 0.2))
    say(reader, ticker(CALL, 0.049, 0.051, underlying_price=91_000.0))
    say(reader, ticker(CALL, 0.049, 0.051, ms=50, underlying_price=88_000.0))

    put, other = say(reader, mark(PUT, OTHER, ms=100))
    assert cells(put)["underlying_price"] == 88_000.0
    assert put.underlying_index == "SYN.BTC-26JUN26"  # type: ignore[attr-defined]
    assert math.isnan(cells(other)["underlying_price"]), "another expiry has another underlying"


def test_a_ticker_that_comes_late_takes_no_newer_quote_of_an_option_away() -> None:
    reader, report = adapter()
    say(reader, quote(CALL, 0.040, 0.042, ms=100))
    (late,) = say(reader, ticker(CALL, 0.049, 0.042, ms=50))

    assert (cells(late)["bid"], cells(late)["bid_amount"], cells(late)["ask"]) == (0.040, 1.0, 0.042)
    assert math.isnan(cells(late)["bid_iv"]), "a volatility of the older price"
    assert cells(late)["ask_iv"] == 0.51, "that price has not changed"
    assert cells(late)["underlying_price"] == 91_000.0
    assert report.unused == {"unused:older quote": 1}

    assert say(reader, quote(CALL, 0.1, 0.2, ms=99)) == []
    assert report.unused == {"unused:older quote": 2}
    assert report.dropped == {}


def test_a_new_price_takes_the_volatility_of_the_old_one_away() -> None:
    reader, _ = adapter()
    (whole,) = say(reader, ticker(CALL, 0.049, 0.051))
    assert (cells(whole)["bid_iv"], cells(whole)["ask_iv"]) == (0.49, 0.51)
    (moved,) = say(reader, quote(CALL, 0.048, 0.051, ms=10))
    assert math.isnan(cells(moved)["bid_iv"])
    assert cells(moved)["ask_iv"] == 0.51


def test_a_ticker_that_comes_late_takes_no_newer_quote_of_a_perpetual_away() -> None:
    reader, report = adapter()
    assert [type(each) for each in say(reader, quote(PERPETUAL, 90_000.0, 90_000.5, ms=100))] == [Quote]
    found = say(reader, ticker(PERPETUAL, 89_000.0, 89_000.5, ms=50))
    assert [type(each) for each in found] == [DerivativeTicker]
    assert report.unused == {"unused:older quote": 1}
    assert [type(each) for each in say(reader, ticker(PERPETUAL, 90_001.0, 90_001.5, ms=150))] == [
        *(DerivativeTicker, Quote),
    ]


def test_an_older_mark_takes_no_newer_one_away() -> None:
    reader, _ = adapter()
    say(reader, quote(CALL, 0.040, 0.042))
    say(reader, mark(CALL, ms=100, iv=0.7))
    (late,) = say(reader, ticker(CALL, 0.040, 0.042, ms=50))
    assert cells(late)["mark_iv"] == 0.7
    assert say(reader, mark(CALL, ms=90, iv=0.4)) == []


def test_one_quote_from_the_future_holds_back_a_second_of_quotes_and_no_more() -> None:
    reader, _ = adapter()
    say(reader, quote(CALL, 0.040, 0.042, ms=10**9))
    assert say(reader, quote(CALL, 0.041, 0.042, ms=1_001))
