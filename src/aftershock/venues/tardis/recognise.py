"""Tell what a file is by what is in it, not by its name."""

from __future__ import annotations

from pathlib import Path

import msgspec

from aftershock.errors import InputError
from aftershock.venues.tardis.csv_block import cut_cells
from aftershock.venues.tardis.csv_columns import CsvKind, kind_of_header, kind_of_path
from aftershock.venues.tardis.lines import LineBlock, LineReader
from aftershock.venues.tardis.messages import EXPECTABLE, types_in
from aftershock.venues.tardis.report import FileReport

__all__ = ["Recognised", "recognise"]

_KNOWN = (
    "liquidations",
    "trades",
    "options",
    "options_chain",
    "quotes",
    "book_ticker",
    "derivative_ticker",
    "book_snapshot",
)


class Recognised(msgspec.Struct, frozen=True):
    """What a file is.

    Attributes:
        path: The file.
        kind: As in `FileReport.kind`; empty if the file is empty and nobody says what it would be.
        format: As in `FileReport.format`.
        header_line: Number of the first line with content; 0 if there is none.
        csv: What the header says; None for messages.
        only: Kind of message that the user wants of a file of messages; None for all.
        incomplete: Why the file ends before its first line does.
        notes: What to tell the user.
    """

    path: str
    kind: str
    format: str
    header_line: int = 0
    csv: CsvKind | None = None
    only: str | None = None
    incomplete: str = ""
    notes: tuple[str, ...] = ()

    def report(self) -> FileReport:
        """Return a report of nothing read yet."""
        return FileReport(
            path=self.path, kind=self.kind, format=self.format, incomplete=self.incomplete, notes=list(self.notes)
        )


def recognise(path: Path, expect: str | None) -> Recognised:
    """Look at the first lines of a file.

    Raises:
        InputError: It can't be read, is of no known kind, or is not of the kind expected.
    """
    if expect is not None and expect not in _KNOWN:
        raise InputError(f"{path} can't be expected to hold {expect}: the kinds are {', '.join(_KNOWN)}")
    lines = LineReader(path)
    suffix = ".gz" if lines.compressed else ""
    first: tuple[int, str] | None = None
    block = LineBlock(1, [])
    for block in lines.blocks():
        first = next(((block.first_line + i, line) for i, line in enumerate(block.lines) if line.strip()), None)
        if first is not None:
            break
    if first is None:
        return _without_content(path, expect, lines.incomplete, suffix)
    number, text = first
    if "\0" in text or "\N{REPLACEMENT CHARACTER}" in text:
        raise InputError(f"{path} is not text: give a CSV or NDJSON file, plain or gzip")
    if text.lstrip().startswith("{"):
        return _messages(path, expect, number, block, f"ndjson{suffix}")
    cells = cut_cells(text)
    csv = kind_of_header(cells if cells is not None else [text], path, expect)
    notes = (f"no column {', '.join(csv.absent)}: absent in every row",) if csv.absent else ()
    return Recognised(str(path), csv.kind, f"csv{suffix}", number, csv, notes=notes)


def _without_content(path: Path, expect: str | None, incomplete: str, suffix: str) -> Recognised:
    """Describe a file without a line: Tardis gives an empty one where there is no data."""
    kind = {"options": "options_chain"}.get(expect or "", expect) or kind_of_path(path)
    if incomplete and not kind:
        raise InputError(f"{path} can't be recognised ({incomplete}): fetch it again")
    notes = () if incomplete else ("the file is empty: no data",)
    return Recognised(str(path), kind, f"csv{suffix}", incomplete=incomplete, notes=notes)


def _messages(path: Path, expect: str | None, number: int, block: LineBlock, form: str) -> Recognised:
    """Describe a file of JSON lines by the types of its first messages."""
    types = types_in(block.lines)
    if "truth" in types:
        raise InputError(
            f"{path} holds the truth of a simulated market, which no decision may see: give the data beside it"
        )
    if "native" in types:
        raise InputError(
            f"{path} holds a venue's own messages, as /replay gives them: use /replay-normalized of tardis-machine"
        )
    if "failure" in types:
        raise InputError(f"{path} holds no data but tardis-machine's error answer: read it, and ask again")
    if not types:
        raise InputError(f"{path} holds JSON, but no messages of tardis-machine: check that it is the file you meant")
    if expect is not None and not (types & EXPECTABLE.get(expect, frozenset())):
        shown = ", ".join(sorted(types))
        raise InputError(f"{path} holds {shown} messages, not {expect}: give it without an option")
    return Recognised(str(path), "normalized", form, number, only=expect)
