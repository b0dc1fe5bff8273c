"""Waits between attempts: they double, they have an end, they are never the same for two clients."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from aftershock.venues.connection.backoff import Backoff


@given(seed=st.integers(), attempts=st.integers(1, 40))
def test_each_wait_lies_in_the_upper_half_of_a_range_that_doubles_up_to_the_cap(seed: int, attempts: int) -> None:
    backoff = Backoff(0.5, 30.0, Random(seed))
    for attempt in range(attempts):
        longest = min(0.5 * 2**attempt, 30.0)
        assert longest / 2 <= backoff.next_s() <= longest


def test_two_clients_that_lost_the_same_server_do_not_come_back_together() -> None:
    one, two = (Backoff(0.5, 30.0, Random(seed)) for seed in (1, 2))
    assert [one.next_s() for _ in range(8)] != [two.next_s() for _ in range(8)]


def test_after_a_reset_waits_are_short_again() -> None:
    backoff = Backoff(0.5, 30.0, Random(1))
    for _ in range(10):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() <= 0.5
