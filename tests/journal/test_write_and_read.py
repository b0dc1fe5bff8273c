"""What is appended is read back, in order, from folders that depend on the records alone."""

from __future__ import annotations

import itertools
import json
import tracemalloc
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.errors import InputError, JournalError
from aftershock.journal import MAX_PAYLOAD, REF, JournalDigest, JournalReader, JournalWriter, Reference
from tests.journal.journals import (
    HEAD,
    INPUTS,
    OUTPUTS,
    contents,
    numbered,
    read_by_the_book,
    read_journal,
    write_journal,
)

RECORDS = st.lists(st.tuples(st.integers(0, 254), st.binary(max_size=60)), max_size=30)


def test_appended_records_come_back_with_kind_and_sequence_number(tmp_path: Path) -> None:
    folder = write_journal(tmp_path / "j")

    assert read_journal(folder) == (numbered(INPUTS), numbered(OUTPUTS))


def test_the_head_comes_back_whole(tmp_path: Path) -> None:
    folder = write_journal(tmp_path / "j")

    assert JournalReader(folder).head == HEAD


@settings(max_examples=50)
@given(inputs=RECORDS, outputs=RECORDS, segment_bytes=st.integers(1, 500), marks=st.sets(st.integers(0, 30)))
def test_any_records_are_read_back_and_syncs_leave_no_trace(
    tmp_path_factory: pytest.TempPathFactory,
    inputs: list[tuple[int, bytes]],
    outputs: list[tuple[int, bytes]],
    segment_bytes: int,
    marks: set[int],
) -> None:
    place = tmp_path_factory.mktemp("journals")
    plain = write_journal(place / "plain", inputs=inputs, outputs=outputs, segment_bytes=segment_bytes)
    with JournalWriter.create(place / "synced", HEAD, segment_bytes=segment_bytes) as writer:
        for number, (kind, payload) in enumerate(inputs):
            assert writer.append_input(kind, payload) == number
            if number in marks:
                writer.sync()
        for number, (kind, payload) in enumerate(outputs):
            assert writer.append_output(kind, payload) == number
            if number in marks:
                writer.flush()

    assert read_journal(plain) == (numbered(inputs), numbered(outputs))
    assert contents(place / "synced") == contents(plain)


def test_a_reader_written_from_the_documentation_finds_the_same(tmp_path: Path) -> None:
    folder = write_journal(tmp_path / "j")
    seal = json.loads((folder / "foot.json").read_bytes())

    inputs, inputs_end = read_by_the_book(folder, "inputs")
    outputs, outputs_end = read_by_the_book(folder, "outputs")

    assert (inputs, outputs) == read_journal(folder)
    assert (inputs_end, outputs_end) == (seal["inputs"]["chain"], seal["outputs"]["chain"])
    assert (seal["inputs"]["records"], seal["outputs"]["records"]) == (len(INPUTS), len(OUTPUTS))


def test_the_format_does_not_drift_between_versions(tmp_path: Path) -> None:
    digest = JournalReader(write_journal(tmp_path / "j")).verify()

    assert digest == JournalDigest(
        head="074fd9e71cc52284d732ec1c47b30941",
        inputs="51ee3a625f1809a0dffca750f19832c3",
        outputs="26d5217b5c86ba7197d92b2e9b57ee4a",
    )


def test_a_channel_goes_on_in_a_new_segment_at_its_size(tmp_path: Path) -> None:
    folder = write_journal(tmp_path / "j", inputs=[(1, bytes(21))] * 5, segment_bytes=16 + 2 * 50)

    assert [path.stat().st_size for path in sorted(folder.glob("inputs-*"))] == [116, 116, 66]


def test_a_record_longer_than_a_segment_has_one_of_its_own(tmp_path: Path) -> None:
    records = [(1, b"a"), (1, bytes(1_000_000)), (1, b"b")]

    folder = write_journal(tmp_path / "j", inputs=records, segment_bytes=100)

    assert len(list(folder.glob("inputs-*"))) == 3
    assert read_journal(folder)[0] == numbered(records)


def test_a_journal_without_records_is_complete(tmp_path: Path) -> None:
    folder = write_journal(tmp_path / "j", inputs=[], outputs=[])

    assert read_journal(folder) == ([], [])
    assert not JournalReader(folder).incomplete


def test_two_folders_of_one_run_are_byte_identical(tmp_path: Path) -> None:
    first = write_journal(tmp_path / "a" / "deep")
    second = write_journal(tmp_path / "b")

    assert contents(first) == contents(second)


@pytest.mark.parametrize("sealed", [True, False])
def test_equal_digests_mean_equal_journals(tmp_path: Path, sealed: bool) -> None:
    same = [write_journal(tmp_path / name, complete=sealed) for name in "ab"]
    other_output = write_journal(tmp_path / "c", outputs=[*OUTPUTS[:-1], (255, b"lasT")], complete=sealed)
    other_input = write_journal(tmp_path / "d", inputs=[*INPUTS, (1, b"")], complete=sealed)

    digests = [JournalReader(folder).digest() for folder in (*same, other_output, other_input)]

    assert digests[0] == digests[1] == JournalReader(same[0]).verify()
    assert digests[2].inputs == digests[0].inputs
    assert digests[2].outputs != digests[0].outputs
    assert digests[3].inputs != digests[0].inputs
    assert digests[3].outputs == digests[0].outputs


def test_another_setting_changes_every_digest(tmp_path: Path) -> None:
    digests = []
    for name, spread in (("a", 12.5), ("b", 12.500000000000002)):
        head = msgspec.structs.replace(HEAD, config={"min_spread_bps": spread})
        JournalWriter.create(tmp_path / name, head).close()
        digests.append(JournalReader(tmp_path / name).digest())

    assert digests[0].head != digests[1].head
    assert digests[0].inputs != digests[1].inputs
    assert digests[0].outputs != digests[1].outputs


def test_the_head_does_not_depend_on_the_order_of_settings(tmp_path: Path) -> None:
    for name, config in (("a", {"x": 1, "y": {"p": 1, "q": 2}}), ("b", {"y": {"q": 2, "p": 1}, "x": 1})):
        JournalWriter.create(tmp_path / name, msgspec.structs.replace(HEAD, config=config)).close()

    assert contents(tmp_path / "a") == contents(tmp_path / "b")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_a_head_that_json_can_not_hold_is_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(InputError, match="plain JSON"):
        JournalWriter.create(tmp_path / "j", msgspec.structs.replace(HEAD, config={"x": value}))

    assert not (tmp_path / "j").exists()


def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(InputError, match=r"is not empty: a journal needs a new or an empty folder") as refusal:
        JournalWriter.create(tmp_path, HEAD)

    assert str(tmp_path) in str(refusal.value)
    assert refusal.value.exit_code == 2
    assert contents(tmp_path) == {"notes.txt": b"mine"}


def test_an_existing_journal_is_not_overwritten(tmp_path: Path) -> None:
    folder = write_journal(tmp_path / "j")
    before = contents(folder)

    with pytest.raises(InputError, match="not empty"):
        JournalWriter.create(folder, HEAD)

    assert contents(folder) == before


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "j").write_text("")

    with pytest.raises(InputError, match="a file is in the way") as refusal:
        JournalWriter.create(tmp_path / "j", HEAD)

    assert str(tmp_path / "j") in str(refusal.value)


def test_a_folder_without_a_head_is_not_a_journal(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a journal") as refusal:
        JournalReader(tmp_path)

    assert refusal.value.exit_code == 2


def test_a_format_of_the_future_is_refused_by_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("aftershock.journal.writer.HeadFile", _OfFormat2)
        JournalWriter.create(tmp_path / "j", HEAD).close()

    with pytest.raises(InputError, match="format 2, and this version reads 1"):
        JournalReader(tmp_path / "j")


class _OfFormat2(msgspec.Struct, kw_only=True):
    head: object
    segment_bytes: int
    format: int = 2


def test_a_reference_stands_for_rows_of_a_file(tmp_path: Path) -> None:
    with JournalWriter.create(tmp_path / "j", HEAD) as writer:
        writer.append_reference(1, 10, 5)
        writer.append_input(3, b"full")
        writer.append_reference(0, 0, 7)

    records = list(JournalReader(tmp_path / "j").inputs())

    assert [kind for _, kind, _ in records] == [REF, 3, REF]
    assert Reference.unpack(records[0][2]) == Reference(file=1, first_row=10, rows=5)
    assert Reference.unpack(records[2][2]) == Reference(file=0, first_row=0, rows=7)


@given(cuts=st.lists(st.integers(1, 99), max_size=8))
def test_where_batches_are_cut_does_not_show_in_references(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    edges = [0, *sorted(set(cuts)), 100]
    folder = tmp_path_factory.mktemp("cut") / "j"
    with JournalWriter.create(folder, HEAD) as writer:
        for start, stop in itertools.pairwise(edges):
            writer.append_reference(0, start, stop - start)
            writer.append_output(1, b"x" * 300_000)  # outputs leave the buffer meanwhile
        writer.append_reference(0, 200, 1)

    payloads = [payload for _, _, payload in JournalReader(folder).inputs()]

    assert [Reference.unpack(payload) for payload in payloads] == [Reference(0, 0, 100), Reference(0, 200, 1)]


@pytest.mark.parametrize("rows", [(2, 0, 1), (-1, 0, 1), (0, -1, 1), (0, 0, -1)])
def test_a_reference_outside_the_head_is_refused(tmp_path: Path, rows: tuple[int, int, int]) -> None:
    with (
        JournalWriter.create(tmp_path / "j", HEAD) as writer,
        pytest.raises(ValueError, match="the head lists 2 files"),
    ):
        writer.append_reference(*rows)


def test_a_reference_record_of_another_length_is_refused() -> None:
    with pytest.raises(JournalError, match="19 bytes instead of 20"):
        Reference.unpack(bytes(19))


def test_the_kind_of_references_is_not_for_inputs_in_full(tmp_path: Path) -> None:
    with (
        JournalWriter.create(tmp_path / "j", HEAD) as writer,
        pytest.raises(ValueError, match="use append_reference"),
    ):
        writer.append_input(REF, b"")


def test_a_payload_beyond_the_limit_is_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    with JournalWriter.create(tmp_path / "j", HEAD) as writer:
        with pytest.raises(InputError, match="split it"):
            writer.append_input(1, bytes(MAX_PAYLOAD + 1))
        writer.append_input(1, b"fits")

    assert read_journal(tmp_path / "j")[0] == [(0, 1, b"fits")]


def test_a_closed_journal_takes_no_more_records(tmp_path: Path) -> None:
    writer = JournalWriter.create(tmp_path / "j", HEAD)
    writer.close()
    writer.close()

    with pytest.raises(InputError, match="takes no more records: it is closed"):
        writer.append_input(1, b"late")
    with pytest.raises(InputError, match="it is closed"):
        writer.sync()
    assert not JournalReader(tmp_path / "j").incomplete


def test_leaving_by_an_exception_keeps_the_records_and_leaves_out_the_seal(tmp_path: Path) -> None:
    def run() -> None:
        with JournalWriter.create(tmp_path / "j", HEAD) as writer:
            writer.append_input(1, b"kept")
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        run()

    assert read_journal(tmp_path / "j")[0] == [(0, 1, b"kept")]
    assert JournalReader(tmp_path / "j").incomplete


def test_reading_takes_memory_for_a_record_not_for_a_journal(tmp_path: Path) -> None:
    folder = write_journal(tmp_path / "j", inputs=[(1, bytes(50_000))] * 800, segment_bytes=1 << 23)
    assert sum(path.stat().st_size for path in folder.glob("inputs-*")) > 40_000_000

    tracemalloc.start()
    try:
        count = sum(1 for _ in JournalReader(folder).inputs())
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert count == 800
    assert peak_bytes < 2_000_000


def test_a_journal_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    with JournalWriter.create(tmp_path / "j", HEAD) as writer:
        writer.append_input(1, b"early")
        writer.flush()
        records = JournalReader(tmp_path / "j").inputs()
        assert next(records) == (0, 1, b"early")
        writer.append_input(1, b"late")
        writer.flush()
        assert list(records) == []

        assert read_journal(tmp_path / "j")[0] == [(0, 1, b"early"), (1, 1, b"late")]
