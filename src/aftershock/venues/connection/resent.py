"""Messages that a venue sends again after a reconnect."""

from __future__ import annotations

from collections import deque

from aftershock.venues.connection.recent_ids import RecentIds

__all__ = ["Resent"]

_REMEMBERED = 65_536


class Resent:
    """Tells repeated messages from new ones, in bounded memory.

    One with an id repeats any earlier one with that id. One without repeats an equal one of an *earlier* connection
    only, and each of those once: within one connection equal rows may both be true.
    """

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._ids = RecentIds()
        self._earlier: dict[tuple[object, ...], int] = {}
        self._order: deque[tuple[object, ...]] = deque()
        self._current: dict[object, deque[tuple[object, ...]]] = {}

    def reconnected(self, connection: object) -> None:
        """Note that what follows may repeat what one connection delivered so far."""
        rows = self._current.pop(connection, ())
        for row in rows:
            self._earlier[row] = self._earlier.get(row, 0) + 1
            self._order.append(row)
            if len(self._order) > _REMEMBERED:
                self._take(self._order.popleft())

    def repeats(self, connection: object, row_id: str, name: tuple[object, ...], row: tuple[object, ...]) -> bool:
        """Tell whether a message came before, and remember it.

        Args:
            connection: What it came over.
            row_id: The venue's id, or empty.
            name: What the id is unique in: kind, exchange, symbol.
            row: The rest that identifies a message without an id.
        """
        if row_id:
            return self._ids.repeats(row_id, *name)
        key = (*name, *row)
        known = self._take(key)
        self._current.setdefault(connection, deque(maxlen=_REMEMBERED)).append(key)
        return known

    def _take(self, key: tuple[object, ...]) -> bool:
        left = self._earlier.get(key, 0)
        if left > 1:
            self._earlier[key] = left - 1
        elif left:
            del self._earlier[key]
        return left > 0
