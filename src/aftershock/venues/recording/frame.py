"""The messages of an Arrow stream with a seal on each, by which a torn or changed byte is found before Arrow sees it.

The seal is metadata of the message itself, so that any reader of Arrow reads the file: a CRC-32 over the whole message,
taken while its own digits are zeros, and the length of the body.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from aftershock.errors import InputError

__all__ = ["BLANK_SEAL", "CONTINUATION", "END", "SEAL", "Frame", "FrameReader", "seal"]

SEAL = b"aftershock.seal"
"""Key of the seal in the metadata of a message."""
BLANK_SEAL = b"crc32=00000000 body=0000000000"
CONTINUATION = b"\xff\xff\xff\xff"
END = CONTINUATION + bytes(4)
"""Arrow's mark of the end of a stream."""

_SEALED = re.compile(rb"crc32=([0-9a-f]{8}) body=([0-9]{10})")
_PREFIX = 8
_ALIGNED = 8
_CRC_AT, _BODY_AT = len(b"crc32="), len(b"crc32=00000000 body=")
_MAX_HEAD = 1 << 23
_LOOK_BYTES = 1 << 20


def seal(message: bytes) -> bytes:
    """Return an encapsulated message, whose metadata holds a blank seal, with the seal filled in."""
    head_end = _PREFIX + int.from_bytes(message[4:_PREFIX], "little")
    at = message.index(BLANK_SEAL, _PREFIX, head_end)
    sealed = bytearray(message)
    sealed[at + _BODY_AT : at + len(BLANK_SEAL)] = b"%010d" % (len(message) - head_end)
    sealed[at + _CRC_AT : at + _CRC_AT + 8] = b"%08x" % zlib.crc32(sealed)
    return bytes(sealed)


class Frame(NamedTuple):
    """A message whose seal holds.

    Attributes:
        message: Its bytes.
        lost: Bytes before it that could not be read.
    """

    message: bytes
    lost: int


class FrameReader:
    """The messages of one file, as far as their seals hold; a damaged one is skipped if a whole one follows.

    Attributes:
        ended: True once the end mark was read.
        torn: Bytes at the end that are the start of a message.
        damaged: Other bytes that could not be read.
    """

    def __init__(self, path: Path) -> None:
        """Take the file; it is opened when the iteration begins."""
        self.path = path
        self.ended = False
        self.torn = self.damaged = 0

    def __iter__(self) -> Iterator[Frame]:
        """Iterate over the whole messages in order.

        Raises:
            InputError: The file can't be read.
        """
        self.ended, self.torn, self.damaged = False, 0, 0
        try:
            with self.path.open("rb") as file:
                yield from self._frames(file)
        except OSError as error:
            raise InputError(
                f"{self.path} can't be read ({error.strerror or error}): check the path and its permissions"
            ) from error

    def _frames(self, file: BinaryIO) -> Iterator[Frame]:
        size, at, lost = file.seek(0, 2), 0, 0
        while at < size:
            if size - at >= len(END) and _read(file, at, len(END)) == END:
                self.ended = True
                self.damaged += size - at - len(END)
                return
            message, short = _whole(file, at, size)
            if message is not None:
                yield Frame(message, lost)
                at += len(message)
                lost = 0
                continue
            found = _next_whole(file, at + _ALIGNED, size)
            if found is not None:
                lost = found - at
                self.damaged += lost
                at = found
                continue
            self.ended = size - at > len(END) and _read(file, size - len(END), len(END)) == END
            if self.ended:
                self.damaged += size - at - len(END)
            elif short:
                self.torn = size - at
            else:
                self.damaged += size - at
            return


def _whole(file: BinaryIO, at: int, size: int) -> tuple[bytes | None, bool]:
    """Return the message at a place, or None and whether it could be one that the end of the file cuts."""
    prefix = _read(file, at, _PREFIX)
    if prefix[:4] != CONTINUATION[: len(prefix)]:
        return None, False
    head_bytes = int.from_bytes(prefix[4:], "little")
    if len(prefix) < _PREFIX:
        return None, True
    if not 0 < head_bytes <= _MAX_HEAD or head_bytes % _ALIGNED:
        return None, False
    head_end = at + _PREFIX + head_bytes
    if head_end > size:
        return None, True
    head = prefix + _read(file, at + _PREFIX, head_bytes)
    seals = list(_SEALED.finditer(head))
    if len(seals) != 1:
        return None, False
    body_bytes = int(seals[0][2])
    if head_end + body_bytes > size:
        return None, True
    message = head + _read(file, head_end, body_bytes)
    start = seals[0].start(1)
    crc = zlib.crc32(message[start + 8 :], zlib.crc32(b"00000000", zlib.crc32(message[:start])))
    return (message, False) if crc == int(seals[0][1], 16) else (None, False)


def _next_whole(file: BinaryIO, start: int, size: int) -> int | None:
    """Return the place of the next whole message; messages begin at multiples of eight."""
    for base in range(start, size, _LOOK_BYTES):
        block = _read(file, base, min(_LOOK_BYTES, size - base))
        found = block.find(CONTINUATION)
        while found >= 0:
            at = base + found
            if at % _ALIGNED == 0 and _whole(file, at, size)[0] is not None:
                return at
            found = block.find(CONTINUATION, found + 1)
    return None


def _read(file: BinaryIO, at: int, count: int) -> bytes:
    file.seek(at)
    return file.read(count)
