"""Putting written bytes on the disk in a thread: a slow disk must not delay the clock of what is received."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

__all__ = ["Syncer"]

# Times and permissions of a file need not be on disk for its rows to be readable.
_sync_data: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)


class Syncer:
    """A thread that syncs files in the order in which they were handed in.

    Attributes:
        error: The first one that the disk gave; whoever writes must ask.
    """

    def __init__(self, sync: Callable[[int], None] = _sync_data) -> None:
        """Start the thread.

        Args:
            sync: Returns once a descriptor's bytes are on the disk.
        """
        self.error: OSError | None = None
        self._sync = sync
        self._queue: SimpleQueue[tuple[int, Callable[[int], None]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="aftershock-sync", daemon=True)
        self._thread.start()

    def submit(self, descriptor: int) -> None:
        """Sync what was written to a file so far; the descriptor may be closed meanwhile.

        Raises:
            OSError: There are no descriptors left.
        """
        self._queue.put((os.dup(descriptor), self._sync))

    def submit_folder(self, folder: Path) -> None:
        """Sync a folder's list of names: without it a synced file can vanish with its name.

        Raises:
            OSError: There are no descriptors left.
        """
        self._queue.put((os.open(folder, os.O_RDONLY | os.O_CLOEXEC), os.fsync))

    def finish(self) -> None:
        """Return once everything that was handed in is on the disk, or has failed."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            descriptor, sync = work
            try:
                sync(descriptor)
            except OSError as error:
                self.error = self.error or error
            finally:
                os.close(descriptor)
