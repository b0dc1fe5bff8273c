"""The same events through the engine twice: in process, and as Tardis files that are replayed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import msgspec

from aftershock.app.in_process import InProcessResult, run_in_process
from aftershock.app.inputs import Given, open_inputs
from aftershock.app.records import encode_effect, encode_stats
from aftershock.app.replay import ReplayOptions, ReplayResult, Watch, replay, run
from aftershock.app.settings import Settings, choose, config_keys
from aftershock.core.config import EngineConfig
from aftershock.model.events import Event, Liquidation
from aftershock.model.instruments import Instrument
from aftershock.model.liquidations import Completeness
from aftershock.model.order import total_order
from aftershock.model.table import InstrumentTable
from aftershock.sim.market.instruments_file import unknown_to_the_table, write_instruments
from aftershock.sim.market.tardis_files import carried, write_tardis_files
from tests.core.shock import batched, timeline

Said = list[tuple[int, bytes]]


@cache
def shock() -> tuple[Event, ...]:
    """Return the crash of the core's tests without faults, its liquidations as that venue's files are read."""
    return tuple(
        msgspec.structs.replace(event, completeness=Completeness.THROTTLED) if isinstance(event, Liquidation) else event
        for event in batched(timeline([]))
        if carried(event)  # no file holds a timer
    )


def in_process(
    events: Iterable[Event], config: EngineConfig, given_terms: Sequence[Instrument] = ()
) -> tuple[Said, InProcessResult]:
    said: Said = []
    result = run_in_process(
        events, config, InstrumentTable(tuple(given_terms)), on_effect=lambda effect: said.append(encode_effect(effect))
    )
    return [*said, encode_stats(result.stats)], result


def written(folder: Path, events: Iterable[Event], given_terms: Sequence[Instrument] = ()) -> tuple[list[Given], Path]:
    """Write the events; return the files, and the one of instruments."""
    folder.mkdir(parents=True, exist_ok=True)
    files = write_tardis_files(folder, events, given_terms).files
    write_instruments(folder / "instruments.json", unknown_to_the_table(given_terms))
    return [Given(file.path) for file in files], folder / "instruments.json"


def replayed(files: tuple[list[Given], Path], config: EngineConfig | None = None) -> tuple[Said, ReplayResult]:
    """Replay files under a configuration, or under the one that they imply."""
    said: Said = []
    watch = Watch(on_effect=lambda effect: said.append(encode_effect(effect)))
    if config is None:
        result = replay(ReplayOptions(given=files[0], chosen=choose(), instruments=files[1]), watch)
    else:
        chosen = Settings(config, dict.fromkeys(config_keys(), "test"))
        result = run(open_inputs(files[0], files[1]), chosen, watch)
    return [*said, encode_stats(result.stats)], result


def ordered(events: Iterable[Event]) -> list[Event]:
    return list(total_order(events))
