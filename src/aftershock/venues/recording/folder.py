"""A recording's folder: its mark and lock, the names of its segments, and where the next one continues."""

from __future__ import annotations

import errno
import fcntl
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

from aftershock.errors import InputError, UsageError
from aftershock.model.units import NS_PER_S

__all__ = [
    "MARK",
    "Segment",
    "cannot_write",
    "claim",
    "is_recording",
    "named",
    "segment_name",
    "segments_of",
    "sync_folder",
]

MARK = "recording.json"
_PART = MARK + ".part"
_MARKED = b'{"aftershock_recording": 1}\n'
_START = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"([^_/]+)_([a-z]+(?:_[a-z]+)*(?:_\d+)?)_(\d{8}T\d{6}Z)_(\d{6,})\.arrows")

_REMEDIES = {
    errno.ENOSPC: "the disk is full: free some space or name a folder on another disk with --out",
    errno.EDQUOT: "the disk quota is used up: free some space or name a folder on another disk with --out",
    errno.EFBIG: "a file may not grow further: raise the limit (ulimit -f) or rotate sooner (--rotate-minutes)",
    errno.EACCES: "permission denied: name a folder that you may write to with --out",
    errno.EPERM: "permission denied: name a folder that you may write to with --out",
    errno.EROFS: "the file system is read-only: name a folder that you may write to with --out",
    errno.ENOTDIR: "a file is in the way: name a folder with --out",
    errno.EEXIST: "a file is in the way: name a folder with --out",
}


class Segment(NamedTuple):
    """What a segment's name says; segments of one venue and kind follow each other by number.

    `start_ns` is the second in which its first row was received, ns UTC.
    """

    venue: str
    kind: str
    number: int
    path: Path
    start_ns: int


def segment_name(venue: str, kind: str, first_ts: int, number: int) -> str:
    """Return the name of a segment whose first row was received at `first_ts`."""
    start = datetime.fromtimestamp(first_ts // NS_PER_S, tz=UTC)
    return f"{quote(venue, safe='').replace('_', '%5F')}_{kind}_{start:{_START}}_{number:06d}.arrows"


def named(path: Path) -> Segment | None:
    """Return what the name of a segment says; None if it is none."""
    match = _NAME.fullmatch(path.name)
    if match is None:
        return None
    try:
        start = datetime.strptime(match[3], _START).replace(tzinfo=UTC)
    except ValueError:
        return None
    return Segment(unquote(match[1]), match[2], int(match[4]), path, int(start.timestamp()) * NS_PER_S)


def is_recording(folder: Path) -> bool:
    """Tell whether a folder is a recording."""
    return folder.is_dir() and (folder / MARK).is_file()


def segments_of(folder: Path) -> list[Segment]:
    """Return the segments of a recording, by venue, kind and number.

    Raises:
        InputError: The folder can't be read.
    """
    try:
        found = [segment for path in folder.iterdir() if (segment := named(path)) is not None]
    except OSError as error:
        raise InputError(
            f"{folder} can't be read ({error.strerror or error}): check the path and its permissions"
        ) from error
    return sorted(found)


def claim(folder: Path) -> int:
    """Make a folder a recording, or take one up, and return the descriptor that locks it; closing it lets go.

    Raises:
        UsageError: The folder holds something else.
        InputError: It can't be written, or another recorder writes it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / MARK).is_file():
            if any(path.name != _PART for path in folder.iterdir()):
                raise UsageError(f"{folder} holds files but no recording: name a new or empty folder with --out")
            (folder / _PART).write_bytes(_MARKED)
            (folder / _PART).replace(folder / MARK)
            sync_folder(folder)
        descriptor = os.open(folder / MARK, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise InputError(
            f"recording {folder} is being written by another recorder: stop that one or name another folder with --out"
        ) from error
    return descriptor


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
    return InputError(f"can't write recording {folder}: {remedy}")
