"""What a venue's liquidation feed means: the price it prints, and how much of the truth it shows."""

from __future__ import annotations

from enum import StrEnum

import msgspec

__all__ = ["Completeness", "Coverage", "Liquidated", "PriceKind", "liquidated_side"]


class Liquidated(StrEnum):
    """Whose position was closed by force."""

    LONG = "long"
    SHORT = "short"
    UNKNOWN = "unknown"


class PriceKind(StrEnum):
    """What the price of a liquidation message is."""

    FILL = "fill"
    """A trade at that price."""
    ORDER = "order"
    """Limit price of the liquidation order."""
    BANKRUPTCY = "bankruptcy"
    """Price at which the margin is gone; may be far from any trade."""
    ENTRY = "entry"
    """Entry price of the position."""
    UNKNOWN = "unknown"

    @property
    def is_market_price(self) -> bool:
        """Tell whether it may enter returns, forwards or volatility: only a fill may."""
        return self is PriceKind.FILL


class Completeness(StrEnum):
    """How much of the venue's liquidations its public feed shows."""

    ALL = "all"
    THROTTLED = "throttled"
    """At most one message per symbol per second: amounts are a lower bound."""
    UNKNOWN = "unknown"


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """A venue's liquidation feed from a date on.

    Attributes:
        venue: Tardis exchange id.
        valid_from_ns: First moment at which it held.
        price_kind: What the printed price is.
        completeness: How much the feed shows.
        note: What to know before using it.
    """

    venue: str
    valid_from_ns: int
    price_kind: PriceKind
    completeness: Completeness
    note: str


def liquidated_side(normalized_side: str) -> Liquidated:
    """Translate Tardis' normalized side of a liquidation: a forced buy closes a short, a forced sell a long."""
    if normalized_side == "buy":
        return Liquidated.SHORT
    if normalized_side == "sell":
        return Liquidated.LONG
    return Liquidated.UNKNOWN
