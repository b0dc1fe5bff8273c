"""`aftershock record`: what it writes and prints, what it refuses, how it ends, and what a crash leaves."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

import pytest

from aftershock.app.live.config import LiveConfig
from aftershock.app.live.connect import Connected
from aftershock.cli.record_command import record_command
from aftershock.cli.root import root
from aftershock.errors import UnreachableError
from aftershock.model.events import Event, Gap, Quote
from aftershock.venues.recording import RecordingWriter, segments_of
from aftershock.venues.tardis import merge
from tests.cli.conftest import Run
from tests.core.market import T0, Row, option_quotes
from tests.live.feed import FakeSource
from tests.recording.files import quote, read_back, read_file, sources

REPOSITORY = Path(__file__).resolve().parents[2]
Listen = Callable[[Sequence[Event]], list[LiveConfig]]


@pytest.fixture(name="listen")
def _listen(monkeypatch: pytest.MonkeyPatch) -> Listen:
    """Let `record` listen to events; return what it was asked to open."""
    asked: list[LiveConfig] = []

    def listen(events: Sequence[Event]) -> list[LiveConfig]:
        async def open_events(live: LiveConfig, _environment: Mapping[str, str]) -> Connected:
            asked.append(live)
            return Connected(sources=[FakeSource(events, together=100)])

        monkeypatch.setitem(root.commands, "record", record_command(open_events))
        return asked

    return listen


def market() -> list[Event]:
    rows = [Row(ts=T0, symbol=f"BTC-25DEC99-{90_000 + i * 1_000}-C", bid=0.01, ask=0.02) for i in range(5)]
    return [quote(T0), option_quotes(rows), quote(T0 + 2, bid=91_000.0), quote(T0 + 3, venue="deribit")]


def test_what_is_received_is_recorded_with_our_clock_and_reported(
    listen: Listen, aftershock: Run, tmp_path: Path
) -> None:
    asked = listen(market())
    before = time.time_ns()
    ran = aftershock("record", "--out", tmp_path / "r", "--exchange", "bybit", "--asset", "ETH", "--json")

    assert ran.code == 0, ran.err
    document = json.loads(ran.out)
    assert document["rows"]["total"] == 8
    assert [(each["venue"], each["kind"], each["rows"], each["files"]) for each in document["rows"]["written"]] == [
        ("bybit", "quotes", 2, 1),
        ("deribit", "options_chain", 5, 1),
        ("deribit", "quotes", 1, 1),
    ]
    assert document["bytes"] == sum(segment.path.stat().st_size for segment in segments_of(tmp_path / "r"))
    assert (document["files"], document["events_in"], document["events_lost"], document["gaps"]) == (3, 4, 0, 0)
    assert (document["interrupted"], document["failure"], document["left_out"]) == (False, None, {})
    assert (asked[0].exchanges, asked[0].assets) == (("bybit",), ("ETH",))

    events = read_back(tmp_path / "r")
    times = [event.ts_init for event in events]
    assert times == sorted(set(times)), "our clock strictly increases"
    assert times[0] >= before
    assert [event.bid for event in events if isinstance(event, Quote)] == [90_000.0, 91_000.0, 90_000.0]


def test_the_report_in_text_says_how_to_replay(listen: Listen, aftershock: Run, tmp_path: Path) -> None:
    listen(market())
    ran = aftershock("record", "--out", tmp_path / "r")
    assert ran.code == 0
    for part in ("rows      8 (", "in 3 files", "0 lost; 0 gaps, 0 reconnects", "options_chain", "aftershock replay"):
        assert part in ran.out
    replayed = aftershock("replay", tmp_path / "r", "--json")
    assert (replayed.code, json.loads(replayed.out)["rows"]["total"]) == (0, 8)
    assert aftershock("chain", tmp_path / "r").code == 0


def test_a_recording_is_continued_and_the_time_between_is_a_gap(
    listen: Listen, aftershock: Run, tmp_path: Path
) -> None:
    listen(market())
    aftershock("record", "--out", tmp_path / "r")
    first = read_back(tmp_path / "r")
    document = json.loads(aftershock("record", "--out", tmp_path / "r", "--json").out)
    events = read_back(tmp_path / "r")

    assert (document["continued"], document["gaps"]) == (True, 2)
    assert len(events) == 2 * len(first) + 2
    gaps = [event for event in events if isinstance(event, Gap)]
    assert [gap.stream.venue for gap in gaps] == ["bybit", "deribit"]
    assert {gap.from_ts for gap in gaps} == {first[-1].ts_init}
    assert events[len(first) : len(first) + 2] == gaps


def test_what_does_not_fit_into_the_queue_is_a_gap_in_the_recording(
    listen: Listen, aftershock: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFTERSHOCK_LIVE__QUEUE_EVENTS", "10")
    listen([quote(T0 + i) for i in range(60)])
    document = json.loads(aftershock("record", "--out", tmp_path / "r", "--json").out)

    assert document["events_lost"] > 0
    assert document["gaps"] >= 1
    events = read_back(tmp_path / "r")
    assert len(events) == 60 - document["events_lost"] + document["gaps"]
    gap = next(event for event in events if isinstance(event, Gap))
    assert "did not fit into the queue of 10" in gap.detail
    assert (gap.stream.kind, gap.stream.symbol) == ("quotes", "BTCUSDT")


def test_refusals_are_one_sentence_and_exit_2(listen: Listen, aftershock: Run, tmp_path: Path) -> None:
    asked = listen([])
    (tmp_path / "mine").write_text("x")
    for arguments, said in (
        (["--out", tmp_path], "holds files but no recording"),
        (["--out", tmp_path / "mine" / "r"], "a file is in the way"),
        (["--out", tmp_path / "r", "--rotate-minutes", "nan"], "--rotate-minutes is nan"),
        (["--out", tmp_path / "r", "--rotate-minutes", "0"], "--rotate-minutes is 0"),
        (["--out", tmp_path / "r", "--seconds", "-1"], "seconds"),
        ([], "Missing option '--out'"),
    ):
        ran = aftershock("record", *arguments)
        assert (ran.code, ran.out) == (2, "")
        assert said in ran.sentence
        assert ran.err.count("\n") == 1
    with RecordingWriter(tmp_path / "taken"):
        assert "is being written by another recorder" in aftershock("record", "--out", tmp_path / "taken").sentence
    assert asked == [], "nothing was asked of anybody"


def test_without_a_feed_the_exit_code_is_3(aftershock: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nobody(_live: LiveConfig, _environment: Mapping[str, str]) -> Connected:
        raise UnreachableError("nobody answers")

    monkeypatch.setitem(root.commands, "record", record_command(nobody))
    ran = aftershock("record", "--out", tmp_path / "r")
    assert (ran.code, ran.sentence) == (3, "aftershock: nobody answers")


def test_a_source_that_gives_up_leaves_what_came_before(
    aftershock: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(FakeSource):
        async def __aiter__(self) -> AsyncIterator[Event]:
            yield quote()
            await asyncio.sleep(0)
            raise UnreachableError("the machine is gone")

    async def open_failing(_live: LiveConfig, _environment: Mapping[str, str]) -> Connected:
        return Connected(sources=[Failing([])])

    monkeypatch.setitem(root.commands, "record", record_command(open_failing))
    ran = aftershock("record", "--out", tmp_path / "r", "--json")
    assert (ran.code, json.loads(ran.out)["failure"]) == (3, "the machine is gone")
    assert len(read_back(tmp_path / "r")) == 1


@pytest.mark.subprocess
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_recording_cleanly(tmp_path: Path, number: signal.Signals, code: int) -> None:
    child = _child("record", "--out", str(tmp_path / "r"), "--json")
    _wait_for_rows(tmp_path / "r")
    child.send_signal(number)
    out, err = child.communicate(timeout=60)

    assert child.returncode == code, err
    document = json.loads(out)
    assert document["interrupted"] is True
    assert len(read_back(tmp_path / "r")) == document["rows"]["total"] == document["events_in"] > 100


@pytest.mark.subprocess
def test_a_recorder_that_is_killed_leaves_whole_batches_and_is_continued(aftershock: Run, tmp_path: Path) -> None:
    recording = tmp_path / "r"
    child = _child("record", "--out", str(recording))
    _wait_for_rows(recording)
    child.kill()
    child.communicate(timeout=60)

    (segment,) = segments_of(recording)
    source, events = read_file(segment.path)
    assert len(events) > 100
    assert {event.bid for event in events if isinstance(event, Quote)} == {59_999.5}
    assert [event.ts_init for event in events] == sorted({event.ts_init for event in events})
    assert source.report.dropped == {}
    assert source.report.incomplete.startswith(("it has no end mark", "it ends in"))
    ran = aftershock("replay", recording, "--json")
    assert ran.code == 1, "the input is incomplete, and the exit code says so"
    assert "no end mark" in json.loads(ran.out)["incomplete_because"][0]

    again = _child("record", "--out", str(recording), "--seconds", "0.5", "--json")
    document = json.loads(again.communicate(timeout=60)[0])
    assert document["continued"] is True
    everything = list(merge(sources(recording)))
    assert len(everything) == len(events) + document["rows"]["total"]
    assert isinstance(everything[len(events)], Gap)


@pytest.mark.subprocess
def test_a_disk_that_takes_no_more_is_exit_2_and_leaves_what_was_written(tmp_path: Path) -> None:
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000)); "
        "import tests.live.child as c; c.root.add_command(c.record_command(c.open_ticking), 'record'); "
        "sys.exit(c.main(sys.argv[1:]))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, "record", "--out", str(tmp_path / "r")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=REPOSITORY,
    )

    assert ran.returncode == 2, ran.stderr
    assert "can't write recording" in ran.stderr
    assert "a file may not grow further: raise the limit (ulimit -f)" in ran.stderr
    assert ran.stderr.count("\n") == 1
    (segment,) = segments_of(tmp_path / "r")
    source, events = read_file(segment.path)
    assert len(events) > 100
    assert source.report.incomplete.startswith("it has no end mark")


@pytest.mark.subprocess
def test_the_status_line_is_for_a_terminal_only(tmp_path: Path) -> None:
    assert "rows/s" not in _child("record", "--out", str(tmp_path / "a"), "--seconds", "1.2").communicate(timeout=60)[1]
    terminal, program_side = os.openpty()
    child = _child("record", "--out", str(tmp_path / "b"), "--seconds", "1.2", stderr=program_side)
    os.close(program_side)
    said = b""
    while chunk := _read(terminal):
        said += chunk
    os.close(terminal)
    child.communicate(timeout=60)
    assert b"rows/s" in said
    assert b"reconnects 0" in said


def _child(*arguments: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.live.child", *arguments],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        cwd=REPOSITORY,
    )


def _wait_for_rows(recording: Path) -> None:
    deadline = time.monotonic() + 60
    while not recording.is_dir() or sum(s.path.stat().st_size for s in segments_of(recording)) < 20_000:
        assert time.monotonic() < deadline, "nothing was written"
        time.sleep(0.02)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # a terminal whose other side is closed
        return b""
