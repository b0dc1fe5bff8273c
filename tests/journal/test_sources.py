"""A file that a journal refers to is found again only with every byte as it was."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from aftershock.errors import InputError
from aftershock.journal import Head, JournalReader, JournalWriter, describe_file, locate_file, write_sources
from tests.journal.journals import contents


@pytest.fixture(name="original")
def _original(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "trades.csv"
    path.parent.mkdir()
    path.write_bytes(b"price\n1\n2\n")
    return path


def write_about(folder: Path, *paths: Path) -> Path:
    head = Head(
        code_version="1",
        config={},
        instruments_digest="",
        numerics={},
        files=tuple(describe_file(path, "trades", first_row=1, rows=1) for path in paths),
    )
    JournalWriter.create(folder, head).close()
    write_sources(folder, paths)
    return folder


def find(folder: Path, *search: Path) -> Path:
    return locate_file(folder, 0, JournalReader(folder).head.files[0], search)


def test_a_file_is_described_by_name_size_digest_kind_and_rows(original: Path) -> None:
    file = describe_file(original, "trades", first_row=1, rows=1)

    assert (file.name, file.size, file.kind, file.first_row, file.rows) == ("trades.csv", 10, "trades", 1, 1)
    assert file.sha256 == hashlib.sha256(b"price\n1\n2\n").hexdigest()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv"):
        describe_file(tmp_path / "nowhere.csv", "trades")


def test_the_note_of_paths_finds_the_file(tmp_path: Path, original: Path) -> None:
    assert find(write_about(tmp_path / "j", original)) == original


def test_a_moved_file_is_found_in_a_folder_to_search(tmp_path: Path, original: Path) -> None:
    folder = write_about(tmp_path / "j", original)
    moved = tmp_path / "moved"
    moved.mkdir()
    original.rename(moved / original.name)
    with pytest.raises(InputError, match=r"trades\.csv of journal .* is not found: name the folder"):
        find(folder)

    assert find(folder, tmp_path / "other", moved) == moved / original.name


@pytest.mark.parametrize("content", [b"price\n1\n3\n", b"price\n1\n2\n\n", b""])
def test_a_changed_file_is_refused(tmp_path: Path, original: Path, content: bytes) -> None:
    folder = write_about(tmp_path / "j", original)
    original.write_bytes(content)

    with pytest.raises(InputError, match="its content differs") as refusal:
        find(folder)
    assert str(original) in str(refusal.value)


def test_a_changed_file_is_passed_over_for_the_original(tmp_path: Path, original: Path) -> None:
    folder = write_about(tmp_path / "j", original)
    copy = tmp_path / "copy" / original.name
    copy.parent.mkdir()
    original.rename(copy)
    original.write_bytes(b"other")

    assert find(folder, copy.parent) == copy


def test_no_damage_to_the_note_leads_to_another_file(tmp_path: Path, original: Path) -> None:
    folder = write_about(tmp_path / "j", original)
    note = folder / "sources.json"
    content = note.read_bytes()
    found = refused = 0
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= 0x11
        note.write_bytes(changed)
        try:
            assert find(folder) == original
            found += 1
        except InputError:
            refused += 1

    assert refused > len(str(original))
    assert found + refused == len(content)


def test_the_place_of_the_files_is_no_part_of_the_journal(tmp_path: Path, original: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / original.name
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(original.read_bytes())
    first, second = (
        contents(write_about(tmp_path / "a", original)),
        contents(write_about(tmp_path / "b", elsewhere)),
    )

    assert first.pop("sources.json") != second.pop("sources.json")
    assert first == second


def test_without_a_note_the_journals_own_folder_is_searched(tmp_path: Path, original: Path) -> None:
    folder = write_about(tmp_path / "j", original)
    (folder / "sources.json").unlink()
    original.rename(folder / original.name)

    assert find(folder) == folder / original.name
