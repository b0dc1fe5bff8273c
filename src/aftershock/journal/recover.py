"""After a crash: cut off what is not a whole record, so that the journal can be read and continued."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from aftershock.journal.channel import Tail, cannot_write, write_all
from aftershock.journal.format import CHAIN_BYTES, Channel, segment_path
from aftershock.journal.head import HeadFile
from aftershock.journal.lock import lock
from aftershock.journal.reader import JournalReader
from aftershock.journal.scan import ChannelScan

__all__ = ["Recovery", "recover", "repair"]


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """What a recovery found.

    Attributes:
        complete: Whether the journal has a seal; then nothing was changed.
        inputs: Where the inputs now end.
        outputs: Where the outputs now end.
        lost_bytes: Bytes cut off both channels.
        head_file: Decoded head.json.
        head_bytes: The same as it lies on disk.
    """

    complete: bool
    inputs: Tail
    outputs: Tail
    lost_bytes: int
    head_file: HeadFile
    head_bytes: bytes


def recover(folder: Path, *, drop_after_damage: bool = False) -> Recovery:
    """Cut both channels after their last whole record; a sealed or whole journal is only verified.

    Args:
        folder: Folder of the journal.
        drop_after_damage: Cut at the first bad record of a last segment even if whole records follow it, as
            after a power cut that lost a page in the middle. They are lost.

    Raises:
        JournalError: Whole records follow a bad one: this is damage, not the end of a crashed run.
        InputError: There is no journal, it can't be written, or a running engine writes it.
    """
    held = lock(folder)
    try:
        return repair(folder, drop_after_damage=drop_after_damage)
    finally:
        os.close(held)


def repair(folder: Path, *, drop_after_damage: bool = False) -> Recovery:
    """Do the work of `recover` for a caller that holds the lock."""
    reader = JournalReader(folder)
    scans = [reader.scan(channel, tolerate_holes=drop_after_damage) for channel in Channel]
    for scan in scans:  # both are judged before either is cut
        for _ in scan:
            pass
    tails = [_cut(folder, channel, scan) for channel, scan in zip(Channel, scans, strict=True)]
    return Recovery(
        complete=not reader.incomplete,
        inputs=tails[0],
        outputs=tails[1],
        lost_bytes=sum(scan.torn.lost_bytes for scan in scans if scan.torn is not None),
        head_file=reader.head_file,
        head_bytes=reader.head_bytes,
    )


def _cut(folder: Path, channel: Channel, scan: ChannelScan) -> Tail:
    tail = scan.tail()
    if scan.torn is None:
        return tail
    try:
        file = os.open(segment_path(folder, channel, tail.segment), os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.ftruncate(file, tail.offset)
            if tail.offset == 0:
                write_all(file, tail.chain)
            os.fsync(file)
        finally:
            os.close(file)
    except OSError as error:
        raise cannot_write(folder, error) from error
    return msgspec.structs.replace(tail, offset=max(tail.offset, CHAIN_BYTES))
