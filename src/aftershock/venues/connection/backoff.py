"""How long to wait before the next attempt: doubling up to a cap, with jitter so that clients don't come together."""

from __future__ import annotations

from random import Random

__all__ = ["Backoff"]


class Backoff:
    """Waits between attempts.

    Each is drawn evenly from the upper half of its range: never at once, never all clients together.
    """

    def __init__(self, first_s: float, cap_s: float, random: Random) -> None:
        """Take the longest first wait, the longest wait at all, and where the jitter comes from."""
        self._first, self._cap, self._random = first_s, cap_s, random
        self._longest = first_s

    def next_s(self) -> float:
        """Return the wait before the next attempt, seconds."""
        longest = min(self._longest, self._cap)
        self._longest = min(2 * longest, self._cap)
        return longest * self._random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Start with short waits again, as after a connection that proved itself."""
        self._longest = self._first
