"""When liquidations make a cascade, what it says when it can't be judged, and when it ends."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import pytest

from aftershock.core.config import EngineConfig, TriggerConfig
from aftershock.core.engine import Effect
from aftershock.core.triggers import CascadeVerdict, assess_cascade
from aftershock.core.window import WindowFigures
from aftershock.model.events import Event
from aftershock.model.liquidations import Completeness, Liquidated, PriceKind
from aftershock.model.orders import ApprovedOrder, RefusedOrder
from aftershock.model.signals import Action, ArbitrageSignal, Reason, TriggerClosed, TriggerKind, TriggerOpened
from aftershock.model.units import NAN
from tests.core.market import T0, engine_of, index_price, liquidation, millis, of_type, perp_quote, run, seconds
from tests.core.shock import CONFIG, CRASH_S, batched, effects_without_faults, timeline

# --- the conditions ---------------------------------------------------------------------------------------------

FIGURES = WindowFigures(
    count=8,
    sized=8,
    long_usd=9e6,
    short_usd=1e6,
    imbalance=0.8,
    venues=("binance-futures", "bybit"),
    saturated=False,
    intensity_hz=0.5,
    base_rate_hz=0.02,
)


def verdict(move_bps: float = -40.0, sigma_bps: float = 5.0, **changes: Any) -> CascadeVerdict:
    """Judge liquidated longs on two venues while the price fell by 40 bps, with some figures changed."""
    conditions = {"min_venues": changes.pop("min_venues", 2), "venues_known": changes.pop("venues_known", True)}
    figures = msgspec.structs.replace(FIGURES, **changes)
    return assess_cascade(figures, TriggerConfig(), move_bps=move_bps, sigma_bps=sigma_bps, **conditions)


def test_a_one_sided_burst_on_two_venues_with_the_price_is_a_cascade() -> None:
    found = verdict()
    assert found.opens
    assert found.direction == -1
    assert found.not_evaluable == ("hour_of_week",)


@pytest.mark.parametrize(
    "change",
    [
        {"intensity_hz": 0.02 * 9.99},
        {"imbalance": 0.59},
        {"venues": ("bybit",)},
        {"move_bps": -14.9},
        {"move_bps": 40.0},
        {"sigma_bps": 13.4},
    ],
    ids=str,
)
def test_without_any_one_of_its_conditions_there_is_no_cascade(change: dict[str, Any]) -> None:
    assert not verdict(**change).opens


@pytest.mark.parametrize(
    "change", [{"intensity_hz": 0.2}, {"imbalance": 0.6}, {"move_bps": -15.0}, {"sigma_bps": 13.3}], ids=str
)
def test_a_figure_at_its_limit_is_enough(change: dict[str, Any]) -> None:
    assert verdict(**change).opens


def test_liquidated_shorts_push_the_price_up() -> None:
    found = verdict(imbalance=-0.8, move_bps=40.0)
    assert found.opens
    assert found.direction == 1
    assert not verdict(imbalance=-0.8, move_bps=-40.0).opens


def test_a_saturated_feed_stands_for_a_burst() -> None:
    assert verdict(intensity_hz=0.0, saturated=True).opens


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"move_bps": NAN}, "forward"),
        ({"sigma_bps": NAN}, "history"),
        ({"venues_known": False, "venues": ("bybit",)}, "venues"),
        ({"sized": 0, "long_usd": 0.0, "short_usd": 0.0, "imbalance": 0.0}, "notional"),
    ],
    ids=str,
)
def test_a_condition_without_its_inputs_is_listed_and_the_others_still_hold(change: dict[str, Any], name: str) -> None:
    found = verdict(**change)
    assert found.opens
    assert name in found.not_evaluable
    assert not verdict(**change, intensity_hz=0.1).opens


def test_without_a_history_the_least_move_still_holds() -> None:
    assert not verdict(sigma_bps=NAN, move_bps=-14.0).opens


# --- in the engine ----------------------------------------------------------------------------------------------


def burst(start: int, count: int = 12, **more: Any) -> Iterator[Event]:
    for i in range(count):
        yield liquidation(start + millis(100 * i), **more)


def opened(effects: Iterable[Effect]) -> list[TriggerOpened]:
    return [each for each in of_type(TriggerOpened, effects) if each.kind is TriggerKind.CASCADE]


def test_a_cascade_without_a_forward_is_reported_degraded_with_exactly_one_hold() -> None:
    engine = engine_of()
    effects = run(engine, burst(T0))
    kinds = [type(effect) for effect in effects]
    assert kinds == [TriggerOpened, ArbitrageSignal, TriggerClosed]
    trigger, signal, closed = effects
    assert trigger.profile == "degraded"
    assert trigger.not_evaluable == ("hour_of_week", "history", "forward")
    assert trigger.features["imbalance"] == 1.0
    assert (signal.action, signal.reason) == (Action.HOLD, Reason.NO_CHAIN)
    assert Reason.NOT_EVALUABLE in signal.also
    assert (closed.decisions, closed.evaluations) == (1, 0)
    assert engine.stats.not_evaluable == {
        "cascade_hour_of_week": 1,
        "cascade_history": 1,
        "cascade_forward": 1,
    }


def test_a_degraded_cascade_never_leads_to_an_order() -> None:
    """The same crash with orders, once its history is too short to be judged."""
    trigger = msgspec.structs.replace(CONFIG.trigger, armed=("cascade",), history_s=600.0)
    effects = run(engine_of(msgspec.structs.replace(CONFIG, trigger=trigger)), batched(timeline([])))
    (cascade,) = opened(effects)
    assert cascade.profile == "degraded"
    assert cascade.alignment is not None
    signals = [s for s in of_type(ArbitrageSignal, effects) if s.trigger_id == cascade.trigger_id]
    assert [signal.action for signal in signals] == [Action.HOLD]
    orders = [o for o in effects if isinstance(o, ApprovedOrder | RefusedOrder)]
    assert not [o for o in orders if o.intent.trigger_id == cascade.trigger_id]


def test_a_degraded_cascade_leaves_an_open_price_move_alone() -> None:
    trigger = msgspec.structs.replace(CONFIG.trigger, history_s=600.0)
    effects = run(engine_of(msgspec.structs.replace(CONFIG, trigger=trigger)), batched(timeline([])))
    (cascade,) = opened(effects)
    move = next(e for e in of_type(TriggerOpened, effects) if e.kind is TriggerKind.PRICE_MOVE)
    assert move.ts_init < cascade.ts_init
    (closed,) = [e for e in of_type(TriggerClosed, effects) if e.trigger_id == move.trigger_id]
    assert closed.ts_init == move.ts_init + seconds(CONFIG.trigger.price_move_life_s)


def test_a_full_cascade_takes_over_from_the_price_move() -> None:
    effects = effects_without_faults()
    (cascade,) = opened(effects)
    assert cascade.profile == "full"
    move = next(e for e in of_type(TriggerOpened, effects) if e.kind is TriggerKind.PRICE_MOVE)
    (closed,) = [e for e in of_type(TriggerClosed, effects) if e.trigger_id == move.trigger_id]
    assert closed.ts_init == cascade.ts_init


def test_no_price_move_opens_while_a_cascade_lasts() -> None:
    effects = effects_without_faults()
    (cascade,) = opened(effects)
    (end,) = [e.ts_init for e in of_type(TriggerClosed, effects) if e.trigger_id == cascade.trigger_id]
    moves = [e for e in of_type(TriggerOpened, effects) if e.kind is TriggerKind.PRICE_MOVE]
    assert end > T0 + seconds(CRASH_S + 5)
    assert not [e for e in moves if cascade.ts_init < e.ts_init < end]


def test_a_cascade_ends_20_s_after_its_intensity_fell_below_three_base_rates() -> None:
    effects = run(engine_of(QUICK), falling_market(60.0))
    (cascade,), (closed,) = opened(effects), of_type(TriggerClosed, effects)
    # Twelve in 1.1 s, each decaying from ln 2 / 5 s with a half-life of 5 s, down to 3 * 0.02 per second.
    peak = sum(math.log(2) / 5 * 2 ** (-0.1 * i / 5) for i in range(12))
    expected = T0 + seconds(61.1 + 5 * math.log2(peak / 0.06) + 20.0)
    assert closed.ts_init == pytest.approx(expected, abs=millis(100))
    assert cascade.profile == "full"


def test_after_a_cascade_none_opens_for_a_minute() -> None:
    first = run(engine_of(QUICK), falling_market(60.0))
    (end,) = [opened_s(each) for each in of_type(TriggerClosed, first)]
    assert [opened_s(each) for each in opened(run(engine_of(QUICK), falling_market(60.0, end + 55.0)))] == [
        opened_s(each) for each in opened(first)
    ]
    again = opened(run(engine_of(QUICK), falling_market(60.0, end + 61.0)))
    assert opened_s(again[1]) == pytest.approx(end + 61.0, abs=1.0)


def test_a_degraded_cascade_that_goes_on_stays_one() -> None:
    effects = run(engine_of(), burst(T0, count=800))
    assert [each.profile for each in opened(effects)] == ["degraded"]
    assert len(of_type(ArbitrageSignal, effects)) == 1


def test_each_coin_has_a_cascade_of_its_own() -> None:
    both = [*burst(T0), *burst(T0 + seconds(2), symbol="ETHUSDT", price=2000.0)]
    assert [each.asset for each in opened(run(engine_of(), both))] == ["BTC", "ETH"]


def test_two_subscribed_venues_must_both_print() -> None:
    two = EngineConfig(liquidation_venues=2)
    alone = list(burst(T0))
    assert opened(run(engine_of(two), alone)) == []
    joined = [*alone[:3], liquidation(T0 + millis(250), venue="bybit"), *alone[3:]]
    assert opened(run(engine_of(two), joined))[0].venues == ("binance-futures", "bybit")


def test_a_price_move_only_engine_opens_no_cascade() -> None:
    assert run(engine_of(EngineConfig(trigger=TriggerConfig(armed=("price-move",)))), burst(T0)) == []


def opened_s(effect: TriggerOpened | TriggerClosed) -> float:
    return (effect.ts_init - T0) / 1e9


QUICK = EngineConfig(trigger=TriggerConfig(armed=("cascade",), history_s=10.0), basis_history_s=2.0, basis_lag_s=1.0)


def falling_market(*bursts_s: float) -> list[Event]:
    """Return three perpetuals that fall 20 USD a second from 60 s on, and twelve liquidations at each burst."""
    events: list[Event] = []
    for i in range(2000):
        ts, price = T0 + millis(100 * i), 60_000.0 - 2.0 * max(i - 550, 0)
        events.append(index_price(ts, 60_000.0))
        events += [perp_quote(ts + k, venue, price) for k, venue in enumerate(("bybit", "okex-swap", "deribit"))]
        if any(0 <= i / 10 - start < 1.15 for start in bursts_s):
            events.append(liquidation(ts + 9))
    return events


# --- sizes and prices of the messages ---------------------------------------------------------------------------


def test_a_contract_of_unknown_size_is_counted_as_unconvertible_and_adds_nothing() -> None:
    engine = engine_of()
    effects = run(engine, burst(T0, venue="okex-swap", symbol="XRP-USDT-SWAP", price=0.5, amount=1000.0))
    totals = engine.stats.liquidations["XRP"]
    assert (totals.count, totals.unconvertible) == (12, 12)
    assert (totals.usd, totals.long_usd, totals.short_usd) == (0.0, 0.0, 0.0)
    (cascade,) = opened(effects)
    assert "notional" in cascade.not_evaluable
    assert (cascade.features["long_usd_30s"], cascade.features["count_30s"]) == (0.0, 2.0)


def test_contracts_count_with_their_size() -> None:
    engine = engine_of()
    sold = liquidation(T0, venue="okex-swap", symbol="BTC-USDT-SWAP", amount=300.0, liquidated=Liquidated.LONG)
    bought = liquidation(T0, venue="deribit", symbol="BTC-PERPETUAL", amount=50_000.0, liquidated=Liquidated.SHORT)
    run(engine, [sold, bought])
    totals = engine.stats.liquidations["BTC"]
    assert totals.long_usd == pytest.approx(300 * 0.01 * 60_000)
    assert totals.short_usd == 50_000.0
    assert totals.usd == pytest.approx(230_000.0)


@pytest.mark.parametrize("price_kind", list(PriceKind))
@pytest.mark.parametrize("price", [1.0, 600_000.0])
def test_the_price_of_a_liquidation_never_enters_the_forward_or_its_history(
    price_kind: PriceKind, price: float
) -> None:
    engine, calm = engine_of(QUICK), engine_of(QUICK)
    quotes = falling_market()[:2000]
    printed = liquidation(quotes[1600].ts_init, price=price, price_kind=price_kind)
    run(engine, [*quotes[:1600], *[printed] * 12, *quotes[1600:]], end=False)
    run(calm, quotes, end=False)
    now = quotes[-1].ts_init
    ours, theirs = engine.assets["BTC"], calm.assets["BTC"]
    assert ours.book.consolidated(now) == theirs.book.consolidated(now)
    assert ours.consolidated.sigma_bps(now) == theirs.consolidated.sigma_bps(now) >= 0.0
    assert ours.book.index_price == theirs.book.index_price == 60_000.0


def test_a_throttled_feed_is_known_as_saturated_in_the_features() -> None:
    slow = [
        liquidation(T0 + seconds(i), completeness=Completeness.THROTTLED, venue="okex-swap", symbol="BTC-USDT-SWAP")
        for i in range(100)
    ]
    no_burst = EngineConfig(trigger=TriggerConfig(min_intensity_ratio=1e6))
    assert [each.features["saturated"] for each in opened(run(engine_of(no_burst), slow))] == [1.0]
