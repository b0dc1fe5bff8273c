"""What was seen lately, in bounded memory: venues send the last messages again after a reconnect."""

from __future__ import annotations

from collections import deque

__all__ = ["RecentIds"]

_REMEMBERED = 65_536


class RecentIds:
    """The last 65,536 different rows that carry an id."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._seen: set[tuple[object, ...]] = set()
        self._order: deque[tuple[object, ...]] = deque()

    def repeats(self, row_id: str, *row: object) -> bool:
        """Tell whether the same row was seen lately, and remember it.

        Args:
            row_id: The venue's id; a row without one repeats nothing, since equal rows may both be true.
            row: The rest of it, without the receive time.
        """
        if not row_id:
            return False
        key = (row_id, *row)
        if key in self._seen:
            return True
        self._seen.add(key)
        self._order.append(key)
        if len(self._order) > _REMEMBERED:
            self._seen.remove(self._order.popleft())
        return False
