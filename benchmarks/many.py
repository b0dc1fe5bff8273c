"""5,000 connections into one process: time to open them, memory, CPU, and whether a message is lost."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import numpy as np

from aftershock.venues.connection.clock import SystemClock
from aftershock.venues.connection.connection import Connection
from aftershock.venues.connection.inbox import Frame, Inbox, Lost
from aftershock.venues.connection.settings import ConnectionSettings
from benchmarks.report import Report, Table, met, show

__all__ = ["main", "measure"]

_CONNECTIONS = 5_000
_SECONDS = 30.0
_AT_ONCE = 100
_ROOT = Path(__file__).resolve().parents[1]
_SETTINGS = ConnectionSettings(connect_s=60.0, handshake_s=60.0, first_byte_s=60.0, ping_every_s=15.0)


def _rss_mib() -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


class _Crowd:
    """All connections and what came over them."""

    def __init__(self, url: str, count: int) -> None:
        self.inbox = Inbox(max_frames=1_000_000, max_chars=1 << 30)
        self.connections = [
            Connection(url, self.inbox, link=n, settings=_SETTINGS, clock=SystemClock(), random=Random(n))  # noqa: S311
            for n in range(count)
        ]
        self.received = self.holes = self.broken = 0
        self.latencies: list[int] = []
        self.measuring = False
        self._last = [0] * count
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Open all, a hundred at a time."""
        for first in range(0, len(self.connections), _AT_ONCE):
            some = self.connections[first : first + _AT_ONCE]
            self._tasks += [asyncio.ensure_future(each.run()) for each in some]
            while not all(each.opened for each in some):  # noqa: ASYNC110 - what connections report is a count
                await asyncio.sleep(0.001)

    async def listen(self, seconds: float) -> None:
        """Use what comes."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            taken = self.inbox.take_now()
            if taken is None:
                await asyncio.sleep(0.001)
            else:
                self._use(*taken)

    async def close(self) -> None:
        """Let go of all."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _use(self, link: int, item: object) -> None:
        if isinstance(item, Lost):
            self.broken += 1
        elif isinstance(item, Frame):
            message = json.loads(item.text)
            self.received += 1
            self.holes += message["number"] != self._last[link] + 1
            self._last[link] = message["number"]
            if self.measuring:
                self.latencies.append(item.received_ns - message["at"])


async def _measure(url: str, count: int, seconds: float, server: subprocess.Popen[str]) -> Report:
    before, used, started = _rss_mib(), time.process_time(), time.monotonic()
    crowd = _Crowd(url, count)
    await crowd.open()
    opened_s, opening_cpu = time.monotonic() - started, time.process_time() - used
    await crowd.listen(1.0)
    memory, used, crowd.measuring = _rss_mib() - before, time.process_time(), True
    come = crowd.received
    await crowd.listen(seconds)
    cpu, come, crowd.measuring = time.process_time() - used, crowd.received - come, False
    server.send_signal(signal.SIGTERM)
    await crowd.listen(1.0)
    await crowd.close()
    sent = int("0" if server.stdout is None else server.stdout.readline())
    p50, p99, p999 = np.quantile(np.array(crowd.latencies, dtype=np.float64), [0.5, 0.99, 0.999]) / 1e6
    rows = (
        ("time to open all", f"{opened_s:.1f} s", f"{opening_cpu:.1f} s CPU"),
        ("memory", f"{memory:.0f} MiB", f"{memory * 1024 / count:.1f} KiB each"),
        ("CPU", f"{100 * cpu / seconds:.0f} % of a core", f"{cpu / max(come, 1) * 1e6:.0f} us per message"),
        ("messages", f"{crowd.received:,} of {sent:,}", f"{come / seconds:,.0f}/s"),
        ("server to socket", f"p50 {p50:.2f} ms", f"p99 {p99:.2f} ms, p99.9 {p999:.2f} ms"),
        ("broken", f"{crowd.broken}", f"{crowd.holes} holes in numbers"),
    )
    whole = crowd.received == sent and not crowd.holes and not crowd.broken
    return Report(
        name="many",
        what=f"{count:,} connections of the discipline into one inbox and one loop, each with a message a second for "
        f"{seconds:.0f} s, its own deadlines, pings and back-off; the server is a process of its own.",
        tables=(Table(title="Connections", columns=("what", "value", "is"), rows=rows),),
        verdicts=(f"nothing lost: {sent - crowd.received} of {sent:,} ({met(whole)})",),
    )


def measure(count: int = _CONNECTIONS, seconds: float = _SECONDS) -> Report:
    """Open so many connections, listen, and close."""
    import uvloop

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, count + 1_000)), hard))
    command = [sys.executable, "-m", "benchmarks.many_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as server:  # noqa: S603 - our own
        port = "" if server.stdout is None else server.stdout.readline().strip()
        try:
            return uvloop.run(_measure(f"ws://127.0.0.1:{port}/", count, seconds, server))
        finally:
            server.kill()


def main() -> None:
    """Print the report."""
    show(measure)


if __name__ == "__main__":
    main()
