"""What every golden scenario is made of: contract terms as the venues publish them, and builders of literals.

Times are milliseconds from `start_s`. A quote is (from ms, bid, bid amount, ask, ask amount), prices and amounts as
the venue writes them, None for what is empty; it stands until the next one and is repeated on every beat. The index
is printed at every whole second. Before a shock each perpetual stands still (or moves with the index), so that every
basis is the constant ln(M / S): the mean of a constant is that constant, whatever its weights. One scenario lets the
index drift, to test the mean itself.

`variants` name a price that replaces one side of a row in all of its quotes: `inside` lies 0.1 bps within the
threshold, `past` 0.1 bps beyond it. `python -m tests.golden.worksheet --solve` finds them.
"""

from __future__ import annotations

from typing import Any

Scenario = dict[str, Any]
Setting = Any
"""A configured number or word."""
QuoteAt = tuple[float | None, ...]

NOON_21_APR_2023 = 1_682_078_400
EXPIRY_28_APR_2023 = 1_682_668_800
NOON_20_MAY_2022 = 1_653_048_000
EXPIRY_27_MAY_2022 = 1_653_638_400

# Rates are fractions of the underlying, the cap a fraction of the premium; lots in native amounts.
OPTION_TERMS: dict[str, Scenario] = {
    "BTC": {"taker": "0.0003", "cap": "0.125", "delivery": "0.00015", "lot": "0.1", "inverse": True},
    "BTC_USDC": {"taker": "0.0005", "cap": "0.125", "delivery": "0.00015", "lot": "0.01", "inverse": False},
}
FUTURE_TAKER = "0.0005"
# By venue where it is not Deribit: OKX counts inverse options in contracts, and its smallest order is one of them.
ELSEWHERE_TERMS: dict[str, Scenario] = {
    "okex-options": {
        "taker": "0.0003",
        "cap": "0.125",
        "delivery": "0.0002",
        "lot": "0.01",
        "coins": "0.01",
        "inverse": True,
    },
}
# What one unit of an amount is: so many coins, or (None) a dollar.
PERPETUAL_TERMS: dict[str, Scenario] = {
    "binance-futures": {"taker": "0.0005", "coins": "1"},
    "bybit": {"taker": "0.00055", "coins": "1"},
    "deribit": {"taker": "0.0005", "coins": None},
    "ftx": {"taker": "0.0007", "coins": "1"},
    "okex-swap": {"taker": "0.0005", "coins": "0.01"},
}
# Defaults that docs/decision.md names; a scenario's `config` overrides them here and in the engine alike.
DEFAULTS: Scenario = {
    "perp_max_age_ms": 500.0,
    "index_max_age_ms": 10_000.0,
    "min_forward_venues": 3,
    "max_dispersion_bps": 5.0,
    "max_dispersion_move_share": 0.25,
    "option_max_age_ms": 2_000.0,
    "leg_span_ms": 250.0,
    "smile_lag_s": 2.0,
    "basis_tau_s": 120.0,
    "carry_tau_s": 300.0,
    "basis_lag_s": 5.0,
    "basis_history_s": 30.0,
    "reevaluate_ms": 100.0,
    "static_neighbours": 3,
    "expiry_window_s": 1_800.0,
    "vol_up_points": 1.0,
    "vol_up_per_move": 40.0,
    "vol_down_points": 0.5,
    "vol_down_per_move": 10.0,
    "order_coins": 1.0,
    "depth_haircut": 0.5,
    "hedge_impact_bps": 0.5,
    "threshold_buy_bps": 2.0,
    "threshold_sell_bps": 4.0,
    "threshold_static_bps": 1.0,
    "threshold_overshoot_bps": 8.0,
    "threshold_dislocation_bps": 4.0,
    "overshoot_intensity_share": 0.5,
    "overshoot_calm_bps": 5.0,
    "overshoot_calm_s": 5.0,
    "overshoot_response_per_move": 40.0,
    "overshoot_down_factor": 2.0,
    "dislocation_hold_ms": 250.0,
    "threshold_cross_bps": 3.0,
    "cross_short_margin": 0.15,
    "capital_rate_per_year": 0.10,
    "stable_haircut_bps": 10.0,
    "settlement_basis_bps": 1.0,
    "min_spread_bps": 0.0,
    "max_latency_ms": 1_000.0,
    "unit_max_spread_bps": 200.0,
    "unit_min_ratio": 0.2,
    "unit_max_ratio": 5.0,
    "unit_min_iv": 0.05,
    "unit_max_iv": 5.0,
    "stub_ask_over_value": 3.0,
    "forward": "quotes",
    "options_feed": "stream",
    "liquidation_venues": 1,
}
RISK_DEFAULTS: Scenario = {
    "max_quantity_coins": 10.0,
    "max_premium_usd": 250_000.0,
    "collar_value_fraction": 0.10,
    "collar_value_bps": 50.0,
}
TRIGGER_DEFAULTS: Scenario = {
    "window_s": 30.0,
    "min_move_bps": 15.0,
    "min_move_sigmas": 3.0,
    "min_imbalance": 0.6,
    "min_intensity_ratio": 10.0,
    "intensity_half_life_s": 5.0,
    "base_rate_floor_hz": 0.02,
}


def perpetual(symbol: str, offset_ms: int, *quotes: QuoteAt, every_ms: int = 400) -> Scenario:
    """Quote one perpetual or future at `offset_ms` and on every beat after it."""
    return {"symbol": symbol, "offset_ms": offset_ms, "every_ms": every_ms, "quotes": list(quotes)}


def row(strike: float, kind: str, *quotes: QuoteAt, **more: object) -> Scenario:
    """Quote one option; `kind` is C or P."""
    return {"strike": strike, "is_call": kind == "C", "quotes": list(quotes), **more}


def chain(family: str, rows: dict[str, Scenario], **changes: object) -> Scenario:
    """List one expiry on Deribit, every row of it confirmed once a second."""
    base = {
        "venue": "deribit",
        "family": family,
        "expiry_s": EXPIRY_28_APR_2023,
        "underlying": [(0, 30018.0)],
        "first_ms": 500,
        "every_ms": 1_000,
        "rows": rows,
    }
    return {**base, **changes}


def shock(title: str, **changes: object) -> Scenario:
    """Describe an edge A: the price move is tested against 40 bps, so that half of it opens nothing."""
    base = {
        "title": title,
        "kind": "stale_quote",
        "start_s": NOON_21_APR_2023,
        "config": {"trigger": {"min_move_bps": 40.0}},
        "index": [(0, 30000.0)],
        "opens_ms": 70_001,
        "ends_ms": 70_010,
    }
    return {**base, **changes}


def package(title: str, family: str, rows: dict[str, Scenario], **changes: object) -> Scenario:
    """Describe a static package: one snapshot of its legs, at one second."""
    base = {
        "title": title,
        "kind": "package",
        "start_s": NOON_21_APR_2023,
        "config": {},
        "index": [(0, 30000.0)],
        "options": chain(family, rows, first_ms=1_000),
        "opens_ms": 1_000,
        "ends_ms": 1_400,
    }
    return {**base, **changes}


def pair(title: str, here: Scenario, there: Scenario, **changes: object) -> Scenario:
    """Describe the same option on Deribit and elsewhere: one snapshot of both, at one second."""
    return {**package(title, "", {}), "kind": "pair", "options": here, "elsewhere": there, **changes}
