"""The demonstration: a simulated shock written, replayed, journalled, its best decision taken apart, then the truth."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from aftershock.app.chain_build import chain_key, chains_at
from aftershock.app.chain_view import ChainView, view_chain
from aftershock.app.demo_truth import Truth, decided, reveal
from aftershock.app.explain import Explanation, explain
from aftershock.app.inputs import Given, open_inputs
from aftershock.app.market_session import MarketSession
from aftershock.app.outcome import Outcome
from aftershock.app.plain import ranked
from aftershock.app.replay import ReplayOptions, ReplayResult, Watch, replay
from aftershock.app.settings import Chosen
from aftershock.app.simulation import Request, Simulation, simulate
from aftershock.errors import UsageError
from aftershock.model.signals import Action, ArbitrageSignal, EdgeType, TriggerKind
from aftershock.model.units import NS_PER_S
from aftershock.sim.market.session import Session
from aftershock.venues.tardis import merge

__all__ = ["DEFAULT_SEED", "HOLDS_WITHIN_S", "Demonstration", "demonstrate"]

DEFAULT_SEED = 32
"""Chosen because its replay both buys and sells in a cascade; docs/simulation.md says how many seeds order anything."""
HOLDS_WITHIN_S = 1

_KIND = "S1"
_HOURS = 67 / 60  # the slow hour before, and the seven minutes around the shock


class Demonstration(msgspec.Struct, frozen=True, kw_only=True):
    """What a demonstration shows; `best` and `chain` are None where nothing was decided.

    Attributes:
        seed: Of the market.
        simulation: What was written.
        result: Its replay, with a journal.
        best: Of the orders on a stale quote that with the largest net edge, those of a cascade before those of a price
            move; without any, the best decision of the journal.
        chain: That of its expiry at its moment.
        holds: HOLD decisions by reason within `HOLDS_WITHIN_S` of it.
        truth: What the engine never saw; None if the replay was interrupted.
    """

    seed: int
    simulation: Simulation
    result: ReplayResult
    best: Explanation | None
    chain: ChainView | None
    holds: dict[str, int]
    truth: Truth | None

    def document(self) -> dict[str, Any]:
        """Return the JSON document of `demo`."""
        return {
            **self.result.document(),
            "synthetic": True,
            "seed": self.seed,
            "best": None if self.best is None else self.best.document(),
            "chain": None if self.chain is None else self.chain.document(),
            "holds_around": self.holds,
            "truth": None if self.truth is None else self.truth.document(),
        }


def demonstrate(folder: Path, seed: int, chosen: Chosen, watch: Watch) -> Demonstration:
    """Write an episode with a stalled maker into `folder/data`, replay it into `folder/journal`, explain and judge.

    Raises:
        UsageError: The folder already holds a demonstration.
        InputError: The folder can't be written.
    """
    data, journal = folder / "data", folder / "journal"
    if data.exists() or journal.exists():
        raise UsageError(f"{folder} already holds a demonstration: name a new folder")
    request = Request(seed=seed, hours=round(_HOURS, 2), world="base", makers="slow", folder=data, command="demo")
    simulation = simulate(MarketSession(_market(seed)), request, should_stop=watch.should_stop)
    given = [Given(file.path) for file in simulation.written.files]
    options = ReplayOptions(given=given, chosen=chosen, instruments=simulation.instruments, journal=journal)
    result = replay(options, watch)
    outcome = result.outcome
    best = explain(journal, _shown(outcome)) if outcome.signals else None
    signal = None if best is None else best.signal
    whole = not (simulation.interrupted or result.interrupted)
    return Demonstration(
        seed=seed,
        simulation=simulation,
        result=result,
        best=best,
        chain=None if signal is None else _chain(simulation, signal, result.settings.config.options_feed),
        holds={} if signal is None else _holds(outcome, signal),
        truth=reveal(_market(seed), signal, decided(outcome.approved, outcome.signals)) if whole else None,
    )


def _market(seed: int) -> Session:
    """Return one shock during which one of a venue's slow makers stands still."""
    return Session(seed, makers="slow", count=1, decoys=(_KIND,))


def _shown(outcome: Outcome) -> str:
    """Return which decision to explain."""
    stale = [
        signal
        for signal in outcome.signals
        if signal.action is not Action.HOLD
        and signal.edge_type is EdgeType.STALE_QUOTE
        and signal.trigger_kind in {TriggerKind.CASCADE, TriggerKind.PRICE_MOVE}
    ]
    if not stale:
        return "best"
    return max(stale, key=lambda each: (each.trigger_kind is TriggerKind.CASCADE, each.spread_bps)).signal_id


def _holds(outcome: Outcome, around: ArbitrageSignal) -> dict[str, int]:
    near = [each for each in outcome.signals if abs(each.ts_init - around.ts_init) <= HOLDS_WITHIN_S * NS_PER_S]
    return ranked(Counter(each.reason.value for each in near if each.action is Action.HOLD))


def _chain(simulation: Simulation, signal: ArbitrageSignal, feed: str) -> ChainView | None:
    """Return the chain of the decision's expiry at its moment, aligned to its forward; None for no option."""
    files = simulation.written.files
    options = [Given(file.path) for file in files if file.kind == "options_chain"]
    if not signal.legs or not options:
        return None
    inputs = open_inputs(options, simulation.instruments)
    option = inputs.table.resolve(signal.legs[0].venue, signal.legs[0].symbol)
    if option is None or option.is_call is None:
        return None
    chains, now = chains_at(merge(inputs.sources), inputs.table, signal.ts_init, feed)
    chosen = {key: chain for key, chain in chains.items() if key == chain_key(option)}
    return view_chain(chosen, now, expiry_ns=option.expiry_ns, price=signal.forward)
