"""One columnar file as a source of events: a segment of a recording, or a data set as Parquet."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from aftershock.errors import InputError
from aftershock.model.events import Event
from aftershock.model.table import InstrumentTable
from aftershock.venues.recording.arrow import Cells, ParquetRows, check_columns, decode_batch, decode_schema
from aftershock.venues.recording.block import Block
from aftershock.venues.recording.damage import Damage
from aftershock.venues.recording.event_rows import read_events
from aftershock.venues.recording.folder import named, segments_of
from aftershock.venues.recording.frame import CONTINUATION, FrameReader
from aftershock.venues.recording.library import need_pyarrow
from aftershock.venues.recording.option_cells import read_options
from aftershock.venues.recording.schema import FORMAT, GAPS, IV, KIND, SOURCE, START, VENUE, VERSION, columns_of
from aftershock.venues.tardis.arrival import Arrival
from aftershock.venues.tardis.csv_columns import same_kind
from aftershock.venues.tardis.merge import merge
from aftershock.venues.tardis.option_terms import OptionNames, OptionTerms
from aftershock.venues.tardis.piece import Piece
from aftershock.venues.tardis.report import FileReport

__all__ = ["ColumnarSource", "is_columnar", "open_columnar"]

_PARQUET, _ARROW_FILE = b"PAR1", b"ARROW1"
_NO_END = "it has no end mark: rows after its last whole batch may be missing"


def is_columnar(path: Path) -> bool:
    """Tell whether a file is one for `open_columnar`, by its first bytes; a torn segment by its name."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            start = file.read(8)
    except (OSError, ValueError):
        return False
    return start.startswith((_PARQUET, CONTINUATION, _ARROW_FILE)) or (len(start) < 8 and named(path) is not None)


def open_columnar(
    path: Path, *, index: int, expect: str | None = None, table: InstrumentTable, row_limit: int | None = None
) -> ColumnarSource:
    """Recognise a columnar file by its metadata and prepare to read it.

    Args:
        path: Segment of a recording, or Parquet.
        index: Place of this file among the inputs.
        expect: Kind that the user said it is.
        table: Says what a venue's liquidation feed means.
        row_limit: Rows to stop after.

    Raises:
        ConfigError: pyarrow is not installed.
        InputError: The file can't be read, is of no known kind, or is not of the kind expected.
    """
    need_pyarrow()
    source = ColumnarSource(path, index, table, row_limit)
    if expect is not None and not same_kind(expect, source.kind):
        raise InputError(f"{path} holds {source.kind}, not {expect}: give it without an option")
    return source


class ColumnarSource:
    """A columnar file that was recognised. Reading it is streaming: memory does not grow with the file.

    Attributes:
        path: The file.
        index: Its place among files whose rows are equal in time, priority and stream.
        report: What was read so far; complete when the events are exhausted.
        rows_read: Number of the last row whose event was handed out by `merge`.
        is_live: True if it was recorded from a live feed.
        starts_ns: No row was received before, ns UTC; None if that is not known.
        sequence: Venue and kind, shared by the segments of one recording that follow each other; None of Parquet.
        option_terms: Strike, type and expiry by (venue, symbol), of options whose names can't be parsed.
    """

    def __init__(self, path: Path, index: int, table: InstrumentTable, row_limit: int | None) -> None:
        """Use `open_columnar`."""
        self.path, self.index = path, index
        self.rows_read = 0
        self._table, self._row_limit = table, row_limit
        self._names = OptionNames()
        self._lost_at_the_end = 0
        self._frames, self._parquet, schema = _opened(path)
        metadata: dict[bytes, bytes] = {} if schema is None else schema.metadata or {}
        self._segment = named(path)
        self.kind = self._kind_in(metadata) if schema is not None else self._kind_by_name()
        if schema is not None:
            check_columns(path, self.kind, schema)
        self.is_live = metadata.get(SOURCE) == b"live"
        self._fractions = metadata.get(IV) == b"fraction"
        start = metadata.get(START, b"")
        self.starts_ns = int(start) if start.isdigit() and len(start) < 20 else None
        self._venue = unquote(metadata.get(VENUE, b"").decode("utf-8", "replace"))
        if schema is None and self._segment is not None:  # the name says what the head no longer does
            self.starts_ns, self._venue = self._segment.start_ns, self._segment.venue
        self.sequence = None if self._frames is None else (str(path.parent), self._venue, self.kind)
        self.report = self._fresh_report()

    @property
    def option_terms(self) -> dict[tuple[str, str], OptionTerms]:
        """Return strike, type and expiry by (venue, symbol), of options read so far whose names can't be parsed."""
        return self._names.unparsed

    def __iter__(self) -> Iterator[Event]:
        """Iterate over the events of this file alone."""
        return merge([self])

    def pieces(self) -> Iterator[Piece]:
        """Start reading from the first row."""
        self.rows_read = 0
        self._names.unparsed.clear()
        fresh = self._fresh_report()
        for name in fresh.__struct_fields__:
            setattr(self.report, name, getattr(fresh, name))
        arrival = Arrival(self.path.name, self.report)
        if self.starts_ns is not None:
            arrival.advance(self.starts_ns, 0)
        damage = Damage(
            self._venues(), lambda: self._lost_at_the_end, starts_ns=self.starts_ns or 0, next_ns=self._next_ns
        )
        if self.kind == "options_chain":
            return read_options(
                self._blocks(),
                self.report,
                self._names,
                arrival,
                damage,
                fractions=self._fractions,
                needs_terms=not self.is_live,
            )
        return read_events(self._blocks(), self.kind, self.report, self._table, arrival, damage)

    def digest(self) -> str:
        """Return the SHA-256 of the file's bytes, in hexadecimal.

        Raises:
            InputError: The file can no longer be read.
        """
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise InputError(f"{self.path} can't be read ({error.strerror or error}): check its permissions") from error

    # --- what it is ---------------------------------------------------------------------------------------------

    def _kind_in(self, metadata: dict[bytes, bytes]) -> str:
        kind = metadata.get(KIND, b"").decode("utf-8", "replace")
        if metadata.get(FORMAT) != VERSION or not columns_of(kind):
            raise InputError(
                f"{self.path} is Parquet or Arrow, but its metadata names no format and kind of ours: give a recording "
                "of `aftershock record` or a data set that `aftershock download` made"
            )
        return kind

    def _kind_by_name(self) -> str:
        if self._segment is None or not columns_of(self._segment.kind):
            raise InputError(f"{self.path} is cut short before its first row, and its name says no kind: leave it out")
        return self._segment.kind

    def _venues(self) -> list[str]:
        """Return whose rows a damaged part may have held: of gaps, those of any venue of the recording."""
        if self.kind != GAPS:
            return [self._venue] if self._venue else []
        if self._segment is None:
            return []
        return sorted({each.venue for each in segments_of(self.path.parent) if each.kind != GAPS})

    def _next_ns(self) -> int:
        """Return when the segment after this one begins, ns UTC; 0 if there is none."""
        mine = self._segment
        if mine is None:
            return 0
        following = [
            each
            for each in segments_of(self.path.parent)
            if (each.venue, each.kind) == (mine.venue, mine.kind) and each.number > mine.number
        ]
        if not following:
            return 0
        first = following[0]
        _, _, schema = _opened(first.path)
        start = b"" if schema is None else (schema.metadata or {}).get(START, b"")
        return int(start) if start.isdigit() and len(start) < 20 else first.start_ns

    def _fresh_report(self) -> FileReport:
        form = "parquet" if self._frames is None else "arrow"
        return FileReport(path=str(self.path), kind=self.kind, format=form)

    # --- rows ---------------------------------------------------------------------------------------------------

    def _blocks(self) -> Iterator[Block]:
        """Yield the rows up to the limit; the end of the file is judged only if it was reached."""
        self._lost_at_the_end = 0
        for cells, lost in self._portions():
            left = len(cells) if self._row_limit is None else self._row_limit - self.report.rows
            if left <= 0:
                return
            used = cells.part(0, left) if left < len(cells) else cells
            block = Block(used, self.report.rows + 1, lost, checks_scale=not self.is_live)
            self.report.rows += len(used)
            if len(used):
                yield block
        if self._parquet is not None:
            self.report.incomplete = self._parquet.incomplete

    def _portions(self) -> Iterator[tuple[Cells, int]]:
        if self._parquet is not None:
            for cells in self._parquet.portions():
                yield cells, 0
        elif self._frames is not None:
            yield from self._batches(self._frames)

    def _batches(self, frames: FrameReader) -> Iterator[tuple[Cells, int]]:
        schema, lost, unread, told = None, 0, 0, 0
        for number, frame in enumerate(frames):
            lost += frame.lost
            cells = None
            if number == 0:
                schema = None if frame.lost else decode_schema(frame.message)
                if schema is not None:
                    continue
            elif schema is not None:
                cells = decode_batch(frame.message, schema)
            if cells is None:
                lost += len(frame.message)
                unread += len(frame.message)
                continue
            told += lost
            yield cells, lost
            lost = 0
        damaged = frames.damaged + unread
        self._lost_at_the_end = damaged - told
        self.report.incomplete = _incomplete(frames, damaged)


def _opened(path: Path) -> tuple[FrameReader | None, ParquetRows | None, Any]:
    """Return the reader of a file and its schema; no schema of a segment whose head is torn or damaged."""
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise InputError(f"{path} can't be read ({error.strerror or error}): check its permissions") from error
    if start.startswith(_PARQUET):
        parquet = ParquetRows(path)
        return None, parquet, parquet.schema
    if start.startswith(_ARROW_FILE):
        raise InputError(f"{path} is an Arrow file, not a stream of `aftershock record`: give the recording or Parquet")
    frames = FrameReader(path)
    first = next(iter(frames), None)
    schema = None if first is None or first.lost else decode_schema(first.message)
    if schema is None and named(path) is None:
        raise InputError(
            f"{path} is no Arrow stream of `aftershock record`, or its head is damaged: check that it is the file "
            "you meant"
        )
    return frames, None, schema


def _incomplete(frames: FrameReader, damaged: int) -> str:
    said = []
    if damaged:
        said.append(f"{damaged:,} bytes in it are damaged and were left out")
    if frames.torn:
        said.append(f"it ends in {frames.torn:,} bytes of a batch that is torn")
    elif not frames.ended:
        said.append(_NO_END)
    return "; ".join(said)
