"""What became of a file: its rows, and each one that was not used, counted by reason and shown by example."""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

__all__ = ["Broken", "Example", "FileReport", "excerpt"]

MAX_EXAMPLES = 5
MAX_NOTES = 20
_MAX_EXCERPT = 100
_MAX_TYPES = 50
_LONG_WORD = re.compile(r"[A-Za-z0-9+/_=.-]{24,}")


class Broken(StrEnum):
    """Why a row was dropped."""

    CELLS = "cell_count"
    ENCODING = "not_utf8"
    NAME = "no_symbol"
    TIMESTAMP = "timestamp"
    NOT_MICROSECONDS = "timestamp_not_microseconds"
    NUMBER = "not_a_number"
    NEGATIVE = "negative"
    NO_PRICE = "price_not_positive"
    SIDE = "side"
    OPTION_TYPE = "option_type"
    CONTRADICTION = "contradicts_symbol"
    JSON = "not_json"
    FIELD = "wrong_field"
    DUPLICATE = "duplicate"


class Example(msgspec.Struct, frozen=True):
    """One dropped row.

    Attributes:
        line: Line number in the file, from 1.
        reason: A value of `Broken`.
        excerpt: Start of the line, made safe to print.
    """

    line: int
    reason: str
    excerpt: str


class FileReport(msgspec.Struct, kw_only=True):
    """What was read from one file so far.

    Attributes:
        path: The file, as the user named it.
        kind: `liquidations`, `trades`, `quotes`, `book_ticker`, `options_chain`, `derivative_ticker`,
            `book_snapshot_<depth>`, `gaps`, `normalized` for messages of tardis-machine, or empty if the file is.
        format: `csv`, `csv.gz`, `ndjson`, `ndjson.gz`, `arrow` (a segment of a recording) or `parquet`.
        rows: Data rows or messages, dropped ones included.
        dropped: Rows that were not used, by reason (`Broken`).
        examples: The first few of them.
        incomplete: Why the end of the file is missing; empty if it is all there.
        clocks: `two`, or `one` if every row carries the same time twice; empty without rows.
        out_of_order: Rows whose receive time is before that of an earlier row.
        unused: Messages that are of no use here, by `unused:<type>`.
        errors: Error messages that the recorder put into the stream.
        notes: What else a reader of the result should know.
        first_ts: Receive time of the first row delivered, ns UTC; None without rows.
        last_ts: Receive time of the last row delivered.
    """

    path: str
    kind: str
    format: str
    rows: int = 0
    dropped: dict[str, int] = {}
    examples: list[Example] = []
    incomplete: str = ""
    clocks: str = ""
    out_of_order: int = 0
    unused: dict[str, int] = {}
    errors: int = 0
    notes: list[str] = []
    first_ts: int | None = None
    last_ts: int | None = None

    @property
    def rows_dropped(self) -> int:
        """Return the number of rows that were not used."""
        return sum(self.dropped.values())

    def drop(self, reason: Broken, line: int, text: str) -> None:
        """Count one dropped row."""
        self.dropped[reason.value] = self.dropped.get(reason.value, 0) + 1
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(Example(line=line, reason=reason.value, excerpt=excerpt(text)))

    def leave(self, name: str) -> None:
        """Count one message of a type that is of no use here."""
        key = f"unused:{name[:40]}"
        if key not in self.unused and len(self.unused) >= _MAX_TYPES:
            key = "unused:others"
        self.unused[key] = self.unused.get(key, 0) + 1

    def note(self, text: str) -> None:
        """Add a note, once, and only so many."""
        if text not in self.notes and len(self.notes) < MAX_NOTES:
            self.notes.append(text)

    def saw(self, first_ts: int, last_ts: int, *, two_clocks: bool) -> None:
        """Extend the span of receive times, and what is known of the clocks."""
        if self.first_ts is None:
            self.first_ts = first_ts
        self.last_ts = last_ts
        if two_clocks or not self.clocks:
            self.clocks = "two" if two_clocks else "one"


def excerpt(text: str) -> str:
    """Return the start of a line that is safe to show: printable, short, and without what may be a secret.

    A row is market data, but the file may be the wrong one. Words of 24 and more characters with a lower-case letter,
    as keys and tokens are, show only how they start.
    """
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[: 2 * _MAX_EXCERPT])
    masked = _LONG_WORD.sub(_mask, printable)
    return masked if len(masked) <= _MAX_EXCERPT else masked[: _MAX_EXCERPT - 1] + "…"


def _mask(match: re.Match[str]) -> str:
    word = match[0]
    return word if word == word.upper() else f"{word[:4]}…"
