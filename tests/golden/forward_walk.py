"""Walks section 2 and 3 of docs/decision.md: bases, the consolidated series, the carry, and what opens a trigger."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.golden.arithmetic import Number, exact, is_number, median, microprice, mp
from tests.golden.terms import PERPETUAL_TERMS
from tests.golden.timeline import beat_times, level, setting, standing, trigger_setting

if TYPE_CHECKING:
    from tests.golden.terms import QuoteAt, Scenario

_SAME = mp.mpf("1e-30")


class Venue(NamedTuple):
    """One perpetual at a moment: its quote, its microprice and where it puts the consolidated log price."""

    name: str
    bid: Number
    bid_amount: Number
    ask: Number
    ask_amount: Number
    micro: Number
    basis: Number
    log_price: Number


class Consolidated(NamedTuple):
    """The consolidated series at a moment; NaN with too few venues."""

    log_price: Number
    dispersion_bps: Number
    venues: list[Venue]


def reference(scenario: Scenario, at_ms: int) -> Number:
    """Return S, the last index price."""
    return exact(level(scenario["index"], at_ms))


def _log_ratio(quote: QuoteAt, index: float | None) -> Number:
    return mp.log(microprice(*map(exact, quote)) / exact(index))


def _still(pairs: list[tuple[QuoteAt, float | None]]) -> Number:
    """Return ln(M / S), which must be the same each time that it is sampled."""
    values = [_log_ratio(quote, index) for quote, index in dict.fromkeys(pairs)]
    if max(values) - min(values) > _SAME:
        message = "a basis or carry moves before the shock"
        raise ValueError(message)
    return values[0]


def basis(scenario: Scenario, venue: str) -> Number:
    """Return ln(M / S) of a venue, and make sure that it never differed until it is frozen.

    Raises:
        ValueError: It moved, or the warm-up is too short.
    """
    feed = scenario["perpetuals"][venue]
    frozen = scenario["opens_ms"] - int(1_000 * setting(scenario, "basis_lag_s"))
    until_then = beat_times(feed, frozen)
    value = _still([(standing(feed["quotes"], at), level(scenario["index"], at)) for at in until_then])
    # 30 s of history and a value kept within the last second of it
    if frozen - until_then[0] < 31_000:
        message = f"{venue} has {frozen - until_then[0]} ms of history when its basis is frozen"
        raise ValueError(message)
    return value


def consolidated(scenario: Scenario, at_ms: int) -> Consolidated:
    """Return the median over fresh venues of ln M - b, and 1.4826 times its median absolute deviation."""
    venues = []
    for name, feed in sorted(scenario.get("perpetuals", {}).items()):
        arrived = beat_times(feed, at_ms)
        if arrived and at_ms - arrived[-1] <= setting(scenario, "perp_max_age_ms"):
            bid, bid_amount, ask, ask_amount = (exact(v) for v in standing(feed["quotes"], at_ms))
            micro = microprice(bid, bid_amount, ask, ask_amount)
            b = basis(scenario, name)
            venues.append(Venue(name, bid, bid_amount, ask, ask_amount, micro, b, mp.log(micro) - b))
    if len(venues) < setting(scenario, "min_forward_venues"):
        return Consolidated(mp.nan, mp.nan, venues)
    x = median([v.log_price for v in venues])
    dispersion = 10_000 * mp.mpf("1.4826") * median([abs(v.log_price - x) for v in venues])
    return Consolidated(x, dispersion, venues)


def carry(scenario: Scenario) -> Number:
    """Return ln(F_T / S), which stands still until it is frozen.

    Raises:
        ValueError: It moved.
    """
    frozen = scenario["opens_ms"] - int(1_000 * setting(scenario, "basis_lag_s"))
    options = scenario["options"]
    if "future" in scenario:
        feed = scenario["future"]
        pairs = [(standing(feed["quotes"], at), level(scenario["index"], at)) for at in beat_times(feed, frozen)]
        return _still(pairs)
    marks = [
        ((price, 1.0, price, 1.0), level(scenario["index"], at))
        for at in range(options["first_ms"], frozen + 1, options["every_ms"])
        if (price := level(options["underlying"], at))
    ]
    return _still(list(marks))


def forward(scenario: Scenario, at_ms: int) -> Number:
    """Return the forward of the options' expiry."""
    if setting(scenario, "forward") == "underlying":
        return exact(level(scenario["options"]["underlying"], at_ms))
    x = consolidated(scenario, at_ms).log_price
    return mp.exp(x + carry(scenario)) if is_number(x) else mp.nan


def series_value(scenario: Scenario, at_ms: int) -> Number:
    """Return the log price whose move is tested."""
    if setting(scenario, "forward") == "underlying":
        return mp.log(exact(level(scenario["options"]["underlying"], at_ms)))
    return consolidated(scenario, at_ms).log_price


def sample_times(scenario: Scenario, first_ms: int, last_ms: int) -> list[int]:
    """Return the moments at which the series is sampled, both ends included."""
    if setting(scenario, "forward") == "underlying":
        options = scenario["options"]
        times = set(range(options["first_ms"], last_ms + 1, options["every_ms"]))
    else:
        times = {at for feed in scenario.get("perpetuals", {}).values() for at in beat_times(feed, last_ms)}
    return sorted(at for at in times if at >= first_ms)


def move_bps(scenario: Scenario, at_ms: int) -> Number:
    """Return the move against the oldest sample between 5/6 of the window and the window old."""
    window_ms = int(1_000 * trigger_setting(scenario, "window_s"))
    candidates = sample_times(scenario, at_ms - window_ms, at_ms - 5 * window_ms // 6)
    return 10_000 * (series_value(scenario, at_ms) - series_value(scenario, candidates[0]))


class Hedge(NamedTuple):
    """The cheapest perpetual: where, what a coin costs there, and the coins quoted on either side."""

    venue: str
    cost: Number
    bid_coins: Number
    ask_coins: Number


def hedges(scenario: Scenario, at_ms: int) -> list[Hedge]:
    """Return every fresh perpetual, the cheapest first, ties by name."""
    impact = exact(setting(scenario, "hedge_impact_bps")) / 10_000
    found = []
    for venue in consolidated(scenario, at_ms).venues:
        terms = PERPETUAL_TERMS[venue.name]
        cost = exact(terms["taker"]) * venue.micro + (venue.ask - venue.bid) / 2 + impact * venue.micro
        if terms["coins"] is None:
            coins = (venue.bid_amount / venue.bid, venue.ask_amount / venue.ask)
        else:
            coins = (venue.bid_amount * exact(terms["coins"]), venue.ask_amount * exact(terms["coins"]))
        found.append(Hedge(venue.name, cost, *coins))
    return sorted(found, key=lambda hedge: (hedge.cost, hedge.venue))
