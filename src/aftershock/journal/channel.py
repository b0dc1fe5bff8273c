"""Appending to one channel: a buffer, the chain, and files that are rotated by size."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import msgspec

from aftershock.errors import InputError
from aftershock.journal.format import CHAIN_BYTES, HEADER, MAX_PAYLOAD, OVERHEAD, Channel, segment_path
from aftershock.journal.head import ChannelSeal

__all__ = ["ChannelWriter", "Tail", "cannot_write", "sync_data", "sync_folder", "write_all"]

_BUFFER_BYTES = 1 << 18

_REMEDIES = {
    errno.ENOSPC: "the disk is full: free some space or name a folder on another disk",
    errno.EDQUOT: "the disk quota is used up: free some space or name a folder on another disk",
    errno.EFBIG: "a file may not grow further: raise the limit (ulimit -f) or choose smaller segments",
    errno.EACCES: "permission denied: name a folder that you may write to",
    errno.EPERM: "permission denied: name a folder that you may write to",
    errno.EROFS: "the file system is read-only: name a folder that you may write to",
    errno.ENOTDIR: "a file is in the way: name a folder",
    errno.EEXIST: "a file is in the way: name a folder",
}

# Times and permissions of a file need not be on disk for its records to be readable.
sync_data = getattr(os, "fdatasync", os.fsync)


class Tail(msgspec.Struct, frozen=True, kw_only=True):
    """Where a channel ends.

    Attributes:
        segment: Number of the last segment, from 1.
        offset: Bytes of it that are whole; 0 if not even its start is.
        records: Records in the channel.
        chain: Chain value after the last of them.
        bytes_before: Bytes of the segments before the last.
    """

    segment: int
    offset: int
    records: int
    chain: bytes
    bytes_before: int = 0


class ChannelWriter:
    """Appends records to the segments of one channel.

    What is buffered is lost if the process dies; what is flushed survives that; what is synced survives a
    power cut. After an error nothing more is written: what is on disk stays a readable prefix.
    """

    def __init__(
        self,
        folder: Path,
        channel: Channel,
        segment_bytes: int,
        tail: Tail,
        before_write: Callable[[], None] | None = None,
    ) -> None:
        self._folder = folder
        self._channel = channel
        self._segment_bytes = segment_bytes
        self._before_write = before_write
        # The mutable state: where the next record goes, and what is not yet written.
        self._segment = tail.segment
        self._offset = tail.offset
        self._written = tail.offset
        self._bytes_before = tail.bytes_before
        self._count = tail.records
        self._chain = tail.chain
        self._parts: list[bytes] = []
        self._dirty = False
        self._failure = ""
        self._file = -1
        # Up to this offset a record goes to the buffer without a further question.
        self._room = 0

    def open(self) -> None:
        """Open the last segment, or make it if it does not exist."""
        try:
            self._open()
        except OSError as error:
            raise self._fail(error) from error
        self._set_room()

    @property
    def count(self) -> int:
        """Number of records in the channel, which is the sequence number of the next one."""
        return self._count

    def append(self, kind: int, payload: bytes) -> int:
        """Add a record and return its sequence number."""
        size = len(payload)
        end = self._offset + size + OVERHEAD
        if end > self._room:
            end = self._make_room(size)
        count = self._count
        record = HEADER.pack(size, kind, count) + payload
        self._chain = chain = blake2b(self._chain + record, digest_size=CHAIN_BYTES).digest()
        self._parts += (record, chain)
        self._offset = end
        self._count = count + 1
        return count

    def flush(self) -> None:
        """Hand everything buffered to the system."""
        self._raise_failure()
        if self._parts:
            if self._before_write is not None:
                self._before_write()
            self._write()
            self._set_room()

    def sync(self) -> None:
        """Return once every record appended so far is on the disk."""
        self.flush()
        if self._dirty:
            try:
                sync_data(self._file)
            except OSError as error:
                raise self._fail(error) from error
            self._dirty = False

    def seal(self) -> ChannelSeal:
        """Return what the foot says about this channel; everything must have been flushed."""
        return ChannelSeal(
            records=self._count,
            segments=self._segment,
            bytes=self._bytes_before + self._offset,
            chain=self._chain.hex(),
        )

    def close(self) -> None:
        """Let go of the file without writing anything."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self._stop("it is closed")

    def _make_room(self, size: int) -> int:
        """Flush or rotate until a payload fits, and return the offset behind its record."""
        self._raise_failure()
        if size > MAX_PAYLOAD:
            raise InputError(f"a record of {size} bytes is longer than the journal's {MAX_PAYLOAD}: split it")
        self.flush()
        # Decided by sizes alone, so that equal records make equal segments however they were buffered.
        if self._offset > CHAIN_BYTES and self._offset + size + OVERHEAD > self._segment_bytes:
            self._rotate()
        return self._offset + size + OVERHEAD

    def _rotate(self) -> None:
        self.sync()  # a segment that has a successor is whole, even after a power cut
        os.close(self._file)
        self._file = -1
        self._bytes_before += self._offset
        self._segment += 1
        self._offset = self._written = 0
        self.open()

    def _open(self) -> None:
        path = segment_path(self._folder, self._channel, self._segment)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        if self._offset:
            self._file = os.open(path, flags)
            return
        self._file = os.open(path, flags | os.O_CREAT | os.O_TRUNC, 0o644)
        write_all(self._file, self._chain)
        os.fsync(self._file)
        sync_folder(self._folder)
        self._offset = self._written = CHAIN_BYTES

    def _write(self) -> None:
        block = b"".join(self._parts)
        self._parts.clear()
        self._dirty = True
        try:
            write_all(self._file, block)
        except OSError as error:
            raise self._fail(error) from error
        self._written = self._offset

    def _set_room(self) -> None:
        self._room = min(self._segment_bytes, self._written + _BUFFER_BYTES)

    def _fail(self, error: OSError) -> InputError:
        refusal = cannot_write(self._folder, error)
        self._stop(str(refusal))
        return refusal

    def _stop(self, reason: str) -> None:
        self._parts.clear()
        self._failure = self._failure or reason
        self._room = -1

    def _raise_failure(self) -> None:
        if self._failure:
            raise InputError(f"journal {self._folder} takes no more records: {self._failure}")


def write_all(file: int, block: bytes) -> None:
    """Write a block to the end; a full disk can take a part of it before it refuses."""
    rest = memoryview(block)
    while rest:
        rest = rest[os.write(file, rest) :]


def sync_folder(folder: Path) -> None:
    """Put a folder's list of names on the disk: without it a synced file can vanish with its name."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def cannot_write(folder: Path, error: OSError) -> InputError:
    """Return the one sentence on a folder that does not take what is written."""
    remedy = _REMEDIES.get(error.errno or 0, f"{error.strerror or error}: check the disk or name another folder")
    return InputError(f"can't write journal {folder}: {remedy}")
