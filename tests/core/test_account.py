"""Golden accounting: every balance below is added up by hand in the comment next to it, and must come out to the digit.

Deribit's base tier: options 3 bps of a coin (inverse) or 5 bps of the index (linear), at most 12.5 % of the premium;
delivery 1.5 bps, at most 12.5 % of the payoff, nothing for dailies; perpetuals and futures 5 bps. 6 March 2026 is a
Friday, 5 March a Thursday: what expires then is a daily.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.core.account import Account
from aftershock.core.fees import FeeBook
from aftershock.model.instruments import FeeSchedule, Kind
from aftershock.model.orders import Fill, Side
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NAN, NANO, utc_ns
from tests.core.market import T0, instrument

FRIDAY, THURSDAY = utc_ns(2026, 3, 6, 8), utc_ns(2026, 3, 5, 8)
INDEX = 60_000.0
BUY, SELL = Side.BUY, Side.SELL


class Case(NamedTuple):
    symbol: str
    trades: list[tuple[Side, float, float]]
    settles_at: float | None
    start: float
    end: float


def account_of(*own: FeeSchedule, coin: float = 10.0, usdc: float = 10_000.0) -> Account:
    account = Account(FeeBook(InstrumentTable(fees=own)))
    account.deposit("deribit", "BTC", coin)
    account.deposit("deribit", "USDC", usdc)
    return account


def fill(symbol: str, side: Side, coins: float, price: float, *, trade_id: str = "1", fee: float = NAN) -> Fill:
    return Fill(
        ts_event=T0,
        ts_init=T0,
        client_id="c",
        trade_id=trade_id,
        venue="deribit",
        symbol=symbol,
        side=side,
        quantity=coins,
        price=price,
        fee=fee,
    )


def apply(account: Account, each: Fill, index: float = INDEX) -> None:
    assert account.apply_fill(each, instrument("deribit", each.symbol), index=index) is not None


CASES = {
    "the issue's example": Case(
        "BTC-5MAR26-60000-C",
        [(BUY, 1.0, 0.0510)],
        80_000.0,  # (80,000 - 60,000)/80,000 = 0.25, and a daily is delivered free
        10.0,
        10.1987,  # 10 - 0.0510 - 0.0003 + 0.25
    ),
    "inverse call, delivered": Case(
        "BTC-6MAR26-60000-C",
        [(BUY, 1.0, 0.0510)],
        80_000.0,
        10.0,
        10.19855,  # as above, less 0.00015
    ),
    "inverse put": Case(
        "BTC-6MAR26-60000-P",
        [(BUY, 2.0, 0.0300)],
        48_000.0,  # 12,000/48,000 = 0.25 each
        10.0,
        10.4391,  # 10 - 0.06 - 0.0006 + 0.5 - 0.0003
    ),
    "linear call": Case(
        "BTC_USDC-6MAR26-60000-C",
        [(BUY, 0.5, 1_500.0)],
        63_000.0,
        10_000.0,
        10_730.275,  # 10,000 - 750 - 0.5*30 + 0.5*3,000 - 0.5*1.5 bps of 63,000 = 0.5*9.45
    ),
    "linear put": Case(
        "BTC_USDC-6MAR26-60000-P",
        [(BUY, 1.0, 800.0)],
        57_500.0,
        10_000.0,
        11_661.375,  # 10,000 - 800 - 30 + 2,500 - 8.625
    ),
    "linear put, short": Case(
        "BTC_USDC-6MAR26-60000-P",
        [(SELL, 1.0, 800.0)],
        57_500.0,
        10_000.0,
        8_261.375,  # 10,000 + 800 - 30 - 2,500 - 8.625
    ),
    "inverse call, short": Case(
        "BTC-6MAR26-60000-C",
        [(SELL, 1.0, 0.0510)],
        80_000.0,
        10.0,
        9.80055,  # 10 + 0.051 - 0.0003 - 0.25 - 0.00015
    ),
    "at the money to the cent: nothing is delivered": Case(
        "BTC-6MAR26-60000-C",
        [(BUY, 1.0, 0.0510)],
        60_000.0,
        10.0,
        9.9487,  # 10 - 0.051 - 0.0003
    ),
    "a short put out of the money keeps its premium": Case(
        "BTC-6MAR26-60000-P",
        [(SELL, 1.0, 0.0300)],
        61_000.0,
        10.0,
        10.0297,  # 10 + 0.03 - 0.0003
    ),
    "the cap of the fee binds": Case(
        "BTC-6MAR26-60000-C",
        [(BUY, 1.0, 0.0010)],
        59_000.0,
        10.0,
        9.998875,  # 10 - 0.001 - 0.125*0.001
    ),
    "the cap of the linear fee binds": Case(
        "BTC_USDC-6MAR26-60000-C",
        [(BUY, 0.1, 80.0)],
        59_000.0,
        10_000.0,
        9_991.0,  # 10,000 - 8 - 0.1*10, where 5 bps would be 30
    ),
    "the cap of delivery binds": Case(
        "BTC-6MAR26-59940-C",
        [(BUY, 1.0, 0.0200)],
        60_000.0,  # 60/60,000 = 0.001
        10.0,
        9.980575,  # 10 - 0.02 - 0.0003 + 0.001 - 0.125*0.001
    ),
    "an order filled in part, at two prices": Case(
        "BTC-5MAR26-60000-C",
        [(BUY, 0.3, 0.0510), (BUY, 0.4, 0.0512)],
        80_000.0,
        10.0,
        10.13901,  # 10 - 0.0153 - 0.02048 - 0.7*0.0003 + 0.7*0.25
    ),
    "sold again before expiry": Case(
        "BTC-6MAR26-60000-C",
        [(BUY, 1.0, 0.05), (SELL, 1.0, 0.06)],
        80_000.0,
        10.0,
        10.0094,  # 10 - 0.05 + 0.06 - 2*0.0003; settlement finds nothing
    ),
    "inverse perpetual, there and back": Case(
        "BTC-PERPETUAL",
        [(SELL, 0.5, 60_000.0), (BUY, 0.6, 50_000.0)],  # 30,000 dollars both times
        None,
        10.0,
        10.09945,  # 10 + 30,000*(1/50,000 - 1/60,000) - 5 bps of 0.5 and of 0.6
    ),
    "linear perpetual, there and back": Case(
        "BTC_USDC-PERPETUAL",
        [(BUY, 0.5, 60_000.0), (SELL, 0.5, 62_000.0)],
        None,
        10_000.0,
        10_969.5,  # 10,000 + 1,000 - 15 - 15.5
    ),
    "linear perpetual, short, half of it closed": Case(
        "BTC_USDC-PERPETUAL",
        [(SELL, 1.0, 60_000.0), (BUY, 0.5, 59_000.0)],
        None,
        10_000.0,
        10_455.25,  # 10,000 + 500 - 30 - 14.75
    ),
    "inverse future, held to its expiry": Case(
        "BTC-6MAR26",
        [(BUY, 1.0, 60_000.0)],
        62_500.0,
        10.0,
        10.0395,  # 10 + 60,000*(1/60,000 - 1/62,500) - 0.0005; no delivery fee is known for futures
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_golden_accounting(case: Case) -> None:
    account = account_of()
    terms = instrument("deribit", case.symbol)
    for number, (side, coins, price) in enumerate(case.trades):
        apply(account, fill(case.symbol, side, coins, price, trade_id=str(number)))
    if case.settles_at is not None and terms.expiry_ns is not None:
        account.settle("deribit", terms.family, terms.expiry_ns, case.settles_at)
        assert account.positions == {}
    assert account.cash("deribit", terms.settles_in) == case.end
    made = account.realised["deribit", terms.settles_in] - account.fees["deribit", terms.settles_in]
    assert case.start + made / NANO == pytest.approx(case.end, abs=1e-9)


def test_a_position_knows_its_average_and_what_it_realised() -> None:
    account = account_of()
    call = "BTC-6MAR26-60000-C"
    for number, (side, coins, price) in enumerate([(BUY, 1.0, 0.05), (BUY, 3.0, 0.07), (SELL, 1.0, 0.09)]):
        apply(account, fill(call, side, coins, price, trade_id=str(number)))
    position = account.positions["deribit", call]
    assert position.quantity == position.coins == 3.0
    assert position.average_price == pytest.approx(0.065)  # (0.05 + 3*0.07)/4, and a sale does not move it
    assert position.realised / NANO == pytest.approx(0.025)  # 0.09 - 0.065


def test_an_inverse_perpetual_is_a_number_of_dollars_and_its_coins_are_those_of_its_average_price() -> None:
    account = account_of()
    apply(account, fill("BTC-PERPETUAL", SELL, 12_340.0 / 61_234.5, 61_234.5))
    position = account.positions["deribit", "BTC-PERPETUAL"]
    assert position.quantity == -12_340.0
    assert position.average_price == pytest.approx(61_234.5, rel=1e-8)  # its coins are rounded to the billionth
    assert position.coins == pytest.approx(-12_340.0 / 61_234.5, rel=1e-8)


def test_a_trade_through_zero_closes_first_and_opens_the_rest_at_its_own_price() -> None:
    account = account_of()
    apply(account, fill("BTC_USDC-PERPETUAL", BUY, 1.0, 60_000.0, trade_id="1", fee=0.0))
    apply(account, fill("BTC_USDC-PERPETUAL", SELL, 3.0, 61_000.0, trade_id="2", fee=0.0))
    position = account.positions["deribit", "BTC_USDC-PERPETUAL"]
    assert (position.quantity, position.average_price) == (-2.0, 61_000.0)
    assert account.cash("deribit", "USDC") == 11_000.0


def test_the_venues_own_fee_goes_before_the_schedule() -> None:
    account = account_of()
    booked = account.apply_fill(
        fill("BTC-6MAR26-60000-C", BUY, 1.0, 0.05, fee=0.0002), instrument("deribit", "BTC-6MAR26-60000-C")
    )
    assert booked is not None
    assert (booked.fee, booked.cash, booked.currency) == (0.0002, -0.0502, "BTC")


def test_a_fee_nobody_knows_is_counted_and_never_called_zero() -> None:
    account = account_of()
    call = "BTC_USDC-6MAR26-60000-C"
    booked = account.apply_fill(fill(call, BUY, 1.0, 1_000.0), instrument("deribit", call))  # without an index
    assert booked is not None
    assert booked.fee != booked.fee
    assert account.unknown_fees == 1
    assert account.cash("deribit", "USDC") == 9_000.0


def test_the_same_trade_of_the_same_order_is_booked_once() -> None:
    account = account_of()
    call = instrument("deribit", "BTC-6MAR26-60000-C")
    once = fill(call.symbol, BUY, 1.0, 0.05)
    assert account.apply_fill(once, call) is not None
    assert account.apply_fill(once, call) is None
    assert account.repeated == 1
    assert account.positions["deribit", call.symbol].quantity == 1.0
    assert account.apply_fill(fill(call.symbol, BUY, 1.0, 0.05, trade_id="2"), call) is not None


@pytest.mark.parametrize(("coins", "price"), [(NAN, 0.05), (1.0, NAN), (0.0, 0.05), (1.0, float("inf")), (-1.0, 0.05)])
def test_a_fill_without_usable_figures_changes_nothing(coins: float, price: float) -> None:
    account = account_of()
    call = instrument("deribit", "BTC-6MAR26-60000-C")
    assert account.apply_fill(fill(call.symbol, BUY, coins, price), call) is None
    assert account.positions == {}
    assert account.cash("deribit", "BTC") == 10.0


def test_an_expiry_settles_in_one_step_and_what_expires_later_or_settles_otherwise_stays() -> None:
    account = account_of()
    symbols = [
        "BTC-6MAR26-60000-C",
        "BTC-6MAR26-50000-P",
        "BTC-6MAR26",
        "BTC-27MAR26-60000-C",
        "BTC_USDC-6MAR26-60000-C",
    ]
    for symbol in symbols:
        price = {"BTC-6MAR26": 60_000.0, "BTC_USDC-6MAR26-60000-C": 900.0}.get(symbol, 0.02)
        apply(account, fill(symbol, BUY, 1.0, price, trade_id=symbol, fee=0.0))
    booked = account.settle("deribit", "BTC", FRIDAY, 80_000.0)
    assert [each.symbol for each in booked] == symbols[:3]
    # 0.25 - 0.00015 delivered, nothing, and 60,000*(1/60,000 - 1/80,000) = 0.25
    assert [each.cash for each in booked] == [0.24985, 0.0, 0.25]
    assert [symbol for _, symbol in account.positions] == symbols[3:]


def test_what_ends_out_of_the_money_is_not_delivered_even_where_no_cap_would_say_so() -> None:
    own = FeeSchedule(
        venue="deribit",
        kind=Kind.OPTION,
        inverse=True,
        valid_from_ns=1,
        taker_rate=0.0,
        maker_rate=0.0,
        delivery_rate=0.00015,
    )
    account = account_of(own)
    apply(account, fill("BTC-6MAR26-60000-C", BUY, 1.0, 0.0510))
    account.settle("deribit", "BTC", FRIDAY, 59_000.0)
    assert account.cash("deribit", "BTC") == 9.949


def test_an_expiry_settles_once_and_only_at_a_price() -> None:
    account = account_of()
    apply(account, fill("BTC-5MAR26-60000-C", BUY, 1.0, 0.0510))
    for bad in (NAN, 0.0, -1.0, float("inf")):
        assert account.settle("deribit", "BTC", THURSDAY, bad) == ()
    assert account.settled_at("deribit", "BTC", THURSDAY) is None
    assert account.settle("deribit", "BTC", THURSDAY, 80_000.0) != ()
    assert account.settle("deribit", "BTC", THURSDAY, 90_000.0) == ()
    assert account.settled_at("deribit", "BTC", THURSDAY) == 80_000.0
    assert account.cash("deribit", "BTC") == 10.1987


def test_a_fill_that_arrives_after_its_expiry_was_settled_is_settled_at_the_same_price() -> None:
    account = account_of()
    account.settle("deribit", "BTC", THURSDAY, 80_000.0)
    apply(account, fill("BTC-5MAR26-60000-C", BUY, 1.0, 0.0510))
    assert account.cash("deribit", "BTC") == 10.1987
    assert account.positions == {}


@given(st.floats(20_000.0, 200_000.0))
def test_a_conversion_is_worth_the_same_wherever_it_settles(settlement: float) -> None:
    # Sell the call, buy the put, buy as many dollars of the future as the strike: 0.03 - 0.022 + 60,000/60,600 - ... in
    # coin, c - p - (1 - K/F) = 0.008 - 600/60,600, whatever the settlement.
    free = tuple(
        FeeSchedule(venue="deribit", kind=kind, inverse=True, valid_from_ns=1, taker_rate=0.0, maker_rate=0.0)
        for kind in (Kind.OPTION, Kind.FUTURE)
    )
    account = account_of(*free)
    apply(account, fill("BTC-6MAR26-60000-C", SELL, 1.0, 0.030, trade_id="1"))
    apply(account, fill("BTC-6MAR26-60000-P", BUY, 1.0, 0.022, trade_id="2"))
    apply(account, fill("BTC-6MAR26", BUY, 60_000.0 / 60_600.0, 60_600.0, trade_id="3"))
    account.settle("deribit", "BTC", FRIDAY, settlement)
    assert account.cash("deribit", "BTC") == pytest.approx(10.0 + 0.008 - 600.0 / 60_600.0, abs=3e-9)


TRADES = st.lists(
    st.tuples(st.sampled_from([BUY, SELL]), st.integers(1, 500), st.integers(1, 3_000)), min_size=1, max_size=30
)


@given(
    TRADES, st.sampled_from(["BTC-6MAR26-60000-C", "BTC_USDC-6MAR26-60000-C", "BTC_USDC-PERPETUAL", "BTC-PERPETUAL"])
)
def test_a_position_is_the_sum_of_its_fills_and_flat_again_leaves_profit_as_cash(
    trades: list[tuple[Side, int, int]], symbol: str
) -> None:
    terms = instrument("deribit", symbol)
    account, scale = account_of(), 1e-4 if terms.inverse and terms.kind is Kind.OPTION else 40.0
    total, number = 0, 0
    for number, (side, lots, ticks) in enumerate(trades):
        price = ticks * scale
        coins = 10.0 * lots / price if terms.counts_dollars else lots / 10.0
        apply(account, fill(symbol, side, coins, price, trade_id=str(number), fee=0.0))
        total += lots if side is BUY else -lots
    position = account.positions["deribit", symbol]
    unit = 10.0 if terms.counts_dollars else 0.1
    assert position.size == round(total * unit * NANO)
    if total:
        price = 1_000 * scale
        coins = abs(total) * 10.0 / price if terms.counts_dollars else abs(total) / 10.0
        apply(account, fill(symbol, SELL if total > 0 else BUY, coins, price, trade_id=str(number + 1), fee=0.0))
    assert (position.size, position.open_flow) == (0, 0)
    start = 10.0 if terms.inverse else 10_000.0
    assert account.cash("deribit", terms.settles_in) == pytest.approx(start + position.realised / NANO, abs=1e-9)
