"""The whole live system on a market that goes wrong: the same shock, and no order where the data can't be trusted."""

from __future__ import annotations

import asyncio
import time

import pytest

from aftershock.app.live.config import LiveConfig
from aftershock.app.live.connect import open_sources
from aftershock.app.live.report import LiveResult
from aftershock.app.live.run import LiveWatch, implied_by, run_live
from aftershock.app.settings import choose
from aftershock.model.signals import Action
from aftershock.sim.servers.sandbox import Sandbox
from aftershock.venues.connection.clock import SystemClock
from aftershock.venues.tardis.live import LiveStream

pytestmark = [pytest.mark.sockets, pytest.mark.slow]

SEED = 45  # its shock comes a second after it may, and several quotes are late
SECONDS = 5.0


class MarketClock(SystemClock):
    """Runs with the sandbox's market."""

    def __init__(self, box: Sandbox) -> None:
        self._pace = box.pace

    def wall_ns(self) -> int:
        return self._pace.market_ns(time.time_ns())


def live(*faults: str) -> tuple[LiveResult, LiveStream]:
    """Warm up, let the shock happen, and return the report."""

    async def main() -> tuple[LiveResult, LiveStream]:
        box = Sandbox(
            SEED, faults=faults, kinds=("S1",), shock_after_s=1.0, warm_up_s=85, warm_up_takes_s=2, begins_in_s=0.3
        )
        async with box:
            clock = MarketClock(box)
            config = LiveConfig(option_venues=("deribit", "okex-options"), seconds=2.0 + SECONDS)
            connected = await open_sources(config, box.environment, clock)
            result = await run_live(
                connected.sources,
                choose({}, {}, None).settle(implied_by(config)),
                config,
                terms=connected.terms,
                watch=LiveWatch(clock=clock.wall_ns),
            )
        (stream,) = connected.sources
        assert isinstance(stream, LiveStream)
        return result, stream

    return asyncio.run(main())


def orders(result: LiveResult) -> int:
    decided = result.tally.decisions()
    return decided[Action.BUY.value] + decided[Action.SELL.value]


def test_without_a_fault_the_shock_leads_to_orders_and_most_decisions_are_hold() -> None:
    for _ in range(3):  # on a machine that is too busy quotes come late, and a late quote is no edge
        result, stream = live()
        if orders(result):
            break

    assert orders(result) > 0
    assert result.tally.decisions()["HOLD"] > 5 * orders(result)
    assert (result.events_lost, result.gaps, result.reconnects) == (0, 0, 0)
    assert not stream.report.dropped


@pytest.mark.parametrize("fault", ["crossed", "unknown-instrument", "clock-ahead", "clock-behind", "disconnects"])
def test_data_that_can_not_be_trusted_leads_to_no_order_and_is_told(fault: str) -> None:
    for _ in range(3):  # on a machine that is too busy the fault may strike before anything was heard
        result, stream = live(fault)
        assert orders(result) == 0
        if _is_told(fault, result, stream):
            return
    pytest.fail(f"{fault} is not told")


def _is_told(fault: str, result: LiveResult, stream: LiveStream) -> bool:
    told = {
        "crossed": result.tally.hold_reasons().get("no_forward", 0) > 0 or not result.tally.opened,
        "unknown-instrument": sum(result.stats.unknown_instruments.values()) > 100,
        "clock-ahead": result.tally.alarmed.get("stale", 0) > 0 and any("before" in n for n in stream.report.notes),
        "clock-behind": any("after" in n for n in stream.report.notes),
        "disconnects": result.gaps > 0 and result.reconnects > 0,
    }
    return told[fault]
