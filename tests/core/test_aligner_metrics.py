"""What the aligner says about an option's price."""

from __future__ import annotations

import math
from typing import Any

import pytest

from aftershock.core.aligner import OptionsChainAligner
from aftershock.pricing import greeks

ALIGNER = OptionsChainAligner(tolerance_pct=2.0)
STRIKES: list[float] = [45000, 46000, 47000, 48000, 49000, 50000, 51000, 52000]
CALL = ALIGNER.find_nearest_strikes(48500, STRIKES)
PUT = ALIGNER.find_nearest_strikes(48500, STRIKES, kind="put")
KEYS = {
    "moneyness",
    "intrinsic_value",
    "time_value",
    "estimated_iv",
    "theta_per_day",
    "spread_to_strike_pct",
    "theoretical_spread",
    "arbitrage_score",
}


def metrics(info: dict[str, Any] = CALL, /, **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"option_price": 1500.0, "time_to_expiry_days": 7} | more
    price = given.pop("liquidation_price", 48500)
    return ALIGNER.calculate_arbitrage_metrics(price, info, **given)


def test_a_weekly_call_has_its_true_volatility_and_theta() -> None:
    found = metrics()
    assert found["estimated_iv"] == pytest.approx(0.46297, abs=5e-6)
    assert found["theta_per_day"] == pytest.approx(-86.96, abs=5e-3)


def test_all_eight_metrics_are_there() -> None:
    found = metrics()
    assert found.keys() >= KEYS
    assert found["moneyness"] == 48500 / 48000
    assert (found["intrinsic_value"], found["time_value"]) == (500.0, 1000.0)
    assert found["spread_to_strike_pct"] == pytest.approx(100 * 500 / 48500)


def test_a_put_has_no_intrinsic_value_above_its_strike() -> None:
    found = metrics(PUT, option_price=1000.0)
    assert (found["intrinsic_value"], found["time_value"]) == (0.0, 1000.0)
    # Same strike, same time value: parity makes it the same volatility as the call's.
    assert found["estimated_iv"] == pytest.approx(metrics()["estimated_iv"], rel=1e-12)


def test_a_premium_in_coin_is_worth_the_price_times_as_much() -> None:
    coin, usd = metrics(option_price=1500 / 48500, premium="coin"), metrics()
    assert coin["estimated_iv"] == pytest.approx(usd["estimated_iv"], rel=1e-12)
    assert coin["time_value"] == pytest.approx(usd["time_value"])


def test_a_rate_makes_the_price_a_spot() -> None:
    rate, tau = 0.08, 7 / 365
    forward, discount = 48500 * math.exp(rate * tau), math.exp(-rate * tau)
    priced = greeks(forward, 48000, tau, 0.5, True, discount)
    found = metrics(option_price=float(priced.price), risk_free_rate=rate)
    assert found["estimated_iv"] == pytest.approx(0.5, rel=1e-10)
    assert found["intrinsic_value"] == pytest.approx(discount * (forward - 48000))


def test_theta_is_the_premium_lost_in_a_day_at_an_unchanged_spot() -> None:
    rate, day = 0.08, 1 / 365
    found = metrics(risk_free_rate=rate)

    def premium(tau: float) -> float:
        discount = math.exp(-rate * tau)
        return float(greeks(48500 / discount, 48000, tau, found["estimated_iv"], True, discount).price)

    step = day / 1000
    decay = (premium(7 * day - step) - premium(7 * day + step)) / 2 * 1000
    assert found["theta_per_day"] == pytest.approx(decay, rel=1e-6)


def test_the_spread_is_the_observed_one_or_none() -> None:
    assert metrics()["theoretical_spread"] is None
    assert metrics(bid=1480.0)["theoretical_spread"] is None
    assert metrics(bid=1480.0, ask=1520.0)["theoretical_spread"] == pytest.approx(40.0)
    coin = metrics(option_price=1500 / 48500, premium="coin", bid=0.030, ask=0.032)
    assert coin["theoretical_spread"] == pytest.approx(0.002 * 48500)


def test_a_score_needs_a_fair_volatility_to_compare_with() -> None:
    assert metrics()["arbitrage_score"] is None
    assert metrics(fair_iv=metrics()["estimated_iv"])["arbitrage_score"] == pytest.approx(0.0, abs=1e-6)


def test_the_score_grows_with_the_edge_and_shrinks_with_its_cost() -> None:
    near, far = metrics(fair_iv=0.464)["arbitrage_score"], metrics(fair_iv=0.466)["arbitrage_score"]
    dear = metrics(fair_iv=0.466, entry_cost=5.0)["arbitrage_score"]
    assert 0 < near < far < 100
    assert 0 < dear < far


def test_a_premium_outside_the_bounds_has_no_volatility_and_no_theta() -> None:
    for premium in (400.0, 60_000.0):
        found = metrics(option_price=premium)
        assert found["estimated_iv"] is None
        assert found["theta_per_day"] is None
        assert found["iv_status"] != 0


def test_a_strike_beyond_the_tolerance_is_an_error() -> None:
    assert "tolerance" in metrics(ALIGNER.find_nearest_strikes(60000, STRIKES))["error"]


def test_the_error_of_the_alignment_is_passed_on() -> None:
    assert metrics(ALIGNER.find_nearest_strikes(60000, []))["error"] == "no strikes to align with"


BAD = [math.nan, math.inf, -math.inf, None, "7"]


@pytest.mark.parametrize(
    "more",
    [
        *({name: bad} for name in ("liquidation_price", "option_price", "time_to_expiry_days") for bad in BAD),
        *({"risk_free_rate": rate} for rate in (math.nan, math.inf, 1e9, -1e9)),
        {"liquidation_price": 0},
        {"liquidation_price": -48500},
        {"time_to_expiry_days": 0},
        {"time_to_expiry_days": -1},
        {"option_price": -1},
        {"premium": "EUR"},
    ],
    ids=str,
)
def test_what_cannot_be_priced_is_an_error_and_never_an_exception(more: dict[str, object]) -> None:
    assert list(metrics(**more)) == ["error"]


@pytest.mark.parametrize("name", ["bid", "ask", "fair_iv", "entry_cost"])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_an_absent_figure_beside_the_price_never_becomes_nan(name: str, bad: float) -> None:
    found = metrics(**({"bid": 1480.0, "ask": 1520.0, "fair_iv": 0.5} | {name: bad}))
    assert "error" in found or all(value is None or math.isfinite(value) for value in found.values())
