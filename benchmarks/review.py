"""What the gateway adds to a model's own time, beside the openai SDK on the same stub; stalls, memory, tokens, money.

The stub answers after a fixed delay and stamps at its socket when a request was in and when its answer left, on the
clock that processes share. Added latency is the time from asking to the outcome, less what lies between the two stamps.
Ours is measured where the engine stands: in the asking process, through the gateway's process and back.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import uvloop

from aftershock.model.orders import Leg, Side
from aftershock.model.review import ReviewMode
from aftershock.model.signals import Action, ArbitrageSignal, EdgeType, Reason, ReviewRequest, TriggerKind
from aftershock.review.config import GatewayConfig
from aftershock.review.job import Outcome
from aftershock.review.process import GatewayProcess
from aftershock.review.prompt import question
from aftershock.review.providers import Capability, Provider
from aftershock.review.recording import LineFault, read_records
from aftershock.review.wire import body_of
from benchmarks.report import Report, Table, met, ratio, show

__all__ = ["main", "measure"]

_ROOT = Path(__file__).resolve().parents[1]
_SDK = _ROOT / ".venv-peers-openai" / "bin" / "python"
_SDK_CODE = """
import asyncio, json, os, time
from openai import AsyncOpenAI
fields, n, rate = json.loads(os.environ["FIELDS"]), int(os.environ["N"]), float(os.environ["RATE"])
client = AsyncOpenAI(base_url=os.environ["URL"], api_key="sk-none", max_retries=0, timeout=20)
added, errors = [], 0
async def one():
    global errors
    began = time.monotonic_ns()
    try:
        raw = await client.chat.completions.with_raw_response.create(**fields)
        json.loads(raw.parse().choices[0].message.content)
    except Exception:
        errors += 1
        return
    ended = time.monotonic_ns()
    stub = int(raw.headers["x-stub-sent-ns"]) - int(raw.headers["x-stub-received-ns"])
    added.append((ended - began - stub) / 1e6)
async def main():
    await one(); added.clear()
    began, tasks = time.monotonic(), []
    for number in range(n):
        wait = began + number / rate - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.ensure_future(one()))
        if number % 50 == 49:
            await asyncio.sleep(0)
    await asyncio.wait(tasks, timeout=float(os.environ["PATIENCE"]))
    late = sum(not task.done() for task in tasks)
    for task in tasks:
        task.cancel()
    print(json.dumps({"added": added, "errors": errors, "unanswered": late}))
asyncio.run(main())
"""


class _Load(NamedTuple):
    """An open loop: so many in flight means a request every `delay_ms / in_flight`."""

    in_flight: int
    delay_ms: float
    seconds: float

    @property
    def rate(self) -> float:
        return self.in_flight / self.delay_ms * 1e3

    @property
    def requests(self) -> int:
        return max(20, int(self.rate * self.seconds))


# The last two at a longer delay: two cores can't carry 3,300 and 16,700 requests a second with their stub beside them.
_LOADS = (_Load(1, 300, 8), _Load(100, 300, 8), _Load(1_000, 1_000, 8), _Load(5_000, 5_000, 12))


class _Result(NamedTuple):
    added_ms: list[float]
    errors: int
    rss_mb: float
    stall_ms: list[float]


@contextmanager
def _stub(delay_ms: float) -> Iterator[str]:
    code = [sys.executable, "-m", "benchmarks.stub_gateway", "--delay-ms", str(delay_ms)]
    with subprocess.Popen(code, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as process:  # noqa: S603 - our own
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
        finally:
            process.terminate()
            process.communicate()


def _provider(url: str) -> Provider:
    return Provider(
        name="stub",
        base_url=url,
        model="stub",
        capability=Capability.SCHEMA,
        max_concurrent=20_000,
        requests_per_minute=100_000_000,
        tokens_per_minute=1_000_000_000,
        needs_key=False,
    )


def _request(number: int) -> ReviewRequest:
    """Return a question like the engine's; each with figures of its own."""
    signal = ArbitrageSignal(
        signal_id=f"bench-{number}/1",
        trigger_id=f"bench-{number}",
        trigger_kind=TriggerKind.CASCADE,
        ts_event=1,
        ts_init=1,
        source_market="binance-futures",
        target_market="deribit",
        asset="BTC",
        action=Action.BUY,
        reason=Reason.EDGE,
        edge_type=EdgeType.STALE_QUOTE,
        legs=(Leg(venue="deribit", symbol="C", side=Side.BUY, ratio=1.0, price=0.03, price_usd=2_700.0),),
        spread_bps=6.0 + number % 97 / 10,
        threshold_bps=2.0,
        gross_spread_bps=9.5,
        quantity=1.0,
        delta=0.52,
        vega_per_vol_point=41.3,
        book_age_ms=310.0 + number % 500,
        leg_span_ms=0.0,
        latency_ms=420.0,
    )
    features = {
        "top_size_coins": 12.5, "quote_spread_bps": 14.2, "moneyness_pct": 0.4, "days_to_expiry": 1.25,
        "theta_per_day_usd": -86.9, "iv_price": 0.512, "iv_value": 0.548, "move_bps": -42.0, "intensity_ratio": 18.0,
        "imbalance": 0.83, "venues": 3.0, "liquidated_usd": 2.4e6,
    }  # fmt: skip
    return ReviewRequest(
        request_id=f"bench-{number}/review",
        trigger_id=f"bench-{number}",
        ts_init=1,
        expires_ns=2,
        mode=ReviewMode.SHADOW,
        signal=signal,
        features=features,
    )


async def _ours(url: str, load: _Load, folder: Path) -> _Result:
    recording = folder / f"{load.in_flight}.jsonl"
    config = GatewayConfig(
        queue=100_000, cache_s=0.0, probe=False, unpriced=True, attempts=1, recording=str(recording),
        usd_per_minute=1e6, usd_per_day=1e6, usd_per_trigger=1e6,
    )  # fmt: skip
    process = GatewayProcess(config, [(_provider(url), "")])
    await process.start()
    await process.ready(10.0)
    took: dict[str, float] = {}
    errors: list[str] = []

    def asked(number: int, deadline_s: float) -> None:
        request, began = _request(number), time.monotonic_ns()

        def tell(outcome: Outcome) -> None:
            took[request.request_id] = (time.monotonic_ns() - began) / 1e6
            if outcome.verdict is None:
                errors.append(outcome.fallback or "?")

        process.ask(request, time.monotonic_ns() + int(deadline_s * 1e9), tell)

    patience_s = load.delay_ms / 1e3 + 20
    for number in range(-min(load.in_flight, 200), 0):  # warm: connections, code
        asked(number, patience_s)
    while len(took) < min(load.in_flight, 200):  # noqa: ASYNC110 - outcomes come one by one
        await asyncio.sleep(0.01)
    warm = set(took)
    stalled: list[float] = []
    stalls = asyncio.ensure_future(_stalls(stalled))
    began, rss_mb = time.monotonic(), 0.0
    for number in range(load.requests):
        wait = began + number / load.rate - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        asked(number, patience_s)
        if number % 500 == 0:
            rss_mb = max(rss_mb, _rss_mb(process.pid))
    while len(took) < load.requests + len(warm):
        await asyncio.sleep(0.05)
        rss_mb = max(rss_mb, _rss_mb(process.pid))
    stalls.cancel()
    await process.stop()
    waits = _waits(recording)
    added = [ms - waits[name] for name, ms in took.items() if name in waits and name not in warm]
    return _Result(added, len(errors), rss_mb, stalled)


async def _stalls(found: list[float]) -> None:
    """Ask the loop for its turn again and again: how late it comes is what market data would have waited, ms."""
    while True:
        before = time.perf_counter_ns()
        await asyncio.sleep(0)
        found.append((time.perf_counter_ns() - before) / 1e6)
        await asyncio.sleep(0.002)  # a timer of uvloop is a whole millisecond: less would never sleep


def _waits(recording: Path) -> dict[str, float]:
    """Return how long the stub kept each request, ms."""
    waits = {}
    for record in read_records(recording):
        if isinstance(record, LineFault):
            continue
        received, _, sent = record.headers.get("x-request-id", "").partition("-")
        if sent:
            waits[record.request_id] = (int(sent) - int(received)) / 1e6
    return waits


def _rss_mb(pid: int | None) -> float:
    if pid is None:
        return 0.0
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _theirs(url: str, load: _Load) -> tuple[list[float], int, int] | None:
    if not _SDK.exists():
        return None
    fields = msgspec.json.decode(body_of(_provider(url), "stub", *question(_request(1))))
    environment = {
        **os.environ, "FIELDS": json.dumps(fields), "URL": url, "N": str(load.requests), "RATE": str(load.rate),
        "PATIENCE": "30",
    }  # fmt: skip
    done = subprocess.run(  # noqa: S603 - our own
        [str(_SDK), "-c", _SDK_CODE], env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    said = json.loads(done.stdout.splitlines()[-1])
    return said["added"], said["errors"], said["unanswered"]


def measure() -> Report:
    """Measure everything."""
    rows, verdicts = [], []
    quiet = uvloop.run(_quiet())
    for load in _LOADS:
        with tempfile.TemporaryDirectory() as folder, _stub(load.delay_ms) as url:
            ours = uvloop.run(_ours(url, load, Path(folder)))
            theirs = _theirs(url, load)
        p50, p99 = _quantiles(ours.added_ms, 0.5, 0.99)
        said = ("-", "-", "-", "-")
        if theirs is not None and theirs[0]:
            their50, their99 = _quantiles(theirs[0], 0.5, 0.99)
            lost = f"{theirs[1]:,} + {theirs[2]:,}"
            said = (ratio(their50 / p50), ratio(their99 / p99), f"{their50:.2f} / {their99:.2f}", lost)
        elif theirs is not None:
            said = ("-", "-", "none answered", f"{theirs[1]:,} + {theirs[2]:,}")
        rows.append((
            f"{load.in_flight:,}", *said[:2], f"{p50:.2f} / {p99:.2f}", said[2], f"{ours.errors:,}", said[3],
            f"{load.rate:,.0f}/s", f"{ours.rss_mb:.0f} MB",
        ))  # fmt: skip
        if load.in_flight == 100:
            verdicts += [
                f"added p50 at 100 in flight, goal 1 ms: {p50:.2f} ms, {met(p50 <= 1)}",
                f"added p99 at 100 in flight, goal 5 ms: {p99:.2f} ms, {met(p99 <= 5)}",
            ]
            if theirs is not None and theirs[0]:
                half = p99 <= _quantiles(theirs[0], 0.99)[0] / 2 and p50 <= _quantiles(theirs[0], 0.5)[0] / 2
                verdicts.append(f"at most half of the openai SDK's at 100 in flight: {met(half)}")
            (stall,) = _quantiles(ours.stall_ms, 0.999)
            verdicts.append(
                f"stall of the asking loop at 100 in flight, p99.9, goal 1 ms: {stall:.2f} ms, {met(stall <= 1)} "
                f"(without any question {_quantiles(quiet, 0.999)[0]:.2f} ms)"
            )
        if load.in_flight == 5_000:
            verdicts.append(f"errors at 5,000 in flight, goal 0: {ours.errors}, {met(ours.errors == 0)}")
    return Report(
        name="review",
        what="Open loop against a stub that stamps at its socket; added latency is all but what lies between its two "
        "stamps, from the asking process through the gateway's and back. The SDK runs alone, in its own process. At "
        "1,000 and 5,000 in flight the stub waits 1 and 5 s: all processes share the cores.",
        tables=(
            Table(
                title="Added latency, ms",
                columns=(
                    "in flight", "p50 against openai", "p99 against openai", "ours p50 / p99", "openai p50 / p99",
                    "our errors", "its errors + unanswered", "rate", "gateway's memory",
                ),
                rows=tuple(rows),
            ),
        ),
        verdicts=tuple(verdicts),
    )  # fmt: skip


async def _quiet() -> list[float]:
    found: list[float] = []
    stalls = asyncio.ensure_future(_stalls(found))
    await asyncio.sleep(3.0)
    stalls.cancel()
    return found


def _quantiles(values: list[float], *shares: float) -> list[float]:
    return [float(each) for each in np.quantile(np.asarray(values), shares)]


def main() -> None:
    """Print the report."""
    show(measure)


if __name__ == "__main__":
    main()
