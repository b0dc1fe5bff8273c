"""Static packages: parity, verticals, butterflies and boxes, tested on executable prices when a leg's quote arrives.

Scalar on purpose: one quote touches some forty tests of a few additions each, and almost none survives the first
comparison. `aftershock.pricing.static` holds the same bounds as readable functions; a test keeps the two equal.
Signs and costs are those of docs/decision.md, section 5.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from aftershock.core.butterflies import ButterflyTests
from aftershock.core.chain import NO_ROW
from aftershock.core.package import ExecutableForward, Legs, Package, PackageCounts, PackageLeg
from aftershock.model.orders import Side
from aftershock.model.signals import Action, EdgeType
from aftershock.model.units import BPS, NAN, NS_PER_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aftershock.core.butterflies import BrokenHull
    from aftershock.core.chain import Chain
    from aftershock.core.config import EngineConfig
    from aftershock.model.instruments import FeeSchedule

__all__ = ["ExecutableForward", "Package", "PackageCounts", "PackageLeg", "PackageScanner"]

_BUY, _SELL = Side.BUY, Side.SELL
_BID, _ASK = 0, 2  # positions in Chain.cells


class PackageScanner:
    """Tests every package that an arriving quote is a leg of, and counts what it tested."""

    def __init__(self, config: EngineConfig) -> None:
        self._span = int(config.leg_span_ms * NS_PER_MS)
        self._neighbours = config.static_neighbours
        self._butterflies = ButterflyTests(config.static_neighbours)
        self.counts = {kind: PackageCounts() for kind in ("parity", "vertical", "butterfly", "box")}

    def scan(  # noqa: C901  one pass over the neighbours, for speed
        self,
        chain: Chain,
        row: int,
        now: int,
        forward: ExecutableForward,
        fees: FeeSchedule | None,
        done: dict[int, bool] | None = None,
    ) -> list[Package]:
        """Return the packages but for butterflies with a positive net edge, in a fixed order.

        Args:
            chain: Chain whose row was just written.
            row: The row.
            now: `ts_confirmed` of that row.
            forward: Of the row's expiry.
            fees: Option fees; None makes every net edge unknown, hence not positive.
            done: Rows of this moment that were scanned before: what they are a leg of is not tested twice.
        """
        done = {} if done is None else done
        instrument = chain.instruments[row]
        expiry = chain.expiries.get(instrument.expiry_ns or 0)
        if expiry is None:
            return []
        scan = _Scan(chain, forward, fees, inverse=instrument.inverse)
        # A row of a stream confirms every leg that was seen since the last gap; a row of a poll only itself.
        least = 1 if chain.confirms_stream else now - self._span
        confirmed = chain.confirmed_cells
        is_call = instrument.is_call is True
        strikes, calls, puts = expiry.strikes, expiry.calls, expiry.puts
        at = bisect_left(strikes, instrument.strike)
        twin = puts[at] if is_call else calls[at]
        twin_synced = twin != NO_ROW and confirmed[twin] >= least
        parity, vertical, box = self.counts["parity"], self.counts["vertical"], self.counts["box"]
        if twin in done:
            pass
        elif twin_synced:
            scan.parity(parity, calls[at], puts[at], strikes[at])
        elif twin != NO_ROW:
            parity.desync += 2
        for other in range(max(at - self._neighbours, 0), min(at + self._neighbours + 1, len(strikes))):
            if other == at:
                continue
            call, put = calls[other], puts[other]
            call_synced = call != NO_ROW and confirmed[call] >= least
            put_synced = put != NO_ROW and confirmed[put] >= least
            low, high = (at, other) if other > at else (other, at)
            same = call if is_call else put
            if same in done:
                pass
            elif call_synced if is_call else put_synced:
                rows = calls if is_call else puts
                scan.vertical(vertical, rows[low], rows[high], strikes[low], strikes[high], is_call=is_call)
            elif same != NO_ROW:
                vertical.desync += 2
            if done and (twin in done or call in done or put in done):
                continue
            if twin_synced and call_synced and put_synced:
                scan.box(box, calls[low], calls[high], puts[low], puts[high], strikes[high] - strikes[low])
            elif NO_ROW not in (twin, call, put):
                box.desync += 2
        return scan.found

    def scan_butterflies(
        self,
        chain: Chain,
        arrived: Sequence[int],
        now: int,
        forward: ExecutableForward,
        fees: FeeSchedule | None,
    ) -> list[Package]:
        """Return the butterflies with a positive net edge, in a fixed order.

        Args:
            chain: Chain whose rows were just written.
            arrived: Rows of one expiry and type: all that came at this moment.
            now: `ts_confirmed` of them.
            forward: Of their expiry.
            fees: As above.
        """
        instrument = chain.instruments[arrived[0]]
        expiry = chain.expiries.get(instrument.expiry_ns or 0)
        if expiry is None:
            return []
        tests, counts = self._butterflies, self.counts["butterfly"]
        quotes = chain.cells[_BID], chain.cells[_ASK]
        least = 1 if chain.confirms_stream else now - self._span
        is_call = instrument.is_call is True
        broken = tests.scan(expiry, arrived, quotes, chain.confirmed_cells, least, is_call=is_call)
        counts.checked += tests.checked
        counts.desync += tests.desync
        counts.unquoted += tests.unquoted
        if not broken:
            return []
        scan = _Scan(chain, forward, fees, inverse=instrument.inverse)
        for each in broken:
            scan.butterfly(counts, each)
        return scan.found


class _Scan:
    """One arriving quote: the chain, its forward and its fees, and what was found."""

    def __init__(self, chain: Chain, forward: ExecutableForward, fees: FeeSchedule | None, *, inverse: bool) -> None:
        self.found: list[Package] = []
        self._chain = chain
        self._bids, self._asks = chain.cells[_BID], chain.cells[_ASK]
        self._forward = forward
        self._fees = fees
        self._inverse = inverse

    def parity(self, counts: PackageCounts, call: int, put: int, strike: float) -> None:
        """Test call and put of one strike against the forward."""
        bids, asks = self._bids, self._asks
        bid, ask = self._forward.bid, self._forward.ask
        if self._inverse:
            long_bound, short_bound = 1.0 - strike / bid, 1.0 - strike / ask
        else:
            long_bound, short_bound = bid - strike, ask - strike
        long_gross = long_bound - asks[call] + bids[put]
        short_gross = bids[call] - asks[put] - short_bound
        if _count(counts, long_gross, short_gross):
            kind = EdgeType.PARITY_INVERSE if self._inverse else EdgeType.PARITY_LINEAR
            coins = strike / self._middle if self._inverse else 1.0
            self._price(counts, kind, Action.BUY, (_buy(call), _sell(put)), long_gross, (_SELL, coins), 1)
            self._price(counts, kind, Action.SELL, (_sell(call), _buy(put)), short_gross, (_BUY, coins), 1)

    def vertical(self, counts: PackageCounts, low: int, high: int, k1: float, k2: float, *, is_call: bool) -> None:
        """Test a spread of two strikes: worth at least nothing, at most the difference of the strikes."""
        # The leg worth more: the lower call, the higher put.
        dear, cheap = (low, high) if is_call else (high, low)
        if not self._inverse:
            most = k2 - k1
        elif is_call:
            most = 1.0 - k1 / k2
        else:  # in coin a put spread pays up to (k2 - k1)/S: only a short future caps that, at (k2 - k1)/F
            most = (k2 - k1) / self._forward.bid
        long_gross = self._bids[cheap] - self._asks[dear]
        short_gross = self._bids[dear] - self._asks[cheap] - most
        if _count(counts, long_gross, short_gross):
            future = (_SELL, (k2 - k1) / self._middle) if self._inverse and not is_call else None
            bought: Legs = (_buy(dear), _sell(cheap))
            sold: Legs = (_sell(dear), _buy(cheap))
            self._price(counts, EdgeType.VERTICAL, Action.BUY, bought, long_gross, None, 2)
            self._price(counts, EdgeType.VERTICAL, Action.SELL, sold, short_gross, future, 2)

    def butterfly(self, counts: PackageCounts, broken: BrokenHull) -> None:
        """Price a body that is bid above the chord of its wings: at most two coins of it are in the money together."""
        legs = (_sell(broken.body), _buy(broken.low, broken.weight), _buy(broken.high, 1.0 - broken.weight))
        self._price(counts, EdgeType.BUTTERFLY, Action.SELL, legs, broken.gross, None, 2)

    def box(self, counts: PackageCounts, c1: int, c2: int, p1: int, p2: int, width: float) -> None:
        """Test a call spread and a put spread together against the difference of the strikes."""
        bids, asks = self._bids, self._asks
        long_value = width / self._forward.ask if self._inverse else width
        short_value = width / self._forward.bid if self._inverse else width
        long_gross = long_value - (asks[c1] - bids[c2] + asks[p2] - bids[p1])
        short_gross = (bids[c1] - asks[c2] + bids[p2] - asks[p1]) - short_value
        if _count(counts, long_gross, short_gross):
            coins = width / self._middle
            long_future = (_BUY, coins) if self._inverse else None
            short_future = (_SELL, coins) if self._inverse else None
            bought: Legs = (_buy(c1), _sell(c2), _buy(p2), _sell(p1))
            sold: Legs = (_sell(c1), _buy(c2), _sell(p2), _buy(p1))
            self._price(counts, EdgeType.BOX, Action.BUY, bought, long_gross, long_future, 2)
            self._price(counts, EdgeType.BOX, Action.SELL, sold, short_gross, short_future, 2)

    @property
    def _middle(self) -> float:
        return 0.5 * (self._forward.bid + self._forward.ask)

    def _price(
        self,
        counts: PackageCounts,
        edge_type: EdgeType,
        action: Action,
        legs: Legs,
        gross: float,
        future: tuple[Side, float] | None,
        delivered: int,
    ) -> None:
        """Hold a gross edge, in the option's price unit, against its cost."""
        if not gross > 0:
            return
        counts.gross += 1
        if future is not None and not self._forward.executable:
            counts.no_executable_forward += 1
            return
        cost = self._cost(legs, future, delivered)
        if not gross > cost:
            return
        counts.net += 1
        to_usd = self._middle if self._inverse else 1.0
        unit = 1.0 if self._inverse else self._middle
        paid = sum(ratio * (self._asks[row] if side is _BUY else -self._bids[row]) for row, side, ratio in legs)
        confirmed = [self._chain.confirmed(leg.row) for leg in legs]
        if future is not None:
            confirmed.append(self._forward.confirmed)
        self.found.append(
            Package(
                edge_type=edge_type,
                action=action,
                legs=legs,
                gross_bps=BPS * gross / unit,
                cost_bps=BPS * cost / unit,
                fee_usd=cost * to_usd,
                price_usd=paid * to_usd,
                forward=self._forward,
                future_side=None if future is None else future[0],
                future_coins=0.0 if future is None else future[1],
                span_ns=max(confirmed) - min(confirmed),
                oldest=min(confirmed),
            )
        )

    def _cost(self, legs: Legs, future: tuple[Side, float] | None, delivered: int) -> float:
        """Return fees of options, delivery and future; NaN while the option fee is unknown."""
        if self._fees is None:
            return NAN
        notional = 1.0 if self._inverse else self._forward.index
        cost = delivered * self._fees.delivery_rate * notional
        for row, side, ratio in legs:
            price = self._asks[row] if side is _BUY else self._bids[row]
            cost += ratio * min(self._fees.taker_rate * notional, self._fees.cap_fraction * price)
        if future is not None:
            cost += self._forward.fee_rate * future[1] * (1.0 if self._inverse else self._middle)
        return cost


def _buy(row: int, ratio: float = 1.0) -> PackageLeg:
    return PackageLeg(row, _BUY, ratio)


def _sell(row: int) -> PackageLeg:
    return PackageLeg(row, _SELL)


def _count(counts: PackageCounts, long_gross: float, short_gross: float) -> bool:
    """Count the two tests of a package in sync, and tell whether either is violated."""
    counts.checked += 2
    if long_gross <= 0 and short_gross <= 0:
        return False
    counts.unquoted += (long_gross != long_gross) + (short_gross != short_gross)  # noqa: PLR0124  NaN: no price
    return long_gross > 0 or short_gross > 0
