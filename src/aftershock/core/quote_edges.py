"""What edges on single options have in common: one side of the chain against values, net of fee and hedge.

Everything is an array over the evaluated options, NaN where nothing can be said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from aftershock.model.units import NAN

if TYPE_CHECKING:
    from aftershock.core.hedge import HedgeQuote
    from aftershock.model.instruments import FeeSchedule

__all__ = ["DELTA_MARGIN", "EdgeFigures", "Floats", "Frame", "SideEdges"]

Floats = NDArray[np.float64]

DELTA_MARGIN = 0.1
"""A delta changes while the forward moves: where a move is turned into a value, it is taken so much larger."""


class SideEdges(msgspec.Struct, frozen=True, kw_only=True):
    """One side of the chain: arrays over the evaluated options, NaN where nothing can be said.

    Attributes:
        price_usd, value_usd: Executable price, and the robust value that it is held against.
        sigma: Volatility of that value.
        gross, fee, hedge_cost, net: USD per coin; fee and hedge one way.
        delta, hedge_delta, vega: At that volatility; `hedge_delta` is delta - x for an inverse option.
    """

    price_usd: Floats
    value_usd: Floats
    sigma: Floats
    gross: Floats
    fee: Floats
    hedge_cost: Floats
    net: Floats
    delta: Floats
    hedge_delta: Floats
    vega: Floats


class EdgeFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides of the evaluated options, and the forward of each."""

    positions: NDArray[np.int64]
    forward: Floats
    tau: Floats
    buy: SideEdges
    sell: SideEdges


class Frame(NamedTuple):
    """Arrays over the evaluated options that do not depend on what they are held against.

    Attributes:
        expiry: Position of each option's expiry.
        forward, tau, strike, is_call, bid, ask: Of each.
        unit: What a quoted price of 1 is in USD.
        fee_base: What the fee is a rate of.
        inverse: Of the whole chain.
    """

    expiry: NDArray[np.int64]
    forward: Floats
    tau: Floats
    strike: Floats
    is_call: NDArray[np.bool_]
    bid: Floats
    ask: Floats
    unit: Floats
    fee_base: Floats
    inverse: bool

    def side(
        self,
        sigma: Floats,
        value: Floats,
        delta: Floats,
        vega: Floats,
        fees: FeeSchedule | None,
        hedge: HedgeQuote | None,
        *,
        buying: bool,
        ways: int = 1,
    ) -> SideEdges:
        """Hold one side's quotes against values.

        Args:
            sigma: Volatility behind the values; `delta` and `vega` at it.
            value: USD per coin, likewise one per option.
            delta: Per option.
            vega: Per option.
            fees: None if unknown: net is then NaN.
            hedge: None if there is none: its cost is then left out, and the rules refuse.
            buying: Whether asks are lifted, or bids hit.
            ways: How often fee and hedge are paid before `net`: 1 to get in, 2 to get out as well.
        """
        quote = self.ask if buying else self.bid
        price = quote * self.unit
        gross = (1.0 if buying else -1.0) * (value - price)
        hedge_delta = delta - quote if self.inverse else delta
        rate, cap = (NAN, NAN) if fees is None else (fees.taker_rate, fees.cap_fraction)
        fee = np.minimum(rate * self.fee_base, cap * price)
        hedge_cost = np.abs(hedge_delta) * (0.0 if hedge is None else hedge.unit_cost_usd)
        net = gross - fee - hedge_cost
        return SideEdges(
            price_usd=price,
            value_usd=value,
            sigma=sigma,
            gross=gross,
            fee=fee,
            hedge_cost=hedge_cost,
            net=net if ways == 1 else gross - ways * (fee + hedge_cost),
            delta=delta,
            hedge_delta=hedge_delta,
            vega=vega,
        )
