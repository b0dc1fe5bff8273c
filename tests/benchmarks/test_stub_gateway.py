"""The stub that added latency is measured on: what it stamps is when it received and sent."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from contextlib import suppress

import aiohttp
import pytest

from benchmarks.stub_gateway import CONTENT, Stub
from tests.repository.tree import ROOT

pytestmark = pytest.mark.sockets

BODY = b'{"model":"stub","messages":[]}'
REQUEST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


def run(work: object, delay_s: float = 0.0) -> Stub:
    """Let a stub serve while `work(port)` runs; return it."""

    async def main() -> Stub:
        stub = Stub(delay_s)
        async with await stub.start() as server:
            await work(server.sockets[0].getsockname()[1])  # type: ignore[operator]
        return stub

    return asyncio.run(main())


def test_an_answer_is_a_completion_with_the_times_of_receipt_and_sending() -> None:
    async def ask(port: int) -> None:
        began = time.monotonic_ns()
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"http://127.0.0.1:{port}/v1/chat/completions", data=BODY) as answer,
        ):
            found = await answer.json()
        ended = time.monotonic_ns()
        received, sent = (int(answer.headers[f"x-stub-{name}-ns"]) for name in ("received", "sent"))
        assert began < received < sent < ended
        assert sent - received >= 0.049e9
        assert found["choices"][0]["message"]["content"] == CONTENT
        assert json.loads(CONTENT).keys() == {"action", "probability", "reasons"}
        assert found["usage"]["total_tokens"] == 535

    assert run(ask, 0.05).answered == 1


async def exchange(port: int, pieces: list[bytes], answers: int) -> list[tuple[int, int]]:
    """Send pieces with a pause after each; return the stamps of so many answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found = []
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.02)
        for _ in range(answers):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
            await reader.readexactly(int(fields["content-length"]))
            found.append((int(fields["x-stub-received-ns"]), int(fields["x-stub-sent-ns"])))
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    return found


def test_a_request_in_pieces_is_received_when_its_last_byte_is_there() -> None:
    async def work(port: int) -> None:
        began = time.monotonic_ns()
        ((received, _),) = await exchange(port, [REQUEST[:20], REQUEST[20:90], REQUEST[90:]], 1)
        assert received - began > 0.035e9

    assert run(work).answered == 1


def test_requests_on_one_connection_are_answered_one_by_one() -> None:
    async def work(port: int) -> None:
        stamps = await exchange(port, [REQUEST * 3, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"], 4)
        assert stamps == sorted(stamps)

    stub = run(work)
    assert (stub.answered, stub.most_open) == (4, 1)


@pytest.mark.parametrize("sent", [b"x" * (1 << 17), REQUEST.replace(b"Content-Length: 30", b"Content-Length: -5")])
def test_what_is_no_request_ends_the_connection(sent: bytes) -> None:
    async def work(port: int) -> None:
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await exchange(port, [sent], 1)

    assert run(work).answered == 0


def test_a_client_that_leaves_is_not_answered() -> None:
    async def work(port: int) -> None:
        await exchange(port, [REQUEST], 0)
        await asyncio.sleep(0.1)

    assert run(work, 0.08).answered == 0


@pytest.mark.subprocess
def test_as_a_process_it_prints_its_port_and_after_its_end_how_many_it_answered() -> None:
    command = [sys.executable, "-m", "benchmarks.stub_gateway", "--delay-ms", "5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        (stamps,) = asyncio.run(exchange(port, [REQUEST], 1))
        assert 0 < time.monotonic_ns() - stamps[1] < 60e9
        child.send_signal(signal.SIGTERM)
        assert child.communicate(timeout=10)[0] == "1\n"
    assert child.returncode == 0
