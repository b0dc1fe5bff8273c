"""A venue's clock against ours, from one side only."""

from __future__ import annotations

from random import Random

from aftershock.venues.connection.offset import VenueClock

S, MS = 10**9, 10**6


def lag_of(clock: VenueClock) -> int:
    assert clock.offset is not None
    return clock.offset.lag_ns


def feed(clock: VenueClock, offset_ns: int, seconds: int = 30) -> None:
    """Messages with 20 ms of transport and now and then a queue, from a clock that is `offset_ns` ahead of ours."""
    random = Random(1)
    for number in range(seconds * 20):
        received = 1_000 * S + number * 50 * MS
        queue = random.choice((0, 0, 0, 400 * MS))
        clock.observe(received - 20 * MS - queue + offset_ns, received)


def test_queues_do_not_move_the_estimate() -> None:
    clock = VenueClock()
    feed(clock, 0)
    assert lag_of(clock) == 20 * MS
    assert clock.offset is not None
    assert not clock.offset.is_off


def test_a_clock_five_seconds_ahead_is_found_and_reported_in_words() -> None:
    clock = VenueClock()
    feed(clock, 5 * S)
    offset = clock.offset
    assert offset is not None
    assert offset.is_off
    assert offset.text("bybit") == "messages of bybit come 4,980 ms before the time that they carry"


def test_a_clock_five_seconds_behind_is_found() -> None:
    clock = VenueClock()
    feed(clock, -5 * S)
    assert lag_of(clock) == 5020 * MS


def test_single_wrong_stamps_do_not_move_the_estimate() -> None:
    clock = VenueClock()
    feed(clock, 0, seconds=20)
    clock.observe(5_000 * S, 1_021 * S)
    assert lag_of(clock) == 20 * MS


def test_a_few_messages_give_no_estimate() -> None:
    clock = VenueClock()
    clock.observe(0, 5 * S)
    assert clock.offset is None
