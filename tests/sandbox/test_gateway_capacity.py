"""Thousands of requests wait for the gateway's answers at once, from one process to another."""

from __future__ import annotations

import asyncio
import json
import resource

import aiohttp
import pytest

from aftershock.app.sandbox import SandboxOptions, SandboxProcess
from tests.sandbox.gateway import question

pytestmark = [pytest.mark.sockets, pytest.mark.subprocess, pytest.mark.slow]

REQUESTS = 5_000
SPARE_FILES = 500


@pytest.fixture(name="requests")
def _requests() -> int:
    """Allow this process as many open files as there are requests, or as many as the system lets it have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = REQUESTS + SPARE_FILES if hard == resource.RLIM_INFINITY else min(hard, REQUESTS + SPARE_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
    return most - SPARE_FILES


def test_five_thousand_requests_in_flight_are_all_answered(requests: int) -> None:
    async def main(url: str, key: str) -> list[int]:
        body = json.dumps(question()).encode()
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            headers={"Authorization": f"Bearer {key}"},
            timeout=aiohttp.ClientTimeout(total=120),
        ) as session:

            async def ask() -> int:
                async with session.post(f"{url}/chat/completions", data=body) as answer:
                    assert "BUY" in (await answer.json())["choices"][0]["message"]["content"]
                    return answer.status

            return await asyncio.gather(*(ask() for _ in range(requests)))

    with SandboxProcess(SandboxOptions(gateway_latency_ms=2_000.0)) as box:
        line = box.described
        assert asyncio.run(main(line["gateway"], line["keys"]["gateway"])) == [200] * requests
