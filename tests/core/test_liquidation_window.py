"""Liquidations of the last 30 seconds: exact sums, an intensity, and memory that does not grow."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.core.config import TriggerConfig
from aftershock.core.window import LiquidationWindow
from aftershock.model.liquidations import Completeness, Liquidated
from aftershock.model.units import MICRO, NAN
from tests.core.market import T0, millis, seconds

LONG, SHORT = Liquidated.LONG, Liquidated.SHORT


def window(**config: float) -> LiquidationWindow:
    return LiquidationWindow(TriggerConfig(**config))  # type: ignore[arg-type]


def add(  # one liquidation, of which a test names what it is about
    to: LiquidationWindow,
    ts: int,
    usd: float = 1000.0,
    liquidated: Liquidated = LONG,
    *,
    venue: str = "okex-swap",
    symbol: str = "BTC-USDT-SWAP",
    completeness: Completeness = Completeness.ALL,
) -> None:
    to.add(ts, venue, symbol, usd, liquidated, completeness)


def test_an_empty_window_is_exactly_zero_after_many_random_liquidations() -> None:
    rng, held, now = random.Random(1), window(), T0
    for _ in range(200_000):
        now += rng.randrange(millis(40))
        add(held, now, rng.lognormvariate(8, 3), rng.choice((LONG, SHORT)))
    assert held.figures(now).long_usd > 0
    after = held.figures(now + seconds(30))
    assert (after.count, after.long_usd, after.short_usd, after.imbalance) == (0, 0.0, 0.0, 0.0)
    assert (held._long, held._short) == (0, 0)


def test_sums_are_whole_micro_dollars_and_lose_nothing_to_rounding() -> None:
    held = window()
    for i in range(10):
        add(held, T0 + i, 0.1)
    add(held, T0 + 10, 1e12)
    assert held._long == MICRO + MICRO * 10**12
    assert isinstance(held._long, int)


@given(st.lists(st.tuples(st.integers(0, millis(4000)), st.integers(0, 10**9), st.booleans()), max_size=60))
def test_the_sums_are_those_of_the_steps_that_began_less_than_30_s_ago(
    steps: list[tuple[int, int, bool]],
) -> None:
    held, now, taken = window(), T0, []
    for wait, cents, is_long in steps:
        now += wait
        add(held, now, cents / 100, LONG if is_long else SHORT)
        taken.append((now // millis(100) * millis(100), cents, is_long))
    inside = [(cents, is_long) for start, cents, is_long in taken if start > now - seconds(30)]
    found = held.figures(now)
    assert found.count == len(inside)
    assert found.long_usd == sum(cents for cents, is_long in inside if is_long) / 100
    assert found.short_usd == sum(cents for cents, is_long in inside if not is_long) / 100


def test_a_liquidation_at_the_start_of_a_step_leaves_after_exactly_30_s() -> None:
    held = window()
    add(held, T0)
    assert held.figures(T0 + seconds(30) - 1).count == 1
    assert held.figures(T0 + seconds(30)).count == 0


def test_a_liquidation_leaves_with_its_step_at_most_100_ms_early() -> None:
    held = window()
    add(held, T0 + millis(99))
    assert held.figures(T0 + seconds(30) - 1).count == 1
    assert held.figures(T0 + seconds(30)).count == 0


def test_imbalance_is_the_difference_over_the_sum() -> None:
    held = window()
    add(held, T0, 3000.0, LONG)
    add(held, T0, 1000.0, SHORT)
    assert held.figures(T0).imbalance == 0.5


def test_a_size_nobody_knows_counts_as_an_event_without_notional() -> None:
    held = window()
    add(held, T0, NAN)
    add(held, T0, 500.0)
    found = held.figures(T0)
    assert (found.count, found.long_usd) == (2, 500.0)


def test_a_side_nobody_knows_counts_on_neither_side() -> None:
    held = window()
    add(held, T0, 500.0, Liquidated.UNKNOWN)
    found = held.figures(T0)
    assert (found.count, found.long_usd, found.short_usd) == (1, 0.0, 0.0)


def test_a_venue_counts_while_its_last_liquidation_is_in_the_window() -> None:
    held = window()
    add(held, T0, venue="bybit")
    add(held, T0 + seconds(10), venue="binance-futures")
    assert held.figures(T0 + seconds(10)).venues == ("binance-futures", "bybit")
    assert held.figures(T0 + seconds(30)).venues == ("binance-futures",)


def test_one_liquidation_has_the_intensity_of_its_kernel_and_halves_each_half_life() -> None:
    held = window(intensity_half_life_s=5.0)
    add(held, T0)
    peak = math.log(2) / 5.0
    assert held.figures(T0).intensity_hz == pytest.approx(peak)
    assert held.figures(T0 + seconds(5)).intensity_hz == pytest.approx(peak / 2)
    assert held.figures(T0 + seconds(15)).intensity_hz == pytest.approx(peak / 8)


def test_intensities_of_several_liquidations_add_up() -> None:
    held = window()
    for second in (0, 1, 3):
        add(held, T0 + seconds(second))
    b = math.log(2) / 5.0
    expected = sum(b * math.exp(-b * (3 - second)) for second in (0, 1, 3))
    assert held.figures(T0 + seconds(3)).intensity_hz == pytest.approx(expected)


def test_a_steady_stream_has_the_intensity_of_its_rate() -> None:
    held = window()
    for i in range(2000):
        add(held, T0 + millis(50 * i))
    assert held.figures(T0 + millis(50 * 1999)).intensity_hz == pytest.approx(20.0, rel=0.01)


def test_a_quiet_market_has_the_least_base_rate_and_no_less() -> None:
    held = window(base_rate_floor_hz=0.02)
    add(held, T0)
    found = held.figures(T0)
    assert found.base_rate_hz == 0.02
    assert found.intensity_ratio == pytest.approx(math.log(2) / 5 / 0.02)


def test_the_base_rate_is_that_of_the_half_hour_before_the_window() -> None:
    held = window()
    for i in range(4000):
        add(held, T0 + seconds(i))
    assert held.figures(T0 + seconds(3999)).base_rate_hz == pytest.approx(1.0, rel=0.01)


def test_a_burst_does_not_raise_the_base_rate_that_it_is_held_against() -> None:
    held = window()
    for i in range(400):
        add(held, T0 + seconds(10 * i))
    before = held.figures(T0 + seconds(3990)).base_rate_hz
    for i in range(500):
        add(held, T0 + seconds(3991) + millis(10 * i))
    assert held.figures(T0 + seconds(3996)).base_rate_hz == pytest.approx(before, rel=0.02)


@pytest.mark.parametrize(("messages", "saturated"), [(24, False), (25, True)])
def test_a_throttled_feed_is_saturated_above_its_share_of_slots(messages: int, *, saturated: bool) -> None:
    held = window(saturation=0.8)
    for i in range(messages):
        add(held, T0 + seconds(i), completeness=Completeness.THROTTLED)
    assert held.figures(T0 + seconds(24)).saturated is saturated


def test_slots_are_counted_per_contract() -> None:
    held = window()
    for i in range(26):
        add(held, T0 + seconds(i), symbol=f"C{i % 2}", completeness=Completeness.THROTTLED)
    assert not held.figures(T0 + seconds(25)).saturated


def test_a_full_feed_is_never_saturated() -> None:
    held = window()
    for i in range(300):
        add(held, T0 + millis(100 * i), completeness=Completeness.ALL)
    assert not held.figures(T0 + seconds(30)).saturated


def test_saturation_ends_with_the_messages() -> None:
    held = window()
    for i in range(30):
        add(held, T0 + seconds(i), completeness=Completeness.THROTTLED)
    assert held.figures(T0 + seconds(29)).saturated
    assert not held.figures(T0 + seconds(40)).saturated


@pytest.mark.slow
def test_a_million_liquidations_need_no_more_memory_than_a_few_thousand() -> None:
    held = window()
    most = 0
    for i in range(1_000_000):
        add(held, T0 + i * 5_000_000, completeness=Completeness.THROTTLED)
        if i % 1000 == 0:
            kept = len(held._buckets) + len(held._rate_buckets) + sum(map(len, held._throttled.values()))
            most = max(most, kept)
    # 300 steps of 100 ms, 183 of 10 s for the base rate, 31 seconds of a throttled feed.
    assert most <= 301 + 185 + 31
