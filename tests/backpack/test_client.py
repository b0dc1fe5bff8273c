"""The client against the simulated venue: what it finds, what it sends, and what it says when things go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from aftershock.errors import ConfigError, UnreachableError, UsageError
from aftershock.model.events import Event, Gap, Liquidation, OptionQuotes, OrderUpdate, Quote, Restored, Stale, Trade
from aftershock.model.liquidations import Liquidated
from aftershock.model.orders import Fill, Side
from aftershock.sim.servers.backpack_orders import Order
from aftershock.sim.servers.sandbox import Sandbox
from aftershock.venues.backpack.account_stream import ACCOUNT
from aftershock.venues.backpack.client import BackpackOptionsClient
from aftershock.venues.backpack.client_ids import ClientIds
from aftershock.venues.backpack.markets import MarketType
from aftershock.venues.backpack.orders import BatchRefusal, NewOrder
from aftershock.venues.backpack.refusals import BackpackError, UnknownFateError
from aftershock.venues.connection.settings import LiveSettings
from aftershock.venues.connection.venue_stream import VenueStream
from tests.connection.fakes import Hasty, until
from tests.sandbox.box import QUICK

pytestmark = pytest.mark.sockets

PERP = "BTC_USDC_PERP"
Main = Callable[[Sandbox, BackpackOptionsClient], Awaitable[None]]


@asynccontextmanager
async def serving(*faults: str, times: int | None = None, options: bool = True) -> AsyncIterator[Sandbox]:
    box = Sandbox(5, warm_up_s=60.0, warm_up_takes_s=2.0, backpack_options=options)
    for fault in faults:
        box.faults.switch_on(fault, times)
    async with box:
        await until(lambda: box.backpack.market.books[PERP].bids)
        yield box


def run(main: Main, *faults: str, times: int | None = None, options: bool = True, ids: ClientIds | None = None) -> None:
    async def inside() -> None:
        async with serving(*faults, times=times, options=options) as box:
            settings = LiveSettings(connection=QUICK)
            client = BackpackOptionsClient(
                environment=box.environment, clock=Hasty(), settings=settings, client_ids=ids
            )  # fmt: skip
            async with client, asyncio.timeout(30):
                await main(box, client)

    asyncio.run(inside())


def buy(quantity: str = "0.01", **more: object) -> NewOrder:
    return msgspec.structs.replace(NewOrder(symbol=PERP, side=Side.BUY, quantity=quantity), **more)


def resting(box: Sandbox, client_id: int | None = None) -> NewOrder:
    bid = box.backpack.market.books[PERP].best_bid
    assert bid is not None
    return buy(price=str(bid - 1_000), time_in_force="GTC", client_id=client_id)


async def heard(stream: VenueStream, enough: Callable[[list[Event]], object]) -> list[Event]:
    found: list[Event] = []
    async for event in stream:
        found.append(event)
        if enough(found):
            await stream.close()
            break
    return found


# --- what there is ---------------------------------------------------------------------------------------------------


def test_markets_of_every_type_are_found_and_unknown_ones_kept() -> None:
    async def main(_box: Sandbox, client: BackpackOptionsClient) -> None:
        by_type = {each.type for each in await client.markets()}
        assert by_type == set(MarketType)
        unknown = next(each for each in await client.markets() if each.type is MarketType.UNKNOWN)
        assert (unknown.market_type, unknown.tradable) == ("SWAPTION", False)

    run(main, "backpack-new-type")


def test_a_chain_comes_from_typed_fields_and_is_complete() -> None:
    async def main(box: Sandbox, client: BackpackOptionsClient) -> None:
        chain = await client.get_options_chain("BTC-PERP")
        assert len(chain) == len(chain.instruments) == 24
        assert len(chain.expiries_ns) == 3
        assert all(each.contract_size == 0.01 for each in chain.instruments)
        assert any(each.bid > 0 and each.ask > each.bid and each.mark > 0 for each in chain.options)
        assert all(chain.asked_ns <= chain.answered_ns for _ in chain.options)
        rows = chain.quotes()
        assert rows.stream.symbol == "BTC"
        assert len(rows) == 24
        listed = {each["symbol"]: each for each in box.backpack.market.documents()}
        for each in chain.options:
            expiry = datetime.fromisoformat(listed[each.symbol]["expiry"])
            assert each.expiry_ns == int(expiry.timestamp()) * 10**9
            assert f"{each.strike:g}" == listed[each.symbol]["strikePrice"]
        for symbol in ("BTC", "BTC_USDC_PERP", "BTC_USDC_PERP.backpack"):
            assert len(await client.get_options_chain(symbol)) == 24

    run(main)


def test_a_venue_without_options_says_what_it_has_when_and_what_to_use_instead() -> None:
    async def main(_box: Sandbox, client: BackpackOptionsClient) -> None:
        with pytest.raises(UsageError) as raised:
            await client.get_options_chain("BTC")
        said = str(raised.value)
        for part in (
            "Backpack lists no options of BTC",
            "3 PERP, 1 PREDICTION, 1 RFQ, 1 SPOT",
            "marketType=OPTION and OPTIONS are refused",
            f"checked {datetime.now(UTC):%Y-%m-%d}",
            "--option-venue deribit",
        ):
            assert part in said
        found = await client.capabilities()
        assert (found.has_options, found.option_type) == (False, "")

    run(main, options=False)


@pytest.mark.parametrize("fault", ["backpack-nulls", "backpack-wrong-types"])
def test_rows_that_are_no_markets_are_counted(fault: str) -> None:
    async def main(_box: Sandbox, client: BackpackOptionsClient) -> None:
        found = await client.capabilities()
        assert found.unreadable >= 24
        assert "rows unreadable" in found.text()

    run(main, fault)


def test_a_book_in_a_state_that_nobody_knows_takes_no_orders() -> None:
    async def main(_box: Sandbox, client: BackpackOptionsClient) -> None:
        found = {each.symbol: each for each in await client.markets()}
        assert (found[PERP].order_book_state, found[PERP].tradable) == ("Auction", False)
        assert PERP not in {each.symbol for each in await client.instruments("BTC")}

    run(main, "backpack-new-state")


# --- live ------------------------------------------------------------------------------------------------------------


def test_perpetuals_and_the_chain_are_heard_and_the_side_of_a_liquidation_is_not_believed() -> None:
    async def main(box: Sandbox, client: BackpackOptionsClient) -> None:
        stream = client.stream()

        async def liquidate() -> None:
            await until(lambda: stream.connections)
            await asyncio.sleep(0.3)
            now = box.backpack.market.now_ns // 1_000
            data = {"e": "liquidation", "E": now, "q": "0.5", "p": "90000.0", "S": "Ask", "s": PERP, "T": now}
            box.backpack.ws.emit("liquidation", "", data)

        task = asyncio.ensure_future(liquidate())
        wanted = (Quote, OptionQuotes, Trade, Liquidation)
        found = await heard(stream, lambda found: all(any(isinstance(e, kind) for e in found) for kind in wanted))
        await task
        (print_,) = [event for event in found if isinstance(event, Liquidation)]
        assert print_.liquidated is Liquidated.UNKNOWN
        rows = [event for event in found if isinstance(event, OptionQuotes)]
        assert {event.stream.symbol for event in rows} == {"BTC"}
        assert stream.report.dropped == {}
        assert len(stream.option_terms) == 24

    run(main)


@pytest.mark.parametrize("fault", ["backpack-depth-gap", "backpack-depth-twice", "backpack-ghost-level"])
def test_a_book_equals_the_venue_s_after_whatever_happened_to_its_changes(fault: str) -> None:
    async def main(box: Sandbox, client: BackpackOptionsClient) -> None:
        stream = client.stream(perpetuals=False, options=False, books=(PERP,))

        def again(found: list[Event]) -> bool:
            if not box.faults.hits.get(fault):
                return False
            return fault != "backpack-depth-gap" or any(isinstance(event, Restored) for event in found)

        await heard(stream, lambda found: again(found) and _equal(box, stream))
        assert bool(stream.book_gaps) is (fault == "backpack-depth-gap")

    run(main, fault, times=1)


def _equal(box: Sandbox, stream: VenueStream) -> bool:
    ours, theirs = stream.book(PERP), box.backpack.market.books[PERP]
    if ours is None or not ours.whole or ours.last != theirs.last:
        return False
    bids, asks = theirs.levels(1_000)
    assert sorted(ours.bids()) == [(float(p), float(q)) for p, q in bids]
    assert list(ours.asks()) == [(float(p), float(q)) for p, q in asks]
    return True


def test_a_snapshot_that_is_older_than_what_waits_is_asked_for_again() -> None:
    async def main(box: Sandbox, client: BackpackOptionsClient) -> None:
        stream = client.stream(perpetuals=False, options=False, books=(PERP,))
        await heard(stream, lambda _: _equal(box, stream))
        assert box.faults.hits["backpack-old-snapshot"] == 2

    run(main, "backpack-old-snapshot", times=2)


@pytest.mark.parametrize("fault", ["backpack-close", "backpack-no-pong"])
def test_a_connection_that_ends_or_is_dead_is_opened_again_with_a_gap(fault: str) -> None:
    async def main(box: Sandbox, client: BackpackOptionsClient) -> None:
        if fault == "backpack-no-pong":  # nothing comes but what is asked for
            box.backpack.market.emit = lambda *_: None
        stream = client.stream(options=False)
        kinds = {Stale, Gap, Restored} if fault == "backpack-close" else {Stale}
        await heard(stream, lambda found: kinds <= {type(event) for event in found} and stream.losses)
        assert stream.losses

    run(main, fault, times=1)


@pytest.mark.parametrize("alone", [False, True])
def test_a_lost_connection_is_a_gap_of_the_account_too(alone: bool) -> None:
    async def main(box: Sandbox, client: BackpackOptionsClient) -> None:
        if alone:  # messages of the account only: each order is two
            await client.execute(buy())
        stream = client.stream(perpetuals=not alone, options=False, account=True)

        async def ordering() -> None:
            while alone:
                await asyncio.sleep(0.1)
                await client.execute(buy())

        task = asyncio.ensure_future(ordering())
        found = await heard(
            stream, lambda found: any(isinstance(event, Restored) and event.stream == ACCOUNT for event in found)
        )
        task.cancel()
        (gap,) = [event for event in found if isinstance(event, Gap) and event.stream == ACCOUNT]
        assert gap.from_ts < gap.to_ts
        stale = next(event for event in found if isinstance(event, Stale) and event.stream == ACCOUNT)
        assert found.index(stale) < found.index(gap)
        assert box.faults.hits["backpack-close"] == 1

    run(main, "backpack-close", times=1)


# --- orders ----------------------------------------------------------------------------------------------------------


def test_an_order_is_executed_queried_and_cancelled_and_its_fill_is_heard_by_its_name(tmp_path: Path) -> None:
    with ClientIds(tmp_path / "ids") as ids:

        async def main(box: Sandbox, client: BackpackOptionsClient) -> None:
            stream = client.stream(perpetuals=False, options=False, account=True)
            found: list[Event] = []

            def filled(events: list[Event]) -> bool:
                found.extend(events[-1:])
                return any(isinstance(event, Fill) for event in events)

            listening = asyncio.ensure_future(heard(stream, filled))
            await until(lambda: stream.connections)
            await asyncio.sleep(0.3)
            order = resting(box, ids.take("intent/1"))
            state = await client.execute(order)
            assert (state.status, state.is_open, state.client_id) == ("New", True, 1)
            assert [each.order_id for each in await client.open_orders(PERP)] == [state.order_id]
            assert (await client.query(PERP, client_id=1) or state).order_id == state.order_id
            assert (await client.cancel(PERP, order_id=state.order_id)).status == "Cancelled"
            assert await client.query(PERP, client_id=1) is None
            taken = await client.execute(buy(client_id=ids.take("intent/2")))
            assert (taken.status, taken.filled) == ("Filled", 0.01)
            await listening
            said = [(type(event).__name__, getattr(event, "status", ""), event.client_id)
                    for event in found if isinstance(event, OrderUpdate | Fill)]  # fmt: skip
            assert said == [
                ("OrderUpdate", "accepted", "intent/1"), ("OrderUpdate", "cancelled", "intent/1"),
                ("OrderUpdate", "accepted", "intent/2"), ("Fill", "", "intent/2"),
            ]  # fmt: skip
            (position,) = await client.positions()
            assert (position.symbol, float(position.net_quantity)) == (PERP, 0.01)
            assert float((await client.balances())["USDC"].available) < 100_000
            assert float((await client.margin()).net_equity) < 100_000
            assert await client.max_order_quantity(PERP, "Bid") > 0

        run(main, ids=ids)


def test_one_order_of_a_batch_may_fail_inside_a_200() -> None:
    async def main(box: Sandbox, client: BackpackOptionsClient) -> None:
        first, second, third = await client.execute_batch([resting(box, 1), resting(box, 2), resting(box, 3)])
        assert isinstance(second, BatchRefusal)
        assert second.code == "INSUFFICIENT_FUNDS"
        assert [each.client_id for each in (first, third) if not isinstance(each, BatchRefusal)] == [1, 3]
        assert len(await client.cancel_all(PERP)) == 2

    run(main, "backpack-batch-mix", times=1)


def test_a_cancellation_that_was_only_accepted_is_not_done() -> None:
    async def main(box: Sandbox, client: BackpackOptionsClient) -> None:
        await client.execute(resting(box, 5))
        state = await client.cancel(PERP, client_id=5)
        assert (state.status, state.is_open) == ("Cancelling", True)

    run(main, "backpack-cancel-202")


def test_an_order_whose_answer_is_lost_is_sent_once_and_looked_up() -> None:
    async def main(box: Sandbox, client: BackpackOptionsClient) -> None:
        state = await client.execute(buy(client_id=77))
        assert (state.status, state.client_id, state.filled) == ("Filled", 77, 0.01)
        box.faults.switch_on("backpack-lost-reply", 1)
        assert (await client.execute(resting(box, 78))).status == "New"
        assert [each.client_id for each in box.backpack.account.orders.values()] == [77, 78]
        box.faults.switch_on("backpack-lost-reply", 1)
        with pytest.raises(UnknownFateError, match="find out what became of it"):
            await client.execute(buy())  # without an id nobody can
        assert len(box.backpack.account.orders) == 3

    run(main, "backpack-lost-reply", times=1)


def test_a_cancellation_whose_answer_is_lost_is_sent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(box: Sandbox, client: BackpackOptionsClient) -> None:
        await client.execute(resting(box, 5))
        account, cancelled = box.backpack.account, list[str]()
        cancel = account.cancel

        def counted(order: Order) -> Order:
            cancelled.append(order.id)
            return cancel(order)

        monkeypatch.setattr(account, "cancel", counted)
        box.faults.switch_on("backpack-lost-reply", 1)
        state = await client.cancel(PERP, client_id=5)
        assert state.status == "Cancelled"
        assert len(cancelled) == 1

    run(main)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("backpack-429", "HTTP 429 (TOO_MANY_REQUESTS"),
        ("backpack-429-html", "HTTP 429 (a web page)"),
        ("backpack-maintenance", "HTTP 503 (MAINTENANCE"),
    ],
)
def test_a_venue_that_is_busy_is_asked_again_but_an_order_is_never_sent_twice(fault: str, says: str) -> None:
    async def main(box: Sandbox, client: BackpackOptionsClient) -> None:
        box.faults.switch_on(fault, 1)
        with pytest.raises((BackpackError, UnknownFateError)) as refused:  # a fault of the server may have done it
            await client.execute(buy(client_id=9))
        assert isinstance(refused.value, UnknownFateError) is (fault == "backpack-maintenance")
        assert says in str(refused.value)
        assert not box.backpack.account.orders
        box.faults.switch_on(fault, 2 if fault == "backpack-maintenance" else 1)
        assert (await client.depth(PERP)).symbol == PERP
        if fault == "backpack-maintenance":
            box.faults.switch_on(fault)
            with pytest.raises(BackpackError):
                await client.depth(PERP)

    run(main)


def test_a_clock_that_is_off_is_measured_and_said() -> None:
    async def main(_box: Sandbox, client: BackpackOptionsClient) -> None:
        with pytest.raises(BackpackError, match=r"Request has expired.*its clock is \+120\.\d s off this machine's"):
            await client.execute(buy(client_id=9))

    run(main, "backpack-clock")


def test_what_is_no_order_is_refused_with_the_venue_s_code() -> None:
    async def main(box: Sandbox, client: BackpackOptionsClient) -> None:
        for order, code in (
            (buy("0.000001"), "INVALID_QUANTITY"),
            (buy("1", price="90000.01"), "INVALID_PRICE"),
            (buy("100000"), "INSUFFICIENT_MARGIN"),
            (buy(reduce_only=True), "INVALID_ORDER"),
            (msgspec.structs.replace(buy(), symbol="NO_SUCH"), "INVALID_SYMBOL"),
            (msgspec.structs.replace(buy(), symbol="ETH_USDC_PERP"), "INVALID_MARKET"),
        ):
            with pytest.raises(BackpackError) as refused:
                await client.execute(order)
            assert refused.value.code == code
        with pytest.raises(UsageError, match="from 0 to 4294967295"):
            await client.execute(buy(client_id=2**32))
        with pytest.raises(UsageError, match="not both"):
            await client.cancel(PERP, order_id="1", client_id=1)
        assert not box.backpack.account.orders

    run(main)


def test_a_wrong_key_is_refused_and_not_shown() -> None:
    async def main(box: Sandbox, _client: BackpackOptionsClient) -> None:
        secret = "A" + "AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
        other = {**box.environment, "BACKPACK_SECRET_KEY": secret}
        async with BackpackOptionsClient(environment=other) as client:
            with pytest.raises(ConfigError, match="is not the public half of BACKPACK_SECRET_KEY"):
                await client.account()
        del other["BACKPACK_API_KEY"]
        async with BackpackOptionsClient(environment=other) as client:
            with pytest.raises(BackpackError, match="UNAUTHORIZED") as refused:
                await client.account()
            assert secret not in f"{refused.value} {client!r}"
        async with BackpackOptionsClient("YOUR_KEY", "YOUR_SECRET", environment=box.environment) as client:
            assert len(await client.get_options_chain("BTC")) == 24, "market data needs no key"
            with pytest.raises(ConfigError, match="no base64 of 32 bytes"):
                await client.fees()

    run(main)


def test_fees_are_the_account_s_and_what_it_does_not_say_is_never_zero() -> None:
    async def main(_box: Sandbox, client: BackpackOptionsClient) -> None:
        assert {each.kind.value: each.taker_rate for each in await client.fees()} == {"perpetual": 5e-4}

    run(main, options=False)


def test_orders_never_leave_this_machine() -> None:
    async def main() -> None:
        async with BackpackOptionsClient(environment={"BACKPACK_SECRET_KEY": "x"}) as client:
            for ordering in (
                client.execute(buy()), client.execute_batch([buy()]), client.cancel(PERP, order_id="1"),
                client.cancel_all(PERP),
            ):  # fmt: skip
                with pytest.raises(ConfigError, match="real orders are not delivered"):
                    await ordering

    asyncio.run(main())


def test_a_venue_that_is_not_there_is_named(tmp_path: Path) -> None:
    async def main() -> None:
        environment = {"AFTERSHOCK_BACKPACK_REST_URL": "http://me:hunter2@127.0.0.1:9"}
        async with BackpackOptionsClient(environment=environment, clock=Hasty()) as client:
            with pytest.raises(UnreachableError, match=r"Backpack at http://127.0.0.1:9 does not answer") as raised:
                await client.get_options_chain("BTC")
            assert "hunter2" not in f"{raised.value} {client!r}"

    asyncio.run(main())
    with pytest.raises(ConfigError, match="AFTERSHOCK_BACKPACK_WS_URL is no address"):
        BackpackOptionsClient(environment={"AFTERSHOCK_BACKPACK_WS_URL": "http://x"})
    assert not list(tmp_path.iterdir())
