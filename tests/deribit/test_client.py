"""The client against the simulated venue: the chain first, then what changes, and what it says when things go wrong."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable

import pytest

from aftershock.app.venue_chain import chain_now
from aftershock.errors import ConfigError, UnreachableError, UsageError
from aftershock.model.events import DerivativeTicker, Event, OptionQuotes, Quote, Restored, Trade
from aftershock.model.instruments import Kind
from aftershock.sim.servers.sandbox import Sandbox
from aftershock.venues.connection.settings import LiveSettings
from aftershock.venues.connection.venue_stream import VenueStream
from aftershock.venues.deribit.client import DeribitClient
from tests.connection.fakes import Hasty, until
from tests.sandbox.box import QUICK

pytestmark = pytest.mark.sockets

PERPETUAL = "BTC-PERPETUAL"
Main = Callable[[Sandbox, DeribitClient], Awaitable[None]]


def run(main: Main, *faults: str, times: int | None = None) -> None:
    async def inside() -> None:
        box = Sandbox(5, warm_up_s=60.0, warm_up_takes_s=2.0)
        for fault in faults:
            box.faults.switch_on(fault, times)
        async with box, asyncio.timeout(30):
            await until(lambda: box.deribit.market.books[PERPETUAL].bids and len(box.deribit.market.underlyings) > 3)
            box.deribit.market.revalue()
            settings = LiveSettings(connection=QUICK)
            client = DeribitClient(environment=box.environment, clock=Hasty(), settings=settings)
            await main(box, client)
            await client.close()

    asyncio.run(inside())


async def heard(stream: VenueStream, enough: Callable[[list[Event]], object]) -> list[Event]:
    found: list[Event] = []
    async for event in stream:
        found.append(event)
        if enough(found):
            await stream.close()
            break
    return found


def test_a_chain_is_whole_and_its_volatilities_are_fractions() -> None:
    async def main(box: Sandbox, client: DeribitClient) -> None:
        chain = await client.chain("BTC")
        listed = {each["instrument_name"] for each in box.deribit.market.instruments("option")}
        assert {row.symbol for row in chain.rows} == {each.symbol for each in chain.instruments} == listed
        volatilities = [row.values[9] for row in chain.rows if not math.isnan(row.values[9])]
        assert volatilities
        assert all(0.05 < each < 5 for each in volatilities)
        assert all(math.isnan(row.values[1]) for row in chain.rows), "a summary has no sizes"
        assert all(each.inverse and each.contract_size == 1.0 and each.lot_size == 0.1 for each in chain.instruments)
        fees = {(each.kind, each.inverse): (each.taker_rate, each.cap_fraction) for each in chain.fees}
        assert fees[Kind.OPTION, True] == (3e-4, 0.125)
        with pytest.raises(UsageError, match="Deribit lists no options of ETH"):
            await client.chain("ETH")

    run(main)


def test_the_chain_is_told_first_and_marks_and_quotes_of_an_option_come_as_one_row() -> None:
    async def main(box: Sandbox, client: DeribitClient) -> None:
        stream = client.stream()
        kinds = (Quote, DerivativeTicker, Trade)

        def enough(found: list[Event]) -> bool:
            rows = [e for e in found if isinstance(e, OptionQuotes)]
            return len(rows) > 20 and all(any(isinstance(e, kind) for e in found) for kind in kinds)

        found = await heard(stream, enough)
        first = found[0]
        assert isinstance(first, OptionQuotes)
        assert len(first) == len(box.deribit.market.instruments("option"))
        last = {s: {k: float(v[i]) for k, v in e.columns.items()} for e in found if isinstance(e, OptionQuotes)
                for i, s in enumerate(e.symbols)}  # fmt: skip
        sized = [row for row in last.values() if row["bid_amount"] > 0 and row["mark_iv"] > 0]
        assert sized, "sizes of `quote` beside marks of `markprice.options`"
        assert {event.symbol for event in found if isinstance(event, Quote)} == {PERPETUAL}
        assert stream.report.dropped == {}

    run(main)


@pytest.mark.parametrize("fault", ["deribit-book-gap", "deribit-book-twice"])
def test_a_book_is_the_venue_s_again_after_a_hole(fault: str) -> None:
    async def main(box: Sandbox, client: DeribitClient) -> None:
        stream = client.stream(perpetuals=False, options=False, books=(PERPETUAL,))

        def equal(found: list[Event]) -> bool:
            ours, theirs = stream.book(PERPETUAL), box.deribit.market.books[PERPETUAL]
            if not box.faults.hits.get(fault) or ours is None or not ours.whole or ours.last != theirs.last:
                return False
            if fault == "deribit-book-gap" and not any(isinstance(event, Restored) for event in found):
                return False
            bids, asks = theirs.levels(1_000)
            assert sorted(ours.bids()) == [(float(p), float(q)) for p, q in bids]
            assert list(ours.asks()) == [(float(p), float(q)) for p, q in asks]
            return True

        await heard(stream, equal)
        assert bool(stream.book_gaps) is (fault == "deribit-book-gap")

    run(main, fault, times=1)


def test_a_session_that_is_ended_for_too_many_requests_is_opened_again_after_a_while() -> None:
    async def main(box: Sandbox, client: DeribitClient) -> None:
        stream = client.stream(options=False)
        await heard(stream, lambda found: any(isinstance(event, Quote) for event in found))
        assert box.faults.hits["deribit-10028"] == 1
        assert stream.reconnects >= 1

    run(main, "deribit-10028", times=1)


def test_a_heartbeat_is_answered() -> None:
    async def main(box: Sandbox, client: DeribitClient) -> None:
        box.deribit.heartbeat_scale = 0.01  # 0.3 s
        stream = client.stream(options=False)
        loop, ends = asyncio.get_running_loop(), asyncio.get_running_loop().time() + 1.5
        await heard(stream, lambda _: loop.time() > ends)
        assert stream.reconnects == 0

    run(main)


@pytest.mark.parametrize(("fault", "says"), [("deribit-429-html", "HTTP 429"), ("deribit-maintenance", "HTTP 503")])
def test_a_venue_that_is_busy_is_asked_again_and_then_named(fault: str, says: str) -> None:
    async def main(box: Sandbox, client: DeribitClient) -> None:
        box.faults.switch_on(fault, 2)
        assert await client.chain("BTC")
        box.faults.switch_on(fault)
        with pytest.raises(UnreachableError, match=f"Deribit at http.* says no with {says}"):
            await client.chain("BTC")

    run(main)


def test_steps_that_are_not_said_are_unknown_and_what_is_not_open_is_left_out_and_counted() -> None:
    async def main(_box: Sandbox, client: DeribitClient) -> None:
        chain = await client.chain("BTC")
        assert all(math.isnan(each.tick_size) and math.isnan(each.lot_size) for each in chain.instruments)
        assert chain.left_out["not open"] > 20
        stream = client.stream()
        await heard(stream, bool)
        assert stream.report.notes == [f"{chain.left_out['not open']} of BTC were left out: not open"]

    run(main, "deribit-nulls", "deribit-new-state")


def test_the_command_that_shows_a_chain_tells_what_was_left_out() -> None:
    async def main(box: Sandbox, _client: DeribitClient) -> None:
        _, _, notes = await chain_now("deribit", "BTC", box.environment)
        (note,) = notes
        assert note.endswith("were left out: not open")

    run(main, "deribit-new-state")


def test_a_venue_that_is_not_there_is_named() -> None:
    async def main() -> None:
        client = DeribitClient(
            environment={"AFTERSHOCK_DERIBIT_HTTP_URL": "http://me:hunter2@127.0.0.1:9"}, clock=Hasty()
        )
        with pytest.raises(UnreachableError, match=r"Deribit at http://127\.0\.0\.1:9 does not answer") as raised:
            await client.chain("BTC")
        assert "hunter2" not in f"{raised.value} {client!r}"

    asyncio.run(main())
    with pytest.raises(ConfigError, match="AFTERSHOCK_DERIBIT_WS_URL is no address"):
        DeribitClient(environment={"AFTERSHOCK_DERIBIT_WS_URL": "x"})
