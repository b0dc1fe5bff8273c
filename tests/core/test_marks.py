"""Marked to what could be executed, and the net delta of what was hedged."""

from __future__ import annotations

import math

import pytest

from aftershock.core.account import Account
from aftershock.core.fees import FeeBook
from aftershock.core.marks import Mark, mark
from aftershock.model.orders import Fill, Side
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NAN, tau_years
from tests.core.market import EXPIRY_NS, T0, instrument
from tests.core.shock import undiscounted

CALL, PUT, LINEAR = "BTC-6MAR26-60000-C", "BTC-6MAR26-60000-P", "BTC_USDC-6MAR26-60000-C"
FORWARD, SIGMA = 60_000.0, 0.5
TAU = tau_years(EXPIRY_NS, T0)
BUY, SELL = Side.BUY, Side.SELL


def account_with(*trades: tuple[str, str, Side, float, float]) -> Account:
    """Return an account of ten coins after trades without fees: venue, symbol, side, coins, price."""
    account = Account(FeeBook(InstrumentTable()))
    account.deposit("deribit", "BTC", 10.0)
    for number, (venue, symbol, side, coins, price) in enumerate(trades):
        one = Fill(
            ts_event=T0,
            ts_init=T0,
            client_id="c",
            trade_id=str(number),
            venue=venue,
            symbol=symbol,
            side=side,
            quantity=coins,
            price=price,
            fee=0.0,
        )
        assert account.apply_fill(one, instrument(venue, symbol)) is not None
    return account


def n_of_d1(is_call: bool) -> float:
    """Return N(d1) of a call at the money, or N(d1) - 1 of the put."""
    half = SIGMA * math.sqrt(TAU) / 2
    return 0.5 * math.erfc(-half / math.sqrt(2)) - (not is_call)


def test_long_positions_are_worth_the_bid_and_short_ones_cost_the_ask() -> None:
    account = account_with(("deribit", CALL, BUY, 2.0, 0.03), ("deribit", PUT, SELL, 1.0, 0.028))
    quote = Mark(bid=0.0295, ask=0.0305, forward=FORWARD)
    marked = mark(account, {("deribit", CALL): quote, ("deribit", PUT): quote}, T0)
    assert marked.value == {("deribit", "BTC"): pytest.approx(0.059 - 0.0305)}
    assert marked.value_usd == pytest.approx(60_000.0 * (0.059 - 0.0305))


def test_perpetuals_are_worth_the_profit_that_is_not_realised() -> None:
    account = account_with(
        ("deribit", "BTC-PERPETUAL", SELL, 0.5, 60_000.0), ("binance-futures", "BTCUSDT", BUY, 0.5, 60_000.0)
    )
    quotes = {
        ("deribit", "BTC-PERPETUAL"): Mark(bid=49_999.0, ask=50_000.0, forward=50_000.0),
        ("binance-futures", "BTCUSDT"): Mark(bid=61_000.0, ask=61_001.0, forward=61_000.0),
    }
    marked = mark(account, quotes, T0)
    assert marked.value["deribit", "BTC"] == pytest.approx(0.1)  # 30,000*(1/50,000 - 1/60,000)
    assert marked.value["binance-futures", "USDT"] == pytest.approx(500.0)
    assert marked.value_usd == pytest.approx(0.1 * 50_000.0 + 500.0)


def test_a_position_without_the_side_that_closes_it_has_no_value_and_is_named() -> None:
    account = account_with(("deribit", CALL, BUY, 1.0, 0.03))
    marked = mark(account, {("deribit", CALL): Mark(bid=NAN, ask=0.03, forward=FORWARD, volatility=SIGMA)}, T0)
    assert math.isnan(marked.value_usd)
    assert marked.unquoted == (f"{CALL}.deribit",)
    assert marked.delta_coins["BTC"] == pytest.approx(n_of_d1(is_call=True) - 0.03)
    assert math.isnan(mark(account, {}, T0).delta_coins["BTC"])


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("perpetual", [("binance-futures", "BTCUSDT"), ("deribit", "BTC-PERPETUAL")])
def test_an_inverse_option_with_its_hedge_has_no_delta(is_call: bool, perpetual: tuple[str, str]) -> None:
    symbol = CALL if is_call else PUT
    premium = undiscounted(FORWARD, 60_000.0, SIGMA * math.sqrt(TAU), is_call=is_call) / FORWARD
    hedge = n_of_d1(is_call) - premium
    account = account_with(
        ("deribit", symbol, BUY, 3.0, premium),
        (*perpetual, SELL if hedge > 0 else BUY, 3.0 * abs(hedge), FORWARD),
    )
    quotes = {("deribit", symbol): Mark(bid=premium - 1e-4, ask=premium + 1e-4, forward=FORWARD)}
    quotes[perpetual] = Mark(bid=FORWARD - 0.5, ask=FORWARD + 0.5, forward=FORWARD)
    assert mark(account, quotes, T0).delta_coins["BTC"] == pytest.approx(0.0, abs=1e-5)

    def gain(forward: float) -> float:
        """Return the gain in dollars over ten coins that were simply held, written out."""
        option = 3.0 * undiscounted(forward, 60_000.0, SIGMA * math.sqrt(TAU), is_call=is_call)
        short = 3.0 * hedge  # coins sold, a negative number of them for a put
        profit = (
            short * FORWARD * (1 / forward - 1 / FORWARD) * forward
            if perpetual[0] == "deribit"
            else -short * (forward - FORWARD)
        )
        return option + (account.cash("deribit", "BTC") - 10.0) * forward + profit

    assert (gain(FORWARD + 1.0) - gain(FORWARD - 1.0)) / 2.0 == pytest.approx(0.0, abs=1e-4)


def test_a_linear_option_has_the_delta_of_black_76() -> None:
    account = account_with(("deribit", LINEAR, SELL, 2.0, 1_300.0))
    marked = mark(account, {("deribit", LINEAR): Mark(bid=1_290.0, ask=1_310.0, forward=FORWARD, volatility=SIGMA)}, T0)
    assert marked.delta_coins["BTC"] == pytest.approx(-2.0 * n_of_d1(is_call=True))
    assert marked.value == {("deribit", "USDC"): -2_620.0}


def test_nothing_open_is_worth_nothing() -> None:
    account = account_with(("deribit", CALL, BUY, 1.0, 0.03), ("deribit", CALL, SELL, 1.0, 0.031))
    assert mark(account, {}, T0).value_usd == 0.0
