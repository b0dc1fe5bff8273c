"""What the engine must say in each golden scenario, from the worksheet's arithmetic alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.golden import check_walk, dislocation_walk, overshoot_walk, package_walk, pair_walk, shock_walk
from tests.golden.arithmetic import Number, exact, is_number, mp
from tests.golden.cascade_walk import cascade
from tests.golden.forward_walk import move_bps, sample_times
from tests.golden.timeline import decision_ms, setting, trigger_setting

if TYPE_CHECKING:
    from tests.golden.shock_model import Edge
    from tests.golden.terms import Scenario

Expected = dict[str, Any]
_OPPOSITE = {"buy": "sell", "sell": "buy"}
_NOTHING: Expected = {"triggers": [], "signals": [], "approved": 0, "refused": []}


def written(value: Number) -> str | None:
    """Write a number with 18 digits; None for NaN."""
    return mp.nstr(value, 18) if is_number(value) else None


def expectation(scenario: Scenario) -> Expected:
    """Return triggers, signals, orders and counts of a scenario."""
    kind = scenario["kind"]
    if kind == "quiet":
        return _quiet(scenario)
    if kind == "package":
        return _static(scenario)
    if kind == "pair":
        return _pair(scenario)
    if kind == "degraded":
        return _degraded(scenario)
    if kind == "dislocation":
        return _dislocation(scenario)
    return _shock(scenario)


def check_opening(scenario: Scenario) -> None:
    """Make sure that the trigger opens at `opens_ms` and not before.

    Raises:
        ValueError: It does not.
    """
    opens = scenario["opens_ms"]
    if "liquidations" in scenario:
        verdicts = [(liq[0], cascade(scenario, liq[0]).opens(scenario)) for liq in scenario["liquidations"]]
    else:
        least = exact(trigger_setting(scenario, "min_move_bps"))
        samples = sample_times(scenario, opens - 1_000, scenario["ends_ms"])
        verdicts = [(at, abs(move_bps(scenario, at)) >= least) for at in samples]
    first = next((at for at, opened in verdicts if opened), None)
    if first != (None if scenario["kind"] == "quiet" else opens):
        message = f"the trigger opens at {first}, not at {opens}"
        raise ValueError(message)


def _quiet(scenario: Scenario) -> Expected:
    if "perpetuals" in scenario:
        check_opening(scenario)
        return dict(_NOTHING)
    return {**_NOTHING, "packages": _counts(scenario)}


def _shock(scenario: Scenario) -> Expected:
    check_opening(scenario)
    world = shock_walk.before(scenario)
    opens, ends = decision_ms(scenario), scenario["ends_ms"]
    if scenario["kind"] == "overshoot":
        overshoot_walk.check_phase(scenario)
        if not scenario["decides_ms"]:  # nothing was looked at
            trigger = {"kind": "cascade", "profile": "full"}
            return {**_NOTHING, "triggers": [trigger], "signals": [{"action": "HOLD", "reason": "no_edge"}]}
        at_opening, at_end = (overshoot_walk.edges(scenario, world, at) for at in (opens, ends))
    else:
        at_opening, at_end = (shock_walk.edges(scenario, world, at) for at in (opens, ends))
    kind = "cascade" if "liquidations" in scenario else "price_move"
    expected = {**_NOTHING, "triggers": [{"kind": kind, "profile": "full"}]}
    candidates, at_last = ([edge for edge in each if _is_candidate(scenario, edge)] for each in (at_opening, at_end))
    if [e.reasons[:1] for e in candidates] != [e.reasons[:1] for e in at_last]:
        message = "a decision changes between the opening and the end"
        raise ValueError(message)
    if candidates:
        now = shock_walk.moment(scenario, opens)
        gate = [check_walk.refused_by(scenario, edge, now) if not edge.reasons else "" for edge in candidates]
        said = [_signal(scenario, edge) for edge in candidates]
        signals = [_refused(signal) if limit else signal for signal, limit in zip(said, gate, strict=True)]
        approved = sum(signal["action"] != "HOLD" for signal in signals)
        refused = [limit for limit in gate if limit]
        return {**expected, "signals": signals, "approved": approved, "refused": refused}
    best = max((*at_opening, *at_end), key=lambda edge: edge.net)
    return {**expected, "signals": [_signal(scenario, best)]}


def _is_candidate(scenario: Scenario, edge: Edge) -> bool:
    """Tell whether an edge is spoken of: A from a gross edge on, D from a net one on."""
    return bool(edge.net > 0 if scenario["kind"] == "overshoot" else edge.gross > 0)


def _signal(scenario: Scenario, edge: Edge) -> Expected:
    overshoot = scenario["kind"] == "overshoot"
    ways = 2 if overshoot else 1  # what lies between gross and net
    signal: Expected = {
        "action": "HOLD" if edge.reasons else edge.side.upper(),
        "reason": edge.reasons[0] if edge.reasons else "edge",
        "edge_type": "D" if overshoot else "A",
        "legs": [{"symbol": edge.symbol, "side": edge.side, "price": float(edge.price)}],
        "value_usd": written(edge.chosen.option.value),
        "price_usd": written(edge.price_usd),
        "fee_usd": written(ways * edge.fee),
        "delta": written(edge.chosen.option.delta),
        "hedge_delta": written(edge.hedge_delta),
        "vega_per_vol_point": written(edge.chosen.option.vega_point),
    }
    if edge.hedge is None:
        return signal  # without a hedge neither net nor size is defined
    if not edge.reasons:
        # What is bought with a positive delta is hedged by selling.
        selling = (edge.side == "buy") == (edge.hedge_delta > 0)
        signal["hedge"] = _hedge("sell" if selling else "buy", abs(edge.hedge_delta) * edge.quantity)
    return {
        **signal,
        "spread_bps": written(edge.spread_bps),
        "quantity": written(edge.quantity),
        "hedge_cost_usd": written(ways * edge.hedge_cost),
        "exit_cost_usd": written(edge.exit_cost),
    }


def _hedge(side: str, coins: Number) -> Expected:
    return {"side": side, "coins": written(coins)}


def _dislocation(scenario: Scenario) -> Expected:
    first = dislocation_walk.first_spoken_ms(scenario)
    if first != scenario.get("opens_ms"):
        message = f"the venue has stood apart for long enough at {first}, not at {scenario.get('opens_ms')}"
        raise ValueError(message)
    found = dislocation_walk.apart(scenario, scenario["opens_ms"])
    other = found.opposites[0]
    passes = found.spread_bps >= dislocation_walk.threshold(scenario)
    pair = found.price - other.price if found.side == "buy" else other.price - found.price
    legs = [(found.venue.name, found.side, found.price), (other.venue.name, _OPPOSITE[found.side], other.price)]
    signal = {
        "action": found.side.upper() if passes else "HOLD",
        "reason": "edge" if passes else "below_min_spread",
        "edge_type": "E",
        "legs": [
            {"symbol": scenario["perpetuals"][venue]["symbol"], "side": side, "price": float(price)}
            for venue, side, price in legs
        ],
        "hedge": None,
        "forward": written(found.fair),
        "value_usd": written(pair + found.gross),
        "price_usd": written(pair),
        "fee_usd": written(found.fee + other.fee),
        "hedge_cost_usd": written(other.slippage),
        "spread_bps": written(found.spread_bps),
        "gross_spread_bps": written(10_000 * found.gross / found.fair),
        "quantity": written(found.quantity),
        "exit_cost_usd": written(found.exit_cost),
    }
    trigger = {"kind": "dislocation", "profile": "full"}
    return {**_NOTHING, "triggers": [trigger], "signals": [signal], "approved": int(passes)}


def _degraded(scenario: Scenario) -> Expected:
    check_opening(scenario)
    missing = cascade(scenario, scenario["opens_ms"]).missing
    if missing != scenario["missing"]:
        message = f"{missing} is missing, not {scenario['missing']}"
        raise ValueError(message)
    # In the order of the checks; the missing condition itself comes last.
    absent = {"no_chain": "options" not in scenario, "no_forward": "forward" in missing, "not_evaluable": True}
    reason = next(name for name, is_absent in absent.items() if is_absent)
    trigger = {
        "kind": "cascade",
        "profile": "degraded",
        "not_evaluable": sorted([*missing, "hour_of_week"]),
        "aligned": "options" in scenario,
    }
    return {**_NOTHING, "triggers": [trigger], "signals": [{"action": "HOLD", "reason": reason}]}


def _static(scenario: Scenario) -> Expected:
    opens = scenario["opens_ms"]
    found = [p for p in package_walk.packages(scenario, opens) if p.executable and p.net > 0]
    signals = [package_signal(scenario, package, opens) for package in found]
    expected: Expected = {
        "triggers": [{"kind": "static", "profile": "full"} for _ in signals],
        "signals": signals,
        "approved": sum(signal["action"] != "HOLD" for signal in signals),
        "refused": [],
        "packages": _counts(scenario),
    }
    if "again_ms" in scenario:
        # The same package, the same figures, refused by the gate's memory.
        expected["triggers"] *= 2
        expected["signals"] = [*signals, *(_refused(signal) for signal in signals)]
        expected["refused"] = ["duplicate"] * len(signals)
        del expected["packages"]
    return expected


def _pair(scenario: Scenario) -> Expected:
    found = pair_walk.pairs(scenario, scenario["opens_ms"])
    signals = [_pair_signal(scenario, pair) for pair in found if pair.net > 0]
    counted = {
        "checked": len(found),
        "gross": sum(bool(pair.gross > 0) for pair in found),
        "net": len(signals),
    }
    return {
        "triggers": [{"kind": "static", "profile": "full"} for _ in signals],
        "signals": signals,
        "approved": sum(signal["action"] != "HOLD" for signal in signals),
        "refused": [],
        "packages": {"cross_venue": counted},
    }


def _pair_signal(scenario: Scenario, pair: pair_walk.Pair) -> Expected:
    failing = {
        "thin": pair.quantity < pair.step,
        "below_min_spread": pair.spread_bps < pair_walk.threshold(scenario),
    }
    reason = next((name for name, fails in failing.items() if fails), "")
    hedge: Expected = {}
    if not reason:
        side = "sell" if pair.premium_coins > 0 else "buy"
        hedge = {"hedge": _hedge(side, abs(pair.premium_coins) * pair.quantity) if pair.premium_coins else None}
    return {
        **hedge,
        "action": "HOLD" if reason else "BUY",
        "reason": reason or "edge",
        "edge_type": "C",
        "legs": [{"symbol": leg.symbol, "side": leg.side, "price": float(leg.price)} for leg in pair.legs],
        "target_market": "+".join(leg.venue for leg in pair.legs),
        "price_usd": written(pair.legs[0].usd - pair.legs[1].usd),
        "fee_usd": written(pair.fees),
        "hedge_cost_usd": written(pair.costs["hedge"]),
        "allowance_usd": written(pair.costs["settlement index"] + pair.costs["stablecoin"] + pair.costs["capital"]),
        "spread_bps": written(pair.spread_bps),
        "gross_spread_bps": written(pair.gross_bps),
        "quantity": written(pair.quantity),
    }


def _refused(signal: Expected) -> Expected:
    return {**signal, "action": "HOLD", "reason": "risk_limit"}


def package_signal(scenario: Scenario, package: package_walk.Package, at_ms: int) -> Expected:
    """Return the one decision on a package with a positive net edge."""
    reason = _package_reason(scenario, package, at_ms)
    hedge: Expected = {} if reason else {"hedge": None}
    if hedge and package.future_side:
        hedge = {"hedge": _hedge(package.future_side, package.future_coins * package.quantity)}
    ratios = {"ratios": [written(leg.ratio) for leg in package.legs]} if package.edge_type == "B4" else {}
    return {
        **hedge,
        **ratios,
        "action": "HOLD" if reason else package.action,
        "reason": reason or "edge",
        "edge_type": package.edge_type,
        "legs": [{"symbol": leg.symbol, "side": leg.side, "price": float(leg.price)} for leg in package.legs],
        "spread_bps": written(package.spread_bps),
        "gross_spread_bps": written(package.gross_bps),
        "quantity": written(package.quantity),
    }


def _package_reason(scenario: Scenario, package: package_walk.Package, at_ms: int) -> str:
    options = scenario["options"]
    to_expiry = options["expiry_s"] - scenario["start_s"] - exact(at_ms) / 1_000
    failing = {
        "expiry_window": not to_expiry > setting(scenario, "expiry_window_s"),
        "no_size": not is_number(package.quantity),
        "thin": is_number(package.quantity) and package.quantity < package.step,
        "below_min_spread": package.spread_bps < package_walk.threshold(scenario),
    }
    return next((reason for reason, fails in failing.items() if fails), "")


def _counts(scenario: Scenario) -> Expected:
    return package_walk.counts(scenario, scenario["opens_ms"])
