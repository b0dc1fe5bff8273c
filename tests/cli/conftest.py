"""The tiny market for the command line, and a way to call it as a user would without starting a process."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from aftershock.cli.main import main
from tests.app.market import write_market


class Ran(msgspec.Struct, frozen=True):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """Return the last line of stderr, where the one sentence on a failure is."""
        return self.err.strip().splitlines()[-1] if self.err.strip() else ""


Run = Callable[..., Ran]


@pytest.fixture(scope="session", name="market")
def _market(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_market(tmp_path_factory.mktemp("market"))


@pytest.fixture(name="aftershock")
def _aftershock(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """Call the command line in this process, without settings from outside; traceback files go to a folder of ours."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("temporary")))
    monkeypatch.delenv("AFTERSHOCK_CONFIG", raising=False)

    def run(*arguments: object) -> Ran:
        code = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run


@pytest.fixture(name="journal")
def _journal(market: list[Path], aftershock: Run, tmp_path: Path) -> Path:
    folder = tmp_path / "journal"
    assert aftershock("replay", *market, "--journal", folder).code == 0
    return folder
