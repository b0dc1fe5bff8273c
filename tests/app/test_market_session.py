"""The simulated market as `simulate` writes it: its files replay to what its events say, its truth is kept apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aftershock.app.inputs import Given
from aftershock.app.market_session import MarketSession, market_session
from aftershock.app.simulation import Request, Session, Simulation, simulate
from aftershock.model.signals import Action
from aftershock.sim.market import session as market
from aftershock.sim.market.tardis_files import carried
from tests.app.both_ways import in_process, replayed

INTENDED = {"clocks": "two", "forward": "quotes", "liquidation_venues": 4, "options_feed": "stream"}


def stalled(seed: int) -> MarketSession:
    """Return one episode with a stalled maker and no fault of a feed."""
    return MarketSession(market.Session(seed, makers="slow", count=1, decoys=("S1",)))


def write(session: Session, folder: Path) -> Simulation:
    return simulate(session, Request(seed=1, hours=1.0, world="base", makers="slow", folder=folder))


@pytest.mark.slow
def test_an_episode_in_process_is_a_replay_of_its_files(tmp_path: Path) -> None:
    written = write(stalled(29), tmp_path)
    assert written.instruments is not None
    theirs, replay = replayed(([Given(file.path) for file in written.written.files], written.instruments))
    session = stalled(29)
    ours, run = in_process(filter(carried, session.events()), replay.settings.config, session.instruments)
    assert ours == theirs
    assert run.outcome.document() == replay.outcome.document()
    assert {signal.action for signal in run.outcome.signals} == set(Action)
    assert not written.written.not_carried


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "makers"), [(0, "slow"), (7, "fast"), (8, "slow")])
def test_a_replay_infers_the_settings_that_the_market_was_made_for(tmp_path: Path, seed: int, makers: str) -> None:
    written = write(market_session(seed, 1.0, "base", "slow" if makers == "slow" else "fast"), tmp_path)
    assert {key: choice.value for key, choice in written.implied.items()} == INTENDED


def test_the_truth_has_a_line_for_each_episode_with_its_quotes_worth_taking(tmp_path: Path) -> None:
    """Two fit into 143 minutes. What is under way as the first ends arrives in order, or nothing could be written."""
    written = write(market_session(0, 143 / 60, "base", "slow"), tmp_path)
    head, *episodes = map(json.loads, written.truth.read_text(encoding="utf-8").splitlines())
    assert "hidden truth" in head["SYNTHETIC"]
    assert [episode["episode"] for episode in episodes] == [0, 1]
    for episode in episodes:
        assert episode["start"] < episode["onset"] < episode["end"]
        assert episode["regimes"][0]["from"] <= episode["start"]
        for each in episode["opportunities"]:
            assert episode["start"][:13] <= each["start"] <= each["end"] <= episode["end"]
            assert each["peak_bps"] > 0
            assert each["side"] in {"ask", "bid"}
    assert any(episode["opportunities"] for episode in episodes)


def test_what_is_planted_is_told_with_times(tmp_path: Path) -> None:
    truth = write(stalled(29), tmp_path).truth.read_text(encoding="utf-8").splitlines()[1]
    episode = json.loads(truth)
    (stall,) = episode["planted"]["stalls"]
    assert episode["kind"] == "S1"
    assert stall["outage"]["stalled"]
    assert stall["outage"]["from"] < episode["onset"] < stall["outage"]["to"]


def test_half_an_hour_is_still_an_episode_and_a_day_is_all_twenty() -> None:
    for hours, episodes in ((0.5, 1), (71 / 60, 1), (142 / 60, 2), (24.0, 20)):
        session = market_session(3, hours, "shifted", "fast")
        assert len(session.plans) == episodes
