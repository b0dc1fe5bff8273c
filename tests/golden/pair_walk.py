"""Walks edge C of docs/decision.md: the same option on two venues, both directions, every cost in USD per coin."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from tests.golden.arithmetic import SECONDS_PER_YEAR, Number, exact, floor_to_lot, microprice, mp
from tests.golden.forward_walk import reference
from tests.golden.terms import ELSEWHERE_TERMS, OPTION_TERMS, PERPETUAL_TERMS
from tests.golden.timeline import beat_times, level, setting, standing

if TYPE_CHECKING:
    from tests.golden.terms import Scenario


class Leg(NamedTuple):
    """One side of one option on one venue: its price there, in USD, its size in coins and what it pays the venue."""

    venue: str
    symbol: str
    side: str
    price: Number
    usd: Number
    coins: Number
    fee: Number
    inverse: bool


class Hedge(NamedTuple):
    """A perpetual: its microprice, what a coin of it costs, and coins at bid and ask."""

    micro: Number
    cost: Number
    bid_coins: Number
    ask_coins: Number


class Pair(NamedTuple):
    """One direction, the bought leg first; money in USD per coin."""

    legs: tuple[Leg, Leg]
    gross: Number
    fees: Number
    costs: dict[str, Number]
    premium_coins: Number
    net: Number
    gross_bps: Number
    spread_bps: Number
    quantity: Number
    step: Number


def _terms(chain: Scenario) -> Scenario:
    return ELSEWHERE_TERMS.get(chain["venue"]) or OPTION_TERMS[chain["family"]]


def forward(scenario: Scenario, at_ms: int) -> Number:
    """Return the mark of the chain whose options are settled in coin; of Deribit's if both are."""
    chains = [scenario["options"], scenario["elsewhere"]]
    chain = next((each for each in chains if _terms(each)["inverse"]), chains[0])
    return exact(level(chain["underlying"], at_ms))


def tau(scenario: Scenario, at_ms: int) -> Number:
    """Return the time to expiry in years."""
    return (scenario["options"]["expiry_s"] - scenario["start_s"] - exact(at_ms) / 1_000) / SECONDS_PER_YEAR


def threshold(scenario: Scenario) -> Number:
    """Return the net edge that an order needs, bps."""
    return max(exact(setting(scenario, "threshold_cross_bps")), exact(setting(scenario, "min_spread_bps")))


def pairs(scenario: Scenario, at_ms: int) -> list[Pair]:
    """Return both directions of the one option that is listed twice."""
    here, there = scenario["options"], scenario["elsewhere"]
    return [
        _pair(scenario, _leg(scenario, bought, "buy", at_ms), _leg(scenario, sold, "sell", at_ms), at_ms)
        for bought, sold in ((here, there), (there, here))
    ]


def _leg(scenario: Scenario, chain: Scenario, side: str, at_ms: int) -> Leg:
    ((symbol, option),) = chain["rows"].items()
    terms, f = _terms(chain), forward(scenario, at_ms)
    bid, bid_amount, ask, ask_amount = (exact(value) for value in standing(option["quotes"], at_ms))
    price, amount = (ask, ask_amount) if side == "buy" else (bid, bid_amount)
    notional, unit = (mp.mpf(1), f) if terms["inverse"] else (reference(scenario, at_ms), mp.mpf(1))
    trade = min(exact(terms["taker"]) * notional, exact(terms["cap"]) * price)
    return Leg(
        venue=chain["venue"],
        symbol=symbol,
        side=side,
        price=price,
        usd=price * unit,
        coins=amount * exact(terms.get("coins", "1")),
        fee=(trade + exact(terms["delivery"]) * notional) * unit,
        inverse=terms["inverse"],
    )


def _pair(scenario: Scenario, bought: Leg, sold: Leg, at_ms: int) -> Pair:
    f = forward(scenario, at_ms)
    coins = mp.mpf(0)
    sizes = [exact(setting(scenario, "order_coins"))]
    sizes += [exact(setting(scenario, "depth_haircut")) * leg.coins for leg in (bought, sold)]
    hedge_cost = mp.mpf(0)
    if bought.inverse != sold.inverse:
        hedge = _hedge(scenario, at_ms)
        coins = -bought.price if bought.inverse else sold.price
        worse = hedge.micro - f if coins < 0 else f - hedge.micro
        hedge_cost = abs(coins) * (hedge.cost + max(worse, 0))
        depth = hedge.ask_coins if coins < 0 else hedge.bid_coins
        sizes.append(exact(setting(scenario, "depth_haircut")) * depth / abs(coins))
    families = {scenario["options"]["family"], scenario["elsewhere"]["family"]}
    haircut = setting(scenario, "stable_haircut_bps") if len(families) > 1 else 0
    margins = bought.usd + exact(setting(scenario, "cross_short_margin")) * f
    costs = {
        f"fee of {bought.symbol}": bought.fee,
        f"fee of {sold.symbol}": sold.fee,
        "hedge": hedge_cost,
        "settlement index": exact(setting(scenario, "settlement_basis_bps")) / 10_000 * f,
        "stablecoin": exact(haircut) / 10_000 * f,
        "capital": margins * exact(setting(scenario, "capital_rate_per_year")) * tau(scenario, at_ms),
    }
    gross = sold.usd - bought.usd
    net = gross - sum(costs.values(), mp.mpf(0))
    step = _step(scenario)
    return Pair(
        legs=(bought, sold),
        gross=gross,
        fees=bought.fee + sold.fee,
        costs=costs,
        premium_coins=coins,
        net=net,
        gross_bps=10_000 * gross / f,
        spread_bps=10_000 * net / f,
        quantity=floor_to_lot(min(sizes), step),
        step=step,
    )


def _step(scenario: Scenario) -> Number:
    """Return the smallest size that is a whole number of lots on both venues."""
    lots = [Fraction(_terms(scenario[chain])["lot"]) for chain in ("options", "elsewhere")]
    parts = math.lcm(*(lot.denominator for lot in lots))
    return mp.mpf(math.lcm(*(int(lot * parts) for lot in lots))) / parts


def _hedge(scenario: Scenario, at_ms: int) -> Hedge:
    """Return the cheapest perpetual that is fresh."""
    found = []
    for venue, feed in sorted(scenario["perpetuals"].items()):
        if at_ms - beat_times(feed, at_ms)[-1] > setting(scenario, "perp_max_age_ms"):
            continue
        bid, bid_amount, ask, ask_amount = (exact(value) for value in standing(feed["quotes"], at_ms))
        terms = PERPETUAL_TERMS[venue]
        micro = microprice(bid, bid_amount, ask, ask_amount)
        impact = exact(setting(scenario, "hedge_impact_bps")) / 10_000
        cost = (exact(terms["taker"]) + impact) * micro + (ask - bid) / 2
        coins = [
            amount / price if terms["coins"] is None else amount * exact(terms["coins"])
            for amount, price in ((bid_amount, bid), (ask_amount, ask))
        ]
        found.append(Hedge(micro, cost, *coins))
    return min(found, key=lambda hedge: hedge.cost)
