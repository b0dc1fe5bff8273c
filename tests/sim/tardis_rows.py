"""Read the sample's files with nothing but the standard library."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

Row = dict[str, str]


class Sample(NamedTuple):
    """A generated sample: its folder and the files that a replay takes."""

    folder: Path
    paths: list[Path]

    def rows(self, kind: str) -> Iterator[Row]:
        """Yield the rows of all files of a kind, file by file."""
        for path in self.paths:
            if f"_{kind}_" in path.name:
                yield from read(path)

    def truth(self) -> Any:  # noqa: ANN401  a JSON document
        """Return what was planted."""
        return json.loads((self.folder / "TRUTH.json").read_text(encoding="utf-8"))


def read(path: Path) -> Iterator[Row]:
    """Yield the rows of one file by column name."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def micros(iso: str) -> int:
    """Return a moment of the truth file in microseconds, as the files count."""
    return round(datetime.fromisoformat(iso[:26] + "+00:00").timestamp() * 1e6)


def price(row: Row, column: str) -> float | None:
    """Return a price, None where the cell is empty."""
    return float(row[column]) if row[column] else None
