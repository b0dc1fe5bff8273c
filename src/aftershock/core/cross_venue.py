"""Edge C: one option on two venues, bought where it is cheap and sold where it is dear.

Same coin, expiry, strike and type, so both legs pay the same at expiry but for the venues' settlement indices. An
inverse leg (price in coin) and a linear one (price in currency) may meet: what the coin premium does to the dollars is
hedged on a perpetual, and only that. Costs are those of docs/decision.md, section 5.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from aftershock.core.chain import NO_ROW
from aftershock.core.hedge import cheapest_hedge
from aftershock.core.package import PackageCounts
from aftershock.core.static_observer import GrossEdge, ObservedLeg
from aftershock.model.orders import Side
from aftershock.model.signals import Action, EdgeType
from aftershock.model.units import BPS, NAN, NS_PER_MS, tau_years

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aftershock.core.asset import AssetState
    from aftershock.core.chain import Chain, Expiry
    from aftershock.core.config import EngineConfig
    from aftershock.core.fees import FeeBook
    from aftershock.core.hedge import HedgeQuote
    from aftershock.core.package import ExecutableForward
    from aftershock.core.static_observer import OnGross
    from aftershock.model.instruments import Instrument

__all__ = ["CrossPair", "CrossVenueScanner", "Forwards", "Listing"]

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
    """One direction of a pair with a positive net edge; money in USD per coin.

    Attributes:
        bought, sold: The legs.
        forward, index: That prices and rates are converted and measured at.
        price_usd: What the legs cost together, negative if they pay.
        fee_usd: Trading and delivery fees of both options.
        hedge_cost_usd: Of hedging the premium coins.
        allowance_usd: For stablecoin, settlement index and capital.
        premium_coins: Coins that the legs bring in per coin; 0 where nothing is to be hedged.
        hedge: Where, None where nothing is to be hedged.
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


class _Pair(NamedTuple):
    """An option's counterpart, and both in one order whichever leg's quote arrives."""

    there: Listing
    first: Listing
    second: Listing


class _Pairs(NamedTuple):
    """The pairs of an option of a chain, as they were when so many options of its coin were listed."""

    listed: int
    chain: Chain
    pairs: list[_Pair]


_NOTHING: dict[int, bool] = {}


class CrossVenueScanner:
    """Tests an arriving quote against the same option wherever else it is listed, both ways."""

    def __init__(self, config: EngineConfig, fees: FeeBook) -> None:
        self._config = config
        self._fees = fees
        self._span = int(config.leg_span_ms * NS_PER_MS)
        self._pairs: dict[tuple[tuple[str, str], int], _Pairs] = {}
        self.counts = PackageCounts()
        self.on_gross: OnGross | None = None

    def scan(
        self,
        asset: AssetState,
        chain: Chain,
        row: int,
        now: int,
        done: Mapping[tuple[str, str], Mapping[int, bool]],
        forwards: Forwards | None = None,
    ) -> list[CrossPair]:
        """Return the pairs with a positive net edge.

        Args:
            asset: Coin.
            chain: Chain whose row was just written.
            row: The row.
            now: Our clock, ns.
            done: Rows by chain whose pairs were tested at this moment before.
            forwards: Those looked up at this moment; this one adds to them.
        """
        if len(asset.chains) < 2:
            return []
        found = []
        counts, forwards = self.counts, {} if forwards is None else forwards
        expiry_ns = chain.instruments[row].expiry_ns or 0
        for there, first, second in self._elsewhere(asset, chain, row):
            if expiry_ns not in there.chain.expiries or there.row in done.get(there.chain.key, _NOTHING):
                continue
            confirmed, other = chain.confirmed(row), there.chain.confirmed(there.row)
            if confirmed == 0 or other == 0 or abs(confirmed - other) > self._span:
                counts.desync += 2
                continue
            counts.checked += 2
            forward = self._forward(asset, first, second, now, forwards)
            first_unit = forward if first.instrument.inverse else 1.0
            second_unit = forward if second.instrument.inverse else 1.0
            first_cells, second_cells = first.chain.cells, second.chain.cells
            for bought, sold, gross in (
                (
                    first,
                    second,
                    second_cells[_BID][second.row] * second_unit - first_cells[_ASK][first.row] * first_unit,
                ),
                (
                    second,
                    first,
                    first_cells[_BID][first.row] * first_unit - second_cells[_ASK][second.row] * second_unit,
                ),
            ):
                if gross > 0:
                    pair = self._test(asset, bought, sold, forward, now)
                    found += [] if pair is None else [pair]
                else:
                    counts.unquoted += gross != gross or forward != forward  # noqa: PLR0124  NaN: no price
        return found

    def _elsewhere(self, asset: AssetState, chain: Chain, row: int) -> list[_Pair]:
        """Return the pairs of an option; they are looked for again when an option of its coin was listed."""
        listed = sum([len(each.instruments) for each in asset.chains.values()])
        known = self._pairs.get((chain.key, row))
        if known is None or known.listed != listed or known.chain is not chain:
            known = self._pairs[chain.key, row] = _Pairs(listed, chain, _find(asset, Listing(chain, row)))
        return known.pairs

    @staticmethod
    def _forward(asset: AssetState, first: Listing, second: Listing, now: int, forwards: Forwards) -> float:
        """Return the forward of the first leg's chain, or else of the second's; NaN if neither is known."""
        expiry_ns = first.instrument.expiry_ns or 0
        for leg in (first, second):
            expiry = leg.chain.expiries[expiry_ns]
            held = forwards.get(expiry)
            if held is None:
                held = forwards[expiry] = asset.package_forward(leg.chain, expiry, now)
            forward = asset.quoted_middle(held, expiry, now)
            if forward > 0:
                return forward
        return NAN

    def _test(self, asset: AssetState, bought: Listing, sold: Listing, forward: float, now: int) -> CrossPair | None:
        """Count one direction with a gross edge, and return it if its net edge is positive."""
        paid = bought.price(Side.BUY) * (forward if bought.instrument.inverse else 1.0)
        got = sold.price(Side.SELL) * (forward if sold.instrument.inverse else 1.0)
        gross = got - paid
        self.counts.gross += 1
        self._tell(bought, sold, gross, NAN)
        coins, hedge, hedge_cost = 0.0, None, 0.0
        if bought.instrument.inverse != sold.instrument.inverse:
            coins = -bought.price(Side.BUY) if bought.instrument.inverse else sold.price(Side.SELL)
            hedge = cheapest_hedge(asset.book, self._fees, now, self._config.hedge_impact_bps)
            if hedge is None:
                self.counts.no_executable_forward += 1
                return None
            # A coin of premium counts as the forward; a perpetual that gives less for it costs the difference.
            worse = hedge.middle_usd - forward if coins < 0 else forward - hedge.middle_usd
            hedge_cost = abs(coins) * (hedge.unit_cost_usd + max(worse, 0.0))
        index = asset.index(forward)
        fee = self._fee(bought, Side.BUY, forward, index, now) + self._fee(sold, Side.SELL, forward, index, now)
        allowance = self._allowance(bought.instrument, sold.instrument, paid, forward, now)
        if not gross > fee + hedge_cost + allowance:
            return None
        self.counts.net += 1
        self._tell(bought, sold, gross, fee + hedge_cost + allowance)
        moments = bought.confirmed(), sold.confirmed()
        return CrossPair(
            bought=bought,
            sold=sold,
            forward=forward,
            index=index,
            price_usd=paid - got,
            fee_usd=fee,
            hedge_cost_usd=hedge_cost,
            allowance_usd=allowance,
            premium_coins=coins,
            hedge=hedge,
            span_ns=max(moments) - min(moments),
            oldest=min(moments),
        )

    def _tell(self, bought: Listing, sold: Listing, gross: float, cost: float) -> None:
        if self.on_gross is not None:
            legs = tuple(ObservedLeg(at.chain, at.row, side) for at, side in ((bought, Side.BUY), (sold, Side.SELL)))
            self.on_gross(GrossEdge(EdgeType.CROSS_VENUE, Action.BUY, legs, gross, cost))

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


def _find(asset: AssetState, here: Listing) -> list[_Pair]:
    """Return the pairs of an option with the same option on every other venue: inverse before linear, then by name."""
    found = []
    instrument = here.instrument
    for chain in asset.chains.values():
        expiry = chain.expiries.get(instrument.expiry_ns or 0)
        if chain.venue == here.chain.venue or expiry is None:
            continue
        at = bisect_left(expiry.strikes, instrument.strike)
        if at == len(expiry.strikes) or expiry.strikes[at] != instrument.strike:
            continue
        row = (expiry.calls if instrument.is_call else expiry.puts)[at]
        if row != NO_ROW:
            there = Listing(chain, row)
            first, second = sorted((here, there), key=lambda each: (not each.instrument.inverse, each.chain.key))
            found.append(_Pair(there, first, second))
    return found
