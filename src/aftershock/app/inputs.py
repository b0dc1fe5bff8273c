"""The files of a run: opened, recognised, and what their first rows imply for settings that nobody chose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from aftershock.app.numerics import table_digest
from aftershock.app.recorded_terms import load_all, terms_beside
from aftershock.app.settings import Choice
from aftershock.errors import InputError, UsageError
from aftershock.model.events import BookSnapshot, Event, Liquidation, OptionQuotes, Quote
from aftershock.model.instruments import Kind
from aftershock.model.table import InstrumentTable
from aftershock.venues.recording import ColumnarSource, is_columnar, is_recording, open_columnar, segments_of
from aftershock.venues.recording.folder import named
from aftershock.venues.tardis import FileReport, FileSource, Merged, merge, open_source
from aftershock.venues.tardis.csv_columns import same_kind
from aftershock.venues.tardis.feed_mode import PEEK_ROWS, FeedMode, infer, infer_from
from aftershock.venues.tardis.instruments_json import LoadedInstruments, load

__all__ = ["EXPECTABLE", "INSTRUMENTS", "RECORDED_TERMS", "Given", "Inputs", "open_inputs"]

INSTRUMENTS = "instruments"
"""Kind, in a journal's head, of the file given with `--instruments`."""

RECORDED_TERMS = "recorded terms"
"""Kind of a file of contract terms beside a recording."""

EXPECTABLE = ("liquidations", "trades", "options", "quotes", "book_ticker", "derivative_ticker", "book_snapshot")
"""What a user can say a file is; of these, some can't be told by the columns alone."""

_PEEK_ROWS = 5_000


class Given(msgspec.Struct, frozen=True):
    """A file as the user named it, and the kind that the user said it is; None to recognise it."""

    path: Path
    expect: str | None = None


AnySource: TypeAlias = FileSource | ColumnarSource


class Inputs(msgspec.Struct, frozen=True):
    """Opened files, in the order in which they were given.

    Attributes:
        given: What the user named, a recording as its segments.
        sources: One for each; reading starts with `merge`.
        table: Instruments.
        table_digest: Of the table before anything was looked up.
        instruments: The file that the table was extended by, if any.
        recorded_terms: Files beside recordings that the table was extended by before.
        notes: What those files leave uncertain.
    """

    given: tuple[Given, ...]
    sources: tuple[AnySource, ...]
    table: InstrumentTable
    table_digest: str
    instruments: Path | None = None
    recorded_terms: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def rows_read(self) -> int:
        """Return the number of rows handed out so far."""
        return sum(source.rows_read for source in self.sources)

    @property
    def reports(self) -> tuple[FileReport, ...]:
        """Return what became of each file so far."""
        return tuple(source.report for source in self.sources)

    def events(self) -> Merged:
        """Return the events of all files in the total order."""
        return merge(self.sources)

    def imply(self) -> dict[str, Choice]:
        """Return what the first rows imply: options feed, clocks, forward, and number of liquidation venues."""
        begun: list[object] = []
        peeks: dict[int, _Peek] = {}
        for source in self.sources:
            # A segment that continues another one says nothing new.
            sequence = source.sequence if isinstance(source, ColumnarSource) else None
            if sequence is None or sequence not in begun:
                begun.append(sequence)
                peeks[source.index] = _Peek(self.given[source.index], source.index, self.table)
        implied = {
            "clocks": _clocks(peeks.values()),
            "forward": _forward(peeks.values()),
            "liquidation_venues": _liquidation_venues(peeks.values()),
        }
        if any(peek.has_options for peek in peeks.values()):
            wanted = [source.index in peeks and peeks[source.index].has_options for source in self.sources]
            implied["options_feed"] = self.imply_feed(wanted)
        return implied

    def imply_feed(self, has_options: Sequence[bool] | None = None) -> Choice:
        """Return whether an option row confirms its whole stream or only itself.

        Args:
            has_options: Which files to look into; None for all.
        """
        wanted = [True] * len(self.sources) if has_options is None else has_options
        found = [_feed(source) for source, look in zip(self.sources, wanted, strict=True) if look]
        # A poll taken for a stream would vouch for quotes that nobody confirmed; the other mistake only ages them.
        chosen = next((feed for feed in found if feed.mode == "poll"), found[0])
        return Choice(chosen.mode, f"inferred: {chosen.why}")


def open_inputs(
    given: Sequence[Given],
    instruments: Path | None = None,
    limits: Sequence[int | None] | None = None,
    recorded_terms: Sequence[Path] | None = None,
) -> Inputs:
    """Open and recognise files.

    Args:
        given: Files, each at most once; a folder that is a recording stands for its segments.
        instruments: File in the format of Tardis' instruments API.
        limits: Data rows to stop after, by file.
        recorded_terms: Files of contract terms beside recordings; None for those that are there.

    Raises:
        InputError: A file can't be read, is of no known kind, or of another kind than the user said.
        UsageError: There is none, or one twice.
    """
    if not given:
        raise UsageError("no input: name at least one file of Tardis CSV or tardis-machine NDJSON, or a recording")
    given = [each for item in given for each in _spread(item)]
    seen: dict[Path, Path] = {}
    for item in given:
        real = item.path.resolve()
        if real in seen:
            raise UsageError(f"{item.path} is given twice: its rows would count double")
        seen[real] = item.path
    beside = _terms_beside(given) if recorded_terms is None else tuple(recorded_terms)
    recorded = load_all(beside)
    loaded = LoadedInstruments((), (), ()) if instruments is None else load(instruments)
    table = InstrumentTable((*recorded.instruments, *loaded.instruments), (*loaded.fees, *recorded.fees))
    digest = table_digest(table)
    rows = [None] * len(given) if limits is None else limits
    sources = tuple(_open(item, i, table, limit) for i, (item, limit) in enumerate(zip(given, rows, strict=True)))
    return Inputs(tuple(given), sources, table, digest, instruments, beside, (*recorded.notes, *loaded.notes))


def _terms_beside(given: Sequence[Given]) -> tuple[Path, ...]:
    folders = dict.fromkeys(item.path.parent for item in given if named(item.path) is not None)
    return tuple(path for folder in folders if is_recording(folder) for path in terms_beside(folder))


def _spread(item: Given) -> list[Given]:
    """Return what was given, a recording as its segments of the kind that was asked for."""
    if not is_recording(item.path):
        return [item]
    expect = item.expect
    found = [
        Given(segment.path, expect)
        for segment in segments_of(item.path)
        if expect is None or same_kind(expect, segment.kind)
    ]
    if not found:
        raise InputError(f"recording {item.path} holds no {expect or 'rows'} yet: record longer, or name another one")
    return found


def _open(item: Given, index: int, table: InstrumentTable, limit: int | None) -> AnySource:
    opened = open_columnar if is_columnar(item.path) else open_source
    return opened(item.path, index=index, expect=item.expect, table=table, row_limit=limit)


def _feed(source: AnySource) -> FeedMode:
    if isinstance(source, FileSource):
        return infer(source.path)
    if source.is_live:
        return FeedMode("stream", "recorded live: a subscription confirms all its options")
    return infer_from(open_columnar(source.path, index=0, table=InstrumentTable(), row_limit=PEEK_ROWS))


class _Peek:
    """The first rows of one file, read apart from the run."""

    def __init__(self, given: Given, index: int, table: InstrumentTable) -> None:
        source = _open(given, index, table, _PEEK_ROWS)
        self.liquidation_venues: list[str] = []
        self.hedges = False
        self.has_options = False
        for event in merge([source]):
            self._take(event, table)
        self.clocks = source.report.clocks

    def _take(self, event: Event, table: InstrumentTable) -> None:
        if isinstance(event, Liquidation) and event.venue not in self.liquidation_venues:
            self.liquidation_venues.append(event.venue)
        elif isinstance(event, OptionQuotes):
            self.has_options = True
        elif isinstance(event, (Quote, BookSnapshot)) and not self.hedges:
            instrument = table.resolve(event.venue, event.symbol)
            self.hedges = instrument is not None and instrument.kind in {Kind.PERPETUAL, Kind.FUTURE}


def _clocks(peeks: Iterable[_Peek]) -> Choice:
    found = [peek.clocks for peek in peeks if peek.clocks]
    if found and all(clocks == "two" for clocks in found):
        return Choice("two", "inferred: venue and receive time differ in the first rows of every file")
    return Choice("one", "inferred: the first rows of a file carry one time twice")


def _forward(peeks: Iterable[_Peek]) -> Choice:
    if any(peek.hedges for peek in peeks):
        return Choice("quotes", "inferred: there are quotes of perpetuals or futures")
    return Choice("underlying", "inferred: there are no quotes of perpetuals or futures")


def _liquidation_venues(peeks: Iterable[_Peek]) -> Choice:
    venues = sorted({venue for peek in peeks for venue in peek.liquidation_venues})
    names = f" ({', '.join(venues)})" if venues else ""
    return Choice(len(venues), f"inferred: distinct venues in the first {_PEEK_ROWS:,} rows of each file{names}")
