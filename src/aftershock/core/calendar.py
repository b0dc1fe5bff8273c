"""Edge B6: a flag where total variance falls from one expiry to the next; never an order.

The far strike is the nearest listed one on the safe side of the same k, so the bound is exact and no tolerance is
needed (`aftershock.pricing.static.calendar`). A k is measured at the venue's own underlying prices: nothing is traded.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, NamedTuple

from aftershock.core.chain import NO_ROW
from aftershock.core.package import PackageCounts
from aftershock.core.static_observer import GrossEdge, ObservedLeg
from aftershock.model.orders import Side
from aftershock.model.signals import Action, EdgeType
from aftershock.model.units import BPS, NAN, NS_PER_MS

if TYPE_CHECKING:
    from aftershock.core.chain import Chain, Expiry
    from aftershock.core.config import EngineConfig
    from aftershock.core.static_observer import OnGross
    from aftershock.model.instruments import FeeSchedule

__all__ = ["CalendarFlag", "CalendarScanner"]

_BID, _ASK = 0, 2  # positions in Chain.cells


class CalendarFlag(NamedTuple):
    """Rows of a near option that is bid above what a far one is offered at, and the edge after both fees."""

    near: int
    far: int
    net_bps: float


class CalendarScanner:
    """Tests an arriving quote against the expiry before its own and against the one after."""

    def __init__(self, config: EngineConfig) -> None:
        self._span = int(config.leg_span_ms * NS_PER_MS)
        self._max_age = int(config.option_max_age_ms * NS_PER_MS)
        self.counts = PackageCounts()
        self.on_gross: OnGross | None = None

    def scan(
        self,
        chain: Chain,
        row: int,
        now: int,
        index: float,
        fees: FeeSchedule | None,
        tested: dict[tuple[int, int], bool],
    ) -> list[CalendarFlag]:
        """Return the flags whose edge exceeds the fees of both options.

        Args:
            chain: Chain whose row was just written.
            row: The row.
            now: `ts_confirmed` of that row.
            index: Index price for fees; NaN where unknown.
            fees: Option fees; None makes no edge net.
            tested: (near, far) pairs of this moment, which are not tested twice; this one writes it.
        """
        instrument = chain.instruments[row]
        expiry = chain.expiries.get(instrument.expiry_ns or 0)
        if expiry is None or now - expiry.underlying_ts > self._max_age:
            return []
        least = 1 if chain.confirms_stream else now - self._span
        is_call, inverse = instrument.is_call is True, instrument.inverse
        bids, asks, confirmed = chain.cells[_BID], chain.cells[_ASK], chain.confirmed_cells
        flags = []
        for other, is_near in ((expiry.earlier, False), (expiry.later, True)):
            if other is None or now - other.underlying_ts > self._max_age:
                continue
            partner = _partner(other, instrument.strike / expiry.underlying_price, is_call=is_call, is_near=is_near)
            pair = (row, partner) if is_near else (partner, row)
            if partner == NO_ROW or pair in tested:
                continue
            tested[pair] = True
            if confirmed[partner] < least:
                self.counts.desync += 1
                continue
            self.counts.checked += 1
            near, far = (expiry, other) if is_near else (other, expiry)
            units = (1.0, 1.0) if inverse else (near.underlying_price, far.underlying_price)
            gross = bids[pair[0]] / units[0] - asks[pair[1]] / units[1]
            if gross > 0:
                net_bps = self._net_bps(chain, pair, units, gross, 1.0 if inverse else index, fees)
                if net_bps > 0:
                    flags.append(CalendarFlag(*pair, net_bps))
            elif gross != gross:  # noqa: PLR0124  NaN: no price
                self.counts.unquoted += 1
        return flags

    def _net_bps(
        self,
        chain: Chain,
        pair: tuple[int, int],
        units: tuple[float, float],
        gross: float,
        notional: float,
        fees: FeeSchedule | None,
    ) -> float:
        """Count a gross edge, and return what fees leave of it in bps of the forward; NaN if that is nothing."""
        self.counts.gross += 1
        net: float = NAN
        if fees is not None:
            net = gross
            for price, unit in zip((chain.cells[_BID][pair[0]], chain.cells[_ASK][pair[1]]), units, strict=True):
                net -= min(fees.taker_rate * notional, fees.cap_fraction * price) / unit
        if self.on_gross is not None:
            legs = ObservedLeg(chain, pair[0], Side.SELL), ObservedLeg(chain, pair[1], Side.BUY)
            self.on_gross(GrossEdge(EdgeType.CALENDAR, Action.HOLD, legs, gross, gross - net))
        if not net > 0:
            return NAN
        self.counts.net += 1
        return BPS * net


def _partner(other: Expiry, strike_over_forward: float, *, is_call: bool, is_near: bool) -> int:
    """Return the row of the nearest option on the safe side of the same strike over forward, NO_ROW if there is none.

    A far call must have the lower k, a far put the higher; seen from the far option it is the other way round.
    """
    same_k = strike_over_forward * other.underlying_price
    strikes = other.strikes
    at = bisect_right(strikes, same_k) - 1 if is_call == is_near else bisect_left(strikes, same_k)
    return (other.calls if is_call else other.puts)[at] if 0 <= at < len(strikes) else NO_ROW
