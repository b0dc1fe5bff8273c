"""Recordings for tests: written and read back in one go, with clocks that stand still."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from aftershock.model.events import Event, Quote
from aftershock.model.table import InstrumentTable
from aftershock.venues.recording import ColumnarSource, Limits, RecordingWriter, open_columnar, segments_of
from aftershock.venues.tardis import merge
from tests.core.market import T0


class Counter:
    """A monotonic clock that a test moves, ns."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


def quote(ts: int = T0, *, venue: str = "bybit", symbol: str = "BTCUSDT", bid: float = 90_000.0) -> Quote:
    return Quote(
        ts_event=ts - 5, ts_init=ts, venue=venue, symbol=symbol, bid=bid, bid_amount=1.5, ask=bid + 1, ask_amount=2.5
    )


def record(folder: Path, events: Iterable[Event], limits: Limits | None = None) -> RecordingWriter:
    """Write events into a recording and close it; no batch is ever due."""
    with RecordingWriter(folder, limits, counter=Counter()) as writer:
        for event in events:
            writer.add(event)
    return writer


def sources(folder: Path) -> list[ColumnarSource]:
    table = InstrumentTable()
    return [open_columnar(s.path, index=i, table=table) for i, s in enumerate(segments_of(folder))]


def read_back(folder: Path) -> list[Event]:
    """Read a recording as a replay does; no row may be dropped, moved or noted."""
    opened = sources(folder)
    events = list(merge(opened))
    for source in opened:
        report = source.report
        assert (report.dropped, report.out_of_order, report.notes, report.incomplete) == ({}, 0, [], "")
    return events


def read_file(path: Path) -> tuple[ColumnarSource, list[Event]]:
    opened = open_columnar(path, index=0, table=InstrumentTable())
    return opened, list(opened)


def only_segment(folder: Path) -> Path:
    (segment,) = segments_of(folder)
    return segment.path


def batches(segment: Path) -> list[tuple[int, int]]:
    """Return where each message of a segment begins and ends, found as any reader of Arrow would."""
    import pyarrow as pa

    data = segment.read_bytes()
    found, at = [], 0
    while data[at : at + 8] != b"\xff\xff\xff\xff\x00\x00\x00\x00":
        message = pa.ipc.read_message(pa.py_buffer(data[at:]))
        body = 0 if message.body is None else message.body.size
        end = at + 8 + int.from_bytes(data[at + 4 : at + 8], "little") + body
        found.append((at, end))
        at = end
    return found
