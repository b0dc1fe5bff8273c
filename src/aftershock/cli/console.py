"""Where words go: results to stdout, everything else to stderr, and a progress line only where somebody watches."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self

import msgspec

from aftershock.model.units import iso_utc

__all__ = ["Progress", "StatusLine", "note", "show", "show_json"]

_REDRAW_S = 0.2


def show(text: str) -> None:
    """Print a result."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def show_json(document: dict[str, Any]) -> None:
    """Print the one JSON document of a command."""
    show(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


def note(text: str) -> None:
    """Say something about the run on stderr."""
    sys.stderr.write(f"aftershock: {text}\n")


class StatusLine:
    """One line on a terminal's stderr, redrawn in place; silent anywhere else. Leaving the context clears it."""

    def __init__(self) -> None:
        self._shows = sys.stderr.isatty()
        self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.clear()

    def draw(self, line: str) -> None:
        """Show a line in place of the last one."""
        if self._shows:
            sys.stderr.write("\r" + line.ljust(self._width))
            sys.stderr.flush()
            self._width = len(line)

    def clear(self) -> None:
        """Leave the line empty for whatever comes next."""
        if self._width:
            self.draw("")
            sys.stderr.write("\r")
            sys.stderr.flush()


class Progress(StatusLine):
    """How far a long run has come, at most a few times a second."""

    def __init__(self) -> None:
        super().__init__()
        self._started = time.monotonic()
        self._next = self._started + _REDRAW_S

    def update(self, rows: int, reached_ns: int) -> None:
        """Redraw if it is time: rows, rows per second, and the moment of the data that was reached."""
        now = time.monotonic()
        if not self._shows or now < self._next:
            return
        self._next = now + _REDRAW_S
        rate = rows / max(now - self._started, 1e-9)
        self.draw(f"{rows:,} rows  {rate:,.0f} rows/s  {iso_utc(reached_ns)[:19]}Z")
