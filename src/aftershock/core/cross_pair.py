"""What buying an option on one venue and selling it on another costs and leaves, now."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from aftershock.core.hedge import cheapest_hedge
from aftershock.model.orders import Side
from aftershock.model.units import BPS, NAN, tau_years

if TYPE_CHECKING:
    from aftershock.core.asset import AssetState
    from aftershock.core.chain import Chain, Expiry
    from aftershock.core.config import EngineConfig
    from aftershock.core.fees import FeeBook
    from aftershock.core.hedge import HedgeQuote
    from aftershock.core.package import ExecutableForward
    from aftershock.model.instruments import Instrument

__all__ = ["CrossPair", "Forwards", "Listing", "PairPricer", "in_order"]

Forwards = dict["Expiry", "ExecutableForward"]
"""What packages of an expiry are measured against, as known at one moment."""

_BID, _ASK = 0, 2  # positions in Chain.cells


class Listing(NamedTuple):
    """An option where it is listed."""

    chain: Chain
    row: int

    @property
    def instrument(self) -> Instrument:
        """Return its terms."""
        return self.chain.instruments[self.row]

    def price(self, side: Side) -> float:
        """Return what a taker of this side gets, as the venue quotes it."""
        cells: float = self.chain.cells[_ASK if side is Side.BUY else _BID][self.row]
        return cells

    def confirmed(self) -> int:
        """Return when its quote was, ns; 0 in a gap."""
        return self.chain.confirmed(self.row)


class CrossPair(msgspec.Struct, frozen=True, kw_only=True):
    """One direction of a pair; money in USD per coin.

    Attributes:
        bought, sold: The legs.
        forward, index: That prices and rates are converted and measured at.
        price_usd: What the legs cost together, negative if they pay.
        fee_usd: Trading and delivery fees of both options.
        hedge_cost_usd: Of hedging the premium coins.
        allowance_usd: For stablecoin, settlement index and capital.
        premium_coins: Coins that the legs bring in per coin; 0 where nothing is to be hedged.
        hedge: Where, None where nothing is to be hedged, or can be.
        span_ns, oldest: Between the confirmations of the legs, and the first, ns.
    """

    bought: Listing
    sold: Listing
    forward: float
    index: float
    price_usd: float
    fee_usd: float
    hedge_cost_usd: float
    allowance_usd: float
    premium_coins: float
    hedge: HedgeQuote | None
    span_ns: int
    oldest: int

    @property
    def venues(self) -> str:
        """Return the venue that is bought on and the one that is sold on."""
        return f"{self.bought.chain.venue}+{self.sold.chain.venue}"

    @property
    def gross_bps(self) -> float:
        """Return the edge before costs, in bps of the forward."""
        return -BPS * self.price_usd / self.forward

    @property
    def net_bps(self) -> float:
        """Return the edge after costs, in bps of the forward."""
        cost = self.fee_usd + self.hedge_cost_usd + self.allowance_usd
        return BPS * (-self.price_usd - cost) / self.forward

    @property
    def hedgeable(self) -> bool:
        """Tell whether what is to be hedged, if anything, can be."""
        return self.hedge is not None or self.premium_coins == 0


class PairPricer:
    """Prices pairs at the moment of asking; the configuration says what is set aside."""

    def __init__(self, config: EngineConfig, fees: FeeBook) -> None:
        self._config = config
        self._fees = fees

    @staticmethod
    def forward(asset: AssetState, first: Listing, second: Listing, now: int, forwards: Forwards) -> float:
        """Return the forward of the first leg's chain, or else of the second's; NaN if neither is known.

        Args:
            asset: Coin.
            first: The leg that comes first in the order of pairs.
            second: The other.
            now: Our clock, ns.
            forwards: Those looked up at this moment; this one adds to them.
        """
        expiry_ns = first.instrument.expiry_ns or 0
        for leg in (first, second):
            expiry = leg.chain.expiries.get(expiry_ns)
            if expiry is None:
                continue
            held = forwards.get(expiry)
            if held is None:
                held = forwards[expiry] = asset.package_forward(leg.chain, expiry, now)
            forward = asset.quoted_middle(held, expiry, now)
            if forward > 0:
                return forward
        return NAN

    def price(self, asset: AssetState, bought: Listing, sold: Listing, forward: float, now: int) -> CrossPair:
        """Return one direction with its figures: NaN where a price or a fee is unknown."""
        paid = bought.price(Side.BUY) * (forward if bought.instrument.inverse else 1.0)
        got = sold.price(Side.SELL) * (forward if sold.instrument.inverse else 1.0)
        coins, hedge, hedge_cost = 0.0, None, 0.0
        if bought.instrument.inverse != sold.instrument.inverse:
            coins = -bought.price(Side.BUY) if bought.instrument.inverse else sold.price(Side.SELL)
            hedge = cheapest_hedge(asset.book, self._fees, now, self._config.hedge_impact_bps)
            hedge_cost = NAN
            if hedge is not None:
                # A coin of premium counts as the forward; a perpetual that gives less for it costs the difference.
                worse = hedge.middle_usd - forward if coins < 0 else forward - hedge.middle_usd
                hedge_cost = abs(coins) * (hedge.unit_cost_usd + max(worse, 0.0))
        index = asset.index(forward)
        moments = bought.confirmed(), sold.confirmed()
        return CrossPair(
            bought=bought,
            sold=sold,
            forward=forward,
            index=index,
            price_usd=paid - got,
            fee_usd=self._fee(bought, Side.BUY, forward, index, now) + self._fee(sold, Side.SELL, forward, index, now),
            hedge_cost_usd=hedge_cost,
            allowance_usd=self._allowance(bought.instrument, sold.instrument, paid, forward, now),
            premium_coins=coins,
            hedge=hedge,
            span_ns=max(moments) - min(moments),
            oldest=min(moments),
        )

    def again(self, asset: AssetState, was: CrossPair, now: int) -> CrossPair:
        """Return the same legs at the quotes of now."""
        first, second = in_order(was.bought, was.sold)
        return self.price(asset, was.bought, was.sold, self.forward(asset, first, second, now, {}), now)

    def _fee(self, leg: Listing, side: Side, forward: float, index: float, now: int) -> float:
        """Return what a leg pays its venue for the trade and at delivery; NaN while its fees are unknown."""
        schedule = self._fees.of(leg.instrument, now)
        if schedule is None:
            return NAN
        notional, unit = (1.0, forward) if leg.instrument.inverse else (index, 1.0)
        trade = min(schedule.taker_rate * notional, schedule.cap_fraction * leg.price(side))
        return (trade + schedule.delivery_rate * notional) * unit

    def _allowance(self, bought: Instrument, sold: Instrument, paid: float, forward: float, now: int) -> float:
        """Return what is set aside for two indices, for a stablecoin, and for the capital that stands on two venues."""
        config = self._config
        bps = config.settlement_basis_bps + (config.stable_haircut_bps if bought.quote != sold.quote else 0.0)
        margin = paid + config.cross_short_margin * forward
        years = tau_years(bought.expiry_ns or 0, now)
        return bps / BPS * forward + margin * config.capital_rate_per_year * years


def in_order(one: Listing, other: Listing) -> tuple[Listing, Listing]:
    """Return two listings inverse before linear, then by name."""
    first, second = sorted((one, other), key=lambda each: (not each.instrument.inverse, each.chain.key))
    return first, second
