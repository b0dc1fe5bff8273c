"""Log-price series: the move over a window, and the volatility before it."""

from __future__ import annotations

import math
from collections import deque
from itertools import islice

from aftershock.core.config import TriggerConfig
from aftershock.model.units import BPS, NAN, NS_PER_S

__all__ = ["LogPriceSeries"]

_SLOTS_PER_WINDOW = 3_000
_SIGMA_SPAN_NS = 1_800 * NS_PER_S


class _Sums:
    """What is summed so far of squared returns.

    Attributes:
        dropped: Samples that left the head of the series; all samples are numbered from the first that ever came.
        oldest: Number of the sample that ends the oldest return summed; 0 without any.
        following: Number of the first sample not looked at.
        end: Moment until which it was summed.
        total, covered: The sums.
    """

    __slots__ = ("covered", "dropped", "end", "following", "oldest", "total")

    def __init__(self) -> None:
        self.dropped = self.oldest = self.following = self.end = self.covered = 0
        self.total = 0.0


class LogPriceSeries:
    """Samples of a log price, bounded: at most 3,000 per window and one per second for volatility; `last` the newest.

    Samples closer to the last kept one than 1/3000 of the window are used when they arrive, but not kept.
    """

    def __init__(self, config: TriggerConfig) -> None:
        self._window_ns = int(config.window_s * NS_PER_S)
        self._history_s = config.history_s
        self._slot_ns = self._window_ns // _SLOTS_PER_WINDOW
        self._samples: deque[tuple[int, float]] = deque()
        self._seconds: deque[tuple[int, float]] = deque()
        self._sums = _Sums()
        self.last = NAN

    def add(self, ts: int, log_price: float) -> None:
        """Take a sample; `ts` never goes back."""
        self.last = log_price
        samples = self._samples
        if not samples or ts - samples[-1][0] >= self._slot_ns:
            samples.append((ts, log_price))
        while samples and ts - samples[0][0] > self._window_ns:
            samples.popleft()
        seconds = self._seconds
        if not seconds or ts - seconds[-1][0] >= NS_PER_S:
            seconds.append((ts, log_price))
            while ts - seconds[0][0] > _SIGMA_SPAN_NS + self._window_ns:
                seconds.popleft()
                self._sums.dropped += 1

    def move(self, ts: int, log_price: float) -> float:
        """Return the move in bps against the oldest sample 5/6 to 1 window old, NaN if there is none."""
        for then, value in self._samples:
            age = ts - then
            if age > self._window_ns:
                continue
            # Six times the age against five windows: exact in integers.
            return BPS * (log_price - value) if 6 * age >= 5 * self._window_ns else NAN
        return NAN

    def range_bps(self, ts: int, span_ns: int) -> float:
        """Return highest less lowest sample of the last `span_ns`; NaN unless one is at least 5/6 of it old."""
        least = most = self.last
        oldest = 0
        for then, value in reversed(self._samples):
            if ts - then > span_ns:
                break
            oldest = ts - then
            if value < least:
                least = value
            elif value > most:
                most = value
        return BPS * (most - least) if 6 * oldest >= 5 * span_ns else NAN

    def extremes(self, since: int) -> tuple[float, float]:
        """Return lowest and highest log price from the sample that held at a moment on; of all if it is older."""
        least = most = self.last
        for then, value in reversed(self._samples):
            if value < least:
                least = value
            elif value > most:
                most = value
            if then <= since:
                break
        return least, most

    def oldest(self, ts: int) -> float:
        """Return the oldest sample kept within the window; NaN without any."""
        for then, value in self._samples:
            if ts - then <= self._window_ns:
                return value
        return NAN

    def sigma_bps(self, ts: int) -> float:
        """Return the standard deviation over one window in bps, from the returns before it.

        Returns:
            sqrt(sum of squared returns / seconds covered * window seconds), of up to 30 minutes that end one window
            ago; NaN unless `history_s` are covered.
        """
        total, covered = self._sums_until(ts - self._window_ns)
        seconds = covered / NS_PER_S
        if not seconds >= self._history_s or seconds <= 0:
            return NAN
        return BPS * math.sqrt(total / seconds * (self._window_ns / NS_PER_S))

    def _sums_until(self, end: int) -> tuple[float, int]:
        """Return the sum of squared returns and the ns they cover, of those that end in the span before a moment.

        What was summed before is added to while the oldest return stays. When that leaves, all is summed anew, because
        a sum of doubles from which something is taken is not the sum of the rest; that is at most once a second.
        """
        seconds, sums = self._seconds, self._sums
        start = end - _SIGMA_SPAN_NS
        oldest = sums.oldest - sums.dropped
        if not (end >= sums.end and 0 < oldest < len(seconds) and seconds[oldest][0] > start):
            sums.oldest, sums.following, sums.total, sums.covered = 0, sums.dropped, 0.0, 0
        sums.end = end
        at = sums.following - sums.dropped
        last = seconds[at - 1] if at else None
        for sample in islice(seconds, at, None):
            then, value = sample
            if then > end:
                break
            if last is not None and then > start:
                sums.oldest = sums.oldest or sums.following
                sums.total += (value - last[1]) ** 2
                sums.covered += then - last[0]
            sums.following += 1
            last = sample
        return sums.total, sums.covered

    def clear(self) -> None:
        """Forget everything, as after a clock step."""
        self._samples.clear()
        self._seconds.clear()
        self._sums = _Sums()
