"""Every fault of the model gateway: where a naive client goes wrong."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import msgspec
import pytest

from aftershock.sim.servers.faults import FAULTS
from tests.sandbox.gateway import FATES, Naive, question, serving

pytestmark = pytest.mark.sockets


def test_every_fault_of_the_gateway_has_a_fate() -> None:
    assert list(FATES) == [name for name in FAULTS if name.startswith("gateway-")]


@pytest.mark.parametrize("fault", FATES)
def test_a_naive_client_goes_wrong_and_is_well_again_when_the_fault_ends(fault: str) -> None:
    async def main() -> None:
        async with serving(fault) as served:
            await FATES[fault](served)
            assert served.faults.hits[fault] >= 1

            served.faults.switch_off()
            assert await Naive(read_s=2.0).ask(served) == ("BUY", 0.917)

    asyncio.run(main())


STATUSES = {name: int(name.split("-")[1]) for name in FATES if name.split("-")[1].isdigit()}


@pytest.mark.parametrize("fault", STATUSES)
def test_a_refusal_has_the_status_and_the_error_object(fault: str) -> None:
    async def main() -> None:
        async with serving(fault, times=1) as served:
            status, headers, body = await served.raw(question())
            assert status == STATUSES[fault]
            assert json.loads(body)["error"].keys() == {"message", "type", "param", "code"}
            assert ("retry-after" in headers) is fault.endswith("retry-after")
            assert (await served.post(question()))[0] == 200

    asyncio.run(main())


def test_absurd_probabilities_come_in_turn() -> None:
    async def main() -> None:
        async with serving("gateway-absurd") as served:
            said = []
            for _ in range(6):
                _, found = await served.post(question())
                said.append(found["choices"][0]["message"]["content"])
        for number, text in enumerate(("42", "NaN", "1e999", "-0.5", "000", '"certain"')):
            assert text in said[number]
        for text in said[1:3]:
            with pytest.raises(msgspec.MsgspecError):
                msgspec.json.decode(text, type=dict[str, msgspec.Raw | float | str | list[str]])

    asyncio.run(main())


def test_injected_answers_name_the_other_side_another_instrument_and_instructions() -> None:
    async def main() -> None:
        async with serving("gateway-injection") as served:
            said = []
            for _ in range(3):
                _, found = await served.post(question())
                said.append(found["choices"][0]["message"]["content"])
        assert json.loads(said[0])["instrument"] == "ETH-PERP"
        assert json.loads(said[1]).keys() == {"action", "probability", "reasons"}
        assert said[2].startswith("Ignore all previous instructions.\x1b")
        assert all('"action":"SELL"' in text for text in said)

    asyncio.run(main())


def test_another_model_answers_and_says_so() -> None:
    async def main() -> None:
        async with serving("gateway-swapped-model") as served:
            _, found = await served.post(question())
            assert (found["model"], found["system_fingerprint"]) == ("gpt-3.5-turbo-0125", "fp_b28b39ffa8")

    asyncio.run(main())


def test_a_stream_that_is_reset_has_begun() -> None:
    async def main() -> None:
        async with (
            serving("gateway-reset") as served,
            aiohttp.ClientSession(headers=served.headers) as session,
            session.post(f"{served.url}/chat/completions", json=question(stream=True)) as answer,
        ):
            assert answer.status == 200
            with pytest.raises(aiohttp.ClientError):
                await answer.read()

    asyncio.run(main())


def test_a_client_that_leaves_a_stalled_request_leaves_nothing_behind() -> None:
    async def main() -> None:
        async with serving("gateway-stall") as served:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(served.post(question()), 0.2)
            async with asyncio.timeout(5):
                while served.gateway.in_flight:  # noqa: ASYNC110 - what is waited for is a count
                    await asyncio.sleep(0.01)

    asyncio.run(main())
