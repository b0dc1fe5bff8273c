"""What a static package is made of: its legs, the forward it is measured against, and the counters of its tests."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from aftershock.model.orders import Side
from aftershock.model.signals import Action, EdgeType

__all__ = ["ExecutableForward", "Legs", "Package", "PackageCounts", "PackageLeg"]


class PackageLeg(NamedTuple):
    """One option of a package: its row, its side, and coins of it per coin of the package."""

    row: int
    side: Side
    ratio: float = 1.0


Legs = tuple[PackageLeg, ...]


class PackageCounts(msgspec.Struct):
    """Tests of one kind: two per package, one per butterfly and per calendar pair.

    `unquoted`, `gross` and `no_executable_forward` are among `checked`, `net` among `gross`.
    """

    checked: int = 0
    desync: int = 0
    unquoted: int = 0
    gross: int = 0
    net: int = 0
    no_executable_forward: int = 0


class ExecutableForward(msgspec.Struct, frozen=True):
    """Forward of one expiry for packages: a dated future's bid and ask, or a mark on both sides.

    Attributes:
        bid, ask: Quote currency per coin.
        executable: True if both are prices of a quoted future.
        fee_rate: Taker rate of that future; 0 for a mark.
        index: Index price for fees.
        confirmed: When the future's quote was, ns: it is a leg like the options.
    """

    bid: float
    ask: float
    executable: bool
    fee_rate: float
    index: float
    confirmed: int


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """A package with a positive net edge.

    Attributes:
        edge_type, action: What it is and its side.
        legs: The options.
        gross_bps, cost_bps: Of the forward.
        fee_usd: Option, future and delivery fees per coin.
        price_usd: What the option legs cost (negative if they pay), per coin.
        forward: Middle of the forward's bid and ask.
        future_side: Side of the dated future, None for a vertical.
        future_coins: Coins of the future per coin of the package.
        span_ns: From the first confirmed leg to the last, the future included.
        oldest: The first, ns.
    """

    edge_type: EdgeType
    action: Action
    legs: Legs
    gross_bps: float
    cost_bps: float
    fee_usd: float
    price_usd: float
    forward: ExecutableForward
    future_side: Side | None
    future_coins: float
    span_ns: int
    oldest: int

    @property
    def net_bps(self) -> float:
        """Return the net edge in bps of the forward."""
        return self.gross_bps - self.cost_bps
