"""A replay: settings from the inputs where nobody chose, the run, its journal, and the whole as one document."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import msgspec

from aftershock.app.drive import Drive, Ordered
from aftershock.app.inputs import Given, open_inputs
from aftershock.app.latency import LatencyHistogram
from aftershock.app.numerics import code_version, numerics_id
from aftershock.app.outcome import Effect, Outcome
from aftershock.app.plain import plain, ranked
from aftershock.app.recording import Recording
from aftershock.app.records import End
from aftershock.app.settings import Chosen, Settings
from aftershock.app.trace import PriceTrace
from aftershock.core.engine import Engine
from aftershock.core.static_observer import StaticObserver
from aftershock.core.stats import EngineStats
from aftershock.model.table import InstrumentTable
from aftershock.model.units import iso_utc
from aftershock.venues.tardis import FileReport

__all__ = ["SCHEMA_VERSION", "ReplayOptions", "ReplayResult", "Replayable", "Watch", "replay", "run"]

SCHEMA_VERSION = 1


class ReplayOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What to replay.

    Attributes:
        given: Input files.
        chosen: Settings that somebody chose; the inputs fill what is open.
        instruments: File in the format of Tardis' instruments API.
        journal: New folder to write a journal into.
    """

    given: Sequence[Given]
    chosen: Chosen
    instruments: Path | None = None
    journal: Path | None = None


class Replayable(Protocol):
    """Inputs of a run that is over: files, or the journal of a live run."""

    @property
    def table(self) -> InstrumentTable:
        """Return the instruments."""
        ...

    @property
    def rows_read(self) -> int:
        """Return the number of rows handed out so far."""
        ...

    @property
    def reports(self) -> tuple[FileReport, ...]:
        """Return what became of each file so far."""
        ...

    def events(self) -> Ordered:
        """Return the events; called once."""
        ...


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """Who looks on while a replay runs.

    Attributes:
        on_settled: Gets the settings before the first event.
        on_effect: Gets each effect as it happens.
        on_progress: Gets the number of rows so far and the receive time reached.
        should_stop: Asked between events.
        statics: Sees the option quotes of each moment and the gross edges among them.
    """

    on_settled: Callable[[Settings], None] = lambda _: None
    on_effect: Callable[[Effect], None] = lambda _: None
    on_progress: Callable[[int, int], None] = lambda _rows, _ts: None
    should_stop: Callable[[], bool] = lambda: False
    statics: StaticObserver | None = None


class ReplayResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay gave."""

    settings: Settings
    reports: tuple[FileReport, ...]
    outcome: Outcome
    stats: EngineStats
    deciding: LatencyHistogram
    all_events: LatencyHistogram
    trace: PriceTrace
    interrupted: bool
    wall_s: float
    journal: Path | None

    @property
    def rows(self) -> int:
        """Number of rows read, dropped ones included."""
        return sum(report.rows for report in self.reports)

    @property
    def rows_dropped(self) -> int:
        """Number of rows that were not used."""
        return sum(report.rows_dropped for report in self.reports)

    @property
    def incomplete(self) -> list[str]:
        """Why an end of the input is missing, one sentence per file; empty if nothing is."""
        return [f"{report.path}: {report.incomplete}" for report in self.reports if report.incomplete]

    def document(self) -> dict[str, Any]:
        """Return the JSON document of `replay`."""
        config = self.settings.config
        return {
            "schema_version": SCHEMA_VERSION,
            "version": code_version(),
            "numerics": numerics_id(),
            "rows": {"total": self.rows, "files": [_file(report) for report in self.reports]},
            "rows_dropped": self._dropped(),
            "incomplete": bool(self.incomplete),
            "incomplete_because": self.incomplete,
            "interrupted": self.interrupted,
            "clocks": config.clocks,
            "options_feed": config.options_feed,
            "forward": config.forward,
            "settings": {key: {"value": plain(value), "source": source} for key, value, source in self.settings.rows()},
            **self.outcome.document(),
            "evaluations": self.stats.evaluations,
            "packages": plain(self.stats.packages),
            "not_evaluable": ranked(self.stats.not_evaluable),
            "liquidations": plain(self.stats.liquidations),
            "unknown_instruments": ranked(self.stats.unknown_instruments),
            "review": plain(self.stats.review),
            "option_rows": self.stats.option_rows,
            "events": self.stats.events,
            "latency_ns": {**self.deciding.summary(), "all": self.all_events.summary()},
            "wall_s": self.wall_s,
            "rows_per_s": self.rows / self.wall_s if self.wall_s > 0 else None,
            "journal": None if self.journal is None else str(self.journal),
        }

    def _dropped(self) -> dict[str, Any]:
        by_reason: dict[str, int] = {}
        for report in self.reports:
            for reason, count in report.dropped.items():
                by_reason[reason] = by_reason.get(reason, 0) + count
        return {
            "total": self.rows_dropped,
            "by_reason": ranked(by_reason),
            "files": {report.path: ranked(report.dropped) for report in self.reports if report.dropped},
            "examples": [
                {"file": report.path, **plain(example)} for report in self.reports for example in report.examples
            ],
        }


def replay(options: ReplayOptions, watch: Watch | None = None) -> ReplayResult:
    """Run the engine over files.

    Raises:
        InputError: A file is not what it was given as, or the journal can't be written.
        ConfigError: A setting is out of bounds.
        UsageError: There is no input.
    """
    inputs = open_inputs(options.given, options.instruments)
    settings = options.chosen.settle(inputs.imply())
    journal = options.journal
    record = None if journal is None else (lambda: Recording(journal, settings.config, inputs))
    return run(inputs, settings, watch or Watch(), record)


def run(
    inputs: Replayable, settings: Settings, watch: Watch, record: Callable[[], Recording] | None = None
) -> ReplayResult:
    """Run the engine over opened inputs with settled settings; `record` begins a journal."""
    watch.on_settled(settings)
    engine = Engine(settings.config, inputs.table)
    if watch.statics is not None:
        engine.observe_statics(watch.statics)
    outcome = Outcome(settings.config)
    trace = PriceTrace()

    def look(reached_ns: int) -> None:
        watch.on_progress(inputs.rows_read, reached_ns)
        if trace.due(reached_ns):
            trace.take(reached_ns, engine.chains)

    drive = Drive(
        engine,
        inputs.events(),
        should_stop=watch.should_stop,
        on_event=lambda: look(drive.last_ts),
    )
    with ExitStack() as stack:
        recording = None if record is None else stack.enter_context(record())
        started = time.perf_counter()
        for effect in drive.effects():
            outcome.add(effect)
            if recording is not None:
                recording.add(effect)
            watch.on_effect(effect)
        wall_s = time.perf_counter() - started
        if recording is not None:
            recording.finish(engine.stats, End(last_ts=drive.last_ts, interrupted=drive.interrupted))
    return ReplayResult(
        settings=settings,
        reports=inputs.reports,
        outcome=outcome,
        stats=engine.stats,
        deciding=drive.deciding,
        all_events=drive.all_events,
        trace=trace,
        interrupted=drive.interrupted,
        wall_s=wall_s,
        journal=None if recording is None else recording.folder,
    )


def _file(report: FileReport) -> dict[str, Any]:
    return {
        "file": report.path,
        "kind": report.kind,
        "format": report.format,
        "rows": report.rows,
        "dropped": report.rows_dropped,
        "incomplete": report.incomplete or None,
        "clocks": report.clocks or None,
        "out_of_order": report.out_of_order,
        "unused": ranked(report.unused),
        "errors": report.errors,
        "notes": list(report.notes),
        "first": None if report.first_ts is None else iso_utc(report.first_ts),
        "last": None if report.last_ts is None else iso_utc(report.last_ts),
    }
