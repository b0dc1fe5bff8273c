"""What was spent, in a file that outlives the process: a restart gives nobody a new budget.

A line is written before a request leaves and another once it is settled, each in one write with a checksum, so a killed
process loses none. What was set aside and never settled counts in full: the request may have been charged.

Lines are not synced one by one: a sync would keep questions waiting for the disk, and a machine that loses power may
lose its last lines, of which the provider's own bill tells. Synced are the rewritten file, when a process takes it over
and when a day of UTC begins, and its end. Each rewriting leaves one line per model of a day that is over, so the file
stays as long as a day.
"""

from __future__ import annotations

import fcntl
import os
from collections import Counter
from pathlib import Path
from typing import Literal

import msgspec

from aftershock.errors import ConfigError, InputError
from aftershock.model.units import NS_PER_DAY
from aftershock.review.budget import Budget, BudgetRefusal, Reservation
from aftershock.review.ledger_lines import HEAD, Line, condensed, framed, read_lines
from aftershock.review.prices import PICO

__all__ = ["Ledger", "Spent"]

_Model = tuple[str, str]


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What one model of one provider cost, USD.

    Attributes:
        provider, model: It.
        today: Settled today, UTC.
        ever: Settled on any day that the file knows.
        set_aside: For requests in flight.
    """

    provider: str
    model: str
    today: float
    ever: float
    set_aside: float


class Ledger:
    """A budget, written down.

    Attributes:
        budget: Of this process, with what earlier ones spent today.
        torn: Lines that were cut off or damaged and dropped; of a killed process at most its last one.
        unsettled: Requests of earlier processes that were never settled: they count in full.
        at_worst: Requests of today whose cost nobody said: they count as what was set aside.
    """

    def __init__(self, budget: Budget, path: Path | None, now_ns: int) -> None:
        """Take a budget and its file; None keeps it in memory alone.

        Raises:
            ConfigError: Another process has the file, or it is no ledger.
            InputError: It can't be read or written.
        """
        self.budget, self._path = budget, path
        self._run = f"{os.getpid()}-{now_ns}"
        self._day = now_ns // NS_PER_DAY
        self.torn = self.unsettled = self.at_worst = 0
        self._ever: Counter[_Model] = Counter()
        self._today: Counter[_Model] = Counter()
        self._open: dict[int, Line] = {}
        self._file, self._is_cut = -1, False
        if path is None:
            return
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._lock(path)
            self._take_over(path)
        except OSError as error:
            self._let_go()
            raise InputError(f"can't use the ledger {path} ({error.strerror}): name another file") from error
        except ConfigError:
            self._let_go()
            raise

    def reserve(
        self, usd: float, provider: str, model: str, *, trigger_id: str, strategy: str, now_ns: int
    ) -> Reservation | BudgetRefusal:
        """Set money aside and write it down, or say which cap forbids it.

        Raises:
            InputError: The disk takes no more.
        """
        self._roll(now_ns)
        reserved = self.budget.reserve(usd, trigger_id, strategy, now_ns)
        if isinstance(reserved, Reservation):
            line = self._line("reserve", reserved, provider, model)
            self._open[reserved.number] = line
            self._write(line)
        return reserved

    def settle(self, reserved: Reservation, usd: float | None, provider: str, model: str) -> None:
        """Write down what was paid.

        Args:
            reserved: What was set aside; settled once.
            usd: Paid; None if it was sent and nobody says what it cost: all that was set aside counts.
            provider: Who is paid.
            model: For what.

        Raises:
            InputError: The disk takes no more.
        """
        known = usd is not None and 0 <= usd <= 1e6
        self._open.pop(reserved.number, None)
        if known and usd is not None:
            self.budget.settle(reserved, round(usd * PICO))
        line = self._line("settle", reserved, provider, model, at_worst=not known)
        self._count(line)
        self._write(line)

    def release(self, reserved: Reservation, provider: str, model: str) -> None:
        """Put all of it back: nothing was sent, or nothing is charged.

        Raises:
            InputError: The disk takes no more.
        """
        self.settle(reserved, 0.0, provider, model)

    def spent(self, now_ns: int) -> list[Spent]:
        """Return what each model cost, by provider and model."""
        self._roll(now_ns)
        aside: Counter[_Model] = Counter()
        for line in self._open.values():
            aside[line.provider, line.model] += line.pico
        return [
            Spent(
                provider=key[0],
                model=key[1],
                today=self._today[key] / PICO,
                ever=self._ever[key] / PICO,
                set_aside=aside[key] / PICO,
            )
            for key in sorted({*self._ever, *aside})
        ]

    def close(self) -> None:
        """Put it on the disk and let go."""
        if self._file >= 0:
            os.fsync(self._file)
            self._let_go()

    # --- figures ------------------------------------------------------------------------------------------------

    def _count(self, line: Line) -> None:
        self._ever[line.provider, line.model] += line.pico
        if line.day >= self._day:
            self._today[line.provider, line.model] += line.pico
            self.at_worst += line.at_worst

    def _roll(self, now_ns: int) -> None:
        """Begin a day: yesterday's lines become one per model."""
        day = now_ns // NS_PER_DAY
        if day <= self._day:
            return
        self._day, self.at_worst = day, 0
        self._today.clear()
        if self._path is not None and self._file >= 0:
            try:
                lines, _ = read_lines(_read_all(self._file)[len(HEAD) :])
                kept = condensed(lines, day, {line.key for line in self._open.values()})
                self._replace(self._path, kept.over + kept.kept)
            except OSError as error:
                raise self._full(error) from error

    # --- the file -----------------------------------------------------------------------------------------------

    def _lock(self, path: Path) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever opened the file before it was replaced holds the lock of one that is gone.
            taken = os.fstat(self._file).st_ino != path.stat().st_ino
        except BlockingIOError:
            taken = True
        if taken:
            raise ConfigError(f"another process has the ledger {path}: one budget has one gateway")

    def _take_over(self, path: Path) -> None:
        content = _read_all(self._file)
        if content and not content.startswith(HEAD):
            raise ConfigError(f"{path} is no ledger of this program: name another file")
        lines, self.torn = read_lines(content[len(HEAD) :])
        found = condensed(lines, self._day)
        self.unsettled = found.unsettled
        for line in found.over + found.today:
            self._count(line)
        for line in found.today:
            self.budget.spent(line.pico, line.trigger_id, line.strategy, line.at_ns)
        self._replace(path, found.over + found.kept)

    def _line(
        self,
        what: Literal["reserve", "settle"],
        reserved: Reservation,
        provider: str,
        model: str,
        *,
        at_worst: bool = False,
    ) -> Line:
        return Line(
            what=what,
            run=self._run,
            number=reserved.number,
            pico=reserved.pico,
            at_ns=reserved.at_ns,
            provider=provider,
            model=model,
            trigger_id=reserved.trigger_id,
            strategy=reserved.strategy,
            at_worst=at_worst,
        )

    def _write(self, line: Line) -> None:
        if self._file < 0:
            return
        content = framed(line)
        if self._is_cut:  # what a full disk cut off keeps a line of its own
            content = b"\n" + content
        self._is_cut = True
        try:
            _write_all(self._file, content)
        except OSError as error:
            raise self._full(error) from error
        self._is_cut = False

    def _full(self, error: OSError) -> InputError:
        return InputError(f"the ledger {self._path} takes no more ({error.strerror})")

    def _replace(self, path: Path, lines: list[Line]) -> None:
        """Put a new file in the place of the old one, which is whole until then, and keep the lock."""
        beside = path.with_name(path.name + ".new")
        new = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            _write_all(new, HEAD + b"".join(map(framed, lines)))
            os.fsync(new)
            fcntl.flock(new, fcntl.LOCK_EX | fcntl.LOCK_NB)
            beside.replace(path)
        except OSError:
            os.close(new)
            raise
        os.close(self._file)
        self._file, self._is_cut = new, False
        folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _let_go(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _read_all(file: int) -> bytes:
    pieces = []
    os.lseek(file, 0, os.SEEK_SET)
    while piece := os.read(file, 1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


def _write_all(file: int, content: bytes) -> None:
    while content:
        content = content[os.write(file, content) :]
