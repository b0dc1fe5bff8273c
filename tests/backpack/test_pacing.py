"""No minute has more requests than the venue allows, and what only asks can't keep an order waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from aftershock.model.orders import Side
from aftershock.venues.backpack.client import BackpackOptionsClient
from aftershock.venues.backpack.orders import NewOrder
from aftershock.venues.backpack.pacing import NotSentError, Pacing
from aftershock.venues.backpack.refusals import BackpackError
from aftershock.venues.connection.clock import SystemClock
from tests.backpack.toy import PERP, Toy, refused, run
from tests.connection.fakes import FakeClock, turns

KLINES = "/api/v1/klines"


def sent_at(kinds: list[str], seconds: float) -> list[float]:
    """Return when requests went out of callers that ask again and again, two of each kind."""

    async def main() -> list[float]:
        clock, found = FakeClock(), list[float]()
        pacing = Pacing(clock)
        ways: dict[str, Callable[[], Awaitable[None]]] = {
            "read": lambda: pacing.read("/api/v1/depth"),
            "order": lambda: pacing.order(patient=True),
            "history": lambda: pacing.read(KLINES),
        }

        async def caller(way: Callable[[], Awaitable[None]]) -> None:
            while True:
                await way()
                found.append(clock.monotonic())

        tasks = [asyncio.ensure_future(caller(ways[kind])) for kind in kinds * 2]
        await turns()
        await clock.advance(seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return found

    return asyncio.run(main())


def most_in_a_minute(times: list[float]) -> int:
    times = sorted(times)
    return max(sum(start <= each < start + 60 for each in times) for start in times[::50])


def test_no_minute_has_more_requests_than_the_venue_allows() -> None:
    assert 1_800 < most_in_a_minute(sent_at(["read", "order", "history"], 61)) <= 2_000


def test_no_minute_has_more_than_thirty_requests_of_historical_data() -> None:
    assert most_in_a_minute(sent_at(["history"], 130)) <= 30


def test_reads_that_wait_do_not_keep_an_order_waiting() -> None:
    async def main() -> None:
        clock = FakeClock()
        pacing = Pacing(clock)
        reads = [asyncio.ensure_future(pacing.read("/api/v1/depth")) for _ in range(500)]
        await turns()
        assert not all(each.done() for each in reads)
        await pacing.order()
        assert clock.monotonic() == 0.0
        for each in reads:
            each.cancel()
        await asyncio.gather(*reads, return_exceptions=True)

    asyncio.run(main())


def test_an_order_that_would_wait_for_more_than_a_second_is_not_sent_and_one_that_waits_less_is() -> None:
    async def main() -> None:
        clock = FakeClock()
        pacing = Pacing(clock)
        for _ in range(60):
            await pacing.order()
        soon = [asyncio.ensure_future(pacing.order()) for _ in range(8)]
        last = asyncio.ensure_future(pacing.order())  # waits a second, or a bit more
        await turns()
        with pytest.raises(NotSentError, match=r"not sent: .* would make it wait 1\.1 s"):
            await pacing.order()
        await clock.advance(1.0)
        assert [each.exception() for each in soon if each.done()] == [None] * 8
        await asyncio.gather(last, return_exceptions=True)
        while pacing.orders.try_take():
            pass
        soon = [asyncio.ensure_future(pacing.order())]
        await turns()
        pacing.refused(30.0)
        await clock.advance(1.0)
        assert isinstance(soon[0].exception(), NotSentError)

    asyncio.run(main())


def test_a_refusal_holds_everybody_back_and_many_at_once_no_longer_than_one() -> None:
    async def main() -> None:
        clock = FakeClock()
        pacing = Pacing(clock)
        for _ in range(20):
            pacing.refused(5.0)
        reading = asyncio.ensure_future(pacing.read("/api/v1/depth"))
        with pytest.raises(NotSentError):
            await pacing.order()
        await turns()
        await clock.advance(4.9)
        assert not reading.done()
        await clock.advance(0.2)
        assert reading.done()

    asyncio.run(main())


@pytest.mark.sockets
def test_after_a_429_an_order_is_not_sent_until_it_may_be() -> None:
    toy = Toy()
    toy.refused_asks = [refused(429, "TOO_MANY_REQUESTS")]

    async def main(client: BackpackOptionsClient) -> None:
        order = NewOrder(symbol=PERP, side=Side.BUY, quantity="1", client_id=1)
        with pytest.raises(BackpackError):
            await client._rest.get("/api/v1/orders", {}, "orderQueryAll", attempts=1)
        with pytest.raises(NotSentError, match="decide again on newer prices"):
            await client.execute(order)
        assert toy.sent == []
        toy.refused_asks = [web.json_response({})]
        await client.balances()  # what asks waits
        assert (await client.execute(order)).client_id == 1

    run(toy, main, SystemClock())
