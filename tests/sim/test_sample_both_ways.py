"""The sample's first shock, run in process and written again, says the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from aftershock.model.events import OptionQuotes
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NS_PER_S
from aftershock.venues.tardis import merge, open_source
from tests.app.both_ways import in_process, ordered, replayed, written
from tests.sim.tardis_rows import Sample, micros


@pytest.mark.slow
def test_the_samples_cascade_in_process_is_a_replay_of_its_files(sample: Sample, tmp_path: Path) -> None:
    begins = 1_000 * micros(sample.truth()["shocks"][0]["from"])
    table = InstrumentTable()
    rows = merge([open_source(path, index=i, table=table) for i, path in enumerate(sample.paths)])
    events = [
        row
        for event in rows
        for row in (event.moments() if isinstance(event, OptionQuotes) else (event,))
        if begins - 120 * NS_PER_S <= row.ts_init < begins + 6 * NS_PER_S
    ]
    theirs, replay = replayed(written(tmp_path, ordered(events)))
    ours, run = in_process(events, replay.settings.config)
    assert ours == theirs
    assert run.outcome.document() == replay.outcome.document()
    assert len(run.outcome.signals) > 5
