"""One row of an option out of what several channels say: never an older price, never one from before a loss."""

from __future__ import annotations

import math

from tests.deribit.said import CALL, OTHER, PUT, adapter, cells, mark, quote, say, ticker


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
