"""One option on two venues: bought where it is cheap, sold where it is dear, after all that two venues cost."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.core.config import EngineConfig
from aftershock.core.cross_venue import CrossPair, CrossVenueScanner
from aftershock.core.engine import Effect, Engine
from aftershock.core.fees import FeeBook
from aftershock.core.market import Market
from aftershock.core.stats import EngineStats
from aftershock.model.events import Event, OptionQuotes, Stale, StreamId
from aftershock.model.instruments import FeeSchedule, Kind
from aftershock.model.orders import ApprovedOrder, Side
from aftershock.model.signals import Action, Alarm, ArbitrageSignal, EdgeType, Reason, TriggerOpened
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NAN
from tests.core.market import (
    EXPIRY_NS,
    T0,
    Row,
    encoded,
    engine_of,
    index_price,
    millis,
    of_type,
    option_quotes,
    perp_quote,
    raw_quote,
    run,
    seconds,
)

F = 60_000.0
INVERSE, LINEAR, OKX = "BTC-6MAR26-60000-C", "BTC_USDC-6MAR26-60000-C", "BTC-USD-260306-60000-C"
YEARS = (EXPIRY_NS - T0) / (365 * 86_400e9)
# Fees of 2026: trade and delivery, as fractions of the underlying.
DERIBIT, DERIBIT_LINEAR, OKEX = 0.0003 + 0.00015, 0.0005 + 0.00015, 0.0003 + 0.0002


def rows(
    symbol: str, bid: float, ask: float, *, at: int = T0, amount: float = 10.0, forward: float = F
) -> OptionQuotes:
    """Return one option's row; OKX counts contracts of a hundredth of a coin."""
    venue = "okex-options" if symbol == OKX else "deribit"
    family = "BTC_USDC" if symbol == LINEAR else "BTC"
    native = 100.0 * amount if symbol == OKX else amount
    row = Row(ts=at, symbol=symbol, bid=bid, ask=ask, bid_amount=native, ask_amount=native, underlying=forward)
    return option_quotes([row], venue, family)


def perpetuals(middle: float = F, at: int = T0) -> list[Event]:
    return [index_price(at - 1, F), perp_quote(at - 1, "binance-futures", middle, half_spread=3.0)]


def said(*events: Event, **config: float) -> tuple[Engine, list[Effect]]:
    engine = engine_of(EngineConfig(**config))  # type: ignore[arg-type]
    return engine, run(engine, [index_price(T0 - 2, F), *events])


def decided(*events: Event, **config: float) -> ArbitrageSignal:
    (signal,) = of_type(ArbitrageSignal, said(*events, **config)[1])
    return signal


CHEAP_HERE = rows(INVERSE, 0.0390, 0.0400), rows(OKX, 0.0425, 0.0435)


def test_what_is_cheap_is_bought_and_what_is_dear_is_sold_elsewhere() -> None:
    _, effects = said(*CHEAP_HERE)
    alarm, opened, signal, order, _ = effects
    assert isinstance(alarm, Alarm)
    assert alarm.code == "static_arbitrage"
    assert opened.kind == "static"
    assert (signal.action, signal.reason, signal.edge_type) == (Action.BUY, Reason.EDGE, EdgeType.CROSS_VENUE)
    assert signal.target_market == signal.source_market == "deribit+okex-options"
    assert [(leg.venue, leg.symbol, leg.side, leg.price, leg.ratio) for leg in signal.legs] == [
        ("deribit", INVERSE, Side.BUY, 0.0400, 1.0),
        ("okex-options", OKX, Side.SELL, 0.0425, 1.0),
    ]
    assert isinstance(order, ApprovedOrder)
    assert order.intent.edge == "C"
    assert order.intent.legs == signal.legs


def test_its_net_edge_pays_fees_delivery_the_index_and_the_capital_of_both_venues() -> None:
    signal = decided(*CHEAP_HERE)
    capital = (0.0400 + 0.15) * 0.10 * YEARS
    assert signal.gross_spread_bps == pytest.approx(25.0)
    assert signal.fee_usd == pytest.approx((DERIBIT + OKEX) * F)
    assert signal.allowance_usd == pytest.approx((1e-4 + capital) * F)
    assert signal.hedge_cost_usd == 0.0
    assert signal.spread_bps == pytest.approx(25.0 - 1e4 * (DERIBIT + OKEX + 1e-4 + capital))
    assert signal.price_usd == pytest.approx(-0.0025 * F)
    assert signal.value_usd == 0.0
    assert signal.hedge is None  # what is left is the edge, in coin


def test_the_other_direction_is_found_from_the_other_prices() -> None:
    signal = decided(rows(INVERSE, 0.0425, 0.0435), rows(OKX, 0.0390, 0.0400))
    assert signal.target_market == "okex-options+deribit"
    assert [leg.side for leg in signal.legs] == [Side.BUY, Side.SELL]
    assert signal.gross_spread_bps == pytest.approx(25.0)


def test_whichever_leg_comes_last_the_pair_is_the_same() -> None:
    either = [decided(*legs) for legs in (CHEAP_HERE, CHEAP_HERE[::-1])]
    assert either[0] == msgspec.structs.replace(either[1], signal_id=either[0].signal_id)


@pytest.mark.parametrize("setting", ["settlement_basis_bps", "cross_short_margin", "capital_rate_per_year"])
def test_each_allowance_can_be_set(setting: str) -> None:
    less = decided(*CHEAP_HERE, **{setting: 0.0})
    lost = {"settlement_basis_bps": 1e-4, "cross_short_margin": 0.15 * 0.10 * YEARS}.get(setting, 0.19 * 0.10 * YEARS)
    assert less.spread_bps - decided(*CHEAP_HERE).spread_bps == pytest.approx(1e4 * lost)


def test_an_edge_below_its_own_threshold_is_an_alarm_and_a_hold() -> None:
    cost = DERIBIT + OKEX + 1e-4 + 0.19 * 0.10 * YEARS
    signal = decided(rows(INVERSE, 0.0390, 0.0400), rows(OKX, 0.0400 + cost + 2.9e-4, 0.0500))
    assert signal.spread_bps == pytest.approx(2.9)
    assert (signal.action, signal.reason) == (Action.HOLD, Reason.BELOW_MIN_SPREAD)
    assert decided(rows(INVERSE, 0.0390, 0.0400), rows(OKX, 0.0400 + cost + 3.1e-4, 0.0500)).action is Action.BUY


# --- inverse against linear ------------------------------------------------------------------------------------------


def mixed(linear: tuple[float, float], okx: tuple[float, float], middle: float = F, **config: float) -> ArbitrageSignal:
    return decided(*perpetuals(middle), rows(LINEAR, *linear), rows(OKX, *okx), **config)


HEDGE_UNIT = (0.0005 + 0.5e-4) * F + 3.0  # taker fee, impact, half the spread


def test_coins_taken_in_for_an_inverse_leg_are_sold_on_the_perpetual() -> None:
    signal = mixed((2_370.0, 2_400.0), (0.0440, 0.0450))
    assert [leg.price_usd for leg in signal.legs] == pytest.approx([2_400.0, 0.0440 * F])
    assert signal.gross_spread_bps == pytest.approx(1e4 * (0.0440 * F - 2_400.0) / F)
    assert signal.hedge is not None
    assert signal.hedge.side is Side.SELL
    assert signal.hedge.coins == pytest.approx(0.0440 * signal.quantity)
    assert signal.hedge_cost_usd == pytest.approx(0.0440 * HEDGE_UNIT)
    assert signal.hedge_delta == 0.0440


def test_coins_paid_for_an_inverse_leg_are_bought_on_the_perpetual() -> None:
    signal = mixed((2_640.0, 2_700.0), (0.0390, 0.0400))
    assert [leg.symbol for leg in signal.legs] == [OKX, LINEAR]
    assert signal.hedge is not None
    assert signal.hedge.side is Side.BUY
    assert signal.hedge.coins == pytest.approx(0.0400 * signal.quantity)
    assert signal.hedge_delta == -0.0400


@pytest.mark.parametrize(
    ("linear", "okx", "middle", "worse"),
    [
        ((2_370.0, 2_400.0), (0.0440, 0.0450), F - 90.0, 90.0),
        ((2_370.0, 2_400.0), (0.0440, 0.0450), F + 90.0, 0.0),
        ((2_640.0, 2_700.0), (0.0390, 0.0400), F + 90.0, 90.0),
        ((2_640.0, 2_700.0), (0.0390, 0.0400), F - 90.0, 0.0),
    ],
)
def test_a_perpetual_away_from_the_forward_costs_but_never_pays(
    linear: tuple[float, float], okx: tuple[float, float], middle: float, worse: float
) -> None:
    signal = mixed(linear, okx, middle)
    assert signal.hedge is not None
    coins = abs(signal.hedge_delta)
    assert signal.hedge_cost_usd == pytest.approx(coins * ((0.00055) * middle + 3.0 + worse))


def test_another_quote_currency_costs_the_stablecoin_haircut() -> None:
    legs = (2_370.0, 2_400.0), (0.0440, 0.0450)
    with_it, without = mixed(*legs), mixed(*legs, stable_haircut_bps=0.0)
    assert without.spread_bps - with_it.spread_bps == pytest.approx(10.0)
    assert with_it.fee_usd == pytest.approx((DERIBIT_LINEAR + OKEX) * F)


def test_without_a_perpetual_coins_can_not_be_hedged() -> None:
    engine, effects = said(rows(LINEAR, 2_370.0, 2_400.0), rows(OKX, 0.0440, 0.0450))
    assert effects == []
    counts = engine.stats.packages["cross_venue"]
    assert (counts.gross, counts.net, counts.no_executable_forward) == (1, 0, 1)


# --- sizes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("here", "there", "quantity"), [(10.0, 10.0, 1.0), (10.0, 1.31, 0.6), (0.9, 10.0, 0.4), (0.19, 10.0, None)]
)
def test_the_size_is_half_of_the_smaller_leg_in_lots_of_both_venues(
    here: float, there: float, quantity: float | None
) -> None:
    signal = decided(
        rows(INVERSE, 0.0390, 0.0400, amount=here), rows(OKX, 0.0425, 0.0435, amount=there), order_coins=1.0
    )
    # A tenth of a coin on Deribit, a hundredth on OKX: the tenth is a lot of both.
    if quantity is None:
        assert (signal.action, signal.reason) == (Action.HOLD, Reason.THIN)
    else:
        assert signal.quantity == quantity


def test_the_perpetual_limits_the_size_by_the_coins_that_it_takes() -> None:
    shallow = perp_quote(T0 - 1, "binance-futures", F, half_spread=3.0, coins=0.044)
    legs = rows(LINEAR, 2_370.0, 2_400.0), rows(OKX, 0.0440, 0.0450)
    assert decided(index_price(T0 - 1, F), shallow, *legs).quantity == pytest.approx(0.5)


def test_a_feed_without_sizes_gives_no_size() -> None:
    signal = decided(rows(INVERSE, 0.0390, 0.0400, amount=NAN), CHEAP_HERE[1])
    assert (signal.action, signal.reason) == (Action.HOLD, Reason.NO_SIZE)


# --- what is tested --------------------------------------------------------------------------------------------------


def counted(*events: Event, **config: float) -> tuple[int, int, int]:
    counts = said(*events, **config)[0].stats.packages["cross_venue"]
    return counts.checked, counts.desync, counts.unquoted


def test_legs_of_one_moment_are_tested_once_and_else_with_each_leg() -> None:
    later = [rows(OKX, 0.0390, 0.0400, at=T0 + millis(1)), rows(INVERSE, 0.0390, 0.0400, at=T0 + millis(2))]
    fair = [rows(INVERSE, 0.0390, 0.0400), rows(OKX, 0.0390, 0.0400)]
    assert counted(*fair) == (2, 0, 0)
    assert counted(*fair, *later) == (6, 0, 0)


@pytest.mark.parametrize(("apart_ms", "tests"), [(250, (2, 0, 0)), (251, (0, 2, 0))])
def test_legs_farther_apart_than_the_span_are_not_tested(apart_ms: float, tests: tuple[int, int, int]) -> None:
    assert counted(CHEAP_HERE[0], rows(OKX, 0.0425, 0.0435, at=T0 + millis(apart_ms))) == tests


@pytest.mark.parametrize(
    "other",
    ["BTC-USD-260306-60000-P", "BTC-USD-260306-61000-C", "BTC-USD-260327-60000-C", "ETH-USD-260306-60000-C"],
)
def test_another_type_strike_expiry_or_coin_is_another_option(other: str) -> None:
    row = option_quotes([Row(ts=T0, symbol=other, bid=0.05, ask=0.06, underlying=F)], "okex-options")
    assert counted(CHEAP_HERE[0], row) == (0, 0, 0)


def test_two_chains_of_one_venue_are_no_pair() -> None:
    assert counted(*perpetuals(), rows(INVERSE, 0.05, 0.06), rows(LINEAR, 2_300.0, 2_400.0)) == (0, 0, 0)


def test_a_direction_without_a_price_is_unquoted() -> None:
    assert counted(rows(INVERSE, NAN, 0.0400), rows(OKX, 0.0390, 0.0400)) == (2, 0, 1)


def test_without_a_forward_prices_in_coin_and_in_dollars_can_not_be_compared() -> None:
    linear = rows(LINEAR, 2_370.0, 2_400.0, forward=NAN)
    assert counted(*perpetuals(), linear, rows(OKX, 0.0440, 0.0450, forward=NAN)) == (2, 0, 2)


def test_nothing_is_ordered_while_either_chain_is_silent() -> None:
    stale = Stale(ts_event=T0 - 1, ts_init=T0 - 1, stream=StreamId("okex-options", "option_quotes", "BTC"))
    signal = decided(stale, *CHEAP_HERE)
    assert (signal.action, signal.reason) == (Action.HOLD, Reason.VENUE_DOWN)


def test_the_same_pair_and_direction_speaks_again_only_after_a_minute() -> None:
    again = [
        rows(symbol, bid, ask, at=T0 + seconds(second))
        for second in range(130)
        for symbol, bid, ask in ((INVERSE, 0.0390, 0.0400), (OKX, 0.0425, 0.0435))
    ]
    _, effects = said(*again)
    assert [round((each.ts_init - T0) / 1e9) for each in of_type(TriggerOpened, effects)] == [0, 60, 120]


def test_an_edge_too_good_to_be_true_is_refused() -> None:
    signal = decided(CHEAP_HERE[0], rows(OKX, 0.4000, 0.4350))  # a price with its point in the wrong place
    assert (signal.action, signal.reason) == (Action.HOLD, Reason.UNIT_CHECK)


def test_the_collar_of_the_gate_holds_for_pairs_too() -> None:
    _, effects = said(CHEAP_HERE[0], rows(OKX, 0.0470, 0.0480))
    (signal,) = of_type(ArbitrageSignal, effects)
    assert (signal.action, signal.reason) == (Action.HOLD, Reason.RISK_LIMIT)


def test_with_an_unknown_fee_nothing_is_net() -> None:
    legs = rows(INVERSE, 0.0390, 0.0400), rows(OKX, 0.0425, 0.0435)
    engine, effects = said(*legs)
    assert len(of_type(ArbitrageSignal, effects)) == 1
    nobody = FeeSchedule(
        venue="okex-options", kind=Kind.OPTION, inverse=True, valid_from_ns=0, taker_rate=NAN, maker_rate=NAN
    )
    engine = Engine(EngineConfig(), InstrumentTable(fees=(nobody,)))
    assert run(engine, [index_price(T0 - 2, F), *legs]) == []
    counts = engine.stats.packages["cross_venue"]
    assert (counts.gross, counts.net) == (1, 0)


# --- where batches are cut -------------------------------------------------------------------------------------------


def both_venues() -> list[tuple[str, Row]]:
    """Return rows of two venues, some at one moment, some of them in violation."""
    items = []
    for step in range(40):
        at, wobble = T0 + millis(40 * (step // 2)), 1e-4 * (step * 7 % 11)
        symbol = OKX if step % 4 < 2 else INVERSE
        for each in (symbol, symbol.replace("60000", "61000")):
            bid = 0.0400 + (3 * wobble if symbol == OKX else 0.0)
            items.append((symbol, Row(ts=at, symbol=each, bid=bid, ask=bid + 2e-4, bid_amount=500.0, underlying=F)))
    return items


def cut(items: list[tuple[str, Row]], cuts: list[int]) -> Iterator[Event]:
    """Yield batches of one stream each, cut at these positions too."""
    batch: list[Row] = []
    of = ""
    for at, (stream, row) in enumerate(items):
        if batch and (stream != of or at in cuts):
            yield option_quotes(batch, "okex-options" if of == OKX else "deribit")
            batch = []
        of = stream
        batch.append(row)
    yield option_quotes(batch, "okex-options" if of == OKX else "deribit")


@given(cuts=st.lists(st.integers(0, 79), max_size=80))
def test_where_batches_are_cut_never_shows(cuts: list[int]) -> None:
    whole, parts = (said(*cut(both_venues(), where)) for where in ([], cuts))
    assert of_type(ArbitrageSignal, whole[1])
    assert encoded(parts[1]) == encoded(whole[1])
    assert parts[0].stats.packages == whole[0].stats.packages


# --- at settlement ---------------------------------------------------------------------------------------------------

FREE = tuple(
    FeeSchedule(venue=venue, kind=kind, inverse=inverse, valid_from_ns=0, taker_rate=0.0, maker_rate=0.0)
    for venue, kind, inverse in (
        ("deribit", Kind.OPTION, True),
        ("deribit", Kind.OPTION, False),
        ("okex-options", Kind.OPTION, True),
        ("binance-futures", Kind.PERPETUAL, False),
    )
)
SETTLEMENTS = np.unique(np.concatenate([np.geomspace(100.0, 1e7, 801), np.array([60_000.0])]))
TOPS = st.tuples(st.floats(0.0005, 0.3), st.floats(0.0, 0.02))


def pairs(here: OptionQuotes, there: OptionQuotes, bid: float, ask: float) -> list[CrossPair]:
    """Return the pairs of two venues beside a perpetual, with no fee and no allowance."""
    config = EngineConfig(
        settlement_basis_bps=0.0, stable_haircut_bps=0.0, capital_rate_per_year=0.0, hedge_impact_bps=0.0
    )
    table = InstrumentTable(fees=FREE)
    market = Market(config, table, EngineStats())
    asset = market.asset("BTC")
    perpetual = table.resolve("binance-futures", "BTCUSDT")
    if perpetual is None:
        raise LookupError("no terms of the perpetual")
    asset.book.on_perpetual(perpetual, raw_quote(T0, "binance-futures", "BTCUSDT", bid, ask))
    for quotes in (here, there):
        listed = market.option(quotes.stream.venue, quotes.symbols[0])
        if listed is None:
            raise LookupError(quotes.symbols[0])
        _, chain, row = listed
        columns = ("bid", "bid_amount", "ask", "ask_amount", "mark_price", "mark_iv", "underlying_price")
        chain.update(row, T0, tuple(float(quotes.columns[name][0]) for name in columns))
    return CrossVenueScanner(config, FeeBook(table)).scan(asset, chain, row, T0, {})


@given(here=TOPS, there=TOPS, kind=st.sampled_from("CP"), linear=st.booleans(), basis=st.floats(-300, 300))
def test_at_no_settlement_price_does_a_pair_leave_less_than_its_edge(
    here: tuple[float, float], there: tuple[float, float], kind: str, basis: float, *, linear: bool
) -> None:
    unit = F if linear else 1.0
    symbols = [symbol.replace("-C", f"-{kind}") for symbol in (LINEAR if linear else INVERSE, OKX)]
    first = rows(LINEAR if linear else INVERSE, unit * here[0], unit * sum(here))
    second = rows(OKX, there[0], sum(there))
    bid, ask = F + basis - 3.0, F + basis + 3.0
    first, second = (
        msgspec.structs.replace(each, symbols=[name]) for each, name in zip((first, second), symbols, strict=True)
    )
    found = pairs(first, second, bid, ask)
    if not linear:
        assert bool(found) == (max(here[0] - sum(there), there[0] - sum(here)) > 0)
    pays = np.maximum((SETTLEMENTS - F) * (1 if kind == "C" else -1), 0.0)
    for pair in found:
        paid_in, left = np.zeros_like(SETTLEMENTS), np.zeros_like(SETTLEMENTS)  # coins and dollars at expiry
        for leg, side in ((pair.bought, Side.BUY), (pair.sold, Side.SELL)):
            sign, price = (1, leg.price(side)) if side is Side.BUY else (-1, leg.price(side))
            if leg.instrument.inverse:
                paid_in += sign * (pays / SETTLEMENTS - price)
            else:
                left += sign * (pays - price)
        if pair.hedge is None:
            # In coin: the same at every settlement.
            assert paid_in == pytest.approx(pair.gross_bps / 1e4, abs=1e-9)
            continue
        hedged = bid if pair.premium_coins > 0 else ask
        left += paid_in * SETTLEMENTS + pair.premium_coins * (hedged - SETTLEMENTS)
        assert left.min() >= pair.net_bps / 1e4 * F - 1e-6
        assert left.max() - left.min() <= 1e-6
