"""What the gateway's own process recorded, priced again."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from aftershock.app.recorded_costs import read_costs
from aftershock.review.config import GatewayConfig
from aftershock.review.job import Outcome
from aftershock.review.prices import PriceTable
from aftershock.review.process import GatewayProcess
from tests.review.fakes import asked, in_loop, provider, until
from tests.sandbox.gateway import Served, serving

pytestmark = [pytest.mark.sockets, pytest.mark.subprocess]


async def questions(served: Served, recording: Path, count: int, within_s: float, late_s: float) -> float:
    """Ask, and return what the gateway says it spent."""
    config = GatewayConfig(probe=False, cache_s=0.0, recording=str(recording), late_s=late_s)
    there = provider("holysheep", base_url=served.url, model="deepseek-v3.2")
    process = GatewayProcess(config, [(there, served.key)])
    await process.start()
    await process.ready(10.0)
    for _ in range(count):
        said: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        process.ask(asked(), time.monotonic_ns() + int(within_s * 1e9), said.set_result)
        await asyncio.wait_for(said, 20)
    await until(lambda: process.calls == count)
    await process.stop()
    return process.spent_usd


@in_loop
async def test_priced_again_a_recording_costs_what_its_gateway_paid(tmp_path: Path) -> None:
    async with serving() as served:
        paid = await questions(served, tmp_path / "r", 3, 5.0, 1.0)

    (found,) = read_costs([tmp_path / "r"], PriceTable.bundled()).models()
    assert (found.requests, found.answers, found.counted) == (3, 3, 3)
    assert found.usd["published"] == pytest.approx(paid)
    assert found.recorded_usd == pytest.approx(paid)
    assert found.total.count == 3


@in_loop
async def test_a_request_that_was_never_answered_counts_as_what_was_set_aside(tmp_path: Path) -> None:
    async with serving(latency_ms=5_000.0) as served:
        paid = await questions(served, tmp_path / "r", 1, 0.2, 0.2)

    (found,) = read_costs([tmp_path / "r"], PriceTable.bundled()).models()
    assert (found.requests, found.at_worst) == (1, 1)
    assert paid > 0
    assert found.usd["published"] == pytest.approx(paid)
