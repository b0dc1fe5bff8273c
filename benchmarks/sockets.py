"""From a socket to a decision at 20,000 messages per second, beside aiohttp and `json` that only decode."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import msgspec
import numpy as np

from aftershock.app.bench_market import bench_chain, bench_config, quiet_minute
from aftershock.app.live.intake import Intake
from aftershock.app.live.paper import PaperVenue
from aftershock.app.live.shell import LiveShell
from aftershock.app.live.step import LiveStep
from aftershock.core.engine import Engine
from aftershock.model.events import DerivativeTicker, Event, OptionQuotes, Quote
from aftershock.model.table import InstrumentTable
from aftershock.venues.connection.clock import SystemClock
from aftershock.venues.tardis.client import TardisClient
from aftershock.venues.tardis.live import LiveStream
from aftershock.venues.tardis.subscription import Subscription
from benchmarks.report import Report, Table, met, ratio, show
from benchmarks.socket_load import QUIET_SHARE, START_NS

__all__ = ["main", "measure"]

_RATE = 20_000.0
_SECONDS = 30.0
_GOAL_MS = 2.0
_ROOT = Path(__file__).resolve().parents[1]
_SETTLES_S = 1.0


class Figures(msgspec.Struct):
    """What one reader measured; latencies in ns, in the order of processing."""

    name: str
    sent: int
    received: int
    calm: list[int]
    moved: list[int]
    cpu_s: float = 0.0
    note: str = ""


@contextmanager
def _server(rate: float, seconds: float) -> Iterator[tuple[str, int, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "benchmarks.socket_load", "--rate", str(rate), "--seconds", str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as child:  # noqa: S603 - our own
        try:
            port, started = map(int, _line(child).split())
            yield f"ws://127.0.0.1:{port}", started, child
        finally:
            child.kill()


def _line(child: subprocess.Popen[str]) -> str:
    return "" if child.stdout is None else child.stdout.readline()


async def _nothing(rate: float, seconds: float) -> Figures:
    """Read with aiohttp, decode with json, and do nothing."""
    found = Figures("aiohttp + json, doing nothing", 0, 0, [], [])
    with _server(rate, seconds) as (url, started, child):
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{url}/ws-stream-normalized") as socket:
            used = time.process_time()
            async for message in socket:
                fields = json.loads(message.data)
                now = time.time_ns()
                found.received += 1
                _file(found, fields["at"], now - fields["at"], started, seconds)
            found.cpu_s = time.process_time() - used
        found.sent = int(_line(child))
    return found


def _file(found: Figures, at_ns: int, latency_ns: int, started_ns: int, seconds: float) -> None:
    since = (at_ns - started_ns) / 1e9
    if since > _SETTLES_S:
        (found.calm if since < QUIET_SHARE * seconds else found.moved).append(latency_ns)


class _Clock(SystemClock):
    """The market's clock: ours, shifted to the days of the bench market."""

    shift_ns = 0

    def wall_ns(self) -> int:
        return time.time_ns() - self.shift_ns


class _Timed(LiveStep):
    """Notes for each event how long after its due moment the engine was done with it; of a batch, its first row's."""

    figures: Figures
    clock: _Clock
    seconds: float

    def _process(self, event: Event, at_ns: int) -> None:
        super()._process(event, at_ns)
        if isinstance(event, OptionQuotes):
            due = int(event.row_ts_event[0])
            self.figures.received += len(event)
        elif isinstance(event, Quote | DerivativeTicker):
            due = event.ts_event
            self.figures.received += 1
        else:
            return
        _file(self.figures, due, self.clock.wall_ns() - due, START_NS, self.seconds)


class _UntilClosed:
    """The stream until its server ends it: here that is the end, elsewhere it would be opened again."""

    def __init__(self, stream: LiveStream, clock: _Clock) -> None:
        self.name, self._stream, self._clock = stream.name, stream, clock

    @property
    def reconnects(self) -> int:
        return self._stream.reconnects

    async def close(self) -> None:
        await self._stream.close()

    async def __aiter__(self) -> AsyncIterator[Event]:
        async for event in self._stream:
            yield event
            if self._stream.losses:
                await self._stream.close()


async def _whole(rate: float, seconds: float) -> Figures:
    """Read with the live system: client, decoder, queue, engine, paper venue."""
    found = Figures("Aftershock, socket to decision", 0, 0, [], [])
    clock, table = _Clock(), InstrumentTable()
    engine = Engine(bench_config(), table)
    chain = bench_chain()
    for event in quiet_minute(chain):
        engine.process(event)
    with _server(rate, seconds) as (url, started, child):
        wanted = [
            Subscription(exchange=venue, symbols=(symbol,), data_types=("quote",))
            for venue, symbol in (("binance-futures", "BTCUSDT"), ("bybit", "BTCUSDT"), ("okex-swap", "BTC-USDT-SWAP"))
        ]
        wanted.append(
            Subscription(
                exchange="deribit",
                symbols=("BTC-PERPETUAL",),
                data_types=("quote", "derivative_ticker", "option_summary"),
            )
        )
        client = TardisClient(machine_ws_url=url, clock=clock, environment={}, table=table)
        stream = client.stream(wanted)
        clock.shift_ns = started - START_NS
        intake = Intake(100_000, clock=clock.wall_ns)
        step = _Timed(engine, intake, PaperVenue(table, 100.0), clock=clock.wall_ns)
        step.figures, step.clock, step.seconds = found, clock, seconds
        shell = LiveShell(step, intake, [_UntilClosed(stream, clock)], listens=False, seconds=seconds + 3.0)
        used = time.process_time()
        await shell.run()
        found.cpu_s = time.process_time() - used
        found.sent = int(_line(child))
    tally = step.tally
    found.note = (
        f"{tally.opened} triggers, {tally.decided:,} decisions, {engine.stats.evaluations:,} evaluations; "
        f"{stream.report.rows_dropped} dropped, {intake.events_lost} lost, {step.gaps} gaps; "
        f"messages {stream.report.rows:,}"
    )
    return found


def _p99_ms(found: Figures) -> float:
    """Return the worse of both phases."""
    return max(float(np.quantile(np.array(each, dtype=np.float64), 0.99)) / 1e6 for each in (found.calm, found.moved))


def measure(rate: float = _RATE, seconds: float = _SECONDS) -> Report:
    """Return the figures of both readers at one rate."""
    import uvloop

    base, ours = uvloop.run(_nothing(rate, seconds)), uvloop.run(_whole(rate, seconds))
    rows = []
    for found in (base, ours):
        for phase, values in (("calm", found.calm), ("price moves, trigger open", found.moved)):
            p50, p99, p999 = np.quantile(np.array(values, dtype=np.float64), [0.5, 0.99, 0.999]) / 1e6
            rows.append(
                (found.name, phase, f"{len(values):,}", f"{p50:.2f} ms", f"{p99:.2f} ms", f"{p999:.2f} ms",
                 f"{max(values) / 1e6:.1f} ms")
            )  # fmt: skip
    counts = tuple(
        (
            found.name,
            f"{found.sent:,}",
            f"{found.received:,}",
            f"{found.sent - found.received:,}",
            f"{found.cpu_s:.1f} s",
        )
        for found in (base, ours)
    )
    worst, least = _p99_ms(ours), _p99_ms(base)
    lost = ours.sent - ours.received
    return Report(
        name="sockets",
        what=f"{rate:,.0f} messages/s for {seconds:.0f} s over a WebSocket, open loop, from a process of its own: 500 "
        "options and four perpetuals. Latency is from the moment at which a message was due to the moment at which the "
        f"engine was done with it (of a batch, its first row). Ours: {ours.note}.",
        tables=(
            Table(
                title="Latency", columns=("reader", "phase", "events", "p50", "p99", "p99.9", "max"), rows=tuple(rows)
            ),
            Table(title="Counts", columns=("reader", "sent", "received", "lost", "CPU"), rows=counts),
        ),
        verdicts=(
            f"p99 at most {_GOAL_MS:g} ms: {worst:.2f} ms, {ratio(least / worst)} of idle ({met(worst <= _GOAL_MS)})",
            f"nothing lost: {lost} of {ours.sent:,} ({met(lost == 0)})",
        ),
    )


def main() -> None:
    """Print the report."""
    show(measure)


if __name__ == "__main__":
    main()
