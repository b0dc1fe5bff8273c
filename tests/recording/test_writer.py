"""How a recording is written: batches in time, files rotated and synced, one writer, refusals in one sentence."""

from __future__ import annotations

import errno
import os
import resource
import threading
from pathlib import Path

import pytest

from aftershock.errors import ConfigError, InputError, UsageError
from aftershock.model.units import NS_PER_S
from aftershock.venues.recording import Limits, RecordingWriter, segments_of
from aftershock.venues.recording import library as recording_library
from aftershock.venues.recording.syncer import Syncer
from aftershock.venues.tardis import merge
from tests.core.market import T0, Row, option_quotes
from tests.recording.files import Counter, only_segment, quote, read_back, read_file, record, sources
from tests.sim.tardis_events import bits

HOUR = 3_600 * NS_PER_S


def open_files() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


def test_a_batch_is_written_a_second_after_its_first_row(tmp_path: Path) -> None:
    counter = Counter()
    with RecordingWriter(tmp_path / "r", counter=counter) as writer:
        writer.add(quote(T0))
        counter.now = NS_PER_S - 1
        writer.add(quote(T0 + 1))
        writer.poll()
        assert (writer.rows, writer.wait_ns) == (0, 1)
        counter.now = NS_PER_S
        writer.poll()
        assert (writer.rows, writer.wait_ns) == (2, None)
        assert len(read_file(only_segment(tmp_path / "r"))[1]) == 2


def test_a_busy_venue_does_not_keep_the_rows_of_a_quiet_one(tmp_path: Path) -> None:
    counter = Counter()
    with RecordingWriter(tmp_path / "r", counter=counter) as writer:
        writer.add(quote(T0, venue="quiet"))
        for i in range(1, 30):
            counter.now += NS_PER_S // 10
            writer.add(quote(T0 + i))
        assert {each.venue: each.rows for each in writer.written} == {"quiet": 1, "bybit": 22}


def test_a_full_batch_is_written_at_once(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "r", Limits(batch_rows=3), counter=Counter()) as writer:
        for i in range(7):
            writer.add(quote(T0 + i))
        assert writer.rows == 6


def test_files_begin_with_the_hour_of_the_receive_time(tmp_path: Path) -> None:
    start = T0 - T0 % HOUR
    events = [quote(start + HOUR - 1), quote(start + HOUR), quote(start + 3 * HOUR)]
    record(tmp_path / "r", events)
    names = [segment.path.name for segment in segments_of(tmp_path / "r")]
    assert names == [
        "bybit_quotes_20260302T105959Z_000001.arrows",
        "bybit_quotes_20260302T110000Z_000002.arrows",
        "bybit_quotes_20260302T130000Z_000003.arrows",
    ]
    assert read_back(tmp_path / "r") == events


def test_the_file_of_an_hour_ends_after_it_although_nothing_comes(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "r", counter=Counter()) as writer:
        writer.add(quote(T0))
        writer.poll(T0 - T0 % HOUR + HOUR - 1)
        writer.poll(T0 + HOUR)
        assert not read_file(only_segment(tmp_path / "r"))[0].report.incomplete


def test_an_option_batch_over_the_hour_is_cut_there(tmp_path: Path) -> None:
    start = T0 - T0 % HOUR
    rows = [Row(ts=start + i * HOUR // 2, symbol="BTC-9OCT26-90000-C", bid=0.01, ask=0.02) for i in range(7)]
    batch = option_quotes(rows)
    record(tmp_path / "r", [batch])
    assert len(segments_of(tmp_path / "r")) == 4
    assert bits(read_back(tmp_path / "r")) == bits([batch])


def test_a_file_that_is_large_enough_is_followed_by_another(tmp_path: Path) -> None:
    events = [quote(T0 + i) for i in range(9)]
    record(tmp_path / "r", events, Limits(batch_rows=2, segment_bytes=1))
    assert [segment.number for segment in segments_of(tmp_path / "r")] == [1, 2, 3, 4, 5]
    assert read_back(tmp_path / "r") == events


def test_a_recording_is_continued_by_new_files_behind_its_last_moment(tmp_path: Path) -> None:
    first = [quote(T0), quote(T0 + 7, venue="deribit", symbol="BTC-PERPETUAL")]
    record(tmp_path / "r", first)
    before = {segment.path: segment.path.read_bytes() for segment in segments_of(tmp_path / "r")}
    with RecordingWriter(tmp_path / "r") as writer:
        assert (writer.last_ts, writer.whole_until, writer.venues) == (T0 + 7, T0 + 7, ("bybit", "deribit"))
        writer.add(quote(T0 + 9))
    assert read_back(tmp_path / "r") == [*first, quote(T0 + 9)]
    assert [(s.venue, s.number) for s in segments_of(tmp_path / "r")] == [("bybit", 1), ("bybit", 2), ("deribit", 1)]
    assert all(path.read_bytes() == content for path, content in before.items())


def test_a_recording_with_a_torn_end_is_continued(tmp_path: Path) -> None:
    record(tmp_path / "r", [quote(T0 + i) for i in range(4)], Limits(batch_rows=2))
    path = only_segment(tmp_path / "r")
    path.write_bytes(path.read_bytes()[:-20])
    with RecordingWriter(tmp_path / "r") as writer:
        assert (writer.last_ts, writer.whole_until) == (T0 + 1, T0 + 1 - 6 * NS_PER_S), (
            "a second to write, five to sync"
        )
        writer.add(quote(T0 + 9))
    assert list(merge(sources(tmp_path / "r"))) == [quote(T0), quote(T0 + 1), quote(T0 + 9)]


def test_two_recorders_never_write_into_one_folder(tmp_path: Path) -> None:
    said = "is being written by another recorder: stop that one or name another"
    with RecordingWriter(tmp_path / "r"), pytest.raises(InputError, match=said):
        RecordingWriter(tmp_path / "r")
    RecordingWriter(tmp_path / "r").close()


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds files but no recording: name a new or empty folder with --out"):
        RecordingWriter(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(InputError, match="a file is in the way: name a folder with --out"):
        RecordingWriter(tmp_path / "mine.txt" / "r")
    with pytest.raises(InputError, match="a file is in the way"):
        RecordingWriter(tmp_path / "mine.txt")


def test_a_full_disk_leaves_whole_batches_and_says_so_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def half(descriptor: int, block: bytes) -> int:
        if writer.rows:
            if len(block) < 300:
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(descriptor, block[:200])
        return write(descriptor, block)

    writer = RecordingWriter(tmp_path / "r", Limits(batch_rows=2), counter=Counter())
    monkeypatch.setattr(os, "write", half)
    for i in range(3):
        writer.add(quote(T0 + i))
    with pytest.raises(InputError, match=r"can't write recording .*: the disk is full: free some space or"):
        writer.add(quote(T0 + 3))
    with pytest.raises(InputError, match="the disk is full"):
        writer.add(quote(T0 + 99))
    writer.close()
    monkeypatch.undo()
    source, events = read_file(only_segment(tmp_path / "r"))
    assert events == [quote(T0), quote(T0 + 1)]
    assert source.report.incomplete.startswith("it has no end mark")


def test_a_disk_that_fails_to_sync_ends_the_recording(tmp_path: Path) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    counter = Counter()
    writer = RecordingWriter(tmp_path / "r", Limits(batch_rows=1, sync_s=1), counter=counter, syncer=Syncer(fail))
    writer.add(quote(T0))
    counter.now = NS_PER_S
    writer.poll()
    with pytest.raises(InputError, match="Input/output error: check the disk"):
        writer.close()


def test_written_bytes_are_synced_in_time_and_at_the_end_without_waiting(tmp_path: Path) -> None:
    synced: list[int] = []
    slow = threading.Event()

    def sync(descriptor: int) -> None:
        slow.wait(30)
        synced.append(os.fstat(descriptor).st_size)

    counter = Counter()
    writer = RecordingWriter(tmp_path / "r", Limits(batch_rows=1, sync_s=2), counter=counter, syncer=Syncer(sync))
    for second in range(5):
        counter.now = second * NS_PER_S
        writer.add(quote(T0 + second))
        writer.poll()
    assert synced == [], "a disk that hangs does not hold up the recorder"
    slow.set()
    writer.close()
    assert len(synced) == 3
    assert synced[-1] == only_segment(tmp_path / "r").stat().st_size


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = open_files()
    record(tmp_path / "r", [quote(T0 + i) for i in range(20)], Limits(batch_rows=2, segment_bytes=1))
    read_back(tmp_path / "r")
    assert open_files() == before


def test_without_pyarrow_the_sentence_says_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_library, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"pip install 'aftershock\[data\]'"):
        RecordingWriter(tmp_path / "r")
    assert not (tmp_path / "r").exists()


@pytest.mark.slow
def test_memory_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    """Ninety files of a kind are read one after the other: only those at hand are open."""
    limits = Limits(batch_rows=500, rotate_minutes=1)

    def measured(minutes: int) -> int:
        folder = tmp_path / str(minutes)
        with RecordingWriter(folder, limits, counter=Counter()) as writer:
            for i in range(minutes * 1_000):
                writer.add(quote(T0 + i * 60 * NS_PER_S // 1_000, venue=("bybit", "deribit")[i % 2]))
        most = count = 0
        for count, _ in enumerate(merge(sources(folder)), start=1):
            if count % 400 == 0:
                most = max(most, open_files())
        assert count == minutes * 1_000
        return most

    few = measured(3)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert measured(90) <= few + 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < grown + 30_000
