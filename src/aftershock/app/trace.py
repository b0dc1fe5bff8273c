"""A coarse trace of each asset's price over a run: for pictures only, and never more than a thousand points."""

from __future__ import annotations

from collections.abc import Mapping

from aftershock.core.chain import Chain
from aftershock.model.units import NS_PER_S

__all__ = ["PriceTrace"]

_MOST_POINTS = 1_000


class PriceTrace:
    """The venue's underlying price of each chain's nearest expiry, at most once per interval.

    Attributes:
        points: By asset, (receive time ns, price); the interval doubles whenever they become too many.
    """

    def __init__(self) -> None:
        self.points: dict[str, list[tuple[int, float]]] = {}
        self._interval_ns = NS_PER_S
        self._next = 0

    def due(self, now_ns: int) -> bool:
        """Tell whether it is time for another point."""
        return now_ns >= self._next

    def take(self, now_ns: int, chains: Mapping[tuple[str, str], Chain]) -> None:
        """Add a point for each asset that has a price."""
        self._next = now_ns + self._interval_ns
        for (_, asset), chain in chains.items():
            expiry = next(iter(chain.expiries.values()), None)
            if expiry is not None and expiry.underlying_price > 0:
                self.points.setdefault(asset, []).append((now_ns, expiry.underlying_price))
        if any(len(points) > _MOST_POINTS for points in self.points.values()):
            self.points = {asset: points[::2] for asset, points in self.points.items()}
            self._interval_ns *= 2
