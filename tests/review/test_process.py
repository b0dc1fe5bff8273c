"""The gateway in its own process: asked without waiting, and harmless when it dies."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from aftershock.model.review import Fallback
from aftershock.review.config import GatewayConfig
from aftershock.review.job import Outcome
from aftershock.review.process import GatewayProcess
from aftershock.review.providers import BUNDLED
from aftershock.review.recording import LineFault, read_records
from tests.review.fakes import asked, in_loop, provider, until
from tests.sandbox.gateway import Served, serving

pytestmark = [pytest.mark.sockets, pytest.mark.subprocess]


@asynccontextmanager
async def running(served: Served, *, key: str | None = None, **settings: Any) -> AsyncIterator[GatewayProcess]:
    config = GatewayConfig(**{"probe": False, "cache_s": 0.0, **settings})
    there = provider("holysheep", base_url=served.url, model="deepseek-v3.2")
    process = GatewayProcess(config, [(there, served.key if key is None else key)])
    await process.start()
    try:
        yield process
    finally:
        await process.stop()


async def ask(process: GatewayProcess, within_s: float = 5.0) -> Outcome:
    answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    process.ask(asked(), time.monotonic_ns() + int(within_s * 1e9), answered.set_result)
    return await asyncio.wait_for(answered, 20)


@in_loop
async def test_a_question_crosses_over_and_its_answer_comes_back_paid_for_and_recorded(tmp_path: Path) -> None:
    recording, ledger = tmp_path / "reviews.jsonl", tmp_path / "ledger"
    async with serving() as served:
        async with running(served, recording=str(recording), ledger=str(ledger), probe=True) as process:
            await process.ready(10.0)
            said = await ask(process)
            lanes = process.lanes
        ended = process.ended

    assert said.verdict is not None
    assert said.cost_usd > 0
    assert lanes[0].answers == 1, "the canary"
    assert ended is not None
    assert ended.failure == ""
    assert ended.lanes[0].answers == 2
    assert process.calls == 2
    assert process.spent_usd > said.cost_usd
    records = [record for record in read_records(recording) if not isinstance(record, LineFault)]
    assert [record.trigger_id[:6] for record in records] == ["canary", said.trigger_id]
    assert served.key not in recording.read_text()
    assert recording.stat().st_mode & 0o777 == 0o600
    assert b"settle" in ledger.read_bytes()


@in_loop
async def test_a_300_ms_model_and_a_100_ms_deadline_give_every_answer_on_time_by_the_fallback() -> None:
    async with serving(latency_ms=300.0) as served, running(served, late_s=2.0) as process:
        await process.ready(10.0)
        took, said = [], []
        for _ in range(5):
            started = time.monotonic()
            said.append(await ask(process, 0.1))
            took.append(time.monotonic() - started)
        await until(lambda: process.calls == 5)

    assert {each.fallback for each in said} == {Fallback.DEADLINE}
    assert all(0.095 < each < 0.2 for each in took), took
    assert process.ended is not None
    assert process.ended.late == 5, "they came, were paid for, and changed nothing"
    assert process.spent_usd > 0


@in_loop
async def test_a_gateway_that_is_killed_lets_its_questions_fall_back_and_is_started_again() -> None:
    async with serving("gateway-stall") as served, running(served) as process:
        waiting = asyncio.ensure_future(ask(process, 30.0))
        await until(lambda: served.gateway.in_flight > 0)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        said = await waiting
        served.faults.switch_off()
        await until(lambda: process.is_running)
        again = await ask(process, 10.0)

    assert said.fallback is Fallback.STOPPED
    assert process.deaths == 1
    assert again.verdict is not None


@in_loop
async def test_a_gateway_that_can_t_start_says_why_and_every_question_falls_back(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    async with serving() as served, running(served, ledger=str(tmp_path / "notes")) as process:
        await until(lambda: process.ended is not None)
        said = await ask(process)

    assert said.fallback is Fallback.STOPPED
    assert process.ended is not None
    assert "is no ledger" in process.ended.failure


@in_loop
async def test_a_gateway_that_hangs_keeps_nobody_waiting_and_takes_no_more_than_it_reads() -> None:
    async with serving() as served, running(served) as process:
        await process.ready(10.0)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGSTOP)
        try:
            started = time.monotonic()
            said = await ask(process, 0.1)
            took = time.monotonic() - started
            outcomes: list[Outcome] = []
            for _ in range(8_000):
                process.ask(asked(), time.monotonic_ns() + 10**9, outcomes.append)
            shed = [each for each in outcomes if each.fallback is Fallback.SHED]
        finally:
            os.kill(process.pid, signal.SIGCONT)

    assert said.fallback is Fallback.DEADLINE
    assert took < 0.3
    assert shed


@in_loop
async def test_the_same_question_twice_is_one_question() -> None:
    async with serving("gateway-stall") as served, running(served) as process:
        await process.ready(10.0)
        outcomes: list[Outcome] = []
        question = asked()
        for _ in range(2):
            process.ask(question, time.monotonic_ns() + 10**8, outcomes.append)
        await until(lambda: len(outcomes) == 2)

    assert [each.fallback for each in outcomes] == [Fallback.SHED, Fallback.DEADLINE]


@in_loop
async def test_without_a_provider_every_question_falls_back_at_once() -> None:
    process = GatewayProcess(GatewayConfig(probe=False), [])
    await process.start()
    said = await ask(process)
    await process.stop()

    assert said.fallback is Fallback.NO_KEY


@in_loop
async def test_the_key_is_in_no_command_line_and_no_environment() -> None:
    async with serving() as served, running(served) as process:
        await ask(process)
        for name in ("cmdline", "environ"):
            assert served.key.encode() not in Path(f"/proc/{process.pid}/{name}").read_bytes()


@in_loop
async def test_a_budget_holds_over_a_restart(tmp_path: Path) -> None:
    ledger = str(tmp_path / "ledger")
    fallbacks = []
    async with serving() as served:
        for _ in range(2):
            async with running(served, ledger=ledger, usd_per_day=0.0005) as process:
                fallbacks += [(await ask(process)).fallback for _ in range(2)]

    assert fallbacks == [None, None, Fallback.BUDGET, Fallback.BUDGET]


def test_no_bundled_provider_can_be_asked_without_a_key_or_over_a_readable_line() -> None:
    for each in BUNDLED.values():
        assert each.needs_key
        assert each.keys
        assert each.base_url.startswith("https://")
