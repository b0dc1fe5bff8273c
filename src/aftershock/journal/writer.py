"""Writing a journal: two channels, synced together, sealed at a clean end."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from aftershock.errors import InputError
from aftershock.journal.channel import ChannelWriter, Tail, cannot_write, sync_folder, write_all
from aftershock.journal.format import (
    DEFAULT_SEGMENT_BYTES,
    FOOT,
    HEAD,
    REF,
    Channel,
    Reference,
    chain_seed,
    segment_path,
)
from aftershock.journal.head import Head, HeadFile, Seal, canonical_json, head_digest
from aftershock.journal.lock import lock
from aftershock.journal.recover import Recovery, repair

__all__ = ["JournalWriter"]


class JournalWriter:
    """Writes one journal; make it with `create` or `resume`, and use it as a context manager.

    An error of the disk is an `InputError` that names the folder and what to do; what was written before it
    stays readable. Leaving the context by an exception closes the journal without the seal.
    """

    def __init__(self, folder: Path, head_file: HeadFile, head: bytes, tails: tuple[Tail, Tail]) -> None:
        self._folder = folder
        self._head = head
        self._files = len(head_file.head.files)
        size = head_file.segment_bytes
        self._inputs = ChannelWriter(folder, Channel.INPUTS, size, tails[0])
        # An output never reaches the system before the inputs that led to it.
        self._outputs = ChannelWriter(folder, Channel.OUTPUTS, size, tails[1], before_write=self._inputs.flush)
        self._pending: Reference | None = None
        self._lock = -1
        self._open = True

    @classmethod
    def create(cls, folder: Path, head: Head, *, segment_bytes: int = DEFAULT_SEGMENT_BYTES) -> Self:
        """Start a journal in a folder that does not exist yet or is empty.

        Args:
            folder: Where; parent folders are made.
            head: What the run is.
            segment_bytes: Size above which a channel goes on in a new file. It is part of the head.

        Raises:
            InputError: The folder holds something, or can't be written.
        """
        head_file = HeadFile(segment_bytes=segment_bytes, head=head)
        content = canonical_json(head_file)
        seeds = (chain_seed(content, Channel.INPUTS), chain_seed(content, Channel.OUTPUTS))
        start, other = (Tail(segment=1, offset=0, records=0, chain=seed) for seed in seeds)
        writer = cls(folder, head_file, content, (start, other))
        try:
            _make_empty(folder)
        except OSError as error:
            raise cannot_write(folder, error) from error
        writer._start(content)
        return writer

    @classmethod
    def resume(cls, folder: Path) -> Self:
        """Go on with a journal that has no seal: cut off its torn tail and append behind it.

        Raises:
            InputError: It has a seal, or a running engine writes it.
            JournalError: It is damaged before its end.
        """
        held = lock(folder)
        try:
            recovery = repair(folder)
            writer = cls(folder, recovery.head_file, recovery.head_bytes, (recovery.inputs, recovery.outputs))
            writer._continue(recovery)
        except InputError:
            os.close(held)
            raise
        writer._lock = held
        return writer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        try:
            self.close(complete=False)
        except InputError as failure:
            error.add_note(str(failure))

    @property
    def input_count(self) -> int:
        """Number of input records, without a reference that may still grow."""
        return self._inputs.count

    @property
    def output_count(self) -> int:
        """Number of output records."""
        return self._outputs.count

    def append_input(self, kind: int, payload: bytes) -> int:
        """Add an input in full and return its sequence number; kinds are 0 to 254."""
        if kind >= REF:
            raise ValueError(f"kind {kind} is taken: use append_reference")
        if self._pending is not None:
            self._end_reference()
        return self._inputs.append(kind, payload)

    def append_reference(self, file: int, first_row: int, rows: int) -> None:
        """Add inputs by reference: rows of a file of the head.

        Rows that continue the last reference lengthen it, so the cuts between batches leave no trace; the
        record is written when another input, `sync` or `close` ends it.
        """
        if not 0 <= file < self._files or first_row < 0 or rows < 0:
            raise ValueError(f"no rows {first_row} + {rows} of file {file}: the head lists {self._files} files")
        last = self._pending
        if last is not None and last.file == file and last.first_row + last.rows == first_row:
            self._pending = Reference(file, last.first_row, last.rows + rows)
            return
        if last is not None:
            self._end_reference()
        self._pending = Reference(file, first_row, rows)

    def append_output(self, kind: int, payload: bytes) -> int:
        """Add an output and return its sequence number; kinds are 0 to 255."""
        return self._outputs.append(kind, payload)

    def flush(self) -> None:
        """Hand all records to the system: they survive the death of the process, not of the machine."""
        self._end_reference()
        self._inputs.flush()
        self._outputs.flush()

    def sync(self) -> None:
        """Return once all inputs, then all outputs, are on the disk: only then may an order be sent."""
        self._end_reference()
        self._inputs.sync()
        self._outputs.sync()

    def close(self, *, complete: bool = True) -> None:
        """Sync and close; `complete` writes the seal, without which the journal counts as cut short."""
        if not self._open:
            return
        try:
            self.sync()
            if complete:
                self._write_seal()
        except OSError as error:
            raise cannot_write(self._folder, error) from error
        finally:
            self._let_go()

    def _start(self, head: bytes) -> None:
        """Begin the segments, then write the head: a head never lies beside segments that have not begun."""
        try:
            self._inputs.open()
            self._outputs.open()
            _write_durably(self._folder / HEAD, head)
            self._lock = lock(self._folder)
        except OSError as error:
            self._take_back_start()
            raise cannot_write(self._folder, error) from error
        except InputError:
            self._take_back_start()
            raise

    def _take_back_start(self) -> None:
        """Leave the folder empty again, so that the same command can be repeated once the cause is gone."""
        self._let_go()
        for name in (HEAD, *(segment_path(self._folder, channel, 1).name for channel in Channel)):
            with suppress(OSError):
                (self._folder / name).unlink()

    def _continue(self, recovery: Recovery) -> None:
        if recovery.complete:
            raise InputError(f"journal {self._folder} is complete: name another folder for a new run")
        try:
            self._inputs.open()
            self._outputs.open()
        except InputError:
            self._let_go()
            raise

    def _end_reference(self) -> None:
        if self._pending is not None:
            payload = self._pending.pack()
            self._pending = None
            self._inputs.append(REF, payload)

    def _write_seal(self) -> None:
        seal = Seal(head=head_digest(self._head), inputs=self._inputs.seal(), outputs=self._outputs.seal())
        _write_durably(self._folder / FOOT, canonical_json(seal.signed()))

    def _let_go(self) -> None:
        self._open = False
        self._inputs.close()
        self._outputs.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _make_empty(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise InputError(f"folder {folder} is not empty: a journal needs a new or an empty folder")


def _write_durably(path: Path, content: bytes) -> None:
    """Write a small file so that after a crash it is there whole or not at all."""
    part = path.with_name(path.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        write_all(descriptor, content)
        os.fsync(descriptor)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    part.replace(path)
    sync_folder(path.parent)
