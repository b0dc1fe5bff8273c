"""What was held is judged anew: the same legs and side, by the figures of the moment at which it is decided."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.core.asset import AssetState
from aftershock.core.config import EngineConfig
from aftershock.core.engine import Effect
from aftershock.core.fees import FeeBook
from aftershock.core.package import ExecutableForward, Package
from aftershock.core.package_price import package_again
from aftershock.core.streams import StreamStatus
from aftershock.model.events import Event, Stale, StreamId, Timer
from aftershock.model.orders import ApprovedOrder
from aftershock.model.review import Fallback
from aftershock.model.signals import (
    Action,
    ArbitrageSignal,
    EdgeType,
    Reason,
    ReviewRequest,
    TriggerClosed,
    TriggerKind,
    TriggerOpened,
)
from aftershock.model.table import InstrumentTable
from tests.core.market import (
    EXPIRY_NS,
    PERPETUALS,
    T0,
    Row,
    future_quote,
    liquidation,
    millis,
    of_type,
    option_quotes,
    quote_values,
    run,
)
from tests.core.market import engine_of as engine_with
from tests.core.package_quotes import NO_FEES, Tops, chain_with, found_by_any_row, future, mark, tops
from tests.core.reviewer import Answer, Mode, Reviewed, reply_to, reviewed_run, with_review
from tests.core.shock import CONFIG, batched, one_by_one, timeline
from tests.core.test_cross_venue import INVERSE, LINEAR, OKX, perpetuals, rows
from tests.core.test_dislocation import STEP_MS, Perpetuals
from tests.core.test_guards import evaluated, position, value_of, watched
from tests.core.test_stale_quotes import FEES, HEDGE

DEALT = msgspec.structs.replace(NO_FEES, taker_rate=3e-4, delivery_rate=1.5e-4, cap_fraction=0.125)


# --- packages --------------------------------------------------------------------------------------------------------


class Forwards(AssetState):
    """A coin whose packages are measured against one given forward."""

    def __init__(self, forward: ExecutableForward) -> None:
        super().__init__("BTC", EngineConfig(), FeeBook(InstrumentTable()), StreamStatus())
        self._given = forward

    def package_forward(self, *_: Any) -> ExecutableForward:
        return self._given


def figures(package: Package) -> list[float]:
    return [
        package.gross_bps,
        package.cost_bps,
        package.fee_usd,
        package.price_usd,
        package.future_coins,
        float(package.span_ns),
        float(package.oldest),
    ]


@given(st.data(), st.booleans(), st.booleans())
def test_a_package_at_unchanged_quotes_is_what_it_was(
    data: st.DataObject,
    inverse: bool,
    executable: bool,
) -> None:
    chain = chain_with(data.draw(tops(unit=1.0 if inverse else 60_000.0)), inverse=inverse)
    forward = future(fee_rate=5e-4) if executable else mark()
    fees = msgspec.structs.replace(DEALT, inverse=inverse)
    for found in found_by_any_row(chain, forward, fees).values():
        again = package_again(chain, found, Forwards(forward), fees, T0)
        assert (again.edge_type, again.action, again.legs) == (found.edge_type, found.action, found.legs)
        assert again.future_side is found.future_side
        assert figures(again) == pytest.approx(figures(found), rel=1e-12, abs=1e-9)


BOX: Tops = {
    (58_000.0, "C"): (0.0500, 0.0510),
    (58_000.0, "P"): (0.0150, 0.0160),
    (60_000.0, "C"): (0.0450, 0.0460),
    (60_000.0, "P"): (0.0200, 0.0210),
}


def test_a_package_whose_quotes_moved_is_priced_at_the_new_ones_and_the_new_forward() -> None:
    chain = chain_with(BOX)
    found = next(p for p in found_by_any_row(chain, future()).values() if p.edge_type is EdgeType.BOX)
    assert found.action is Action.BUY
    moved = future(61_000.0, 61_010.0)
    again = package_again(chain, found, Forwards(moved), NO_FEES, T0)
    # (K2 - K1)/F_a less what the four legs cost: 0.0510 - 0.0450 + 0.0210 - 0.0150.
    assert again.gross_bps == pytest.approx(1e4 * (2_000 / 61_010 - 0.0120))
    assert again.future_coins == pytest.approx(2_000 / 61_005)


def test_a_package_without_a_price_or_after_its_expiry_has_no_edge() -> None:
    chain = chain_with(BOX)
    (found, *_) = found_by_any_row(chain, future()).values()
    chain.update(found.legs[0].row, T0 + 1, (math.nan,) * 4)
    assert math.isnan(package_again(chain, found, Forwards(future()), NO_FEES, T0).gross_bps)
    assert math.isnan(package_again(chain, found, Forwards(future()), NO_FEES, EXPIRY_NS).gross_bps)


# --- engines in which something is held ------------------------------------------------------------------------------


class Waiting:
    """An engine in which one question was asked, and all that it said."""

    def __init__(self, config: EngineConfig, events: list[Event]) -> None:
        self.engine = engine_with(config)
        self.said: list[Effect] = run(self.engine, events, end=False)
        self.now = events[-1].ts_init + 1
        self.tell(Timer(ts_event=self.now, ts_init=self.now, key="the moment is over"))
        (self.request,) = of_type(ReviewRequest, self.said)

    def tell(self, *events: Event) -> None:
        for event in events:
            self.said += self.engine.process(event)

    def agree(self, ms: float) -> ArbitrageSignal:
        """Let the model agree so long after the question, and return the decision."""
        answer = Answer(action=self.request.signal.action.value, probability=0.9)
        self.tell(reply_to(self.request.request_id, answer, self.request.ts_init + millis(ms)))
        (signal,) = of_type(ArbitrageSignal, self.said)
        return signal

    @property
    def orders(self) -> list[ApprovedOrder]:
        return of_type(ApprovedOrder, self.said)


VETO = with_review(EngineConfig(), "veto", deadline_ms=400.0)
CALL, PUT = "BTC-6MAR26-60000-C", "BTC-6MAR26-60000-P"


def parity(future_mid: float = 60_000.0) -> list[Event]:
    """Return a put bid above the call: bought synthetically, the future costs less than it is bid at."""
    quotes = [
        Row(ts=T0, symbol=CALL, bid=0.0190, ask=0.0200, underlying=60_000.0),
        Row(ts=T0, symbol=PUT, bid=0.0230, ask=0.0240, underlying=60_000.0),
    ]
    return [future_quote(T0 - 1, future_mid - 5, future_mid + 5), option_quotes(quotes)]


def test_a_parity_is_measured_against_the_future_of_the_moment_and_hedged_with_its_size() -> None:
    held = Waiting(VETO, parity())
    assert held.request.signal.gross_spread_bps == pytest.approx(1e4 * (1 - 60_000 / 59_995 - 0.0200 + 0.0230))
    held.tell(future_quote(T0 + millis(30), 60_025.0, 60_035.0))
    signal = held.agree(50)
    assert signal.gross_spread_bps == pytest.approx(1e4 * (1 - 60_000 / 60_025 - 0.0200 + 0.0230))
    assert signal.forward == 60_030.0
    assert signal.hedge is not None
    assert signal.hedge.coins == pytest.approx(60_000 / 60_030 * signal.quantity)
    assert [order.intent.hedge for order in held.orders] == [signal.hedge]


def test_a_parity_whose_future_went_silent_is_not_ordered() -> None:
    held = Waiting(VETO, parity())
    signal = held.agree(300)
    assert (signal.action, signal.reason) == (Action.HOLD, Reason.EDGE_GONE_IN_REVIEW)
    assert Reason.NO_EXECUTABLE_FORWARD in signal.also


def test_a_pair_of_venues_is_priced_at_both_new_quotes() -> None:
    held = Waiting(VETO, [rows(INVERSE, 0.0390, 0.0400), rows(OKX, 0.0425, 0.0435)])
    later = T0 + millis(20)
    held.tell(rows(INVERSE, 0.0392, 0.0402, at=later), rows(OKX, 0.0424, 0.0434, at=later))
    signal = held.agree(30)
    assert [leg.price for leg in signal.legs] == [0.0402, 0.0424]
    assert signal.gross_spread_bps == pytest.approx(22.0)
    assert signal.review is not None
    assert signal.review.lost_bps == pytest.approx(3.0, abs=0.01)
    assert len(held.orders) == 1


def test_a_pair_in_which_a_venue_went_silent_or_desynchronised_is_not_ordered() -> None:
    quotes: list[Event] = [rows(INVERSE, 0.0390, 0.0400), rows(OKX, 0.0425, 0.0435)]
    silent = Waiting(VETO, quotes)
    ts = T0 + millis(10)
    silent.tell(Stale(ts_event=ts, ts_init=ts, stream=StreamId("okex-options", "option_quotes", "BTC")))
    assert Reason.VENUE_DOWN in silent.agree(30).also
    apart = Waiting(VETO, quotes)
    apart.tell(rows(INVERSE, 0.0390, 0.0400, at=T0 + millis(300)))
    assert apart.agree(320).also == (Reason.DESYNC,)
    assert silent.orders == apart.orders == []


def test_a_pair_that_needs_a_perpetual_needs_it_still_when_it_is_decided() -> None:
    quotes: list[Event] = [*perpetuals(), rows(LINEAR, 2_370.0, 2_400.0), rows(OKX, 0.0440, 0.0450)]
    fresh = Waiting(VETO, quotes)
    assert fresh.agree(100).action is Action.BUY
    config = msgspec.structs.replace(VETO, perp_max_age_ms=50.0)
    gone = Waiting(config, quotes)
    signal = gone.agree(100)
    assert (signal.reason, signal.also[0]) == (Reason.EDGE_GONE_IN_REVIEW, Reason.NO_EXECUTABLE_FORWARD)
    assert gone.orders == []


# --- a perpetual that stands away ------------------------------------------------------------------------------------


def away(bps: float = -30.0) -> tuple[Perpetuals, ReviewRequest]:
    """Return a market in which a question about a perpetual was asked a moment ago."""
    market = Perpetuals(VETO)
    while not of_type(ReviewRequest, market.effects):
        market.go_on(STEP_MS / 1e3, bybit=bps)
    (request,) = of_type(ReviewRequest, market.effects)
    return market, request


def agreed(market: Perpetuals, request: ReviewRequest) -> ArbitrageSignal:
    answer = Answer(action=request.signal.action.value, probability=0.9)
    market.take(reply_to(request.request_id, answer, market.now + millis(10)))
    (signal,) = market.signals
    return signal


def test_a_perpetual_that_still_stands_away_is_traded_against_the_same_other_one() -> None:
    market, request = away()
    market.go_on(0.1, bybit=-25.0)
    signal = agreed(market, request)
    assert signal.action is Action.BUY
    named = [(leg.venue, leg.symbol, leg.side) for leg in request.signal.legs]
    assert [(leg.venue, leg.symbol, leg.side) for leg in signal.legs] == named
    assert signal.review is not None
    assert signal.review.lost_bps == pytest.approx(5.0, abs=0.2)
    assert len(of_type(ApprovedOrder, market.effects)) == 1


def test_a_perpetual_that_came_back_meanwhile_is_left_alone() -> None:
    market, request = away()
    market.go_on(0.1)
    signal = agreed(market, request)
    assert (signal.reason, signal.also[0]) == (Reason.EDGE_GONE_IN_REVIEW, Reason.NO_EDGE)
    assert of_type(ApprovedOrder, market.effects) == []


def test_a_perpetual_that_came_back_and_went_away_again_has_not_stood_there_long_enough() -> None:
    market, request = away()
    market.go_on(0.1).go_on(0.1, bybit=-30.0)
    signal = agreed(market, request)
    assert signal.spread_bps >= signal.threshold_bps
    assert (signal.reason, signal.also) == (Reason.EDGE_GONE_IN_REVIEW, (Reason.NO_EDGE,))
    assert of_type(ApprovedOrder, market.effects) == []


def test_a_perpetual_whose_other_leg_went_silent_is_left_alone() -> None:
    market, request = away()
    other = request.signal.legs[1].venue
    ts = market.now + millis(8)
    market.take(Stale(ts_event=ts, ts_init=ts, stream=StreamId(other, "quotes", PERPETUALS[other])))
    signal = agreed(market, request)
    assert signal.reason is Reason.EDGE_GONE_IN_REVIEW
    assert math.isnan(signal.spread_bps)
    assert signal.review is not None
    assert math.isnan(signal.review.lost_bps)


# --- options of an open trigger --------------------------------------------------------------------------------------


def crash(mode: Mode, *answers: Answer, edges: tuple[str, ...] = ("A",), **settings: Any) -> Reviewed:
    """Run the usual market without faults; every question gets the same answers, BUY meaning what was proposed."""
    config = with_review(msgspec.structs.replace(CONFIG, edges=edges), mode, **settings)

    def answer(request: ReviewRequest) -> list[Answer]:
        named = {"BUY": request.signal.action.value}
        return [msgspec.structs.replace(each, action=named.get(each.action, each.action)) for each in answers]

    return reviewed_run(config, one_by_one(batched(timeline([]))), answer)


def reviewed(run: Reviewed) -> list[ArbitrageSignal]:
    return [signal for signal in of_type(ArbitrageSignal, run.effects) if signal.review is not None]


YES, NO = Answer(action="BUY", probability=0.6), Answer(action="HOLD", probability=0.1)


def test_one_answer_holds_for_all_orders_of_its_trigger_and_only_the_first_ones_wait() -> None:
    run = crash("veto", YES)
    signals = reviewed(run)
    asked = of_type(ReviewRequest, run.effects)
    assert len(asked) == len(dict.fromkeys(signal.trigger_id for signal in signals))
    waited = [signal.review.waited_ms for signal in signals if signal.review is not None]
    assert 0.0 in waited, "orders after the answer go at once"
    assert max(waited) > 0.0
    for signal in signals:
        assert signal.review is not None
        assert signal.review.probability == 0.6
        assert (signal.review.lost_bps == 0.0) or signal.review.waited_ms > 0.0


def test_a_refused_trigger_orders_nothing_more_and_says_so_whenever_it_would_have() -> None:
    run = crash("veto", NO)
    assert of_type(ApprovedOrder, run.effects) == []
    assert {signal.reason for signal in reviewed(run)} == {Reason.MODEL_UNSURE}
    later = [signal for signal in reviewed(run) if signal.review is not None and signal.review.waited_ms == 0.0]
    assert later
    assert all(signal.spread_bps >= signal.threshold_bps for signal in later)


def test_a_trigger_that_ends_while_its_orders_wait_says_so_after_they_are_decided() -> None:
    run = crash("veto", deadline_ms=4_000.0)
    opened = {trigger.trigger_id: trigger for trigger in of_type(TriggerOpened, run.effects)}
    closed = {trigger.trigger_id: trigger for trigger in of_type(TriggerClosed, run.effects)}
    moves = [r for r in of_type(ReviewRequest, run.effects) if opened[r.trigger_id].kind is TriggerKind.PRICE_MOVE]
    late = [request for request in moves if closed[request.trigger_id].ts_init == request.expires_ns]
    assert late
    for request in late:
        assert request.expires_ns > opened[request.trigger_id].ts_init + millis(2_000)  # its life is two seconds
        said = [signal for signal in reviewed(run) if signal.trigger_id == request.trigger_id]
        assert {signal.ts_init for signal in said} == {request.expires_ns}
        assert {signal.review.fallback for signal in said if signal.review is not None} == {Fallback.DEADLINE}


def test_a_shrunk_order_is_hedged_for_what_is_left_of_it() -> None:
    whole, half = crash("veto", YES), crash("veto", YES, full_size_probability=0.75)  # 0.6 of 0.75 are 0.8
    pairs = list(zip(reviewed(whole), reviewed(half), strict=True))
    ordered = [(one, other) for one, other in pairs if one.action is not Action.HOLD]
    assert ordered
    for one, other in ordered:
        assert (other.legs, other.spread_bps) == (one.legs, one.spread_bps)
        assert one.hedge is not None
        assert other.hedge is not None
        assert other.quantity == pytest.approx(0.8 * one.quantity)
        assert other.hedge.coins == pytest.approx(0.8 * one.hedge.coins)


def test_an_overshoot_is_ordered_only_while_its_cascade_stays_exhausted() -> None:
    usual = crash("veto", YES, edges=("D",))
    (order,) = of_type(ApprovedOrder, usual.effects)
    assert order.intent.edge == EdgeType.VOL_OVERSHOOT.value
    # Somebody is liquidated while the order waits: the intensity is back near its maximum.
    (request,) = [r for r in of_type(ReviewRequest, usual.effects) if r.trigger_id == order.intent.trigger_id]
    ts = request.ts_init + millis(15)
    again: list[Event] = [liquidation(ts + i, amount=5.0) for i in range(40)]
    at = next(i for i, event in enumerate(usual.inputs) if event.ts_init > again[-1].ts_init)
    engine = engine_with(with_review(msgspec.structs.replace(CONFIG, edges=("D",)), "veto"))
    effects = run(engine, [*usual.inputs[:at], *again, *usual.inputs[at:]])
    settled = [s for s in of_type(ArbitrageSignal, effects) if s.review is not None and s.legs == order.intent.legs]
    assert settled[0].reason is Reason.EDGE_GONE_IN_REVIEW
    assert Reason.NO_EDGE in settled[0].also


# --- a look in passing -----------------------------------------------------------------------------------------------


def test_a_look_in_passing_changes_nothing_about_the_evaluations_that_follow() -> None:
    config = msgspec.structs.replace(EngineConfig(), min_peers=3, reevaluate_bps=1.0)
    looked, plain = watched(), watched()
    for armed in (looked, plain):
        evaluated(armed, 60_000.0, config)
        for strike in (54_000, 57_000, 63_000, 66_000):
            for kind in "CP":
                row = int(armed.rows[position(armed, strike, kind)])
                value = value_of(strike, is_call=kind == "C", sigma=0.46)
                armed.chain.update(row, T0 + 1, quote_values(value - 0.0005, value + 0.0005))
    everything = np.arange(len(looked.rows), dtype=np.int64)
    looked.evaluate(config, [60_200.0], T0 + 2, 60_000.0, FEES, HEDGE, everything, in_passing=True)
    moments = [(armed.forward_moved(math.log(60_030.0), T0 + 3, 1.0, 10**9)) for armed in (looked, plain)]
    assert moments[0] == moments[1]
    assert looked.dirty.tolist() == plain.dirty.tolist()
    for armed in (looked, plain):
        evaluated(armed, 60_030.0, config)
    figures = [evaluated(armed, 60_030.0, config) for armed in (looked, plain)]
    assert figures[0].buy.value_usd.tolist() == figures[1].buy.value_usd.tolist()
    assert figures[0].sell.value_usd.tolist() == figures[1].sell.value_usd.tolist()
