"""Small journals for the tests, and a second reader that knows only what docs/journal.md says."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from pathlib import Path

from aftershock.journal import Head, InputFile, JournalReader, JournalWriter

Records = list[tuple[int, int, bytes]]

HEAD = Head(
    code_version="1.2.3",
    config={"min_spread_bps": 12.5, "assets": ["BTC", "ETH"], "nested": {"b": 1, "a": None}},
    instruments_digest="00ff",
    numerics={"pricing": "numpy", "numpy": "2.0"},
    files=(
        InputFile(name="a.csv", size=3, sha256="ab", kind="trades"),
        InputFile(name="b.csv", size=4, sha256="cd", kind="quotes", first_row=1, rows=9),
    ),
)

INPUTS = [(1, b"one"), (2, b""), (3, b"three of them"), (1, b"four")]
OUTPUTS = [(7, b"decision"), (8, b"alarm and more"), (255, b"last")]


def write_journal(
    folder: Path,
    *,
    inputs: Iterable[tuple[int, bytes]] = INPUTS,
    outputs: Iterable[tuple[int, bytes]] = OUTPUTS,
    complete: bool = True,
    segment_bytes: int = 100,
) -> Path:
    """Write a journal whose channels fill more than one segment each."""
    writer = JournalWriter.create(folder, HEAD, segment_bytes=segment_bytes)
    for kind, payload in inputs:
        writer.append_input(kind, payload)
    for kind, payload in outputs:
        writer.append_output(kind, payload)
    writer.close(complete=complete)
    return folder


def numbered(records: Iterable[tuple[int, bytes]]) -> Records:
    """Return what a reader yields for appended records."""
    return [(sequence, kind, payload) for sequence, (kind, payload) in enumerate(records)]


def read_journal(folder: Path) -> tuple[Records, Records]:
    """Return all inputs and all outputs."""
    reader = JournalReader(folder)
    return list(reader.inputs()), list(reader.outputs())


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def copy_to(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files into a folder that holds nothing else afterwards."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def split_segment(content: bytes) -> tuple[bytes, list[bytes]]:
    """Return a segment's start and its records, each with header and checksum."""
    records = []
    offset = 16
    while offset < len(content):
        (length,) = struct.unpack_from("<I", content, offset)
        end = offset + 13 + length + 16
        records.append(content[offset:end])
        offset = end
    return content[:16], records


def read_by_the_book(folder: Path, channel: str) -> tuple[Records, str]:
    """Return the records and the last chain value of a channel, read without the package."""
    head = (folder / "head.json").read_bytes()
    chain = hashlib.blake2b(channel.encode() + b"\n" + head, digest_size=16).digest()
    found = []
    for path in sorted(folder.glob(f"{channel}-*.seg")):
        start, records = split_segment(path.read_bytes())
        assert start == chain
        for record in records:
            _, kind, sequence = struct.unpack_from("<IBQ", record)
            chain = hashlib.blake2b(chain + record[:-16], digest_size=16).digest()
            assert record[-16:] == chain
            found.append((sequence, kind, record[13:-16]))
    return found, chain.hex()
