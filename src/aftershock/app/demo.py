"""The demonstration: a synthetic market written, replayed, journalled, and its best decision taken apart."""

from __future__ import annotations

from pathlib import Path

import msgspec

from aftershock.app.chain_build import chains_at
from aftershock.app.chain_view import ChainView, view_chain
from aftershock.app.explain import Explanation, explain
from aftershock.app.inputs import Given, open_inputs
from aftershock.app.replay import ReplayOptions, ReplayResult, Watch, replay
from aftershock.app.settings import Chosen
from aftershock.errors import AftershockError, InputError, UsageError
from aftershock.model.symbols import parse_symbol
from aftershock.sim.sample import write_sample
from aftershock.venues.tardis import merge

__all__ = ["Demonstration", "demonstrate"]


class Demonstration(msgspec.Struct, frozen=True, kw_only=True):
    """What a demonstration shows; `best` and `chain` are None where nothing was decided."""

    seed: int
    data: Path
    result: ReplayResult
    best: Explanation | None
    chain: ChainView | None


def demonstrate(folder: Path, seed: int, chosen: Chosen, watch: Watch) -> Demonstration:
    """Write the sample into `folder/data`, replay it into `folder/journal`, and explain the best decision.

    Raises:
        UsageError: The folder already holds a demonstration.
        InputError: The folder can't be written.
    """
    data, journal = folder / "data", folder / "journal"
    if data.exists() or journal.exists():
        raise UsageError(f"{folder} already holds a demonstration: name a new folder")
    try:
        paths = write_sample(data, seed)
    except OSError as error:
        raise InputError(f"can't write the sample into {data}: {error.strerror}; name another folder") from error
    result = replay(ReplayOptions(given=[Given(path) for path in paths], chosen=chosen, journal=journal), watch)
    best = explain(journal, "best") if result.outcome.signals else None
    return Demonstration(
        seed=seed,
        data=data,
        result=result,
        best=best,
        chain=None if best is None else _chain(paths, best, result.settings.config.options_feed),
    )


def _chain(paths: list[Path], best: Explanation, feed: str) -> ChainView | None:
    """Return the chain of the decision's expiry at its moment, aligned to its forward."""
    signal = best.signal
    leg = parse_symbol(signal.legs[0].venue, signal.legs[0].symbol) if signal.legs else None
    options = [Given(path) for path in paths if "options_chain" in path.name]
    if leg is None or not options:
        return None
    inputs = open_inputs(options)
    chains, now = chains_at(merge(inputs.sources), inputs.table, signal.ts_init, feed)
    try:
        return view_chain(chains, now, asset=signal.asset, expiry_ns=leg.expiry_ns, price=signal.forward)
    except AftershockError:
        return None
