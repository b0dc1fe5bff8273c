"""Where a delta is hedged, and which fees hold when."""

from __future__ import annotations

import pytest

from aftershock.core.fees import FeeBook
from aftershock.core.hedge import HedgeQuote, cheapest_hedge
from aftershock.model.events import Event
from aftershock.model.instruments import FeeSchedule, Kind
from aftershock.model.orders import Side
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NS_PER_DAY, utc_ns
from tests.core.market import T0, engine_of, instrument, millis, perp_quote, raw_quote, run

# Taker rates of the bundled table: 5 bps, and 5.5 at bybit.


def hedge(*events: Event, now: int = T0, impact_bps: float = 0.5) -> HedgeQuote | None:
    engine = engine_of()
    run(engine, events, end=False)
    return cheapest_hedge(engine.assets["BTC"].book, FeeBook(InstrumentTable()), now, impact_bps)


def cost(*events: Event, **more: float) -> float:
    found = hedge(*events, **more)  # type: ignore[arg-type]
    assert found is not None
    return found.unit_cost_usd


def test_a_coin_costs_the_taker_fee_half_the_spread_and_an_impact() -> None:
    assert cost(perp_quote(T0, "okex-swap", 60_000.0, half_spread=2.0)) == pytest.approx(
        (5e-4 + 0.5e-4) * 60_000.0 + 2.0
    )


def test_the_cheapest_venue_counting_its_fee_is_chosen() -> None:
    wide, dear = perp_quote(T0, "okex-swap", 60_000.0, half_spread=20.0), perp_quote(T0, "bybit", 60_000.0)
    found = hedge(wide, dear)
    assert found is not None
    assert found.venue == "bybit"  # 3 USD more fee, 19.5 less spread


def test_of_equals_the_first_by_name_is_chosen() -> None:
    found = hedge(perp_quote(T0, "okex-swap", 60_000.0), perp_quote(T0, "binance-futures", 60_000.0))
    assert found is not None
    assert found.venue == "binance-futures"


def test_a_venue_whose_fee_nobody_knows_is_none() -> None:
    assert hedge(raw_quote(T0, "ftx-us", "BTC-PERP", 59_999.0, 60_001.0)) is None


def test_an_old_quote_is_none() -> None:
    assert hedge(perp_quote(T0, "bybit", 60_000.0), now=T0 + millis(501)) is None


def test_a_buyer_meets_the_ask_and_a_seller_the_bid() -> None:
    found = HedgeQuote(venue="v", symbol="s", unit_cost_usd=1.0, buy_coins=3.0, sell_coins=4.0)
    assert (found.coins(Side.BUY), found.coins(Side.SELL)) == (3.0, 4.0)


def test_fees_change_on_the_day_they_change_and_back_again_for_older_data() -> None:
    book = FeeBook(InstrumentTable())
    option = instrument("okex-options", "BTC-USD-250627-100000-C")
    change = utc_ns(2025, 5, 15)
    caps = []
    for ts in (change - 1, change, change + NS_PER_DAY, change - NS_PER_DAY):
        schedule = book.of(option, ts)
        assert schedule is not None
        caps.append(schedule.cap_fraction)
    assert caps == [0.125, 0.07, 0.07, 0.125]


def test_fees_of_the_account_go_before_those_of_the_table() -> None:
    own = FeeSchedule(
        venue="bybit", kind=Kind.PERPETUAL, inverse=False, valid_from_ns=1, taker_rate=1e-5, maker_rate=0.0
    )
    schedule = FeeBook(InstrumentTable(fees=(own,))).of(instrument("bybit", "BTCUSDT"), T0)
    assert schedule == own


def test_an_unknown_fee_is_none_and_not_zero() -> None:
    assert FeeBook(InstrumentTable()).of(instrument("ftx-us", "BTC-PERP"), T0) is None
