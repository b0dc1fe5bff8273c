"""The API's raw feeds, minute by minute: what a slice must be to be whole."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import msgspec

from aftershock.errors import InputError
from aftershock.venues.connection.text import printable
from aftershock.venues.tardis.iso_time import parse_iso_ns
from aftershock.venues.tardis.unpacked import unpacked

__all__ = ["Slice", "check_slice", "slice_minutes"]

_STAMP = 28
_LONGEST_LINE = 64 << 20
_PLAIN = re.compile(r"[A-Za-z0-9.-]*")
_SHOWN = 48


class Slice(msgspec.Struct, frozen=True):
    """Some minutes of an exchange's native messages, filtered by channel."""

    exchange: str
    channels: tuple[str, ...]
    symbols: tuple[str, ...]
    start: datetime
    minutes: int

    def path(self) -> str:
        """Return the request under the API's address."""
        wanted = quote(self._filters(), safe="")
        return (
            f"data-feeds/{self.exchange}?from={self.start:%Y-%m-%dT%H:%M}:00.000Z&offset=0&sliceSize={self.minutes}"
            f"&filters={wanted}"
        )

    @property
    def file_name(self) -> str:
        """Return a name of its own: no other selection has it.

        Symbols, and channels that no file name can have, are in it by a digest of the request, whatever is readable of
        them before it.
        """
        channels, names = "+".join(self.channels), "+".join(self.symbols)
        what = "_".join(re.sub(r"[^A-Za-z0-9.+-]", "-", each)[:_SHOWN] for each in (channels, names) if each)
        if names or not _PLAIN.fullmatch("".join(self.channels)) or len(channels) > _SHOWN:
            what += f"_{hashlib.sha256(self._filters()).hexdigest()[:8]}"
        return f"{self.exchange}_{what}_{self.start:%Y-%m-%dT%H%M}_{self.minutes}m.ndjson.gz"

    @property
    def end(self) -> datetime:
        """Return the minute after the last."""
        return self.start + timedelta(minutes=self.minutes)

    def _filters(self) -> bytes:
        symbols = {"symbols": list(self.symbols)} if self.symbols else {}
        return msgspec.json.encode([{"channel": name, **symbols} for name in self.channels])

    def cut(self, minutes: int) -> Slice:
        """Return its first minutes."""
        return msgspec.structs.replace(self, minutes=minutes)

    def rest(self, minutes: int) -> Slice | None:
        """Return what is left after its first minutes; None if nothing is."""
        if minutes >= self.minutes:
            return None
        return msgspec.structs.replace(
            self, start=self.start + timedelta(minutes=minutes), minutes=self.minutes - minutes
        )


def slice_minutes(headers: dict[str, str], asked: int) -> int:
    """Return how many minutes an answer holds.

    Raises:
        InputError: It does not say: then nobody knows what is missing.
    """
    text = headers.get("x-slice-size", "")
    if not text.isdigit() or not 0 < int(text) <= asked:
        raise InputError(
            f"the answer does not say how many minutes it holds (x-slice-size {text[:20]!r}): check the address"
        )
    return int(text)


def check_slice(path: Path, going_on: Callable[[], object] = lambda: None) -> int:
    """Read a slice to its end and return its messages; an empty line is a disconnect of the recorder.

    Args:
        path: A `.gz` file.
        going_on: Called now and then; what it raises ends the reading.

    Raises:
        InputError: It is cut short, damaged, a bomb, or no recording.
    """
    rows, rest = 0, b""
    for part in unpacked(path, lambda _: going_on()):
        *lines, rest = (rest + part).split(b"\n")
        rows += sum(map(_is_message, lines))
        if len(rest) > _LONGEST_LINE:
            raise InputError(f"{path.name} has a line of more than 64 MiB: it is no recording")
    if rest:
        raise InputError(f"{path.name} is cut short: it is fetched again on the next run")
    return rows


def _is_message(line: bytes) -> bool:
    if not line:
        return False
    try:
        parse_iso_ns(line[:_STAMP].decode("ascii"))
        is_one = line[_STAMP : _STAMP + 2] in {b" {", b" ["}
    except (ValueError, UnicodeDecodeError):
        is_one = False
    if not is_one:
        start = printable(line[:40].decode("utf-8", errors="replace"))
        raise InputError(f"the API answers with what is no recording ({start}): check its address")
    return True
