"""Recorded files through the engine."""

from __future__ import annotations

from pathlib import Path

from aftershock.core.config import EngineConfig
from aftershock.core.engine import Effect, Engine
from aftershock.model.events import EndOfInput, Event
from aftershock.model.table import InstrumentTable
from aftershock.venues.tardis import merge, open_source

OPTIONS_2023 = "deribit_options_chain_2023-04-13_OPTIONS.csv.gz"
OPTIONS_2026 = "deribit_options_chain_2026-03-04_OPTIONS.csv.gz"
LIQUIDATIONS_2026 = "okex-swap_liquidations_2026-03-04_PERPETUALS.csv.gz"


def events_of(folder: Path, *names: str, row_limit: int | None = None) -> list[Event]:
    """Return the merged events of recorded Tardis files."""
    table = InstrumentTable()
    paths = [folder / "tardis" / name for name in names]
    return list(merge([open_source(p, index=i, table=table, row_limit=row_limit) for i, p in enumerate(paths)]))


def replayed(events: list[Event], config: EngineConfig) -> tuple[Engine, list[Effect]]:
    """Return an engine after the events and the end of the input, and what it said."""
    engine = Engine(config, InstrumentTable())
    effects = [effect for event in events for effect in engine.process(event)]
    last = events[-1].ts_init
    return engine, effects + engine.process(EndOfInput(ts_event=last, ts_init=last))
