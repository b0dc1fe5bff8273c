"""Deribit's messages become the events that Tardis' normalizers make of them, and every sample decodes."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.model.events import DerivativeTicker, Liquidation, Quote, Trade
from aftershock.model.liquidations import Liquidated
from aftershock.model.table import InstrumentTable
from aftershock.venues.connection.book import BookUpdate, Delta, Snapshot
from aftershock.venues.deribit.codec import Decoded, Decoder
from aftershock.venues.tardis.codec import OptionRow
from aftershock.venues.tardis.report import FileReport
from tests.peers.printed import WHOSE, nanoseconds

ORDER = (
    *("bestBidPrice", "bestBidAmount", "bestBidIV", "bestAskPrice", "bestAskAmount", "bestAskIV", "lastPrice"),
    *("openInterest", "markPrice", "markIV", "underlyingPrice", "delta", "gamma", "vega", "theta", "rho"),
)
NOW = 1_780_000_000_000_000_000


def decoder() -> Decoder:
    return Decoder(InstrumentTable(), FileReport(path="deribit", kind="native", format="live"))


def decoded(message: object) -> list[Decoded]:
    return decoder().decode(json.dumps(message), NOW)


def facts(event: Decoded) -> dict[str, Any]:
    """Return what an event says in the words of a normalized message, clocks of ours apart."""
    if isinstance(event, Trade | Liquidation):
        trade = isinstance(event, Trade)
        return {
            "type": "trade" if trade else "liquidation",
            "symbol": event.symbol,
            "id": event.trade_id if isinstance(event, Trade) else event.liquidation_id,
            "price": event.price,
            "amount": event.amount,
            "side": event.side if isinstance(event, Trade) else WHOSE[event.liquidated],
            "ts": event.ts_event,
        }
    if isinstance(event, Quote):
        cells = {
            "bidPrice": event.bid,
            "bidAmount": event.bid_amount,
            "askPrice": event.ask,
            "askAmount": event.ask_amount,
        }
        return {"type": "book_ticker", "symbol": event.symbol, "ts": event.ts_event, **_present(cells)}
    if isinstance(event, DerivativeTicker):
        cells = {
            "lastPrice": event.last_price, "indexPrice": event.index_price, "markPrice": event.mark_price,
            "openInterest": event.open_interest, "fundingRate": event.funding_rate,
        }  # fmt: skip
        return {"type": "derivative_ticker", "symbol": event.symbol, "ts": event.ts_event, **_present(cells)}
    if isinstance(event, OptionRow):
        cells = dict(zip(ORDER, event.values, strict=True))
        return {"type": "option_summary", "symbol": event.symbol, "ts": event.ts_event,
                "underlyingIndex": event.underlying_index, **_present(cells)}  # fmt: skip
    assert isinstance(event, BookUpdate)
    return {"type": "book_change", "symbol": event.symbol, "ts": event.ts_event}


def _present(cells: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in cells.items() if not math.isnan(value)}


def printed(said: dict[str, Any]) -> dict[str, Any]:
    """Return the same of a message that a normalizer printed."""
    left_out = {"exchange", "localTimestamp", "timestamp", "optionType", "strikePrice", "expirationDate", "name"}
    found = {k: v for k, v in said.items() if k not in left_out} | {"ts": nanoseconds(said["timestamp"])}
    found = {k: v * 0.01 if k.endswith("IV") else v for k, v in found.items()}
    return {k: v for k, v in found.items() if k not in {"isSnapshot", "bids", "asks"}}


def test_every_recorded_pair_decodes_to_what_tardis_makes_of_it(shared_data: Path) -> None:
    lines = (shared_data / "tardis-normalization-pairs" / "pairs.jsonl").read_text(encoding="utf-8").splitlines()
    pairs = [pair for pair in map(json.loads, lines) if pair["venue"] == "deribit"]
    seen: Counter[str] = Counter()
    for pair in pairs:
        ours = [facts(event) for event in decoded(pair["message"])]
        for said in pair["normalized"]:
            if said["type"] == "book_ticker" and any(each["type"] == "option_summary" for each in ours):
                continue  # a row of a chain holds the quote
            match = [each for each in ours if each["type"] == said["type"] and each["symbol"] == said["symbol"]
                     and each.get("id") == said.get("id")]  # fmt: skip
            assert len(match) == 1, said
            assert match[0] == pytest.approx(printed(said)), said
            seen[said["type"]] += 1
    assert len(pairs) == 18
    assert set(seen) == {"trade", "liquidation", "option_summary", "derivative_ticker", "book_ticker", "book_change"}


def test_every_sample_of_the_wire_decodes_or_is_counted(shared_data: Path) -> None:
    reader = decoder()
    for path in sorted((shared_data / "wire" / "deribit").glob("*ws_*.json")):
        message = json.loads(path.read_text(encoding="utf-8"))
        if "method" in message or "result" in message or "error" in message:
            reader.decode(json.dumps(message), NOW)
    assert reader.report.rows > 10
    assert not reader.report.dropped, reader.report.examples


@pytest.mark.parametrize(
    ("flag", "direction", "liquidated"),
    [
        ("T", "sell", Liquidated.LONG),
        ("T", "buy", Liquidated.SHORT),
        ("M", "sell", Liquidated.SHORT),
        ("M", "buy", Liquidated.LONG),
        ("MT", "buy", Liquidated.LONG),
        ("X", "buy", Liquidated.UNKNOWN),
    ],
)
def test_who_was_liquidated_follows_from_the_flag_and_the_taker_s_side(
    flag: str, direction: str, liquidated: Liquidated
) -> None:
    trade = {"instrument_name": "BTC-PERPETUAL", "timestamp": 1_780_000_000_000, "trade_id": "7", "price": 90_000.0,
             "amount": 10.0, "direction": direction, "liquidation": flag}  # fmt: skip

    events = decoded({"method": "subscription", "params": {"channel": "trades.BTC-PERPETUAL.raw", "data": [trade]}})

    assert [event.liquidated for event in events if isinstance(event, Liquidation)] == [liquidated]
    assert sum(isinstance(event, Trade) for event in events) == 1


def test_marks_of_a_whole_chain_are_fractions_where_tickers_are_percent() -> None:
    rows = [{"instrument_name": "BTC-4JUN21-40500-P", "timestamp": 1, "mark_price": 0.117, "iv": 0.9}]
    ticker = {"instrument_name": "BTC-4JUN21-40500-P", "timestamp": 1, "mark_iv": 90.0}

    (mark,) = decoded({"method": "subscription", "params": {"channel": "markprice.options.btc_usd", "data": rows}})
    (row,) = decoded(
        {"method": "subscription", "params": {"channel": "ticker.BTC-4JUN21-40500-P.100ms", "data": ticker}}
    )

    assert isinstance(mark, OptionRow)
    assert isinstance(row, OptionRow)
    assert mark.values[9] == row.values[9] == 0.9


def test_a_mark_that_is_absent_takes_the_marks_of_no_other_option_away() -> None:
    rows = [{"instrument_name": "BTC-4JUN21-40500-P", "timestamp": 1, "mark_price": None, "iv": None},
            {"instrument_name": "BTC-4JUN21-40500-C", "timestamp": 1, "mark_price": 0.1, "iv": 0.9}]  # fmt: skip

    absent, mark = decoded({"method": "subscription", "params": {"channel": "markprice.options.btc_usd", "data": rows}})

    assert isinstance(absent, OptionRow)
    assert isinstance(mark, OptionRow)
    assert math.isnan(absent.values[9])
    assert mark.values[9] == 0.9


def test_books_become_snapshots_and_deltas_that_name_their_predecessor() -> None:
    def book(**more: object) -> Decoded:
        data = {"instrument_name": "BTC-PERPETUAL", "timestamp": 1, "change_id": 9, "bids": [["new", 1.0, 2.0]],
                "asks": [["delete", 3.0, 0.0]], **more}  # fmt: skip
        (found,) = decoded({"method": "subscription", "params": {"channel": "book.BTC-PERPETUAL.raw", "data": data}})
        return found

    snapshot, delta = book(type="snapshot"), book(prev_change_id=8, type="change")
    assert isinstance(snapshot, BookUpdate)
    assert isinstance(delta, BookUpdate)
    assert isinstance(snapshot.update, Snapshot)
    assert delta.update == Delta(9, 9, ((1.0, 2.0),), ((3.0, 0.0),))


def test_a_heartbeat_that_wants_an_answer_is_noticed_and_an_error_is_counted_by_its_code() -> None:
    reader = decoder()
    reader.decode('{"method":"heartbeat","params":{"type":"test_request"}}', NOW)
    reader.decode('{"id":3,"error":{"code":10028,"message":"too_many_requests"}}', NOW)

    assert reader.unanswered == 1
    assert reader.report.unused == {"unused:error 10028": 1}


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_nothing_that_comes_raises(text: str | bytes) -> None:
    assert decoder().decode(text, NOW) == []


@given(
    st.sampled_from(["ticker", "quote", "trades", "book", "markprice", "deribit_price_index", "unknown"]),
    st.recursive(
        st.none() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    ),
)
def test_no_data_of_any_channel_raises(channel: str, data: object) -> None:
    reader = decoder()
    message = {"method": "subscription", "params": {"channel": f"{channel}.X.raw", "data": data}}
    reader.decode(json.dumps(message), NOW)
    assert reader.report.rows == 1


def test_changes_of_a_ticker_take_nothing_away_that_they_do_not_name() -> None:
    reader = decoder()

    def say(kind: str, **data: object) -> list[Decoded]:
        said = {"type": kind, "instrument_name": "BTC-4JUN21-40500-P", "timestamp": 1, **data}
        params = {"channel": "incremental_ticker.BTC-4JUN21-40500-P", "data": said}
        return reader.decode(json.dumps({"method": "subscription", "params": params}), NOW)

    assert say("change", mark_iv=80.0) == [], "a change of what nobody knows"
    assert reader.report.unused == {"unused:change of an unknown ticker": 1}
    say("snapshot", best_bid_price=0.1, best_ask_price=0.2, mark_iv=90.0, greeks={"delta": -0.5, "vega": 3.0})
    (row,) = say("change", mark_iv=80.0, greeks={"vega": 4.0})
    assert isinstance(row, OptionRow)
    known = dict(zip(ORDER, row.values, strict=True))
    assert (known["bestBidPrice"], known["bestAskPrice"]) == (0.1, 0.2)
    assert (known["markIV"], known["delta"], known["vega"]) == (0.8, -0.5, 4.0)

    (row,) = say("change", best_bid_price=None)
    assert isinstance(row, OptionRow)
    assert math.isnan(row.values[0]), "a null is news"
    (row,) = say("snapshot", mark_iv=70.0)
    assert isinstance(row, OptionRow)
    assert math.isnan(row.values[3]), "a whole ticker is the whole of it"

    reader.lost()
    assert say("change", mark_iv=80.0) == [], "a change was perhaps missed"
