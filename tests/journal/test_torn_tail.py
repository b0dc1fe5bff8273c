"""After a crash every acknowledged record is there, no wrong one is, and the journal can go on."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.errors import InputError, JournalError
from aftershock.journal import JournalReader, JournalWriter, recover
from tests.journal.journals import (
    HEAD,
    INPUTS,
    OUTPUTS,
    contents,
    copy_to,
    numbered,
    read_journal,
    split_segment,
    write_journal,
)

LATER = [(5, b"later"), (6, b"and later still, in a segment of its own")]


def write_acknowledged(folder: Path) -> tuple[dict[str, bytes], dict[str, int]]:
    """Write a journal whose first records of each channel are synced, and return it with the synced sizes."""
    writer = JournalWriter.create(folder, HEAD, segment_bytes=100_000)
    for kind, payload in INPUTS:
        writer.append_input(kind, payload)
    for kind, payload in OUTPUTS:
        writer.append_output(kind, payload)
    writer.sync()
    synced = {path.name: path.stat().st_size for path in folder.glob("*.seg")}
    for kind, payload in LATER:
        writer.append_input(kind, payload)
        writer.append_output(kind, payload)
    writer.close(complete=False)
    return contents(folder), synced


@pytest.mark.parametrize("name", ["inputs-000001.seg", "outputs-000001.seg"])
def test_cut_at_any_byte_it_keeps_what_was_synced_and_goes_on(tmp_path: Path, name: str) -> None:
    files, synced = write_acknowledged(tmp_path / "whole")
    channel = "inputs" if name.startswith("inputs") else "outputs"
    acknowledged = numbered(INPUTS if channel == "inputs" else OUTPUTS)
    everything = numbered([*(INPUTS if channel == "inputs" else OUTPUTS), *LATER])
    for length in range(synced[name], len(files[name]) + 1):
        folder = copy_to(tmp_path / "cut", {**files, name: files[name][:length]})
        found = list(getattr(JournalReader(folder), channel)())
        assert found == everything[: len(found)]
        assert found[: len(acknowledged)] == acknowledged
        assert JournalReader(folder).incomplete

        recovery = recover(folder)
        whole = sum(map(len, split_segment(files[name])[1][: len(found)])) + 16
        assert recovery.lost_bytes == length - whole
        assert (folder / name).stat().st_size == whole

        with JournalWriter.resume(folder) as writer:
            for kind, payload in LATER[len(found) - len(acknowledged) :]:
                append = writer.append_input if channel == "inputs" else writer.append_output
                append(kind, payload)
        assert not JournalReader(folder).incomplete
        assert {file: data for file, data in contents(folder).items() if file.endswith("seg")} == {
            file: data for file, data in files.items() if file.endswith("seg")
        }


@given(lost=st.integers(0, 120), noise=st.one_of(st.binary(max_size=200), st.integers(0, 5000).map(bytes)))
def test_garbage_behind_a_torn_write_is_never_taken_for_a_record(
    tmp_path_factory: pytest.TempPathFactory, lost: int, noise: bytes
) -> None:
    place = tmp_path_factory.mktemp("torn")
    files, synced = write_acknowledged(place / "j")
    content = files["inputs-000001.seg"]
    kept = max(synced["inputs-000001.seg"], len(content) - lost)
    folder = copy_to(place / "j", {**files, "inputs-000001.seg": content[:kept] + noise})

    found = list(JournalReader(folder).inputs())
    recover(folder)

    assert found == numbered([*INPUTS, *LATER])[: len(found)]
    assert len(found) >= len(INPUTS)
    assert list(JournalReader(folder).inputs()) == found
    assert (folder / "inputs-000001.seg").read_bytes() == content[: (folder / "inputs-000001.seg").stat().st_size]


def test_a_torn_tail_is_described(tmp_path: Path) -> None:
    folder = write_journal(tmp_path / "j", complete=False, segment_bytes=10_000)
    path = folder / "outputs-000001.seg"
    os.truncate(path, path.stat().st_size - 3)
    reader = JournalReader(folder)

    list(reader.outputs())

    (torn,) = reader.torn_tails
    last = split_segment(write_bytes_of(tmp_path / "again"))[1][-1]
    assert (torn.segment, torn.record, torn.what) == ("outputs-000001.seg", 2, "truncated")
    assert torn.lost_bytes == len(last) - 3
    assert torn.offset + torn.lost_bytes == path.stat().st_size


def write_bytes_of(folder: Path) -> bytes:
    return (write_journal(folder, segment_bytes=10_000) / "outputs-000001.seg").read_bytes()


@pytest.mark.parametrize("start", [b"", b"half a c", bytes(16)])
def test_a_segment_torn_at_its_start_is_begun_again(tmp_path: Path, start: bytes) -> None:
    whole = write_journal(tmp_path / "whole", inputs=[(1, bytes(60))] * 4)
    folder = write_journal(tmp_path / "torn", inputs=[(1, bytes(60))] * 3, complete=False)
    (folder / "inputs-000004.seg").write_bytes(start)
    assert len(list(JournalReader(folder).inputs())) == 3

    recover(folder)
    with JournalWriter.resume(folder) as writer:
        assert writer.input_count == 3
        writer.append_input(1, bytes(60))

    assert contents(folder) == contents(whole)


def test_a_journal_resumed_many_times_equals_one_written_at_once(tmp_path: Path) -> None:
    whole = write_journal(tmp_path / "whole")
    JournalWriter.create(tmp_path / "parts", HEAD, segment_bytes=100).close(complete=False)
    for kind, payload in INPUTS:
        with JournalWriter.resume(tmp_path / "parts") as writer:
            writer.append_input(kind, payload)
            writer.close(complete=False)
    for number, (kind, payload) in enumerate(OUTPUTS, start=1):
        with JournalWriter.resume(tmp_path / "parts") as writer:
            writer.append_output(kind, payload)
            writer.close(complete=number == len(OUTPUTS))

    assert contents(tmp_path / "parts") == contents(whole)


def test_a_hole_before_a_whole_record_is_dropped_on_demand_only(tmp_path: Path) -> None:
    folder = write_journal(tmp_path / "j", complete=False, segment_bytes=10_000)
    path = folder / "inputs-000001.seg"
    start, records = split_segment(path.read_bytes())
    hole = start + records[0] + bytes(len(records[1])) + b"".join(records[2:])
    path.write_bytes(hole)
    with pytest.raises(JournalError, match="record 1"):
        recover(folder)
    assert path.read_bytes() == hole

    recovery = recover(folder, drop_after_damage=True)

    assert recovery.lost_bytes == len(hole) - len(start) - len(records[0])
    assert read_journal(folder) == (numbered(INPUTS)[:1], numbered(OUTPUTS))


def test_recovering_a_sealed_journal_changes_nothing(tmp_path: Path) -> None:
    folder = write_journal(tmp_path / "j")
    before = contents(folder)

    recovery = recover(folder)

    assert recovery.complete
    assert recovery.lost_bytes == 0
    assert contents(folder) == before


def test_a_sealed_journal_is_not_resumed(tmp_path: Path) -> None:
    folder = write_journal(tmp_path / "j")
    before = contents(folder)

    with pytest.raises(InputError, match="is complete"):
        JournalWriter.resume(folder)

    assert contents(folder) == before


def test_a_journal_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    with JournalWriter.create(tmp_path / "j", HEAD):
        for attempt in (recover, JournalWriter.resume):
            with pytest.raises(InputError, match="running engine"):
                attempt(tmp_path / "j")
    assert recover(tmp_path / "j").complete


def test_outputs_never_reach_the_system_before_their_inputs(tmp_path: Path) -> None:
    writer = JournalWriter.create(tmp_path / "j", HEAD)
    writer.append_input(1, b"cause")
    for _ in range(20):
        writer.append_output(1, bytes(50_000))

    inputs, outputs = read_journal(tmp_path / "j")

    assert len(outputs) > 0
    assert inputs == [(0, 1, b"cause")]
    writer.close(complete=False)


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "check the disk"),
    ],
)
def test_a_disk_that_takes_half_a_block_leaves_a_readable_prefix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
) -> None:
    writer = JournalWriter.create(tmp_path / "j", HEAD)
    writer.append_input(1, b"on disk")
    writer.sync()

    def half(file: int, block: bytes) -> None:
        os.write(file, block[: len(block) // 2])
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("aftershock.journal.channel.write_all", half)
    writer.append_input(2, b"half of this")
    with pytest.raises(InputError, match=remedy) as refusal:
        writer.sync()
    monkeypatch.undo()

    assert str(tmp_path / "j") in str(refusal.value)
    assert refusal.value.exit_code == 2
    for late in (writer.sync, writer.close, lambda: writer.append_input(3, b"too late")):
        with pytest.raises(InputError, match="takes no more records"):
            late()
    assert read_journal(tmp_path / "j") == ([(0, 1, b"on disk")], [])
    assert JournalReader(tmp_path / "j").incomplete
    with JournalWriter.resume(tmp_path / "j") as resumed:
        resumed.append_input(2, b"whole")
    assert read_journal(tmp_path / "j")[0] == [(0, 1, b"on disk"), (1, 2, b"whole")]


def test_a_failed_fsync_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = JournalWriter.create(tmp_path / "j", HEAD)
    writer.append_input(1, b"x")

    def refuse(_file: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr("aftershock.journal.channel.sync_data", refuse)
        with pytest.raises(InputError, match="check the disk"):
            writer.sync()

    with pytest.raises(InputError, match="takes no more records"):
        writer.sync()
    with pytest.raises(InputError):
        writer.close()
    assert JournalReader(tmp_path / "j").incomplete


def test_a_failed_start_leaves_the_folder_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_file: int, _block: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for module in ("channel", "writer"):
        with monkeypatch.context() as patch:
            patch.setattr(f"aftershock.journal.{module}.write_all", refuse)
            with pytest.raises(InputError, match="disk is full"):
                JournalWriter.create(tmp_path / "j", HEAD)
        assert contents(tmp_path / "j") == {}

    JournalWriter.create(tmp_path / "j", HEAD).close()


def test_without_room_for_the_seal_the_journal_is_incomplete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_file: int, _block: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    writer = JournalWriter.create(tmp_path / "j", HEAD)
    writer.append_output(1, b"x")
    with monkeypatch.context() as patch:
        patch.setattr("aftershock.journal.writer.write_all", refuse)
        with pytest.raises(InputError, match="disk is full"):
            writer.close()

    assert JournalReader(tmp_path / "j").incomplete
    assert read_journal(tmp_path / "j") == ([], [(0, 1, b"x")])
    assert "foot.json" not in contents(tmp_path / "j")


def test_the_disk_is_asked_before_sync_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def note(file: int) -> None:
        asked.append(names[os.fstat(file).st_ino])

    writer = JournalWriter.create(tmp_path / "j", HEAD)
    names = {path.stat().st_ino: path.name for path in (tmp_path / "j").iterdir()}
    monkeypatch.setattr("aftershock.journal.channel.sync_data", note)
    writer.append_output(1, b"y")
    writer.append_input(1, b"x")
    writer.sync()
    writer.sync()

    assert asked == ["inputs-000001.seg", "outputs-000001.seg"]
    writer.close()


def test_a_full_segment_is_on_the_disk_before_the_next_one_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = JournalWriter.create(tmp_path / "j", HEAD, segment_bytes=100)
    steps: list[tuple[str, int]] = []

    def note(what: str) -> None:
        steps.append((what, len(list((tmp_path / "j").glob("inputs-*")))))

    monkeypatch.setattr("aftershock.journal.channel.sync_data", lambda _file: note("data"))
    monkeypatch.setattr("aftershock.journal.channel.sync_folder", lambda _folder: note("folder"))
    for _ in range(2):
        writer.append_input(1, bytes(60))

    assert steps == [("data", 1), ("folder", 2)]
    writer.close()


def test_the_names_of_a_new_journals_files_are_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def note(folder: Path) -> None:
        seen.append(sorted(contents(folder)))

    for module in ("channel", "writer"):
        monkeypatch.setattr(f"aftershock.journal.{module}.sync_folder", note)
    JournalWriter.create(tmp_path / "j", HEAD).close()

    segments = ["inputs-000001.seg", "outputs-000001.seg"]
    assert seen == [segments[:1], segments, ["head.json", *segments], ["foot.json", "head.json", *segments]]
