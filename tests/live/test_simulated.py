"""The shell on an episode of the simulated market, with contracts that only its listing knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from aftershock.app.live.journal import Terms
from aftershock.app.live.run import LiveWatch
from aftershock.app.verification import verify
from aftershock.core.config import EngineConfig
from aftershock.sim.market.session import Session
from tests.live.feed import Clock, FakeSource, live


@pytest.mark.slow
def test_an_episode_of_the_simulated_market_runs_live_and_reproduces(tmp_path: Path) -> None:
    session = Session(32, makers="slow", count=1, decoys=("S1",))
    clock = Clock()
    source = FakeSource(session.events(), clock, together=50)
    result = live(
        [source],
        EngineConfig(),
        journal=tmp_path / "journal",
        terms=Terms(instruments=session.listing.instruments),
        watch=LiveWatch(clock=clock),
    )

    assert result.events_in > 10_000
    assert result.events_lost == 0
    assert result.tally.decided > 0
    assert result.paper.orders > 0
    assert not result.stats.unknown_instruments
    assert result.stats.option_rows > 10_000
    assert verify(tmp_path / "journal").comparison.held == "identical"
