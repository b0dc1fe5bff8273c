"""How far a venue's clock is from ours, as far as one can tell from one side."""

from __future__ import annotations

from collections import deque
from statistics import median_low

import msgspec

from aftershock.model.units import NS_PER_MS, NS_PER_S

__all__ = ["ClockOffset", "VenueClock"]

_BUCKET_NS = NS_PER_S
_BUCKETS = 60
_ENOUGH = 5
_OFF_NS = 200 * NS_PER_MS


class ClockOffset(msgspec.Struct, frozen=True):
    """The estimate.

    Attributes:
        lag_ns: Receive time minus the venue's time on the fastest messages: transport plus what our clock is ahead.
        seconds: Seconds with messages that it rests on.
    """

    lag_ns: int
    seconds: int

    @property
    def is_off(self) -> bool:
        """Tell whether a clock must be wrong or the path hopeless: 200 ms either way."""
        return abs(self.lag_ns) > _OFF_NS

    @property
    def is_ahead(self) -> bool:
        """Tell whether the venue's clock must be ahead of ours: what looks fresh may be old by any amount."""
        return self.lag_ns < -_OFF_NS

    def text(self, venue: str) -> str:
        """Return a sentence."""
        way = "before" if self.lag_ns < 0 else "after"
        return f"messages of {venue} come {abs(self.lag_ns) / NS_PER_MS:,.0f} ms {way} the time that they carry"


class VenueClock:
    """Lower envelope of the lag of one venue: the median of the smallest lag of each of the last 60 seconds.

    Queues only ever add to the lag of a message, so the smallest of a second is nearly free of them; the median keeps
    single wrong stamps out.
    """

    def __init__(self) -> None:
        """Start without an estimate."""
        self._smallest: deque[int] = deque(maxlen=_BUCKETS)
        self._bucket = -1

    def observe(self, ts_event: int, received_ns: int) -> None:
        """Take the two times of a message, ns UTC."""
        lag, bucket = received_ns - ts_event, received_ns // _BUCKET_NS
        if bucket != self._bucket:
            self._bucket = bucket
            self._smallest.append(lag)
        elif lag < self._smallest[-1]:
            self._smallest[-1] = lag

    @property
    def offset(self) -> ClockOffset | None:
        """Return the estimate; None before five seconds with messages."""
        if len(self._smallest) < _ENOUGH:
            return None
        return ClockOffset(median_low(self._smallest), len(self._smallest))
