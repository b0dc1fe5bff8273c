"""An exponentially weighted mean that can be read as it stood some seconds ago."""

from __future__ import annotations

import math
from collections import deque

from aftershock.model.units import NAN, NS_PER_S

__all__ = ["LaggedMean"]

_KEPT = 64
_NEVER = 2**63 - 1


class LaggedMean:
    """Exponentially weighted mean over irregular times, kept once a second for readers that must not see a shock."""

    def __init__(self, tau_s: float) -> None:
        self._tau_ns = tau_s * NS_PER_S
        self._first = 0
        self._last = 0
        self._mean = NAN
        self._kept: deque[tuple[int, float]] = deque(maxlen=_KEPT)
        # What was read last, and from when until when it is what is read; nothing if they are equal.
        self._from = self._until = 0
        self._held = NAN

    def add(self, ts: int, value: float) -> None:
        """Take a value: the first as it is, later ones with weight 1 - exp(-dt/tau)."""
        if not self._kept:
            self._mean, self._first = value, ts
        else:
            self._mean += (1.0 - math.exp((self._last - ts) / self._tau_ns)) * (value - self._mean)
        self._last = ts
        if not self._kept or ts - self._kept[-1][0] >= NS_PER_S:
            self._kept.append((ts, self._mean))
            self._from = self._until = 0

    def at(self, ts: int, *, history_ns: int = 0) -> float:
        """Return the newest value kept at or before a moment.

        Args:
            ts: The moment, ns.
            history_ns: The value must be at least so much younger than the first one.

        Returns:
            The mean, or NaN if nothing was kept by then.
        """
        if not self._from <= ts < self._until:
            self._find(ts)
        return self._held if self._from < self._until and self._from - self._first >= history_ns else NAN

    def _find(self, ts: int) -> None:
        """Note the newest value kept at or before a moment."""
        until = _NEVER
        for then, mean in reversed(self._kept):
            if then <= ts:
                self._from, self._until, self._held = then, until, mean
                return
            until = then
        self._from = self._until = 0
