"""The lines of a file that may be compressed, cut short or no text at all, in bounded memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from aftershock.errors import InputError

__all__ = ["LineBlock", "LineReader"]

_GZIP_MAGIC = b"\x1f\x8b"
_READ_BYTES = 1 << 19
_BLOCK_LINES = 512
# Larger blocks fall out of the processor's cache and take half as long again per row.
_LONGEST_LINE = 1 << 20
_UTF8_MARK = "\ufeff"


class LineBlock(NamedTuple):
    """Lines without their line ends.

    Attributes:
        first_line: Number of the first one, from 1.
        lines: At most 512 of them; empty ones too.
        unterminated: True if the file ends without a line end after the only line of this block.
    """

    first_line: int
    lines: list[str]
    unterminated: bool = False


class LineReader:
    """Read a file block by block, as far as it can be read.

    Attributes:
        path: The file.
        compressed: True if it starts like gzip.
        incomplete: Why the end of the file could not be read; empty while there is nothing to complain about.
    """

    def __init__(self, path: Path) -> None:
        """Look at the first bytes.

        Raises:
            InputError: The file is missing, unreadable or not a regular file.
        """
        self.path = path
        self.incomplete = ""
        try:
            if not path.is_file():
                what = (
                    "is a folder" if path.is_dir() else "is not a regular file" if path.exists() else "does not exist"
                )
                raise InputError(f"{path} {what}: name a file")
            with path.open("rb") as file:
                self.compressed = file.read(2) == _GZIP_MAGIC
        except OSError as error:
            raise _unreadable(path, error) from error
        except ValueError as error:  # a NUL in the name
            raise InputError(f"{str(path)!r} is not a file name: name a file") from error

    def blocks(self) -> Iterator[LineBlock]:
        """Iterate over the lines from the start of the file.

        Text that is not UTF-8 comes with replacement characters; a line of more than 1 MiB comes as a short text that
        no reader takes for data. What follows the last line end is given only if the file ends there of its own.

        Raises:
            InputError: The file can no longer be read.
        """
        self.incomplete = ""
        number, carry, overlong = 1, b"", False
        for data in self._bytes():
            end = data.rfind(b"\n")
            if end < 0:
                carry = carry if overlong else carry + data
                if len(carry) > _LONGEST_LINE:
                    carry, overlong = _stand_in(carry), True
                continue
            first_end = data.find(b"\n")
            if not overlong and len(carry) + first_end > _LONGEST_LINE:
                carry, overlong = _stand_in(carry + data[:60]), True
            lines = _decode(carry + (data[first_end:end] if overlong else data[:end]), at_start=number == 1)
            carry, overlong = data[end + 1 :], False
            for start in range(0, len(lines), _BLOCK_LINES):
                yield LineBlock(number + start, lines[start : start + _BLOCK_LINES])
            number += len(lines)
        if carry and not self.incomplete:
            yield LineBlock(number, _decode(carry, at_start=number == 1), unterminated=True)

    def _bytes(self) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as file:
                if not self.compressed:
                    while data := file.read(_READ_BYTES):
                        yield data
                else:
                    yield from self._unpacked(file)
        except OSError as error:
            raise _unreadable(self.path, error) from error

    def _unpacked(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield what the compressed stream holds up to where it ends or breaks."""
        with gzip.GzipFile(fileobj=file, mode="rb") as unpacked:
            parts: list[bytes] = []
            size = 0
            while not self.incomplete:
                try:
                    data = unpacked.read1(_READ_BYTES)
                except EOFError:
                    self.incomplete, data = "the compressed data ends early: the file is cut short", b""
                except (gzip.BadGzipFile, zlib.error) as error:
                    self.incomplete, data = f"the compressed data is damaged ({error})", b""
                parts.append(data)
                size += len(data)
                if size >= _READ_BYTES or not data:
                    yield b"".join(parts)
                    parts, size = [], 0
                if not data:
                    return


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path} can't be read ({error.strerror or error}): check the path and its permissions")


def _decode(data: bytes, *, at_start: bool) -> list[str]:
    text = data.decode("utf-8", errors="replace")
    if at_start:
        text = text.removeprefix(_UTF8_MARK)
    lines = text.split("\n")
    return [line.removesuffix("\r") for line in lines] if "\r" in text else lines


def _stand_in(line: bytes) -> bytes:
    """Return a short text with one cell, which is no JSON either, for a line too long to hold."""
    return b"\0line of more than 1 MiB: " + line[:60].replace(b",", b" ").replace(b'"', b" ")
