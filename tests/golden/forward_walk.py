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


class Sample(NamedTuple):
    """A quote and the index at the moment of it."""

    at_ms: int
    quote: QuoteAt
    index_price: float | None


def _log_ratio(sample: Sample) -> Number:
    return mp.log(microprice(*map(exact, sample.quote)) / exact(sample.index_price))


def lagged_mean(samples: list[Sample], tau_s: float, as_of_ms: int, history_ms: int) -> Number:
    """Return the exponentially weighted mean of ln M - ln S as it stood, kept once a second; NaN without history."""
    values = {sample[1:]: _log_ratio(sample) for sample in {sample[1:]: sample for sample in samples}.values()}
    # A constant is its own mean, whatever the weights.
    drifts = max(values.values()) - min(values.values()) > _SAME
    first = last = samples[0].at_ms
    mean, held, kept = values[samples[0][1:]], mp.nan, first - 1_000
    for sample in samples:
        if drifts:
            weight = 1 - mp.exp(-exact(sample.at_ms - last) / 1_000 / exact(tau_s))
            mean += weight * (values[sample[1:]] - mean)
        last = sample.at_ms
        if last <= as_of_ms and last - kept >= 1_000:
            held, kept = mean, last
    return held if kept - first >= history_ms else mp.nan


def as_of(scenario: Scenario, at_ms: int) -> int:
    """Return the moment at which bases and carries are read: some seconds ago, or before the trigger opened."""
    return min(at_ms, int(scenario["opens_ms"])) - int(1_000 * setting(scenario, "basis_lag_s"))


def _samples(scenario: Scenario, feed: Scenario, until_ms: int) -> list[Sample]:
    times = beat_times(feed, max(until_ms, feed["offset_ms"]))
    return [Sample(at, standing(feed["quotes"], at), level(scenario["index"], at)) for at in times]


def basis(scenario: Scenario, venue: str, at_ms: int) -> Number:
    """Return the basis of a venue for a reader at a moment; NaN without `basis_history_s` of it."""
    until, history = as_of(scenario, at_ms), int(1_000 * setting(scenario, "basis_history_s"))
    samples = _samples(scenario, scenario["perpetuals"][venue], until)
    return lagged_mean(samples, setting(scenario, "basis_tau_s"), until, history)


def consolidated(scenario: Scenario, at_ms: int) -> Consolidated:
    """Return the median over fresh venues of ln M - b, and 1.4826 times its median absolute deviation."""
    venues = []
    for name, feed in sorted(scenario.get("perpetuals", {}).items()):
        arrived = beat_times(feed, at_ms)
        if arrived and at_ms - arrived[-1] <= setting(scenario, "perp_max_age_ms"):
            bid, bid_amount, ask, ask_amount = (exact(v) for v in standing(feed["quotes"], at_ms))
            micro = microprice(bid, bid_amount, ask, ask_amount)
            b = basis(scenario, name, at_ms)
            if is_number(b):
                venues.append(Venue(name, bid, bid_amount, ask, ask_amount, micro, b, mp.log(micro) - b))
    if len(venues) < setting(scenario, "min_forward_venues"):
        return Consolidated(mp.nan, mp.nan, venues)
    x = median([v.log_price for v in venues])
    dispersion = 10_000 * mp.mpf("1.4826") * median([abs(v.log_price - x) for v in venues])
    return Consolidated(x, dispersion, venues)


def carry(scenario: Scenario, at_ms: int) -> Number:
    """Return the mean of ln F_T - ln S for a reader at a moment, F_T the dated future's microprice or the mark."""
    until, options = as_of(scenario, at_ms), scenario["options"]
    if "future" in scenario:
        samples = _samples(scenario, scenario["future"], until)
    else:
        samples = []
        for at in range(options["first_ms"], until + 1, options["every_ms"]):
            mark = level(options["underlying"], at)
            samples.append(Sample(at, (mark, 1.0, mark, 1.0), level(scenario["index"], at)))
    return lagged_mean(samples, setting(scenario, "carry_tau_s"), until, 0)


def forward(scenario: Scenario, at_ms: int) -> Number:
    """Return the forward of the options' expiry."""
    if setting(scenario, "forward") == "underlying":
        return exact(level(scenario["options"]["underlying"], at_ms))
    x = consolidated(scenario, at_ms).log_price
    return mp.exp(x + carry(scenario, at_ms)) if is_number(x) else mp.nan


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
    """Return the move against the oldest sample between 5/6 of the window and the window old; NaN without one."""
    window_ms = int(1_000 * trigger_setting(scenario, "window_s"))
    times = sample_times(scenario, at_ms - window_ms, at_ms - 5 * window_ms // 6)
    then = next(filter(is_number, (series_value(scenario, at) for at in times)), mp.nan)
    return 10_000 * (series_value(scenario, at_ms) - then)


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
