"""A live run put together: engine, queue, paper venue, journal and sources, from configuration to final report."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from aftershock.app.live.config import LiveConfig
from aftershock.app.live.connect import BACKPACK
from aftershock.app.live.intake import Intake
from aftershock.app.live.journal import LiveRecording, Terms
from aftershock.app.live.paper import PaperVenue
from aftershock.app.live.report import LiveResult, paper_result
from aftershock.app.live.reviewer import Providers, Reviewer, ReviewFigures
from aftershock.app.live.shell import LiveShell, Status
from aftershock.app.live.source import LiveSource
from aftershock.app.live.step import LiveStep
from aftershock.app.outcome import Effect
from aftershock.app.settings import Choice, Settings
from aftershock.core.engine import Engine
from aftershock.errors import ConfigError, InputError
from aftershock.model.review import ReviewMode
from aftershock.review.config import GatewayConfig
from aftershock.review.lane import LaneReport
from aftershock.review.process import GatewayProcess

__all__ = ["LiveWatch", "ReviewPlan", "implied_by", "refuse_real_orders", "run_live", "with_fast_loop"]

T = TypeVar("T")

_PROBE_S = 15.0
_PATIENCE_S = 2.0

_GUARD = "live: a feed that is late, silent or alone is no edge (docs/decision.md, Guards)"


class LiveWatch(msgspec.Struct, frozen=True, kw_only=True):
    """Who looks on, and whose clocks are used.

    Attributes:
        on_effect: Gets each effect as it happens.
        on_status: Gets the state of things once a second.
        clock: Wall clock, ns UTC; `counter` a monotonic one.
        asked_to_stop: Signal that asked for the end before the run could listen itself; 0 for none.
        measured_from_ns: Durations before this moment of the wall clock are not in the report.
    """

    on_effect: Callable[[Effect], None] = lambda _: None
    on_status: Callable[[Status], None] = lambda _: None
    clock: Callable[[], int] = time.time_ns
    counter: Callable[[], int] = time.perf_counter_ns
    asked_to_stop: Callable[[], int] = int
    measured_from_ns: int = 0


class ReviewPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a run asks for a second opinion.

    Attributes:
        config: Of the gateway.
        providers: Who can be asked.
        on_start: Gets how they answered a known question.
    """

    config: GatewayConfig
    providers: Providers
    on_start: Callable[[tuple[LaneReport, ...]], None] = lambda _: None


def implied_by(live: LiveConfig) -> dict[str, Choice]:
    """Return what a live run implies for settings of the engine that nobody chose.

    Backpack does not count among the venues of liquidations: what the side of one means there is not known.
    """
    return {
        "clocks": Choice("two", "live: our clock and the venues'"),
        "forward": Choice("quotes", "live: perpetual quotes are subscribed"),
        "options_feed": Choice("stream", "live: a subscription confirms all its options"),
        "liquidation_venues": Choice(sum(each != BACKPACK for each in live.exchanges), "live.exchanges"),
        "max_quiet_move_bps": Choice(10.0, _GUARD),
        "max_feed_lag_ms": Choice(400.0, _GUARD),
        "min_peers": Choice(3, _GUARD),
        "maker_lag_ms": Choice(5_000.0, _GUARD),
        "static_needs_trigger": Choice(value=True, source=_GUARD),
    }


def refuse_real_orders(live: LiveConfig) -> None:
    """Refuse a configuration that asks for anything but paper.

    Raises:
        ConfigError: It does.
    """
    if live.trading != "paper":
        raise ConfigError("live trading is not delivered: orders are for paper only; remove `live.trading`")


async def run_live(
    sources: Sequence[LiveSource],
    settings: Settings,
    live: LiveConfig,
    *,
    terms: Terms | None = None,
    review: ReviewPlan | None = None,
    watch: LiveWatch | None = None,
) -> LiveResult:
    """Run the engine on live sources until the time is over, they end, or a signal asks for the end.

    Args:
        sources: Connections; they are closed at the end.
        settings: Of the engine.
        live: Length, journal, queue, latency of orders.
        terms: Instruments and fees that go before the bundled ones.
        review: Whom the engine's questions to a model go to; None for nobody: its deadlines then answer.
        watch: Who looks on.

    Raises:
        ConfigError: Live trading was asked for.
        InputError: The journal can't be written.
    """
    refuse_real_orders(live)
    watch, terms = watch or LiveWatch(), terms or Terms()
    table = terms.table()
    engine = Engine(settings.config, table)
    intake = Intake(live.queue_events, clock=watch.clock, counter=watch.counter)
    paper = PaperVenue(table, live.order_latency_ms)
    folder = Path(live.journal) if live.journal else None
    async with AsyncExitStack() as stack:
        recording = None
        if folder is not None:
            try:
                recording = stack.enter_context(LiveRecording(folder, settings.config, terms))
            except InputError:
                for source in sources:
                    await source.close()
                raise
        reviewer = await _reviewer(review, settings, intake, watch, stack)
        step = LiveStep(
            engine,
            intake,
            paper,
            recording=recording,
            on_effect=watch.on_effect,
            clock=watch.clock,
            counter=watch.counter,
        )
        step.reviewer = reviewer
        step.measured_from_ns = watch.measured_from_ns
        shell = LiveShell(step, intake, sources, seconds=live.seconds, on_status=watch.on_status)
        shell.asked_to_stop = watch.asked_to_stop
        await shell.run()
        seconds = shell.uptime_s
    return LiveResult(
        settings=settings,
        tally=step.tally,
        stats=engine.stats,
        stages=step.stages,
        paper=paper_result(engine, step.tally, paper, step.sequencer.last),
        gaps=step.gaps,
        reconnects=shell.reconnects,
        events_in=intake.events_in,
        events_lost=intake.events_lost,
        seconds=seconds,
        signal_number=shell.signal_number,
        failure=shell.failure,
        journal=folder,
        review=ReviewFigures() if reviewer is None else reviewer.figures(),
        sources=tuple(source.name for source in sources),
    )


async def _reviewer(
    review: ReviewPlan | None, settings: Settings, intake: Intake, watch: LiveWatch, stack: AsyncExitStack
) -> Reviewer | None:
    """Start the gateway, if the engine will ask anything."""
    mode = ReviewMode(settings.config.review.mode)
    if review is None or mode is ReviewMode.OFF:
        return None
    providers = review.providers
    if not providers.asked:
        return Reviewer(None, mode, intake.put, why_none=providers.why_none, clock=watch.clock)
    process = GatewayProcess(review.config, providers.asked)
    await process.start()
    stack.push_async_callback(process.stop, _PATIENCE_S)
    greeting = asyncio.ensure_future(_greet(process, review))  # market data does not wait for it
    stack.callback(greeting.cancel)
    return Reviewer(process, mode, intake.put, clock=watch.clock)


async def _greet(process: GatewayProcess, review: ReviewPlan) -> None:
    review.on_start(await process.ready(_PROBE_S))


def with_fast_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end, on uvloop where it is installed."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
