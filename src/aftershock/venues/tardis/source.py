"""One input file as a source of events, whatever it turns out to hold."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from aftershock.errors import InputError
from aftershock.model.events import Event
from aftershock.model.table import InstrumentTable
from aftershock.venues.tardis.arrival import Arrival
from aftershock.venues.tardis.csv_events import read_events
from aftershock.venues.tardis.csv_options import read_options
from aftershock.venues.tardis.csv_reader import CsvReader
from aftershock.venues.tardis.lines import LineReader
from aftershock.venues.tardis.merge import merge
from aftershock.venues.tardis.ndjson import MessageReader
from aftershock.venues.tardis.option_terms import OptionNames, OptionTerms
from aftershock.venues.tardis.piece import Piece
from aftershock.venues.tardis.recognise import Recognised, recognise

__all__ = ["FileSource", "open_source"]


class FileSource:
    """A file that was recognised. Reading it is streaming: memory does not grow with the file.

    Attributes:
        path: The file.
        index: Its place among files whose rows are equal in time, priority and stream.
        report: What was read so far; complete when the events are exhausted.
        rows_read: Number of the last data row whose event was handed out by `merge`.
    """

    def __init__(
        self, path: Path, recognised: Recognised, index: int, table: InstrumentTable, row_limit: int | None
    ) -> None:
        """Use `open_source`."""
        self.path = path
        self.index = index
        self.rows_read = 0
        self._recognised = recognised
        self._table = table
        self._row_limit = row_limit
        self._names = OptionNames()
        self.report = recognised.report()

    @property
    def kind(self) -> str:
        """Return what the file holds, as `FileReport.kind`."""
        return self._recognised.kind

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
        recognised = self._recognised
        fresh = recognised.report()
        for name in fresh.__struct_fields__:
            setattr(self.report, name, getattr(fresh, name))
        if not recognised.kind or recognised.header_line == 0:
            return iter(())
        lines = LineReader(self.path)
        arrival = Arrival(self.path.name, self.report)
        if recognised.csv is None:
            messages = MessageReader(
                lines, self.report, self._table, arrival, self._names, recognised.only, self._row_limit
            )
            return messages.pieces()
        reader = CsvReader(lines, recognised.header_line, recognised.csv, self.report, self._row_limit)
        if recognised.csv.kind == "options_chain":
            return read_options(reader, self.report, self._names, arrival)
        return read_events(reader, recognised.csv, self.report, self._table, arrival)

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


def open_source(
    path: Path, *, index: int, expect: str | None = None, table: InstrumentTable, row_limit: int | None = None
) -> FileSource:
    """Recognise a file by its content and prepare to read it.

    Args:
        path: CSV of Tardis or NDJSON of tardis-machine, gzip or plain.
        index: Place of this file among the inputs.
        expect: Kind that the user said it is: `liquidations`, `trades`, `options`, `quotes`, `book_ticker`,
            `derivative_ticker` or `book_snapshot`. It decides where columns can't, and is checked where they can.
        table: Says what a venue's liquidation feed means.
        row_limit: Data rows to stop after.

    Raises:
        InputError: The file can't be read, is of no known kind, or is not of the kind expected.
    """
    return FileSource(path, recognise(path, expect), index, table, row_limit)
