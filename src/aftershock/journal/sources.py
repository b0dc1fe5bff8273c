"""Input files that a journal refers to: their digests in the head, and a hint beside it where they lie."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from aftershock.errors import InputError
from aftershock.journal.channel import cannot_write
from aftershock.journal.format import SOURCES, cannot_read
from aftershock.journal.head import InputFile

__all__ = ["describe_file", "locate_file", "write_sources"]


class _Note(msgspec.Struct, frozen=True):
    paths: list[str]


def describe_file(path: Path, kind: str, *, first_row: int = 0, rows: int | None = None) -> InputFile:
    """Return the description of an input file, reading it once for its digest.

    Raises:
        InputError: The file can't be read.
    """
    size, digest = _measure(path)
    return InputFile(name=path.name, size=size, sha256=digest, kind=kind, first_row=first_row, rows=rows)


def write_sources(folder: Path, paths: Iterable[Path]) -> None:
    """Note in a journal's folder where its input files lie, in the order of the head's files.

    The note is not part of the chain: a moved file needs a new path, not a new journal.

    Raises:
        InputError: The folder can't be written.
    """
    text = json.dumps({"paths": [str(path.absolute()) for path in paths]}, indent=2)
    try:
        (folder / SOURCES).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise cannot_write(folder, error) from error


def locate_file(folder: Path, index: int, file: InputFile, search: Iterable[Path] = ()) -> Path:
    """Return the path of an input file whose every byte is as the head says.

    Args:
        folder: Folder of the journal; its note of paths is tried first.
        index: Number of the file in the head, from 0.
        file: The head's description of it.
        search: Further folders to look in, by name.

    Raises:
        InputError: The file is nowhere, or only with other content.
    """
    changed: Path | None = None
    for path in _candidates(folder, index, file, search):
        try:
            if not path.is_file():
                continue
        except (OSError, ValueError):  # a damaged note can hold what is no path at all
            continue
        if path.stat().st_size == file.size and _measure(path)[1] == file.sha256:
            return path
        changed = path
    if changed is not None:
        raise InputError(
            f"{changed} is not the file that journal {folder} was made from: its content differs; "
            "restore it, or name the folder that has the original"
        )
    raise InputError(f"input file {file.name} of journal {folder} is not found: name the folder that has it")


def _candidates(folder: Path, index: int, file: InputFile, search: Iterable[Path]) -> Iterator[Path]:
    paths = _noted_paths(folder)
    if index < len(paths):
        yield Path(paths[index])
    for place in search:
        yield place / file.name
    yield folder / file.name


def _noted_paths(folder: Path) -> list[str]:
    try:
        return msgspec.json.decode((folder / SOURCES).read_bytes(), type=_Note).paths
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError):
        return []  # only a hint: without it the search goes on


def _measure(path: Path) -> tuple[int, str]:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return file.tell(), digest
    except OSError as error:
        raise cannot_read(path, error) from error
