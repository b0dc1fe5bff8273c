"""What our client sends is what the real openai SDK sends for the same question, in the dialect of each provider."""

from __future__ import annotations

import asyncio
import json

import pytest

from aftershock.review.prompt import question
from aftershock.review.providers import BUNDLED, Provider
from aftershock.review.transport import AiohttpTransport
from aftershock.review.wire import body_of, headers_of
from tests.peers.sdk_request import KEY, SentRequest, capturing, differences, sdk_request
from tests.review.fakes import asked

pytestmark = [pytest.mark.sockets, pytest.mark.subprocess, pytest.mark.slow]

# Arguments of the SDK's method; other fields of a body go into `extra_body`.
_KNOWN = ("model", "messages", "temperature", "max_tokens", "max_completion_tokens", "response_format", "stream",
          "stream_options", "reasoning_effort")  # fmt: skip


@pytest.mark.parametrize("provider", BUNDLED.values(), ids=BUNDLED)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_request_is_the_sdks_field_by_field(provider: Provider, stream: bool) -> None:
    body = body_of(provider, provider.model, *question(asked()), stream=stream)
    fields = json.loads(body)
    arguments = {name: value for name, value in fields.items() if name in _KNOWN}
    extra = {name: value for name, value in fields.items() if name not in _KNOWN}

    theirs = sdk_request({**arguments, **({"extra_body": extra} if extra else {})})

    assert differences(_ours(body), theirs) == []


def _ours(body: bytes) -> SentRequest:
    async def send(url: str) -> None:
        transport = AiohttpTransport()
        try:
            await transport.post(f"{url}/chat/completions", headers_of(KEY), body)
        finally:
            await transport.close()

    with capturing() as (url, found):
        asyncio.run(send(url))
    (sent,) = found
    return sent
