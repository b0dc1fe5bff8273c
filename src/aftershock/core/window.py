"""Liquidations of one asset: a window of integers, an intensity, and what a throttled feed hides."""

from __future__ import annotations

import math
from collections import deque

import msgspec

from aftershock.core.config import TriggerConfig
from aftershock.model.liquidations import Completeness, Liquidated
from aftershock.model.units import LARGEST_USD, MICRO, NS_PER_MS, NS_PER_S

__all__ = ["LiquidationWindow", "WindowFigures"]

_STEP_NS = 100 * NS_PER_MS
_RATE_STEP_NS = 10 * NS_PER_S
_RATE_SPAN_NS = 1_800 * NS_PER_S
_RATE_MIN_S = 300.0


class _Bucket(msgspec.Struct):
    slot: int
    count: int = 0
    sized: int = 0
    long_micro_usd: int = 0
    short_micro_usd: int = 0


class WindowFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The window at one moment.

    Attributes:
        count: Liquidations in it; `sized` those with a known notional.
        long_usd, short_usd: Notional of liquidated longs and shorts; what has no known size counts nothing.
        imbalance: (long - short) / (long + short), 0 if empty.
        venues: Venues that printed in it, by name.
        saturated: A throttled feed used more than its share of slots.
        intensity_hz: Exponential-kernel intensity.
        base_rate_hz: Long-run rate before the window, at least the floor.
    """

    count: int
    sized: int
    long_usd: float
    short_usd: float
    imbalance: float
    venues: tuple[str, ...]
    saturated: bool
    intensity_hz: float
    base_rate_hz: float

    @property
    def intensity_ratio(self) -> float:
        """Return intensity over base rate."""
        return self.intensity_hz / self.base_rate_hz


class LiquidationWindow:
    """Rolling state of one asset's liquidations; memory does not grow with their number."""

    def __init__(self, config: TriggerConfig) -> None:
        self._config = config
        self._window_ns = int(config.window_s * NS_PER_S)
        self._decay_per_ns = math.log(2.0) / (config.intensity_half_life_s * NS_PER_S)
        self._buckets: deque[_Bucket] = deque()
        self._rate_buckets: deque[list[int]] = deque()
        self._count = 0
        self._sized = 0
        self._long = 0
        self._short = 0
        self._intensity = 0.0
        self._last = 0
        self._first = 0
        self._venues: dict[str, int] = {}
        self._throttled: dict[tuple[str, str], deque[int]] = {}

    def add(
        self,
        ts: int,
        venue: str,
        symbol: str,
        usd: float,
        liquidated: Liquidated,
        completeness: Completeness,
    ) -> None:
        """Take a liquidation; one without a finite notional counts as an event of no size."""
        if not self._first:
            self._first = ts
        self._intensity = self._decayed(ts) + self._decay_per_ns * NS_PER_S
        self._last = ts
        slot = ts // _STEP_NS
        if not self._buckets or self._buckets[-1].slot != slot:
            self._buckets.append(_Bucket(slot))
        bucket = self._buckets[-1]
        known = 0 <= usd < LARGEST_USD
        micro = round(usd * MICRO) if known else 0
        bucket.count += 1
        bucket.sized += known
        self._count += 1
        self._sized += known
        if liquidated is Liquidated.LONG:
            bucket.long_micro_usd += micro
            self._long += micro
        elif liquidated is Liquidated.SHORT:
            bucket.short_micro_usd += micro
            self._short += micro
        rate_slot = ts // _RATE_STEP_NS
        if not self._rate_buckets or self._rate_buckets[-1][0] != rate_slot:
            self._rate_buckets.append([rate_slot, 0])
        self._rate_buckets[-1][1] += 1
        self._venues[venue] = ts
        if completeness is Completeness.THROTTLED:
            slots = int(self._window_ns // NS_PER_S) + 1
            seconds = self._throttled.setdefault((venue, symbol), deque(maxlen=slots))
            if not seconds or ts // NS_PER_S != seconds[-1] // NS_PER_S:
                seconds.append(ts)  # a slot is used or not, however often it prints
        self._expire(ts)

    def _decayed(self, ts: int) -> float:
        return self._intensity * math.exp(-self._decay_per_ns * (ts - self._last)) if self._last else 0.0

    def _expire(self, now: int) -> None:
        oldest = (now - self._window_ns) // _STEP_NS
        buckets = self._buckets
        while buckets and buckets[0].slot <= oldest:
            gone = buckets.popleft()
            self._count -= gone.count
            self._sized -= gone.sized
            self._long -= gone.long_micro_usd
            self._short -= gone.short_micro_usd
        oldest_rate = (now - self._window_ns - _RATE_SPAN_NS) // _RATE_STEP_NS
        while self._rate_buckets and self._rate_buckets[0][0] <= oldest_rate:
            self._rate_buckets.popleft()

    def figures(self, now: int) -> WindowFigures:
        """Return the window as of now."""
        self._expire(now)
        total = self._long + self._short
        since = now - self._window_ns
        return WindowFigures(
            count=self._count,
            sized=self._sized,
            long_usd=self._long / MICRO,
            short_usd=self._short / MICRO,
            imbalance=(self._long - self._short) / total if total else 0.0,
            venues=tuple(sorted(v for v, ts in self._venues.items() if ts > since)),
            saturated=self._saturated(now),
            intensity_hz=self._decayed(now),
            base_rate_hz=self._base_rate(now),
        )

    def intensity_hz(self, now: int) -> float:
        """Return the exponential-kernel intensity alone."""
        return self._decayed(now)

    def _saturated(self, now: int) -> bool:
        seconds = self._window_ns / NS_PER_S
        since = now - self._window_ns
        return any(
            sum(1 for ts in stamps if ts > since) / seconds > self._config.saturation
            for stamps in self._throttled.values()
        )

    def _base_rate(self, now: int) -> float:
        end = now - self._window_ns
        newest = end // _RATE_STEP_NS
        count = sum(n for slot, n in self._rate_buckets if slot < newest)
        seconds = min(max((end - self._first) / NS_PER_S, _RATE_MIN_S), _RATE_SPAN_NS / NS_PER_S)
        return max(count / seconds, self._config.base_rate_floor_hz)
