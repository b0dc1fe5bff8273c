"""Messages on our own orders: what can't be counted is a gap of the account, never an event with a guess in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aftershock.model.events import Gap, OrderUpdate, StreamId
from aftershock.model.orders import Fill, Side
from aftershock.venues.backpack.adapter import BackpackAdapter
from aftershock.venues.connection.book import BookUpdate
from aftershock.venues.connection.venue_plan import Decoded, Refused
from aftershock.venues.tardis.live_report import LiveReport

NOW = 1_780_000_000_000_000_000
OPTION, PERP = "BTC_USDC_261225_90000_C", "BTC_USDC_PERP"
ACCOUNT = StreamId("backpack", "account", "")
FILL: dict[str, Any] = {
    "e": "orderFill", "E": 1_754_939_110_175_879, "T": 1_754_939_110_174_705, "s": OPTION, "i": "77", "c": 5,
    "S": "Ask", "l": "3", "L": "1200.5", "n": "0.75", "N": "USDC", "t": 2_888_471, "O": "USER",
}  # fmt: skip


async def no_book(symbol: str) -> BookUpdate:
    raise AssertionError(symbol)


def adapter() -> tuple[BackpackAdapter, LiveReport]:
    report = LiveReport(path="Backpack", kind="native", format="live")
    contracts = {OPTION: 0.01, PERP: 1.0}
    return BackpackAdapter(report, {}, no_book, contracts=contracts, name_of=lambda number: f"intent/{number}"), report


def told(adapter: BackpackAdapter, data: object, stream: str = "account.orderUpdate") -> list[Decoded]:
    return list(adapter.decode(0, json.dumps({"data": data, "stream": stream}), NOW))


def test_a_fill_is_counted_in_coins_of_its_contract() -> None:
    reader, report = adapter()
    (option,) = told(reader, FILL)
    (perp,) = told(reader, FILL | {"s": PERP, "S": "Bid"})

    assert isinstance(option, Fill)
    assert (option.client_id, option.trade_id, option.side) == ("intent/5", "2888471", Side.SELL)
    assert (option.quantity, option.price, option.fee) == (0.03, 1200.5, 0.75)
    assert isinstance(perp, Fill)
    assert (perp.quantity, perp.side) == (3.0, Side.BUY)
    assert report.dropped == {}


@pytest.mark.parametrize(
    "change",
    [
        {"s": "DOGE_USDC_PERP"}, {"s": "kPEPE_USDC_PERP"}, {"s": "BTC_USDC_\x1b[31m"}, {"l": None}, {"L": None},
        {"l": "nan"}, {"L": "inf"}, {"l": "0"}, {"L": "-1"}, {"l": "x"}, {"S": "Buy"}, {"S": None}, {"t": None},
        {"T": None}, {"T": 0}, {"T": 2**60}, {"l": 3},
    ],
)  # fmt: skip
def test_a_fill_that_can_t_be_counted_is_a_gap_of_the_account_and_counted(change: dict[str, Any]) -> None:
    reader, report = adapter()
    (gap,) = told(reader, FILL | change)

    assert isinstance(gap, Gap)
    assert (gap.stream, gap.from_ts, gap.to_ts) == (ACCOUNT, NOW, NOW)
    assert gap.detail.isprintable()
    assert report.rows_dropped == report.rows == 1


def test_a_first_trade_of_number_zero_has_an_id() -> None:
    reader, _ = adapter()
    (fill,) = told(reader, FILL | {"t": 0})
    assert isinstance(fill, Fill)
    assert fill.trade_id == "0"


def test_a_market_with_a_long_name_hides_no_fill() -> None:
    reader, _ = adapter()
    (fill,) = told(reader, FILL, f"account.orderUpdate.{'WILLTHISHAPPENBEFORETHEENDOFTHEYEAR' * 3}_USDC_PREDICTION")
    assert isinstance(fill, Fill)


@pytest.mark.parametrize("change", [{"n": None}, {"n": "x"}, {"n": "nan"}, {"N": "ETH"}, {"N": None}])
def test_a_fee_that_is_not_said_in_dollars_is_absent_and_the_fill_stands(change: dict[str, Any]) -> None:
    reader, _ = adapter()
    (fill,) = told(reader, FILL | change)
    assert isinstance(fill, Fill)
    assert fill.fee != fill.fee


def test_an_end_of_an_order_is_told_and_a_message_of_no_order_is_a_gap() -> None:
    reader, report = adapter()
    (update,) = told(reader, {"e": "orderCancelled", "T": 1_754_939_110_174_705, "s": "DOGE", "i": "7", "c": 5})
    (gap,) = told(reader, {"e": "orderCancelled"})

    assert isinstance(update, OrderUpdate)
    assert (update.client_id, update.status) == ("intent/5", "cancelled")
    assert isinstance(gap, Gap)
    assert gap.stream == ACCOUNT
    assert report.rows_dropped == 1


def test_recorded_messages_of_an_account_are_read(shared_data: Path) -> None:
    folder = shared_data / "wire" / "backpack"
    reader, report = adapter()
    found: list[Decoded] = []
    for name in ("ws_account_orderAccepted", "ws_account_orderFill", "ws_account_positionOpened"):
        found += reader.decode(0, (folder / f"{name}.json").read_text(encoding="utf-8"), NOW)
    # the fill is of a spot market, of which nothing is held here
    assert [type(each) for each in found] == [OrderUpdate, Gap]
    assert report.unused == {"unused:account.positionUpdate": 1}


MARK = '{"stream": "markPrice.X", "data": {"s": "X", "E": 1754517402450016, "p": "0.12"}}'
COMPLAINT = '{"id": null, "error": {"code": 4006, "message": "Invalid stream"}}'


def test_a_stream_that_is_not_listed_ends_at_first_and_after_a_reconnect_it_is_only_noted() -> None:
    reader, report = adapter()
    for _ in range(2):  # a connection that broke before anything was heard proves nothing
        reader.opening()
        (refused,) = reader.decode(0, COMPLAINT, NOW)
        assert isinstance(refused, Refused)
    assert reader.decode(0, MARK, NOW)
    assert isinstance(reader.decode(0, COMPLAINT, NOW)[0], Refused)
    reader.opening()
    assert not any(isinstance(each, Refused) for each in reader.decode(0, COMPLAINT, NOW))
    assert any("Invalid stream" in note for note in report.notes)
    assert report.errors == 4


@pytest.mark.parametrize("code", [4002, 4006])
def test_a_complaint_that_may_be_of_the_account_s_stream_is_a_gap_of_it(code: int) -> None:
    report = LiveReport(path="Backpack", kind="native", format="live")
    reader = BackpackAdapter(report, {}, no_book, account=True)
    reader.decode(0, MARK, NOW)
    reader.opening()
    (gap,) = reader.decode(0, COMPLAINT.replace("4006", str(code)), NOW)
    assert isinstance(gap, Gap)
    assert gap.stream == ACCOUNT
