"""What a provider lets us do now: requests in flight, per minute, tokens per minute, and the pause that it asked for.

Nothing here waits: it says how long it would take, and whoever has a deadline decides whether that is too long.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from aftershock.review.providers import Provider

__all__ = ["ProviderLimits", "retry_after_s"]

_LONGEST_PAUSE_S = 3_600.0
_SECONDS_PER_MINUTE = 60.0


class _Bucket:
    """Tokens that come back evenly; a tenth of a minute's may be taken at once, so that no minute holds much more."""

    def __init__(self, per_minute: float) -> None:
        self._per_s = per_minute / _SECONDS_PER_MINUTE
        self._capacity = max(1.0, per_minute / 10.0)
        self._tokens, self._at_s = self._capacity, 0.0

    def ready_in_s(self, cost: float, now_s: float) -> float:
        self._refill(now_s)
        return max(0.0, (min(cost, self._capacity) - self._tokens) / self._per_s)

    def take(self, cost: float, now_s: float) -> None:
        self._refill(now_s)
        self._tokens -= cost

    def give_back(self, cost: float) -> None:
        self._tokens = min(self._capacity, self._tokens + cost)

    def _refill(self, now_s: float) -> None:
        if now_s > self._at_s:
            self._tokens = min(self._capacity, self._tokens + (now_s - self._at_s) * self._per_s)
            self._at_s = now_s


class ProviderLimits:
    """Of one provider.

    The cap on requests in flight follows what the provider bears: halved when it says that there were too many, one
    more after as many good answers as it allows at once.

    Attributes:
        in_flight: Requests that are out.
        allowed: Most that may be.
    """

    def __init__(self, provider: Provider) -> None:
        """Take the limits that are set; they are never exceeded, whatever the provider bears."""
        self._requests = _Bucket(provider.requests_per_minute)
        self._tokens = _Bucket(provider.tokens_per_minute)
        self._most = provider.max_concurrent
        self._good = 0
        self._closed_until_s = 0.0
        self.allowed = self._most
        self.in_flight = 0

    @property
    def has_room(self) -> bool:
        """Tell whether one more request may be out."""
        return self.in_flight < self.allowed

    def ready_in_s(self, tokens: int, now_s: float) -> float:
        """Return how long until a request of so many tokens may be sent, apart from those in flight."""
        return max(
            self._closed_until_s - now_s,
            self._requests.ready_in_s(1.0, now_s),
            self._tokens.ready_in_s(tokens, now_s),
            0.0,
        )

    def start(self, tokens: int, now_s: float) -> None:
        """Note that a request leaves."""
        self._requests.take(1.0, now_s)
        self._tokens.take(tokens, now_s)
        self.in_flight += 1

    def finish(self) -> None:
        """Note that it is over, however it ended."""
        self.in_flight -= 1

    def on_answer(self) -> None:
        """Note that the provider bore it."""
        self._good += 1
        if self._good >= self.allowed:
            self._good = 0
            self.allowed = min(self.allowed + 1, self._most)

    def on_too_many(self, pause_s: float, now_s: float) -> None:
        """Note that the provider said no: nothing is sent for as long as it asked for, a second if it did not say."""
        self._good = 0
        self.allowed = max(1, self.allowed // 2)
        self._closed_until_s = max(self._closed_until_s, now_s + min(pause_s, _LONGEST_PAUSE_S))


def retry_after_s(header: str, now_unix_s: float) -> float | None:
    """Return the seconds of a `Retry-After`, given as such or as a date; None if it says nothing readable."""
    text = header.strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return min(float(text), _LONGEST_PAUSE_S)
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(0.0, moment - now_unix_s), _LONGEST_PAUSE_S)
