"""What the public liquidation feeds of four venues show of the truth, as data."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from aftershock.model.liquidations import Completeness

__all__ = ["FEEDS", "Feed", "Show"]


class Show(StrEnum):
    """Which orders a feed shows, and when it sends them."""

    EACH = "each"
    """All, at once."""
    BATCHES = "batches"
    """All, when the slot ends."""
    LATEST = "latest"
    """The latest of each slot, when the slot ends."""
    FIRST = "first"
    """The first of each slot, at once."""


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """One venue's feed.

    Attributes:
        venue, symbol: As Tardis names them.
        show, slot_ms: What it shows; slots start at an unknown phase.
        unit_coins: Coins per native amount; 0 where the venue counts dollars.
        lot, tick: Steps of native amount and of price.
        margin_bps: Median distance of an order or bankruptcy price beyond the market.
        gives_ids: Whether messages carry an id.
    """

    venue: str
    symbol: str
    show: Show
    slot_ms: int = 1
    unit_coins: float = 1.0
    lot: float
    tick: float
    margin_bps: float = 0.0
    gives_ids: bool = False

    @property
    def completeness(self) -> Completeness:
        """Return how much of the truth it shows."""
        return Completeness.THROTTLED if self.show in (Show.LATEST, Show.FIRST) else Completeness.ALL


FEEDS = (
    Feed(
        venue="binance-futures", symbol="BTCUSDT", show=Show.LATEST, slot_ms=1_000, lot=0.001, tick=0.1, margin_bps=40.0
    ),
    Feed(
        venue="okex-swap", symbol="BTC-USDT-SWAP", show=Show.FIRST, slot_ms=1_000, unit_coins=0.01, lot=0.01, tick=0.1,
        margin_bps=50.0,
    ),
    Feed(venue="bybit", symbol="BTCUSDT", show=Show.BATCHES, slot_ms=500, lot=0.001, tick=0.1, margin_bps=50.0),
    Feed(venue="deribit", symbol="BTC-PERPETUAL", show=Show.EACH, unit_coins=0.0, lot=10.0, tick=0.5, gives_ids=True),
)  # fmt: skip
"""The feeds in the order of `Liquidations.venue`."""
