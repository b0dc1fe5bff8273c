"""Writing a recording: each event into the file of its venue and kind, soon; files are rotated, and all is synced."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from aftershock.errors import InputError
from aftershock.model.events import Event, OptionQuotes
from aftershock.model.units import NS_PER_S
from aftershock.venues.recording.ends import ends_of
from aftershock.venues.recording.fitness import kind_of, unfit
from aftershock.venues.recording.folder import cannot_write, claim
from aftershock.venues.recording.library import need_pyarrow
from aftershock.venues.recording.limits import Limits, Written
from aftershock.venues.recording.rows import TermsOf
from aftershock.venues.recording.segment import SegmentWriter
from aftershock.venues.recording.syncer import Syncer

__all__ = ["RecordingWriter"]


class RecordingWriter:
    """Writes one recording, alone: a lock ends with the process. Use it as a context manager.

    Any `InputError` names the folder and what to do; after one nothing more is taken, and what was written stays
    readable.

    Attributes:
        folder: The recording.
        last_ts: Last `ts_init` that it holds or waits to hold, ns UTC; 0 if there is none.
        whole_until: Of what it held when it was opened nothing is missing up to here, ns UTC: a recorder that died
            took the rows of one `batch_s` with it, and a power cut those of one `sync_s` before them, of any venue.
        venues: Those of which it held rows then.
        left_out: Events that can't be recorded, by reason.
    """

    def __init__(
        self,
        folder: Path,
        limits: Limits | None = None,
        *,
        terms_of: TermsOf = lambda _venue, _symbol: None,
        counter: Callable[[], int] = time.monotonic_ns,
        syncer: Syncer | None = None,
    ) -> None:
        """Begin a recording, or take up the one that the folder holds, behind its last segments.

        Args:
            folder: New, empty, or a recording.
            limits: When batches are written, and files rotated and synced.
            terms_of: Terms of options whose names can't be parsed.
            counter: Monotonic clock, ns.
            syncer: Puts written bytes on the disk.

        Raises:
            ConfigError: pyarrow is not installed.
            UsageError: The folder holds something else.
            InputError: It can't be written, or another recorder writes it.
        """
        need_pyarrow()
        self.folder, self.left_out = folder, dict[str, int]()
        self._limits = limits = limits or Limits()
        self._counter, self._terms_of = counter, terms_of
        self._batch_ns, self._sync_ns = round(limits.batch_s * NS_PER_S), round(limits.sync_s * NS_PER_S)
        self._period_ns = round(limits.rotate_minutes * 60 * NS_PER_S)
        self._lock = claim(folder)
        try:
            found = ends_of(folder)
        except InputError:
            os.close(self._lock)
            raise
        self._numbers, self.last_ts, self.venues = found.numbers, found.last_ts, found.venues
        unsure_ns = 0 if found.ended else self._batch_ns + self._sync_ns
        self.whole_until = max(found.last_ts - unsure_ns, 0)
        self._writers: dict[tuple[str, str], SegmentWriter] = {}
        self._syncer = syncer or Syncer()
        # The nearest moment at which a batch must be written, and the next one to sync at.
        self._due_ns = _NEVER
        self._sync_due_ns = counter() + self._sync_ns
        self._failure: InputError | None = None
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.close()
        except InputError as failure:
            if error is None:
                raise
            error.add_note(str(failure))

    @property
    def written(self) -> list[Written]:
        """Return what was written so far, by venue and kind."""
        return [
            Written(venue=venue, kind=kind, rows=each.rows_written, bytes=each.bytes_written, files=each.files)
            for (venue, kind), each in sorted(self._writers.items())
        ]

    @property
    def rows(self) -> int:
        """Return the rows written so far."""
        return sum(each.rows_written for each in self._writers.values())

    @property
    def bytes(self) -> int:
        """Return the bytes written so far."""
        return sum(each.bytes_written for each in self._writers.values())

    @property
    def wait_ns(self) -> int | None:
        """Return how long no batch is due, zero or less if one is; None if nothing waits."""
        return None if self._due_ns == _NEVER else self._due_ns - self._counter()

    def add(self, event: Event) -> None:
        """Take an event; its `ts_init` is not before that of the one before it.

        Raises:
            InputError: The recording can't be written.
        """
        if self._failure is not None:
            raise self._failure
        place = kind_of(event)
        if place is None:
            self._leave(f"{event.__struct_config__.tag} events are not recorded")
            return
        reason = unfit(event)
        if not reason:
            self._take(place, event)
        elif isinstance(event, OptionQuotes) and len(event) > 1:
            for row in event.rows():
                self.add(row)
            return
        else:
            self._leave(reason)
        if self._due_ns <= self._counter():
            self.poll()

    def poll(self, now_ts: int | None = None) -> None:
        """Write the batches that are due, and sync if it is time.

        Args:
            now_ts: Wall clock, ns UTC; segments of periods that are over end.

        Raises:
            InputError: The recording can't be written.
        """
        now = self._counter()
        with self._guarded():
            for each in self._writers.values():
                if each.rows.count and each.due_ns <= now:
                    each.write()
                if now_ts is not None and each.holds_rows and each.period < now_ts // self._period_ns:
                    each.end()
            if self._sync_due_ns <= now:
                self._sync_due_ns = now + self._sync_ns
                for each in self._writers.values():
                    each.sync()
        self._set_due()

    def close(self) -> None:
        """Write what waits, mark the ends, sync, and let go of the folder.

        Raises:
            InputError: The recording can't be written.
        """
        if self._closed:
            return
        self._closed = True
        try:
            if self._failure is None:
                with self._guarded():
                    for each in self._writers.values():
                        each.end()
        finally:
            for each in self._writers.values():
                each.let_go()
            self._syncer.finish()
            os.close(self._lock)
        if self._failure is None and self._syncer.error is not None:
            raise cannot_write(self.folder, self._syncer.error)

    def _take(self, place: tuple[str, str], event: Event) -> None:
        first_ts = int(event.row_ts_init[0]) if isinstance(event, OptionQuotes) else event.ts_init
        period = event.ts_init // self._period_ns
        if isinstance(event, OptionQuotes) and first_ts // self._period_ns != period:
            cut = int(np.searchsorted(event.row_ts_init, period * self._period_ns))
            self._take(place, event.slice(0, cut))
            event = event.slice(cut, len(event))
        writer = self._writers.get(place)
        if writer is None:
            number = self._numbers.get(place, 0) + 1
            writer = SegmentWriter(self.folder, *place, number, self._syncer, self._terms_of)
            self._writers[place] = writer
        rows = len(event) if isinstance(event, OptionQuotes) else 1
        if writer.period != period or writer.size >= self._limits.segment_bytes:
            with self._guarded():
                writer.end()
            writer.period = period
        if writer.rows.count and writer.rows.count + rows > self._limits.batch_rows:
            self._write(writer)
        if not writer.rows.count:
            writer.due_ns = self._counter() + self._batch_ns
            self._due_ns = min(self._due_ns, writer.due_ns)
        writer.rows.add(event)
        self.last_ts = max(self.last_ts, event.ts_init)
        if writer.rows.count >= self._limits.batch_rows:
            self._write(writer)

    def _write(self, writer: SegmentWriter) -> None:
        with self._guarded():
            writer.write()
        self._set_due()

    def _leave(self, reason: str) -> None:
        self.left_out[reason] = self.left_out.get(reason, 0) + 1

    def _set_due(self) -> None:
        self._due_ns = min((each.due_ns for each in self._writers.values() if each.rows.count), default=_NEVER)

    def _guarded(self) -> _Guard:
        return _Guard(self)

    def fail(self, error: OSError) -> InputError:
        """Take nothing more, and return the one sentence on it."""
        self._failure = cannot_write(self.folder, error)
        return self._failure


_NEVER = 2**63


class _Guard:
    """Within it an error of the disk, the syncing thread's included, becomes the one sentence on the recording."""

    def __init__(self, writer: RecordingWriter) -> None:
        self._writer = writer

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        failed = error if isinstance(error, OSError) else self._writer._syncer.error  # noqa: SLF001 - one class in two
        if failed is not None and (error is None or error is failed):
            raise self._writer.fail(failed) from failed
