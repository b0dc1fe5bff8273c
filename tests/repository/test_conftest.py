"""The rules of tests/conftest.py bite: no unmarked input or output, no silent skip where data is required."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository.tree import ROOT


def test_an_unmarked_test_can_start_no_process() -> None:
    with pytest.raises(RuntimeError, match=r"mark it with @pytest\.mark\.subprocess"):
        subprocess.run([sys.executable, "--version"], check=False)


def test_an_unmarked_test_can_open_no_connection() -> None:
    with socket.socket() as end, pytest.raises(RuntimeError, match=r"mark it with @pytest\.mark\.sockets"):
        end.bind(("127.0.0.1", 0))


@pytest.mark.sockets
def test_a_marked_test_can_bind_to_loopback() -> None:
    with socket.socket() as end:
        end.bind(("127.0.0.1", 0))

        assert end.getsockname()[1] > 0


def outcome_of_a_test_with_data(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one test that uses the recorded data, under our conftest."""
    shutil.copy(ROOT / "tests" / "conftest.py", folder)
    (folder / "test_one.py").write_text("def test_one(shared_data): assert shared_data.is_dir()\n", encoding="utf-8")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AFTERSHOCK_")}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-ra",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(folder),
        str(folder),
    ]
    return subprocess.run(
        command, cwd=folder, env=clean | environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.subprocess
def test_without_recorded_data_its_tests_are_skipped_and_say_what_to_set(tmp_path: Path) -> None:
    result = outcome_of_a_test_with_data(tmp_path, AFTERSHOCK_DATA=str(tmp_path / "nowhere"))

    assert result.returncode == 0, result.stdout
    assert "1 skipped" in result.stdout
    assert "name its folder in AFTERSHOCK_DATA" in result.stdout


@pytest.mark.subprocess
def test_without_recorded_data_that_is_required_its_tests_fail(tmp_path: Path) -> None:
    result = outcome_of_a_test_with_data(
        tmp_path, AFTERSHOCK_DATA=str(tmp_path / "nowhere"), AFTERSHOCK_REQUIRE="node, data"
    )

    assert result.returncode == 1, result.stdout
    assert "AFTERSHOCK_REQUIRE lists data" in result.stdout


@pytest.mark.subprocess
def test_recorded_data_is_read_from_the_folder_that_is_named(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "README.md").touch()

    result = outcome_of_a_test_with_data(tmp_path, AFTERSHOCK_DATA=str(data), AFTERSHOCK_REQUIRE="data")

    assert "1 passed" in result.stdout
