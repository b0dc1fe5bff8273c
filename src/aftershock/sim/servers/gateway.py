"""An OpenAI-shaped gateway to a stand-in for a model: chat completions whole or as a stream, with latency and usage.

The protocol is what OpenAI documents and its SDK reads, with the fields that DeepSeek adds. What answers is
`gateway_judge`, under the names of real models too: its answers are no evidence of what those would say.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import struct
import time
from contextlib import suppress
from typing import Any

import msgspec
from aiohttp import web

from aftershock.sim.servers.faults import Faults
from aftershock.sim.servers.gateway_answer import Completion, Tokens
from aftershock.sim.servers.gateway_faults import ERROR_IN_200, PAGE, refuse, spoiled
from aftershock.sim.servers.gateway_judge import judge
from aftershock.sim.servers.gateway_latency import Latency
from aftershock.sim.servers.gateway_models import MODELS, check_length, document_of, served
from aftershock.sim.servers.gateway_request import Asked, Refusal, read
from aftershock.sim.servers.gateway_tokens import PrefixCache, count, cut
from aftershock.sim.servers.guard import Handler, bears
from aftershock.sim.servers.outbox import abort

__all__ = ["Gateway"]

_MOST_BODY = 4 << 20
_PER_MESSAGE = 3
"""Tokens around the text of a message, and again before the answer."""
_THOUGHT = "The stand-in does not think; these tokens are billed all the same. " * 5
_LINGER_RESET = struct.pack("ii", 1, 0)
_BLANK_LINES = 8


class Gateway:
    """The service.

    Attributes:
        key: The one that is known here, made anew each time.
        latency: How long answers take.
        asked: Requests for completions so far.
        in_flight, most_in_flight: Those that wait for their answer now; the most at any time.
        formats: Of answers that it takes; a test leaves some out, as real providers do.
        late_s, keep_alive_s: How late `gateway-trickle` answers, and the time between its blank lines.
    """

    def __init__(self, faults: Faults, seed: int = 1, *, latency_ms: float | None = None) -> None:
        """Take what goes wrong, the seed of the latencies, or one latency for all answers."""
        self.key = f"cr_{secrets.token_hex(24)}"
        self.latency = Latency(seed, fixed_ms=latency_ms)
        self.asked = self.in_flight = self.most_in_flight = 0
        self.formats = frozenset({"text", "json_object", "json_schema"})
        self.late_s, self.keep_alive_s = 3.0, 0.2
        self._faults, self._prefixes = faults, PrefixCache()

    def app(self, *middlewares: Any) -> web.Application:  # noqa: ANN401 - aiohttp's own type is private
        """Return the application: `/v1/chat/completions`, `/v1/models`."""
        app = web.Application(middlewares=[*middlewares, self._refusing], client_max_size=_MOST_BODY)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/v1/models/{model}", self._one_model)
        return app

    # --- who may ask, and how it says no ----------------------------------------------------------------------------

    @web.middleware
    async def _refusing(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            self._known(request)
            answer = await handler(request)
        except Refusal as refusal:
            answer = refusal.response()
        except web.HTTPNotFound:
            answer = Refusal(
                404, f"Unknown request URL: {request.method} {request.path}.", code="unknown_url"
            ).response()
        except web.HTTPMethodNotAllowed:
            answer = Refusal(405, f"Not allowed to {request.method} on {request.path}.").response()
        except web.HTTPRequestEntityTooLarge:
            answer = Refusal(413, f"The body is larger than {_MOST_BODY} bytes.").response()
        if not answer.prepared:
            answer.headers["x-request-id"] = _request_id()
        return answer

    def _known(self, request: web.Request) -> None:
        if "Authorization" not in request.headers:
            raise Refusal(401, "You didn't provide an API key: write Authorization: Bearer YOUR_KEY.")
        if not bears(request, self.key):
            raise Refusal(401, "Incorrect API key provided.", code="invalid_api_key")

    # --- models -----------------------------------------------------------------------------------------------------

    async def _models(self, _request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [document_of(name) for name in MODELS]})

    async def _one_model(self, request: web.Request) -> web.Response:
        return web.json_response(document_of(served(request.match_info["model"])))

    # --- completions ------------------------------------------------------------------------------------------------

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await self._answered(request)
        finally:
            self.in_flight -= 1

    async def _answered(self, request: web.Request) -> web.StreamResponse:
        faults, began = self._faults, time.monotonic()
        body = await request.read()
        refuse(faults)
        if faults.strikes("gateway-stall"):
            await asyncio.Event().wait()
        asked = read(body)
        completion = spoiled(faults, self._completion(asked), asked.record)
        first_s, each_s = self.latency.draw()
        if faults.strikes("gateway-html"):
            return web.Response(text=PAGE, content_type="text/html")
        if faults.strikes("gateway-error-in-200"):
            return web.json_response(ERROR_IN_200)
        if asked.stream or faults.strikes("gateway-sse"):
            with_usage = asked.stream_options is not None and asked.stream_options.include_usage
            return await self._streamed(request, completion, first_s, each_s, with_usage=with_usage)
        tokens = completion.tokens.completion if completion.tokens is not None else 1
        return await self._whole(request, completion, began, first_s + each_s * (tokens - 1))

    def _completion(self, asked: Asked) -> Completion:
        """Judge, count, and cut off what is longer than was asked for."""
        served(asked.model)
        if asked.response_format is not None and asked.response_format.type not in self.formats:
            raise Refusal(400, "This response_format type is unavailable now", param="response_format")
        prefix, known = self._prefixes.read(asked.model, asked.prefix)
        others = asked.messages[1:] if asked.prefix else asked.messages
        prompt = prefix + sum(count(each.text) for each in others) + _PER_MESSAGE * (len(asked.messages) + 1)
        check_length(asked, prompt)
        content = cut(msgspec.json.encode(judge(asked.record)).decode())
        thoughts = cut(_THOUGHT) if asked.thinks else []
        whole = len(thoughts) + len(content)
        most = whole if asked.most_tokens is None else min(whole, asked.most_tokens)
        # Thoughts come first, and count: with too small a limit nothing of the answer is left.
        thoughts, content = thoughts[:most], content[: max(most - len(thoughts), 0)]
        cached = prefix if known and asked.prefix else 0
        return Completion(
            model=asked.model,
            content="".join(content),
            finish="stop" if most == whole else "length",
            tokens=Tokens(prompt=prompt, cached=cached, completion=most, reasoning=len(thoughts)),
            thoughts="".join(thoughts) if asked.thinks else None,
        )

    # --- over the wire ----------------------------------------------------------------------------------------------

    async def _whole(
        self, request: web.Request, completion: Completion, began: float, takes_s: float
    ) -> web.StreamResponse:
        body, faults = msgspec.json.encode(completion.document()), self._faults
        waits, resets = self._keeps_waiting(), faults.strikes("gateway-reset")
        if not waits and not resets:
            await _sleep(began + takes_s - time.monotonic())
            took_ms = round(1_000 * (time.monotonic() - began))
            return web.Response(
                body=body, content_type="application/json", headers={"openai-processing-ms": str(took_ms)}
            )
        response = web.StreamResponse(headers={"Content-Type": "application/json", "x-request-id": _request_id()})
        if resets:
            response.content_length = len(body)
        with suppress(ConnectionError):
            await response.prepare(request)
            await self._keep_waiting(response, b"\n", waits)
            await _sleep(began + takes_s - time.monotonic())
            await response.write(body[: len(body) // 2] if resets else body)
            if resets:
                _reset(request)
        return response

    async def _streamed(
        self, request: web.Request, completion: Completion, first_s: float, each_s: float, *, with_usage: bool
    ) -> web.StreamResponse:
        waits, resets = self._keeps_waiting(), self._faults.strikes("gateway-reset")
        headers = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
        response = web.StreamResponse(headers=headers | {"x-request-id": _request_id()})
        chunks = list(completion.chunks(with_usage=with_usage))
        with suppress(ConnectionError):
            await response.prepare(request)
            await self._keep_waiting(response, b": keep-alive\n\n", waits)
            await _sleep(first_s)
            for number, chunk in enumerate(chunks):
                if resets and number == len(chunks) // 2:
                    _reset(request)
                    return response
                await response.write(b"data: " + msgspec.json.encode(chunk) + b"\n\n")
                await _sleep(each_s)
            await response.write(b"data: [DONE]\n\n")
        return response

    def _keeps_waiting(self) -> str:
        """Return which fault sends lines that say nothing before the answer; empty for none."""
        return next((name for name in ("gateway-trickle", "gateway-blank-lines") if self._faults.strikes(name)), "")

    async def _keep_waiting(self, response: web.StreamResponse, line: bytes, fault: str) -> None:
        if fault == "gateway-blank-lines":
            await response.write(line * _BLANK_LINES)
        until = time.monotonic() + self.late_s
        while fault == "gateway-trickle" and time.monotonic() < until:
            await response.write(line)
            await asyncio.sleep(self.keep_alive_s)


def _request_id() -> str:
    return f"req_{secrets.token_hex(16)}"


async def _sleep(seconds: float) -> None:
    if seconds > 0:
        await asyncio.sleep(seconds)


def _reset(request: web.Request) -> None:
    """End a connection the hard way: the other side reads an error, not an end."""
    if request.transport is not None:
        found: Any = request.transport.get_extra_info("socket")
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
    abort(request)
