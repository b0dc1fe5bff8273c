"""What was seen lately, in bounded memory: venues send the last messages again after a reconnect."""

from __future__ import annotations

__all__ = ["RecentIds"]

_REMEMBERED = 65_536


class RecentIds:
    """The last 65,536 different rows that carry an id."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._seen: dict[tuple[object, ...], None] = {}

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
        self._seen[key] = None
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return False
