"""Option chains as they stood at a moment, built from recorded quotes alone: no engine, no decision."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np

from aftershock.core.chain import Chain
from aftershock.model.events import Event, OptionQuotes
from aftershock.model.instruments import Instrument
from aftershock.model.table import InstrumentTable

__all__ = ["Chains", "chain_key", "chains_at"]

Chains = dict[tuple[str, str], Chain]
"""By venue and underlying; options settled in a quote currency are a chain of their own, such as `SOL_USDC`."""


def chains_at(events: Iterable[Event], table: InstrumentTable, until_ns: int | None, feed: str) -> tuple[Chains, int]:
    """Build the chains as they stood.

    Args:
        events: In order; only option quotes count.
        table: To resolve symbols.
        until_ns: Last `ts_init` that counts; None for all.
        feed: `stream` or `poll`.

    Returns:
        Chains by (venue, underlying), and the moment: `until_ns`, or that of the last quote.
    """
    chains: Chains = {}
    last = 0
    for event in events:
        if not isinstance(event, OptionQuotes):
            continue
        quotes = event
        if until_ns is not None and quotes.ts_init > until_ns:
            stop = int(np.searchsorted(quotes.row_ts_init, until_ns, side="right"))
            if stop == 0:
                break
            quotes = quotes.slice(0, stop)
        _write(chains, quotes, table, feed)
        last = quotes.ts_init
        if quotes is not event:
            break
    moment = last if until_ns is None else until_ns
    for chain in chains.values():
        chain.roll(moment)
    return chains, moment


def chain_key(option: Instrument) -> tuple[str, str]:
    """Return the chain of an option: settled in coin and in the quote currency are two, of equal strikes."""
    return option.venue, option.underlying if option.inverse else f"{option.underlying}_{option.quote}"


def _write(chains: Chains, quotes: OptionQuotes, table: InstrumentTable, feed: str) -> None:
    by_chain: dict[tuple[str, str], tuple[list[int], list[int]]] = {}
    for i, symbol in enumerate(quotes.symbols):
        instrument = table.resolve(quotes.stream.venue, symbol)
        if instrument is None or instrument.expiry_ns is None or instrument.is_call is None:
            continue
        key = chain_key(instrument)
        if key not in chains:
            chains[key] = Chain(*key, confirms_stream=feed == "stream")
        row = chains[key].row(symbol)
        at, rows = by_chain.setdefault(key, ([], []))
        at.append(i)
        rows.append(chains[key].list_instrument(instrument) if row is None else row)
    for key, (at, rows) in by_chain.items():
        chosen = quotes if len(at) == len(quotes) else _pick(quotes, at)
        chains[key].update_batch(chosen, np.array(rows, dtype=np.int64))


def _pick(quotes: OptionQuotes, at: list[int]) -> OptionQuotes:
    return msgspec.structs.replace(
        quotes,
        symbols=[quotes.symbols[i] for i in at],
        row_ts_event=quotes.row_ts_event[at],
        row_ts_init=quotes.row_ts_init[at],
        columns={name: column[at] for name, column in quotes.columns.items()},
        underlying_index=[quotes.underlying_index[i] for i in at],
    )
