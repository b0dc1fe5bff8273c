"""Writes a golden scenario's arithmetic for a person with a calculator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.golden import dislocation_walk, overshoot_walk, package_walk, pair_walk, shock_walk
from tests.golden.arithmetic import Number, is_number, mp
from tests.golden.cascade_walk import cascade
from tests.golden.forward_walk import carry, consolidated, move_bps, reference, sample_times
from tests.golden.timeline import decision_ms, setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.golden.expectations import Expected
    from tests.golden.shock_model import Before, Edge, Moment
    from tests.golden.terms import Scenario


def short(value: Number, digits: int = 10) -> str:
    """Write a number for reading; a dash for NaN, zero for what is below the precision."""
    if not is_number(value):
        return "-"
    return "0" if abs(value) < mp.mpf("1e-25") else str(mp.nstr(value, digits))


def table(head: str, rows: list[list[str]]) -> Iterator[str]:
    """Yield a Markdown table; the columns of the head are separated by bars."""
    columns = head.count("|") + 1
    yield ""
    yield f"| {head} |"
    yield "|" + "---|" * columns
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def section(name: str, scenario: Scenario, outcomes: dict[str, Expected]) -> Iterator[str]:
    """Yield the lines of one scenario: the walk of `main`, then what each variant leads to."""
    yield f"## {name}"
    yield ""
    yield f"{scenario['title']}."
    if scenario["config"]:
        yield f"Configuration beside the defaults: `{scenario['config']}`."
    if "liquidations" in scenario:
        yield from _cascade(scenario)
    if scenario["kind"] == "dislocation":
        yield from _dislocation(scenario)
    elif scenario["kind"] == "stale_quote":
        yield from _shock(scenario)
    elif scenario["kind"] == "overshoot":
        yield from _overshoot(scenario)
    elif scenario["kind"] == "pair":
        yield from _pairs(scenario)
    elif "options" in scenario and "perpetuals" not in scenario and scenario["kind"] != "degraded":
        yield from _packages(scenario)
    elif "perpetuals" in scenario and "liquidations" not in scenario:
        yield from _samples(scenario)
    yield from _outcomes(scenario, outcomes)


def _samples(scenario: Scenario) -> Iterator[str]:
    quoted = setting(scenario, "forward") == "quotes"
    rows = []
    for at in sample_times(scenario, scenario["opens_ms"] - 500, scenario["ends_ms"]):
        dispersion = consolidated(scenario, at).dispersion_bps if quoted else mp.nan
        rows.append([str(at), short(move_bps(scenario, at)), short(dispersion)])
    yield from table("t ms | move r, bps | dispersion sF, bps", rows)


def _cascade(scenario: Scenario) -> Iterator[str]:
    rows = []
    for liquidation in scenario["liquidations"]:
        at = liquidation[0]
        c = cascade(scenario, at)
        numbers = [c.intensity_ratio, c.imbalance, mp.mpf(c.venues), c.move_bps, c.sigma_bps, c.needed_bps]
        verdict = "opens" if c.opens(scenario) else "no"
        rows.append([str(at), liquidation[1], *(short(n) for n in numbers), ", ".join(c.missing), verdict])
    head = "t ms | venue | lambda/mu | imbalance | venues | move bps | sigma 1 s bps | needed bps | missing | verdict"
    yield from table(head, rows)


def _shock(scenario: Scenario) -> Iterator[str]:
    at = decision_ms(scenario)
    if "liquidations" not in scenario:
        yield from _samples(scenario)
    world, now = shock_walk.before(scenario), shock_walk.moment(scenario, at)
    if scenario.get("perpetuals"):
        yield from _forward(scenario, at, now)
    yield from _smile(world)
    r, up, down = shock_walk.band(scenario, world, now)
    yield (
        f"Decision at t = {at} ms: F = {short(now.forward, 16)}, tau = {short(now.tau, 16)}, "
        f"r = ln(F / F0) = {short(r, 12)}, d_up = {short(up)}, d_dn = {short(down)} vol points, "
        f"S = {short(now.reference)}."
    )
    edges = shock_walk.edges(scenario, world, at)
    yield from _edges(edges, now, "Vlo or Vhi")
    target = max(edges, key=lambda edge: edge.gross)
    yield f"The nine values of {target.symbol}:"
    rows = [
        [str(v.ratio), short(v.shift_points), short(v.sigma, 14), short(v.option.value, 14), short(v.option.delta)]
        for v in target.nine
    ]
    yield from table("R | ds, vol points | sigma | value USD | delta", rows)
    yield f"Sizes of it, coins: {', '.join(f'{k} {short(v)}' for k, v in target.sizes.items())}."


def _forward(scenario: Scenario, at_ms: int, now: Moment) -> Iterator[str]:
    costs = {hedge.venue: hedge.cost for hedge in now.hedges}
    rows = [
        [v.name, short(v.micro, 14), short(10_000 * v.basis, 12), short(v.log_price, 16), short(costs[v.name])]
        for v in consolidated(scenario, at_ms).venues
    ]
    yield from table("venue | microprice M | basis b, bps | ln M - b | hedge cost USD per coin", rows)
    c = carry(scenario, at_ms)
    yield f"Carry c = {short(10_000 * c, 12)} bps. Cheapest hedge: {now.hedges[0].venue}."


def _smile(world: Before) -> Iterator[str]:
    rows = [
        [p.symbol, short(p.k, 14), short(p.bid_iv, 14), short(p.ask_iv, 14), short(p.mid_iv, 14)] for p in world.points
    ]
    yield ""
    yield (
        f"Smile of t = {world.at_ms} ms: F0 = {short(world.forward, 16)}, tau = {short(world.tau, 16)}; "
        f"{world.smile}; "
        f"g = {short(world.smile.slope_at_zero(), 14)}."
    )
    yield from table("option | k | IV of bid | IV of ask | mid", rows)


def _overshoot(scenario: Scenario) -> Iterator[str]:
    at = scenario["decides_ms"] or scenario["ends_ms"]
    yield f"At t = {at} ms: lambda / its maximum = {short(overshoot_walk.intensity_share(scenario, at))}."
    if not scenario["decides_ms"]:
        return
    yield f"Range of the last 5 s: {short(overshoot_walk.range_bps(scenario, at))} bps."
    world, now = shock_walk.before(scenario), shock_walk.moment(scenario, at)
    yield from _forward(scenario, at, now)
    yield from _smile(world)
    r = mp.log(now.forward / world.forward)
    edges = overshoot_walk.edges(scenario, world, at)
    yield (
        f"Decision at t = {at} ms: F = {short(now.forward, 16)}, tau = {short(now.tau, 16)}, "
        f"r = ln(F / F0) = {short(r, 12)}, R = 1, ds = {short(edges[0].chosen.shift_points)} vol points, "
        f"S = {short(now.reference)}. Net is gross less twice fee and hedge cost."
    )
    yield from _edges(edges, now, "exit price")
    target = max(edges, key=lambda edge: edge.net)
    yield (
        f"Expected volatility of {target.symbol}: {short(target.chosen.sigma, 14)}. "
        f"Sizes of it, coins: {', '.join(f'{k} {short(v)}' for k, v in target.sizes.items())}."
    )


def _dislocation(scenario: Scenario) -> Iterator[str]:
    at = scenario["opens_ms"]
    found = dislocation_walk.apart(scenario, at)
    rows = [
        [v.name, short(v.micro, 14), short(10_000 * v.basis, 12), short(v.log_price, 16)]
        for v in consolidated(scenario, at).venues
    ]
    yield from table("venue | microprice M | basis b, bps | ln M - b", rows)
    yield (
        f"t = {at} ms: {found.venue.name} stands {short(found.away_bps)} bps from the others' median, whose dispersion "
        f"is {short(found.dispersion_bps)} bps; fair {short(found.fair, 14)}, {found.side} at {short(found.price)}: "
        f"gross {short(found.gross)}, fee {short(found.fee)}."
    )
    rows = [
        [o.venue.name, short(o.price), short(o.fair, 14), short(o.fee), short(o.slippage), short(o.cost)]
        for o in found.opposites
    ]
    yield from table("opposite leg | price | fair | fee | slippage | both", rows)
    yield (
        f"Net {short(found.net, 12)} USD = {short(found.spread_bps, 14)} bps of the fair value; "
        f"getting out costs {short(found.exit_cost)}."
    )


def _edges(edges: list[Edge], now: Moment, value: str) -> Iterator[str]:
    rows = [
        [
            edge.symbol,
            edge.side,
            short(edge.price),
            short(edge.price_usd),
            short(edge.chosen.option.value),
            short(edge.gross),
            short(edge.fee),
            short(edge.hedge_delta),
            short(edge.hedge_cost),
            short(edge.net),
            short(10_000 * edge.net / now.forward, 14),
            edge.reasons[0] if edge.reasons else edge.side.upper(),
        ]
        for edge in edges
    ]
    yield from table(
        f"option | side | price | p USD | {value} | gross | fee | h | hedge cost | net USD | spread_bps | verdict",
        rows,
    )


def _packages(scenario: Scenario) -> Iterator[str]:
    at = scenario["opens_ms"]
    future = package_walk.future(scenario, at)
    what = "the dated future" if future.quoted else "the venue's mark"
    yield (
        f"F_b = {short(future.quote.bid)}, F_a = {short(future.quote.ask)} ({what}), F = {short(future.middle)}, "
        f"S = {short(reference(scenario, at))}."
    )
    rows = [
        [
            f"{package.edge_type} {package.action}",
            "; ".join(f"{leg.side} {_share(leg.ratio)}{leg.symbol} at {short(leg.price)}" for leg in package.legs),
            f"`{package.formula}` = {short(package.gross, 14)}",
            "; ".join(f"{name} {short(cost)}" for name, cost in package.costs.items()),
            short(package.net, 14),
            short(package.spread_bps, 14),
        ]
        for package in package_walk.packages(scenario, at)
        if package.gross > 0
    ]
    yield from table("package | legs | gross | costs | net | spread_bps", rows)


def _share(ratio: Number) -> str:
    return "" if ratio == 1 else f"{short(ratio)} of "


def _pairs(scenario: Scenario) -> Iterator[str]:
    at = scenario["opens_ms"]
    yield (
        f"F = {short(pair_walk.forward(scenario, at))}, S = {short(reference(scenario, at))}, "
        f"tau = {short(pair_walk.tau(scenario, at), 16)}."
    )
    rows = [
        [
            "; ".join(f"{leg.side} {leg.symbol} at {short(leg.price)} = {short(leg.usd, 14)} USD" for leg in pair.legs),
            short(pair.gross, 14),
            "; ".join(f"{name} {short(cost)}" for name, cost in pair.costs.items()),
            short(pair.premium_coins),
            short(pair.net, 14),
            short(pair.spread_bps, 14),
        ]
        for pair in pair_walk.pairs(scenario, at)
        if pair.gross > 0
    ]
    yield from table("legs | gross USD | costs USD | coins to hedge | net USD | spread_bps", rows)


def _outcomes(scenario: Scenario, outcomes: dict[str, Expected]) -> Iterator[str]:
    rows = []
    for name, outcome in outcomes.items():
        price = "" if name == "main" else repr(scenario["variants"][name])
        for signal in outcome["signals"] or [{"action": "none", "reason": "no signal"}]:
            legs = "; ".join(leg["symbol"] for leg in signal.get("legs", []))
            spread, size = signal.get("spread_bps") or "-", signal.get("quantity") or "-"
            rows.append([name, price, signal["action"], signal["reason"], legs, spread, size])
    yield from table("variant | target's price | action | reason | legs | spread_bps | quantity", rows)
