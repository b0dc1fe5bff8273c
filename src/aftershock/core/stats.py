"""Counters of a run: what was tested, what could not be, what came in."""

from __future__ import annotations

import msgspec

from aftershock.core.package import PackageCounts

__all__ = ["EngineStats", "LiquidationTotals", "ReviewCounts"]


class LiquidationTotals(msgspec.Struct):
    """Liquidations of one asset; `unconvertible` ones have no known contract size and add nothing to the sums."""

    count: int = 0
    usd: float = 0.0
    long_usd: float = 0.0
    short_usd: float = 0.0
    unconvertible: int = 0


class ReviewCounts(msgspec.Struct):
    """The second opinion: `replies` came in time; the other three changed nothing.

    Attributes:
        requests: Questions asked.
        held: Would-be orders that waited.
        replies: Answers in time, fallbacks included.
        late: Answers after their deadline.
        repeated: Further answers to one question.
        unknown: Answers to what was never asked, or too long ago to be remembered.
        fallbacks: Questions that were settled without an answer (not in shadow mode, where none is settled), by why.
    """

    requests: int = 0
    held: int = 0
    replies: int = 0
    late: int = 0
    repeated: int = 0
    unknown: int = 0
    fallbacks: dict[str, int] = {}


class EngineStats(msgspec.Struct):
    """Mutable counters of one engine."""

    events: int = 0
    option_rows: int = 0
    evaluations: int = 0
    expired_rows: int = 0
    packages: dict[str, PackageCounts] = {}
    not_evaluable: dict[str, int] = {}
    liquidations: dict[str, LiquidationTotals] = {}
    unknown_instruments: dict[str, int] = {}
    review: ReviewCounts = msgspec.field(default_factory=ReviewCounts)

    def cannot_evaluate(self, what: str) -> None:
        """Count a condition that the inputs did not allow."""
        self.not_evaluable[what] = self.not_evaluable.get(what, 0) + 1

    def unknown(self, venue: str, symbol: str) -> None:
        """Count a row of an instrument that nobody knows; at most 1,000 names are kept apart."""
        key = f"{symbol}.{venue}"
        if key not in self.unknown_instruments and len(self.unknown_instruments) >= 1_000:
            key = "(others)"
        self.unknown_instruments[key] = self.unknown_instruments.get(key, 0) + 1
