"""What the real openai SDK sends, to the byte, and where what somebody else sends differs from it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.peers.conftest import in_environment

KEY = "test-key"
RECORDED = Path(__file__).with_name("openai_wire.json")
_ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "deepseek-v3.2",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "{}"}}],
}
# Of one machine, one interpreter or one connection.
_PLACES = ("host", "accept-encoding", "x-stainless-os", "x-stainless-arch", "x-stainless-runtime-version")
# What a client says of itself, or what follows from how it connects.
_OWN = (*_PLACES, "user-agent", "connection", "content-length")
_PROGRAM = """
import json, os
from openai import OpenAI
client = OpenAI(api_key=os.environ["KEY"], base_url=os.environ["URL"], max_retries=0)
client.chat.completions.create(**json.loads(os.environ["ARGUMENTS"]))
"""


class SentRequest(msgspec.Struct, frozen=True):
    """A request as it came in.

    Attributes:
        method, target: Of its first line.
        headers: By small names.
        body: Text.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: str

    def without_places(self) -> SentRequest:
        """Return it without what another machine would send otherwise."""
        shown = {name: "*" if name in _PLACES else value for name, value in self.headers.items()}
        return msgspec.structs.replace(self, headers=shown)


@contextmanager
def capturing() -> Iterator[tuple[str, list[SentRequest]]]:
    """Yield a base URL, ending in `/v1`, and what is posted to it; each request gets an empty opinion."""
    found: list[SentRequest] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_answer, args=(server, found), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1", found
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def _answer(server: socket.socket, found: list[SentRequest]) -> None:
    body = json.dumps(_ANSWER).encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection, connection.makefile("rb") as lines:
            method, target, _ = lines.readline().decode().split(" ")
            headers = {}
            while line := lines.readline().decode().strip():
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            text = lines.read(int(headers.get("content-length", "0"))).decode()
            found.append(SentRequest(method, target, headers, text))
            connection.sendall(head.encode() + body)


def sdk_request(arguments: dict[str, Any], key: str = KEY) -> SentRequest:
    """Return what the real SDK sends for `chat.completions.create(**arguments)`; it runs in its own environment.

    Args:
        arguments: As the method takes them; fields that it does not know go into `extra_body`.
        key: Of the client.
    """
    with capturing() as (url, found):
        in_environment("openai", _PROGRAM, {"KEY": key, "URL": url, "ARGUMENTS": json.dumps(arguments)})
    (sent,) = found
    return sent


def recorded() -> dict[str, tuple[dict[str, Any], SentRequest]]:
    """Return the recorded requests by name: the arguments, and what the SDK sent for them."""
    stored = msgspec.json.decode(RECORDED.read_bytes(), type=dict[str, _Stored])
    return {name: (each.arguments, each.sent) for name, each in stored.items()}


class _Stored(msgspec.Struct, frozen=True):
    arguments: dict[str, Any]
    sent: SentRequest


def differences(ours: SentRequest, theirs: SentRequest) -> list[str]:
    """Return field by field where two requests differ, a client's words about itself apart; empty for nowhere."""
    names = [
        name
        for name in sorted(ours.headers.keys() | theirs.headers.keys())
        if name not in _OWN and not name.startswith("x-stainless-")
    ]
    pairs: list[tuple[str, Any, Any]] = [("method", ours.method, theirs.method), ("target", ours.target, theirs.target)]
    pairs += [(f"header {name}", ours.headers.get(name), theirs.headers.get(name)) for name in names]
    pairs += _leaves("body", json.loads(ours.body), json.loads(theirs.body))
    return [f"{where}: {here!r} instead of {there!r}" for where, here, there in pairs if here != there]


def _leaves(where: str, ours: object, theirs: object) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in [*theirs, *(each for each in ours if each not in theirs)]:
            yield from _leaves(f"{where}.{name}", ours.get(name), theirs.get(name))
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (mine, yours) in enumerate(zip(ours, theirs, strict=True)):
            yield from _leaves(f"{where}[{number}]", mine, yours)
    else:
        yield where, ours, theirs
