"""Client ids of orders: numbers of 32 bits, each given out once, whatever happens to the process.

A line of the file is an id and the name of the order that it is for, `17 a1b2/1`. It is on the disk before the id is
used; a torn last line is as if it had not been written, and its number is not given out again.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from aftershock.errors import InputError

__all__ = ["ClientIds"]

_MAX = 2**32 - 1
_LONGEST_NAME = 200


class ClientIds:
    """The counter; one process at a time.

    Attributes:
        names: Name of each order by id, of all runs.
    """

    def __init__(self, path: Path) -> None:
        """Open or begin a file.

        Raises:
            InputError: It can't be used, holds something else, or another process uses it.
        """
        self._path = path
        self.names: dict[int, str] = {}
        self._file = -1
        try:
            made = [each.parent for each in (path.parent, *path.parent.parents) if not each.exists()]
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            for folder in (path.parent, *made):
                _sync_folder(folder)
        except OSError as error:
            self.close()
            raise InputError(f"{path} can't be used ({error.strerror or error}): name another file") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise InputError(f"{path} is in use by another process: two would give out the same ids") from None
        try:
            self._next = self._read()
        except InputError:
            os.close(self._file)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def take(self, name: str) -> int:
        """Return a fresh id for an order; it is on the disk.

        Args:
            name: Of the order, `intent/leg`; one line.

        Raises:
            InputError: There are no more ids, the name can't be written, or the disk takes nothing.
        """
        if self._next > _MAX:
            raise InputError(f"{self._path} has given out all {_MAX:,} ids: begin another file")
        if not name.isprintable() or not 0 < len(name) <= _LONGEST_NAME:
            raise InputError("the name of an order is one line of printable characters")
        number = self._next
        line = f"{number} {name}\n".encode()
        self._next += 1  # whatever is on the disk after an error, this number is spent
        try:
            size = os.fstat(self._file).st_size
            whole = os.write(self._file, line) == len(line)
            if not whole:
                os.ftruncate(self._file, size)
            os.fsync(self._file)
        except OSError as error:
            raise InputError(f"{self._path} takes no more ({error.strerror or error}): no order is sent") from error
        if not whole:
            raise InputError(f"{self._path} takes no more (the disk is full): no order is sent")
        self.names[number] = name
        return number

    def _read(self) -> int:
        size = os.fstat(self._file).st_size
        data = os.pread(self._file, size, 0)
        lines = data.split(b"\n")
        torn = lines.pop()
        last = 0
        for line in lines:
            number, _, name = line.partition(b" ")
            if not number.isdigit() or not last < int(number) <= _MAX:
                raise InputError(f"{self._path} holds no client ids ({line[:40]!r}): name another file")
            last = int(number)
            self.names[last] = name.decode("utf-8", "replace")
        if torn:  # its order may have been sent by a machine whose disk lied: the number is spent
            os.ftruncate(self._file, len(data) - len(torn))
            os.fsync(self._file)
            last += 1
        return last + 1


def _sync_folder(folder: Path) -> None:
    """Put a folder's list of names on the disk: without it a synced file can vanish with its name, and its ids."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
