"""Backpack's recorded messages and markets: each decodes to what it says, and what is new is kept and not traded."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.model.events import DerivativeTicker, Liquidation, Quote, Trade
from aftershock.model.liquidations import Liquidated
from aftershock.venues.backpack.codec import Decoder
from aftershock.venues.backpack.markets import Market, MarketType, read_markets, typed_option
from aftershock.venues.connection.book import BookSync, BookUpdate, Delta, Outcome, Snapshot
from aftershock.venues.tardis.report import FileReport

NOW = 1_780_000_000_000_000_000
OPTION: dict[str, Any] = {
    "symbol": "BTC_USDC_261225_90000_C", "baseSymbol": "BTC", "quoteSymbol": "USDC", "marketType": "OPTION",
    "orderBookState": "Open", "strikePrice": "90000", "expiry": "2026-12-25T08:00:00Z", "optionType": "Call",
    "contractMultiplier": "0.01", "settlementAsset": "USDC",
}  # fmt: skip


def decoder() -> Decoder:
    return Decoder(FileReport(path="backpack", kind="native", format="live"))


def wire(shared_data: Path, name: str) -> Any:
    return json.loads((shared_data / "wire" / "backpack" / f"{name}.json").read_text(encoding="utf-8"))


def decoded(message: object) -> Any:
    (event,) = decoder().decode(json.dumps(message), NOW)
    return event


def test_recorded_messages_say_what_they_said(shared_data: Path) -> None:
    top, trade = decoded(wire(shared_data, "ws_bookTicker")), decoded(wire(shared_data, "ws_trade"))
    depth = decoded(wire(shared_data, "ws_depth_level_removed"))

    assert isinstance(top, Quote)
    assert (top.bid, top.bid_amount, top.ask, top.ask_amount) == (3667.49, 0.002, 3667.5, 0.4087)
    assert top.ts_event == 1_754_517_402_449_064_000
    assert isinstance(trade, Trade)
    assert (trade.price, trade.amount, trade.side, trade.trade_id) == (3870.25, 0.0008, "buy", "10782547")
    assert isinstance(depth, BookUpdate)
    assert depth.update == Delta(1_662_976_171, 1_662_976_171, ((117_357.0, 0.0),), ())


def test_every_recorded_message_decodes_or_is_counted(shared_data: Path) -> None:
    reader = decoder()
    names = sorted(path.stem for path in (shared_data / "wire" / "backpack").glob("ws_*.json"))
    for name in names:
        reader.decode(json.dumps(wire(shared_data, name)), NOW)
    assert reader.report.rows == len(names)
    assert not reader.report.dropped, reader.report.examples
    assert reader.errors == [(4006, "Invalid stream")]


def test_a_liquidation_s_side_is_unknown_until_it_is_proved() -> None:
    data = {"e": "liquidation", "E": 1_754_517_402_450_016, "q": "0.5", "p": "90000", "S": "Ask", "s": "BTC_USDC_PERP",
            "T": 1_754_517_402_449_064}  # fmt: skip

    event = decoded({"stream": "liquidation", "data": data})

    assert isinstance(event, Liquidation)
    assert event.liquidated is Liquidated.UNKNOWN


def test_a_prediction_market_has_a_mark_and_no_index() -> None:
    event = decoded({"stream": "markPrice.X", "data": {"s": "X", "E": 1_754_517_402_450_016, "p": "0.12"}})

    assert isinstance(event, DerivativeTicker)
    assert event.mark_price == 0.12
    assert math.isnan(event.index_price)


@pytest.mark.parametrize(
    ("change", "side"), [({"m": True}, "sell"), ({"m": False}, "buy"), ({}, "unknown"), ({"m": None}, "unknown")]
)
def test_a_trade_without_a_maker_s_side_has_no_side(change: dict[str, Any], side: str) -> None:
    data = {"s": "X", "E": 1_694_687_965_941_000, "p": "18.70", "q": "1", "t": 1} | change
    assert decoded({"stream": "trade.X", "data": data}).side == side


def test_the_next_funding_is_in_milliseconds_as_the_official_document_has_it() -> None:
    data = {"e": "markPrice", "E": 1_694_687_965_941_000, "s": "SOL_USDC", "p": "18.70", "f": "1.70", "i": "19.70",
            "n": 1_694_687_965_941, "T": 1_694_687_965_940_999}  # fmt: skip

    event = decoded({"stream": "markPrice.SOL_USDC", "data": data})

    assert isinstance(event, DerivativeTicker)
    assert event.funding_ts == 1_694_687_965_941_000_000


@pytest.mark.parametrize("when", [0, -1, 1_694_687_965_941_000, 1_694_687_965, 2**63])
def test_a_next_funding_that_can_be_no_such_time_is_left_out_and_said(when: int) -> None:
    reader = decoder()
    data = {"s": "X", "E": 1_694_687_965_941_000, "p": "18.70", "n": when}
    (event,) = reader.decode(json.dumps({"stream": "markPrice.X", "data": data}), NOW)

    assert isinstance(event, DerivativeTicker)
    assert (event.mark_price, event.funding_ts) == (18.7, 0)
    assert any("next funding" in note for note in reader.report.notes)


def test_a_book_is_dropped_where_a_change_does_not_follow_the_one_before() -> None:
    """The venue's rule: U is the previous u plus one, or the book is asked for anew."""

    def change(first: int, last: int) -> Delta:
        data = {"s": "X", "E": 1_754_517_402_450_016, "U": first, "u": last, "a": [["101", "1"]], "b": []}
        update = decoded({"stream": "depth.X", "data": data}).update
        assert isinstance(update, Delta)
        return update

    book = BookSync()
    book.snapshot(Snapshot(10, ((99.0, 1.0),), ((101.0, 2.0),)))
    assert book.delta(change(9, 11)) is Outcome.APPLIED
    assert book.delta(change(12, 12)) is Outcome.APPLIED
    assert book.delta(change(14, 15)) is Outcome.GAP
    assert not book.whole


def test_recorded_markets_are_read_though_the_official_document_forbids_their_nulls(shared_data: Path) -> None:
    markets, broken = read_markets(wire(shared_data, "rest_markets_2026-09-13_subset"))

    assert broken == 0
    assert {market.type for market in markets} >= {MarketType.SPOT, MarketType.PERP}
    assert all(market.tradable for market in markets if market.order_book_state == "Open" and market.visible)


def test_a_type_that_nobody_knows_is_kept_and_not_traded() -> None:
    (market,), _ = read_markets([{**OPTION, "marketType": "MONAD"}])

    assert market.type is MarketType.UNKNOWN
    assert market.market_type == "MONAD"
    assert not market.tradable


def test_an_option_is_one_only_by_typed_fields_and_never_by_its_name() -> None:
    (whole,), _ = read_markets([OPTION])
    terms = typed_option(whole)

    assert terms is not None
    assert (terms.strike, terms.is_call, terms.multiplier, terms.settlement_asset) == (90_000.0, True, 0.01, "USDC")
    assert terms.expiry_ns == 1_798_185_600_000_000_000
    for name in ("strikePrice", "expiry", "optionType", "contractMultiplier", "settlementAsset"):
        (market,), _ = read_markets([{key: value for key, value in OPTION.items() if key != name}])
        assert typed_option(market) is None, name
        assert not market.tradable


def test_a_row_that_is_no_market_is_counted() -> None:
    markets, broken = read_markets([OPTION, {"symbol": 3}, None])

    assert [type(market) for market in markets] == [Market]
    assert broken == 2


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_nothing_that_comes_raises(text: str | bytes) -> None:
    assert decoder().decode(text, NOW) == []


@pytest.mark.parametrize("stream", ["bookTicker", "trade", "depth", "markPrice", "liquidation"])
@given(
    data=st.fixed_dictionaries(
        {"s": st.text(max_size=5)},
        optional={
            name: st.none() | st.text(max_size=5) | st.integers() | st.lists(st.lists(st.text(max_size=3), max_size=3))
            for name in ("E", "T", "U", "u", "a", "A", "b", "B", "p", "q", "t", "m", "f", "i", "n")
        },
    )
)
def test_no_data_of_any_stream_raises(stream: str, data: dict[str, object]) -> None:
    reader = decoder()
    reader.decode(json.dumps({"stream": f"{stream}.X", "data": data}), NOW)
    assert reader.report.rows == 1
