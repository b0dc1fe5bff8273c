"""Own speed paths, each as a ratio against a named baseline that ran beside it."""

from __future__ import annotations

import gc
import math
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from aftershock.app.bench_baselines import newton, nine_scenarios, read_plainly, vol_bounds
from aftershock.app.bench_market import INDEX, BenchChain, bench_chain, bench_config, quiet_minute, shaken_quotes
from aftershock.app.inputs import Given
from aftershock.app.latency import LatencyHistogram
from aftershock.app.market_session import market_session
from aftershock.app.numerics import code_version, numerics_id
from aftershock.app.replay import ReplayOptions, replay
from aftershock.app.settings import choose
from aftershock.app.simulation import Request, simulate
from aftershock.core.engine import Engine
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NS_PER_S, NS_PER_YEAR
from aftershock.pricing import greeks, implied_vol, price
from aftershock.venues.tardis import merge, open_source

__all__ = ["Measurement", "environment", "run_benchmarks"]

_ROUNDS = 30
_REPLAYED_HOURS = 4.0


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """One path beside its baseline.

    Attributes:
        name: What was done.
        unit: Of the figures; `ns` (less is better) or `rows/s` (more is better).
        value: Median, or a rate.
        p99, maximum: None where there is one figure only.
        count: Number of measurements.
        baseline: What it is compared with.
        baseline_value: The baseline's figure, same unit.
        ratio: How many times better than the baseline.
    """

    name: str
    unit: str
    value: float
    p99: float | None = None
    maximum: float | None = None
    count: int
    baseline: str
    baseline_value: float
    ratio: float


def environment() -> dict[str, Any]:
    """Return what the figures depend on."""
    return {
        "version": code_version(),
        "python": platform.python_version(),
        "numerics": numerics_id(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "load_1min": os.getloadavg()[0],
    }


def run_benchmarks(steps: int, seed: int, on_start: Callable[[str], None]) -> list[Measurement]:
    """Measure everything, a few seconds each.

    Args:
        steps: Moves of the forward in the decision benchmark, four events each.
        seed: Of the made-up data.
        on_start: Gets the name of each part before it runs.
    """
    chain = bench_chain()
    found = []
    on_start("pricing")
    found += _pricing(chain)
    on_start("decision")
    found.append(_decision(chain, steps, seed, stalled=5))
    found.append(_decision(chain, max(steps // 10, 10), seed, stalled=len(chain.symbols)))
    on_start("replay")
    found += _replay(seed)
    return found


def _pricing(chain: BenchChain) -> list[Measurement]:
    n = len(chain.symbols)
    tau = (chain.expiry_ns - chain.expiry_ns.min() + 86_400 * NS_PER_S) / NS_PER_YEAR
    premium = np.asarray(price(INDEX, chain.strike, tau, chain.sigma, chain.is_call))
    scalars = list(zip(premium.tolist(), chain.strike.tolist(), tau.tolist(), chain.is_call.tolist(), strict=True))

    def vectorised() -> None:
        sigma, _ = implied_vol(premium, INDEX, chain.strike, tau, chain.is_call)
        greeks(INDEX, chain.strike, tau, sigma, chain.is_call)

    def looped() -> None:
        for option in scalars:
            newton(*option)

    def two_bounds() -> None:
        for sigma in vol_bounds(chain):
            price(INDEX, chain.strike, tau, sigma, chain.is_call)

    def nine() -> None:
        values = [price(INDEX, chain.strike, tau, sigma, chain.is_call) for sigma in nine_scenarios(chain)]
        np.minimum.reduce(values)
        np.maximum.reduce(values)

    return [
        _compare(f"IV and greeks, per option of {n}", vectorised, "a Python loop: Newton, math.erf", looped, per=n),
        _compare(f"robust values, per option of {n}", two_bounds, "nine scenarios in plain NumPy", nine, per=n),
    ]


def _decision(chain: BenchChain, steps: int, seed: int, *, stalled: int) -> Measurement:
    engine = Engine(bench_config(), InstrumentTable())
    for event in quiet_minute(chain):
        engine.process(event)
    whole = LatencyHistogram()
    for event, measured in shaken_quotes(chain, steps, seed, stalled):
        before = engine.stats.evaluations
        started = time.perf_counter_ns()
        engine.process(event)
        took = time.perf_counter_ns() - started
        if measured and engine.stats.evaluations - before >= len(chain.symbols):
            whole.add(took)
    tau = (chain.expiry_ns - chain.expiry_ns.min() + 86_400 * NS_PER_S) / NS_PER_YEAR

    def plain() -> None:
        for quote in (chain.bid, chain.ask):
            implied_vol(quote * INDEX, INDEX, chain.strike, tau, chain.is_call)
        for sigma in nine_scenarios(chain):
            greeks(INDEX, chain.strike, tau, sigma, chain.is_call)

    baseline = _median_ns(plain)
    median = whole.quantile_ns(0.5) or math.nan
    return Measurement(
        name=f"event that prices {len(chain.symbols)} options -> decision, {stalled} stale",
        unit="ns",
        value=median,
        p99=whole.quantile_ns(0.99),
        maximum=whole.max_ns if whole.count else None,
        count=whole.count,
        baseline="nine scenarios with greeks and two IVs in plain NumPy",
        baseline_value=baseline,
        ratio=baseline / median,
    )


def _replay(seed: int) -> list[Measurement]:
    with tempfile.TemporaryDirectory(prefix="aftershock-bench-") as folder:
        request = Request(seed=seed, hours=_REPLAYED_HOURS, world="base", makers="slow", folder=Path(folder))
        market = simulate(market_session(seed, request.hours, request.world, request.makers), request)
        paths = [file.path for file in market.written.files]
        options = max(market.written.files, key=lambda file: (file.kind == "options_chain", file.rows)).path
        read_s, rows = _timed(lambda: _read(options))
        plain_s, plain_rows = _timed(lambda: read_plainly(options))
        result = replay(
            ReplayOptions(given=[Given(path) for path in paths], chosen=choose(), instruments=market.instruments)
        )
    replay_rate = result.rows / result.wall_s
    return [
        _rate("reading an options file", rows / read_s, "csv.reader and float() per cell", plain_rows / plain_s, rows),
        _rate("replay of a simulated market", replay_rate, "reading its options file", rows / read_s, result.rows),
    ]


def _read(path: Path) -> int:
    source = open_source(path, index=0, table=InstrumentTable())
    for _ in merge([source]):
        pass
    return source.report.rows


def _timed(work: Callable[[], int]) -> tuple[float, int]:
    started = time.perf_counter()
    count = work()
    return time.perf_counter() - started, count


def _compare(name: str, work: Callable[[], None], baseline: str, other: Callable[[], None], *, per: int) -> Measurement:
    times = _times_ns(work)
    value, against = times[len(times) // 2] / per, _median_ns(other) / per
    return Measurement(
        name=name,
        unit="ns",
        value=value,
        p99=times[int(0.99 * (len(times) - 1))] / per,
        maximum=times[-1] / per,
        count=len(times),
        baseline=baseline,
        baseline_value=against,
        ratio=against / value,
    )


def _rate(name: str, value: float, baseline: str, against: float, count: int) -> Measurement:
    return Measurement(
        name=name, unit="rows/s", value=value, count=count, baseline=baseline, baseline_value=against,
        ratio=value / against,
    )  # fmt: skip


def _median_ns(work: Callable[[], None]) -> float:
    times = _times_ns(work)
    return times[len(times) // 2]


def _times_ns(work: Callable[[], None]) -> list[float]:
    """Return sorted durations after two warm-up rounds; the garbage collector stays on, and starts clean."""
    for _ in range(2):
        work()
    gc.collect()
    times = []
    for _ in range(_ROUNDS):
        started = time.perf_counter_ns()
        work()
        times.append(float(time.perf_counter_ns() - started))
    return sorted(times)
