"""Fills at moments that surprise: before the answer to the order, and after the order was said to be cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from aftershock.model.events import Event
from aftershock.model.orders import Fill, Side
from aftershock.sim.servers.sandbox import Sandbox
from aftershock.venues.backpack.client import BackpackOptionsClient
from aftershock.venues.backpack.orders import NewOrder
from aftershock.venues.connection.settings import LiveSettings
from tests.connection.fakes import Hasty, until
from tests.sandbox.backpack_signed import Script
from tests.sandbox.box import QUICK, sandbox, until_quoted

pytestmark = pytest.mark.sockets

PERP = "BTC_USDC_PERP"


def run(main: Callable[[Sandbox], Awaitable[None]], fault: str) -> None:
    async def inside() -> None:
        async with sandbox(fault) as box, asyncio.timeout(30):
            await until_quoted(box)
            await main(box)

    asyncio.run(inside())


def held(box: Sandbox) -> float:
    return float(box.backpack.account.wallet.held(PERP))


def resting(box: Sandbox) -> dict[str, object]:
    bid = box.backpack.market.books[PERP].best_bid
    assert bid is not None
    return {"symbol": PERP, "side": "Bid", "orderType": "Limit", "quantity": "0.01", "price": str(bid - 100)}


def sell_down_to(box: Sandbox, price: str) -> None:
    """Let the market trade through a price."""
    box.backpack.market._print_others(PERP, float(price) - 1, 1.0, maker_buys=True, at_ns=box.backpack.market.now_ns)


async def hear(box: Sandbox, act: Callable[[BackpackOptionsClient, list[Event]], Awaitable[None]]) -> None:
    """Listen to the account with our client while it acts."""
    settings = LiveSettings(connection=QUICK)
    async with BackpackOptionsClient(environment=box.environment, clock=Hasty(), settings=settings) as client:
        stream, found = client.stream(perpetuals=False, options=False, account=True), list[Event]()

        async def listen() -> None:
            async for event in stream:
                found.append(event)

        listening = asyncio.ensure_future(listen())
        await until(lambda: stream.connections)
        await asyncio.sleep(0.3)
        await act(client, found)
        await stream.close()
        await listening


def fills(found: list[Event]) -> list[Fill]:
    return [event for event in found if isinstance(event, Fill)]


# --- the fill comes first --------------------------------------------------------------------------------------------


def test_a_script_that_waits_for_the_id_in_the_answer_misses_a_fill_that_came_before_it() -> None:
    async def main(box: Sandbox) -> None:
        async with Script.on(box) as script:
            order = {"symbol": PERP, "side": "Bid", "orderType": "Market", "quantity": "0.01"}
            answer = await script.execute(order)
            assert answer["status"] == "Filled"
            assert [each["e"] for each in script.heard] == ["orderAccepted", "orderFill"]
            assert (script.position, held(box)) == (0.0, 0.01)

    run(main, "backpack-fill-first")


def test_our_stream_tells_a_fill_by_the_name_of_its_order_before_the_order_is_answered() -> None:
    async def main(box: Sandbox) -> None:
        async def act(client: BackpackOptionsClient, found: list[Event]) -> None:
            order = NewOrder(symbol=PERP, side=Side.BUY, quantity="0.01", client_id=7)
            sending = asyncio.ensure_future(client.execute(order))
            await until(lambda: fills(found))
            assert not sending.done(), "it is not answered yet"
            assert (await sending).status == "Filled"
            (fill,) = fills(found)
            assert (fill.quantity, fill.side, fill.client_id) == (0.01, Side.BUY, "7")

        await hear(box, act)

    run(main, "backpack-fill-first")


# --- cancelled, but not yet ------------------------------------------------------------------------------------------


def test_a_script_that_takes_accepted_for_cancelled_misses_the_fill_that_came_between() -> None:
    async def main(box: Sandbox) -> None:
        async with Script.on(box) as script:
            answer = await script.execute(resting(box))
            await script.cancel(PERP, answer["id"])
            sell_down_to(box, answer["price"])
            await until(lambda: any(each["e"] == "orderFill" for each in script.heard))
            assert (script.working, script.position, held(box)) == (set(), 0.0, 0.01)

    run(main, "backpack-cancel-202")


def test_a_cancellation_that_was_only_accepted_is_carried_out_a_moment_later() -> None:
    async def main(box: Sandbox) -> None:
        async with Script.on(box) as script:
            answer = await script.execute(resting(box))
            await script.cancel(PERP, answer["id"])
            assert answer["id"] in box.backpack.account.open
            await until(lambda: script.heard[-1]["e"] == "orderCancelled")
            assert not box.backpack.account.open

    run(main, "backpack-cancel-202")


def test_ours_calls_it_cancelling_and_hears_the_fill() -> None:
    async def main(box: Sandbox) -> None:
        async def act(client: BackpackOptionsClient, found: list[Event]) -> None:
            price = str(resting(box)["price"])
            order = NewOrder(
                symbol=PERP, side=Side.BUY, quantity="0.01", price=price, time_in_force="GTC", client_id=8
            )  # fmt: skip
            await client.execute(order)
            state = await client.cancel(PERP, client_id=8)
            assert (state.status, state.is_open) == ("Cancelling", True)
            sell_down_to(box, price)
            await until(lambda: fills(found))
            after = await client.look_up(PERP, 8)
            assert after is not None
            assert (after.status, after.filled, held(box)) == ("Filled", 0.01, 0.01)

        await hear(box, act)

    run(main, "backpack-cancel-202")
