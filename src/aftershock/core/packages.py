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
from aftershock.core.package_price import package_cost, priced_package
from aftershock.core.static_observer import GrossEdge, ObservedLeg
from aftershock.model.orders import Side
from aftershock.model.signals import Action, EdgeType
from aftershock.model.units import NAN, NS_PER_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aftershock.core.butterflies import BrokenHull
    from aftershock.core.chain import Chain, Expiry
    from aftershock.core.config import EngineConfig
    from aftershock.core.static_observer import OnGross
    from aftershock.model.instruments import FeeSchedule, Instrument

__all__ = ["ExecutableForward", "Package", "PackageCounts", "PackageLeg", "PackageScanner"]

_BUY, _SELL = Side.BUY, Side.SELL
_BID, _ASK = 0, 2  # positions in Chain.cells


class PackageScanner:
    """Tests every package that an arriving quote is a leg of, and counts what it tested."""

    def __init__(self, config: EngineConfig) -> None:
        self._span = int(config.leg_span_ms * NS_PER_MS)
        self._neighbours = config.static_neighbours
        self._butterflies = ButterflyTests(config.static_neighbours)
        self.on_gross: OnGross | None = None
        self.counts = {kind: PackageCounts() for kind in ("parity", "vertical", "butterfly", "box")}

    def scan(  # noqa: C901, PLR0912, PLR0915  one pass over the neighbours, for speed
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
        expiry = chain.expiries.get(chain.instruments[row].expiry_ns or 0)
        if expiry is None:
            return []
        place: _Place | None = expiry.places.get((self._neighbours, row))
        if place is None:
            place = expiry.places[self._neighbours, row] = _Place(chain.instruments[row], expiry, self._neighbours)
        scan: _Scan | None = None
        # A row of a stream confirms every leg that was seen since the last gap; a row of a poll only itself.
        least = 1 if chain.confirms_stream else now - self._span
        confirmed, bids, asks = chain.confirmed_cells, chain.cells[_BID], chain.cells[_ASK]
        is_call, inverse, twin = place.is_call, place.inverse, place.twin
        forward_bid, forward_ask = forward.bid, forward.ask
        bid, ask = bids[row], asks[row]
        call_bid, call_ask, put_bid, put_ask = bid, ask, bid, ask
        twin_synced = twin != NO_ROW and confirmed[twin] >= least
        if twin_synced and is_call:
            put_bid, put_ask = bids[twin], asks[twin]
        elif twin_synced:
            call_bid, call_ask = bids[twin], asks[twin]
        twin_done = twin in done
        checked = unquoted = desync = boxes_checked = boxes_unquoted = boxes_desync = 0
        if twin_done:
            pass
        elif twin_synced:
            parity, strike = self.counts["parity"], place.strike
            if inverse:
                long_bound, short_bound = 1.0 - strike / forward_bid, 1.0 - strike / forward_ask
            else:
                long_bound, short_bound = forward_bid - strike, forward_ask - strike
            long_gross = long_bound - call_ask + put_bid
            short_gross = call_bid - put_ask - short_bound
            parity.checked += 2
            if not (long_gross <= 0 and short_gross <= 0):
                parity.unquoted += (long_gross != long_gross) + (short_gross != short_gross)  # noqa: PLR0124  NaN: no price
                if long_gross > 0 or short_gross > 0:
                    scan = scan or _Scan(chain, forward, fees, self.on_gross, inverse=inverse)
                    scan.parity(parity, place, row, long_gross, short_gross)
        elif twin != NO_ROW:
            self.counts["parity"].desync += 2
        for other in place.others:
            call, put, above, is_dear, most, width = other
            call_synced = call != NO_ROW and confirmed[call] >= least
            put_synced = put != NO_ROW and confirmed[put] >= least
            same, same_synced = (call, call_synced) if is_call else (put, put_synced)
            if inverse:  # in coin a put spread pays up to (k2 - k1)/S: only a short future caps that, at (k2 - k1)/F
                long_value, short_value = width / forward_ask, width / forward_bid
                if not is_call:
                    most = short_value
            else:
                long_value = short_value = width
            if same in done:
                pass
            elif same_synced:
                if is_dear:
                    long_gross, short_gross = bids[same] - ask, bid - asks[same] - most
                else:
                    long_gross, short_gross = bid - asks[same], bids[same] - ask - most
                checked += 2
                if not (long_gross <= 0 and short_gross <= 0):
                    unquoted += (long_gross != long_gross) + (short_gross != short_gross)  # noqa: PLR0124
                    if long_gross > 0 or short_gross > 0:
                        scan = scan or _Scan(chain, forward, fees, self.on_gross, inverse=inverse)
                        dear, cheap = (row, same) if is_dear else (same, row)
                        future = width if inverse and not is_call else None
                        scan.vertical(self.counts["vertical"], dear, cheap, future, long_gross, short_gross)
            elif same != NO_ROW:
                desync += 2
            if done and (twin_done or call in done or put in done):
                continue
            if twin_synced and call_synced and put_synced:
                if above:
                    long_gross = long_value - (call_ask - bids[call] + asks[put] - put_bid)
                    short_gross = (call_bid - asks[call] + bids[put] - put_ask) - short_value
                else:
                    long_gross = long_value - (asks[call] - call_bid + put_ask - bids[put])
                    short_gross = (bids[call] - call_ask + put_bid - asks[put]) - short_value
                boxes_checked += 2
                if not (long_gross <= 0 and short_gross <= 0):
                    boxes_unquoted += (long_gross != long_gross) + (short_gross != short_gross)  # noqa: PLR0124
                    if long_gross > 0 or short_gross > 0:
                        scan = scan or _Scan(chain, forward, fees, self.on_gross, inverse=inverse)
                        mine, others = ((row, twin) if is_call else (twin, row)), (call, put)
                        low, high = (mine, others) if above else (others, mine)
                        scan.box(self.counts["box"], low, high, width, long_gross, short_gross)
            elif NO_ROW not in (twin, call, put):
                boxes_desync += 2
        _add(self.counts["vertical"], checked, desync, unquoted)
        _add(self.counts["box"], boxes_checked, boxes_desync, boxes_unquoted)
        return [] if scan is None else scan.found

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
        scan = _Scan(chain, forward, fees, self.on_gross, inverse=instrument.inverse)
        for each in broken:
            scan.butterfly(counts, each)
        return scan.found


class _Place:
    """An option among those of its expiry: what a scan reads of the terms; they change when an option is listed.

    Attributes:
        is_call, inverse, strike: Terms of the option.
        twin: Row of the other type at its strike.
        others: By strike near it: rows of call and put, whether it is the higher strike, whether our option is the leg
            of the vertical worth more (the lower call, the higher put), the most that a vertical pays, the difference
            of the strikes.
    """

    __slots__ = ("inverse", "is_call", "others", "strike", "twin")

    def __init__(self, instrument: Instrument, expiry: Expiry, reach: int) -> None:
        self.is_call, self.inverse, self.strike = instrument.is_call is True, instrument.inverse, instrument.strike
        strikes, calls, puts = expiry.strikes, expiry.calls, expiry.puts
        at = bisect_left(strikes, self.strike)
        self.twin = puts[at] if self.is_call else calls[at]
        self.others: list[tuple[int, int, bool, bool, float, float]] = []
        for other in range(max(at - reach, 0), min(at + reach + 1, len(strikes))):
            if other != at:
                k1, k2 = strikes[min(at, other)], strikes[max(at, other)]
                most = 1.0 - k1 / k2 if self.inverse else k2 - k1
                above = other > at
                self.others.append((calls[other], puts[other], above, above == self.is_call, most, k2 - k1))


class _Scan:
    """One arriving quote: the chain, its forward and its fees, and what was found."""

    def __init__(
        self,
        chain: Chain,
        forward: ExecutableForward,
        fees: FeeSchedule | None,
        on_gross: OnGross | None,
        *,
        inverse: bool,
    ) -> None:
        self.found: list[Package] = []
        self._chain = chain
        self._forward = forward
        self._fees = fees
        self._on_gross = on_gross
        self._inverse = inverse

    def parity(self, counts: PackageCounts, place: _Place, row: int, long_gross: float, short_gross: float) -> None:
        """Price call and put of one strike against the forward."""
        call, put = (row, place.twin) if place.is_call else (place.twin, row)
        kind = EdgeType.PARITY_INVERSE if self._inverse else EdgeType.PARITY_LINEAR
        coins = place.strike / self._middle if self._inverse else 1.0
        self._price(counts, kind, Action.BUY, (_buy(call), _sell(put)), long_gross, (_SELL, coins), 1)
        self._price(counts, kind, Action.SELL, (_sell(call), _buy(put)), short_gross, (_BUY, coins), 1)

    def vertical(
        self, counts: PackageCounts, dear: int, cheap: int, capped: float | None, long_gross: float, short_gross: float
    ) -> None:
        """Price a spread of two strikes: worth at least nothing, at most the difference of the strikes.

        Args:
            counts: Counters of verticals.
            dear: The leg worth more.
            cheap: The other.
            capped: Difference of the strikes where a future has to cap the payoff.
            long_gross: What buying it leaves.
            short_gross: What selling it leaves.
        """
        future = None if capped is None else (_SELL, capped / self._middle)
        bought: Legs = (_buy(dear), _sell(cheap))
        sold: Legs = (_sell(dear), _buy(cheap))
        self._price(counts, EdgeType.VERTICAL, Action.BUY, bought, long_gross, None, 2)
        self._price(counts, EdgeType.VERTICAL, Action.SELL, sold, short_gross, future, 2)

    def butterfly(self, counts: PackageCounts, broken: BrokenHull) -> None:
        """Price a body that is bid above the chord of its wings: at most two coins of it are in the money together."""
        legs = (_sell(broken.body), _buy(broken.low, broken.weight), _buy(broken.high, 1.0 - broken.weight))
        self._price(counts, EdgeType.BUTTERFLY, Action.SELL, legs, broken.gross, None, 2)

    def box(
        self,
        counts: PackageCounts,
        low: tuple[int, int],
        high: tuple[int, int],
        width: float,
        long_gross: float,
        short_gross: float,
    ) -> None:
        """Price a call spread and a put spread together, of (call, put) at two strikes."""
        (c1, p1), (c2, p2) = low, high
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
        if self._on_gross is not None:
            observed = tuple(ObservedLeg(self._chain, *leg) for leg in legs)
            known = future is None or self._forward.executable
            cost = package_cost(self._chain, self._forward, self._fees, legs, future, delivered) if known else NAN
            self._on_gross(GrossEdge(edge_type, action, observed, gross, cost, self._forward, future))
        if future is not None and not self._forward.executable:
            counts.no_executable_forward += 1
            return
        cost = package_cost(self._chain, self._forward, self._fees, legs, future, delivered)
        if not gross > cost:
            return
        counts.net += 1
        self.found.append(priced_package(self._chain, self._forward, edge_type, action, legs, gross, cost, future))


def _buy(row: int, ratio: float = 1.0) -> PackageLeg:
    return PackageLeg(row, _BUY, ratio)


def _sell(row: int) -> PackageLeg:
    return PackageLeg(row, _SELL)


def _add(counts: PackageCounts, checked: int, desync: int, unquoted: int) -> None:
    counts.checked += checked
    counts.desync += desync
    counts.unquoted += unquoted
