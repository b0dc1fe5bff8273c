"""Finds the price at which a golden scenario lies a given distance from its threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.golden import check_walk, dislocation_walk, overshoot_walk, package_walk, pair_walk, shock_walk
from tests.golden.arithmetic import Number, exact, mp
from tests.golden.timeline import decision_ms, standing, with_target

if TYPE_CHECKING:
    from tests.golden.terms import Scenario

DISTANCE_BPS = {"inside": mp.mpf("0.1"), "past": mp.mpf("-0.1")}


def threshold_bps(scenario: Scenario) -> Number:
    """Return the threshold of the scenario's target."""
    if scenario["kind"] == "package":
        return package_walk.threshold(scenario)
    if scenario["kind"] == "dislocation":
        return dislocation_walk.threshold(scenario)
    if scenario["kind"] == "pair":
        return pair_walk.threshold(scenario)
    return check_walk.threshold(scenario, "buy" if scenario["target"][1] == "ask" else "sell")


def target_spread_bps(scenario: Scenario) -> Number:
    """Return the net edge of the target's opportunity."""
    symbol, side = scenario["target"]
    taker = "buy" if side == "ask" else "sell"
    if scenario["kind"] == "package":
        with_it = (
            package
            for package in package_walk.packages(scenario, scenario["opens_ms"])
            if any(leg.symbol == symbol and leg.side == taker for leg in package.legs)
        )
        return max(package.spread_bps for package in with_it)
    if scenario["kind"] == "dislocation":
        return dislocation_walk.apart(scenario, scenario["opens_ms"]).spread_bps
    if scenario["kind"] == "pair":
        return next(
            pair.spread_bps
            for pair in pair_walk.pairs(scenario, scenario["opens_ms"])
            if any((leg.symbol, leg.side) == (symbol, taker) for leg in pair.legs)
        )
    walk = overshoot_walk if scenario["kind"] == "overshoot" else shock_walk
    edges = walk.edges(scenario, shock_walk.before(scenario), decision_ms(scenario))
    return next(edge.spread_bps for edge in edges if (edge.symbol, edge.side) == (symbol, taker))


def price_for(scenario: Scenario, name: str) -> float:
    """Return the target's price at which its net edge is that of a variant."""
    goal = threshold_bps(scenario) + DISTANCE_BPS[name]
    symbol, side = scenario["target"]
    feed = scenario["perpetuals"] if scenario["kind"] == "dislocation" else scenario["options"]["rows"]
    quote = standing(feed[symbol]["quotes"], decision_ms(scenario))
    start = exact(quote[0 if side == "bid" else 2])

    def miss(price: Number) -> Number:
        return target_spread_bps(with_target(scenario, float(price))) - goal

    bracket = (start, start * mp.mpf("1.001"))
    found = mp.findroot(miss, bracket, solver="secant", tol=mp.mpf("1e-18"), verify=False)
    return round(float(found), 12 if start < 1 else 8)
