"""The lines of a ledger: what they say, how they are framed, and what is left of them once their day is over."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Literal, NamedTuple

import msgspec

from aftershock.model.units import NS_PER_DAY

__all__ = ["HEAD", "Condensed", "Line", "condensed", "framed", "read_lines"]

HEAD = b"aftershock ledger 1\n"
_DIGITS = 8

Key = tuple[str, int]


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One line.

    Attributes:
        what: `reserve`, `settle` or, for all that one model cost on a day that is over, `day`.
        run, number: Which request of which process; both lines of a request carry the same.
        pico: 1e-12 USD: set aside, or paid.
        at_ns: When it was set aside, ns UTC; of a `day` its beginning.
        provider, model, trigger_id, strategy: Under which figures and caps it counts.
        at_worst: True if nobody said what it cost, and what was set aside stands for it.
    """

    what: Literal["reserve", "settle", "day"]
    run: str = ""
    number: int = 0
    pico: int
    at_ns: int
    provider: str = ""
    model: str = ""
    trigger_id: str = ""
    strategy: str = ""
    at_worst: bool = False

    @property
    def key(self) -> Key:
        """Return what both lines of a request share."""
        return self.run, self.number

    @property
    def day(self) -> int:
        """Return days since 1970, UTC."""
        return self.at_ns // NS_PER_DAY


_ENCODER, _DECODER = msgspec.json.Encoder(), msgspec.json.Decoder(Line)


class Condensed(NamedTuple):
    """What a ledger holds.

    Attributes:
        over: One `day` line for each day that is over, provider and model.
        today: The line that counts for each request of today, the settlement where there is one.
        kept: What the file has to hold on to as it is: both lines of today's requests, and what is still open.
        unsettled: Requests of processes that are gone, set aside and never settled.
    """

    over: list[Line]
    today: list[Line]
    kept: list[Line]
    unsettled: int


def condensed(lines: Iterable[Line], today: int, still_open: Collection[Key] = ()) -> Condensed:
    """Put together what requests cost.

    What was set aside and never settled counts in full: it may have been charged. So does a settlement whose first line
    was lost.

    Args:
        lines: Of a file, in its order.
        today: Days since 1970, UTC.
        still_open: Requests in flight: neither over nor unsettled, whatever their day.
    """
    days: Counter[tuple[int, str, str]] = Counter()
    requests: dict[Key, list[Line]] = {}
    for line in lines:
        if line.what == "day":
            days[line.day, line.provider, line.model] += line.pico
        else:
            requests.setdefault(line.key, []).append(line)
    found = Condensed([], [], [], 0)
    unsettled = 0
    for key, both in requests.items():
        last = both[-1]
        if key in still_open:
            found.kept.extend(both)
            continue
        unsettled += last.what == "reserve"
        if last.day < today:
            days[last.day, last.provider, last.model] += last.pico
        else:
            found.today.append(last)
            found.kept.extend(both)
    over = [
        Line(what="day", pico=pico, at_ns=day * NS_PER_DAY, provider=provider, model=model)
        for (day, provider, model), pico in sorted(days.items())
    ]
    return found._replace(over=over, unsettled=unsettled)


def framed(line: Line) -> bytes:
    """Return a line as the file has it: a checksum, the JSON text, a line feed."""
    body = _ENCODER.encode(line)
    return _checksum(body) + b" " + body + b"\n"


def read_lines(content: bytes) -> tuple[list[Line], int]:
    """Return the lines that are whole, and how many are not: cut off or damaged."""
    lines, spoilt = [], 0
    for raw in content.split(b"\n"):
        body = raw[_DIGITS + 1 :]
        if not raw:
            continue
        if raw[: _DIGITS + 1] != _checksum(body) + b" ":
            spoilt += 1
            continue
        try:
            lines.append(_DECODER.decode(body))
        except msgspec.DecodeError:
            spoilt += 1
    return lines, spoilt


def _checksum(body: bytes) -> bytes:
    return f"{zlib.crc32(body):0{_DIGITS}x}".encode()
