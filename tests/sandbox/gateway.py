"""The model gateway in the test's own loop, a question for it, a naive client, and what each fault does to that one."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from aftershock.sim.servers.faults import Faults
from aftershock.sim.servers.gateway import Gateway
from aftershock.sim.servers.guard import guarded

SYSTEM = "You judge one proposed order. Answer with a JSON object: action, probability, reasons."
RECORD: dict[str, Any] = {
    "v": 1, "side": "BUY", "edge": "A", "kind": "C", "net_bps": 41.5, "threshold_bps": 12.0, "age_ms": 90.0,
    "span_ms": 40.0, "venues": 4, "qty": 0.5, "size": 2.0, "days": 3.2,
    "iv": 0.512, "fair_iv": 0.548,
}  # fmt: skip
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "action": {"type": "string", "enum": ["BUY", "SELL", "HOLD"]},
        "probability": {"type": "number"},
        "reasons": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["action", "probability", "reasons"],
    "additionalProperties": False,
}


def question(record: dict[str, Any] | str = RECORD, **more: Any) -> dict[str, Any]:
    """Return a request for an opinion; None leaves a field out."""
    text = record if isinstance(record, str) else json.dumps(record, separators=(",", ":"))
    fields = {
        "model": "deepseek-v3.2",
        "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}],
        "temperature": 0,
        "max_tokens": 60,
        "response_format": {"type": "json_object"},
    }
    return {name: value for name, value in {**fields, **more}.items() if value is not None}


class Served:
    """A gateway that answers.

    Attributes:
        url: Ends in `/v1`.
        key: It is known there.
        gateway, faults: The parts.
    """

    def __init__(self, url: str, gateway: Gateway, faults: Faults) -> None:
        self.url, self.key, self.gateway, self.faults = url, gateway.key, gateway, faults

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    async def post(self, body: dict[str, Any] | bytes, **headers: str) -> tuple[int, Any]:
        """Return status and JSON of an answer."""
        status, _, found = await self.raw(body, **headers)
        return status, json.loads(found)

    async def raw(self, body: dict[str, Any] | bytes, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers by small names, and the bytes of an answer."""
        data = io.BytesIO(body if isinstance(body, bytes) else msgspec.json.encode(body))
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/chat/completions", data=data, headers=self.headers | headers) as answer,
        ):
            found = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status, found, await answer.read()


@asynccontextmanager
async def serving(*faults: str, times: int | None = None, latency_ms: float | None = 0.0) -> AsyncIterator[Served]:
    """Serve a gateway alone, without a market."""
    chosen = Faults()
    for fault in faults:
        chosen.switch_on(fault, times)
    gateway = Gateway(chosen, 7, latency_ms=latency_ms)
    gateway.late_s, gateway.keep_alive_s = 0.6, 0.05
    runner = web.AppRunner(gateway.app(guarded), shutdown_timeout=0.2, access_log=None, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=8_192).start()
    try:
        yield Served(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", gateway, chosen)
    finally:
        await runner.cleanup()


class Naive:
    """The article's client: no status, no type, no finish reason; keys and indices as they ought to be there.

    Attributes:
        tokens: Billed so far, by index.
        took_s, received: Of the last answer: its time and bytes.
    """

    def __init__(self, read_s: float = 0.4) -> None:
        # It believes that this bounds an answer: each read gets as much.
        self.timeout = aiohttp.ClientTimeout(total=10, sock_read=read_s)
        self.tokens = 0
        self.took_s, self.received = 0.0, 0

    async def ask(self, served: Served) -> tuple[str, float]:
        """Return action and probability."""
        began = asyncio.get_running_loop().time()
        async with (
            aiohttp.ClientSession(headers=served.headers, timeout=self.timeout) as session,
            session.post(f"{served.url}/chat/completions", json=question()) as answer,
        ):
            result = await answer.json()
            self.received = len(await answer.read())
        self.took_s = asyncio.get_running_loop().time() - began
        self.tokens += result["usage"]["total_tokens"]
        analysis = json.loads(result["choices"][0]["message"]["content"])
        return analysis.get("action", "HOLD"), analysis.get("probability", 0)

    async def ask_for_a_stream(self, served: Served) -> str:
        """Return the text."""
        text = ""
        async with (
            aiohttp.ClientSession(headers=served.headers, timeout=self.timeout) as session,
            session.post(f"{served.url}/chat/completions", json=question(stream=True)) as answer,
        ):
            async for line in answer.content:
                if line.strip() and line.strip() != b"data: [DONE]":
                    text += json.loads(line.removeprefix(b"data: "))["choices"][0]["delta"].get("content", "")
        return text


Fate = Callable[[Served], Awaitable[None]]


def dies_of(*errors: type[BaseException]) -> Fate:
    async def dies(served: Served) -> None:
        with pytest.raises(errors):
            await Naive().ask(served)

    return dies


def believes(action: str, probability: float) -> Fate:
    async def takes_it(served: Served) -> None:
        assert await Naive().ask(served) == (action, probability)

    return takes_it


async def waits_too_long(served: Served) -> None:
    naive = Naive(read_s=served.gateway.late_s / 2)
    await naive.ask(served)
    assert naive.took_s > served.gateway.late_s / 2


async def chokes_on_a_stream(served: Served) -> None:
    await Naive().ask(served)
    with pytest.raises(ValueError, match="Expecting value"):
        await Naive().ask_for_a_stream(served)


async def takes_it_all_in(served: Served) -> None:
    naive = Naive(read_s=5.0)
    await naive.ask(served)
    assert naive.received > 10_000_000


FATES: dict[str, Fate] = {
    "gateway-400": dies_of(KeyError),
    "gateway-401": dies_of(KeyError),
    "gateway-402": dies_of(KeyError),
    "gateway-404": dies_of(KeyError),
    "gateway-422": dies_of(KeyError),
    "gateway-429": dies_of(KeyError),
    "gateway-429-retry-after": dies_of(KeyError),
    "gateway-500": dies_of(KeyError),
    "gateway-503": dies_of(KeyError),
    "gateway-trickle": waits_too_long,
    "gateway-blank-lines": chokes_on_a_stream,
    "gateway-sse": dies_of(aiohttp.ContentTypeError),
    "gateway-html": dies_of(aiohttp.ContentTypeError),
    "gateway-invalid-json": dies_of(json.JSONDecodeError),
    "gateway-wrong-schema": believes("HOLD", 0),
    "gateway-absurd": believes("BUY", 42),
    # It can't know: nothing of what it reads tells.
    "gateway-swapped-model": believes("BUY", 0.917),
    "gateway-injection": believes("SELL", 0.99),
    "gateway-reset": dies_of(aiohttp.ClientPayloadError, aiohttp.ClientOSError),
    "gateway-stall": dies_of(TimeoutError),
    "gateway-truncated": dies_of(json.JSONDecodeError),
    "gateway-spaces": dies_of(json.JSONDecodeError),
    "gateway-error-in-200": dies_of(KeyError),
    "gateway-fenced": dies_of(json.JSONDecodeError),
    "gateway-no-usage": dies_of(KeyError),
    "gateway-null-content": dies_of(TypeError),
    "gateway-empty-choices": dies_of(IndexError),
    "gateway-huge": takes_it_all_in,
}
"""What becomes of the naive client, by fault: all of the gateway's."""
