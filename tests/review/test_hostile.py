"""Every fault of the sandbox's gateway, and 500 mutated replies: an outcome each time, in time, and no harm."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from aftershock.model.review import Fallback
from aftershock.review.config import GatewayConfig
from aftershock.review.job import Outcome
from aftershock.review.lane import Lane
from aftershock.review.providers import Capability
from aftershock.review.transport import AiohttpTransport
from tests.review.fakes import (
    Desk,
    OpenPurse,
    ScriptedTransport,
    answer,
    asked,
    completion,
    desk,
    in_loop,
    provider,
    raw,
)
from tests.sandbox.gateway import FATES, Served, serving

pytestmark = pytest.mark.sockets

# Where an answer is readable all the same, None; elsewhere why it is none.
OURS: dict[str, Fallback | None] = {
    "gateway-400": Fallback.HTTP,
    "gateway-401": Fallback.HTTP,
    "gateway-402": Fallback.HTTP,
    "gateway-404": Fallback.HTTP,
    "gateway-422": Fallback.HTTP,
    "gateway-429": Fallback.HTTP,
    "gateway-429-retry-after": Fallback.HTTP,
    "gateway-500": Fallback.HTTP,
    "gateway-503": Fallback.HTTP,
    "gateway-trickle": Fallback.DEADLINE,
    "gateway-blank-lines": None,
    "gateway-sse": None,
    "gateway-html": Fallback.INVALID,
    "gateway-invalid-json": Fallback.INVALID,
    "gateway-wrong-schema": Fallback.INVALID,
    "gateway-absurd": Fallback.INVALID,
    "gateway-swapped-model": None,
    "gateway-injection": Fallback.INVALID,
    "gateway-reset": Fallback.UNREACHABLE,
    "gateway-stall": Fallback.DEADLINE,
    "gateway-truncated": Fallback.TRUNCATED,
    "gateway-spaces": Fallback.EMPTY,
    "gateway-error-in-200": Fallback.HTTP,
    "gateway-fenced": None,
    "gateway-no-usage": None,
    "gateway-null-content": Fallback.EMPTY,
    "gateway-empty-choices": Fallback.EMPTY,
    "gateway-huge": Fallback.INVALID,
}
WITHIN_S = 0.4


@asynccontextmanager
async def asking(served: Served, **fields: Any) -> AsyncIterator[Desk]:
    lane = Lane(provider(base_url=served.url, model="deepseek-v3.2", **fields), served.key)
    transport = AiohttpTransport()
    made = Desk([lane], transport, OpenPurse(), GatewayConfig(cache_s=0.0, late_s=0.3, attempts=1))
    try:
        yield made
    finally:
        await made.gateway.stop()
        await transport.close()


def test_every_fault_of_the_gateway_is_tried() -> None:
    assert list(OURS) == list(FATES)


@pytest.mark.parametrize("fault", OURS)
@in_loop
async def test_a_fault_of_a_provider_is_an_outcome_in_time(fault: str) -> None:
    async with serving(fault) as served, asking(served) as gateway:
        started = time.monotonic()
        said = await gateway.outcome(asked(), WITHIN_S)
        took = time.monotonic() - started

        assert said.fallback is OURS[fault]
        assert (said.verdict is None) is (OURS[fault] is not None)
        assert took < WITHIN_S + 0.3
        assert served.faults.hits[fault] >= 1
        _nothing_leaks(gateway, served.key)


@pytest.mark.parametrize("fault", [name for name, fallback in OURS.items() if fallback is Fallback.DEADLINE])
@in_loop
async def test_a_provider_that_keeps_a_request_open_is_left(fault: str) -> None:
    async with serving(fault) as served, asking(served) as gateway:
        await gateway.outcome(asked(), 0.1)
        await gateway.gateway.stop(patience_s=2.0)

        assert gateway.purse.open == 0
        assert gateway.records[-1].provider == "one"


@in_loop
async def test_another_models_name_is_on_record() -> None:
    async with serving("gateway-swapped-model") as served, asking(served) as gateway:
        said = await gateway.outcome(asked(), 2.0)

        assert said.model == "gpt-3.5-turbo-0125"
        assert gateway.gateway.report()[0].other_models == 1


@in_loop
async def test_what_a_provider_does_not_count_is_estimated_and_says_so() -> None:
    async with serving("gateway-no-usage") as served, asking(served) as gateway:
        said = await gateway.outcome(asked(), 2.0)

        assert said.cost_is_estimate
        (record,) = gateway.records
        assert record.usage is not None
        assert record.usage.is_estimate
        assert record.usage.input_tokens > 300


@pytest.mark.parametrize("capability", Capability)
@pytest.mark.parametrize("stream", [False, True])
@in_loop
async def test_each_form_of_question_is_answered_by_the_stand_in(capability: Capability, stream: bool) -> None:
    async with serving() as served, asking(served, capability=capability) as gateway:
        gateway.gateway._caller._stream = stream
        said = await gateway.outcome(asked(iv_price=0.5, iv_value=0.55, top_size_coins=4.0), 2.0)

        assert said.verdict is not None
        assert said.verdict.action == "BUY"
        assert gateway.records[0].usage is not None
        assert not gateway.records[0].usage.is_estimate


def _nothing_leaks(gateway: Desk, key: str) -> None:
    for each in (gateway.records, gateway.outcomes, gateway.lanes, gateway.gateway.report()):
        assert key not in repr(each)


def _mutations(count: int) -> list[bytes]:
    """Return replies with bytes changed, cut, doubled and swapped in, the same ones each time."""
    chance = random.Random(6)
    good = completion(answer())
    words = [
        b"null",
        b"SELL",
        b'"',
        b"{",
        b"}",
        b"[",
        b"]",
        b"1e999",
        b"-1",
        b"\x00",
        b"\xff",
        b"data: ",
        b"\n",
        b"HOLD",
    ]
    replies = []
    for _ in range(count):
        reply = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(reply))
            what = chance.randrange(4)
            if what == 0:
                reply[at] = chance.randrange(256)
            elif what == 1:
                del reply[at : at + chance.randint(1, 60)]
            elif what == 2:
                reply[at:at] = chance.choice(words)
            else:
                reply[at:at] = reply[at : at + chance.randint(1, 80)]
            if not reply:
                break
        replies.append(bytes(reply))
    return replies


@in_loop
async def test_five_hundred_mutated_replies_give_an_outcome_each_and_never_another_side() -> None:
    replies = _mutations(500)
    transport = ScriptedTransport(v1=[raw(reply) for reply in replies])
    outcomes: list[Outcome] = []
    quick = provider(requests_per_minute=10_000_000, tokens_per_minute=1_000_000_000)
    async with desk(transport, quick, config=GatewayConfig(cache_s=0.0, attempts=1)) as gateway:
        for _ in replies:
            gateway.lanes[0].breaker._outcomes.clear()
            outcomes.append(await gateway.outcome(asked(), 2.0))
        assert gateway.purse.open == 0
        assert gateway.gateway.failure is None

    assert len(transport.sent) == 500
    verdicts = [said.verdict for said in outcomes if said.verdict is not None]
    assert 10 < len(verdicts) < 490, "some must stay readable, or nothing was tried"
    assert all(verdict.action in ("BUY", "HOLD") and 0 <= verdict.probability <= 1 for verdict in verdicts)
    assert all((said.verdict is None) is (said.fallback is not None) for said in outcomes)
    assert msgspec.json.decode(msgspec.json.encode(outcomes), type=list[msgspec.Raw])
