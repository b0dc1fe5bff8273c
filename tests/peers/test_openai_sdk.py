"""The real openai SDK on our gateway, with nothing but address and key changed, and what exactly it sends."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest

from tests.peers.conftest import in_environment
from tests.peers.sdk_request import RECORDED, SentRequest, capturing, differences, recorded, sdk_request
from tests.sandbox.gateway import RECORD, SCHEMA, SYSTEM, Served, question, serving

pytestmark = [pytest.mark.sockets, pytest.mark.subprocess, pytest.mark.slow]

Script = Callable[[str], Any]

HEAD = """
import asyncio, json, os, time
import openai
from openai import AsyncOpenAI, OpenAI
CHANGED = {"base_url": os.environ["URL"], "api_key": os.environ["KEY"]}
ASK = json.loads(os.environ["ASK"])
client = OpenAI(**CHANGED, max_retries=0)
found = {}
"""
SAYS = {"action": "BUY", "probability": 0.917, "reasons": ["edge_wide", "venues_agree", "depth_good"]}


@pytest.fixture(scope="module", name="gateway")
def _gateway() -> Iterator[Served]:
    """Serve a gateway in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    stack = AsyncExitStack()
    try:
        yield asyncio.run_coroutine_threadsafe(stack.enter_async_context(serving()), loop).result(30)
    finally:
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(name="run")
def _run(gateway: Served) -> Iterator[Script]:
    """Run code beside the SDK; its `found` comes back."""

    def run(code: str) -> Any:
        variables = {"URL": gateway.url, "KEY": gateway.key, "ASK": json.dumps(question())}
        said = in_environment("openai", f"{HEAD}{code}\nprint(json.dumps(found, default=str))\n", variables)
        return json.loads(said.strip().splitlines()[-1])

    yield run
    gateway.faults.switch_off()


def test_it_asks_lists_streams_and_counts_blocking_and_asynchronously(run: Script) -> None:
    found = run(
        """
def text(chunks):
    return "".join(each.choices[0].delta.content or "" for each in chunks if each.choices)

found["models"] = [each.id for each in client.models.list()]
raw = client.chat.completions.with_raw_response.create(**ASK)
found["request_id"] = raw.headers["x-request-id"]
answer = raw.parse()
found["whole"] = json.loads(answer.choices[0].message.content)
found["finish"], found["model"] = answer.choices[0].finish_reason, answer.model
found["fingerprint"] = answer.system_fingerprint
again = client.chat.completions.create(**ASK).usage
found["usage"] = [again.prompt_tokens, again.completion_tokens, again.total_tokens]
found["cached"] = [again.prompt_tokens_details.cached_tokens, again.model_extra["prompt_cache_hit_tokens"]]
found["reasoning"] = again.completion_tokens_details.reasoning_tokens
chunks = list(client.chat.completions.create(**ASK, stream=True, stream_options={"include_usage": True}))
found["stream"], found["counted"] = json.loads(text(chunks)), chunks[-1].usage.total_tokens

async def main():
    async with AsyncOpenAI(**CHANGED) as client:
        many = await asyncio.gather(*(client.chat.completions.create(**ASK) for _ in range(20)))
        found["many"] = {each.choices[0].message.content for each in many} == {answer.choices[0].message.content}
        stream = await client.chat.completions.create(**ASK, stream=True)
        found["async_stream"] = json.loads(text([each async for each in stream]))

asyncio.run(main())
"""
    )

    assert "deepseek-v3.2" in found["models"]
    assert found["whole"] == found["stream"] == found["async_stream"] == SAYS
    assert (found["finish"], found["model"], found["fingerprint"]) == ("stop", "deepseek-v3.2", "stand-in")
    assert found["request_id"].startswith("req_")
    assert found["usage"][0] + found["usage"][1] == found["usage"][2] == found["counted"]
    assert found["cached"][0] == found["cached"][1] > 0
    assert found["reasoning"] == 0
    assert found["many"]


def test_it_parses_an_answer_into_a_model_of_the_caller_s(run: Script) -> None:
    found = run(
        """
from typing import Literal
from pydantic import BaseModel

class Verdict(BaseModel):
    action: Literal["BUY", "SELL", "HOLD"]
    probability: float
    reasons: list[str]

del ASK["response_format"]
parsed = client.chat.completions.parse(**ASK, response_format=Verdict).choices[0].message.parsed
found["parsed"], found["type"] = parsed.model_dump(), type(parsed).__name__
try:
    client.chat.completions.parse(**ASK | {"max_tokens": 5}, response_format=Verdict)
except openai.LengthFinishReasonError as error:
    found["short"] = error.completion.usage.completion_tokens
"""
    )

    assert found == {"parsed": SAYS, "type": "Verdict", "short": 5}


ERRORS = {
    "gateway-400": "BadRequestError",
    "gateway-401": "AuthenticationError",
    "gateway-402": "APIStatusError",
    "gateway-404": "NotFoundError",
    "gateway-422": "UnprocessableEntityError",
    "gateway-429": "RateLimitError",
    "gateway-429-retry-after": "RateLimitError",
    "gateway-500": "InternalServerError",
    "gateway-503": "InternalServerError",
    "gateway-reset": "APIConnectionError",
}


def test_refusals_become_its_exceptions_with_their_fields(gateway: Served, run: Script) -> None:
    for fault in ERRORS:
        gateway.faults.switch_on(fault, 1)  # they strike in this order

    found = run(
        f"""
found = []
for _ in range({len(ERRORS)}):
    try:
        client.chat.completions.create(**ASK)
    except openai.APIStatusError as error:
        found.append([type(error).__name__, error.status_code, error.request_id[:4], bool(error.message)])
    except openai.APIConnectionError as error:
        found.append([type(error).__name__])
"""
    )

    assert [each[0] for each in found] == list(ERRORS.values())
    for fault, (_, status, request_id, has_message) in zip(ERRORS, found[:-1], strict=False):
        assert fault.startswith(f"gateway-{status}")
        assert (request_id, has_message) == ("req_", True)


def test_a_wrong_key_and_an_unknown_model_are_its_exceptions(run: Script) -> None:
    found = run(
        """
for name, client, ask in (
    ("key", OpenAI(base_url=CHANGED["base_url"], api_key="wrong"), ASK),
    ("model", client, ASK | {"model": "none"}),
    ("request", client, ASK | {"temperature": 3}),
):
    try:
        client.chat.completions.create(**ask)
    except openai.APIStatusError as error:
        found[name] = [type(error).__name__, error.code]
"""
    )

    assert found == {
        "key": ["AuthenticationError", "invalid_api_key"],
        "model": ["NotFoundError", "model_not_found"],
        "request": ["BadRequestError", None],
    }


def test_what_it_makes_of_answers_that_are_none(gateway: Served, run: Script) -> None:
    """A page or a stream in place of an answer is no error to it, and its timeout is no deadline."""
    for fault in ("stall", "html", "error-in-200", "sse", "trickle"):
        gateway.faults.switch_on(f"gateway-{fault}", 1)  # one for each request, in this order
    gateway.faults.skip_first("gateway-trickle", 1)

    found = run(
        """
quick = client.with_options(timeout=0.3).chat.completions
try:
    quick.create(**ASK)
except openai.APITimeoutError:
    found["stall"] = "timeout"
found["html"] = type(quick.create(**ASK)).__name__
found["error-in-200"] = quick.create(**ASK).choices
found["sse"] = type(quick.create(**ASK)).__name__
began = time.monotonic()
quick.create(**ASK)
found["trickle"] = time.monotonic() - began
"""
    )

    assert found.pop("trickle") > gateway.gateway.late_s
    assert found == {"stall": "timeout", "html": "str", "error-in-200": None, "sse": "str"}


# --- what it sends --------------------------------------------------------------------------------------------------

_FORMAT = {"type": "json_schema", "json_schema": {"name": "verdict", "strict": True, "schema": SCHEMA}}
_MESSAGES = [
    {"role": "system", "content": SYSTEM},
    {"role": "user", "content": json.dumps(RECORD, separators=(",", ":"))},
]
_BASE = {"model": "deepseek-v3.2", "messages": _MESSAGES, "temperature": 0, "max_tokens": 60}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "json_object": {**_BASE, "response_format": {"type": "json_object"}},
    "schema": {**_BASE, "response_format": _FORMAT},
    "text": _BASE,
    "no thinking": {
        **_BASE,
        "response_format": {"type": "json_object"},
        "extra_body": {"thinking": {"type": "disabled"}},
    },
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_what_it_sends_is_what_is_recorded(name: str) -> None:
    sent = sdk_request(ARGUMENTS[name])

    arguments, before = recorded()[name]
    assert arguments == ARGUMENTS[name]
    assert sent.without_places() == before


def test_a_request_that_differs_is_told_field_by_field() -> None:
    _, theirs = recorded()["json_object"]
    body = json.loads(theirs.body)
    body["temperature"], body["stream"] = 0.3, False
    body["messages"][1]["content"] = "{}"
    headers = theirs.headers | {"authorization": "Bearer other", "user-agent": "ours"}
    ours = msgspec.structs.replace(theirs, target="/chat/completions", headers=headers, body=json.dumps(body))

    assert differences(theirs, theirs) == []
    assert [each.split(":")[0] for each in differences(ours, theirs)] == [
        "target",
        "header authorization",
        "body.messages[1].content",
        "body.temperature",
        "body.stream",
    ]


def test_what_is_captured_is_what_was_sent() -> None:
    import urllib.request

    with capturing() as (url, found):
        request = urllib.request.Request(f"{url}/chat/completions", b"{}", {"X-A": "b"})  # noqa: S310 - loopback
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - loopback
            assert json.load(answer)["object"] == "chat.completion"

    (sent,) = found
    assert (sent.method, sent.target, sent.headers["x-a"], sent.body) == ("POST", "/v1/chat/completions", "b", "{}")


def record() -> None:
    """Write the recording anew, after a look at what changed: `python -m tests.peers.test_openai_sdk`."""
    stored: dict[str, dict[str, dict[str, Any] | SentRequest]] = {
        name: {"arguments": each, "sent": sdk_request(each).without_places()} for name, each in ARGUMENTS.items()
    }
    RECORDED.write_bytes(msgspec.json.format(msgspec.json.encode(stored), indent=1) + b"\n")


if __name__ == "__main__":
    record()
