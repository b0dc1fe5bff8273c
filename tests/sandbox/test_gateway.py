"""The model gateway over HTTP: answers, streams, usage, refusals, and many requests at once."""

from __future__ import annotations

import asyncio
import json
from random import Random
from typing import Any

import aiohttp
import pytest

from aftershock.sim.servers.gateway_models import MODELS
from aftershock.sim.servers.sandbox import Sandbox
from tests.sandbox.gateway import RECORD, SCHEMA, SYSTEM, Served, question, serving

pytestmark = pytest.mark.sockets


async def get(served: Served, path: str, **headers: str) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{served.url}{path}", headers=served.headers | headers) as answer,
    ):
        return answer.status, await answer.json()


def test_an_answer_is_a_chat_completion_of_the_model_that_was_asked() -> None:
    async def main() -> None:
        async with serving() as served:
            for model in MODELS:
                status, headers, body = await served.raw(question(model=model))
                found = json.loads(body)
                assert (status, headers["content-type"]) == (200, "application/json")
                assert headers["x-request-id"].startswith("req_")
                assert (found["object"], found["model"]) == ("chat.completion", model)
                assert found["system_fingerprint"] == "stand-in"
                (choice,) = found["choices"]
                assert (choice["index"], choice["finish_reason"]) == (0, "stop")
                assert json.loads(choice["message"]["content"])["action"] == "BUY"

    asyncio.run(main())


def test_usage_adds_up_and_a_system_message_that_was_read_before_is_cached() -> None:
    async def main() -> None:
        async with serving() as served:
            first, second = [(await served.post(question()))[1]["usage"] for _ in range(2)]
            (_, other) = await served.post(question(model="gpt-4.1"))
        for usage in (first, second):
            assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
            hit, miss = usage["prompt_cache_hit_tokens"], usage["prompt_cache_miss_tokens"]
            assert hit + miss == usage["prompt_tokens"] > 100
            assert usage["prompt_tokens_details"]["cached_tokens"] == hit
            assert usage["completion_tokens_details"]["reasoning_tokens"] == 0
        assert first["prompt_cache_hit_tokens"] == 0
        assert second["prompt_cache_hit_tokens"] >= len(SYSTEM) // 6
        assert other["usage"]["prompt_cache_hit_tokens"] == 0

    asyncio.run(main())


async def streamed(served: Served, **more: Any) -> list[Any]:
    """Return the chunks of a stream, its last line apart."""
    status, headers, body = await served.raw(question(stream=True, **more))
    assert (status, headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    events = body.decode().split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    return [json.loads(event.removeprefix("data: ")) for event in events[:-2]]


def test_a_stream_says_the_same_in_pieces_and_its_usage_when_asked_to() -> None:
    async def main() -> None:
        async with serving() as served:
            _, whole = await served.post(question())
            plain = await streamed(served)
            counted = await streamed(served, stream_options={"include_usage": True})
        text = "".join(each["choices"][0]["delta"].get("content", "") for each in plain)
        assert text == whole["choices"][0]["message"]["content"]
        assert [each["choices"][0]["finish_reason"] for each in plain] == [None] * (len(plain) - 1) + ["stop"]
        assert {each["object"] for each in plain} == {"chat.completion.chunk"}
        assert len({each["id"] for each in plain}) == 1
        assert not any("usage" in each for each in plain)
        assert counted[-1]["choices"] == []
        assert counted[-1]["usage"]["completion_tokens"] == whole["usage"]["completion_tokens"]
        assert all(each["usage"] is None for each in counted[:-1])

    asyncio.run(main())


def test_an_answer_that_is_too_long_is_cut_off_and_says_so() -> None:
    async def main() -> None:
        async with serving() as served:
            _, found = await served.post(question(max_tokens=5))
            _, newer = await served.post(question(max_tokens=None, max_completion_tokens=5))
        for each in (found, newer):
            (choice,) = each["choices"]
            assert choice["finish_reason"] == "length"
            assert each["usage"]["completion_tokens"] == 5
            assert '{"action":"BUY","probability":0.917'.startswith(choice["message"]["content"])

    asyncio.run(main())


def test_thoughts_are_billed_and_use_up_the_answer() -> None:
    async def main() -> None:
        async with serving() as served:
            _, plain = await served.post(question(thinking={"type": "disabled"}))
            _, found = await served.post(question(thinking={"type": "enabled"}, max_tokens=None))
            _, short = await served.post(question(thinking={"type": "enabled"}))
        thoughts = found["usage"]["completion_tokens_details"]["reasoning_tokens"]
        assert found["usage"]["completion_tokens"] == plain["usage"]["completion_tokens"] + thoughts
        assert found["choices"][0]["message"]["content"] == plain["choices"][0]["message"]["content"]
        assert found["choices"][0]["message"]["reasoning_content"]
        assert (short["choices"][0]["message"]["content"], short["choices"][0]["finish_reason"]) == ("", "length")

    asyncio.run(main())


def wanted(schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    described = {"name": "verdict", "strict": True, "schema": schema}
    return {"type": "json_schema", "json_schema": described | more}


def test_all_three_formats_are_taken() -> None:
    async def main() -> None:
        async with serving() as served:
            for form in (None, {"type": "text"}, {"type": "json_object"}, wanted(SCHEMA)):
                status, found = await served.post(question(response_format=form))
                assert status == 200, found

    asyncio.run(main())


def test_a_provider_without_schemas_refuses_them_and_takes_the_rest() -> None:
    async def main() -> None:
        async with serving() as served:
            served.gateway.formats -= {"json_schema"}
            status, found = await served.post(question(response_format=wanted(SCHEMA)))
            assert (status, found["error"]["param"]) == (400, "response_format")
            assert (await served.post(question()))[0] == 200

    asyncio.run(main())


NESTED = SCHEMA | {"$defs": {"why": {"type": "object", "properties": {"code": {"type": "string"}}, "required": []}}}
REFUSED: dict[str, tuple[dict[str, Any] | bytes, int, str]] = {
    "no JSON": (b"{", 400, "parse the JSON body"),
    "no UTF-8": (b'{"model":"\xff"}', 400, "parse the JSON body"),
    "too deep": (b"[" * 100_000, 400, ""),
    "no object": (b"[]", 400, "Expected `object`"),
    "no messages": (question(messages=[]), 400, "messages"),
    "no role": (question(messages=[{"content": "x"}]), 400, "role"),
    "no such role": (question(messages=[{"role": "boss", "content": "x"}]), 400, "boss"),
    "too hot": (question(temperature=3), 400, "temperature"),
    "no tokens": (question(max_tokens=0), 400, "max_tokens"),
    "both limits": (question(max_completion_tokens=60), 400, "same time"),
    "two answers": (question(n=2), 400, "n = 1"),
    "options of no stream": (question(stream_options={"include_usage": True}), 400, "stream_options"),
    "no such format": (question(response_format={"type": "yaml"}), 400, "yaml"),
    "no word of JSON": (question(messages=[{"role": "user", "content": "{}"}]), 400, "the word 'json'"),
    "no schema": (question(response_format={"type": "json_schema"}), 400, "json_schema"),
    "a bad name": (question(response_format=wanted(SCHEMA, name="a b")), 400, "name"),
    "a loose schema": (
        question(response_format=wanted({**SCHEMA, "additionalProperties": True})),
        400,
        "additionalProperties",
    ),
    "an optional key": (question(response_format=wanted({**SCHEMA, "required": ["action"]})), 400, "required"),
    "a loose schema inside": (question(response_format=wanted(NESTED)), 400, "why"),
    "another schema": (
        question(response_format=wanted({"type": "object", "properties": {}}, strict=False)),
        400,
        "stand-in",
    ),
    "no such model": (question(model="gpt-5\x1b"), 404, "does not exist"),
    "too long": (question(messages=[{"role": "user", "content": "json 1 " * 60_000}]), 400, "maximum context length"),
    "too many bytes": (question(messages=[{"role": "user", "content": "a" * (5 << 20)}]), 413, "larger than"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_request_that_the_real_service_would_refuse_is_refused_with_its_error_object(case: str) -> None:
    body, status, says = REFUSED[case]

    async def main() -> None:
        async with serving() as served:
            found_status, found = await served.post(body)
            assert found_status == status
            assert found["error"].keys() == {"message", "type", "param", "code"}
            assert says in found["error"]["message"]
            assert "\x1b" not in found["error"]["message"]

    asyncio.run(main())


def spoilt(body: bytes, rng: Random) -> bytes:
    """Return bytes with up to five things wrong in them."""
    found = bytearray(body)
    for _ in range(rng.randint(1, 5)):
        at = rng.randrange(len(found))
        match rng.randrange(3):
            case 0:
                found[at] = rng.randrange(256)
            case 1:
                del found[at : at + rng.randint(1, 8)]
            case _:
                found[at:at] = rng.choice([b"null", b"[]", b"1e999", b"-1", b'"\\ud800"', b"true", b'"x":', b"9" * 30])
    return bytes(found)


def test_no_request_is_a_fault_of_the_server() -> None:
    bodies = [question(), question(stream=True), question(response_format=wanted(SCHEMA)),
              question(thinking={"type": "enabled"}, max_tokens=None)]  # fmt: skip
    rng = Random(5)
    deep = b'{"a":' * 600 + b"1" + b"}" * 600
    nested = json.dumps(question(response_format=wanted(SCHEMA))).encode().replace(b'{"type": "number"}', deep)

    async def main() -> None:
        async with serving() as served:
            for body in [nested, *(spoilt(json.dumps(rng.choice(bodies)).encode(), rng) for _ in range(300))]:
                status, _, found = await served.raw(body)
                assert status in {200, 400, 404}, body
                if status != 200:
                    assert json.loads(found)["error"]["message"]

    asyncio.run(main())


def test_only_its_own_key_opens_it() -> None:
    async def main() -> None:
        async with serving() as served:
            for header in ("Bearer sk-wrong", f"Basic {served.key}", "Bearer \u00e9", ""):
                status, found = await served.post(question(), Authorization=header)
                assert (status, found["error"]["code"]) == (401, "invalid_api_key")
                assert served.key not in found["error"]["message"]
            async with aiohttp.ClientSession() as session, session.get(f"{served.url}/models") as answer:
                assert answer.status == 401
                assert "didn't provide" in (await answer.json())["error"]["message"]

    asyncio.run(main())


def test_web_pages_and_other_hosts_are_refused() -> None:
    async def main() -> None:
        async with serving() as served:
            assert (await served.raw(question(), Host="evil.example"))[0] == 421
            assert (await served.raw(question(), Origin="https://evil.example"))[0] == 403

    asyncio.run(main())


def test_models_are_listed_and_unknown_addresses_refused_in_its_own_form() -> None:
    async def main() -> None:
        async with serving() as served:
            _, found = await get(served, "/models")
            assert [each["id"] for each in found["data"]] == list(MODELS)
            assert (await get(served, "/models/gpt-4.1"))[1]["id"] == "gpt-4.1"
            for path, status in (("/models/none", 404), ("/embeddings", 404), ("/chat/completions", 405)):
                found_status, found = await get(served, path)
                assert (found_status, found["error"]["type"]) == (status, "invalid_request_error")

    asyncio.run(main())


def test_text_in_parts_and_unknown_fields_are_taken() -> None:
    async def main() -> None:
        parts = [{"type": "text", "text": json.dumps(RECORD)}]
        messages = [{"role": "developer", "content": f"{SYSTEM}"}, {"role": "user", "content": parts, "name": "desk"}]
        async with serving() as served:
            _, found = await served.post(question(messages=messages, seed=3, user="x", reasoning_effort="none"))
            assert json.loads(found["choices"][0]["message"]["content"])["action"] == "BUY"

    asyncio.run(main())


def test_hundreds_of_requests_wait_at_once() -> None:
    async def main() -> None:
        async with (
            serving(latency_ms=1_000.0) as served,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=served.headers) as session,
        ):

            async def ask() -> int:
                async with session.post(f"{served.url}/chat/completions", json=question()) as answer:
                    await answer.read()
                    return answer.status

            assert await asyncio.gather(*(ask() for _ in range(300))) == [200] * 300
            assert served.gateway.most_in_flight > 200

    asyncio.run(main())


def test_it_is_part_of_the_sandbox_with_an_address_and_a_key() -> None:
    async def main() -> None:
        async with Sandbox(5, gateway_latency_ms=0) as box:
            line = box.describe()
            assert line["gateway"].endswith("/v1")
            assert box.environment["AFTERSHOCK_HOLYSHEEP_URL"] == line["gateway"]
            assert box.environment["HOLYSHEEP_API_KEY"] == line["keys"]["gateway"]
            served = Served(line["gateway"], box.gateway, box.faults)
            assert (await served.post(question()))[0] == 200
            box.faults.switch_on("gateway-503", 1)
            assert (await served.post(question()))[0] == 503

    asyncio.run(main())
