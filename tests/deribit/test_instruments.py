"""Lists and summaries are read row by row: what is odd is left out with its reason, and the rest stands."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.errors import UnreachableError
from aftershock.model.instruments import Kind
from aftershock.venues.deribit.instruments import read_instruments
from aftershock.venues.deribit.summary import read_summaries
from tests.connection.test_recorded_frames import captured

OPTION: dict[str, Any] = {
    "instrument_name": "BTC-26JUN26-90000-C", "kind": "option", "instrument_type": "reversed", "base_currency": "BTC",
    "quote_currency": "BTC", "counter_currency": "USD", "settlement_currency": "BTC", "settlement_period": "month",
    "price_index": "btc_usd", "expiration_timestamp": 1_782_460_800_000, "strike": 90_000.0, "option_type": "call",
    "tick_size": 0.0001, "min_trade_amount": 0.1, "contract_size": 1.0, "taker_commission": 0.0003,
    "maker_commission": 0.0003, "is_active": True, "state": "open",
}  # fmt: skip
GOOD = OPTION | {"instrument_name": "BTC-26JUN26-80000-C", "strike": 80_000.0}
SUMMARY = {"instrument_name": "BTC-26JUN26-90000-C", "creation_timestamp": 1_780_000_000_000, "bid_price": 0.1,
           "ask_price": 0.2, "mark_iv": 50.0}  # fmt: skip


def without(*fields: str) -> dict[str, Any]:
    return {name: value for name, value in OPTION.items() if name not in fields}


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (OPTION | {"kind": "option_combo"}, "kind option_combo"),
        (OPTION | {"kind": None}, "unreadable (Expected `str`, got `null` - at `$.kind`)"),
        (OPTION | {"state": None, "is_active": None}, "without a state"),
        (OPTION | {"state": "halted"}, "not open"),
        (OPTION | {"expiration_timestamp": 10**17}, "without an expiry"),
        (OPTION | {"expiration_timestamp": None}, "without an expiry"),
        (OPTION | {"strike": -1.0}, "a number that can't be one"),
        (OPTION | {"tick_size": -0.1}, "a number that can't be one"),
        (OPTION | {"strike": None}, "without strike or type"),
        (OPTION | {"instrument_name": "\x1b[31m"}, "without a name"),
        (OPTION | {"settlement_currency": "USDC"}, "settlement unclear"),
        (without("instrument_type", "settlement_currency", "quote_currency"), "settlement unclear"),
        (GOOD, "listed twice"),
        ("BTC", "unreadable (Expected `object`, got `str`)"),
    ],
)
def test_an_odd_instrument_is_left_out_with_its_reason_and_the_others_stand(odd: object, why: str) -> None:
    listed = read_instruments([GOOD, odd], "BTC")

    assert [each.symbol for each in listed.terms.instruments] == ["BTC-26JUN26-80000-C"]
    assert listed.left_out == {why: 1}


@pytest.mark.parametrize(
    ("fields", "inverse"),
    [
        ({"instrument_type": None}, True),
        ({"instrument_type": None, "settlement_currency": None}, True),
        ({"instrument_type": None, "settlement_currency": "USDC", "quote_currency": "USDC"}, False),
        ({"instrument_type": "linear", "settlement_currency": None, "quote_currency": "USDC"}, False),
        ({"instrument_type": None, "future_type": "linear", "settlement_currency": None, "quote_currency": None},
         False),
        ({"state": None}, True),
        ({"is_active": None}, True),
        ({"counter_currency": None}, True),
        ({"price_index": None}, True),
    ],
)  # fmt: skip
def test_what_one_field_does_not_say_is_taken_from_others(fields: dict[str, Any], inverse: bool) -> None:
    listed = read_instruments([OPTION | fields], "BTC")

    (option,) = listed.terms.instruments
    assert option.inverse is inverse
    assert option.quote in ("USD", "USDC")
    assert listed.left_out == {}


def test_what_is_no_list_at_all_is_said() -> None:
    with pytest.raises(UnreachableError, match="no list of instruments"):
        read_instruments({"a": 1}, "BTC")
    with pytest.raises(UnreachableError, match="no summary of a chain"):
        read_summaries("x", 1)


def test_an_odd_row_of_a_summary_is_left_out_and_a_price_of_zero_is_nobody() -> None:
    odd = [{**SUMMARY, "creation_timestamp": 10**17}, {**SUMMARY, "bid_price": "x"}, {**SUMMARY, "bid_price": 0.0}, 7]
    rows, left_out = read_summaries([SUMMARY, *odd], 5)

    whole, empty = rows
    assert (whole.values[0], whole.values[3], whole.values[9]) == (0.1, 0.2, 0.5)
    assert math.isnan(empty.values[0])
    assert empty.values[3] == 0.2
    assert sum(left_out.values()) == 3
    assert "summary unreadable (Expected `float | null`, got `str` - at `$.bid_price`)" in left_out


def test_a_recorded_list_of_2021_is_whole_though_it_has_fewer_fields(shared_data: Path) -> None:
    lines = captured(shared_data / "wire-captures-cryptofeed", "DERIBIT", kind="http")
    rows = [row for line in lines for row in json.loads(line)["result"] if row["base_currency"] == "BTC"]
    listed = read_instruments(rows, "BTC")
    options = [each for each in listed.terms.instruments if each.kind is Kind.OPTION]

    assert len(options) > 100
    assert all(each.inverse for each in options)
    assert listed.left_out == {"settlement unclear": 8}, "futures, whose settlement no field told then"


_ANY: st.SearchStrategy[object] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.just([]) | st.just({})
)


@given(st.sampled_from(sorted(OPTION)), _ANY)
def test_no_value_of_any_field_refuses_the_list_or_breaks_it(field: str, value: object) -> None:
    listed = read_instruments([GOOD, OPTION | {field: value}], "BTC")
    assert listed.terms.instruments[0].symbol == "BTC-26JUN26-80000-C"
    rows, _ = read_summaries([SUMMARY, SUMMARY | {"creation_timestamp": value}], 1)
    assert rows
