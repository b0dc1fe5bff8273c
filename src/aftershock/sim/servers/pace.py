"""When the sandbox plays what: real time, after a while that it plays fast so that whoever listens is warm soon."""

from __future__ import annotations

import msgspec

__all__ = ["Pace"]


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """Maps the wall clock to the market's and back; from `live_from_ns` on they are the same.

    Attributes:
        live_from_ns: Wall clock from which on the two are the same, ns UTC.
        fast_from_ns: Wall clock from which on until then the market runs faster; before, it runs in real time too.
        speed: How many times faster; whole.
    """

    live_from_ns: int
    fast_from_ns: int
    speed: int = 1

    def market_ns(self, wall_ns: int) -> int:
        """Return the market's time at a moment of the wall clock."""
        if wall_ns >= self.live_from_ns:
            return wall_ns
        if wall_ns >= self.fast_from_ns:
            return self.live_from_ns - (self.live_from_ns - wall_ns) * self.speed
        return wall_ns - self._skipped_ns

    def wall_ns(self, market_ns: int) -> int:
        """Return the wall clock at a moment of the market."""
        if market_ns >= self.live_from_ns:
            return market_ns
        wall_ns = self.live_from_ns - (self.live_from_ns - market_ns) // self.speed
        return wall_ns if wall_ns >= self.fast_from_ns else market_ns + self._skipped_ns

    @property
    def _skipped_ns(self) -> int:
        """Return how far the market is behind before it runs fast."""
        return (self.live_from_ns - self.fast_from_ns) * (self.speed - 1)
