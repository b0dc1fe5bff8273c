"""What a model is told beside a decision's own figures; expected values by bisection and differences of prices."""

from __future__ import annotations

import math
from statistics import NormalDist

import pytest

from aftershock.core.config import EngineConfig
from aftershock.core.engine import Effect
from aftershock.core.review_features import FEATURES
from aftershock.model.events import Event
from aftershock.model.signals import ArbitrageSignal, EdgeType, ReviewRequest, TriggerKind, TriggerOpened
from tests.core.market import EXPIRY_NS, T0, engine_of, future_quote, liquidation, millis, of_type, run, seconds
from tests.core.reviewer import with_review
from tests.core.shock import CONFIG, batched, timeline
from tests.core.test_dislocation import Perpetuals
from tests.core.test_static_trigger import rows

SHADOW = with_review(EngineConfig(), "shadow")
N = NormalDist()


def black76(forward: float, strike: float, tau: float, sigma: float, *, is_call: bool) -> float:
    d1 = math.log(forward / strike) / (sigma * math.sqrt(tau)) + 0.5 * sigma * math.sqrt(tau)
    d2 = d1 - sigma * math.sqrt(tau)
    if is_call:
        return forward * N.cdf(d1) - strike * N.cdf(d2)
    return strike * N.cdf(-d2) - forward * N.cdf(-d1)


def implied(price: float, forward: float, strike: float, tau: float, *, is_call: bool) -> float:
    low, high = 1e-3, 10.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        if black76(forward, strike, tau, middle, is_call=is_call) < price:
            low = middle
        else:
            high = middle
    return low


def greeks_of(forward: float, strike: float, tau: float, sigma: float, *, is_call: bool) -> tuple[float, float, float]:
    """Return delta, change for a vol point and change over a day, each as a difference of prices."""

    def value(at: float = forward, vol: float = sigma, left: float = tau) -> float:
        return black76(at, strike, left, vol, is_call=is_call)

    bump, day = forward * 1e-5, 1 / 365
    delta = (value(forward + bump) - value(forward - bump)) / (2 * bump)
    vega = (value(vol=sigma + 1e-4) - value(vol=sigma - 1e-4)) / 2e-4 * 0.01
    theta = (value(left=tau - day * 1e-4) - value(left=tau + day * 1e-4)) / 2e-4
    return delta, vega, theta


def asked(effects: list[Effect]) -> ReviewRequest:
    return of_type(ReviewRequest, effects)[0]


def static(*more: Event) -> ReviewRequest:
    """Return the question about a call spread: 58,000 bought at 0.0210, 60,000 sold at 0.0250, forward 60,000."""
    events = sorted([*more, *rows(low_ask=0.0210, size=7.0)], key=lambda event: event.ts_init)
    later = events[-1].ts_init + 1
    last = future_quote(later, 1.0, 2.0, expiry="25DEC26")
    return asked(run(engine_of(SHADOW), [*events, last], end=False))


def test_all_features_are_there_in_their_order() -> None:
    assert tuple(static().features) == FEATURES


def test_a_package_is_described_by_its_first_leg_and_what_all_legs_hold() -> None:
    request = static()
    features, now = request.features, request.ts_init
    assert request.signal.forward == 60_000.0
    assert math.isnan(features["iv_price"])  # 0.0210 coins are 1,260 USD for what is 2,000 USD in the money
    assert math.isnan(features["delta"])
    assert math.isnan(features["iv_value"])
    assert features["moneyness_pct"] == pytest.approx(100 * (58_000 / 60_000 - 1))
    assert features["days_to_expiry"] == pytest.approx((EXPIRY_NS - now) / 86_400e9)
    assert features["quote_spread_bps"] == pytest.approx(5.0)  # 0.0205 to 0.0210 coins
    assert features["top_size_coins"] == 7.0
    assert features["candidates"] == 1.0


def test_a_shock_that_static_packages_do_not_have_is_unknown_and_no_liquidation_is_none() -> None:
    features = static().features
    assert math.isnan(features["move_bps"])
    assert math.isnan(features["away_bps"])
    assert math.isnan(features["imbalance"])
    assert (features["venues"], features["liquidated_usd"], features["intensity_ratio"]) == (0.0, 0.0, 0.0)


def test_liquidations_of_the_window_are_summed() -> None:
    prints = [
        liquidation(T0 - seconds(2), amount=3.0),
        liquidation(T0 - seconds(1), venue="bybit", symbol="BTCUSDT", amount=1.0),
    ]
    features = static(*prints).features
    assert features["liquidated_usd"] == pytest.approx(4.0 * 60_000)
    assert features["imbalance"] == 1.0
    assert features["venues"] == 2.0
    # An exponential kernel of 5 s: b e^(-2b) + b e^(-b) per second, b = ln 2 / 5, over the floor of 0.02.
    b, late = math.log(2) / 5, 0.001
    assert features["intensity_ratio"] == pytest.approx(
        b * (math.exp(-b * (2 + late)) + math.exp(-b * (1 + late))) / 0.02
    )


def test_without_feeds_of_liquidations_nothing_is_known_of_them() -> None:
    config = with_review(EngineConfig(liquidation_venues=0), "shadow")
    events = [*rows(low_ask=0.0210), future_quote(T0 + millis(2), 1.0, 2.0, expiry="25DEC26")]
    features = asked(run(engine_of(config), events, end=False)).features
    unknown = ("imbalance", "venues", "liquidated_usd", "intensity_ratio")
    assert all(math.isnan(features[name]) for name in unknown)


def test_a_box_holds_what_its_four_legs_hold() -> None:
    effects = run(engine_of(with_review(CONFIG, "shadow")), batched(timeline([])))
    box = next(r for r in of_type(ReviewRequest, effects) if r.signal.edge_type is EdgeType.BOX)
    forward, tau = box.signal.forward, (EXPIRY_NS - box.ts_init) / (365 * 86_400e9)
    together = [0.0, 0.0, 0.0]
    for leg in box.signal.legs:
        assert leg.symbol.split("-")[1] == "6MAR26"
        strike, is_call = float(leg.symbol.split("-")[2]), leg.symbol.endswith("C")
        sigma = implied(leg.price_usd, forward, strike, tau, is_call=is_call)
        sign = 1.0 if leg.side.value == "buy" else -1.0
        for at, figure in enumerate(greeks_of(forward, strike, tau, sigma, is_call=is_call)):
            together[at] += sign * figure
    names = ("delta", "vega_per_vol_point", "theta_per_day_usd")
    assert [box.features[name] for name in names] == pytest.approx(together, rel=1e-3, abs=1e-3)


def test_one_option_is_described_at_the_volatility_of_its_value() -> None:
    effects = run(engine_of(with_review(CONFIG, "shadow")), batched(timeline([])))
    opened = {trigger.trigger_id: trigger for trigger in of_type(TriggerOpened, effects)}
    stale = next(r for r in of_type(ReviewRequest, effects) if r.signal.edge_type is EdgeType.STALE_QUOTE)
    signal, features = stale.signal, stale.features
    (leg,) = signal.legs
    strike, is_call = float(leg.symbol.split("-")[2]), leg.symbol.endswith("C")
    assert leg.symbol.split("-")[1] == "6MAR26"
    tau = (EXPIRY_NS - stale.ts_init) / (365 * 86_400e9)
    sigma = implied(signal.value_usd, signal.forward, strike, tau, is_call=is_call)
    assert features["iv_value"] == pytest.approx(sigma)
    assert features["iv_price"] == pytest.approx(implied(leg.price_usd, signal.forward, strike, tau, is_call=is_call))
    delta, vega, theta = greeks_of(signal.forward, strike, tau, sigma, is_call=is_call)
    assert features["delta"] == pytest.approx(delta, rel=1e-4)
    assert features["vega_per_vol_point"] == pytest.approx(vega, rel=1e-3)
    assert features["theta_per_day_usd"] == pytest.approx(theta, rel=1e-3)
    assert features["delta"] == pytest.approx(signal.delta, rel=0.02)
    assert features["moneyness_pct"] == pytest.approx(100 * (strike / signal.forward - 1))
    assert features["candidates"] >= 1.0
    kind = opened[stale.trigger_id].kind
    assert kind in (TriggerKind.CASCADE, TriggerKind.PRICE_MOVE)
    assert features["move_bps"] < -15.0  # the crash


def test_a_perpetual_has_a_quote_and_a_distance_and_nothing_of_an_option() -> None:
    market = Perpetuals(SHADOW).go_on(0.5, bybit=-30.0)
    features = asked(market.effects).features
    (signal,) = of_type(ArbitrageSignal, market.effects)
    assert features["away_bps"] == pytest.approx(-30.0, abs=0.1)
    assert features["quote_spread_bps"] == pytest.approx(1e4 * 1.0 / signal.forward)
    assert features["top_size_coins"] == pytest.approx(20.0, rel=1e-3)
    unknown = ("moneyness_pct", "days_to_expiry", "delta", "vega_per_vol_point", "theta_per_day_usd", "iv_price")
    assert all(math.isnan(features[name]) for name in unknown)
