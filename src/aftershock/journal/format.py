"""The bytes of a segment: what a record is made of and how the checksums hang together.

A segment starts with the chain value that it continues. Each record is a header (payload length, kind,
sequence number), the payload, and the new chain value: BLAKE2b-16 over old value, header and payload.
"""

from __future__ import annotations

import re
import struct
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from aftershock.errors import InputError, JournalError

__all__ = [
    "CHAIN_BYTES",
    "DEFAULT_SEGMENT_BYTES",
    "FOOT",
    "FORMAT_VERSION",
    "HEAD",
    "HEADER",
    "MAX_PAYLOAD",
    "OVERHEAD",
    "REF",
    "SOURCES",
    "Channel",
    "Record",
    "Reference",
    "cannot_read",
    "chain_seed",
    "find_segments",
    "segment_path",
]

FORMAT_VERSION = 1
HEAD = "head.json"
FOOT = "foot.json"
SOURCES = "sources.json"

HEADER = struct.Struct("<IBQ")
"""Payload length, kind, sequence number; little-endian, unaligned."""
CHAIN_BYTES = 16
OVERHEAD = HEADER.size + CHAIN_BYTES
"""Bytes that a record takes beside its payload."""
MAX_PAYLOAD = 1 << 24
"""Longest payload: bounds what a damaged length can make a reader allocate."""
DEFAULT_SEGMENT_BYTES = 1 << 26
REF = 255
"""Kind of an input record that stands for rows of a file; the payload is a `Reference`."""

Record = tuple[int, int, bytes]
"""Sequence number (from 0 in each channel), kind, payload."""

_REFERENCE = struct.Struct("<IQQ")


class Channel(StrEnum):
    """The two record streams of a journal, each with segments and a chain of its own."""

    INPUTS = "inputs"
    OUTPUTS = "outputs"


class Reference(NamedTuple):
    """Rows of an input file: `rows` of them from `first_row` of the head's file number `file`, all from 0."""

    file: int
    first_row: int
    rows: int

    def pack(self) -> bytes:
        """Return the payload of a `REF` record."""
        return _REFERENCE.pack(*self)

    @classmethod
    def unpack(cls, payload: bytes) -> Reference:
        """Read the payload of a `REF` record.

        Raises:
            JournalError: The payload has another length.
        """
        if len(payload) != _REFERENCE.size:
            raise JournalError(
                f"a reference record has {len(payload)} bytes instead of {_REFERENCE.size}: "
                "the journal was written by something else"
            )
        return cls(*_REFERENCE.unpack(payload))


def chain_seed(head: bytes, channel: Channel) -> bytes:
    """Return the chain value before a channel's first record, bound to every byte of the head."""
    return blake2b(channel.encode() + b"\n" + head, digest_size=CHAIN_BYTES).digest()


def segment_path(folder: Path, channel: Channel, number: int) -> Path:
    """Return the file of a channel's segment, counted from 1."""
    return folder / f"{channel}-{number:06d}.seg"


def find_segments(folder: Path, channel: Channel) -> list[Path]:
    """Return a channel's segments in order.

    Raises:
        JournalError: One is missing between others, or there is none.
    """
    pattern = re.compile(rf"{channel}-(\d{{6,}})\.seg")
    try:
        names = [match for entry in folder.iterdir() if (match := pattern.fullmatch(entry.name))]
    except OSError as error:
        raise cannot_read(folder, error) from error
    last = max((int(name[1]) for name in names), default=1)
    paths = [segment_path(folder, channel, number) for number in range(1, last + 1)]
    present = {name[0] for name in names}
    for path in paths:
        if path.name not in present:
            raise JournalError(f"journal {folder}: {path.name} is missing; restore it from a copy")
    return paths


def cannot_read(path: Path, error: OSError) -> InputError:
    """Return the one sentence on a file that the system refuses to read."""
    return InputError(f"can't read {path}: {error.strerror or error}; check the path and its permissions")
