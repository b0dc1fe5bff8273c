"""Every fault of the machine's connection and messages: where a naive client goes wrong, and what ours makes of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import aiohttp
import msgspec
import pytest

from aftershock.errors import UnreachableError, UsageError
from aftershock.model.events import Event, Gap, Liquidation, Quote, Restored, Trade
from aftershock.sim.servers.sandbox import Sandbox
from aftershock.venues.tardis.live import LiveStream
from tests.sandbox.box import QUICK, Naive, collect, sandbox

pytestmark = pytest.mark.sockets

HANGS_S = 1.2
Check = Callable[[list[Event], LiveStream], None]


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(main)


async def hangs(box: Sandbox) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(Naive().run(box, 10_000), HANGS_S)


async def ends_as_if_all_were_well(box: Sandbox) -> None:
    naive = Naive()
    await asyncio.wait_for(naive.run(box, 10_000), 10)
    assert naive.counted < 1_000


def dies_of(*errors: type[Exception]) -> Callable[[Sandbox], Awaitable[None]]:
    async def dies(box: Sandbox) -> None:
        with pytest.raises(errors):
            await asyncio.wait_for(Naive().run(box, 10_000), 10)

    return dies


def count(events: list[Event], kind: type[Event]) -> int:
    return sum(isinstance(event, kind) for event in events)


def lost_and_found(events: list[Event], stream: LiveStream, reason: str) -> None:
    """The loss has a reason, what was lost lies in gaps, and data came again after it."""
    assert any(reason in each for each in stream.losses), stream.losses
    gaps = [n for n, event in enumerate(events) if isinstance(event, Gap)]
    assert gaps
    assert all(event.from_ts <= event.to_ts for event in events if isinstance(event, Gap))
    assert any(isinstance(event, Quote | Trade) for event in events[gaps[0] :])


RECOVERS = {
    # fault: what becomes of the naive client, why ours gave the connection up
    "no-first-byte": (hangs, "not even the answer to a ping"),
    "close-at-once": (ends_as_if_all_were_well, "closed it (1000"),
    "reset-mid-message": (ends_as_if_all_were_well, "the connection broke"),
    "silence": (hangs, "not even the answer to a ping"),
    "disconnects": (ends_as_if_all_were_well, "the connection broke"),
    "huge-message": (dies_of(TypeError), "sent what can't be taken"),
    "deflate-bomb": (dies_of(TypeError), "sent what can't be taken"),
    "error-line": (dies_of(KeyError), "closed it (1011"),
    "too-many-errors": (dies_of(KeyError), "closed it (1011"),
}


@pytest.mark.parametrize("fault", RECOVERS)
def test_a_connection_that_fails_is_opened_again_and_what_was_missed_is_a_gap(fault: str) -> None:
    naive_fate, reason = RECOVERS[fault]

    async def main() -> None:
        async with sandbox(fault) as box:
            await naive_fate(box)
        async with sandbox(fault, times=2) as box:
            if fault == "disconnects":
                box.faults.switch_on(fault)
            quick = msgspec.structs.replace(QUICK, backoff_s=0.2, backoff_cap_s=0.3)
            events, stream = await collect(box, 400, connection=quick)
            assert stream.reconnects >= 1
            lost_and_found(events, stream, reason)

    run(main())


@pytest.mark.parametrize("fault", ["http-429", "http-503"])
def test_a_server_that_is_busy_is_asked_again(fault: str) -> None:
    async def main() -> None:
        async with sandbox(fault, times=1) as box:
            await dies_of(aiohttp.WSServerHandshakeError)(box)
        async with sandbox(fault, times=1) as box:
            events, _ = await collect(box, 20)
            assert count(events, Quote) > 10

    run(main())


ENDS = {
    "no-handshake": (hangs, UnreachableError, r"does not finish the WebSocket handshake|handshake"),
    "html": (dies_of(aiohttp.WSServerHandshakeError), UnreachableError, r"is no WebSocket server \(HTTP 200\)"),
    "refused": (ends_as_if_all_were_well, UsageError, r"ftx-restart"),
}


@pytest.mark.parametrize("fault", ENDS)
def test_a_server_that_will_never_serve_is_given_up_with_one_sentence(fault: str) -> None:
    naive_fate, error, says = ENDS[fault]

    async def main() -> None:
        async with sandbox(fault) as box:
            await naive_fate(box)
            with pytest.raises(error, match=says) as raised:
                await collect(box, 20)
            assert "\n" not in str(raised.value)

    run(main())


def unreadable(events: list[Event], stream: LiveStream) -> None:
    assert stream.report.unreadable == 3
    assert count(events, Gap) >= 3


def not_text(events: list[Event], stream: LiveStream) -> None:
    assert stream.report.not_text == 3
    assert count(events, Gap) >= 3


def dropped(reason: str) -> Check:
    def check(_events: list[Event], stream: LiveStream) -> None:
        assert stream.report.dropped.get(reason) == 3
        assert stream.report.examples

    return check


def said_by_the_recorder(events: list[Event], stream: LiveStream) -> None:
    """The gap begins with the last message before it, ends with the first after it, and is two seconds long."""
    assert stream.report.disconnects >= 1
    gap = next(event for event in events if isinstance(event, Gap))
    assert 0.5e9 < gap.to_ts - gap.from_ts < 10e9
    assert count(events, Restored) >= 1


def clock_is_off(seconds: float) -> Check:
    def check(_events: list[Event], stream: LiveStream) -> None:
        offset = stream.venue_offset("binance-futures")
        assert offset is not None
        assert offset.is_off is (seconds > 0)

    return check


SPOILT = {
    "garbage": (dies_of(ValueError), unreadable, 3),
    "half-json": (dies_of(ValueError), unreadable, 3),
    "absent-keys": (dies_of(KeyError), dropped("wrong_field"), 3),
    "control-characters": (None, dropped("no_symbol"), 3),
    "binary": (None, not_text, 3),
    "gap": (None, said_by_the_recorder, 1),
}


@pytest.mark.parametrize("fault", SPOILT)
def test_a_message_that_can_not_be_used_is_counted_and_what_it_may_have_said_is_a_gap(fault: str) -> None:
    naive_fate, check, times = SPOILT[fault]

    async def main() -> None:
        if naive_fate is not None:
            async with sandbox(fault) as box:
                await naive_fate(box)
        async with sandbox(fault, times=times, warm=fault != "gap") as box:
            events, stream = await collect(box, 150)
            check(events, stream)
            assert all(symbol.isprintable() for symbol in symbols(events))

    run(main())


def symbols(events: list[Event]) -> set[str]:
    return {getattr(event, "symbol", "") for event in events}


def test_prints_that_come_again_after_a_reconnect_are_counted_once() -> None:
    async def main() -> None:
        async with sandbox() as box:
            naive = Naive()
            await naive.run(box, 60)
            box.faults.switch_on("duplicates")
            await naive.run(box, 120)
            twice = [each for each, n in Counter(t for t in naive.trades if t[2]).items() if n > 1]
            assert twice

            box.faults.switch_off()
            box.faults.switch_on("duplicates")
            box.faults.switch_on("reset-mid-message", 3)
            events, stream = await collect(box, 300)
            ids = [(type(e), e.venue, e.trade_id if isinstance(e, Trade) else e.liquidation_id)
                   for e in events if isinstance(e, Trade | Liquidation)]  # fmt: skip
            named = [each for each in ids if each[2]]
            assert len(named) == len(set(named))
            assert stream.report.dropped["duplicate"] >= 1

    run(main())


def test_messages_out_of_order_keep_the_order_of_their_arrival_here() -> None:
    async def main() -> None:
        async with sandbox("reordered") as box:
            naive = Naive()
            await naive.run(box, 60)
            assert naive.times != sorted(naive.times)

            events, _ = await collect(box, 100)
            received = [event.ts_init for event in events]
            assert received == sorted(received)
            venue = [event.ts_event for event in events if isinstance(event, Quote)]
            assert venue != sorted(venue)

    run(main())


@pytest.mark.parametrize(("fault", "off_s"), [("clock-ahead", 5.0), ("clock-behind", -5.0)])
def test_a_venue_clock_that_is_off_is_measured_and_told(fault: str, off_s: float) -> None:
    async def main() -> None:
        async with sandbox(fault, warm=False) as box:
            events, stream = await collect(box, 80)
            lags = sorted((e.ts_init - e.ts_event) / 1e9 for e in events if isinstance(e, Quote | Trade))
            assert lags[len(lags) // 2] == pytest.approx(-off_s, abs=0.5)
            offset = stream.venue_offset("binance-futures")
            assert offset is not None

    run(main())


def test_messages_that_are_late_show_their_age() -> None:
    async def main() -> None:
        async with sandbox("slow", times=2, warm=False) as box:
            events, _ = await collect(box, 2)
            assert max(e.ts_init - e.ts_event for e in events if isinstance(e, Quote | Trade)) > 2_900_000_000

    run(main())


def test_every_fault_is_named_in_a_test() -> None:
    from pathlib import Path

    from aftershock.sim.servers.faults import FAULTS

    folders = [Path(__file__).parent, *(Path(__file__).parents[1] / name for name in ("backpack", "deribit"))]
    told = "\n".join(path.read_text() for folder in folders for path in folder.glob("*.py"))
    assert [name for name in FAULTS if f'"{name}"' not in told] == []
