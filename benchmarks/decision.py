"""Decision latency on a chain of 500 two-sided options, against the article's way and against plain NumPy."""

from __future__ import annotations

import asyncio
import gc
import math
import time
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aftershock.core.config import EngineConfig, TriggerConfig
from aftershock.core.engine import Engine
from aftershock.model.events import EndOfInput, Event, OptionQuotes
from aftershock.model.signals import ArbitrageSignal, Reason, TriggerOpened
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NS_PER_S
from benchmarks.article_way import ArticleEngine, StubModel, chain_document
from benchmarks.market import PERPETUALS, SPOT, START_NS, STEP_NS, Market, index_ticker, perpetual_quote
from benchmarks.plain_numpy import PlainNumpy
from benchmarks.report import Report, Table, met, quantiles, ratio, show

__all__ = ["main", "measure"]

_GOAL_P99_US = 3_000.0
_KERNEL_P50_US, _KERNEL_P99_US = 80.0, 200.0
_KERNEL_FACTORS = (50, 3)
_WARM_S = 70
_SHOCK_BPS = 25.0
_WOBBLE_BPS = 1.0
_EVENTS_PER_TRIGGER = 200
_UNCOUNTED = 20
_ROW_GAP_NS = 50_000

_REGIMES = {"all requoted": 0, "10 quotes stale": 10, "nobody requoted": None}
"""How many options still show their quotes from before the shock; None for all."""

_HEADLINE = "10 quotes stale"
_NOT_PRICED = (Reason.NO_CHAIN, Reason.NO_FORWARD, Reason.NOT_EVALUABLE)

# Nothing but perpetual quotes arrives while a trigger is timed, so that each event is one whole chain and nothing
# else; the limits on age and latency are out of the way, or every candidate would be refused after two seconds.
_CONFIG = EngineConfig(
    trigger=TriggerConfig(armed=("price-move",), price_move_life_s=1e5),
    option_max_age_ms=1e7,
    max_latency_ms=1e7,
)


_Quantiles = tuple[float, float, float]


class Times(msgspec.Struct):
    """Durations in ns by what the event did; `whole_chain_cpu` leaves out what other processes took."""

    whole_chain: list[int] = []
    whole_chain_cpu: list[int] = []
    opening: list[int] = []
    row_evaluated: list[int] = []
    row_deferred: list[int] = []
    row_untriggered: list[int] = []
    perpetual_untriggered: list[int] = []
    decisions: int = 0


class Session:
    """One engine from a calm market through a shock into an open trigger."""

    def __init__(self, market: Market, times: Times) -> None:
        self._market = market
        self._times = times
        self._engine = Engine(_CONFIG, InstrumentTable())
        self._now = START_NS
        self._quotes = 0
        self._silent = False

    def run(self, stale: int | None, events: int) -> None:
        """Go through it once.

        Args:
            stale: Options that are not requoted after the shock; None for all.
            events: Perpetual quotes to time within the trigger.
        """
        self._calm()
        after = SPOT * math.exp(_SHOCK_BPS * 1e-4)
        made_for = quoted_at(self._market, stale, after)
        self._take(self._market.quotes(self._now, after, made_for))
        while not self._open(after):
            if self._quotes > 2 * _WARM_S * NS_PER_S // STEP_NS:
                raise RuntimeError("the shock opened no trigger: the benchmark no longer fits the engine")
        for count in range(_UNCOUNTED + events):
            self._reprice(after * math.exp(_WOBBLE_BPS * 1e-4 * math.sin(0.37 * count)), counted=count >= _UNCOUNTED)
        self._rows(self._market.quotes(self._now, after, made_for))
        self._take(EndOfInput(ts_event=self._now, ts_init=self._now))

    def _calm(self) -> None:
        """Build histories of bases, carries, price and smiles; time option rows where no trigger is open."""
        for second in range(_WARM_S):
            self._now = START_NS + second * NS_PER_S
            self._take(index_ticker(self._now, SPOT))
            if second < _WARM_S - 20:
                rows = self._market.quotes(self._now, SPOT)
                self._take(rows) if second % 10 == 0 else None
            elif second < _WARM_S - 1:
                self._take(self._market.quotes(self._now, SPOT))
            else:
                # Packages are tested when a moment is over: apart, so that each row pays for the one before it.
                self._one_by_one(self._market.quotes(self._now, SPOT), self._times.row_untriggered)
            while self._now < START_NS + (second + 1) * NS_PER_S - STEP_NS:
                self._times.perpetual_untriggered.append(self._perpetual(SPOT)[0])

    def _open(self, index: float) -> bool:
        took, effects = self._perpetual(index)
        opened = any(isinstance(effect, TriggerOpened) for effect in effects)
        if opened:
            self._times.opening.append(took)
        return opened

    def _reprice(self, index: float, *, counted: bool) -> None:
        before, started = self._engine.stats.evaluations, time.thread_time_ns()
        took, effects = self._perpetual(index)
        on_cpu = time.thread_time_ns() - started
        self._times.decisions += sum(isinstance(effect, ArbitrageSignal) for effect in effects)
        if self._engine.stats.evaluations - before < len(self._market.symbols):
            raise RuntimeError("an event did not price the whole chain: the benchmark no longer fits the engine")
        if counted:
            self._times.whole_chain.append(took)
            self._times.whole_chain_cpu.append(on_cpu)

    def _rows(self, quotes: OptionQuotes) -> None:
        """Send the chain's rows one by one, twice: first each is due, then each waits for its pause to pass."""
        self._now += STEP_NS
        for durations in (self._times.row_evaluated, self._times.row_deferred):
            self._one_by_one(quotes, durations)

    def _one_by_one(self, quotes: OptionQuotes, durations: list[int]) -> None:
        """Send the rows of a chain, each at a moment of its own."""
        for row in quotes.rows():
            self._now += _ROW_GAP_NS
            stamps = np.array([self._now], dtype=np.int64)
            moved = msgspec.structs.replace(
                row, ts_event=self._now, ts_init=self._now, row_ts_event=stamps, row_ts_init=stamps
            )
            durations.append(self._take(moved)[0])

    def _perpetual(self, index: float) -> tuple[int, list[Any]]:
        self._now += STEP_NS
        self._quotes += 1
        return self._take(perpetual_quote(self._quotes % len(PERPETUALS), self._now, index))

    def _take(self, event: Event) -> tuple[int, list[Any]]:
        started = time.perf_counter_ns()
        effects = self._engine.process(event)
        took = time.perf_counter_ns() - started
        for effect in effects:
            if isinstance(effect, ArbitrageSignal) and effect.reason in _NOT_PRICED:
                raise RuntimeError(f"nothing was priced ({effect.reason}): the benchmark no longer fits the engine")
        return took, effects


def quoted_at(market: Market, stale: int | None, after: float) -> NDArray[np.float64]:
    """Return the index price that each option's quote was made for."""
    made_for = np.full(len(market.symbols), SPOT if stale is None else after)
    if stale:
        made_for[market.stale_candidates(stale)] = SPOT
    return made_for


def _article_times(market: Market, count: int) -> list[int]:
    chain = chain_document(market.quotes(START_NS, SPOT))
    engine = ArticleEngine(StubModel(), chain, min_spread_bps=50.0, max_latency_ms=100.0)

    async def run() -> list[int]:
        durations = []
        for at in range(count):
            event = {"symbol": "BTC-PERP", "price": SPOT + at, "size": 0.5, "side": "SELL"}
            started = time.perf_counter_ns()
            await engine.process_liquidation_event(event)
            durations.append(time.perf_counter_ns() - started)
        return durations

    return asyncio.run(run())


def _plain_times(plain: PlainNumpy, count: int) -> list[int]:
    durations = []
    for at in range(count):
        index = SPOT * math.exp(1e-4 * (_SHOCK_BPS + _WOBBLE_BPS * math.sin(0.37 * at)))
        started = time.perf_counter_ns()
        plain.evaluate(index)
        durations.append(time.perf_counter_ns() - started)
    return durations


def measure(events: int = 2_000, events_per_trigger: int = _EVENTS_PER_TRIGGER) -> Report:
    """Time everything, engine and baselines in turns, so that a busy moment of the machine hits all of them.

    Args:
        events: Whole-chain events to time per regime.
        events_per_trigger: After so many a new engine goes through a new shock.
    """
    gc.enable()
    market = Market.listed()
    times = {name: Times() for name in _REGIMES}
    article: list[int] = []
    plain: list[int] = []
    calculation = PlainNumpy.of(market, quoted_at=quoted_at(market, _REGIMES[_HEADLINE], SPOT))
    _article_times(market, 2)
    _plain_times(calculation, 5)
    for _ in range(-(-events // events_per_trigger)):
        for name, stale in _REGIMES.items():
            Session(market, times[name]).run(stale, events_per_trigger)
        article += _article_times(market, max(2, events_per_trigger // 10))
        plain += _plain_times(calculation, events_per_trigger)
    return _report(times, article, plain)


def _report(times: dict[str, Times], article: list[int], plain: list[int]) -> Report:
    chains = {name: quantiles(each.whole_chain) for name, each in times.items()}
    bases = {"A: the article's way": quantiles(article), "B: plain NumPy, nine scenarios": quantiles(plain)}
    ratios = tuple(
        (f"{base} / engine, {name}", ratio(of[0] / ours[0]), ratio(of[1] / ours[1]))
        for base, of in bases.items()
        for name, ours in chains.items()
    )
    return Report(
        name="decision",
        what=(
            "One event to its decisions, review off, garbage collector on, inside an open price-move trigger: a "
            "perpetual's quote moves the forward and 500 two-sided inverse options (10 expiries x 25 strikes x 2) are "
            "priced, both bounds and all edges. The forward wobbles by 1 bp around its level after a shock of 25; "
            "nothing but perpetual quotes arrives meanwhile, and the limits on age and latency are lifted, so that "
            "candidates stay candidates. A: per liquidation, context, indented JSON of the chain into a prompt, a "
            "model stub that answers at once, parse, filter; its HTTP is not counted. B: the same edges with nine "
            "scenarios priced for all options, without engine, rules or signals. Ratios are time of the baseline over "
            "time of the engine. If nobody requotes, nearly half of the options are candidates at once, each judged in "
            "Python: that is what the time goes into."
        ),
        tables=(
            Table(title="Ratios, higher is better", columns=("baseline / engine", "p50", "p99"), rows=ratios),
            Table(
                title="Microseconds",
                columns=("event", "events", "p50", "p99", "max", "decisions"),
                rows=(
                    *(_row(f"whole chain, {name}", each.whole_chain, each.decisions) for name, each in times.items()),
                    *(_row(f"the same, CPU time only, {name}", each.whole_chain_cpu) for name, each in times.items()),
                    *(_row(f"baseline {name}", each) for name, each in zip(bases, (article, plain), strict=True)),
                    *(_row(f"opening a trigger, ten smile fits, {name}", each.opening) for name, each in times.items()),
                    *_quote_only(times[_HEADLINE]),
                ),
            ),
        ),
        verdicts=_verdicts(chains, {name: quantiles(each.whole_chain_cpu) for name, each in times.items()}, bases),
    )


def _verdicts(
    chains: dict[str, _Quantiles], on_cpu: dict[str, _Quantiles], bases: dict[str, _Quantiles]
) -> tuple[str, ...]:
    p50, p99, _ = chains[_HEADLINE]
    factors = [(goal, base, of[0] / p50) for goal, (base, of) in zip(_KERNEL_FACTORS, bases.items(), strict=True)]
    return (
        *(
            f"Goal p99 <= {_GOAL_P99_US / 1e3:g} ms per whole-chain event, {name}: {met(reached <= _GOAL_P99_US)} "
            f"({reached / 1e3:.2f} ms, of CPU {on_cpu[name][1] / 1e3:.2f} ms)."
            for name, (_, reached, _) in chains.items()
        ),
        *(
            f"Goal {goal} x over {base}, with the compiled kernel that does not exist yet: {met(factor >= goal)} "
            f"({ratio(factor)} at the median, {_HEADLINE})."
            for goal, base, factor in factors
        ),
        (
            f"Goal p50 {_KERNEL_P50_US:g}, p99 {_KERNEL_P99_US:g} us, with that kernel: "
            f"{met(p50 <= _KERNEL_P50_US and p99 <= _KERNEL_P99_US)} ({p50:,.0f} and {p99:,.0f} us, {_HEADLINE})."
        ),
    )


def _quote_only(times: Times) -> tuple[tuple[str, ...], ...]:
    return (
        _row("option row, trigger open, its option evaluated", times.row_evaluated),
        _row("option row, trigger open, evaluation put off", times.row_deferred),
        _row("option row, no trigger (packages scanned)", times.row_untriggered),
        _row("perpetual quote, no trigger", times.perpetual_untriggered),
    )


def _row(name: str, durations: list[int], decisions: int | None = None) -> tuple[str, ...]:
    p50, p99, most = quantiles(durations)
    count = "" if decisions is None else f"{decisions:,}"
    return (name, f"{len(durations):,}", f"{p50:,.1f}", f"{p99:,.1f}", f"{most:,.1f}", count)


def main() -> None:
    """Print it."""
    show(measure)


if __name__ == "__main__":
    main()
