"""`aftershock run`: what it prints, what it refuses, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

import aftershock.cli.run_command
from aftershock.app.live.config import LiveConfig
from aftershock.app.live.connect import Connected
from aftershock.app.live.report import LiveResult
from aftershock.app.live.run import LiveWatch, implied_by, run_live
from aftershock.cli.root import root
from aftershock.cli.run_command import run_command
from aftershock.errors import UnreachableError
from aftershock.model.events import OptionQuotes
from tests.cli.conftest import Run
from tests.core.market import T0
from tests.core.shock import batched, timeline
from tests.live.feed import Clock, FakeSource

REPOSITORY = Path(__file__).resolve().parents[2]
FAST = {
    "AFTERSHOCK_TRIGGER__WINDOW_S": "6",
    "AFTERSHOCK_TRIGGER__HISTORY_S": "1",
    "AFTERSHOCK_TRIGGER__CALM_S": "1",
    "AFTERSHOCK_BASIS_LAG_S": "1",
    "AFTERSHOCK_BASIS_HISTORY_S": "2",
    "AFTERSHOCK_SMILE_LAG_S": "1",
}
NAMES = {
    "rows",
    "triggers",
    "degraded",
    "evaluations",
    "decisions",
    "hold_reasons",
    "signals",
    "latency_ns",
    "gaps",
    "reconnects",
    "events_in",
    "events_lost",
    "review",
    "packages",
    "paper",
}


@pytest.fixture(name="market")
def _market(monkeypatch: pytest.MonkeyPatch) -> list[LiveConfig]:
    """Let `run` listen to the crash of the core's tests, in its own time; return what it was asked to open."""
    asked: list[LiveConfig] = []
    clock = Clock(T0)
    for name, value in FAST.items():
        monkeypatch.setenv(name, value)

    async def open_market(live: LiveConfig, _environment: Mapping[str, str]) -> Connected:
        asked.append(live)
        events = [
            part
            for event in batched(timeline())
            for part in (event.moments() if isinstance(event, OptionQuotes) else (event,))
        ]
        return Connected(sources=[FakeSource(events, clock)])

    async def in_its_own_time(*given: object, watch: LiveWatch, **more: object) -> LiveResult:
        timed = LiveWatch(on_effect=watch.on_effect, on_status=watch.on_status, clock=clock)
        return await run_live(*given, watch=timed, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(aftershock.cli.run_command, "run_live", in_its_own_time)
    monkeypatch.setitem(root.commands, "run", run_command(open_market))
    return asked


@pytest.mark.slow
def test_the_document_has_the_names_that_others_read(market: list[LiveConfig], aftershock: Run) -> None:
    ran = aftershock("run", "--json")

    assert ran.code == 0
    document = json.loads(ran.out)
    assert set(document) >= NAMES
    assert set(document["review"]) >= {"requests", "cost_usd", "fallbacks"}
    assert set(document["decisions"]) == {"BUY", "SELL", "HOLD"}
    assert {"p50", "p99", "max"} <= set(document["latency_ns"])
    assert set(document["latency_ns"]["stages"]) == {"receive", "queue", "process", "effect", "total", "decision"}
    assert document["gaps"] == 1
    assert document["mode"] == "paper"
    assert len(market) == 1


@pytest.mark.slow
def test_a_run_is_journalled_reported_and_verified(market: list[LiveConfig], aftershock: Run, tmp_path: Path) -> None:
    signals, journal = tmp_path / "signals.jsonl", tmp_path / "journal"
    ran = aftershock("run", "--signals", signals, "--journal", journal, "--order-latency-ms", "5")

    assert ran.code == 0
    assert market[0].order_latency_ms == 5.0
    for part in ("decisions BUY", "action  reason", "paper  ", "latency, stage by stage", str(journal)):
        assert part in ran.out

    verified = aftershock("replay", "--from-journal", journal, "--verify")
    assert verified.code == 0
    assert "byte for byte" in verified.out

    again = json.loads(aftershock("replay", "--from-journal", journal, "--json").out)
    lines = [json.loads(line) for line in signals.read_text(encoding="utf-8").splitlines()]
    assert [line["signal_id"] for line in lines] == [each["signal_id"] for each in again["signals"]]
    assert len(lines) > 10

    assert "waterfall" in aftershock("explain", "best", "--journal", journal, "--json").out


@pytest.mark.slow
def test_signals_to_stdout_are_lines_of_json_and_nothing_else(market: list[LiveConfig], aftershock: Run) -> None:
    ran = aftershock("run", "--signals", "-")

    assert market
    assert all(json.loads(line)["type"] == "signal" for line in ran.out.splitlines())
    assert "decisions BUY" in ran.err


def test_flags_beat_the_environment_which_beats_the_file(
    monkeypatch: pytest.MonkeyPatch, aftershock: Run, tmp_path: Path
) -> None:
    file = tmp_path / "live.toml"
    file.write_text(
        'order_coins = 2\n[live]\nexchanges = ["a"]\noption_venues = ["okex-options"]\nseconds = 1\n', encoding="utf-8"
    )
    monkeypatch.setenv("AFTERSHOCK_LIVE__EXCHANGES", "b, c")
    monkeypatch.setenv("AFTERSHOCK_LIVE__SECONDS", "2")
    asked: list[LiveConfig] = []

    async def nobody(live: LiveConfig, _environment: Mapping[str, str]) -> Connected:
        asked.append(live)
        raise UnreachableError("nobody answers")

    monkeypatch.setitem(root.commands, "run", run_command(nobody))
    ran = aftershock("run", "--config", file, "--seconds", "3")

    assert (ran.code, ran.sentence) == (3, "aftershock: nobody answers")
    live = asked[0]
    assert (live.exchanges, live.option_venues, live.seconds) == (("b", "c"), ("okex-options",), 3.0)
    assert ran.err.count("\n") == 1, "one sentence and no more"
    assert implied_by(live)["liquidation_venues"].value == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[live]\nexchange = ['a']", "`live.exchange` is not a setting; did you mean live.exchanges?"),
        ("[live]\nseconds = nan", "`live.seconds`"),
        ("[live]\nseconds = inf", "`live.seconds`"),
        ("[live]\norder_latency_ms = -1", "`live.order_latency_ms`"),
        ("[live]\nexchanges = ['\\u0007']", "`live.exchanges`"),
        ("[live]\nqueue_events = 0", "`live.queue_events`"),
        ("[live]\ntrading = 'live'", "paper only"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_sentence(aftershock: Run, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "live.toml"
    file.write_text(text.replace("'", '"'), encoding="utf-8")

    ran = aftershock("run", "--config", file)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.sentence


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "x"])
def test_a_wrong_flag_or_variable_is_refused(aftershock: Run, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    assert aftershock("run", "--seconds", value).code == 2
    monkeypatch.setenv("AFTERSHOCK_LIVE__ORDER_LATENCY_MS", value)
    ran = aftershock("run")
    assert ran.code == 2
    assert "AFTERSHOCK_LIVE__ORDER_LATENCY_MS" in ran.sentence


def test_an_address_that_is_none_is_refused(aftershock: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERSHOCK_TARDIS_MACHINE_WS_URL", "http://x")
    ran = aftershock("run")
    assert ran.code == 2
    assert "AFTERSHOCK_TARDIS_MACHINE_WS_URL is no address: write one like ws://" in ran.sentence


@pytest.mark.sockets
def test_without_a_machine_one_sentence_says_what_to_start(aftershock: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERSHOCK_TARDIS_MACHINE_WS_URL", "ws://127.0.0.1:1")
    ran = aftershock("run")
    assert (ran.code, ran.out) == (3, "")
    assert "no tardis-machine answers at ws://127.0.0.1:1" in ran.sentence


def test_a_file_with_a_live_table_serves_a_replay_too(aftershock: Run, tmp_path: Path) -> None:
    file = tmp_path / "both.toml"
    file.write_text('[live]\nexchanges = ["bybit"]\n', encoding="utf-8")
    assert aftershock("doctor", "--config", file).code == 0


@pytest.mark.subprocess
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_run_cleanly_and_keeps_what_it_had(
    aftershock: Run, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    journal = tmp_path / "journal"
    child = _child("run", "--journal", str(journal), "--json")
    _wait_for_records(journal)
    child.send_signal(number)
    out, err = child.communicate(timeout=60)

    assert child.returncode == code, err
    document = json.loads(out)
    assert document["interrupted"] is True
    assert document["events_in"] > 0
    verified = aftershock("replay", "--from-journal", journal, "--verify")
    assert verified.code == 0
    assert "no seal" not in verified.out


@pytest.mark.subprocess
def test_a_run_that_is_killed_keeps_what_was_flushed(aftershock: Run, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    child = _child("run", "--journal", str(journal))
    _wait_for_records(journal)
    child.kill()
    child.communicate(timeout=60)

    verified = aftershock("replay", "--from-journal", journal, "--verify")
    assert verified.code == 0
    assert "no seal" in verified.out


@pytest.mark.subprocess
def test_the_status_line_is_for_a_terminal_only(tmp_path: Path) -> None:
    assert "events/s" not in _child("run", "--seconds", "1.2").communicate(timeout=60)[1]
    terminal, program_side = os.openpty()
    child = _child("run", "--seconds", "1.2", "--journal", str(tmp_path / "j"), stderr=program_side)
    os.close(program_side)
    said = b""
    while chunk := _read(terminal):
        said += chunk
    os.close(terminal)
    child.communicate(timeout=60)
    assert b"events/s" in said


def _child(*arguments: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.live.child", *arguments],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        cwd=REPOSITORY,
    )


def _wait_for_records(journal: Path) -> None:
    deadline = time.monotonic() + 60
    segment = journal / "inputs-000001.seg"
    while not segment.exists() or segment.stat().st_size < 2_000:
        assert time.monotonic() < deadline, "nothing was flushed"
        time.sleep(0.02)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # a terminal whose other side is closed
        return b""
