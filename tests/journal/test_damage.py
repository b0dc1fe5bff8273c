"""No byte, record or file of a journal can change, move or vanish unseen."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.errors import AftershockError, InputError, JournalError
from aftershock.journal import JournalReader, JournalWriter, recover
from aftershock.journal.head import Seal, canonical_json
from tests.journal.journals import (
    INPUTS,
    OUTPUTS,
    contents,
    copy_to,
    numbered,
    read_journal,
    split_segment,
    write_journal,
)

SEGMENTS = ["inputs-000001.seg", "inputs-000002.seg", "outputs-000001.seg", "outputs-000002.seg"]


@pytest.fixture(name="sealed")
def _sealed(tmp_path: Path) -> dict[str, bytes]:
    files = contents(write_journal(tmp_path / "sealed"))
    assert sorted(files) == ["foot.json", "head.json", *SEGMENTS]
    return files


@pytest.fixture(name="unsealed")
def _unsealed(tmp_path: Path) -> dict[str, bytes]:
    return contents(write_journal(tmp_path / "unsealed", complete=False))


@pytest.mark.parametrize(
    "bits", [pytest.param((5,), id="one"), pytest.param(range(8), id="all", marks=pytest.mark.slow)]
)
def test_every_flipped_bit_of_a_sealed_journal_is_an_error(
    tmp_path: Path, sealed: dict[str, bytes], bits: Iterable[int]
) -> None:
    folder = copy_to(tmp_path / "copy", sealed)
    for name, content in sealed.items():
        for position in range(len(content)):
            for bit in bits:
                (folder / name).write_bytes(_flipped(content, position, bit))
                with pytest.raises(JournalError):
                    read_journal(folder)
        (folder / name).write_bytes(content)
    assert read_journal(folder) == (numbered(INPUTS), numbered(OUTPUTS))


def test_a_flipped_bit_of_an_unsealed_journal_is_an_error_or_the_torn_end(
    tmp_path: Path, unsealed: dict[str, bytes]
) -> None:
    folder = copy_to(tmp_path / "copy", unsealed)
    torn = 0
    for name, content in unsealed.items():
        *_, last = split_segment(content)[1] if name.endswith(".seg") else [b""]
        for position in range(len(content)):
            (folder / name).write_bytes(_flipped(content, position, position % 8))
            try:
                inputs, outputs = read_journal(folder)
            except JournalError:
                continue
            # Nothing follows the last record, so only there can damage look like the end of a crashed run.
            assert name in ("inputs-000002.seg", "outputs-000002.seg")
            assert position >= len(content) - len(last)
            assert JournalReader(folder).incomplete
            assert len(inputs) + len(outputs) == len(INPUTS) + len(OUTPUTS) - 1
            assert inputs == numbered(INPUTS)[: len(inputs)]
            assert outputs == numbered(OUTPUTS)[: len(outputs)]
            torn += 1
        (folder / name).write_bytes(content)
    assert torn > 0


def test_recovery_never_cuts_off_a_whole_record_behind_a_damaged_one(
    tmp_path: Path, unsealed: dict[str, bytes]
) -> None:
    folder = copy_to(tmp_path / "copy", unsealed)
    content = unsealed["outputs-000001.seg"]
    for position in range(len(content)):
        (folder / "outputs-000001.seg").write_bytes(_flipped(content, position, 3))
        before = contents(folder)
        with pytest.raises(JournalError):
            recover(folder)
        assert contents(folder) == before


def test_damage_is_named_by_file_record_offset_and_kind(tmp_path: Path, sealed: dict[str, bytes]) -> None:
    start, records = split_segment(sealed["inputs-000001.seg"])
    second = len(start) + len(records[0])

    def message(content: bytes) -> str:
        folder = copy_to(tmp_path / "copy", {**sealed, "inputs-000001.seg": content})
        with pytest.raises(JournalError) as damage:
            list(JournalReader(folder).inputs())
        assert str(folder) in str(damage.value)
        assert damage.value.exit_code == 1
        return str(damage.value)

    original = sealed["inputs-000001.seg"]
    place = f"inputs-000001.seg, record 1 at byte {second}: "
    assert place + "checksum" in message(_flipped(original, second + 4, 0))
    assert place + "sequence" in message(_flipped(original, second + 5, 0))
    assert place + "length" in message(_flipped(original, second + 3, 7))
    assert place + "truncated" in message(_flipped(original, second + 2, 0))


@pytest.mark.parametrize("name", SEGMENTS)
def test_a_cut_file_of_a_sealed_journal_is_an_error(tmp_path: Path, sealed: dict[str, bytes], name: str) -> None:
    for length in range(len(sealed[name])):
        folder = copy_to(tmp_path / "copy", {**sealed, name: sealed[name][:length]})
        with pytest.raises(JournalError):
            read_journal(folder)


@pytest.mark.parametrize("change", ["swapped", "removed", "doubled", "moved to the other channel"])
def test_records_that_changed_places_are_an_error(tmp_path: Path, sealed: dict[str, bytes], change: str) -> None:
    start, records = split_segment(sealed["inputs-000001.seg"])
    others = split_segment(sealed["outputs-000001.seg"])[1]
    assert len(records) >= 2
    records = {
        "swapped": [records[1], records[0], *records[2:]],
        "removed": records[1:],
        "doubled": [records[0], *records],
        "moved to the other channel": [others[0], *records[1:]],
    }[change]
    for seal in (True, False):
        files = {**sealed, "inputs-000001.seg": start + b"".join(records)}
        if not seal:
            del files["foot.json"]
        with pytest.raises(JournalError):
            read_journal(copy_to(tmp_path / "copy", files))


@pytest.mark.parametrize("name", ["head.json", *SEGMENTS])
def test_a_missing_file_of_a_sealed_journal_is_an_error(tmp_path: Path, sealed: dict[str, bytes], name: str) -> None:
    del sealed[name]

    with pytest.raises(JournalError):
        read_journal(copy_to(tmp_path / "copy", sealed))


@pytest.mark.parametrize("name", ["head.json", "inputs-000001.seg", "outputs-000001.seg"])
def test_a_missing_file_before_the_end_of_an_unsealed_journal_is_an_error(
    tmp_path: Path, unsealed: dict[str, bytes], name: str
) -> None:
    del unsealed[name]

    with pytest.raises(JournalError, match=name):
        read_journal(copy_to(tmp_path / "copy", unsealed))


def test_segments_that_changed_places_are_an_error(tmp_path: Path, sealed: dict[str, bytes]) -> None:
    for first, second in (SEGMENTS[:2], SEGMENTS[2:], SEGMENTS[::2]):
        swapped = {**sealed, first: sealed[second], second: sealed[first]}
        with pytest.raises(JournalError):
            read_journal(copy_to(tmp_path / "copy", swapped))


def test_a_segment_too_many_is_an_error(tmp_path: Path, sealed: dict[str, bytes]) -> None:
    last_chain = sealed["inputs-000002.seg"][-16:]

    with pytest.raises(JournalError, match="the seal has"):
        JournalReader(copy_to(tmp_path / "copy", {**sealed, "inputs-000003.seg": last_chain}))


def test_a_lost_last_segment_of_an_unsealed_journal_leaves_it_incomplete(
    tmp_path: Path, unsealed: dict[str, bytes]
) -> None:
    del unsealed["inputs-000002.seg"]
    folder = copy_to(tmp_path / "copy", unsealed)

    inputs, outputs = read_journal(folder)

    assert inputs == numbered(INPUTS)[: len(inputs)]
    assert len(inputs) < len(INPUTS)
    assert outputs == numbered(OUTPUTS)
    assert JournalReader(folder).incomplete


def test_the_seal_of_another_run_is_an_error(tmp_path: Path, sealed: dict[str, bytes]) -> None:
    other = write_journal(tmp_path / "other", segment_bytes=101)

    with pytest.raises(JournalError, match="belongs to another head"):
        JournalReader(copy_to(tmp_path / "copy", {**sealed, "foot.json": contents(other)["foot.json"]}))


def test_a_seal_that_counts_other_records_is_an_error(tmp_path: Path, sealed: dict[str, bytes]) -> None:
    seal = msgspec.json.decode(sealed["foot.json"], type=Seal)
    inputs = msgspec.structs.replace(seal.inputs, records=5)
    forged = canonical_json(msgspec.structs.replace(seal, inputs=inputs).signed())

    with pytest.raises(JournalError, match="ends after 4 records, and the seal counts 5"):
        read_journal(copy_to(tmp_path / "copy", {**sealed, "foot.json": forged}))


def test_the_segments_of_another_run_are_an_error(tmp_path: Path, sealed: dict[str, bytes]) -> None:
    other = contents(write_journal(tmp_path / "other", inputs=[(1, b"x")] * 4, outputs=OUTPUTS))

    with pytest.raises(JournalError):
        read_journal(copy_to(tmp_path / "copy", {**sealed, "inputs-000001.seg": other["inputs-000001.seg"]}))


def test_a_record_whose_number_skips_others_is_not_returned(tmp_path: Path, unsealed: dict[str, bytes]) -> None:
    start, records = split_segment(unsealed["inputs-000002.seg"])
    body = struct.pack("<IBQ", 2, 1, 99) + b"no"
    forged = body + hashlib.blake2b(records[-1][-16:] + body, digest_size=16).digest()
    folder = copy_to(tmp_path / "copy", {**unsealed, "inputs-000002.seg": start + b"".join(records) + forged + forged})

    assert read_journal(folder)[0] == numbered(INPUTS)
    assert JournalReader(folder).incomplete


@given(content=st.binary(max_size=300), which=st.sampled_from(["foot.json", *SEGMENTS]))
def test_random_bytes_in_place_of_a_file_never_give_a_wrong_record(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, which: str
) -> None:
    place = tmp_path_factory.mktemp("random")
    files = contents(write_journal(place / "j", complete=which == "foot.json"))
    folder = copy_to(place / "j", {**files, which: content})

    try:
        inputs, outputs = read_journal(folder)
    except JournalError:
        return
    assert JournalReader(folder).incomplete
    assert inputs == numbered(INPUTS)[: len(inputs)]
    assert outputs == numbered(OUTPUTS)[: len(outputs)]


@given(files=st.dictionaries(st.sampled_from(["head.json", "foot.json", *SEGMENTS]), st.binary(max_size=100)))
def test_a_folder_of_random_files_is_refused_in_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    folder = copy_to(tmp_path_factory.mktemp("random"), files)

    with pytest.raises(InputError) as refusal:
        read_journal(folder)

    assert isinstance(refusal.value, AftershockError)
    assert str(folder) in str(refusal.value)


@given(content=st.binary(max_size=200))
def test_a_random_head_whose_chains_fit_is_refused_in_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    files = {"head.json": content}
    for channel in ("inputs", "outputs"):
        seed = hashlib.blake2b(channel.encode() + b"\n" + content, digest_size=16).digest()
        files[f"{channel}-000001.seg"] = seed
    folder = copy_to(tmp_path_factory.mktemp("random"), files)

    with pytest.raises(InputError, match=r"head\.json"):
        JournalReader(folder)


@pytest.mark.parametrize("name", ["foot.json", "head.json", *SEGMENTS])
def test_a_file_that_can_not_be_read_is_named(tmp_path: Path, sealed: dict[str, bytes], name: str) -> None:
    folder = copy_to(tmp_path / "copy", sealed)
    (folder / name).unlink()
    (folder / name).mkdir()

    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        read_journal(folder)


@pytest.mark.parametrize("use", [JournalReader, recover, JournalWriter.resume])
def test_a_folder_that_is_not_there_is_named(tmp_path: Path, use: Callable[[Path], object]) -> None:
    with pytest.raises(InputError, match="nowhere"):
        use(tmp_path / "nowhere")


def _flipped(content: bytes, position: int, bit: int) -> bytes:
    changed = bytearray(content)
    changed[position] ^= 1 << bit
    return bytes(changed)
