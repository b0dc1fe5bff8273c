"""Answers to exactly the same bytes, for as long as the figures in them are news."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from aftershock.review.call import Answered

__all__ = ["VerdictCache"]

_MOST = 1_024


class _Kept(NamedTuple):
    answer: Answered
    at_ns: int


class VerdictCache:
    """Verdicts by the digest of their question; a question that is only alike is another trade."""

    def __init__(self, keep_ns: int) -> None:
        """Take how long an answer holds; 0 keeps none."""
        self._keep_ns = keep_ns
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def find(self, digest: str, now_ns: int) -> Answered | None:
        """Return the answer to a question; None if there is none that still holds."""
        kept = self._kept.get(digest)
        return kept.answer if kept is not None and now_ns - kept.at_ns < self._keep_ns else None

    def keep(self, digest: str, answer: Answered, now_ns: int) -> None:
        """Keep an answer; the oldest make room."""
        if self._keep_ns > 0:
            self._kept[digest] = _Kept(answer, now_ns)
            self._kept.move_to_end(digest)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
