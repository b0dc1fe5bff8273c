"""The demonstration: the sandbox in a process of its own, the live system connected to it, and at the end the truth.

Nothing is staged beyond what the simulated market is: clients, decoder, engine, journal and paper venue are those of
`aftershock run`, over sockets.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from aftershock.app.demo_truth import Truth, decided, is_drawn, reveal
from aftershock.app.explain import Explanation, explain
from aftershock.app.live.config import LiveConfig
from aftershock.app.live.connect import open_sources
from aftershock.app.live.report import LiveResult
from aftershock.app.live.reviewer import chosen_providers
from aftershock.app.live.run import LiveWatch, ReviewPlan, implied_by, run_live, with_fast_loop
from aftershock.app.live.shell import Status
from aftershock.app.outcome import Effect
from aftershock.app.sandbox import SandboxOptions, SandboxProcess
from aftershock.app.settings import Chosen
from aftershock.errors import UsageError
from aftershock.model.signals import Action, ArbitrageSignal, EdgeType, TriggerKind
from aftershock.model.units import NS_PER_S
from aftershock.sim.market.endless import EndlessMarket
from aftershock.sim.servers.pace import Pace
from aftershock.venues.connection.clock import SystemClock
from aftershock.venues.connection.library import need_aiohttp

__all__ = ["DEFAULT_SECONDS", "DEFAULT_SEED", "WARM_UP_S", "Demonstration", "MarketClock", "demonstrate"]

DEFAULT_SEED = 95
"""Chosen because its run both buys and sells in a cascade; of seeds 1 to 99 a quarter order nothing."""
DEFAULT_SECONDS = 30.0
WARM_UP_S = 85.0
"""The forward of an engine that has just started is not known for more than a minute: so much market is played fast."""
_WARM_UP_TAKES_S = 5.0
_BEGINS_IN_S = 1.0
_SHOCK_AFTER_S = 4.0
_KINDS = ("S1",)
_EXCHANGES = ("binance-futures", "bybit", "deribit", "ftx-restart", "okex-swap")
_OPTION_VENUES = ("deribit", "okex-options", "backpack")


class Demonstration(msgspec.Struct, frozen=True, kw_only=True):
    """What a demonstration shows.

    Attributes:
        seed: Of the market.
        seconds: In real time, after the warm-up.
        result: Of the live run.
        best: Of the orders on a stale quote that with the largest net edge, those of a cascade before those of a price
            move; without any, the best decision of the journal; None if nothing was decided.
        truth: What the engine never saw.
    """

    seed: int
    seconds: float
    result: LiveResult
    best: Explanation | None
    truth: Truth

    def document(self) -> dict[str, Any]:
        """Return the JSON document of `demo`."""
        return {
            **self.result.document(),
            "synthetic": True,
            "seed": self.seed,
            "best": None if self.best is None else self.best.document(),
            "truth": self.truth.document(),
        }


class MarketClock(SystemClock):
    """The market's clock: ours, but for the warm-up, in which it runs fast."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace

    def wall_ns(self) -> int:
        """Return nanoseconds UTC."""
        return self._pace.market_ns(time.time_ns())


def demonstrate(
    folder: Path,
    seed: int,
    seconds: float,
    chosen: Chosen,
    *,
    on_effect: Callable[[Effect], None] = lambda _: None,
    on_status: Callable[[Status], None] = lambda _: None,
    asked_to_stop: Callable[[], int] = int,
) -> Demonstration:
    """Start the sandbox, run the live system on it, explain its best decision and judge it by the truth.

    Args:
        folder: Gets the journal, in `journal`.
        seed: Of the market.
        seconds: Length in real time.
        chosen: Settings of the engine; what to listen to is the demonstration's own.
        on_effect: Gets each effect as it happens.
        on_status: Gets the state of things once a second.
        asked_to_stop: Signal that asked for the end before the run could listen itself; 0 for none.

    Raises:
        UsageError: The folder already holds a demonstration.
        UnreachableError: The sandbox did not start.
        InputError: The folder can't be written.
    """
    need_aiohttp()
    journal = folder / "journal"
    if journal.exists():
        raise UsageError(f"{folder} already holds a demonstration: name a new folder")
    options = SandboxOptions(
        seed=seed,
        kinds=_KINDS,
        shock_after_s=_SHOCK_AFTER_S,
        warm_up_s=WARM_UP_S,
        warm_up_takes_s=_WARM_UP_TAKES_S,
        begins_in_s=_BEGINS_IN_S,
    )
    with SandboxProcess(options) as sandbox:
        live = LiveConfig(exchanges=_EXCHANGES, option_venues=_OPTION_VENUES, journal=str(journal), seconds=seconds)
        watch = LiveWatch(on_effect=on_effect, on_status=on_status, asked_to_stop=asked_to_stop)
        result = with_fast_loop(_run(sandbox.described, live, chosen, watch))
    return judged(sandbox.described, result, seconds)


async def _run(described: dict[str, Any], live: LiveConfig, chosen: Chosen, watch: LiveWatch) -> LiveResult:
    pace = msgspec.convert(described["pace"], Pace)
    clock = MarketClock(pace)
    environment = _environment(described)
    connected = await open_sources(live, environment, clock)
    gateway = chosen.settle_gateway().config
    warm_s = max(pace.live_from_ns - time.time_ns(), 0) / NS_PER_S
    settings = chosen.settle(implied_by(live))
    return await run_live(
        connected.sources,
        settings,
        msgspec.structs.replace(live, seconds=warm_s + live.seconds),
        terms=connected.terms,
        review=ReviewPlan(config=gateway, providers=chosen_providers(gateway, environment)),
        watch=msgspec.structs.replace(watch, clock=clock.wall_ns, measured_from_ns=pace.live_from_ns),
    )


def _environment(described: dict[str, Any]) -> dict[str, str]:
    """Return the variables that would point any client at the sandbox, and its keys."""
    keys = described["keys"]
    return {
        "AFTERSHOCK_TARDIS_API_URL": described["tardis_api"],
        "AFTERSHOCK_TARDIS_MACHINE_WS_URL": described["tardis_machine_ws"],
        "AFTERSHOCK_BACKPACK_REST_URL": described["backpack_rest"],
        "AFTERSHOCK_BACKPACK_WS_URL": described["backpack_ws"],
        "TARDIS_API_KEY": keys["tardis"],
        "BACKPACK_API_KEY": keys["backpack_api"],
        "BACKPACK_SECRET_KEY": keys["backpack_secret"],
        "AFTERSHOCK_HOLYSHEEP_URL": described["gateway"],
        "HOLYSHEEP_API_KEY": keys["gateway"],
    }


def judged(described: dict[str, Any], result: LiveResult, seconds: float) -> Demonstration:
    """Return a run with its best decision taken apart, and the truth about it."""
    tally, seed = result.tally, int(described["seed"])
    best = None
    if tally.signals and result.journal is not None:
        best = explain(result.journal, _shown(list(tally.signals)))
    episode = next(EndlessMarket(seed, int(described["begin_ns"]), kinds=_KINDS).episodes())
    orders = decided(tally.orders, tally.signals)
    signal = None if best is None else best.signal
    truth = reveal(seed, episode, signal, orders)
    return Demonstration(seed=seed, seconds=seconds, result=result, best=best, truth=truth)


def _shown(signals: list[ArbitrageSignal]) -> str:
    """Return which decision to explain."""
    stale = [
        signal
        for signal in signals
        if signal.action is not Action.HOLD
        and signal.edge_type is EdgeType.STALE_QUOTE
        and signal.trigger_kind in {TriggerKind.CASCADE, TriggerKind.PRICE_MOVE}
        and is_drawn(signal.legs)
    ]
    if not stale:
        return "best"
    return max(stale, key=lambda each: (each.trigger_kind is TriggerKind.CASCADE, each.spread_bps)).signal_id
