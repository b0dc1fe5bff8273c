"""Every request and answer, appended to a file: audit, source of costs, and answers for a replay, in one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import msgspec

from aftershock.errors import InputError
from aftershock.review.record import FORMAT, ReviewRecord

__all__ = ["LineFault", "Recorder", "read_records"]

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(ReviewRecord)
_LONGEST_LINE = 8 << 20


class Recorder:
    """Appends records, one line each, in one write each: a killed process loses none that it had written."""

    def __init__(self, path: Path) -> None:
        """Open a file for its owner alone; what is in it stays.

        Raises:
            InputError: It can't be written.
        """
        self.path = path
        self._cut = False
        try:
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            if os.fstat(self._file).st_size > 0:
                os.lseek(self._file, -1, os.SEEK_END)
                self._cut = os.read(self._file, 1) != b"\n"
        except OSError as error:
            raise InputError(f"can't write the recording {path} ({error.strerror}): name another file") from error

    def add(self, record: ReviewRecord) -> None:
        """Append a record.

        Raises:
            InputError: The disk takes no more.
        """
        line = _ENCODER.encode(record) + b"\n"
        if self._cut:  # the tail of a killed process keeps a line of its own
            line, self._cut = b"\n" + line, False
        try:
            written = os.write(self._file, line)
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError as error:
            raise InputError(f"the recording {self.path} takes no more ({error.strerror})") from error

    def close(self) -> None:
        """Put it on the disk and let go."""
        with suppress(OSError):  # a device or a pipe has no disk
            os.fsync(self._file)
        os.close(self._file)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


class LineFault(NamedTuple):
    """A line that is no record: its number, counted from 1, and why."""

    line: int
    why: str


def read_records(path: Path) -> Iterator[ReviewRecord | LineFault]:
    """Iterate over a recording; what can't be read comes as a fault, never as silence.

    Raises:
        InputError: The file can't be read at all.
    """
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(_LONGEST_LINE + 1):
                number += 1
                if len(line) > _LONGEST_LINE:
                    yield LineFault(number, "the line is too long for a record")
                    while line and not line.endswith(b"\n"):
                        line = file.readline(_LONGEST_LINE)
                    continue
                if line.strip():
                    yield _read(line, number)
    except OSError as error:
        raise InputError(f"can't read the recording {path} ({error.strerror}): name a file of a gateway") from error


def _read(line: bytes, number: int) -> ReviewRecord | LineFault:
    try:
        record = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        cut = not line.endswith(b"\n")
        return LineFault(number, "the line was cut off" if cut else "the line is no record of a gateway")
    if record.format != FORMAT:
        return LineFault(number, f"the record is of format {record.format}, this version reads {FORMAT}")
    return record
