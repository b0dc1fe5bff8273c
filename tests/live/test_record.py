"""Recording live sources: order and clock of a live run, and a gap wherever something was missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from aiohttp import web

from aftershock.app.live.config import LiveConfig
from aftershock.app.live.record import record, terms_in
from aftershock.model.events import ClockStep, Event, Gap, Halt, Liquidation, OptionQuotes, Restored, Stale
from aftershock.sim.market.session import Session
from aftershock.venues.recording import RecordingWriter
from aftershock.venues.tardis.live import LiveStream
from tests.core.market import T0
from tests.live.feed import Clock, FakeSource
from tests.recording.files import quote, read_back
from tests.sim.tardis_events import bits
from tests.venues.test_machine_stream import ids, liquidation, listen, machine, until_closed


class Until:
    """The stream, until so many events have come."""

    name = "machine"

    def __init__(self, stream: LiveStream, count: int) -> None:
        self._stream, self._count = stream, count

    @property
    def reconnects(self) -> int:
        return self._stream.reconnects

    async def __aiter__(self) -> AsyncIterator[Event]:
        count = 0
        async for event in self._stream:
            yield event
            count += 1
            if count == self._count:
                await self.close()

    async def close(self) -> None:
        await self._stream.close()


def timeless(events: list[Event]) -> list[str]:
    """Return events without our clock, option rows one by one."""
    rows = (row for event in events for row in (event.rows() if isinstance(event, OptionQuotes) else (event,)))
    return bits(
        msgspec.structs.replace(row, ts_init=0, **_no_times(row)) if not isinstance(row, ClockStep) else row
        for row in rows
    )


def _no_times(row: Event) -> dict[str, object]:
    return {"row_ts_init": np.zeros(len(row), dtype=np.int64)} if isinstance(row, OptionQuotes) else {}


@pytest.mark.slow
def test_a_whole_market_is_recorded_in_the_order_of_arrival_on_a_clock_that_only_rises(tmp_path: Path) -> None:
    clock = Clock()
    events = [event for event in Session(7, makers="fast", count=1).events() if not isinstance(event, Halt)]
    source = FakeSource(events, clock, together=50)
    writer = RecordingWriter(tmp_path / "r")
    result = asyncio.run(record([source], LiveConfig(), writer, clock=clock))

    back = read_back(tmp_path / "r")
    assert timeless(back) == timeless(events)
    times = [event.ts_init for event in back]
    assert times == sorted(set(times))
    assert source.closed
    assert (result.events_in, result.events_lost) == (len(events), 0)
    assert result.gaps == sum(isinstance(event, Gap) for event in events)


def test_a_clock_that_goes_back_is_recorded_as_a_step(tmp_path: Path) -> None:
    clock = Clock()
    source = FakeSource([quote(T0 + 500), quote(T0 + 100), quote(T0 + 900)], clock)
    asyncio.run(record([source], LiveConfig(), RecordingWriter(tmp_path / "r"), clock=clock))
    first, step, second, third = read_back(tmp_path / "r")
    assert isinstance(step, ClockStep)
    assert step.step_ns == 400
    assert [e.ts_init for e in (first, step, second, third)] == [T0 + 500, T0 + 501, T0 + 502, T0 + 900]


@pytest.mark.sockets
def test_a_lost_connection_is_in_the_recording_as_a_gap(tmp_path: Path) -> None:
    async def play(socket: web.WebSocketResponse, number: int) -> None:
        for i in (1, 2) if number == 1 else (2, 3):
            await socket.send_str(liquidation(i))
        if number == 1:
            await socket.close()
        else:
            await until_closed(socket)

    async def main() -> tuple[int, int]:
        async with machine(play) as url, asyncio.timeout(30):
            source = Until(listen(url), 6)
            result = await record([source], LiveConfig(), RecordingWriter(tmp_path / "r"))
            return result.gaps, result.reconnects

    assert asyncio.run(main()) == (1, 1)
    events = read_back(tmp_path / "r")
    assert [type(event) for event in events] == [Liquidation, Liquidation, Stale, Gap, Restored, Liquidation]
    assert ids(events) == ["1", "2", "3"]


def test_terms_are_asked_of_the_sources_that_know_them() -> None:
    class Knows:
        option_terms = {("bybit", "ODD"): "terms"}  # noqa: RUF012 - a stand-in for a property

    look_up = terms_in([object(), Knows()])
    assert look_up("bybit", "ODD") == "terms"  # type: ignore[comparison-overlap]
    assert look_up("bybit", "EVEN") is None
