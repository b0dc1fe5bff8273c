"""Edge D: only when a cascade has burnt out, against one expected volatility, net of the way in and out."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest

from aftershock.core.asset import AssetState
from aftershock.core.config import EngineConfig
from aftershock.core.fees import FeeBook
from aftershock.core.overshoot import expected_shift, is_exhausted, overshoot_figures
from aftershock.core.streams import StreamStatus
from aftershock.core.triggers import OpenTrigger
from aftershock.model.liquidations import Completeness, Liquidated
from aftershock.model.orders import ApprovedOrder
from aftershock.model.signals import Action, ArbitrageSignal, EdgeType, Reason, TriggerKind
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NAN, tau_years
from aftershock.pricing import greeks
from tests.core.market import T0, engine_of, of_type, quote_values, run, seconds
from tests.core.shock import CONFIG, OVERSHOT, batched, effects_without_faults, timeline
from tests.core.test_stale_quotes import ASK, BID, FEES, HEDGE, armed

HALF_LIFE_S = 5.0
SOME = EngineConfig()


def trigger(kind: TriggerKind = TriggerKind.CASCADE, *, degraded: bool = False) -> OpenTrigger:
    return OpenTrigger(
        trigger_id="t",
        kind=kind,
        asset="BTC",
        series="BTC",
        opened=T0,
        direction=-1,
        source_market="",
        closes=T0 + seconds(1e5),
        cause_ts=T0,
        cause_ts_event=T0,
        reference=0.0,
        extreme=0.0,
        degraded=degraded,
        peak_hz=math.log(2) / HALF_LIFE_S,
    )


def after_one_liquidation(*samples: tuple[float, float]) -> AssetState:
    """Return a coin with one liquidation at T0, whose intensity is the peak, and samples (s, bps) of its series."""
    asset = AssetState("BTC", SOME, FeeBook(InstrumentTable()), StreamStatus())
    asset.window.add(T0, "bybit", "BTCUSDT", 1e6, Liquidated.LONG, Completeness.ALL)
    for second, bps in samples:
        asset.consolidated.add(T0 + seconds(second), bps * 1e-4)
    return asset


def calm(until_s: float) -> list[tuple[float, float]]:
    return [(0.1 * i, 0.0) for i in range(1, round(10 * until_s) + 1)]


def exhausted(samples: list[tuple[float, float]], at_s: float, which: OpenTrigger | None = None) -> bool:
    asset = after_one_liquidation(*samples)
    return is_exhausted(trigger() if which is None else which, asset, SOME, T0 + seconds(at_s))


def test_a_cascade_is_exhausted_once_its_intensity_is_below_half_its_maximum() -> None:
    assert not exhausted(calm(7.0), HALF_LIFE_S)
    assert exhausted(calm(7.0), HALF_LIFE_S + 0.1)


def test_it_is_not_while_the_price_still_moves() -> None:
    assert exhausted([*calm(7.0), (7.1, 4.9)], 7.1)
    assert not exhausted([*calm(7.0), (7.1, 5.1)], 7.1)
    there_and_back = [*calm(7.0), (7.1, 9.0), (7.2, 0.0)]
    assert not exhausted(there_and_back, 7.2)
    assert exhausted([*there_and_back, *((7.2 + 0.1 * i, 0.0) for i in range(1, 60))], 13.0)


def test_it_is_not_where_nobody_knows_whether_the_price_moved() -> None:
    assert not exhausted([], 10.0)
    assert not exhausted([(9.0, 0.0), (10.0, 0.0)], 10.0)


@pytest.mark.parametrize(
    "which",
    [trigger(TriggerKind.PRICE_MOVE), trigger(TriggerKind.PROBE), trigger(degraded=True)],
    ids=["price move", "probe", "degraded"],
)
def test_price_moves_probes_and_degraded_cascades_never_are(which: OpenTrigger) -> None:
    assert exhausted(calm(12.0), 12.0)
    assert not exhausted(calm(12.0), 12.0, which)


def test_volatility_is_expected_to_rise_with_any_move_and_twice_as_much_on_the_way_down() -> None:
    # 0.4 vol points for one percent.
    assert expected_shift(0.01, SOME) == pytest.approx(0.004)
    assert expected_shift(-0.01, SOME) == pytest.approx(0.008)
    assert expected_shift(0.0, SOME) == 0.0


@pytest.mark.parametrize("inverse", [True, False])
@pytest.mark.parametrize("move", [-0.01, 0.007])
def test_net_is_the_expected_exit_price_less_twice_the_costs(*, inverse: bool, move: float) -> None:
    watched = armed(inverse=inverse)
    forwards = [60_000.0 * math.exp(move), 60_500.0 * math.exp(move)]
    everything = np.arange(len(watched.rows), dtype=np.int64)
    figures = overshoot_figures(watched, SOME, forwards, T0, NAN, FEES, HEDGE, everything)
    for position in (0, 3, 11, 19):
        expiry = watched.expiries[int(watched.expiry_of[position])]
        instrument = watched.chain.instruments[int(watched.rows[position])]
        forward, before = float(figures.forward[position]), expiry.before
        assert before is not None
        shift = (0.4 if move > 0 else 0.8) * abs(move)
        sigma = float(before.smile.iv(math.log(instrument.strike / forward))) + before.slope * move + shift
        fair = greeks(forward, instrument.strike, tau_years(expiry.expiry_ns, T0), sigma, instrument.is_call is True)
        unit = forward if inverse else 60_000.0
        half = 0.5 * (ASK - BID) * unit
        for side, price, sign in ((figures.buy, ASK * unit, 1.0), (figures.sell, BID * unit, -1.0)):
            exit_price = float(fair.price) - sign * half
            fee = min(3e-4 * forward, 0.125 * price)
            h = float(fair.delta) - (price / forward if inverse else 0.0)
            net = sign * (exit_price - price) - 2 * (fee + abs(h) * 36.0)
            assert side.value_usd[position] == pytest.approx(exit_price, rel=1e-9)
            assert side.net[position] == pytest.approx(net, rel=1e-9, abs=1e-7)


def test_to_first_order_it_is_vega_times_the_distance_in_volatility() -> None:
    """`vega1 * (s_bid - s_fair)`, s_fair half a width above the expected volatility, for quotes one point wide."""
    watched = armed()
    forwards, chain = [60_000.0, 60_500.0], watched.chain
    first = np.array([2], dtype=np.int64)  # a call at the money
    row = int(watched.rows[2])
    terms, expiry = chain.instruments[row], watched.expiries[0]
    assert expiry.before is not None
    tau, expected = tau_years(expiry.expiry_ns, T0), float(expiry.before.smile.iv(0.0))
    bid, ask = (
        float(greeks(60_000.0, terms.strike, tau, expected + points / 100, True).price) / 60_000.0
        for points in (4.0, 5.0)
    )
    chain.update(row, T0, quote_values(bid, ask))
    figures = overshoot_figures(watched, SOME, forwards, T0, NAN, FEES, HEDGE, first)
    assert terms.strike == 60_000.0
    assert float(figures.sell.gross[0]) == pytest.approx(float(figures.sell.vega[0]) / 100 * (4.0 - 0.5), rel=0.01)


def test_a_quote_without_another_side_has_no_width_and_no_edge() -> None:
    watched = armed()
    watched.chain.update(int(watched.rows[0]), T0, quote_values(BID, NAN))
    figures = overshoot_figures(
        watched, SOME, [60_000.0, 60_500.0], T0, NAN, FEES, HEDGE, np.array([0], dtype=np.int64)
    )
    assert np.isnan(figures.sell.net[0])


# --- in the engine ----------------------------------------------------------------------------------------------


def overshot(**changes: Any) -> list[ArbitrageSignal]:
    """Return what is said of edge D when one put is quoted far too high nine seconds after the crash."""
    effects = run(engine_of(msgspec.structs.replace(CONFIG, **changes)), batched(timeline([])))
    return [s for s in of_type(ArbitrageSignal, effects) if s.edge_type is EdgeType.VOL_OVERSHOOT]


def test_a_put_that_is_bid_far_too_high_after_a_cascade_is_sold_and_hedged() -> None:
    effects = effects_without_faults()
    (sold,) = [
        s
        for s in of_type(ArbitrageSignal, effects)
        if s.edge_type is EdgeType.VOL_OVERSHOOT and s.action is not Action.HOLD
    ]
    assert (sold.action, sold.legs[0].symbol, sold.trigger_kind) == (Action.SELL, OVERSHOT, TriggerKind.CASCADE)
    assert sold.hedge is not None
    assert sold.scenario.startswith("R=1 ds=+")
    (order,) = [o for o in of_type(ApprovedOrder, effects) if o.intent.edge == "D"]
    assert (order.intent.legs, order.intent.hedge) == (sold.legs, sold.hedge)


def test_its_lines_add_up_over_both_ways_and_each_way_is_named_once() -> None:
    sold = overshot()[0]
    net, gross = (bps * sold.forward / 1e4 for bps in (sold.spread_bps, sold.gross_spread_bps))
    assert gross - sold.fee_usd - sold.hedge_cost_usd == pytest.approx(net)
    assert sold.price_usd - sold.value_usd == pytest.approx(gross)
    assert 2 * sold.entry_cost_usd == pytest.approx(sold.fee_usd + sold.hedge_cost_usd)
    assert sold.hedge is not None
    assert 2 * sold.hedge.cost_usd == pytest.approx(sold.hedge_cost_usd)


def test_below_its_own_threshold_it_is_a_hold() -> None:
    (first, *_) = overshot(threshold_overshoot_bps=100.0)
    assert (first.action, first.reason, first.threshold_bps) == (Action.HOLD, Reason.BELOW_MIN_SPREAD, 100.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"edges": ("A", "B", "C", "E")},
        {"overshoot_intensity_share": 0.0},
        {"overshoot_calm_bps": 0.0},
        {"trigger": msgspec.structs.replace(CONFIG.trigger, armed=("price-move",))},
        {"trigger": msgspec.structs.replace(CONFIG.trigger, history_s=600.0)},
    ],
    ids=["off", "never low enough", "never calm enough", "price moves only", "degraded"],
)
def test_without_its_phase_or_its_trigger_it_is_not_looked_for(changes: dict[str, Any]) -> None:
    assert overshot()
    assert overshot(**changes) == []


def test_it_is_judged_by_the_same_rules_as_a_stale_quote() -> None:
    reasons = {"order_coins": Reason.THIN, "option_max_age_ms": Reason.STALE_DATA, "unit_max_iv": Reason.UNIT_CHECK}
    limits = {"order_coins": 0.01, "option_max_age_ms": 1e-6, "unit_max_iv": 0.051}
    for name, limit in limits.items():
        said = overshot(**{name: limit})
        assert [s for s in said if s.reason is reasons[name]], name
        assert {s.action for s in said} == {Action.HOLD}
