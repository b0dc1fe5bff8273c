"""Reads a scenario's literals: what stands at a moment, and the events in their order. No formula lives here."""

from __future__ import annotations

import copy
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.golden.terms import DEFAULTS, RISK_DEFAULTS, TRIGGER_DEFAULTS, Setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.golden.terms import QuoteAt, Scenario

_SIDE = {"bid": 1, "ask": 3}


class Beat(NamedTuple):
    """Something that arrives: when, its rank among those of the same moment, and what."""

    at_ms: int
    rank: int
    kind: str
    name: str
    values: Any


def variant(scenario: Scenario, name: str) -> Scenario:
    """Return the scenario with the target's price of a variant; `main` is the scenario itself."""
    return scenario if name == "main" else with_target(scenario, scenario["variants"][name])


def with_target(scenario: Scenario, price: float) -> Scenario:
    """Return the scenario with another price on the target's side, from `varied_from_ms` on."""
    symbol, side = scenario["target"]
    from_ms = scenario.get("varied_from_ms", 0)
    changed = copy.deepcopy(scenario)
    # The target of a dislocation is a perpetual, by venue.
    feed = changed["perpetuals"] if changed["kind"] == "dislocation" else changed["options"]["rows"]
    quotes = feed[symbol]["quotes"]
    if from_ms:
        quotes.append((from_ms, *standing(quotes, from_ms)))
    at = _SIDE[side]
    feed[symbol]["quotes"] = [
        (*q[:at], price, *q[at + 1 :]) if q[0] >= from_ms and q[at] is not None else q for q in quotes
    ]
    return changed


def decision_ms(scenario: Scenario) -> int:
    """Return the moment of the decision: the opening, unless the opportunity comes later."""
    return int(scenario.get("decides_ms") or scenario["opens_ms"])


def setting(scenario: Scenario, name: str) -> Setting:
    """Return a configured value, or the documented default."""
    return scenario["config"].get(name, DEFAULTS[name])


def trigger_setting(scenario: Scenario, name: str) -> Setting:
    """Return a configured value of the triggers, or the documented default."""
    return scenario["config"].get("trigger", {}).get(name, TRIGGER_DEFAULTS[name])


def risk_setting(scenario: Scenario, name: str) -> Setting:
    """Return a configured value of the risk gate, or the documented default."""
    return scenario["config"].get("risk", {}).get(name, RISK_DEFAULTS[name])


def _since(entry: QuoteAt | tuple[int, float]) -> int:
    return int(entry[0] or 0)


def standing(quotes: list[QuoteAt], at_ms: int) -> QuoteAt:
    """Return the quote that stands at a moment, without its time; four Nones before the first."""
    at = bisect_right(quotes, at_ms, key=_since)
    return quotes[at - 1][1:] if at else (None,) * 4


def level(prices: list[tuple[int, float]], at_ms: int) -> float | None:
    """Return the price that stands at a moment."""
    at = bisect_right(prices, at_ms, key=_since)
    return prices[at - 1][1] if at else None


def beat_times(feed: Scenario, end_ms: int) -> list[int]:
    """Return the moments at which a perpetual or future is quoted: every beat and every change."""
    last = min(end_ms, feed.get("last_ms", end_ms))
    beats = range(feed["offset_ms"], last + 1, feed["every_ms"])
    return sorted({*beats, *(int(q[0]) for q in feed["quotes"] if q[0] <= last)})


def batch_times(options: Scenario, end_ms: int) -> list[int]:
    """Return the moments at which the rows of a chain arrive."""
    return list(range(options["first_ms"], min(end_ms, options.get("last_ms", end_ms)) + 1, options["every_ms"]))


def row_times(options: Scenario, symbol: str, end_ms: int) -> list[int]:
    """Return the moments at which one row arrives: those of the chain, unless it is polled at its own."""
    own = options["rows"][symbol].get("polled_ms")
    return batch_times(options, end_ms) if own is None else [at for at in own if at <= end_ms]


def beats(scenario: Scenario) -> list[Beat]:
    """Return all that arrives, in the order of arrival."""
    return sorted(_arrivals(scenario), key=lambda beat: beat[:2])


def _arrivals(scenario: Scenario) -> Iterator[Beat]:
    end = scenario["ends_ms"]
    for at in range(scenario["index"][0][0], end + 1, 1_000):
        yield Beat(at, 0, "index", "", level(scenario["index"], at))
    for venue, feed in scenario.get("perpetuals", {}).items():
        for at in beat_times(feed, end):
            yield Beat(at, 1, "perpetual", venue, (feed["symbol"], *standing(feed["quotes"], at)))
    if "future" in scenario:
        for at in beat_times(scenario["future"], end):
            quote = (scenario["future"]["symbol"], *standing(scenario["future"]["quotes"], at))
            yield Beat(at, 2, "future", scenario["options"]["venue"], quote)
    if "options" in scenario:
        yield from _option_arrivals(scenario["options"], end)
    if "elsewhere" in scenario:
        yield from _option_arrivals(scenario["elsewhere"], end)
    for at, *liquidation in scenario.get("liquidations", []):
        yield Beat(at, 4, "liquidation", "", tuple(liquidation))
    for at, kind in scenario.get("faults", []):
        yield Beat(at, 5, kind, "", None)
    yield Beat(end, 6, "end", "", None)


def _option_arrivals(options: Scenario, end: int) -> Iterator[Beat]:
    together: dict[int, list[str]] = {}
    for symbol in options["rows"]:
        for at in row_times(options, symbol, end):
            together.setdefault(at, []).append(symbol)
    for at, symbols in together.items():
        rows = [(s, *standing(options["rows"][s]["quotes"], at), level(options["underlying"], at)) for s in symbols]
        yield Beat(at, 3, "options", options["venue"], rows)
