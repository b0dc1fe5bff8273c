"""Walks section 6 and 7 of docs/decision.md for an edge A: the checks in their order, and the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.golden.arithmetic import Number, exact, implied_volatility, is_number, mp
from tests.golden.forward_walk import consolidated, move_bps
from tests.golden.terms import OPTION_TERMS
from tests.golden.timeline import batch_times, risk_setting, setting

if TYPE_CHECKING:
    from tests.golden.shock_model import Edge, Moment
    from tests.golden.terms import Scenario


def threshold(scenario: Scenario, side: str) -> Number:
    """Return the net edge that an order needs, bps."""
    kind = "overshoot" if scenario["kind"] == "overshoot" else side
    return max(exact(setting(scenario, f"threshold_{kind}_bps")), exact(setting(scenario, "min_spread_bps")))


def reasons(scenario: Scenario, edge: Edge, now: Moment, quote: list[Number]) -> list[str]:
    """Return every check of section 6 that fails, in its order."""
    at_ms = now.at_ms
    faults = [kind for at, kind in scenario.get("faults", []) if at <= at_ms]
    options = scenario["options"]
    age = at_ms - batch_times(options, at_ms)[-1]
    latency = at_ms - int(scenario.get("fed_ms") or scenario["opens_ms"])
    to_expiry = options["expiry_s"] - scenario["start_s"] - mp.mpf(at_ms) / 1_000
    lot = exact(OPTION_TERMS[options["family"]]["lot"])
    failing = {
        "venue_down": "stale" in faults,
        "gap": "gap" in faults,
        "stale_data": age > setting(scenario, "option_max_age_ms"),
        "dispersion": now.dispersed,
        "expiry_window": not to_expiry > setting(scenario, "expiry_window_s"),
        "unit_check": _unit_fault(scenario, edge, now, quote),
        "stub_quote": edge.side == "buy"
        and edge.price_usd > exact(setting(scenario, "stub_ask_over_value")) * edge.chosen.option.value,
        "no_executable_forward": setting(scenario, "forward") != "quotes",
        "no_size": not is_number(edge.quantity),
        "thin": is_number(edge.quantity) and edge.quantity < lot,
        "not_evaluable": bool(scenario.get("degraded")),
        "no_edge": not edge.gross > 0,
        "fees": edge.gross > 0 and not edge.net > 0,
        "below_min_spread": edge.net > 0 and edge.spread_bps < threshold(scenario, edge.side),
    }
    # What an exhausted cascade left behind is no race: edge D has no latency limit.
    races = scenario["kind"] != "overshoot"
    late = ["stale_data"] if races and latency > setting(scenario, "max_latency_ms") else []
    return [reason for reason, fails in failing.items() if fails] + late


def refused_by(scenario: Scenario, edge: Edge, now: Moment) -> str:
    """Return the first limit of section 7 that refuses an order, empty if none does."""
    value = edge.chosen.option.value
    collar = max(
        exact(risk_setting(scenario, "collar_value_fraction")) * value,
        exact(risk_setting(scenario, "collar_value_bps")) / 10_000 * now.forward,
    )
    limits = {
        "quantity": edge.quantity <= exact(risk_setting(scenario, "max_quantity_coins")),
        "premium": edge.price_usd * edge.quantity <= exact(risk_setting(scenario, "max_premium_usd")),
        "collar": abs(edge.price_usd - value) <= collar,
    }
    return next((limit for limit, passes in limits.items() if not passes), "")


def dispersed(scenario: Scenario, at_ms: int) -> bool:
    if setting(scenario, "forward") != "quotes":
        return False
    share = exact(setting(scenario, "max_dispersion_move_share"))
    # Later moves are measured from the same sample: the series stood still before the shock.
    most = min(exact(setting(scenario, "max_dispersion_bps")), share * abs(move_bps(scenario, at_ms)))
    return bool(consolidated(scenario, at_ms).dispersion_bps > most)


def _unit_fault(scenario: Scenario, edge: Edge, now: Moment, quote: list[Number]) -> bool:
    option = scenario["options"]["rows"][edge.symbol]
    f1, strike = now.forward, exact(option["strike"])
    value, delta = edge.chosen.option.value, abs(edge.chosen.option.delta)
    low, high = exact(setting(scenario, "unit_min_ratio")), exact(setting(scenario, "unit_max_ratio"))
    iv = implied_volatility(edge.price_usd, f1, strike, now.tau, is_call=option["is_call"])
    out_of_the_money = option["is_call"] == (strike >= f1)
    iv_fits = setting(scenario, "unit_min_iv") <= iv <= setting(scenario, "unit_max_iv")
    return bool(
        quote[0] >= quote[2]
        or abs(edge.spread_bps) > exact(setting(scenario, "unit_max_spread_bps"))
        or (mp.mpf("0.1") <= delta <= mp.mpf("0.9") and not low <= edge.price_usd / value <= high)
        or ((is_number(iv) or out_of_the_money) and not iv_fits)
    )
