"""Reading one channel record by record: every byte is checked, and a torn end is told from damage."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

from aftershock.errors import JournalError
from aftershock.journal.channel import Tail
from aftershock.journal.format import CHAIN_BYTES, HEADER, MAX_PAYLOAD, OVERHEAD, Record, cannot_read
from aftershock.journal.head import ChannelSeal

__all__ = ["ChannelScan", "TornTail"]

_BUFFER_BYTES = 1 << 18


class TornTail(msgspec.Struct, frozen=True, kw_only=True):
    """The end of an unsealed channel that is not a whole record: what a crash leaves.

    Attributes:
        segment: File name.
        record: Sequence number that the record would have.
        offset: Where it starts in the file.
        lost_bytes: Bytes from there to the end.
        what: What is wrong with it: `checksum`, `length`, `sequence` or `truncated`.
    """

    segment: str
    record: int
    offset: int
    lost_bytes: int
    what: str


class ChannelScan:
    """Iterates over the records of one channel once, and afterwards knows where it ends.

    Without a seal the last segment may end in a torn record: the iteration then stops before it. Anything
    wrong that whole records follow, and anything wrong in a sealed channel, is damage: `JournalError`.
    """

    def __init__(
        self, paths: list[Path], seed: bytes, seal: ChannelSeal | None, *, tolerate_holes: bool = False
    ) -> None:
        self._paths = paths
        self._seal = seal
        self._tolerate_holes = tolerate_holes
        self._records = 0
        self._chain = seed
        self._segment = 0
        self._offset = 0
        self._bytes_before = 0
        self.torn: TornTail | None = None

    def __iter__(self) -> Iterator[Record]:
        """Yield (sequence number, kind, payload), each once its checksum has been verified."""
        for number, path in enumerate(self._paths, start=1):
            self._bytes_before += self._offset
            self._segment = number
            self._offset = 0
            try:
                with path.open("rb", buffering=_BUFFER_BYTES) as file:
                    # A writer may add to the file meanwhile: only what is there now is judged.
                    size = os.fstat(file.fileno()).st_size
                    yield from self._read_segment(path, file, size)
            except OSError as error:
                raise cannot_read(path, error) from error
        self._check_seal()

    def tail(self) -> Tail:
        """Return where the last whole record ends; the iteration must have come to its end."""
        return Tail(
            segment=self._segment,
            offset=self._offset,
            records=self._records,
            chain=self._chain,
            bytes_before=self._bytes_before,
        )

    def _read_segment(self, path: Path, file: BinaryIO, size: int) -> Iterator[Record]:
        if file.read(CHAIN_BYTES) != self._chain:
            self._refuse("truncated" if size < CHAIN_BYTES else "checksum", path, file, size)
            return
        self._offset = CHAIN_BYTES
        while self._offset < size:
            record = self._next_record(path, file, size)
            if record is None:
                return
            yield record

    def _next_record(self, path: Path, file: BinaryIO, size: int) -> Record | None:
        room = size - self._offset - OVERHEAD
        if room < 0:
            self._refuse("truncated", path, file, size)
            return None
        header = file.read(HEADER.size)
        length, kind, sequence = HEADER.unpack(header)
        if length > room:
            self._refuse("length" if length > MAX_PAYLOAD else "truncated", path, file, size)
            return None
        payload = file.read(length)
        chain = blake2b(self._chain + header + payload, digest_size=CHAIN_BYTES).digest()
        if file.read(CHAIN_BYTES) != chain or sequence != self._records:
            self._refuse("checksum" if sequence == self._records else "sequence", path, file, size)
            return None
        self._chain = chain
        self._records = sequence + 1
        self._offset += length + OVERHEAD
        return sequence, kind, payload

    def _refuse(self, what: str, path: Path, file: BinaryIO, size: int) -> None:
        """Take what starts at the current offset for a torn tail, or raise if it can't be one."""
        if self._may_be_torn() and (self._tolerate_holes or not self._whole_record_follows(file, size)):
            self.torn = TornTail(
                segment=path.name,
                record=self._records,
                offset=self._offset,
                lost_bytes=size - self._offset,
                what=what,
            )
            return
        place = f"{path.name}, record {self._records} at byte {self._offset}"
        raise JournalError(f"journal {path.parent} is damaged: {place}: {what}; restore the file from a copy")

    def _may_be_torn(self) -> bool:
        first_start = self._segment == 1 and self._offset == 0  # on disk before the head was
        return self._seal is None and self._segment == len(self._paths) and not first_start

    def _whole_record_follows(self, file: BinaryIO, size: int) -> bool:
        """Return whether a record of a later number is intact behind the current offset.

        A crash tears the end; a record that verifies behind a bad one means that the bad one was whole once.
        Reads the rest of the segment into memory.
        """
        file.seek(self._offset)
        rest = file.read(size - self._offset)
        if self._offset == 0:
            starts_whole = self._verifies(rest, CHAIN_BYTES, self._chain)
        else:
            starts_whole = self._only_its_checksum_is_bad(rest)
        return starts_whole or any(
            self._verifies(rest, start, rest[start - CHAIN_BYTES : start])
            for start in _possible_starts(rest, self._records)
        )

    def _only_its_checksum_is_bad(self, rest: bytes) -> bool:
        """Return whether the next record continues what this one's checksum should have been."""
        if len(rest) < OVERHEAD:
            return False
        length, _, _ = HEADER.unpack_from(rest)
        end = HEADER.size + length
        due = blake2b(self._chain + rest[:end], digest_size=CHAIN_BYTES).digest()
        return self._verifies(rest, end + CHAIN_BYTES, due)

    def _verifies(self, rest: bytes, start: int, chain: bytes) -> bool:
        room = len(rest) - start - OVERHEAD
        if room < 0:
            return False
        length, _, sequence = HEADER.unpack_from(rest, start)
        end = start + HEADER.size + length
        if length > min(room, MAX_PAYLOAD) or sequence < self._records:
            return False
        digest = blake2b(chain, digest_size=CHAIN_BYTES)
        digest.update(memoryview(rest)[start:end])
        return digest.digest() == rest[end : end + CHAIN_BYTES]

    def _check_seal(self) -> None:
        seal = self._seal
        if seal is None:
            return
        found = ChannelSeal(
            records=self._records,
            segments=self._segment,
            bytes=self._bytes_before + self._offset,
            chain=self._chain.hex(),
        )
        if found != seal:
            raise JournalError(
                f"journal {self._paths[-1].parent} is damaged: {self._paths[-1].name} ends after "
                f"{self._records} records, and the seal counts {seal.records}: truncated; "
                "restore the file from a copy"
            )


def _possible_starts(rest: bytes, sequence: int) -> Iterator[int]:
    """Yield offsets where a header with a later, possible sequence number would start."""
    highest = sequence + len(rest) // OVERHEAD
    for shift in range(8):
        count = (len(rest) - shift) // 8
        if count <= 0:
            return
        numbers = np.frombuffer(rest, "<u8", count, shift)
        for index in np.flatnonzero((numbers > sequence) & (numbers <= highest)):
            start = shift + 8 * int(index) - 5  # the sequence number is the header's last field, after 5 bytes
            if start >= CHAIN_BYTES:
                yield start
