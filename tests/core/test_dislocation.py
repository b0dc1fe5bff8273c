"""Edge E: one perpetual away from the others is traded against another one; everything else is not a dislocation."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.core.config import EngineConfig, RiskConfig
from aftershock.core.dislocation import DislocationWatch
from aftershock.core.engine import Effect, Engine
from aftershock.core.fees import FeeBook
from aftershock.core.forward import Consolidated, ForwardBook, dispersion_bps, median
from aftershock.core.streams import StreamStatus
from aftershock.model.events import Event, Gap, Halt, Quote, Stale, StreamId
from aftershock.model.instruments import FeeSchedule, Instrument
from aftershock.model.orders import ApprovedOrder
from aftershock.model.signals import (
    Action,
    ArbitrageSignal,
    EdgeType,
    Reason,
    TriggerClosed,
    TriggerKind,
    TriggerOpened,
)
from aftershock.model.table import InstrumentTable
from tests.core.market import (
    PERPETUALS,
    T0,
    engine_of,
    index_price,
    instrument,
    millis,
    of_type,
    perp_quote,
    seconds,
)

LEVEL = 60_000.0
QUIET_S = 40.0
STEP_MS = 50
HOLD_MS = 250
# What it takes: two taker fees of 5 bps, half a basis point of impact, half-spreads of 0.5 USD (0.08 bps) twice.
COST_BPS = 10.7


class Perpetuals:
    """Four venues that quote every 50 ms, 2 ms one after the other, all at the same level until somebody moves."""

    def __init__(self, config: EngineConfig | None = None, venues: Iterable[str] = PERPETUALS) -> None:
        self.engine: Engine = engine_of(config)
        self.effects: list[Effect] = []
        self.venues = tuple(venues)
        self.now = T0
        self.go_on(QUIET_S)
        assert self.effects == []

    def go_on(self, span_s: float, **moved_bps: float) -> Perpetuals:
        """Let time pass; venues (with underscores) stand away by so many bps."""
        shifts = {name.replace("_", "-"): bps for name, bps in moved_bps.items()}
        for _ in range(round(1000 * span_s / STEP_MS)):
            self.now += millis(STEP_MS)
            if (self.now - T0) % seconds(1) == 0:
                self.take(index_price(self.now, LEVEL))
            for place, venue in enumerate(self.venues):
                self.take(
                    self.changed(perp_quote(self.now + millis(2 * place), venue, self.mid(shifts.get(venue, 0.0))))
                )
        return self

    @staticmethod
    def mid(moved_bps: float) -> float:
        return LEVEL * math.exp(1e-4 * moved_bps)

    def changed(self, quote: Quote) -> Quote:
        """Return the quote as it arrives."""
        return quote

    def take(self, event: Event) -> None:
        self.effects += self.engine.process(event)

    @property
    def signals(self) -> list[ArbitrageSignal]:
        return of_type(ArbitrageSignal, self.effects)


def test_a_venue_alone_below_the_others_is_bought_and_the_cheapest_other_sold() -> None:
    market = Perpetuals().go_on(0.5, bybit=-30.0)
    kinds = [TriggerOpened, ArbitrageSignal, ApprovedOrder, TriggerClosed]
    assert [type(effect) for effect in market.effects] == kinds
    opened, signal, order, closed = market.effects
    assert (opened.kind, opened.profile, opened.series) == (TriggerKind.DISLOCATION, "full", "")
    assert opened.features["away_bps"] == pytest.approx(-30.0, abs=0.1)
    assert (signal.action, signal.reason, signal.edge_type) == (Action.BUY, Reason.EDGE, EdgeType.DISLOCATION)
    assert signal.legs[0].venue == "bybit"
    assert [leg.side.value for leg in signal.legs] == ["buy", "sell"]
    assert signal.legs[1].venue != "bybit"
    assert opened.ts_init == signal.ts_init == order.ts_init == closed.ts_init
    assert (signal.hedge, math.isnan(signal.latency_ms), signal.calibrated) == (None, True, False)


def test_a_venue_alone_above_the_others_is_sold() -> None:
    (signal,) = Perpetuals().go_on(0.5, deribit=30.0).signals
    assert (signal.action, signal.legs[0].venue) == (Action.SELL, "deribit")
    assert [leg.side.value for leg in signal.legs] == ["sell", "buy"]


def test_its_figures_add_up_and_the_way_out_costs_the_same_again() -> None:
    (signal,) = Perpetuals().go_on(0.5, deribit=30.0).signals
    net = signal.spread_bps * signal.forward / 1e4
    gross = signal.gross_spread_bps * signal.forward / 1e4
    assert gross - signal.fee_usd - signal.hedge_cost_usd == pytest.approx(net)
    assert signal.value_usd - signal.price_usd == pytest.approx(gross)
    assert signal.entry_cost_usd == pytest.approx(signal.fee_usd + signal.hedge_cost_usd)
    assert signal.exit_cost_usd == pytest.approx(signal.entry_cost_usd + 0.5)  # and its own half-spread
    assert signal.spread_bps == pytest.approx(30.0 - COST_BPS, abs=0.2)


def test_it_must_have_stood_away_for_a_quarter_of_a_second() -> None:
    market = Perpetuals()
    start = market.now
    (signal,) = market.go_on(0.5, okex_swap=-30.0).signals
    assert HOLD_MS <= (signal.ts_init - start) / 1e6 - STEP_MS <= HOLD_MS + STEP_MS


def test_one_that_comes_back_before_that_was_none() -> None:
    market = Perpetuals()
    for _ in range(5):
        market.go_on(0.2, bybit=-30.0)
        market.go_on(0.1)
    assert market.signals == []


def test_the_venue_that_leads_a_trend_is_not_away_because_the_others_quote_after_it() -> None:
    market = Perpetuals()
    for turn in range(40):  # 15 bps every 50 ms, one venue after the other
        market.go_on(STEP_MS / 1e3, **{venue.replace("-", "_"): -15.0 * turn for venue in PERPETUALS})
    assert [s for s in market.signals if s.edge_type is EdgeType.DISLOCATION] == []


def test_all_of_them_together_are_a_move_and_no_dislocation() -> None:
    market = Perpetuals().go_on(30.0).go_on(1.0, **{venue.replace("-", "_"): -50.0 for venue in PERPETUALS})
    assert {o.kind for o in of_type(TriggerOpened, market.effects)} == {TriggerKind.PRICE_MOVE}


def test_less_than_two_fees_apart_is_nothing_at_all() -> None:
    assert Perpetuals().go_on(1.0, bybit=-10.0, deribit=0.0).effects == []


def test_a_small_edge_is_a_hold_and_what_becomes_of_it_is_said_once_more() -> None:
    market = Perpetuals().go_on(1.0, deribit=-13.0)
    market.go_on(1.0, deribit=-25.0)
    market.go_on(2.0, deribit=-40.0)
    assert [(s.action, s.reason) for s in market.signals] == [
        (Action.HOLD, Reason.BELOW_MIN_SPREAD),
        (Action.BUY, Reason.EDGE),
    ]


def test_after_a_minute_the_same_venue_and_side_may_speak_again_and_the_other_side_at_once() -> None:
    market = Perpetuals().go_on(1.0, deribit=-30.0)
    market.go_on(1.0, deribit=30.0)
    market.go_on(30.0)
    market.go_on(1.0, deribit=-30.0)
    assert [s.action for s in market.signals] == [Action.BUY, Action.SELL]
    market.go_on(35.0)
    market.go_on(1.0, deribit=-30.0)
    assert [s.action for s in market.signals] == [Action.BUY, Action.SELL, Action.BUY]


def test_others_that_do_not_agree_among_themselves_prove_nothing() -> None:
    assert Perpetuals().go_on(1.0, bybit=-60.0, deribit=-10.0, okex_swap=10.0).effects == []
    agreeing = Perpetuals().go_on(1.0, bybit=-60.0, deribit=-2.0, okex_swap=2.0)
    assert [s.legs[0].venue for s in agreeing.signals] == ["bybit"]


def test_two_venues_are_not_enough_to_say_which_one_is_away() -> None:
    config = EngineConfig(min_forward_venues=2)
    assert Perpetuals(config, ("bybit", "deribit")).go_on(1.0, bybit=-60.0).effects == []
    assert Perpetuals(config, ("bybit", "deribit", "okex-swap")).go_on(1.0, bybit=-40.0).signals


class Delayed(Perpetuals):
    """The same, with one venue's feed delayed: its quotes carry an older venue time."""

    lag_ms = 0.0

    def changed(self, quote: Quote) -> Quote:
        if quote.venue != "bybit":
            return quote
        return msgspec.structs.replace(quote, ts_event=quote.ts_init - millis(self.lag_ms))


@pytest.mark.parametrize(("lag_ms", "reason"), [(300.0, Reason.DESYNC), (200.0, Reason.EDGE)])
def test_a_delayed_feed_is_not_a_dislocation(lag_ms: float, reason: Reason) -> None:
    market = Delayed()
    market.lag_ms = lag_ms
    (signal,) = market.go_on(0.5, bybit=-30.0).signals
    assert signal.reason is reason
    assert (signal.action is Action.HOLD) == (reason is Reason.DESYNC)


def test_a_delayed_feed_that_catches_up_may_still_be_traded() -> None:
    market = Delayed()
    market.lag_ms = 300.0
    market.go_on(0.5, bybit=-30.0)
    market.lag_ms = 0.0
    market.go_on(0.5, bybit=-30.0)
    assert [s.reason for s in market.signals] == [Reason.DESYNC, Reason.EDGE]


@pytest.mark.parametrize("fault", [Gap, Stale])
def test_a_venue_that_is_silent_or_in_a_gap_is_never_a_leg(fault: type[Gap | Stale]) -> None:
    sound = Perpetuals().go_on(0.5, bybit=-30.0)
    cheapest = sound.signals[0].legs[1].venue
    market = Perpetuals()
    market.venues = tuple(venue for venue in market.venues if venue != cheapest)
    more: dict[str, Any] = {"from_ts": market.now, "to_ts": market.now} if fault is Gap else {}
    market.take(
        fault(
            ts_event=market.now + millis(10),
            ts_init=market.now + millis(10),
            stream=StreamId(cheapest, "quotes", PERPETUALS[cheapest]),
            **more,
        )
    )
    market.go_on(0.4, bybit=-30.0)
    assert [leg.venue for leg in market.signals[0].legs if leg.venue == cheapest] == []


def test_a_stale_venue_that_goes_on_quoting_is_not_tested_itself() -> None:
    market = Perpetuals()
    stream = StreamId("bybit", "quotes", "BTCUSDT")
    market.take(Stale(ts_event=market.now + 1, ts_init=market.now + millis(10), stream=stream))
    assert market.go_on(1.0, bybit=-30.0).signals == []


def test_a_halt_leaves_a_hold() -> None:
    market = Perpetuals()
    market.take(Halt(ts_event=market.now, ts_init=market.now + millis(10), reason="a person"))
    assert [(s.action, s.reason) for s in market.go_on(0.5, bybit=-30.0).signals] == [(Action.HOLD, Reason.VENUE_DOWN)]


class Sized(Perpetuals):
    """The same, with the size of every quote of one venue replaced."""

    native = 20.0

    def changed(self, quote: Quote) -> Quote:
        if quote.venue != "bybit":
            return quote
        return msgspec.structs.replace(quote, bid_amount=self.native, ask_amount=self.native)


@pytest.mark.parametrize(("native", "coins"), [(20.0, 1.0), (1.0, 0.5), (0.0123, 0.006), (0.0021, 0.001)])
def test_the_size_is_half_of_what_is_quoted_in_thousandths_of_a_coin(native: float, coins: float) -> None:
    market = Sized()
    market.native = native
    (signal,) = market.go_on(0.5, bybit=-30.0).signals
    assert (signal.quantity, signal.action) == (coins, Action.BUY)


def test_less_than_a_thousandth_of_a_coin_is_thin() -> None:
    market = Sized()
    market.native = 0.0019
    (signal,) = market.go_on(0.5, bybit=-30.0).signals
    assert (signal.action, signal.reason) == (Action.HOLD, Reason.THIN)


def known_lot(lot: float) -> Engine:
    given = msgspec.structs.replace(instrument("bybit", "BTCUSDT"), lot_size=lot)
    return Engine(EngineConfig(), InstrumentTable(given=(given,)))


class OfKnownLot(Sized):
    def __init__(self, lot: float) -> None:
        self.lot = lot
        super().__init__()

    def take(self, event: Event) -> None:
        if event.ts_init <= T0 + millis(STEP_MS) and not self.effects and not hasattr(self, "swapped"):
            self.engine, self.swapped = known_lot(self.lot), True
        super().take(event)


def test_a_known_lot_is_the_step() -> None:
    market = OfKnownLot(0.2)
    market.native = 1.5
    (signal,) = market.go_on(0.5, bybit=-30.0).signals
    assert signal.quantity == pytest.approx(0.6)


def test_an_edge_beyond_belief_is_a_mistake_of_data() -> None:
    (signal,) = Perpetuals().go_on(0.5, bybit=-300.0).signals
    assert (signal.action, signal.reason) == (Action.HOLD, Reason.UNIT_CHECK)


def test_the_collar_holds_the_perpetual_against_its_fair_price() -> None:
    (signal,) = Perpetuals().go_on(0.5, bybit=-80.0).signals
    assert signal.action is Action.BUY
    tight = EngineConfig(risk=RiskConfig(collar_value_bps=50.0, collar_value_fraction=0.005))
    (signal,) = Perpetuals(tight).go_on(0.5, bybit=-80.0).signals
    assert (signal.action, signal.reason) == (Action.HOLD, Reason.RISK_LIMIT)


@pytest.mark.parametrize(
    "config", [EngineConfig(edges=("A", "B", "C", "D")), EngineConfig(forward="underlying")], ids=str
)
def test_what_is_switched_off_or_has_no_consolidated_series_is_not_looked_for(config: EngineConfig) -> None:
    assert Perpetuals(config).go_on(1.0, bybit=-30.0).effects == []


def test_the_opposite_leg_pays_for_standing_on_the_wrong_side_of_its_own_fair_value() -> None:
    (level,) = Perpetuals().go_on(0.5, bybit=-30.0).signals
    cheapest = level.legs[1].venue
    (signal,) = Perpetuals().go_on(0.5, bybit=-30.0, **{cheapest.replace("-", "_"): -3.0}).signals
    # Sold three basis points too cheap it would no longer be the cheapest way.
    assert signal.legs[1].venue != cheapest


# --- the screen -------------------------------------------------------------------------------------------------


class OneFee(FeeBook):
    """Every venue takes the same rate, or nobody knows it."""

    def __init__(self, rate: float | None) -> None:
        super().__init__(InstrumentTable())
        self.rate = rate

    def of(self, instrument: Instrument, ts: int) -> FeeSchedule | None:
        if self.rate is None:
            return None
        return FeeSchedule(
            venue=instrument.venue,
            kind=instrument.kind,
            inverse=False,
            valid_from_ns=ts,
            taker_rate=self.rate,
            maker_rate=0.0,
        )


def watch_with(levels_bps: list[float], rate: float | None) -> tuple[DislocationWatch, Consolidated, list[str]]:
    """Return a watch over venues that stand at these levels, the spread between bid and ask almost nothing."""
    config = EngineConfig(dislocation_hold_ms=0.0, hedge_impact_bps=0.0, perp_max_age_ms=1e9, basis_history_s=0.0)
    book = ForwardBook(config, StreamStatus())
    venues = [*PERPETUALS, "ftx", "huobi-dm-linear-swap", "kraken"][: len(levels_bps)]
    terms = instrument("bybit", "BTCUSDT")
    for venue, bps in zip(venues, levels_bps, strict=True):
        mid = LEVEL * math.exp(bps * 1e-4)
        quote = Quote(
            ts_event=T0,
            ts_init=T0,
            venue=venue,
            symbol="X",
            bid=mid - 1e-6,
            bid_amount=1.0,
            ask=mid + 1e-6,
            ask_amount=1.0,
        )
        book.on_perpetual(msgspec.structs.replace(terms, venue=venue), quote)
    logs = {venue: math.log(LEVEL) + bps * 1e-4 for venue, bps in zip(venues, levels_bps, strict=True)}
    values = list(logs.values())
    held = Consolidated(median(values), dispersion_bps(values, median(values)), len(logs), logs)
    return DislocationWatch(config, OneFee(rate), book), held, venues


@given(
    levels=st.lists(st.floats(-40.0, 40.0), min_size=3, max_size=7),
    rate=st.floats(0.0, 2e-3),
)
def test_the_quick_comparison_never_loses_what_the_full_test_would_find(levels: list[float], rate: float) -> None:
    for place in range(len(levels)):
        watch, held, venues = watch_with(levels, rate)
        whole = watch.test(venues[place], held, T0)
        quick = watch.on_quote(venues[place], held, T0)
        assert [each.venue for each in quick] == ([] if whole is None else [venues[place]])


def test_a_fee_that_nobody_knows_leaves_no_net_edge() -> None:
    watch, held, venues = watch_with([-60.0, 0.0, 0.0, 0.0], None)
    assert watch.on_quote(venues[0], held, T0) == []
    assert watch.test(venues[0], held, T0) is None
    known, held, venues = watch_with([-60.0, 0.0, 0.0, 0.0], 5e-4)
    assert known.on_quote(venues[0], held, T0)
