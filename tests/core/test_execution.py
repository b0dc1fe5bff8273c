"""From approved order to hedged position, scenario by scenario.

The market: four perpetuals at 60,000, a dollar wide; Binance's is the first of the cheapest. Options are a thousandth
of a coin wide. Fees: options 3 bps of a coin, which is 18 USD, perpetuals 5 bps.
"""

from __future__ import annotations

import math

import msgspec
import pytest

from aftershock.core.config import EngineConfig, RiskConfig
from aftershock.model.events import EndOfInput, Halt, Timer
from aftershock.model.orders import ApprovedOrder, Hedge, PackageResult, RefusedOrder
from tests.core.market import EXPIRY_NS, T0, future_quote, millis, perp_quote
from tests.core.venue import BUY, CALL, ENTRY, HIGHER, PUT, SELL, Desk, call_hedged, entry, leg, with_execution

BINANCE = "binance-futures"


def vertical(quantity: float = 1.0) -> ApprovedOrder:
    return entry(leg(CALL, BUY), leg(HIGHER, SELL), quantity=quantity, edge="B3")


# --- legs and hedge -------------------------------------------------------------------------------------------------


def test_a_fill_is_hedged_at_once_on_the_cheapest_perpetual_and_then_the_package_is_over() -> None:
    desk = Desk(call_hedged())
    desk.fill("", 1.0)
    (hedge,) = desk.orders
    assert (hedge.purpose, hedge.parent, hedge.reduce_only) == ("hedge", ENTRY, True)
    assert hedge.intent_id == f"{ENTRY}/hedge-1"
    assert (hedge.legs[0].venue, hedge.legs[0].symbol, hedge.legs[0].side) == (BINANCE, "BTCUSDT", SELL)
    assert hedge.quantity == 0.5
    assert hedge.legs[0].price == pytest.approx(59_880.0)  # 20 bps below the microprice
    assert desk.results == []
    desk.fill(hedge, 0.5, 59_999.5)
    (result,) = desk.results
    assert (result.status, result.wanted, result.filled) == ("filled", 1.0, 1.0)
    assert (result.leg_coins, result.leg_prices, result.excess) == ((1.0,), (0.0305,), (0.0,))
    assert (result.hedge_wanted, result.hedge_coins, result.hedge_price) == (0.5, 0.5, 59_999.5)
    assert result.fees_usd == pytest.approx(18.0 + 0.5 * 29.99975)
    assert (result.unwind_loss_usd, result.left) == (0.0, {})
    assert (desk.position(CALL), desk.position("BTCUSDT", BINANCE)) == (1.0, -0.5)
    assert desk.alarms == []


def test_no_hedge_before_the_order_is_over_and_then_for_what_was_filled() -> None:
    desk = Desk(call_hedged())
    desk.fill("", 0.3)
    desk.fill("", 0.1)
    assert desk.orders == []
    desk.update("")
    (hedge,) = desk.orders
    assert hedge.quantity == 0.2  # 0.5 * 0.4
    desk.fill(hedge, 0.2)
    (result,) = desk.results
    assert (result.status, result.filled, result.hedge_coins) == ("partial", 0.4, 0.2)
    assert result.excess == (0.0,)


@pytest.mark.parametrize("status", ["expired", "cancelled", "rejected"])
def test_nothing_filled_nothing_hedged(status: str) -> None:
    desk = Desk(call_hedged())
    desk.update("", status)
    desk.wait(10)
    desk.quote_perpetuals()
    assert desk.orders == []
    (result,) = desk.results
    assert (result.status, result.filled, result.hedge_wanted, result.fees_usd) == ("unfilled", 0.0, 0.0, 0.0)


def test_an_order_without_a_word_from_its_venue_says_nothing_and_asks_for_nothing() -> None:
    desk = Desk(call_hedged())
    desk.update("", "accepted")
    for _ in range(20):
        desk.wait(500)
        desk.quote_perpetuals()
    desk.tell(EndOfInput(ts_event=desk.now, ts_init=desk.now))
    assert (desk.orders, desk.results, desk.alarms) == ([], [], [])


def test_a_hedge_that_fills_in_part_goes_on_elsewhere_at_the_next_quote_with_the_rest() -> None:
    desk = Desk(call_hedged())
    desk.fill("", 1.0)
    desk.fill(desk.orders[0], 0.2)
    desk.update(desk.orders[0])
    assert len(desk.orders) == 1  # not before a new quote
    desk.wait(100)
    desk.tell(perp_quote(desk.now, "okex-swap", 50_000.0))  # cheaper per coin by now
    second = desk.orders[1]
    assert second.legs[0].venue == "okex-swap"
    assert second.quantity == pytest.approx(0.3)
    desk.fill(second, 0.3)
    (result,) = desk.results
    assert result.status == "filled"
    assert result.hedge_coins == pytest.approx(0.5)


def test_a_hedge_rejected_three_times_unwinds_the_option_and_calls_a_person() -> None:
    desk = Desk(call_hedged())
    desk.fill("", 1.0)
    for _ in range(3):
        desk.update(desk.orders[-1], "rejected")
        desk.wait(50)
        desk.quote_perpetuals(venues=["deribit"])
    assert [order.purpose for order in desk.orders] == ["hedge", "hedge", "hedge", "unwind"]
    assert desk.alarms == ["hedge_failed"]
    unwind = desk.orders[-1]
    assert (unwind.legs[0].symbol, unwind.legs[0].side, unwind.quantity) == (CALL, SELL, 1.0)
    assert unwind.reduce_only
    desk.fill(unwind, 1.0, 0.0295)
    (result,) = desk.results
    assert (result.status, result.filled, result.kept) == ("hedge_failed", 1.0, 0.0)
    # (0.0305 - 0.0295) * 60,000 and both fees of 18
    assert result.unwind_loss_usd == pytest.approx(60.0 + 36.0)
    assert desk.position(CALL) == 0.0


def test_a_hedge_without_any_fresh_perpetual_waits_for_one() -> None:
    desk = Desk(call_hedged())
    desk.wait(600)  # quotes are good for 500 ms
    desk.fill("", 1.0)
    assert desk.orders == []
    desk.wait(200)
    desk.quote_perpetuals(venues=["bybit"])
    (hedge,) = desk.orders
    assert hedge.legs[0].venue == "bybit"


def test_after_a_second_without_a_hedge_the_option_is_unwound_at_that_moment() -> None:
    desk = Desk(call_hedged())
    desk.wait(600)
    desk.fill("", 1.0)
    filled = desk.now
    assert desk.engine.next_deadline == filled + millis(1000) + 1
    desk.wait(3_000)
    desk.tell(Timer(ts_event=desk.now, ts_init=desk.now, key="late"))
    (order,) = desk.all_of(ApprovedOrder)
    assert (order.intent.purpose, order.ts_init) == ("unwind", filled + millis(1000))
    assert desk.alarms == ["hedge_failed"]


def test_a_hedge_that_fills_after_it_was_given_up_is_unwound_too() -> None:
    desk = Desk(call_hedged())
    desk.fill("", 1.0)
    hedge = desk.orders[0]
    desk.wait(1_100)
    desk.quote_perpetuals()
    desk.fill(desk.orders[1], 1.0, 0.0295)
    desk.fill(hedge, 0.5)
    back = desk.orders[2]
    assert (back.purpose, back.legs[0].symbol, back.legs[0].side, back.quantity) == ("unwind", "BTCUSDT", BUY, 0.5)
    desk.fill(back, 0.5, 60_000.5)
    assert (desk.position(CALL), desk.position("BTCUSDT", BINANCE)) == (0.0, 0.0)
    assert [result.status for result in desk.results] == ["hedge_failed", "hedge_failed"]


def test_what_was_hedged_in_part_is_kept_in_that_part() -> None:
    desk = Desk(call_hedged())
    desk.fill("", 1.0)
    desk.fill(desk.orders[0], 0.27)  # 54 % of it: five lots of the call stay
    desk.update(desk.orders[0])
    desk.wait(1_100)
    desk.quote_perpetuals()
    unwind = desk.orders[-1]
    assert (unwind.purpose, unwind.legs[0].symbol, unwind.quantity) == ("unwind", CALL, 0.5)
    desk.fill(unwind, 0.5)
    assert (desk.position(CALL), desk.position("BTCUSDT", BINANCE)) == (0.5, -0.27)
    result = desk.results[-1]
    assert (result.filled, result.kept, result.hedge_coins, result.left) == (1.0, 0.5, 0.27, {})


def test_a_hedge_that_covers_less_than_a_lot_is_closed_with_the_option() -> None:
    desk = Desk(call_hedged())
    desk.fill("", 1.0)
    desk.fill(desk.orders[0], 0.01)
    desk.update(desk.orders[0])
    desk.wait(1_100)
    desk.quote_perpetuals()
    unwinds = {order.legs[0].symbol: order.quantity for order in desk.orders[1:]}
    assert unwinds == {CALL: 1.0, "BTCUSDT": 0.01}


def test_a_halt_between_fill_and_hedge_stops_neither_hedge_nor_unwinding() -> None:
    desk = Desk(call_hedged())
    desk.fill("", 0.5)
    desk.tell(Halt(ts_event=desk.now, ts_init=desk.now, reason="a person said so"))
    desk.update("")
    assert [order.purpose for order in desk.orders] == ["hedge"]
    desk.wait(1_100)
    desk.quote_perpetuals()
    assert [order.purpose for order in desk.orders] == ["hedge", "unwind"]


def test_a_hedge_larger_than_the_gate_allows_is_refused_and_the_option_unwound() -> None:
    config = EngineConfig(risk=RiskConfig(max_quantity_coins=1.0))
    desk = Desk(call_hedged(coins=1.2), config)
    desk.fill("", 1.0)
    for _ in range(2):
        desk.wait(10)
        desk.quote_perpetuals(venues=["bybit"])
    assert [refused.limit for refused in desk.all_of(RefusedOrder)] == ["quantity"] * 3
    assert [order.purpose for order in desk.orders] == ["unwind"]


def test_an_inverse_perpetual_is_ordered_for_the_dollars_of_the_microprice() -> None:
    desk = Desk(call_hedged())
    desk.wait(501)  # the others are too old
    desk.tell(perp_quote(desk.now, "deribit", 60_000.0))
    desk.fill("", 1.0)
    (hedge,) = desk.orders
    assert hedge.legs[0].symbol == "BTC-PERPETUAL"
    assert hedge.quantity * hedge.legs[0].price == pytest.approx(30_000.0)  # dollars, whatever the limit is
    desk.fill(hedge, 30_000.0 / 59_990.0, 59_990.0)
    assert desk.results[0].status == "filled"
    assert desk.position("BTC-PERPETUAL") == -30_000.0


# --- packages -------------------------------------------------------------------------------------------------------


def test_a_package_is_what_every_leg_filled_and_the_rest_is_unwound_as_its_loss() -> None:
    desk = Desk(vertical())
    desk.fill("", 1.0)
    desk.fill("", 0.4, number=2)
    assert desk.orders == []
    desk.update("", number=2)
    (unwind,) = desk.orders
    assert (unwind.legs[0].symbol, unwind.legs[0].side, unwind.quantity) == (CALL, SELL, 0.6)
    # The middle of the quote is 0.03, 1,800 USD; the collar 50 bps of 60,000, 300 USD: down to 0.025,
    # and a tick inside of that so that rounding can't make it too much.
    assert unwind.legs[0].price == 0.0251
    desk.fill(unwind, 0.6, 0.0295)
    (result,) = desk.results
    assert (result.status, result.filled, result.kept) == ("partial", 0.4, 0.4)
    assert result.leg_coins == (1.0, 0.4)
    assert result.excess == (0.6, 0.0)
    # 0.6 * (0.0305 - 0.0295) * 60,000 = 36, and 0.6 * 18 there and back
    assert result.unwind_loss_usd == pytest.approx(36.0 + 21.6)
    assert result.fees_usd == pytest.approx(18.0 * (1.0 + 0.4 + 0.6))
    assert (desk.position(CALL), desk.position(HIGHER)) == (0.4, -0.4)


def test_a_package_of_which_one_leg_missed_is_not_filled_and_all_of_it_unwound() -> None:
    desk = Desk(vertical())
    desk.update("", number=1)
    desk.fill("", 1.0, number=2)
    (unwind,) = desk.orders
    assert (unwind.legs[0].symbol, unwind.legs[0].side, unwind.quantity) == (HIGHER, BUY, 1.0)
    desk.fill(unwind, 1.0, 0.0155)
    (result,) = desk.results
    assert (result.status, result.filled, result.excess) == ("unfilled", 0.0, (0.0, 1.0))
    assert result.unwind_loss_usd == pytest.approx(60.0 + 36.0)


def test_an_unwind_that_does_not_fill_tries_at_the_next_quote_and_then_calls_a_person() -> None:
    desk = Desk(vertical())
    desk.fill("", 1.0)
    desk.update("", number=2)
    for _ in range(3):
        desk.update(desk.orders[-1])
        desk.wait(10)
        desk.quote_options()
    assert [order.intent_id for order in desk.orders] == [f"{ENTRY}/unwind-{n}" for n in (1, 2, 3)]
    assert desk.alarms == ["unwind_failed"]
    assert desk.results[-1].left == {f"{CALL}.deribit": 1.0}
    desk.wait(10)
    desk.quote_options()
    assert len(desk.orders) == 3


def test_a_quote_before_the_end_of_an_order_is_not_the_next_one_after_it() -> None:
    desk = Desk(call_hedged())
    desk.fill("", 1.0)
    desk.wait(10)
    desk.quote_perpetuals()
    desk.update(desk.orders[0])
    assert len(desk.orders) == 1
    desk.quote_perpetuals(venues=["bybit"])
    assert len(desk.orders) == 2


def test_only_whole_lots_are_unwound_and_the_rest_is_told() -> None:
    desk = Desk(call_hedged())
    desk.update("")
    desk.fill("", 0.25)
    (unwind,) = desk.orders
    assert unwind.quantity == 0.2
    desk.fill(unwind, 0.2)
    assert desk.results[-1].left == {f"{CALL}.deribit": 0.05}


def test_an_unwind_that_fills_twice_is_taken_back() -> None:
    desk = Desk(call_hedged())
    desk.update("")
    desk.fill("", 1.0)
    first = desk.orders[0]
    desk.update(first)
    desk.wait(10)
    desk.quote_options()
    second = desk.orders[1]
    desk.wait(5_000)
    desk.quote_perpetuals()
    assert desk.alarms == ["late_fill", "unwind_failed"]
    desk.fill(first, 1.0)
    desk.fill(second, 1.0)
    assert desk.position(CALL) == -1.0
    back = desk.orders[2]
    assert (back.legs[0].symbol, back.legs[0].side, back.quantity) == (CALL, BUY, 1.0)


def test_an_unwind_waits_for_a_price_and_calls_a_person_after_five_seconds() -> None:
    desk = Desk(vertical())
    desk.quote_options(**{CALL: (math.nan, 0.0305)})
    desk.fill("", 1.0)
    desk.update("", number=2)
    assert desk.orders == []
    desk.wait(5_001)
    desk.quote_perpetuals()
    assert desk.alarms == ["unwind_failed"]


def test_a_leg_that_nobody_speaks_of_is_given_up_a_second_after_the_first_fill() -> None:
    desk = Desk(vertical())
    desk.fill("", 1.0)
    desk.wait(1_001)
    desk.quote_perpetuals()
    assert desk.alarms == ["order_silent"]
    assert [order.purpose for order in desk.orders] == ["unwind"]
    desk.fill(desk.orders[0], 1.0, 0.0295)
    desk.fill("", 1.0, number=2)  # and then it fills after all
    assert desk.alarms == ["order_silent", "late_fill"]
    assert (desk.orders[-1].legs[0].symbol, desk.orders[-1].legs[0].side) == (HIGHER, BUY)


def test_a_fill_after_the_order_expired_is_unwound_and_never_hedged() -> None:
    desk = Desk(call_hedged())
    desk.update("")
    desk.wait(5)
    desk.fill("", 0.7)
    assert desk.alarms == ["late_fill"]
    (unwind,) = desk.orders
    assert (unwind.purpose, unwind.quantity) == ("unwind", 0.7)
    desk.fill(unwind, 0.7, 0.0295)
    assert [result.status for result in desk.results] == ["unfilled", "unfilled"]
    assert desk.results[-1].unwind_loss_usd == pytest.approx(0.7 * (60.0 + 36.0))
    assert desk.results[-1].excess == (0.7,)


def test_the_same_fill_twice_is_one_fill() -> None:
    desk = Desk(call_hedged())
    desk.fill("", 0.4, trade="x")
    assert desk.fill("", 0.4, trade="x") == []
    desk.update("")
    assert desk.position(CALL) == 0.4
    assert desk.orders[0].quantity == 0.2
    desk.fill(desk.orders[0], 0.2, trade="y")
    desk.fill(desk.orders[0], 0.2, trade="y")
    assert desk.position("BTCUSDT", BINANCE) == -0.2
    assert len(desk.results) == 1


def test_a_conversion_is_locked_by_the_dollars_of_the_strike_whatever_the_future_costs_now() -> None:
    plan = Hedge(side=BUY, coins=1.0, cost_usd=0.0)
    desk = Desk(entry(leg(CALL, SELL), leg(PUT, BUY), quantity=2.0, hedge=plan, edge="B1"))
    desk.tell(future_quote(desk.now, 60_590.0, 60_610.0))
    desk.fill("", 1.0)
    desk.fill("", 1.0, number=2)
    desk.update("")
    desk.update("", number=2)
    (hedge,) = desk.orders
    assert (hedge.legs[0].symbol, hedge.legs[0].side) == ("BTC-6MAR26", BUY)
    assert hedge.quantity * hedge.legs[0].price == pytest.approx(60_000.0)  # one of two coins at a strike of 60,000
    desk.fill(hedge, 60_000.0 / 60_610.0, 60_610.0)
    (result,) = desk.results
    assert (result.status, result.filled) == ("partial", 1.0)
    desk.settle(75_000.0)
    assert desk.engine.account.positions == {}
    # Sold at 0.0295, bought at 0.0290; 60,000*(1/60,610 - 1/75,000) from the future, 15,000/75,000 to the call's owner;
    # fees 3 bps twice, 5 bps of the future's coins, 1.5 bps to deliver the call.
    coins = 60_000.0 / 60_610.0
    expected = 10.0 + 0.0295 - 0.0290 + coins - 0.8 - 0.2 - 0.0006 - 0.0005 * coins - 0.00015
    assert desk.engine.account.cash("deribit", "BTC") == pytest.approx(expected, abs=3e-9)


# --- the venue's other words ------------------------------------------------------------------------------------------


def test_settlement_closes_the_hedge_of_what_was_settled() -> None:
    desk = Desk(call_hedged())
    desk.fill("", 1.0)
    desk.fill(desk.orders[0], 0.5)
    assert desk.settle(80_000.0)[0].intent.purpose == "unwind"
    back = desk.orders[-1]
    assert (back.legs[0].symbol, back.legs[0].side, back.quantity) == ("BTCUSDT", BUY, 0.5)
    desk.fill(back, 0.5, 60_000.5)
    assert desk.position("BTCUSDT", BINANCE) == 0.0
    assert len(desk.results) == 1  # what closes at expiry is no loss of a partial
    assert desk.engine.account.cash("deribit", "BTC") == pytest.approx(10.0 - 0.0305 - 0.0003 + 0.25 - 0.00015)


def test_what_fills_after_its_expiry_was_settled_is_neither_hedged_nor_unwound() -> None:
    desk = Desk(call_hedged())
    assert desk.settle(80_000.0) == []
    desk.quote_perpetuals()
    desk.fill("", 1.0)
    assert (desk.orders, desk.alarms) == ([], ["late_fill"])
    assert desk.engine.account.positions == {}
    assert desk.engine.account.cash("deribit", "BTC") == pytest.approx(10.0 - 0.0305 - 0.0003 + 0.25 - 0.00015)


def test_an_option_that_expires_while_its_hedge_is_tried_needs_none() -> None:
    desk = Desk(call_hedged())
    desk.now = EXPIRY_NS - millis(500)
    desk.quote_perpetuals()
    desk.fill("", 1.0)
    (hedge,) = desk.orders
    desk.settle(80_000.0)
    desk.fill(hedge, 0.5)  # and now it is one too many
    back = desk.orders[1]
    assert (back.purpose, back.legs[0].side, back.quantity) == ("unwind", BUY, 0.5)
    assert "hedge_failed" not in desk.alarms


def test_a_second_settlement_changes_nothing_and_another_price_is_an_alarm() -> None:
    desk = Desk(call_hedged())
    desk.fill("", 1.0)
    desk.settle(80_000.0)
    cash = desk.engine.account.cash("deribit", "BTC")
    assert desk.settle(80_000.0) == []
    desk.settle(90_000.0)
    desk.settle(math.nan, family="BTC_USDC")
    assert desk.engine.account.cash("deribit", "BTC") == cash
    assert desk.alarms[-2:] == ["settlement_conflict", "bad_settlement"]


def test_a_fill_nobody_ordered_is_booked_and_called_out() -> None:
    desk = Desk(call_hedged())
    stranger = msgspec.structs.replace(vertical().intent, intent_id="somebody/else")
    desk.fill(stranger, 1.0)
    assert desk.alarms == ["unknown_fill"]
    assert desk.position(CALL) == 1.0
    assert desk.orders == []


def test_a_fill_that_cannot_be_booked_is_an_alarm_and_moves_nothing() -> None:
    desk = Desk(call_hedged())
    desk.fill("", math.nan)
    assert (desk.alarms, desk.orders, desk.position(CALL)) == (["bad_fill"], [], 0.0)


def test_an_input_that_ends_in_between_leaves_an_open_result() -> None:
    desk = Desk(call_hedged())
    desk.fill("", 1.0)
    effects = desk.tell(EndOfInput(ts_event=desk.now, ts_init=desk.now))
    (result,) = [effect for effect in effects if isinstance(effect, PackageResult)]
    assert (result.status, result.filled, result.hedge_coins) == ("open", 1.0, 0.0)


def test_attempts_and_deadlines_are_settings() -> None:
    desk = Desk(call_hedged(), with_execution(hedge_attempts=1, hedge_limit_bps=5.0))
    desk.fill("", 1.0)
    assert desk.orders[0].legs[0].price == pytest.approx(59_970.0)
    desk.update(desk.orders[0])
    assert desk.alarms == ["hedge_failed"]


def test_expiry_is_after_the_clock_of_these_tests() -> None:
    assert T0 + millis(60_000) < EXPIRY_NS
