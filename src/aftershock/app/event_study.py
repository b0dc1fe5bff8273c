"""An event study on recorded history; so far its first section: flags, refusals, and what the next quote leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from statistics import median
from typing import Any

import msgspec

from aftershock.app.flags import LEVELS, Flag, FlagBook, Level
from aftershock.app.outcome import Effect
from aftershock.app.plain import plain
from aftershock.app.replay import ReplayOptions, ReplayResult, Watch, replay
from aftershock.app.words import CONDITIONS, LIMITS, REASONS, UNTESTED
from aftershock.errors import InputError
from aftershock.model.signals import Action, Reason
from aftershock.model.units import NAN, NS_PER_S, iso_utc
from aftershock.study.intervals import Interval, wilson

__all__ = ["MIN_HOURS", "SCHEMA_VERSION", "EventStudy", "Refusal", "Tally", "event_study"]

SCHEMA_VERSION = 1
MIN_HOURS = 1.0
"""With less time in sight no rate per hour is given."""

_HOUR_NS = 3_600 * NS_PER_S


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Flags of one level and kind.

    Attributes:
        flags: How many.
        per_hour: Of time covered; NaN below `MIN_HOURS`.
        followed: Those whose options were all quoted again.
        survived: Of these, those whose edge was still positive then.
        without_price: Of those that were not, those where an option had no price then.
        share: Survived of followed, with Wilson's interval.
        median_wait_s: From the flag to the next quote of all its options; NaN without any.
    """

    flags: int
    per_hour: float
    followed: int
    survived: int
    without_price: int
    share: Interval
    median_wait_s: float


class Refusal(msgspec.Struct, frozen=True):
    """Something that was not acted on or not tested: what, why, how often, in words."""

    of: str
    reason: str
    count: int
    meaning: str


class EventStudy(msgspec.Struct, frozen=True):
    """A replay and the flags that were followed through it."""

    replayed: ReplayResult
    book: FlagBook

    @property
    def span_hours(self) -> float:
        """Return the time from the first option quote to the last."""
        return (self.book.last_ts - self.book.first_ts) / _HOUR_NS

    @property
    def hours(self) -> float:
        """Return the same without silences that are too long to speak of a market in sight."""
        return self.book.covered_ns / _HOUR_NS

    def tally(self, level: Level, kind: str | None = None) -> Tally:
        """Sum up the flags of a level, of one kind or all."""
        flags = [flag for flag in self.book.flags if flag.level == level and kind in (None, flag.kind)]
        followed = [flag for flag in flags if flag.survived is not None]
        survived = sum(flag.survived is True for flag in followed)
        return Tally(
            flags=len(flags),
            per_hour=len(flags) / self.hours if self.hours >= MIN_HOURS else NAN,
            followed=len(followed),
            survived=survived,
            without_price=sum(flag.next_gross_bps != flag.next_gross_bps for flag in followed),
            share=wilson(survived, len(followed)),
            median_wait_s=median(flag.wait_s for flag in followed) if followed else NAN,
        )

    def kinds(self, level: Level) -> list[str]:
        """Return the kinds that a level has flags of; for edges of packages every kind that was tested."""
        seen = list(dict.fromkeys(flag.kind for flag in self.book.flags if flag.level == level))
        tested = [] if level == "signal" else [k for k, n in self.replayed.stats.packages.items() if n.checked]
        return list(dict.fromkeys([*tested, *seen]))

    def refusals(self) -> list[Refusal]:
        """Return everything that was refused or could not be tested, each with its meaning."""
        outcome, stats = self.replayed.outcome, self.replayed.stats
        holds = [signal for signal in outcome.signals if signal.action is Action.HOLD]
        packages = stats.packages.values()
        no_forward = sum(counts.no_executable_forward for counts in packages)
        fees = sum(counts.gross - counts.net for counts in packages) - no_forward
        return [
            *_counted("decision", (s.reason for s in holds), REASONS),
            *_counted("decision, also", (reason for s in holds for reason in s.also), REASONS),
            *_some("gross edge", Reason.NO_EXECUTABLE_FORWARD, no_forward, REASONS),
            *_some("gross edge", Reason.FEES, fees, REASONS),
            *_some("net edge", "calendar_flag", stats.packages["calendar"].net, UNTESTED),
            *_counted("order", (order.limit for order in outcome.refused), LIMITS),
            *_some("test", "desync", sum(counts.desync for counts in packages), UNTESTED),
            *_some("test", "unquoted", sum(counts.unquoted for counts in packages), UNTESTED),
            *_ranked("trigger", stats.not_evaluable, CONDITIONS),
        ]

    def document(self) -> dict[str, Any]:
        """Return the JSON document of `study`."""
        ran, book = self.replayed, self.book
        whole = ran.document()
        copied = ("version", "numerics", "rows", "rows_dropped", "incomplete", "incomplete_because", "interrupted")
        return {
            "schema_version": SCHEMA_VERSION,
            "section": "flags",
            **{name: whole[name] for name in (*copied, "clocks", "options_feed", "forward", "settings")},
            "option_rows": ran.stats.option_rows,
            "moments": book.moments,
            "first": iso_utc(book.first_ts),
            "last": iso_utc(book.last_ts),
            "hours": {"span": self.span_hours, "covered": self.hours},
            "tests": plain(ran.stats.packages),
            "decisions": whole["decisions"],
            "flags": {level: self._level(level) for level in LEVELS},
            "not_followed": book.not_followed,
            "refusals": plain([msgspec.to_builtins(refusal) for refusal in self.refusals()]),
            "list": [_flag(flag) for flag in book.flags],
        }

    def _level(self, level: Level) -> dict[str, Any]:
        by_kind = {kind: plain(self.tally(level, kind)) for kind in self.kinds(level)}
        return {**plain(self.tally(level)), "by_kind": by_kind}


def event_study(options: ReplayOptions, watch: Watch | None = None) -> EventStudy:
    """Replay files, and follow every flag to the next quote of its options.

    Args:
        options: As for a replay.
        watch: Who looks on besides; its `statics` must be free.

    Raises:
        InputError: As for a replay, and where the files hold no option quote.
        ConfigError: A setting is out of bounds.
        UsageError: There is no input.
    """
    watch = watch or Watch()
    book = FlagBook()
    result = replay(options, msgspec.structs.replace(watch, statics=book, on_effect=_both(watch.on_effect, book)))
    book.flush()
    if not book.moments and not result.interrupted:
        named = ", ".join(str(given.path) for given in options.given)
        raise InputError(f"no option quote in {named}: a study of flags needs an options chain among its files")
    return EventStudy(result, book)


def _both(first: Callable[[Effect], None], book: FlagBook) -> Callable[[Effect], None]:
    def tell(effect: Effect) -> None:
        first(effect)
        book.on_effect(effect)

    return tell


def _some(of: str, reason: str, count: int, words: dict[Any, str]) -> list[Refusal]:
    return [Refusal(of, str(reason), count, words.get(reason, str(reason)))] if count else []


def _counted(of: str, reasons: Iterable[str], words: dict[Any, str]) -> list[Refusal]:
    return _ranked(of, Counter(reasons), words)


def _ranked(of: str, counts: dict[str, int], words: dict[Any, str]) -> list[Refusal]:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [refusal for reason, count in ranked for refusal in _some(of, reason, count, words)]


def _flag(flag: Flag) -> dict[str, Any]:
    document: dict[str, Any] = plain(flag)
    document["next_ts"] = str(flag.next_ts) if flag.next_ts else None
    document["time"] = iso_utc(flag.ts_init)
    document["wait_s"] = plain(flag.wait_s)
    return document
