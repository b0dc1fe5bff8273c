"""Where a recording ends, for whoever continues it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from aftershock.venues.recording.arrow import decode_batch, decode_schema
from aftershock.venues.recording.folder import segments_of
from aftershock.venues.recording.frame import FrameReader
from aftershock.venues.recording.schema import GAPS

__all__ = ["Ends", "ends_of"]


class Ends(msgspec.Struct, frozen=True):
    """What a folder holds: last numbers by venue and kind, last moment, venues, whether all last segments ended."""

    numbers: dict[tuple[str, str], int]
    last_ts: int
    venues: tuple[str, ...]
    ended: bool


def ends_of(folder: Path) -> Ends:
    """Look at the last segments of a recording.

    Raises:
        InputError: One can't be read.
    """
    numbers: dict[tuple[str, str], int] = {}
    moments: dict[tuple[str, str], int] = {}
    all_ended = True
    for segment in reversed(segments_of(folder)):
        place = segment.venue, segment.kind
        is_last = numbers.setdefault(place, segment.number) == segment.number
        if place not in moments:
            moment, ended = _last_moment(segment.path)
            all_ended = all_ended and (ended or not is_last)
            if moment:
                moments[place] = moment
    venues = tuple(sorted({venue for venue, kind in moments if kind != GAPS}))
    return Ends(numbers, max(moments.values(), default=0), venues, all_ended)


def _last_moment(path: Path) -> tuple[int, bool]:
    """Return the last `ts_init` of a segment, ns UTC, and whether it has its end mark; 0 if no row can be read."""
    schema, last, frames = None, None, FrameReader(path)
    for number, frame in enumerate(frames):
        if number == 0:
            schema = decode_schema(frame.message)
        else:
            last = frame.message
    cells = None if schema is None or last is None else decode_batch(last, schema)
    return int(np.max(cells.times("ts_init")[0])) if cells else 0, frames.ended
