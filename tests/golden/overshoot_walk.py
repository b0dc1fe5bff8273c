"""Walks edge D of docs/decision.md: when a cascade is exhausted, the expected exit price, net of both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.golden import check_walk
from tests.golden.arithmetic import Number, black76, exact, is_number, mp
from tests.golden.forward_walk import sample_times, series_value
from tests.golden.shock_model import Before, Edge, Moment, Valued
from tests.golden.shock_walk import held_against, moment
from tests.golden.timeline import beat_times, row_times, setting, standing, trigger_setting

if TYPE_CHECKING:
    from tests.golden.terms import Scenario


def intensity_share(scenario: Scenario, at_ms: int) -> Number:
    """Return intensity over its maximum since the opening."""
    decay = mp.log(2) / exact(trigger_setting(scenario, "intensity_half_life_s"))
    last = max(liq[0] for liq in scenario["liquidations"])
    # Nothing is liquidated after the opening, so that the maximum is the intensity then.
    return mp.exp(-decay * exact(at_ms - last) / 1_000)


def range_bps(scenario: Scenario, at_ms: int) -> Number:
    """Return highest less lowest sample of the last seconds; NaN if none is old enough."""
    span = int(1_000 * setting(scenario, "overshoot_calm_s"))
    times = sample_times(scenario, at_ms - span, at_ms)
    if at_ms - times[0] < mp.mpf(5) / 6 * span:
        return mp.nan
    values = [series_value(scenario, at) for at in times]
    return 10_000 * (max(values) - min(values))


def is_exhausted(scenario: Scenario, at_ms: int) -> bool:
    """Tell whether edge D may be looked for."""
    if not intensity_share(scenario, at_ms) < exact(setting(scenario, "overshoot_intensity_share")):
        return False
    move = range_bps(scenario, at_ms)
    return bool(is_number(move) and move < exact(setting(scenario, "overshoot_calm_bps")))


def check_phase(scenario: Scenario) -> None:
    """Make sure that the decision comes with the first evaluation in exhaustion.

    The venues quote in bursts: what the first of a burst lets be evaluated, the others make dirty again, to be
    evaluated once more when the pause is over.

    Raises:
        ValueError: It does not.
    """
    opens, ends = scenario["opens_ms"], scenario["ends_ms"]
    leader = min(scenario["perpetuals"].values(), key=lambda feed: feed["offset_ms"])
    beats = [at for at in beat_times(leader, ends) if at >= opens]
    moments = sorted([*beats, *(at + int(setting(scenario, "reevaluate_ms")) for at in beats)])
    first = next((at for at in moments if at <= ends and is_exhausted(scenario, at)), None)
    if first != scenario.get("decides_ms"):
        message = f"the cascade is exhausted at {first}, not at {scenario.get('decides_ms')}"
        raise ValueError(message)


def expected_shift(scenario: Scenario, r: Number) -> Number:
    """Return the rise of volatility that a move is expected to leave behind, vol points."""
    factor = exact(setting(scenario, "overshoot_down_factor")) if r < 0 else mp.mpf(1)
    return factor * exact(setting(scenario, "overshoot_response_per_move")) * abs(r)


def edges(scenario: Scenario, world: Before, at_ms: int) -> list[Edge]:
    """Hold both sides of every quoted option against the price at which the position is expected to be closed."""
    found = []
    now = moment(scenario, at_ms)
    for symbol, option in scenario["options"]["rows"].items():
        if not row_times(scenario["options"], symbol, at_ms):
            continue
        quote = [exact(value) for value in standing(option["quotes"], at_ms)]
        for side, price in (("buy", quote[2]), ("sell", quote[0])):
            if is_number(price):
                found.append(_edge(scenario, world, now, symbol, side, quote))
    return found


def _edge(scenario: Scenario, world: Before, now: Moment, symbol: str, side: str, quote: list[Number]) -> Edge:
    option = scenario["options"]["rows"][symbol]
    strike, f1 = exact(option["strike"]), now.forward
    r = mp.log(f1 / world.forward)
    shift = expected_shift(scenario, r)
    sigma = world.smile.sigma(mp.log(strike / f1)) + world.smile.slope_at_zero() * r + shift / 100
    priced = black76(f1, strike, now.tau, sigma, is_call=option["is_call"])
    half_width = (quote[2] - quote[0]) / 2 * f1  # inverse
    leaves_at = priced.value + (half_width if side == "sell" else -half_width)
    central = Valued(1, shift, sigma, priced._replace(value=leaves_at))
    edge = held_against(scenario, now, symbol, side, quote, [central], ways=2)
    return edge._replace(reasons=list(check_walk.reasons(scenario, edge, now, quote)))
