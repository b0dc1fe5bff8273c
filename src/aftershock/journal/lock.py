"""One writer at a time: an advisory lock that ends with the process, however it dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from aftershock.errors import InputError
from aftershock.journal.format import HEAD, cannot_read

__all__ = ["lock"]


def lock(folder: Path) -> int:
    """Take the lock of a journal and return the file descriptor that holds it; closing it lets go.

    Raises:
        InputError: Another writer holds it, or there is no journal.
    """
    try:
        descriptor = os.open(folder / HEAD, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise cannot_read(folder / HEAD, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise InputError(f"journal {folder} is being written by a running engine: stop that one first") from error
    return descriptor
