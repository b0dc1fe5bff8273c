"""Tokens: a burst, then the rate, in the order of coming."""

from __future__ import annotations

import asyncio

from aftershock.venues.connection.rate_limit import TokenBucket
from tests.connection.fakes import FakeClock, turns


def taken_at(per_s: float, capacity: float, costs: list[float]) -> list[float]:
    """Return when each of some takers that come at once got its tokens."""

    async def main() -> list[float]:
        clock = FakeClock()
        bucket, found = TokenBucket(per_s, capacity, clock), [-1.0] * len(costs)

        async def taker(number: int, cost: float) -> None:
            await bucket.take(cost)
            found[number] = clock.monotonic()

        async with asyncio.TaskGroup() as tasks:
            for number, cost in enumerate(costs):
                tasks.create_task(taker(number, cost))
            await turns()
            await clock.advance(100.0)
        return found

    return asyncio.run(main())


def test_a_burst_goes_at_once_and_the_rest_at_the_rate_in_order() -> None:
    assert taken_at(2.0, 3.0, [1] * 6) == [0, 0, 0, 0.5, 1.0, 1.5]


def test_what_is_dearer_than_the_bucket_waits_for_all_of_it_and_makes_the_next_wait_longer() -> None:
    assert taken_at(1.0, 2.0, [1, 4, 1]) == [0, 1, 4]


def test_after_a_refusal_nothing_goes_until_the_venue_was_left_alone() -> None:
    async def main() -> float:
        clock = FakeClock()
        bucket = TokenBucket(10.0, 5.0, clock)
        assert bucket.try_take()
        bucket.empty(3.0)
        assert not bucket.try_take()
        task = asyncio.ensure_future(bucket.take())
        await turns()
        await clock.advance(10.0)
        await task
        return bucket.waited_s

    assert asyncio.run(main()) == 3.1
