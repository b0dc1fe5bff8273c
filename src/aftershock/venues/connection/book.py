"""A venue's order book, kept equal to the venue's by sequence numbers: pure, no venue's words in it.

Deltas carry the first and last sequence number that they cover. Where a venue numbers them by their predecessor
(Deribit's `prev_change_id`), `first` is that number plus one.
"""

from __future__ import annotations

import heapq
import math
from enum import StrEnum

import msgspec

__all__ = ["BookSync", "BookUpdate", "Delta", "Outcome", "Snapshot"]

_MAX_BUFFERED = 10_000

Levels = tuple[tuple[float, float], ...]
"""(price, amount) pairs; in a delta amount 0 removes the level."""


class Snapshot(msgspec.Struct, frozen=True):
    """The whole book as of sequence number `last`."""

    last: int
    bids: Levels
    asks: Levels


class Delta(msgspec.Struct, frozen=True):
    """Absolute amounts of the levels that changed over sequence numbers `first` to `last`."""

    first: int
    last: int
    bids: Levels
    asks: Levels


class BookUpdate(msgspec.Struct, frozen=True):
    """A message of one instrument's book; times in ns UTC."""

    symbol: str
    ts_event: int
    ts_init: int
    update: Snapshot | Delta


class Outcome(StrEnum):
    """What became of a message."""

    APPLIED = "applied"
    """The book is the venue's as of `last`."""
    WAITING = "waiting"
    """The book is not whole: a snapshot is needed, or on its way."""
    DUPLICATE = "duplicate"
    """Known already; nothing changed."""
    GAP = "gap"
    """Numbers are missing: the book is no longer whole."""
    CROSSED = "crossed"
    """A bid at or above an ask: something was lost though the numbers say otherwise."""
    BROKEN = "broken"
    """A number that can't be a price, an amount or a place in the sequence."""


class BookSync:
    """Builds the book from a snapshot and the deltas around it.

    While it is not whole, deltas are kept; a snapshot, or the missing delta if it was only late, makes it whole again.
    Whoever feeds it asks the venue for a snapshot as long as `whole` is False.

    Attributes:
        whole: True while the book equals the venue's as of `last`.
        last: Sequence number of the last change in it; None before the first snapshot.
        counts: Messages by outcome.
    """

    def __init__(self) -> None:
        """Start without a book."""
        self.whole = False
        self.last: int | None = None
        self.counts: dict[Outcome, int] = {}
        self._bids: dict[float, float] = {}
        self._asks: dict[float, float] = {}
        self._waiting: dict[tuple[int, int], Delta] = {}
        self._highest = -1

    @property
    def missing(self) -> tuple[int, int | None] | None:
        """Return the first and last sequence number lacking, None for an open end; None if the book is whole."""
        if self.whole:
            return None
        first = 0 if self.last is None else self.last + 1
        return first, min((delta.first - 1 for delta in self._waiting.values() if delta.first > first), default=None)

    def bids(self) -> Levels:
        """Return the bids, best first; only as good as `whole`."""
        return tuple(sorted(self._bids.items(), reverse=True))

    def asks(self) -> Levels:
        """Return the asks, best first; only as good as `whole`."""
        return tuple(sorted(self._asks.items()))

    def top(self, levels: int) -> tuple[Levels, Levels]:
        """Return the best bids and asks, at most so many a side, best first; only as good as `whole`."""
        bids = heapq.nlargest(levels, self._bids.items())
        return tuple(bids), tuple(heapq.nsmallest(levels, self._asks.items()))

    def lost(self) -> None:
        """Forget everything: the connection was lost, or the venue's numbers start anew."""
        self._forget()
        self._waiting.clear()
        self._highest = -1

    def snapshot(self, snapshot: Snapshot) -> Outcome:
        """Take a snapshot; one that is older than what is known changes nothing, or leaves the book waiting."""
        return self._counted(self._snapshot(snapshot))

    def delta(self, delta: Delta) -> Outcome:
        """Take a delta."""
        return self._counted(self._delta(delta))

    # --- how ----------------------------------------------------------------------------------------------------

    def _counted(self, outcome: Outcome) -> Outcome:
        self.counts[outcome] = self.counts.get(outcome, 0) + 1
        return outcome

    def _snapshot(self, snapshot: Snapshot) -> Outcome:
        if snapshot.last < 0 or not _sound(snapshot.bids, snapshot.asks):
            return self._broken()
        if self.last is not None and snapshot.last < self.last:
            return Outcome.DUPLICATE
        self._bids = {price: amount for price, amount in snapshot.bids if amount > 0}
        self._asks = {price: amount for price, amount in snapshot.asks if amount > 0}
        self.last, self.whole = snapshot.last, True
        if self._is_crossed():
            return self._crossed()
        return self._catch_up()

    def _delta(self, delta: Delta) -> Outcome:
        if not 0 <= delta.first <= delta.last:
            return self._broken()
        self._highest = max(self._highest, delta.last)
        if not _sound(delta.bids, delta.asks):
            return self._broken()
        if self.last is not None and delta.last <= self.last:
            return Outcome.DUPLICATE
        if self.whole and self.last is not None and delta.first <= self.last + 1:
            return self._apply(delta)
        if (delta.first, delta.last) in self._waiting:
            return Outcome.DUPLICATE
        was_whole, self.whole = self.whole, False
        self._keep(delta)
        if was_whole:
            return Outcome.GAP
        return Outcome.WAITING if self.last is None else self._catch_up()

    def _keep(self, delta: Delta) -> None:
        self._waiting[delta.first, delta.last] = delta
        if len(self._waiting) > _MAX_BUFFERED:  # the newest half may still follow a snapshot yet to come
            self._waiting = dict(sorted(self._waiting.items())[_MAX_BUFFERED // 2 :])

    def _catch_up(self) -> Outcome:
        """Apply what was kept, in the order of its numbers, as far as it follows without a hole."""
        for key, delta in sorted(self._waiting.items()):
            if self.last is None or delta.first > self.last + 1:
                break
            del self._waiting[key]
            if delta.last > self.last and self._apply(delta) is Outcome.CROSSED:
                return Outcome.CROSSED
        # A book that is behind what is known to exist is not the venue's.
        self.whole = self.last is not None and self.last >= self._highest
        return Outcome.APPLIED if self.whole else Outcome.WAITING

    def _apply(self, delta: Delta) -> Outcome:
        for side, levels in ((self._bids, delta.bids), (self._asks, delta.asks)):
            for price, amount in levels:
                if amount > 0:
                    side[price] = amount
                else:
                    side.pop(price, None)
        self.last = delta.last
        return self._crossed() if self._is_crossed() else Outcome.APPLIED

    def _is_crossed(self) -> bool:
        return bool(self._bids and self._asks) and max(self._bids) >= min(self._asks)

    def _crossed(self) -> Outcome:
        self._forget()
        return Outcome.CROSSED

    def _broken(self) -> Outcome:
        self._forget()
        return Outcome.BROKEN

    def _forget(self) -> None:
        """Drop a book that can't be trusted; only a snapshot brings it back."""
        self.whole, self.last = False, None
        self._bids.clear()
        self._asks.clear()


def _sound(*sides: Levels) -> bool:
    return all(0 < price < math.inf and 0 <= amount < math.inf for side in sides for price, amount in side)
