"""Recordings: events of live feeds as columns, in files that survive a crash, and back; Parquet of data sets too."""

from __future__ import annotations

from aftershock.venues.recording.folder import is_recording, segments_of
from aftershock.venues.recording.limits import Limits, Written
from aftershock.venues.recording.source import ColumnarSource, is_columnar, open_columnar
from aftershock.venues.recording.writer import RecordingWriter

__all__ = [
    "ColumnarSource",
    "Limits",
    "RecordingWriter",
    "Written",
    "is_columnar",
    "is_recording",
    "open_columnar",
    "segments_of",
]
