"""The API's raw feeds, minute by minute: what a slice must be to be whole."""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import msgspec

from aftershock.errors import InputError
from aftershock.venues.tardis.iso_time import parse_iso_ns

__all__ = ["Slice", "check_slice", "slice_minutes"]

_STAMP = 28


class Slice(msgspec.Struct, frozen=True):
    """Some minutes of an exchange's native messages, filtered by channel."""

    exchange: str
    channels: tuple[str, ...]
    symbols: tuple[str, ...]
    start: datetime
    minutes: int

    def path(self) -> str:
        """Return the request under the API's address."""
        filters = [
            {"channel": name, **({"symbols": list(self.symbols)} if self.symbols else {})} for name in self.channels
        ]
        wanted = quote(msgspec.json.encode(filters), safe="")
        return (
            f"data-feeds/{self.exchange}?from={self.start:%Y-%m-%dT%H:%M}:00.000Z&offset=0&sliceSize={self.minutes}"
            f"&filters={wanted}"
        )

    @property
    def file_name(self) -> str:
        """Return a name that says all."""
        channels = "+".join(self.channels).replace("/", "-")
        return f"{self.exchange}_{channels}_{self.start:%Y-%m-%dT%H%M}_{self.minutes}m.ndjson.gz"

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


def check_slice(path: Path) -> int:
    """Read a slice to its end and return its messages; an empty line is a disconnect of the recorder.

    Raises:
        InputError: It is cut short, damaged, or no recording.
    """
    unpacker = zlib.decompressobj(31)
    rows, rest = 0, b""
    try:
        with path.open("rb") as file:
            while raw := file.read(1 << 20):
                while raw:
                    *lines, rest = (rest + unpacker.decompress(raw, 1 << 20)).split(b"\n")
                    raw = unpacker.unconsumed_tail
                    rows += sum(map(_is_message, lines))
    except zlib.error as error:
        raise InputError(f"{path.name} is damaged ({error}): it is fetched again on the next run") from error
    if not unpacker.eof or rest:
        raise InputError(f"{path.name} is cut short: it is fetched again on the next run")
    return rows


def _is_message(line: bytes) -> bool:
    if not line:
        return False
    try:
        parse_iso_ns(line[:_STAMP].decode("ascii"))
    except (ValueError, UnicodeDecodeError):
        raise InputError(f"the API answers with what is no recording ({line[:40]!r}): check its address") from None
    if line[_STAMP : _STAMP + 2] != b" {" and line[_STAMP : _STAMP + 2] != b" [":
        raise InputError(f"the API answers with what is no recording ({line[:40]!r}): check its address")
    return True
