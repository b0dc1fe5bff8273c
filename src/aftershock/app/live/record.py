"""Recording live sources: their events get our time and go to the disk; nobody decides anything."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from aftershock.app.live.config import LiveConfig
from aftershock.app.live.intake import Intake, Received
from aftershock.app.live.sequencer import Sequencer
from aftershock.app.live.shell import LiveShell, Status
from aftershock.app.live.source import LiveSource
from aftershock.app.live.tally import Tally
from aftershock.app.numerics import code_version
from aftershock.app.plain import plain, ranked
from aftershock.errors import AftershockError
from aftershock.model.events import Gap, StreamId
from aftershock.venues.recording import RecordingWriter, Written
from aftershock.venues.tardis.option_terms import OptionTerms

__all__ = ["RecordResult", "RecordStatus", "RecordStep", "record", "terms_in"]

SCHEMA_VERSION = 1


class RecordStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A recording at a glance.

    Attributes:
        shell: Of the session.
        rows, bytes: Written so far; `rows_per_s` over the last second or so.
    """

    shell: Status
    rows: int
    bytes: int
    rows_per_s: float


class RecordResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a session recorded.

    Attributes:
        folder: The recording.
        continued: Whether it held rows before.
        written: By venue and kind.
        left_out: Events that can't be recorded, by reason.
        gaps: Gaps written, that since an earlier session included; `reconnects` connections made again.
        events_in: Events delivered by sources, those lost to a full queue (`events_lost`) included.
        seconds: Length of the session.
        signal_number: Of the signal that ended it, 0 without one.
        failure: What a source gave up for.
        sources: Their names.
    """

    folder: Path
    continued: bool
    written: Sequence[Written]
    left_out: dict[str, int]
    gaps: int
    reconnects: int
    events_in: int
    events_lost: int
    seconds: float
    signal_number: int
    failure: AftershockError | None
    sources: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Return the rows written."""
        return sum(each.rows for each in self.written)

    @property
    def bytes(self) -> int:
        """Return the bytes written."""
        return sum(each.bytes for each in self.written)

    @property
    def files(self) -> int:
        """Return the segments written."""
        return sum(each.files for each in self.written)

    def document(self) -> dict[str, Any]:
        """Return the JSON document of `record`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "version": code_version(),
            "folder": str(self.folder),
            "continued": self.continued,
            "sources": list(self.sources),
            "seconds": self.seconds,
            "interrupted": self.signal_number != 0,
            "failure": None if self.failure is None else str(self.failure),
            "rows": {"total": self.rows, "written": [plain(each) for each in self.written]},
            "left_out": ranked(self.left_out),
            "events_in": self.events_in,
            "events_lost": self.events_lost,
            "gaps": self.gaps,
            "reconnects": self.reconnects,
            "files": self.files,
            "bytes": self.bytes,
        }


class RecordStep:
    """Takes events in the order of receipt, gives them our time, and writes them.

    Attributes:
        tally: Empty: nothing is said.
        gaps: Gaps written.
        lag_ns: How long the last event had waited in the queue.
    """

    def __init__(
        self,
        writer: RecordingWriter,
        *,
        clock: Callable[[], int] = time.time_ns,
        counter: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        """Take a writer; if its recording holds rows, what was missed since is its first gap.

        Args:
            writer: Open.
            clock: Wall clock, ns UTC.
            counter: Monotonic clock, ns.

        Raises:
            InputError: The recording can't be written.
        """
        self._writer, self._clock, self._counter = writer, clock, counter
        self._sequencer = Sequencer()
        self._sequencer.last = writer.last_ts
        self.tally = Tally()
        self.gaps = self.lag_ns = 0
        since = writer.whole_until
        for venue in writer.venues:
            now = self._sequencer.next(clock())
            stream = StreamId(venue, "", "")
            detail = "nothing was recorded between two sessions"
            writer.add(Gap(ts_event=now, ts_init=now, stream=stream, from_ts=since, to_ts=now, detail=detail))
            self.gaps += 1

    @property
    def wait_ns(self) -> int | None:
        """Return how long no batch is due."""
        return self._writer.wait_ns

    def take(self, received: Received) -> None:
        """Write what was received."""
        self.lag_ns = self._counter() - received.at_ns
        for event in self._sequencer.stamp(received.event, received.wall_ns):
            self._writer.add(event)
            self.gaps += isinstance(event, Gap)

    def tick(self) -> None:
        """Write the batches that are due."""
        self._writer.poll()

    def flush(self) -> None:
        """Write the batches that are due, sync if it is time, and end the segments of periods that are over."""
        self._writer.poll(self._clock())

    def finish(self, *, interrupted: bool) -> None:  # noqa: ARG002 - a recording ends alike, whoever asked for it
        """Write what waits and mark the ends."""
        self._writer.close()


def terms_in(sources: Sequence[object]) -> Callable[[str, str], OptionTerms | None]:
    """Return a look-up of option terms that sources heard of, for names that can't be parsed."""

    def look_up(venue: str, symbol: str) -> OptionTerms | None:
        for source in sources:
            terms: dict[tuple[str, str], OptionTerms] = getattr(source, "option_terms", {})
            if (venue, symbol) in terms:
                return terms[venue, symbol]
        return None

    return look_up


async def record(
    sources: Sequence[LiveSource],
    live: LiveConfig,
    writer: RecordingWriter,
    *,
    on_status: Callable[[RecordStatus], None] = lambda _: None,
    asked_to_stop: Callable[[], int] = int,
    clock: Callable[[], int] = time.time_ns,
    counter: Callable[[], int] = time.perf_counter_ns,
) -> RecordResult:
    """Record live sources until the time is over, they end, or a signal asks for the end.

    Args:
        sources: Connections; they are closed at the end.
        live: Length and queue.
        writer: Open; it is closed at the end.
        on_status: Gets the state of things once a second.
        asked_to_stop: Signal that asked for the end before the loop could listen itself; 0 for none.
        clock: Wall clock, ns UTC.
        counter: Monotonic clock, ns.

    Raises:
        InputError: The recording can't be written; what was written stays readable.
    """
    continued = writer.last_ts > 0
    before = (time.monotonic(), 0)

    def tell(status: Status) -> None:
        nonlocal before
        now, rows = time.monotonic(), writer.rows
        rate = (rows - before[1]) / max(now - before[0], 1e-9)
        before = (now, rows)
        on_status(RecordStatus(shell=status, rows=rows, bytes=writer.bytes, rows_per_s=rate))

    with writer:
        step = RecordStep(writer, clock=clock, counter=counter)
        intake = Intake(live.queue_events, clock=clock, counter=counter)
        shell = LiveShell(step, intake, sources, seconds=live.seconds, on_status=tell)
        shell.asked_to_stop = asked_to_stop
        await shell.run()
        seconds = shell.uptime_s
    return RecordResult(
        folder=writer.folder,
        continued=continued,
        written=writer.written,
        left_out=writer.left_out,
        gaps=step.gaps,
        reconnects=shell.reconnects,
        events_in=intake.events_in,
        events_lost=intake.events_lost,
        seconds=seconds,
        signal_number=shell.signal_number,
        failure=shell.failure,
        sources=tuple(source.name for source in sources),
    )
