"""What a package or decision that was seen at one moment leaves at the quotes of a later one.

The bounds of the static tests are of one form: a constant, plus what the future does, less what the options cost. The
constant is what was seen less the other two, so nothing of the bounds is written here a second time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aftershock.core.chain import NO_ROW
from aftershock.model.orders import Side
from aftershock.model.signals import EdgeType
from aftershock.model.units import BPS, NAN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aftershock.core.asset import AssetState
    from aftershock.core.chain import Chain, Expiry
    from aftershock.core.static_observer import GrossEdge, ObservedLeg
    from aftershock.model.signals import ArbitrageSignal

__all__ = ["EdgeThen", "SignalThen"]


class EdgeThen:
    """A gross edge, to be looked at again.

    Attributes:
        gross_bps, net_bps: As it was seen, in bps of the forward; NaN where not known.
    """

    def __init__(self, edge: GrossEdge, asset: AssetState, now: int) -> None:
        self._edge = edge
        self._usd = 0.0  # notional of an inverse future
        if edge.future is not None and edge.forward is not None:
            self._usd = edge.future[1] * 0.5 * (edge.forward.bid + edge.forward.ask)
        self._constant = edge.gross - self._worth(asset, now)
        self.gross_bps, self.net_bps = self._bps(edge.gross, asset, now)

    def again(self, asset: AssetState, now: int) -> tuple[float, float]:
        """Return gross and net edge at the quotes and the forward of now, bps; the cost per coin is as it was."""
        if self._edge.edge_type is EdgeType.CALENDAR and not self._is_safe():
            return NAN, NAN
        return self._bps(self._constant + self._worth(asset, now), asset, now)

    def _bps(self, gross: float, asset: AssetState, now: int) -> tuple[float, float]:
        edge, first = self._edge, self._edge.legs[0]
        unit = 1.0
        if edge.edge_type is EdgeType.CROSS_VENUE:
            unit = self._pair_forward(asset, now)
        elif edge.edge_type is not EdgeType.CALENDAR and not first.chain.instruments[first.row].inverse:
            bid, ask = self._forward(asset, now)
            unit = 0.5 * (bid + ask)
        return BPS * gross / unit, BPS * (gross - edge.cost) / unit

    def _worth(self, asset: AssetState, now: int) -> float:
        """Return what the future does less what the options cost, in the unit of the edge; NaN without a price."""
        edge = self._edge
        paid = sum(leg.ratio * _paid(leg) * self._unit(leg, asset, now) for leg in edge.legs)
        if edge.future is None:
            return -paid
        side, coins = edge.future
        bid, ask = self._forward(asset, now)
        at = ask if side is Side.BUY else bid
        sign = 1.0 if side is Side.BUY else -1.0
        inverse = edge.legs[0].chain.instruments[edge.legs[0].row].inverse
        # N USD of an inverse future bought at F pay N/F - N/S_T coin; a coin of a linear one S_T - F.
        return (sign * self._usd / at if inverse else -sign * coins * at) - paid

    def _unit(self, leg: ObservedLeg, asset: AssetState, now: int) -> float:
        inverse = leg.chain.instruments[leg.row].inverse
        if self._edge.edge_type is EdgeType.CROSS_VENUE:
            return self._pair_forward(asset, now) if inverse else 1.0
        if self._edge.edge_type is EdgeType.CALENDAR and not inverse:
            expiry = _expiry(leg)
            return NAN if expiry is None else 1.0 / expiry.underlying_price
        return 1.0

    def _forward(self, asset: AssetState, now: int) -> tuple[float, float]:
        leg = self._edge.legs[0]
        expiry = _expiry(leg)
        if expiry is None:
            return NAN, NAN
        forward = asset.package_forward(leg.chain, expiry, now)
        return forward.bid, forward.ask

    def _pair_forward(self, asset: AssetState, now: int) -> float:
        """Return the forward of the first leg's chain that has one, inverse before linear as in the test."""
        for leg in sorted(self._edge.legs, key=lambda each: not each.chain.instruments[each.row].inverse):
            expiry = _expiry(leg)
            if expiry is None:
                continue
            forward = asset.quoted_middle(asset.package_forward(leg.chain, expiry, now), expiry, now)
            if forward > 0:
                return forward
        return NAN

    def _is_safe(self) -> bool:
        """Tell whether the far strike of a calendar still is on the safe side of the near one's k."""
        near, far = self._edge.legs
        ks = []
        for leg in (near, far):
            expiry = _expiry(leg)
            ks.append(NAN if expiry is None else leg.chain.instruments[leg.row].strike / expiry.underlying_price)
        return ks[1] <= ks[0] if near.chain.instruments[near.row].is_call else ks[1] >= ks[0]


class SignalThen:
    """A decision, to be looked at again: its own value against later quotes of its options.

    The value, the unit of each price and the costs stay as the decision had them, and so does a future: this tells
    whether the quotes were still there, not whether the value was right.
    """

    def __init__(self, signal: ArbitrageSignal) -> None:
        self._signal = signal
        self.gross_bps, self.net_bps = signal.gross_spread_bps, signal.spread_bps

    def again(self, at: Sequence[tuple[Chain, int]]) -> tuple[float, float]:
        """Return gross and net edge, bps.

        Args:
            at: Where each leg is kept.
        """
        signal = self._signal
        dearer = 0.0
        for leg, (chain, row) in zip(signal.legs, at, strict=True):
            price = float(chain.ask[row]) if leg.side is Side.BUY else -float(chain.bid[row])
            was = leg.price if leg.side is Side.BUY else -leg.price
            dearer += leg.ratio * (price - was) * leg.price_usd / leg.price
        lost = BPS * dearer / signal.forward
        return signal.gross_spread_bps - lost, signal.spread_bps - lost


def _paid(leg: ObservedLeg) -> float:
    return float(leg.chain.ask[leg.row]) if leg.side is Side.BUY else -float(leg.chain.bid[leg.row])


def _expiry(leg: ObservedLeg) -> Expiry | None:
    return leg.chain.expiries.get(leg.chain.instruments[leg.row].expiry_ns or NO_ROW)
