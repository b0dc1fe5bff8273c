"""`ArbitrageEngine`: the deterministic core behind the face that the article gave it."""

from __future__ import annotations

import asyncio
import math
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec

from aftershock.app.facade_text import final_report, signal_box
from aftershock.app.holysheep import HolySheepAPIClient
from aftershock.app.liquidation_dict import liquidation_of
from aftershock.app.live.connect import Connected, OpenSources, connect_backpack, open_sources
from aftershock.app.live.intake import Intake
from aftershock.app.live.paper import PaperVenue
from aftershock.app.live.report import LiveResult, paper_result
from aftershock.app.live.reviewer import Reviewer, ReviewFigures
from aftershock.app.live.run import implied_by, refuse_real_orders
from aftershock.app.live.shell import LiveShell
from aftershock.app.live.source import LiveSource
from aftershock.app.live.step import LiveStep
from aftershock.app.market_context import MarketContext
from aftershock.app.outcome import Effect
from aftershock.app.settings import Choice, Chosen, choose
from aftershock.core.engine import Engine
from aftershock.errors import AftershockError, ConfigError
from aftershock.model.events import Event, Liquidation
from aftershock.model.instruments import Instrument
from aftershock.model.review import ReviewMode
from aftershock.model.signals import Action, ArbitrageSignal
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NS_PER_S
from aftershock.venues.backpack.chain import OptionsChain
from aftershock.venues.backpack.client import BackpackOptionsClient

__all__ = ["ArbitrageEngine"]

_LONGEST_RUN_S = 1e7
_CHAIN = "options chain of Backpack"
_REVIEW = "review by a language model"


class ArbitrageEngine:
    """Finds options that are still priced for the world before a liquidation, and trades them on paper.

    Decisions come from quotes, option chains and liquidations by fixed rules with every cost in them. A language model
    may be asked beside them (`review.mode` is `shadow` with a `HolySheepAPIClient` that has a key), or stop an order
    (`veto`, `gate`). Settings come from `AFTERSHOCK_*` variables and the file that `AFTERSHOCK_CONFIG` names.

    Attributes:
        holysheep, tardis, backpack: As given.
        min_spread_bps: Floor under the threshold of every kind of edge, 1e-4 of the forward.
        max_latency_ms: Most data time between cause and decision.
        options_cache: What the Backpack client answered, by symbol; renewed after `cache_ttl_seconds`.
    """

    cache_ttl_seconds = 5

    def __init__(
        self,
        holysheep_client: object | None = None,
        tardis_client: object | None = None,
        backpack_client: object | None = None,
        min_spread_bps: float = 50.0,
        max_latency_ms: float = 100.0,
        *,
        instruments: Sequence[Instrument] = (),
        connect: OpenSources = open_sources,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """Take the clients; None switches a part off, and the final report says so.

        Args:
            holysheep_client: A `HolySheepAPIClient` gives second opinions; of any object `get_cost_report` is asked.
            tardis_client: A live source is listened to as it is; for any other object `run` connects to tardis-machine
                at `AFTERSHOCK_TARDIS_MACHINE_WS_URL`.
            backpack_client: Its `get_options_chain` is asked, if it has one; what a `BackpackOptionsClient` answers is
                judged, and `run` listens to its quotes.
            min_spread_bps: Floor under every threshold.
            max_latency_ms: Limit of data time.
            instruments: Terms that the bundled table does not know.
            connect: Opens live sources.
            clock: Wall clock, ns UTC.

        Raises:
            ConfigError: A setting is out of bounds or unknown.
        """
        self.holysheep, self.tardis, self.backpack = holysheep_client, tardis_client, backpack_client
        self.min_spread_bps, self.max_latency_ms = min_spread_bps, max_latency_ms
        self.options_cache: dict[str, Any] = {}
        self._cached_at: dict[str, int] = {}
        self._connect, self._clock = connect, clock
        self._environment = dict(os.environ)
        chosen = _chosen(self._environment, min_spread_bps, max_latency_ms, holysheep_client)
        self._live = chosen.settle_live().config
        refuse_real_orders(self._live)
        self._settings = chosen.settle(implied_by(self._live))
        self._mode = ReviewMode(self._settings.config.review.mode)
        self._table = InstrumentTable(tuple(instruments))
        self._core = Engine(self._settings.config, self._table)
        self._context = MarketContext(self._table)
        self._intake = Intake(self._live.queue_events, clock=clock)
        self._paper = PaperVenue(self._table, self._live.order_latency_ms)
        self._step = LiveStep(
            self._core,
            self._intake,
            self._paper,
            on_event=self._on_event,
            on_effect=self._on_effect,
            clock=clock,
        )
        self._fresh: list[ArbitrageSignal] | None = None
        self._knows_fees = False
        self._latency_sum, self._latency_count = 0.0, 0
        self._off: dict[str, str] = _what_is_off(holysheep_client, tardis_client, backpack_client)

    # --- what the article has -----------------------------------------------------------------------------------

    @property
    def liquidation_buffer(self) -> Mapping[str, Sequence[dict[str, Any]]]:
        """Return the liquidations of the last 30 seconds by symbol, oldest first."""
        return self._context.buffer

    @property
    def metrics(self) -> dict[str, float]:
        """Return counts of decisions, their mean latency and the model's cost.

        `avg_latency_ms` is data time from cause to decision, over the decisions that know it; `total_cost_usd` is what
        the model client says that it spent.
        """
        counts = self._step.tally.decisions()
        return {
            "total_signals": self._step.tally.decided,
            "buy_signals": counts["BUY"],
            "sell_signals": counts["SELL"],
            "hold_signals": counts["HOLD"],
            "avg_latency_ms": self._latency_sum / self._latency_count if self._latency_count else 0.0,
            "total_cost_usd": self._cost_usd(),
        }

    async def process_liquidation_event(self, event: Mapping[str, Any]) -> list[ArbitrageSignal]:
        """Give the engine one liquidation, and return the decisions that were made by the time it was processed.

        A single liquidation is no cascade, and without quotes there is nothing to judge: most calls decide nothing.

        Args:
            event: `{"symbol", "price", "size", "side"}` as in the article, or a liquidation of Tardis' normalizers.

        Raises:
            InputError: The dict is no liquidation; says which key and why.
        """
        liquidation = liquidation_of(event, self._clock(), self._table)
        await self._refresh_chain(liquidation.symbol)
        await self._start_review()
        self._intake.offer(liquidation)
        decided = self._fresh = []
        while (received := self._intake.take()) is not None:
            self._step.take(received)
        self._fresh = None
        return decided

    def market_context(self, symbol: str) -> dict[str, Any]:
        """Return figures of the liquidations of the last 30 seconds of a symbol; what can't be known is None."""
        return self._context.describe(symbol, self._clock())

    async def run(self, duration_seconds: float = 60) -> LiveResult:
        """Listen, decide and trade on paper for so long, then print the final report.

        Args:
            duration_seconds: Length of the run.

        Raises:
            ConfigError: The length is none.
            UnreachableError: Nobody delivers market data.
        """
        if not 0 <= duration_seconds <= _LONGEST_RUN_S:
            raise ConfigError(f"duration_seconds is a number of seconds from 0 to 1e7, not {duration_seconds!r}")
        parts = [await self._sources(), await self._backpack_sources()]
        for part in parts:
            self._table.add(part.terms.instruments, part.terms.fees)
        await self._start_review()
        sources = [source for part in parts for source in part.sources] or [_Silent()]
        shell = LiveShell(self._step, self._intake, sources, seconds=max(duration_seconds, 1e-3), listens=False)
        await shell.run()
        result = self._report(shell, sources)
        sys.stdout.write(final_report(self.metrics, result, self.max_latency_ms, self._off) + "\n")
        if shell.failure is not None:
            raise shell.failure
        return result

    # --- behind it ----------------------------------------------------------------------------------------------

    async def _start_review(self) -> None:
        """Start the model's gateway before the first question."""
        model = self.holysheep
        if self._mode is ReviewMode.OFF or self._step.reviewer is not None or not isinstance(model, HolySheepAPIClient):
            return
        why_none = model.providers.why_none
        process = None if why_none else await model.start()
        self._step.reviewer = Reviewer(process, self._mode, self._intake.put, why_none=why_none, clock=self._clock)

    async def _sources(self) -> Connected:
        if self.tardis is None:
            return Connected(sources=[])
        if hasattr(self.tardis, "__aiter__") and hasattr(self.tardis, "close"):
            source: LiveSource = self.tardis  # type: ignore[assignment]  # what a source has is asked for above
            return Connected(sources=[source])
        return await self._connect(self._live, self._environment)

    async def _backpack_sources(self) -> Connected:
        """Listen to Backpack's options; that it lists none is told and is no end."""
        if not isinstance(self.backpack, BackpackOptionsClient):
            return Connected(sources=[])
        try:
            return await connect_backpack(self.backpack, self._live.assets, perpetuals=False, options=True)
        except AftershockError as error:
            self._off[_CHAIN] = str(error)
            return Connected(sources=[])

    async def _refresh_chain(self, symbol: str) -> None:
        """Ask the Backpack client for a chain whose last answer is too old; a failure is told and is no end."""
        ask = getattr(self.backpack, "get_options_chain", None)
        now = self._clock()
        if ask is None or now - self._cached_at.get(symbol, -(2**62)) < self.cache_ttl_seconds * NS_PER_S:
            return
        self._cached_at[symbol] = now
        try:
            chain = self.options_cache[symbol] = await ask(symbol)
            if isinstance(chain, OptionsChain):
                await self._judge(chain)
        except AftershockError as error:
            self.options_cache.pop(symbol, None)
            self._off[_CHAIN] = str(error)
        except Exception as error:  # noqa: BLE001 - anybody's client, and its text may hold anything
            self.options_cache.pop(symbol, None)
            self._off[_CHAIN] = f"the client failed with {type(error).__name__}"

    async def _judge(self, chain: OptionsChain) -> None:
        """Give the engine a chain, its contracts and the fees of the account."""
        if not self._knows_fees and isinstance(self.backpack, BackpackOptionsClient) and self.backpack.has_key:
            self._knows_fees = True
            self._table.add((), await self.backpack.fees())
        self._table.add(chain.instruments)
        self._intake.offer(chain.quotes())
        self._off.pop(_CHAIN, None)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Liquidation):
            self._context.add(event)

    def _on_effect(self, effect: Effect) -> None:
        if not isinstance(effect, ArbitrageSignal):
            return
        if self._fresh is not None:
            self._fresh.append(effect)
        if math.isfinite(effect.latency_ms):
            self._latency_sum += effect.latency_ms
            self._latency_count += 1
        if effect.action is not Action.HOLD:
            sys.stdout.write(signal_box(effect) + "\n")

    def _cost_usd(self) -> float:
        report = getattr(self.holysheep, "get_cost_report", None)
        if report is None:
            return 0.0
        cost = report().get("total_cost_usd", 0.0)
        return float(cost)

    def _report(self, shell: LiveShell, sources: Sequence[LiveSource]) -> LiveResult:
        step = self._step
        return LiveResult(
            settings=self._settings,
            tally=step.tally,
            stats=self._core.stats,
            stages=step.stages,
            paper=paper_result(self._core, step.tally, self._paper, step.sequencer.last),
            gaps=step.gaps,
            reconnects=shell.reconnects,
            events_in=self._intake.events_in,
            events_lost=self._intake.events_lost,
            seconds=shell.uptime_s,
            signal_number=0,
            failure=shell.failure,
            journal=None,
            review=ReviewFigures() if step.reviewer is None else step.reviewer.figures(),
            sources=tuple(source.name for source in sources),
        )


class _Silent(AsyncIterator[Event]):
    """No market data: only what `process_liquidation_event` brings."""

    name = "nothing: tardis is off"
    reconnects = 0

    def __init__(self) -> None:
        self._closed = asyncio.Event()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        await self._closed.wait()
        raise StopAsyncIteration

    async def close(self) -> None:
        self._closed.set()


def _chosen(environment: Mapping[str, str], min_spread_bps: float, max_latency_ms: float, model: object) -> Chosen:
    file = environment.get("AFTERSHOCK_CONFIG")
    chosen = choose({}, environment, Path(file) if file else None)
    arguments: dict[str, object] = {"min_spread_bps": min_spread_bps, "max_latency_ms": max_latency_ms}
    named = {key: Choice(value, f"argument {key}") for key, value in arguments.items()}
    if isinstance(model, HolySheepAPIClient) and model.has_key and chosen.is_open("review.mode"):
        named["review.mode"] = Choice(ReviewMode.SHADOW.value, "argument holysheep_client")
    return msgspec.structs.replace(chosen, choices={**chosen.choices, **named})


def _what_is_off(model: object, tardis: object, backpack: object) -> dict[str, str]:
    off = {}
    if model is None:
        off[_REVIEW] = "no client was given: the rules alone decide"
    elif not isinstance(model, HolySheepAPIClient):
        off[_REVIEW] = "what was given is no HolySheepAPIClient: only its cost is asked"
    elif not model.has_key:
        off[_REVIEW] = model.providers.why_none
    if tardis is None:
        off["market data of Tardis"] = "no client was given: only process_liquidation_event brings events"
    if backpack is None:
        off[_CHAIN] = "no client was given"
    else:
        off[_CHAIN] = "kept in options_cache; judged if it is a chain of Backpack's client, which lists none today"
    off["real orders"] = "paper only"
    return off
