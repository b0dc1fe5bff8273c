"""Stops asking a provider that fails, tries it with one request after a while, and leaves what a person must mend."""

from __future__ import annotations

from collections import deque
from enum import StrEnum

__all__ = ["Breaker", "BreakerState"]


class BreakerState(StrEnum):
    """Whether a provider is asked."""

    CLOSED = "closed"
    """Yes."""
    OPEN = "open"
    """No, until its pause is over."""
    HALF_OPEN = "half_open"
    """One request is out, the canary; what becomes of it decides."""
    NEEDS_A_PERSON = "needs_a_person"
    """No: the key or the account was refused, and asking again mends neither."""


class Breaker:
    """Of one provider and model.

    It opens when at least `share` of the last `window` answers were none, counting those that came too late: who
    answers after the deadline every time is as good as down.

    Attributes:
        state: Whether the provider is asked.
        why: What opened it, one sentence; empty while closed.
    """

    def __init__(self, *, window: int = 20, least: int = 5, share: float = 0.5, pause_s: float = 5.0) -> None:
        """Take when it opens and for how long at first; each further time twice as long, up to 16 times.

        Args:
            window: Outcomes that count.
            least: Fewer than these never open it.
            share: Of failures among them.
            pause_s: First pause.
        """
        self._outcomes: deque[bool] = deque(maxlen=window)
        self._least, self._share = least, share
        self._first_pause_s, self._pause_s = pause_s, pause_s
        self._opens_s = 0.0
        self.state = BreakerState.CLOSED
        self.why = ""

    @property
    def is_closed(self) -> bool:
        """Tell whether questions may be sent."""
        return self.state is BreakerState.CLOSED

    def sends_canary(self, now_s: float) -> bool:
        """Tell whether the pause is over; whoever hears so must try with a question that nobody waits for."""
        if self.state is not BreakerState.OPEN or now_s < self._opens_s:
            return False
        self.state = BreakerState.HALF_OPEN
        return True

    def on_success(self) -> None:
        """Note an answer in time."""
        self._outcomes.append(True)
        if self.state is BreakerState.HALF_OPEN:
            self._close()

    def on_failure(self, why: str, now_s: float) -> None:
        """Note an answer that was none, or came too late."""
        self._outcomes.append(False)
        failures = self._outcomes.count(False)
        worn_out = len(self._outcomes) >= self._least and failures >= self._share * len(self._outcomes)
        if self.state is BreakerState.HALF_OPEN:
            self._pause_s = min(2 * self._pause_s, 16 * self._first_pause_s)
            self._open(why, now_s)
        elif self.state is BreakerState.CLOSED and worn_out:
            self._open(f"{failures} of the last {len(self._outcomes)} requests failed, the last: {why}", now_s)

    def on_unproved(self, why: str, now_s: float) -> None:
        """Note that the canary proved nothing; does nothing if what became of it was noted already."""
        if self.state is BreakerState.HALF_OPEN:
            self._open(why, now_s)

    def on_refused(self, why: str) -> None:
        """Note that the key or the account was refused."""
        self.state, self.why = BreakerState.NEEDS_A_PERSON, why

    def _open(self, why: str, now_s: float) -> None:
        self.state, self.why = BreakerState.OPEN, why
        self._opens_s = now_s + self._pause_s

    def _close(self) -> None:
        self.state, self.why = BreakerState.CLOSED, ""
        self._pause_s = self._first_pause_s
        self._outcomes.clear()
