"""Walks section 4 of docs/decision.md: the smile before the shock, Vlo and Vhi, costs and size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.golden import check_walk
from tests.golden.arithmetic import (
    SECONDS_PER_YEAR,
    Number,
    black76,
    exact,
    floor_to_lot,
    implied_volatility,
    is_number,
    mp,
    svi_through,
    through,
)
from tests.golden.forward_walk import forward, hedges, reference
from tests.golden.shock_model import Band, Before, Edge, Moment, SmilePoint, Valued
from tests.golden.terms import OPTION_TERMS
from tests.golden.timeline import batch_times, row_times, setting, standing

if TYPE_CHECKING:
    from tests.golden.terms import Scenario


def tau_at(scenario: Scenario, at_ms: int) -> Number:
    """Return the time to expiry in years."""
    seconds = scenario["options"]["expiry_s"] - scenario["start_s"] - mp.mpf(at_ms) / 1_000
    return seconds / SECONDS_PER_YEAR


def before(scenario: Scenario) -> Before:
    """Fit the smile of the newest snapshot that is at least `smile_lag_s` older than the trigger."""
    latest = scenario["opens_ms"] - int(1_000 * setting(scenario, "smile_lag_s"))
    at = batch_times(scenario["options"], latest)[-1]
    f0, tau = forward(scenario, at), tau_at(scenario, at)
    inverse = OPTION_TERMS[scenario["options"]["family"]]["inverse"]
    points = []
    for symbol, option in scenario["options"]["rows"].items():
        strike, is_call = exact(option["strike"]), option["is_call"]
        bid, _, ask, _ = (exact(value) for value in standing(option["quotes"], at))
        if is_call == (strike >= f0) and is_number(bid) and is_number(ask) and bid < ask:
            unit = f0 if inverse else 1
            ivs = [implied_volatility(x * unit, f0, strike, tau, is_call=is_call) for x in (bid, ask)]
            points.append(SmilePoint(symbol, ivs[0], ivs[1], mp.log(strike / f0), (ivs[0] + ivs[1]) / 2))
    curve = [(p.k, p.mid_iv) for p in points]
    smile = svi_through(curve, scenario["svi"], tau) if "svi" in scenario else through(curve)
    return Before(at, f0, tau, points, smile)


def moment(scenario: Scenario, at_ms: int) -> Moment:
    """Return forward, hedges and the dispersion gate at a moment."""
    return Moment(
        at_ms=at_ms,
        forward=forward(scenario, at_ms),
        tau=tau_at(scenario, at_ms),
        reference=reference(scenario, at_ms),
        hedges=hedges(scenario, at_ms),
        dispersed=check_walk.dispersed(scenario, at_ms),
    )


def band(scenario: Scenario, world: Before, now: Moment) -> Band:
    """Return r, d_up and d_dn."""
    r = mp.log(now.forward / world.forward)
    up = max(exact(setting(scenario, "vol_up_points")), exact(setting(scenario, "vol_up_per_move")) * abs(r))
    down = max(exact(setting(scenario, "vol_down_points")), exact(setting(scenario, "vol_down_per_move")) * abs(r))
    return Band(r, up, down)


def nine_values(scenario: Scenario, world: Before, symbol: str, now: Moment) -> list[Valued]:
    """Value an option in the nine scenarios, ascending."""
    option = scenario["options"]["rows"][symbol]
    strike, f1 = exact(option["strike"]), now.forward
    r, up, down = band(scenario, world, now)
    base, slope = world.smile.sigma(mp.log(strike / f1)), world.smile.slope_at_zero()
    values = []
    for ratio in (0, 1, 2):
        for shift in (-down, mp.mpf(0), up):
            sigma = base + ratio * slope * r + shift / 100
            priced = black76(f1, strike, now.tau, sigma, is_call=option["is_call"])
            values.append(Valued(ratio, shift, sigma, priced))
    return sorted(values, key=lambda valued: valued.option.value)


def edges(scenario: Scenario, world: Before, at_ms: int) -> list[Edge]:
    """Hold both sides of every quoted option against their robust values."""
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
    edge = held_against(scenario, now, symbol, side, quote, nine_values(scenario, world, symbol, now))
    return edge._replace(reasons=list(check_walk.reasons(scenario, edge, now, quote)))


def held_against(
    scenario: Scenario,
    now: Moment,
    symbol: str,
    side: str,
    quote: list[Number],
    values: list[Valued],
    ways: int = 1,
) -> Edge:
    """Hold one side of an option against the least (to buy) or the largest of its values, ascending.

    `ways` is how often fee and hedge are paid: 1 to get in, 2 to get out as well. No check is made yet.
    """
    bid, bid_amount, ask, ask_amount = quote
    terms = OPTION_TERMS[scenario["options"]["family"]]
    f1 = now.forward
    unit = f1 if terms["inverse"] else mp.mpf(1)
    price, amount = (ask, ask_amount) if side == "buy" else (bid, bid_amount)
    price_usd = price * unit
    chosen = values[0] if side == "buy" else values[-1]
    sign = 1 if side == "buy" else -1
    gross = sign * (chosen.option.value - price_usd)
    fee = min(exact(terms["taker"]) * now.reference, exact(terms["cap"]) * price_usd)
    h = chosen.option.delta - (price_usd / f1 if terms["inverse"] else 0)
    hedge = now.hedges[0] if now.hedges else None
    hedge_cost = abs(h) * hedge.cost if hedge else mp.nan
    net = gross - ways * (fee + hedge_cost)
    haircut = exact(setting(scenario, "depth_haircut"))
    sizes = {"wanted": exact(setting(scenario, "order_coins")), "option": haircut * amount}
    if hedge:
        # An option bought with h > 0 is hedged by selling: into the bid.
        coins = hedge.bid_coins if sign * h > 0 else hedge.ask_coins
        sizes["hedge"] = haircut * coins / abs(h)
    size = min(sizes.values()) if all(map(is_number, sizes.values())) else mp.nan
    half_spread = (ask - bid) / 2 * unit
    return Edge(
        symbol=symbol,
        side=side,
        price=price,
        price_usd=price_usd,
        nine=values,
        chosen=chosen,
        gross=gross,
        fee=fee,
        hedge=hedge,
        hedge_delta=h,
        hedge_cost=hedge_cost,
        net=net,
        exit_cost=half_spread + fee + hedge_cost,
        spread_bps=10_000 * net / f1,
        sizes=sizes,
        quantity=floor_to_lot(size, exact(terms["lot"])),
        reasons=[],
    )
