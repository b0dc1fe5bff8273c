"""When a move of a price opens a trigger, what it watches, and how it ends."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from aftershock.core.config import EngineConfig, TriggerConfig
from aftershock.core.engine import Effect
from aftershock.model.events import Event
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
from aftershock.model.units import NAN
from tests.core.market import (
    EXPIRY,
    EXPIRY_NS,
    LATER,
    T0,
    engine_of,
    millis,
    of_type,
    option_row,
    raw_quote,
    run,
    seconds,
)
from tests.core.shock import CONFIG, batched, timeline, usual_effects

CALL, PUT, OTHER = f"BTC-{EXPIRY}-60000-C", f"BTC-{EXPIRY}-60000-P", f"BTC-{LATER}-60000-C"


def config(**trigger: float) -> EngineConfig:
    """Return a configuration whose series are the marks of a polled chain."""
    return EngineConfig(
        forward="underlying", options_feed="poll", clocks="one", trigger=TriggerConfig(armed=("price-move",), **trigger)
    )


def marks(*levels: tuple[float, float], symbol: str = CALL) -> Iterator[Event]:
    """Yield rows at these seconds, each with its mark and a wide quote."""
    for second, price in levels:
        yield option_row(T0 + seconds(second), symbol, 0.0001, 0.9, underlying=price)


def opened(events: Iterator[Event] | list[Event], **trigger: float) -> list[TriggerOpened]:
    return of_type(TriggerOpened, run(engine_of(config(**trigger)), events))


def moved(bps: float, *, after_s: float = 27.0) -> list[TriggerOpened]:
    return opened(marks((0, 60_000.0), (after_s, 60_000.0 * (1 + bps * 1e-4))))


@pytest.mark.parametrize(("bps", "opens"), [(15.1, True), (-15.1, True), (14.9, False), (-14.9, False)])
def test_a_move_of_15_bps_either_way_opens_a_trigger(bps: float, *, opens: bool) -> None:
    found = moved(bps)
    assert len(found) == opens
    if found:
        assert found[0].kind is TriggerKind.PRICE_MOVE
        assert found[0].series == f"BTC-{EXPIRY}.deribit"
        assert found[0].features["move_bps"] == pytest.approx(bps, abs=0.02)


@pytest.mark.parametrize(("after_s", "opens"), [(24.9, False), (25.0, True), (30.0, True), (30.1, False)])
def test_the_price_it_is_compared_with_is_25_to_30_s_old(after_s: float, *, opens: bool) -> None:
    assert len(moved(100.0, after_s=after_s)) == opens


def test_a_sample_with_nothing_to_compare_it_with_is_counted_as_not_evaluable() -> None:
    engine = engine_of(config())
    run(engine, marks((0, 60_000.0), (10, 60_100.0), (27, 60_000.0), (100, 61_000.0)))
    assert engine.stats.not_evaluable == {"price_move": 3}


def test_its_series_opens_no_other_for_a_minute_and_other_series_may() -> None:
    levels = [(float(second), 60_000.0 + 40.0 * second) for second in range(200)]
    found = opened(marks(*levels))
    starts = [(each.ts_init - T0) / 1e9 for each in found]
    assert starts == [25.0, 85.0, 145.0]
    both = sorted([*marks(*levels), *marks(*levels, symbol=OTHER)], key=lambda event: event.ts_init)
    assert [each.series for each in opened(both)[:2]] == [f"BTC-{EXPIRY}.deribit", f"BTC-{LATER}.deribit"]


def test_it_is_judged_for_30_s() -> None:
    events = [*marks((0, 60_000.0), (27, 60_200.0), (57, 60_200.0), (57.001, 60_200.0), (90, 60_200.0))]
    (closed,) = of_type(TriggerClosed, run(engine_of(config()), events))
    assert closed.ts_init == T0 + seconds(57)


def test_it_ends_with_the_input() -> None:
    (closed,) = of_type(TriggerClosed, run(engine_of(config()), marks((0, 60_000.0), (27, 60_200.0), (28, 60_200.0))))
    assert closed.ts_init == T0 + seconds(28)


def test_a_trigger_that_never_had_an_opportunity_says_exactly_one_hold_when_it_closes() -> None:
    rows = [*marks((0, 60_000.0), *((s, 60_200.0) for s in (27, 28, 30, 40, 50)))]
    effects = run(engine_of(config()), rows)
    assert [type(effect) for effect in effects] == [TriggerOpened, ArbitrageSignal, TriggerClosed]
    _, signal, closed = effects
    assert signal.action is Action.HOLD
    assert signal.ts_init == closed.ts_init
    assert closed.decisions == 1


def test_its_hold_carries_the_best_of_the_edges_that_were_not_there() -> None:
    # 50 vol points at the money are worth about 0.0206 coins; this is quoted around it, and then far above.
    calm = [
        option_row(T0 + millis(500 * i), symbol, *quote, underlying=60_000.0)
        for i in range(50)
        for symbol, quote in QUOTES
    ]
    shock = [
        option_row(T0 + seconds(26) + i, symbol, *quote, underlying=60_120.0)
        for i, (symbol, quote) in enumerate(QUOTES)
    ]
    effects = run(engine_of(config()), [*calm, *shock])
    (signal,) = of_type(ArbitrageSignal, effects)
    assert signal.reason is Reason.NO_EXECUTABLE_FORWARD
    assert Reason.NO_EDGE in signal.also
    assert signal.spread_bps < 0
    assert len(signal.legs) == 1


QUOTES = [
    (f"BTC-{EXPIRY}-{strike}-{kind}", quote)
    for strike, call, put in (
        (58_000, (0.0390, 0.0430), (0.0060, 0.0100)),
        (59_000, (0.0275, 0.0315), (0.0110, 0.0150)),
        (60_000, (0.0190, 0.0230), (0.0190, 0.0230)),
        (61_000, (0.0125, 0.0165), (0.0285, 0.0325)),
        (62_000, (0.0080, 0.0120), (0.0400, 0.0440)),
    )
    for kind, quote in (("C", call), ("P", put))
]


def test_a_mark_of_one_expiry_opens_a_trigger_for_that_expiry_alone() -> None:
    steady = [*marks(*((s, 60_000.0) for s in range(30)), symbol=OTHER)]
    moving = [*marks((0.5, 60_000.0), (27.5, 60_300.0), (28.5, 60_300.0))]
    events = sorted([*steady, *moving], key=lambda event: event.ts_init)
    effects = run(engine_of(config()), events)
    (trigger,), (closed,) = of_type(TriggerOpened, effects), of_type(TriggerClosed, effects)
    assert closed.evaluations == 3  # of the one option of that expiry: at the opening, at its row, at the end
    assert trigger.alignment is not None
    assert trigger.alignment.expiry_ns == EXPIRY_NS
    assert trigger.alignment.atm_strike == 60_000.0
    assert trigger.alignment.price == pytest.approx(60_300.0)


def test_a_single_large_sample_is_enough_but_a_missing_one_is_none() -> None:
    assert opened(marks((0, 60_000.0), (27, NAN), (28, 60_000.0))) == []


def test_a_quote_without_an_underlying_price_is_no_new_sample_of_it() -> None:
    """An option's own last mark may be minutes old: its next quote must not bring it back."""
    engine = engine_of(config())
    later = marks(*((s, 60_300.0) for s in range(31, 61)), symbol=PUT)
    quote = raw_quote(T0 + seconds(60.5), "deribit", CALL, 0.0002, 0.9)
    effects = run(engine, [*marks((0, 60_000.0)), *later, quote])
    assert of_type(TriggerOpened, effects) == []
    chain = engine.chains["deribit", "BTC"]
    assert chain.expiries[EXPIRY_NS].underlying_price == 60_300.0
    assert chain.bid[0] == 0.0002


def test_inverse_and_linear_options_of_one_day_never_share_a_series() -> None:
    events = [
        event
        for second in range(60)
        for event in (
            *marks((second, 60_000.0)),
            *marks((second + 0.1, 60_200.0), symbol=f"BTC_USDC-{EXPIRY}-60000-C"),
        )
    ]
    assert opened(events) == []


def test_parity_needs_no_underlying_price_of_the_venue() -> None:
    def pair(second: float, forward: float) -> list[Event]:
        difference = 1 - 60_000.0 / forward  # c - p at the money
        ts = T0 + seconds(second)
        call = option_row(ts, CALL, 0.0200 + difference, 0.0201 + difference)
        return [call, option_row(ts + 1, PUT, 0.0200, 0.0201)]

    engine = engine_of(EngineConfig(forward="parity", trigger=TriggerConfig(armed=("price-move",))))
    effects = run(engine, [*pair(0, 60_000.0), *pair(27, 60_300.0)])
    (trigger,) = of_type(TriggerOpened, effects)
    assert trigger.features["move_bps"] == pytest.approx(50.0, abs=2.0)


def test_a_strike_listed_during_a_trigger_sets_no_deadline_in_the_past() -> None:
    engine = engine_of(config())
    events = [*marks((0, 60_000.0), (27, 60_300.0)), *marks((31, 60_300.0), symbol=PUT)]
    for event in events:
        engine.process(event)
        assert engine.next_deadline is None or engine.next_deadline > event.ts_init


def test_an_option_is_evaluated_at_most_once_in_100_ms() -> None:
    rows = [*marks((0, 60_000.0), (27, 60_200.0), *((27 + i * 0.001, 60_200.0 + i) for i in range(1, 1001)))]
    (closed,) = of_type(TriggerClosed, run(engine_of(config()), rows))
    # One option, at the opening, every 100 ms of the following second, and at the end.
    assert closed.evaluations == 1 + 10 + 1


def decisions(effects: Iterable[Effect]) -> dict[tuple[str, ...], list[tuple[Action, Reason]]]:
    """Return what was decided about each kind of edge, leg and side of each market trigger, in order."""
    found: dict[tuple[str, ...], list[tuple[Action, Reason]]] = {}
    for signal in of_type(ArbitrageSignal, effects):
        if signal.trigger_kind is not TriggerKind.STATIC:
            legs = (f"{leg.side.value} {leg.symbol}" for leg in signal.legs)
            kind = "" if signal.edge_type is None else signal.edge_type.value
            found.setdefault((signal.trigger_id, kind, *legs), []).append((signal.action, signal.reason))
    return found


def test_only_a_change_of_action_or_reason_is_a_decision() -> None:
    found = decisions(usual_effects())
    assert max(len(each) for each in found.values()) > 3
    for each in found.values():
        assert all(before != after for before, after in pairwise(each))


def test_every_buy_and_sell_is_an_approved_order_of_the_same_size_and_legs() -> None:
    effects = usual_effects()
    signals = [signal for signal in of_type(ArbitrageSignal, effects) if signal.action is not Action.HOLD]
    orders = of_type(ApprovedOrder, effects)
    assert [(s.legs, s.quantity, s.hedge) for s in signals] == [
        (o.intent.legs, o.intent.quantity, o.intent.hedge) for o in orders
    ]
    assert all(signal.spread_bps >= signal.threshold_bps for signal in signals)


def test_every_trigger_opens_decides_and_closes() -> None:
    effects = usual_effects()
    said: dict[str, list[str]] = {}
    for effect in effects:
        if isinstance(effect, TriggerOpened | ArbitrageSignal | TriggerClosed):
            said.setdefault(effect.trigger_id, []).append(type(effect).__name__)
    assert len(said) > 10
    for kinds in said.values():
        assert kinds[0] == "TriggerOpened"
        assert kinds[-1] == "TriggerClosed"
        assert kinds.count("TriggerOpened") == kinds.count("TriggerClosed") == 1
        assert kinds.count("ArbitrageSignal") >= 1


def test_every_id_is_unique() -> None:
    effects = usual_effects()
    ids = [signal.signal_id for signal in of_type(ArbitrageSignal, effects)]
    assert len(ids) == len(dict.fromkeys(ids))


def shocked(**changes: Any) -> list[ArbitrageSignal]:
    """Return the signals of the crash's market triggers, with other settings."""
    config = msgspec.structs.replace(CONFIG, **changes)
    signals = of_type(ArbitrageSignal, run(engine_of(config), batched(timeline([]))))
    its_own_cause = (TriggerKind.STATIC, TriggerKind.DISLOCATION)
    return [signal for signal in signals if signal.trigger_kind not in its_own_cause]


def test_latency_is_data_time_since_the_newest_cause_and_limits_orders() -> None:
    signals = shocked(max_latency_ms=30.0)
    assert min(signal.latency_ms for signal in signals) == 0.0
    assert max(signal.latency_ms for signal in signals) > 1000.0
    orders = [signal for signal in signals if signal.action is not Action.HOLD]
    stale, overshot = ([s for s in orders if s.edge_type is kind] for kind in EdgeType if kind.value in "AD")
    assert stale
    assert all(signal.latency_ms <= 30.0 for signal in stale)
    # What a burnt-out cascade left behind waits for minutes: it is no race against the newest liquidation.
    assert [signal.latency_ms > 1000.0 for signal in overshot] == [True]
    assert [s for s in signals if s.reason is Reason.STALE_DATA and s.latency_ms > 30.0 >= s.book_age_ms]


def test_an_input_with_one_clock_has_no_latency_and_no_limit_on_it() -> None:
    signals = shocked(clocks="one", max_latency_ms=30.0)
    assert all(math.isnan(signal.latency_ms) and math.isnan(signal.feed_lag_ms) for signal in signals)
    without_limit = [(s.ts_init, s.action) for s in shocked(max_latency_ms=1e6)]
    assert [(s.ts_init, s.action) for s in signals] == without_limit
