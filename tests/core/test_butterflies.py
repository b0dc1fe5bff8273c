"""Butterflies: the lower convex hull of the asks, every test counted once, and nothing missed by testing less."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.core.chain import Chain
from aftershock.core.config import EngineConfig
from aftershock.core.packages import PackageScanner
from aftershock.model.events import Event
from aftershock.model.orders import ApprovedOrder, Side
from aftershock.model.signals import Action, ArbitrageSignal, EdgeType, Reason
from aftershock.model.units import NAN
from tests.core.market import EXPIRY, T0, Row, chain_of, engine_of, millis, of_type, option_quotes, quote_values, run
from tests.core.package_quotes import NO_FEES, chain_with, future, symbol

TICK = 1e-4
SPAN_MS = 250.0
Price = int | None
"""In ticks; None where absent."""


# --- the hull -----------------------------------------------------------------------------------------------------


def lower_hull(points: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the lower convex hull of points by x, left to right (Andrew's monotone chain)."""
    hull: list[tuple[int, int]] = []
    for x, y in sorted(points):
        while len(hull) > 1:
            (x1, y1), (x2, y2) = hull[-2:]
            if (y2 - y1) * (x - x1) < (y - y1) * (x2 - x1):
                break
            hull.pop()
        hull.append((x, y))
    return hull


def height(hull: list[tuple[int, int]], x: int) -> Fraction | None:
    """Return the hull's height at x, None beside it."""
    for (x1, y1), (x2, y2) in pairwise(hull):
        if x1 <= x <= x2:
            return y1 + Fraction(y2 - y1, x2 - x1) * (x - x1)
    return None


@given(
    strikes=st.lists(st.integers(40, 90), min_size=3, max_size=9, unique=True),
    kind=st.sampled_from("CP"),
    data=st.data(),
)
def test_the_best_wings_of_a_body_are_the_lower_convex_hull_of_the_other_asks(
    strikes: list[int], kind: str, data: st.DataObject
) -> None:
    ticks = {k: data.draw(st.tuples(st.integers(1, 400), st.integers(0, 30))) for k in sorted(strikes)}
    chain = chain_with({(1000.0 * k, kind): (bid * TICK, (bid + gap) * TICK) for k, (bid, gap) in ticks.items()})
    scanner = PackageScanner(EngineConfig(static_neighbours=20))
    for row, (body, (bid, _)) in enumerate(ticks.items()):
        hull = lower_hull([(k, low + gap) for k, (low, gap) in ticks.items() if k != body])
        below = height(hull, body)
        found = scanner.scan_butterflies(chain, [row], T0, future(), NO_FEES)
        best = max((each.gross_bps for each in found if each.legs[0].row == row), default=0.0)
        edge = 0 if below is None else max(bid - below, Fraction(0))
        assert best == pytest.approx(float(edge) * TICK * 1e4, abs=1e-8)


# --- counting, and testing less ------------------------------------------------------------------------------------


class Step(NamedTuple):
    """Rows that get a quote at one moment, so long after the last one; or a gap, if there are none."""

    after_ms: int
    quotes: tuple[tuple[int, Price, Price], ...]
    lost: tuple[int, ...] = ()


STRIKES = (50, 52, 53, 55, 58, 59, 60, 64, 66)
NAMES = [symbol(1000.0 * k, "C") for k in STRIKES]
FAIR = [(66 - k) * (68 - k) // 2 + 20 for k in STRIKES]
"""A convex curve in ticks: quotes around it break a hull now and then, and mend it again."""


def quote(rng: random.Random, row: int) -> tuple[int, Price, Price]:
    """Draw a quote around the fair price, either side seldom absent."""
    bid, ask = FAIR[row] + rng.randint(-8, 3), FAIR[row] + rng.randint(-3, 8)
    absent = rng.random()
    return row, None if absent < 0.03 else bid, None if absent > 0.97 else ask


def walk(seed: int, count: int) -> Iterator[Step]:
    """Yield a calm beginning, then quotes: mostly one at a moment, sometimes several, seldom a gap."""
    rng = random.Random(seed)
    for row, fair in enumerate(FAIR):
        yield Step(1, ((row, fair - 4, fair + 4),))
    for _ in range(count):
        after, kind = rng.choice([1] * 40 + [120, 300]), rng.random()
        rows = rng.sample(range(len(STRIKES)), rng.randint(2, 4) if kind > 0.8 else 1)
        yield Step(after, (), tuple(rows)) if kind < 0.01 else Step(after, tuple(quote(rng, row) for row in rows))


def concerned(rows: Sequence[int], reach: int) -> Iterator[tuple[int, int, int]]:
    """Yield the rows of every butterfly that has one of these among its legs."""
    for body in range(len(STRIKES)):
        for low in range(max(body - reach, 0), body):
            for high in range(body + 1, min(body + reach + 1, len(STRIKES))):
                if any(row in (low, body, high) for row in rows):
                    yield low, body, high


class Expected(NamedTuple):
    """What a scan must count and find."""

    checked: int
    desync: int
    unquoted: int
    broken: dict[tuple[int, int, int], Any]


def by_brute_force(
    triples: Iterator[tuple[int, int, int]],
    quotes: Sequence[tuple[Price, Price]],
    confirmed: Sequence[int],
    least: int,
) -> Expected:
    checked = desync = unquoted = 0
    broken = {}
    for legs in triples:
        if min(confirmed[leg] for leg in legs) < least:
            desync += 1
            continue
        checked += 1
        low, body, high = (STRIKES[leg] for leg in legs)
        bid, asks = quotes[legs[1]][0], (quotes[legs[0]][1], quotes[legs[2]][1])
        if bid is None or None in asks:
            unquoted += 1
            continue
        weight = Fraction(high - body, high - low)
        gross = bid - weight * (asks[0] or 0) - (1 - weight) * (asks[1] or 0)
        if gross > 0:
            broken[legs] = float(gross) * TICK * 1e4
    return Expected(checked, desync, unquoted, broken)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("reach", [1, 2, 3])
@pytest.mark.parametrize("stream", [True, False])
def test_whatever_quotes_come_every_butterfly_is_counted_once_and_every_broken_one_found(
    reach: int, seed: int, *, stream: bool
) -> None:
    chain = chain_of(NAMES, confirms_stream=stream)
    scanner = PackageScanner(EngineConfig(static_neighbours=reach, leg_span_ms=SPAN_MS))
    quotes: list[tuple[Price, Price]] = [(None, None)] * len(STRIKES)
    confirmed = [0] * len(STRIKES)
    now = T0
    for step in walk(seed, 600):
        now += millis(step.after_ms)
        for row in step.lost:
            chain.forget_confirmation(NAMES[row])
            confirmed[row] = 0
        for row, bid, ask in step.quotes:
            quotes[row], confirmed[row] = (bid, ask), now
            chain.update(row, now, quote_values(*(NAN if price is None else price * TICK for price in (bid, ask))))
        rows = [row for row, *_ in step.quotes]
        if rows:
            least = 1 if stream else now - millis(SPAN_MS)
            expected = by_brute_force(concerned(rows, reach), quotes, confirmed, least)
            assert scanned(scanner, chain, rows, now) == expected


def scanned(scanner: PackageScanner, chain: Chain, rows: list[int], now: int) -> Expected:
    """Return what a scan counted and found, edges rounded as the expected ones are."""
    counts = scanner.counts["butterfly"]
    before = counts.checked, counts.desync, counts.unquoted, counts.gross
    found = scanner.scan_butterflies(chain, rows, now, future(), NO_FEES)
    after = counts.checked, counts.desync, counts.unquoted, counts.gross
    checked, desync, unquoted, gross = (new - old for new, old in zip(after, before, strict=True))
    broken = {}
    for package in found:
        body, low, high = (leg.row for leg in package.legs)
        broken[low, body, high] = pytest.approx(package.gross_bps, abs=1e-8)
    assert gross == len(found) == len(broken)
    return Expected(checked, desync, unquoted, broken)


def test_a_body_that_stands_is_tested_again_when_a_wing_came_at_its_moment() -> None:
    chain = chain_with({(k, "C"): (0.05, 0.06) for k in (50_000.0, 60_000.0, 70_000.0)})
    scanner = PackageScanner(EngineConfig())
    assert not scanner.scan_butterflies(chain, [1], T0, future(), NO_FEES)
    chain.update(1, T0 + 1, quote_values(0.05, 0.06))
    chain.update(0, T0 + 1, quote_values(0.03, 0.035))
    assert len(scanner.scan_butterflies(chain, [1, 0], T0 + 1, future(), NO_FEES)) == 1


def test_a_butterfly_is_one_test_and_its_wings_are_near_its_body() -> None:
    chain = chain_with({(50_000.0 + 1000 * i, "C"): (0.05, 0.06) for i in range(13)})
    # Nine pairs of wings around a body; beside it, as a wing of the three next bodies, nine on either side.
    for row, tests in ((0, 9), (1, 3 + 9), (6, 27), (12, 9)):
        scanner = PackageScanner(EngineConfig())
        scanner.scan_butterflies(chain, [row], T0, future(), NO_FEES)
        assert scanner.counts["butterfly"].checked == tests


def test_a_strike_without_an_option_of_the_type_is_no_neighbour() -> None:
    calls = {(50_000.0, "C"): (0.10, 0.11), (60_000.0, "C"): (0.05, 0.06), (70_000.0, "C"): (0.02, 0.03)}
    between = {(51_000.0 + 1000 * i, "P"): (0.05, 0.06) for i in range(8)}
    scanner = PackageScanner(EngineConfig(static_neighbours=1))
    scanner.scan_butterflies(chain_with({**calls, **between}), [0], T0, future(), NO_FEES)
    assert scanner.counts["butterfly"].checked == 1


# --- sizes and lots --------------------------------------------------------------------------------------------------


def decided(
    strikes: tuple[float, float, float], *, sizes: tuple[float, float, float] = (10.0, 10.0, 10.0), wanted: float = 10.0
) -> tuple[ArbitrageSignal, list[ApprovedOrder]]:
    """Return the decision on a body that is bid 40 bps above its chord."""
    k1, k2, k3 = strikes
    weight = (k3 - k2) / (k3 - k1)
    asks = 0.060, 0.020
    bid = weight * asks[0] + (1 - weight) * asks[1] + 0.0040
    quoted = ((k1, asks[0] - 0.001, asks[0]), (k2, bid, bid + 0.001), (k3, asks[1] - 0.001, asks[1]))
    rows = [
        Row(
            ts=T0, symbol=f"BTC-{EXPIRY}-{k:.0f}-C", bid=b, ask=a, bid_amount=size, ask_amount=size, underlying=60_000.0
        )
        for (k, b, a), size in zip(quoted, sizes, strict=True)
    ]
    effects = run(engine_of(EngineConfig(order_coins=wanted)), [option_quotes(rows)])
    (signal,) = [each for each in of_type(ArbitrageSignal, effects) if each.edge_type is EdgeType.BUTTERFLY]
    return signal, [each for each in of_type(ApprovedOrder, effects) if each.intent.edge == "B4"]


def test_a_body_above_its_chord_is_sold_against_its_wings() -> None:
    signal, (order,) = decided((57_000.0, 60_000.0, 61_000.0))
    assert (signal.action, signal.reason) == (Action.SELL, Reason.EDGE)
    assert [(leg.side, leg.ratio) for leg in signal.legs] == [
        (Side.SELL, 1.0),
        (Side.BUY, pytest.approx(0.25)),
        (Side.BUY, pytest.approx(0.75)),
    ]
    # Two coins of fees, since the wings are one coin together, and two of delivery.
    assert signal.gross_spread_bps == pytest.approx(40.0)
    assert signal.spread_bps == pytest.approx(40.0 - 2 * 3.0 - 2 * 1.5)
    assert signal.price_usd == pytest.approx(-0.0040 * 60_000)
    assert signal.hedge is None
    assert order.intent.legs == signal.legs


def quotes_at(at_ms: float, body_bid: float) -> Event:
    """Return five strikes on a convex curve, all at one moment, the middle one with this bid."""
    fair = {58: 0.060, 59: 0.047, 60: 0.036, 61: 0.027, 62: 0.020}
    rows = [
        Row(ts=T0 + millis(at_ms), symbol=f"BTC-{EXPIRY}-{k}000-C", bid=ask - 0.001, ask=ask, underlying=60_000.0)
        for k, ask in fair.items()
    ]
    rows[2].bid, rows[2].ask = body_bid, body_bid + 0.001
    return option_quotes(rows)


def test_of_many_chords_below_one_bid_the_hull_alone_is_spoken_of() -> None:
    engine = engine_of()
    effects = run(engine, [quotes_at(1000.0 * second, 0.0430) for second in range(70)])
    signals = [each for each in of_type(ArbitrageSignal, effects) if each.edge_type is EdgeType.BUTTERFLY]
    # Between the next strikes the chord is lowest; it is news again after a minute.
    assert [signal.ts_init - T0 for signal in signals] == [0, millis(60_000)]
    assert {leg.symbol[-7:-2] for leg in signals[0].legs} == {"59000", "60000", "61000"}
    assert signals[0].gross_spread_bps == pytest.approx(1e4 * (0.0430 - 0.5 * (0.047 + 0.027)))
    assert engine.stats.packages["butterfly"].net == 70 * 4


@pytest.mark.parametrize(
    ("sizes", "quantity"),
    [
        ((10.0, 10.0, 10.0), 4.8),  # half of the body's 10 coins, in steps of four lots
        ((2.0, 10.0, 10.0), 4.0),  # half of 2 is a quarter of 4
        ((10.0, 10.0, 3.0), 2.0),  # half of 3 is three quarters of 2
    ],
)
def test_the_size_of_a_wing_goes_as_far_as_its_weight_lets_it(
    sizes: tuple[float, float, float], quantity: float
) -> None:
    signal, (order,) = decided((57_000.0, 60_000.0, 61_000.0), sizes=sizes)
    assert signal.quantity == order.intent.quantity == pytest.approx(quantity)
    for leg in signal.legs:
        lots = leg.ratio * signal.quantity / 0.1
        assert lots == pytest.approx(round(lots), abs=1e-9)


def test_an_order_too_small_for_whole_lots_of_every_leg_is_thin() -> None:
    uneven = (50_000.0, 59_000.0, 61_000.0)  # weights of 2/11 and 9/11: eleven lots are the least
    assert decided(uneven, wanted=1.1)[0].quantity == pytest.approx(1.1)
    signal, orders = decided(uneven, wanted=1.0)
    assert (signal.action, signal.reason) == (Action.HOLD, Reason.THIN)
    assert orders == []
