"""A model gateway that does nothing but wait: what it adds to a request is known to the nanosecond.

`python -m benchmarks.stub_gateway --delay-ms 300` prints its port, and after SIGTERM how many requests it answered.
Each answer says when its request had come in whole and when it was handed to the socket, both in ns of the monotonic
clock, which the processes of a machine share (`x-stub-received-ns`, `x-stub-sent-ns`). So what a client adds is its own
time from call to result less the difference of these two.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import signal
import sys
import time

__all__ = ["CONTENT", "Stub"]

CONTENT = '{"action":"BUY","probability":0.73,"reasons":["edge_wide","venues_agree"]}'
_MOST_HEAD = 1 << 16
_BACKLOG = 16_384
_LENGTH = b"\r\ncontent-length:"


def _answer(content: str) -> tuple[bytes, bytes]:
    """Return what comes before the stamps of an answer and what comes after them."""
    document = {
        "id": "chatcmpl-stub",
        "object": "chat.completion",
        "created": 1_750_000_000,
        "model": "stub",
        "system_fingerprint": "stub",
        "choices": [{
            "index": 0, "message": {"role": "assistant", "content": content}, "logprobs": None, "finish_reason": "stop",
        }],
        "usage": {
            "prompt_tokens": 515, "completion_tokens": 20, "total_tokens": 535,
            "prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0},
        },
    }  # fmt: skip
    body = json.dumps(document, separators=(",", ":")).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode(), b"\r\n\r\n" + body


class Stub:
    """What all connections share.

    Attributes:
        answered: Requests so far.
        open_now, most_open: Connections now, and the most at any time.
    """

    def __init__(self, delay_s: float, content: str = CONTENT) -> None:
        """Take how long an answer waits, and its text."""
        self.delay_s = delay_s
        self.before, self.after = _answer(content)
        self.answered = self.open_now = self.most_open = 0

    async def start(self, port: int = 0) -> asyncio.Server:
        """Listen on loopback."""
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: _Connection(self, loop), "127.0.0.1", port, backlog=_BACKLOG)


class _Connection(asyncio.Protocol):
    """One connection; requests with a Content-Length, one after the other."""

    def __init__(self, stub: Stub, loop: asyncio.AbstractEventLoop) -> None:
        self._stub, self._loop = stub, loop
        self._transport: asyncio.Transport | None = None
        self._come = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it."""
        self._transport = transport  # type: ignore[assignment]  # of a server's own connections
        self._stub.open_now += 1
        self._stub.most_open = max(self._stub.most_open, self._stub.open_now)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Count it out."""
        self._transport = None
        self._stub.open_now -= 1

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole, after the delay."""
        received_ns = time.monotonic_ns()
        self._come += data
        while (size := self._size()) is not None and len(self._come) >= size:
            del self._come[:size]
            if self._stub.delay_s > 0:
                self._loop.call_later(self._stub.delay_s, self._send, received_ns)
            else:
                self._send(received_ns)

    def _size(self) -> int | None:
        """Return how long the first request is, head and body; None while its head is not whole."""
        end = self._come.find(b"\r\n\r\n")
        if end < 0:
            if len(self._come) > _MOST_HEAD and self._transport is not None:
                self._transport.abort()
            return None
        head = bytes(self._come[:end]).lower()
        at = head.find(_LENGTH)
        if at < 0:
            return end + 4
        value = head[at + len(_LENGTH) :].partition(b"\r\n")[0].strip()
        if not value.isdigit() and self._transport is not None:
            self._transport.abort()
            return None
        return end + 4 + int(value)

    def _send(self, received_ns: int) -> None:
        if self._transport is None:
            return
        self._stub.answered += 1
        sent_ns = time.monotonic_ns()
        stamps = b"x-stub-received-ns: %d\r\nx-stub-sent-ns: %d\r\n" % (received_ns, sent_ns)
        stamps += b"x-request-id: %d-%d" % (received_ns, sent_ns)  # a header that clients keep
        self._transport.write(self._stub.before + stamps + self._stub.after)


async def _serve(delay_s: float, port: int) -> None:
    stub, stopped = Stub(delay_s), asyncio.Event()
    server = await stub.start(port)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await stopped.wait()
    server.close()
    sys.stdout.write(f"{stub.answered}\n")
    sys.stdout.flush()


def main() -> None:
    """Serve until SIGTERM."""
    import uvloop

    parser = argparse.ArgumentParser(prog="python -m benchmarks.stub_gateway", description=__doc__)
    parser.add_argument("--delay-ms", type=float, default=300.0)
    parser.add_argument("--port", type=int, default=0)
    chosen = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, _BACKLOG)), hard))
    uvloop.run(_serve(chosen.delay_ms / 1_000.0, chosen.port))


if __name__ == "__main__":
    main()
