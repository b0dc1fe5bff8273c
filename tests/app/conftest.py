"""A tiny market on disk, and one replay of it with its journal, shared by every test that only reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from aftershock.app.inputs import Given
from aftershock.app.replay import ReplayOptions, ReplayResult, replay
from aftershock.app.settings import choose
from tests.app.market import write_market


@pytest.fixture(scope="session", name="market")
def _market(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_market(tmp_path_factory.mktemp("market"))


@pytest.fixture(scope="session", name="replayed")
def _replayed(market: list[Path], tmp_path_factory: pytest.TempPathFactory) -> ReplayResult:
    """Replay the market once; its journal is at `replayed.journal`."""
    folder = tmp_path_factory.mktemp("runs") / "journal"
    return replay(ReplayOptions(given=[Given(path) for path in market], chosen=choose(), journal=folder))


@pytest.fixture(scope="session", name="journal")
def _journal(replayed: ReplayResult) -> Path:
    assert replayed.journal is not None
    return replayed.journal
