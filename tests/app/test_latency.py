"""Quantiles from a histogram of constant size."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.app.latency import LatencyHistogram


def histogram(durations: list[int]) -> LatencyHistogram:
    made = LatencyHistogram()
    for duration in durations:
        made.add(duration)
    return made


@given(st.lists(st.integers(0, 10**13), min_size=1, max_size=60), st.sampled_from([0.0, 0.01, 0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_is_at_most_one_part_in_128_above_the_exact_one(durations: list[int], share: float) -> None:
    exact = sorted(durations)[max(1, math.ceil(share * len(durations))) - 1]

    found = histogram(durations).quantile_ns(share)

    assert found is not None
    assert exact <= found <= exact * (1 + 1 / 128)


@given(st.lists(st.integers(0, 10**13), min_size=1, max_size=60))
def test_no_quantile_exceeds_the_largest_duration(durations: list[int]) -> None:
    summary = histogram(durations).summary()

    assert summary["max"] == max(durations)
    assert (summary["p50"] or 0) <= (summary["p99"] or 0) <= max(durations)
    assert summary["events"] == len(durations)


def test_without_durations_there_is_no_quantile() -> None:
    assert LatencyHistogram().summary() == {"p50": None, "p99": None, "max": None, "events": 0}


@pytest.mark.parametrize("value", [0, 1, 255, 256, 257, 10**12])
def test_one_duration_is_every_quantile(value: int) -> None:
    assert histogram([value]).quantile_ns(0.5) == value


def test_memory_does_not_grow_with_the_number_of_durations() -> None:
    made = histogram([n * 37 for n in range(50_000)])

    assert len(made._counts) < 3_000
