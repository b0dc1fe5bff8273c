"""Client ids are given out once, whatever becomes of the process or the disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.errors import InputError
from aftershock.venues.backpack.client_ids import ClientIds


def test_ids_go_on_where_they_stopped_and_keep_the_name_of_their_order(tmp_path: Path) -> None:
    path = tmp_path / "ids"
    with ClientIds(path) as ids:
        assert [ids.take(f"intent/{leg}") for leg in (1, 2)] == [1, 2]
    with ClientIds(path) as ids:
        assert ids.names == {1: "intent/1", 2: "intent/2"}
        assert ids.take("intent/3") == 3


@given(cut=st.integers(0, 60))
def test_a_file_torn_anywhere_never_gives_an_id_out_again(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("ids") / "ids"
    with ClientIds(path) as ids:
        for number in range(1, 6):
            ids.take(f"intent {number}")
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    used = whole[:cut].count(b"\n") + (not whole[:cut].endswith(b"\n") and 0 < cut <= len(whole))

    with ClientIds(path) as ids:
        assert ids.take("next") == used + 1
    with ClientIds(path) as ids:
        assert ids.names[used + 1] == "next"


def test_a_new_file_is_on_the_disk_with_its_folders_before_an_id_is_given_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, sync = list[int](), os.fsync

    def noted(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    folder = tmp_path / "a" / "b"
    with ClientIds(folder / "ids"):
        assert synced == [each.stat().st_ino for each in (folder, folder.parent, tmp_path)]
    synced.clear()
    with ClientIds(folder / "ids"):
        assert synced == [folder.stat().st_ino], "a file that another run made and did not live to sync"


def test_two_processes_never_share_a_file(tmp_path: Path) -> None:
    with ClientIds(tmp_path / "ids"), pytest.raises(InputError, match="in use by another process"):
        ClientIds(tmp_path / "ids")


def test_after_the_last_id_of_32_bits_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "ids"
    path.write_text(f"{2**32 - 2} before\n")
    with ClientIds(path) as ids:
        assert ids.take("last") == 2**32 - 1
        with pytest.raises(InputError, match="has given out all"):
            ids.take("beyond")


@pytest.mark.parametrize("content", [b"hello\n", b"2 a\n1 b\n", b"99999999999 a\n"])
def test_a_file_of_something_else_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "ids").write_bytes(content)
    with pytest.raises(InputError, match="holds no client ids"):
        ClientIds(tmp_path / "ids")


def test_a_name_that_would_break_the_file_is_refused(tmp_path: Path) -> None:
    with ClientIds(tmp_path / "ids") as ids, pytest.raises(InputError, match="one line"):
        ids.take("a\nb")


def test_a_disk_that_takes_nothing_gives_no_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "ids"
    with ClientIds(path) as ids:
        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(InputError, match="no order is sent"):
            ids.take("lost")
        monkeypatch.undo()
        assert ids.take("next") == 2
