"""Switches that an evaluation turns: the band of robust values, kinds of edge, and triggers at chosen times."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from aftershock.core.config import EngineConfig, TriggerConfig
from aftershock.core.engine import Effect
from aftershock.model.events import Event, Timer
from aftershock.model.orders import ApprovedOrder
from aftershock.model.signals import (
    Action,
    Alarm,
    ArbitrageSignal,
    EdgeType,
    Reason,
    TriggerClosed,
    TriggerKind,
    TriggerOpened,
)
from aftershock.pricing import greeks
from aftershock.pricing.vol_band import scenario_name, vol_ends
from tests.core.market import T0, encoded, engine_of, index_price, millis, of_type, perp_quote, run, seconds
from tests.core.shock import CONFIG, at, batched, effects_without_faults, timeline
from tests.core.test_stale_quotes import FEES, HEDGE, armed


def said(**changes: Any) -> list[Effect]:
    return run(engine_of(msgspec.structs.replace(CONFIG, **changes)), batched(timeline([])))


# --- the band of robust values ----------------------------------------------------------------------------------


def test_without_robust_values_both_sides_are_held_against_sticky_strikes() -> None:
    config = EngineConfig(
        stickiness_low=1.0, stickiness_high=1.0, vol_up_points=0.0, vol_up_per_move=0.0, vol_down_points=0.0,
        vol_down_per_move=0.0,
    )  # fmt: skip
    watched = armed()
    forwards = [59_000.0, 59_500.0]
    everything = np.arange(len(watched.rows), dtype=np.int64)
    figures = watched.evaluate(config, forwards, T0, 60_000.0, FEES, HEDGE, everything)
    np.testing.assert_array_equal(figures.buy.value_usd, figures.sell.value_usd)
    expiry, terms = watched.expiries[0], watched.chain.instruments[int(watched.rows[0])]
    assert expiry.before is not None
    move = np.log(59_000.0 / expiry.before.forward)
    sigma = float(expiry.before.smile.iv(np.log(terms.strike / 59_000.0))) + expiry.before.slope * move
    tau = float(figures.tau[0])
    assert figures.buy.value_usd[0] == pytest.approx(
        float(greeks(59_000.0, terms.strike, tau, sigma, terms.is_call is True).price)
    )
    assert watched.scenario(config, 0, 59_000.0, buying=True) == "R=1 ds=-0.00"


@pytest.mark.parametrize(("slope", "move"), [(-0.3, 0.01), (-0.3, -0.01), (0.2, 0.01), (0.2, -0.01)])
def test_the_ends_of_the_band_are_its_extreme_ratios_whatever_the_signs(slope: float, move: float) -> None:
    base = np.array([0.5])
    low, high = vol_ends(base, -0.5 * slope * move, 3.0 * slope * move, 0.01, 0.02)
    ratios = (-0.5, 3.0)
    shifts = [ratio * slope * move for ratio in ratios]
    assert float(low[0]) == pytest.approx(0.5 + min(shifts) - 0.01)
    assert float(high[0]) == pytest.approx(0.5 + max(shifts) + 0.02)
    for lowest, end in ((True, min(shifts)), (False, max(shifts))):
        name = scenario_name(slope, move, 1.0, lowest=lowest, ratios=ratios)
        assert name == f"R={ratios[shifts.index(end)]:g} ds=+1.00"


def test_a_wider_band_never_makes_an_edge_larger() -> None:
    watched = armed()
    everything = np.arange(len(watched.rows), dtype=np.int64)
    usual, wide = (
        watched.evaluate(config, [59_000.0, 59_500.0], T0, 60_000.0, FEES, HEDGE, everything)
        for config in (EngineConfig(), EngineConfig(stickiness_low=-1.0, stickiness_high=4.0))
    )
    assert (wide.buy.gross <= usual.buy.gross + 1e-9).all()
    assert (wide.sell.gross <= usual.sell.gross + 1e-9).all()


# --- kinds of edge ----------------------------------------------------------------------------------------------


def test_a_kind_of_edge_that_is_off_is_never_spoken_of() -> None:
    kinds = {"A": ("A",), "B": ("B1", "B3", "B5"), "D": ("D",), "E": ("E",)}
    spoken = {s.edge_type.value for s in of_type(ArbitrageSignal, said()) if s.edge_type}
    for name, values in kinds.items():
        assert spoken & {*values}, name
        others = tuple(each for each in "ABCDE" if each != name)
        without = {s.edge_type.value for s in of_type(ArbitrageSignal, said(edges=others)) if s.edge_type}
        assert not without & {*values}, name


def test_packages_that_are_off_raise_no_alarm_and_are_not_counted() -> None:
    engine = engine_of(msgspec.structs.replace(CONFIG, edges=("A",)))
    effects = run(engine, batched(timeline([])))
    assert [a for a in of_type(Alarm, effects) if a.code == "static_arbitrage"] == []
    assert sum(count.checked for count in engine.stats.packages.values()) == 0


def test_triggers_open_as_before_when_no_edge_is_looked_for_and_say_one_hold_each() -> None:
    effects = said(edges=())
    market = (TriggerKind.CASCADE, TriggerKind.PRICE_MOVE, TriggerKind.PROBE)
    usual = [(o.kind, o.ts_init) for o in of_type(TriggerOpened, effects_without_faults()) if o.kind in market]
    assert [(o.kind, o.ts_init) for o in of_type(TriggerOpened, effects)] == usual
    assert [(s.action, s.reason) for s in of_type(ArbitrageSignal, effects)] == [
        (Action.HOLD, Reason.NO_EDGE) for _ in usual
    ]
    assert {closed.evaluations for closed in of_type(TriggerClosed, effects)} == {0}


def test_the_order_in_which_edges_are_named_does_not_matter() -> None:
    assert encoded(said(edges=("E", "D", "C", "B", "A"))) == encoded(effects_without_faults())


# --- triggers at chosen times -----------------------------------------------------------------------------------


def probes(effects: list[Effect]) -> list[TriggerOpened]:
    return [o for o in of_type(TriggerOpened, effects) if o.kind is TriggerKind.PROBE]


def quiet(armed_for: tuple[str, ...], *, key: str = "probe:BTC", second: float = 70.0) -> list[Effect]:
    """Return what is said of four perpetuals that rise by 5 bps at 55 s, with a timer."""
    events: list[Event] = []
    for turn in range(800):
        ts = T0 + millis(100 * turn)
        level = 60_000.0 * (1.0005 if turn >= 550 else 1.0)
        events.append(index_price(ts, 60_000.0))
        events += [
            perp_quote(ts + place, venue, level)
            for place, venue in enumerate(("bybit", "deribit", "okex-swap", "binance-futures"))
        ]
    timer = at(second, Timer, key=key)
    events = sorted([*events, timer], key=lambda event: event.ts_init)
    trigger = msgspec.convert({"armed": list(armed_for)}, TriggerConfig)
    return run(engine_of(EngineConfig(trigger=trigger)), events)


def test_a_probe_opens_at_its_time_whatever_the_market_does_and_lives_as_long_as_a_price_move() -> None:
    opened, signal, closed = quiet(("probe",), second=70.0 + 1e-6)
    assert (opened.kind, opened.series, opened.profile) == (TriggerKind.PROBE, "BTC", "full")
    assert opened.ts_init == T0 + seconds(70.0 + 1e-6)
    assert (signal.action, signal.reason) == (Action.HOLD, Reason.NO_CHAIN)
    assert closed.ts_init == min(opened.ts_init + seconds(30.0), T0 + millis(79_900) + 3)


def test_its_move_is_that_since_the_oldest_sample_of_the_window() -> None:
    (opened,) = probes(quiet(("probe",), second=70.0 + 1e-6))
    # 30 s ago the rise had not come yet; the bases, which lag by 5 s, have followed a tenth of it since.
    assert opened.features["move_bps"] == pytest.approx(5.0, abs=0.5)
    (early,) = probes(quiet(("probe",), second=50.0 + 1e-6))
    assert early.features["move_bps"] == pytest.approx(0.0, abs=1e-9)


def test_a_timer_opens_nothing_unless_probes_are_armed_and_it_is_one() -> None:
    assert quiet(("price-move", "cascade")) == []
    assert quiet(("probe",), key="probes") == []
    assert quiet(("probe",), key="due") == []


def test_a_probe_of_a_coin_that_nobody_knows_is_counted() -> None:
    engine = engine_of(EngineConfig(trigger=TriggerConfig(armed=("probe",))))
    assert run(engine, [at(1.0, Timer, key="probe:DOGE")]) == []
    assert engine.stats.not_evaluable == {"probe": 1}


def test_a_probe_finds_the_stale_quotes_that_a_price_move_finds() -> None:
    trigger = msgspec.structs.replace(CONFIG.trigger, armed=("probe",))
    config = msgspec.structs.replace(CONFIG, trigger=trigger)
    timers = [at(11.55, Timer, key="probe:BTC")]
    effects = run(engine_of(config), batched(timeline(timers)))
    orders = [o for o in of_type(ApprovedOrder, effects) if o.intent.trigger_id.startswith("probe-")]
    assert orders
    assert {o.intent.edge for o in orders} == {EdgeType.STALE_QUOTE.value}
