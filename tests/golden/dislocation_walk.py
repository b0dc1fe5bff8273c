"""Walks edge E of docs/decision.md: one perpetual against the others' median, two legs, both fees."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.golden.arithmetic import Number, exact, floor_to_lot, median, mp
from tests.golden.forward_walk import Venue, consolidated, sample_times
from tests.golden.terms import PERPETUAL_TERMS
from tests.golden.timeline import beat_times, setting

if TYPE_CHECKING:
    from tests.golden.terms import Scenario

_LEAST_COINS = mp.mpf("0.001")


class Opposite(NamedTuple):
    """One of the others as the opposite leg: the price that is met, its fee, and what the price costs."""

    venue: Venue
    price: Number
    fair: Number
    fee: Number
    slippage: Number

    @property
    def cost(self) -> Number:
        """Return fee and slippage."""
        return self.fee + self.slippage


class Apart(NamedTuple):
    """A venue held against the others; USD per coin."""

    venue: Venue
    side: str
    price: Number
    fair: Number
    away_bps: Number
    dispersion_bps: Number
    gross: Number
    fee: Number
    opposites: list[Opposite]
    net: Number
    exit_cost: Number
    quantity: Number

    @property
    def spread_bps(self) -> Number:
        """Return the net edge in bps of the fair value."""
        return 10_000 * self.net / self.fair


def _coins(venue: Venue, amount: Number, price: Number) -> Number:
    coins = PERPETUAL_TERMS[venue.name]["coins"]
    return amount / price if coins is None else amount * exact(coins)


def apart(scenario: Scenario, at_ms: int) -> Apart:
    """Hold the scenario's venue against the others at a moment, whatever comes out."""
    venues = consolidated(scenario, at_ms).venues
    own = next(v for v in venues if v.name == scenario["target"][0])
    others = [v for v in venues if v.name != own.name]
    centre = median([v.log_price for v in others])
    dispersion = 10_000 * mp.mpf("1.4826") * median([abs(v.log_price - centre) for v in others])
    fair = mp.exp(centre + own.basis)
    buying = own.log_price < centre
    price, amount = (own.ask, own.ask_amount) if buying else (own.bid, own.bid_amount)
    gross = fair - price if buying else price - fair
    fee = exact(PERPETUAL_TERMS[own.name]["taker"]) * price
    opposites = sorted((_opposite(scenario, v, centre, buying) for v in others), key=lambda o: (o.cost, o.venue.name))
    other = opposites[0]
    met = other.venue.bid_amount if buying else other.venue.ask_amount
    haircut = exact(setting(scenario, "depth_haircut"))
    sizes = [_coins(own, amount, price), _coins(other.venue, met, other.price)]
    quantity = min(exact(setting(scenario, "order_coins")), *(haircut * size for size in sizes))
    return Apart(
        venue=own,
        side="buy" if buying else "sell",
        price=price,
        fair=fair,
        away_bps=10_000 * (own.log_price - centre),
        dispersion_bps=dispersion,
        gross=gross,
        fee=fee,
        opposites=opposites,
        net=gross - fee - other.cost,
        exit_cost=fee + other.cost + (own.ask - own.bid) / 2,
        quantity=floor_to_lot(quantity, _LEAST_COINS),
    )


def _opposite(scenario: Scenario, venue: Venue, centre: Number, selling: bool) -> Opposite:
    fair, price = mp.exp(centre + venue.basis), venue.bid if selling else venue.ask
    short = fair - price if selling else price - fair
    impact = exact(setting(scenario, "hedge_impact_bps")) / 10_000 * venue.micro
    slippage = max((venue.ask - venue.bid) / 2, short) + impact
    return Opposite(venue, price, fair, exact(PERPETUAL_TERMS[venue.name]["taker"]) * price, slippage)


def threshold(scenario: Scenario) -> Number:
    """Return the net edge that an order needs, bps."""
    return max(exact(setting(scenario, "threshold_dislocation_bps")), exact(setting(scenario, "min_spread_bps")))


def stands_apart(scenario: Scenario, at_ms: int) -> bool:
    """Tell whether the others agree and the net edge is positive."""
    found = apart(scenario, at_ms)
    return bool(found.dispersion_bps <= exact(setting(scenario, "max_dispersion_bps")) and found.net > 0)


def first_spoken_ms(scenario: Scenario) -> int | None:
    """Return the first moment at which the venue has stood apart, at every quote of anybody, for long enough."""
    own_beats = beat_times(scenario["perpetuals"][scenario["target"][0]], scenario["ends_ms"])
    since: int | None = None
    for at in sample_times(scenario, scenario["opens_ms"] - 1_000, scenario["ends_ms"]):
        if not stands_apart(scenario, at):
            since = None
        elif since is None:
            since = at if at in own_beats else None
        if since is not None and at - since >= setting(scenario, "dislocation_hold_ms"):
            return at
    return None
