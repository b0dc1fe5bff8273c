"""What was spent, in a file that outlives the process: a restart gives nobody a new budget.

A line is written before a request leaves and another once it is settled, each in one write with a checksum, so a killed
process loses none. What was set aside and never settled counts in full: the request may have been charged. A machine
that loses power may lose the last lines; the provider's own bill is the one that counts.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from collections import Counter
from pathlib import Path
from typing import Literal

import msgspec

from aftershock.errors import ConfigError, InputError
from aftershock.model.units import NS_PER_DAY
from aftershock.review.budget import Budget, BudgetRefusal, Reservation
from aftershock.review.prices import PICO

__all__ = ["Ledger"]

_DIGITS = 8
_HEAD = b"aftershock ledger 1\n"


class _Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """`reserve`, `settle` or, after a compaction, `day`: all of a day, provider and model that is over."""

    what: Literal["reserve", "settle", "day"]
    run: str = ""
    number: int = 0
    pico: int
    at_ns: int
    provider: str = ""
    model: str = ""
    trigger_id: str = ""
    strategy: str = ""


_ENCODER, _DECODER = msgspec.json.Encoder(), msgspec.json.Decoder(_Line)


class Ledger:
    """A budget, written down.

    Attributes:
        budget: Of this process, with what earlier ones spent today.
        torn: Lines of a killed process that were cut off and dropped.
        unsettled: Requests of earlier processes that were never settled: they count in full.
    """

    def __init__(self, budget: Budget, path: Path | None, now_ns: int) -> None:
        """Take a budget and its file; None keeps it in memory alone.

        Raises:
            ConfigError: Another process has the file, or it is no ledger.
            InputError: It can't be read or written.
        """
        self.budget, self._path = budget, path
        self._file = -1
        self._run = f"{os.getpid()}-{now_ns}"
        self.torn = self.unsettled = 0
        self._paid: Counter[tuple[str, str]] = Counter()
        if path is not None:
            try:
                self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
                self._lock(path)
                self._take_over(now_ns)
            except OSError as error:
                raise InputError(f"can't use the ledger {path} ({error.strerror}): name another file") from error

    def reserve(
        self, usd: float, provider: str, model: str, *, trigger_id: str, strategy: str, now_ns: int
    ) -> Reservation | BudgetRefusal:
        """Set money aside and write it down, or say which cap forbids it.

        Raises:
            InputError: The disk takes no more.
        """
        reserved = self.budget.reserve(usd, trigger_id, strategy, now_ns)
        if isinstance(reserved, Reservation):
            self._write("reserve", reserved, provider, model)
        return reserved

    def settle(self, reserved: Reservation, usd: float, provider: str, model: str) -> None:
        """Write down what was paid; 0 for what was never sent or is not charged, the sum set aside if nobody knows.

        Raises:
            InputError: The disk takes no more.
        """
        self.budget.settle(reserved, round(usd * PICO))
        self._paid[provider, model] += reserved.pico
        self._write("settle", reserved, provider, model)

    def paid_usd(self) -> dict[tuple[str, str], float]:
        """Return what was paid by provider and model, earlier processes' days included."""
        return {key: pico / PICO for key, pico in sorted(self._paid.items())}

    def close(self) -> None:
        """Put it on the disk and let go."""
        if self._file >= 0:
            os.fsync(self._file)
            os.close(self._file)
            self._file = -1

    # --- the file -----------------------------------------------------------------------------------------------

    def _lock(self, path: Path) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever waited while the file was replaced holds the lock of one that is gone.
            taken = os.fstat(self._file).st_ino != path.stat().st_ino
        except BlockingIOError:
            taken = True
        if taken:
            os.close(self._file)
            self._file = -1
            raise ConfigError(f"another process has the ledger {path}: one budget has one gateway")

    def _write(self, what: Literal["reserve", "settle"], reserved: Reservation, provider: str, model: str) -> None:
        if self._file < 0:
            return
        line = _Line(
            what=what,
            run=self._run,
            number=reserved.number,
            pico=reserved.pico,
            at_ns=reserved.at_ns,
            provider=provider,
            model=model,
            trigger_id=reserved.trigger_id,
            strategy=reserved.strategy,
        )
        try:
            _write_all(self._file, _framed(line))
        except OSError as error:
            raise InputError(f"the ledger {self._path} takes no more ({error.strerror})") from error

    def _take_over(self, now_ns: int) -> None:
        """Count what is there, and write it again with each day that is over in one line per model."""
        content = _read_all(self._file)
        if content and not content.startswith(_HEAD):
            raise ConfigError(f"{self._path} is no ledger of this program: name another file")
        lines = self._lines(content[len(_HEAD) :])
        settled = {(line.run, line.number): line for line in lines if line.what == "settle"}
        today = now_ns // NS_PER_DAY
        days: Counter[tuple[int, str, str]] = Counter()
        kept: list[_Line] = []
        for line in lines:
            if line.what == "settle":
                continue
            paid = settled.get((line.run, line.number), line)
            self.unsettled += line.what == "reserve" and paid is line
            self._paid[line.provider, line.model] += paid.pico
            if line.at_ns // NS_PER_DAY < today:
                days[line.at_ns // NS_PER_DAY, line.provider, line.model] += paid.pico
                continue
            self.budget.spent(paid.pico, line.trigger_id, line.strategy, line.at_ns)
            kept += [line] if paid is line else [line, paid]
        over = [
            _Line(what="day", pico=pico, at_ns=day * NS_PER_DAY, provider=provider, model=model)
            for (day, provider, model), pico in sorted(days.items())
        ]
        self._replace(_HEAD + b"".join(map(_framed, over + kept)))

    def _lines(self, content: bytes) -> list[_Line]:
        """Return the lines that are whole."""
        lines = []
        for raw in content.splitlines(keepends=True):
            body = raw[_DIGITS + 1 : -1]
            if not raw.endswith(b"\n") or raw[:_DIGITS] != _checksum(body):
                self.torn += 1
                continue
            try:
                lines.append(_DECODER.decode(body))
            except msgspec.DecodeError:
                self.torn += 1
        return lines

    def _replace(self, content: bytes) -> None:
        """Put a new file in the place of the old one, which is whole until then."""
        if self._path is None:
            return
        beside = self._path.with_name(self._path.name + ".new")
        new = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        _write_all(new, content)
        os.fsync(new)
        fcntl.flock(new, fcntl.LOCK_EX | fcntl.LOCK_NB)
        beside.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        os.close(self._file)
        self._file = new


def _framed(line: _Line) -> bytes:
    body = _ENCODER.encode(line)
    return _checksum(body) + b" " + body + b"\n"


def _checksum(body: bytes) -> bytes:
    return f"{zlib.crc32(body):0{_DIGITS}x}".encode()


def _read_all(file: int) -> bytes:
    pieces = []
    os.lseek(file, 0, os.SEEK_SET)
    while piece := os.read(file, 1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


def _write_all(file: int, content: bytes) -> None:
    while content:
        content = content[os.write(file, content) :]
