"""Static packages: parity, verticals and boxes tested on executable prices when a leg's quote arrives.

Scalar on purpose: one quote touches some forty tests of a few additions each, and almost none survives the first
comparison. `aftershock.pricing.static` holds the same bounds as readable functions; a test keeps the two equal.
Signs and costs are those of docs/decision.md, section 5.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import msgspec

from aftershock.core.chain import NO_ROW
from aftershock.model.orders import Side
from aftershock.model.signals import Action, EdgeType
from aftershock.model.units import BPS, NAN, NS_PER_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aftershock.core.chain import Chain, Expiry
    from aftershock.core.config import EngineConfig
    from aftershock.model.instruments import FeeSchedule

__all__ = ["ExecutableForward", "Package", "PackageCounts", "PackageScanner"]

_BUY, _SELL = Side.BUY, Side.SELL
_BID, _ASK = 0, 2  # positions in Chain.cells

Legs = tuple[tuple[int, Side], ...]


class PackageCounts(msgspec.Struct):
    """Tests of one kind: `unquoted`, `gross` and `no_executable_forward` are among `checked`, `net` among `gross`."""

    checked: int = 0
    desync: int = 0
    unquoted: int = 0
    gross: int = 0
    net: int = 0
    no_executable_forward: int = 0


class ExecutableForward(msgspec.Struct, frozen=True, kw_only=True):
    """Forward of one expiry for packages: a dated future's bid and ask, or a mark on both sides.

    Attributes:
        bid, ask: Quote currency per coin.
        executable: True if both are prices of a quoted future.
        fee_rate: Taker rate of that future; 0 for a mark.
        index: Index price for fees.
    """

    bid: float
    ask: float
    executable: bool
    fee_rate: float
    index: float


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """A package with a positive net edge.

    Attributes:
        edge_type, action: What it is and its side.
        legs: (row, side) of each option.
        gross_bps, cost_bps: Of the forward.
        fee_usd: Option, future and delivery fees per coin.
        price_usd: What the option legs cost (negative if they pay), per coin.
        forward: Middle of the forward's bid and ask.
        future_side: Side of the dated future, None for a vertical.
        future_coins: Coins of the future per coin of the package.
        span_ns: From the first confirmed leg to the last.
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

    @property
    def net_bps(self) -> float:
        """Return the net edge in bps of the forward."""
        return self.gross_bps - self.cost_bps


class PackageScanner:
    """Tests every package that an arriving quote is a leg of, and counts what it tested."""

    def __init__(self, config: EngineConfig) -> None:
        self._span = int(config.leg_span_ms * NS_PER_MS)
        self._neighbours = config.static_neighbours
        self.counts = {"parity": PackageCounts(), "vertical": PackageCounts(), "box": PackageCounts()}

    def scan(self, chain: Chain, row: int, now: int, forward: ExecutableForward, fees: FeeSchedule | None) -> list[Package]:
        """Return the packages with a positive net edge, in a fixed order.

        Args:
            chain: Chain whose row was just written.
            row: The row.
            now: `ts_confirmed` of that row.
            forward: Of the row's expiry.
            fees: Option fees; None makes every net edge unknown, hence not positive.
        """
        instrument = chain.instruments[row]
        expiry = chain.expiries.get(instrument.expiry_ns or 0)
        if expiry is None:
            return []
        scan = _Scan(self.counts, chain, forward, fees, inverse=instrument.inverse)
        at = bisect_left(expiry.strikes, instrument.strike)
        oldest = now - self._span
        found = list(scan.parity(expiry, at, oldest))
        first = max(at - self._neighbours, 0)
        last = min(at + self._neighbours, len(expiry.strikes) - 1)
        for other in range(first, last + 1):
            if other != at:
                low, high = (at, other) if other > at else (other, at)
                found += scan.vertical(expiry, low, high, oldest, is_call=instrument.is_call is True)
                found += scan.box(expiry, low, high, oldest)
        return found


class _Scan:
    """One arriving quote: the chain, its forward and its fees."""

    def __init__(
        self,
        counts: dict[str, PackageCounts],
        chain: Chain,
        forward: ExecutableForward,
        fees: FeeSchedule | None,
        *,
        inverse: bool,
    ) -> None:
        self._counts = counts
        self._chain = chain
        self._forward = forward
        self._inverse = inverse
        self._middle = 0.5 * (forward.bid + forward.ask)
        # In the unit of the option's price: coin if inverse, quote currency if linear.
        self._unit = 1.0 if inverse else self._middle
        notional = 1.0 if inverse else forward.index
        self._fee = NAN if fees is None else fees.taker_rate * notional
        self._cap = NAN if fees is None else fees.cap_fraction
        self._delivery = NAN if fees is None else fees.delivery_rate * notional

    def _sync(self, counts: PackageCounts, rows: tuple[int, ...], oldest: int) -> bool:
        if NO_ROW in rows:
            return False
        confirmed = self._chain.confirmed
        for row in rows:
            if confirmed(row) < oldest:
                counts.desync += 1
                return False
        return True

    def _try(  # noqa: PLR0913  one test, unpacked for speed
        self,
        counts: PackageCounts,
        edge_type: EdgeType,
        action: Action,
        legs: Legs,
        bound: float,
        future: tuple[Side, float] | None,
        delivered: int,
    ) -> Iterator[Package]:
        """Test one direction: gross = bound - cost of the option legs, both in the option's price unit."""
        counts.checked += 1
        bids, asks = self._chain.cells[_BID], self._chain.cells[_ASK]
        cost = 0.0
        for row, side in legs:
            cost += asks[row] if side is _BUY else -bids[row]
        gross = bound - cost
        if gross != gross:  # noqa: PLR0124  NaN: a price or the forward is absent
            counts.unquoted += 1
            return
        if not gross > 0:
            return
        counts.gross += 1
        fee = delivered * self._delivery
        for row, side in legs:
            price = asks[row] if side is _BUY else bids[row]
            fee += min(self._fee, self._cap * price)
        if future is not None:
            if not self._forward.executable:
                counts.no_executable_forward += 1
                return
            coins = future[1]
            fee += self._forward.fee_rate * coins * (1.0 if self._inverse else self._middle)
        if not gross > fee:
            return
        counts.net += 1
        to_usd = self._middle if self._inverse else 1.0
        confirmed = [self._chain.confirmed(row) for row, _ in legs]
        yield Package(
            edge_type=edge_type,
            action=action,
            legs=legs,
            gross_bps=BPS * gross / self._unit,
            cost_bps=BPS * fee / self._unit,
            fee_usd=fee * to_usd,
            price_usd=cost * to_usd,
            forward=self._forward,
            future_side=None if future is None else future[0],
            future_coins=0.0 if future is None else future[1],
            span_ns=max(confirmed) - min(confirmed),
        )

    def parity(self, expiry: Expiry, at: int, oldest: int) -> Iterator[Package]:
        """Test call and put of one strike against the forward."""
        counts = self._counts["parity"]
        call, put, strike = expiry.calls[at], expiry.puts[at], expiry.strikes[at]
        if not self._sync(counts, (call, put), oldest):
            return
        bid, ask = self._forward.bid, self._forward.ask
        if self._inverse:
            kind, coins = EdgeType.PARITY_INVERSE, strike / self._middle
            long_bound, short_bound = 1.0 - strike / bid, 1.0 - strike / ask
        else:
            kind, coins = EdgeType.PARITY_LINEAR, 1.0
            long_bound, short_bound = bid - strike, ask - strike
        yield from self._try(
            counts, kind, Action.BUY, ((call, _BUY), (put, _SELL)), long_bound, (_SELL, coins), 1
        )
        yield from self._try(
            counts, kind, Action.SELL, ((call, _SELL), (put, _BUY)), -short_bound, (_BUY, coins), 1
        )

    def vertical(self, expiry: Expiry, low: int, high: int, oldest: int, *, is_call: bool) -> Iterator[Package]:
        """Test a spread of two strikes: worth at least nothing, at most the difference of the strikes."""
        counts = self._counts["vertical"]
        rows = expiry.calls if is_call else expiry.puts
        # The leg worth more: the lower call, the higher put.
        dear, cheap = (rows[low], rows[high]) if is_call else (rows[high], rows[low])
        if not self._sync(counts, (dear, cheap), oldest):
            return
        yield from self._try(
            counts, EdgeType.VERTICAL, Action.BUY, ((dear, _BUY), (cheap, _SELL)), 0.0, None, 2
        )
        k1, k2 = expiry.strikes[low], expiry.strikes[high]
        if not self._inverse:
            most = k2 - k1
        elif is_call:
            most = 1.0 - k1 / k2
        else:
            return  # in coin a put spread pays up to (k2 - k1)/S, which has no bound
        yield from self._try(
            counts, EdgeType.VERTICAL, Action.SELL, ((dear, _SELL), (cheap, _BUY)), -most, None, 2
        )

    def box(self, expiry: Expiry, low: int, high: int, oldest: int) -> Iterator[Package]:
        """Test a call spread and a put spread together against the difference of the strikes."""
        counts = self._counts["box"]
        c1, c2, p1, p2 = expiry.calls[low], expiry.calls[high], expiry.puts[low], expiry.puts[high]
        if not self._sync(counts, (c1, c2, p1, p2), oldest):
            return
        width = expiry.strikes[high] - expiry.strikes[low]
        if self._inverse:
            long_value, short_value = width / self._forward.ask, width / self._forward.bid
            long_future: tuple[Side, float] | None = (_BUY, width / self._middle)
            short_future: tuple[Side, float] | None = (_SELL, width / self._middle)
        else:
            long_value = short_value = width
            long_future = short_future = None
        bought: Legs = ((c1, _BUY), (c2, _SELL), (p2, _BUY), (p1, _SELL))
        sold: Legs = ((c1, _SELL), (c2, _BUY), (p2, _SELL), (p1, _BUY))
        yield from self._try(counts, EdgeType.BOX, Action.BUY, bought, long_value, long_future, 2)
        yield from self._try(counts, EdgeType.BOX, Action.SELL, sold, -short_value, short_future, 2)
