"""Does a journal reproduce: the engine again on the journal's own inputs, its outputs against the recorded ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from aftershock.app.drive import Drive
from aftershock.app.inputs import EXPECTABLE, INSTRUMENTS, RECORDED_TERMS, Given, Inputs, open_inputs
from aftershock.app.live.journal import LiveInputs
from aftershock.app.numerics import code_version, numerics
from aftershock.app.records import END, decode_end, decode_output, encode_effect, encode_stats
from aftershock.app.settings import Settings, config_keys
from aftershock.core.config import EngineConfig
from aftershock.core.engine import Engine
from aftershock.errors import InputError, JournalError
from aftershock.journal import (
    REF,
    Comparison,
    InputFile,
    JournalReader,
    Reference,
    compare_outputs,
    describe_file,
    locate_file,
)

__all__ = ["JournalInputs", "Verification", "open_journal", "verify"]


class JournalInputs(msgspec.Struct, frozen=True, kw_only=True):
    """A journal's head and input records, ready to be run again.

    Attributes:
        inputs: Of files, or what the journal of a live run holds itself.
        ended: Whether the journal says how much of its inputs the run took.
    """

    reader: JournalReader
    settings: Settings
    inputs: Inputs | LiveInputs
    ended: bool


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """A journal that reproduces.

    Attributes:
        comparison: How far it went and what held.
        same_numerics: Whether bytes could be compared.
        recorded_numerics, numerics: The two numerics ids.
        recorded_version, version: The two versions of the code.
    """

    journal: Path
    comparison: Comparison
    same_numerics: bool
    recorded_numerics: dict[str, str]
    numerics: dict[str, str]
    recorded_version: str
    version: str

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "journal": str(self.journal),
            "held": self.comparison.held,
            "mode": self.comparison.mode,
            "records": self.comparison.records,
            "tolerated": self.comparison.tolerated,
            "incomplete": self.comparison.incomplete,
            "unrecorded": self.comparison.unrecorded,
            "same_numerics": self.same_numerics,
            "recorded_numerics": self.recorded_numerics,
            "numerics": self.numerics,
            "recorded_version": self.recorded_version,
            "version": self.version,
        }


def verify(folder: Path, given: Sequence[Path] = ()) -> Verification:
    """Run a journal's inputs again and compare every output.

    Args:
        folder: Folder of the journal.
        given: Files to look among, by content, where an input is no longer where it was.

    Raises:
        JournalError: The journal is damaged, an input is changed or gone, or an output differs; names the first.
        InputError: There is no journal.
    """
    opened = open_journal(folder, given)
    comparison = compare_outputs(opened.reader, _produce(opened), decode=decode_output, numerics=numerics())
    comparison.raise_if_different(opened.reader)
    head = opened.reader.head
    return Verification(
        journal=folder,
        comparison=comparison,
        same_numerics=head.numerics == numerics(),
        recorded_numerics=head.numerics,
        numerics=numerics(),
        recorded_version=head.code_version,
        version=code_version(),
    )


def open_journal(folder: Path, given: Sequence[Path] = ()) -> JournalInputs:
    """Open a journal, find its input files and check their digests; arguments and errors as for `verify`."""
    reader = JournalReader(folder)
    if not reader.head.files:
        live = LiveInputs(reader)
        _check_table(reader, live.table_digest)
        return JournalInputs(reader=reader, settings=_settings(reader), inputs=live, ended=not reader.incomplete)
    paths = [_locate(folder, index, file, given) for index, file in enumerate(reader.head.files)]
    limits, ended = _limits(reader)
    instruments = None
    files, recorded_terms = [], []
    for file, path, limit in zip(reader.head.files, paths, limits, strict=True):
        if file.kind == INSTRUMENTS:
            instruments = path
        elif file.kind == RECORDED_TERMS:
            recorded_terms.append(path)
        else:
            files.append((Given(path, _expectable(file.kind)), limit))
    inputs = open_inputs([item for item, _ in files], instruments, [limit for _, limit in files], recorded_terms)
    _check_table(reader, inputs.table_digest)
    return JournalInputs(reader=reader, settings=_settings(reader), inputs=inputs, ended=ended)


def _check_table(reader: JournalReader, digest: str) -> None:
    if digest != reader.head.instruments_digest:
        raise JournalError(
            f"journal {reader.folder} was made with another instrument table (digest "
            f"{reader.head.instruments_digest}, here {digest}): verify it with aftershock {reader.head.code_version}"
        )


def _produce(opened: JournalInputs) -> Iterator[tuple[int, bytes]]:
    engine = Engine(opened.settings.config, opened.inputs.table)
    drive = Drive(engine, opened.inputs.events(), whole_batches=True)
    for effect in drive.effects():
        yield encode_effect(effect)
    yield encode_stats(engine.stats)


def _settings(reader: JournalReader) -> Settings:
    try:
        config = msgspec.convert(reader.head.config, EngineConfig)
    except msgspec.ValidationError as error:
        raise JournalError(
            f"journal {reader.folder} has a configuration that this version does not know ({error}): "
            f"verify it with aftershock {reader.head.code_version}"
        ) from error
    return Settings(config, dict.fromkeys(config_keys(), f"journal {reader.folder}"))


def _limits(reader: JournalReader) -> tuple[list[int | None], bool]:
    """Return the rows taken of each file, and whether the journal says so; None where it does not."""
    limits: list[int | None] = [None] * len(reader.head.files)
    ended = False
    for _, kind, payload in reader.inputs():
        if kind == REF:
            reference = Reference.unpack(payload)
            limits[reference.file] = reference.first_row + reference.rows
        elif kind == END:
            decode_end(payload)
            ended = True
    return limits, ended


def _locate(folder: Path, index: int, file: InputFile, given: Sequence[Path]) -> Path:
    """Find an input by content: among the files given, then where the journal noted it, then beside these."""
    for path in given:
        if path.is_file() and path.stat().st_size == file.size and describe_file(path, file.kind).sha256 == file.sha256:
            return path
    places = [path if path.is_dir() else path.parent for path in given]
    try:
        return locate_file(folder, index, file, places)
    except InputError as error:
        raise JournalError(f"{error} (recorded SHA-256 of {file.name}: {file.sha256})") from error


def _expectable(kind: str) -> str | None:
    """Return a recorded kind as what a file is to be opened as, None where its content says it."""
    return kind if kind in EXPECTABLE else None
