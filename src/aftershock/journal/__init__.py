"""Opaque records on disk that prove what went in and what came out; nothing here knows the engine."""

from __future__ import annotations

from aftershock.journal.codec import Codec
from aftershock.journal.compare import NUMERIC_TOLERANCE, Comparison, compare_outputs
from aftershock.journal.format import DEFAULT_SEGMENT_BYTES, MAX_PAYLOAD, REF, Channel, Record, Reference
from aftershock.journal.head import Head, InputFile
from aftershock.journal.reader import JournalDigest, JournalReader
from aftershock.journal.recover import Recovery, recover
from aftershock.journal.scan import TornTail
from aftershock.journal.sources import describe_file, locate_file, write_sources
from aftershock.journal.values import Difference, first_difference
from aftershock.journal.writer import JournalWriter

__all__ = [
    "DEFAULT_SEGMENT_BYTES",
    "MAX_PAYLOAD",
    "NUMERIC_TOLERANCE",
    "REF",
    "Channel",
    "Codec",
    "Comparison",
    "Difference",
    "Head",
    "InputFile",
    "JournalDigest",
    "JournalReader",
    "JournalWriter",
    "Record",
    "Recovery",
    "Reference",
    "TornTail",
    "compare_outputs",
    "describe_file",
    "first_difference",
    "locate_file",
    "recover",
    "write_sources",
]
