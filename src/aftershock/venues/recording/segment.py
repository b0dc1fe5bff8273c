"""The segments of one venue and kind while they are written."""

from __future__ import annotations

import os
from pathlib import Path

from aftershock.venues.recording.arrow import Encoder
from aftershock.venues.recording.folder import segment_name
from aftershock.venues.recording.rows import Rows, TermsOf
from aftershock.venues.recording.schema import FORMAT, IV, KIND, SOURCE, START, VENUE, VERSION
from aftershock.venues.recording.syncer import Syncer

__all__ = ["SegmentWriter"]


class SegmentWriter:
    """Rows that wait, and the file that they go into.

    A batch is handed to the system in one piece, so it survives the death of this process. A write that fails leaves
    the file as it was before.

    Attributes:
        venue, kind: Of all rows.
        rows: What waits.
        period: Number of the period that the rows belong to.
        due_ns: When what waits must be written, monotonic clock.
        rows_written, bytes_written, files: Of this run.
    """

    def __init__(self, folder: Path, venue: str, kind: str, number: int, syncer: Syncer, terms_of: TermsOf) -> None:
        """Take what the files are called.

        Args:
            folder: Of the recording.
            venue: Tardis exchange id.
            kind: Of the schema.
            number: Of the first segment to write.
            syncer: Puts what was written on the disk.
            terms_of: Terms of options whose names can't be parsed.
        """
        self.venue, self.kind = venue, kind
        self.rows = Rows(kind, terms_of)
        self.period = self.due_ns = 0
        self.rows_written = self.bytes_written = self.files = 0
        self._folder, self._number, self._syncer = folder, number, syncer
        self._file = -1
        self._encoder: Encoder | None = None
        self._size = 0
        self._dirty = False

    @property
    def size(self) -> int:
        """Return the bytes of the open segment; 0 if none is open."""
        return self._size

    @property
    def holds_rows(self) -> bool:
        """Tell whether a segment is open or rows wait for one."""
        return self._file >= 0 or self.rows.count > 0

    def write(self) -> None:
        """Hand what waits to the system.

        Raises:
            OSError: The disk takes no more.
        """
        if not self.rows.count:
            return
        if self._file < 0:
            self._open()
        if self._encoder is not None:
            count = self.rows.count
            self._append(self._encoder.encode(self.rows.take()))
            self.rows_written += count

    def sync(self) -> None:
        """Begin to put what was written on the disk."""
        if self._dirty:
            self._syncer.submit(self._file)
            self._dirty = False

    def end(self) -> None:
        """Write what waits, mark the end of the segment, sync and close it; the next row opens another."""
        self.write()
        if self._encoder is not None:
            self._append(self._encoder.end())
            self.sync()
            self.let_go()

    def let_go(self) -> None:
        """Close the segment as it is."""
        if self._file >= 0:
            os.close(self._file)
        self._file, self._encoder, self._size, self._dirty = -1, None, 0, False

    def _open(self) -> None:
        first_ts = self.rows.first_ts
        metadata = {
            FORMAT: VERSION,
            KIND: self.kind.encode(),
            SOURCE: b"live",
            # As in the name, so that no venue can look like a seal.
            VENUE: segment_name(self.venue, self.kind, first_ts, self._number).split("_", 1)[0].encode(),
            START: str(first_ts).encode(),
        }
        if self.kind == "options_chain":
            metadata[IV] = b"fraction"
        encoder = Encoder(self.kind, metadata)
        path = self._folder / segment_name(self.venue, self.kind, first_ts, self._number)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._syncer.submit_folder(self._folder)
        self._encoder = encoder
        self._number += 1
        self.files += 1

    def _append(self, block: bytes) -> None:
        rest = memoryview(block)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            # A full disk can take a part of a batch before it refuses.
            os.truncate(self._file, self._size)
            raise
        self._size += len(block)
        self.bytes_written += len(block)
        self._dirty = True
