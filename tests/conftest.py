"""What every test may rely on: the recorded data, reproducible properties, and no hidden input or output."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parents[1]

# Speed differs between machines and hours: a property is about values, so no example is judged by its time.
settings.register_profile("local", deadline=None)
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if os.environ.get("CI") else "local")

# Audit events that leave the process, and the marker a test needs to cause one.
_SOCKET_EVENTS = ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo")
_PROCESS_EVENTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty")
_MARKER_FOR = dict.fromkeys(_SOCKET_EVENTS, "sockets") | dict.fromkeys(_PROCESS_EVENTS, "subprocess")

_running: pytest.Item | None = None


def _refuse_what_is_not_marked(event: str, _arguments: object) -> None:
    marker = _MARKER_FOR.get(event)
    if marker is not None and _running is not None and _running.get_closest_marker(marker) is None:
        message = f"{_running.nodeid} causes {event}: mark it with @pytest.mark.{marker}"
        raise RuntimeError(message)


sys.addaudithook(_refuse_what_is_not_marked)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> object:
    """Let a test open sockets or start processes only if its markers say so, which `make check` relies on."""
    global _running  # noqa: PLW0603 - an audit hook can be neither removed nor given an argument
    _running = item
    try:
        return (yield)
    finally:
        _running = None


def required() -> list[str]:
    """Return what AFTERSHOCK_REQUIRE lists: things whose absence is a failure, not a skip."""
    return [name.strip() for name in os.environ.get("AFTERSHOCK_REQUIRE", "").split(",") if name.strip()]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of recorded venue data: AFTERSHOCK_DATA, else `shared/data` beside the repository."""
    folder = Path(os.environ.get("AFTERSHOCK_DATA") or REPOSITORY.parent / "shared" / "data")
    if folder.is_dir() and any(folder.iterdir()):
        return folder
    reason = f"no recorded data in {folder}: name its folder in AFTERSHOCK_DATA"
    if "data" in required():
        pytest.fail(f"{reason} (AFTERSHOCK_REQUIRE lists data)")
    pytest.skip(reason)
