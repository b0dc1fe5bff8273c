"""Edge C as a case: one option on two venues."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from aftershock.core.case import CaseKey, Moment, blank_signal
from aftershock.core.lots import common_step
from aftershock.core.rules import Assessment, executable_size
from aftershock.model.orders import Hedge, Leg, Side
from aftershock.model.signals import Action, EdgeType
from aftershock.model.units import NAN, NS_PER_MS, NS_PER_S

if TYPE_CHECKING:
    from aftershock.core.asset import AssetState
    from aftershock.core.chain import Chain
    from aftershock.core.config import EngineConfig
    from aftershock.core.cross_pair import CrossPair, Listing, PairPricer
    from aftershock.core.triggers import OpenTrigger
    from aftershock.model.instruments import FeeSchedule
    from aftershock.model.signals import ArbitrageSignal

__all__ = ["CrossVenueCase"]


class CrossVenueCase:
    """One pair with a positive net edge; its action is BUY: of the leg that it names first."""

    key: CaseKey = ()  # a static trigger has one opportunity

    def __init__(
        self,
        trigger: OpenTrigger,
        config: EngineConfig,
        when: Moment,
        pair: CrossPair,
        fees: FeeSchedule | None,
        *,
        index_is_forward: bool,
    ) -> None:
        self._trigger, self._config, self._when, self._pair, self._fees = trigger, config, when, pair, fees
        self._index_is_forward = index_is_forward
        self._legs = ((pair.bought, Side.BUY), (pair.sold, Side.SELL))

    @property
    def listings(self) -> tuple[tuple[Chain, int], ...]:
        """Return where its options are kept."""
        return tuple((leg.chain, leg.row) for leg, _ in self._legs)

    def again(self, when: Moment, asset: AssetState, pricer: PairPricer, fees: FeeSchedule | None) -> CrossVenueCase:
        """Return the same legs at another moment; `fees` of that moment."""
        pair = pricer.again(asset, self._pair, when.now)
        without_index = not asset.book.index_price > 0
        return CrossVenueCase(self._trigger, self._config, when, pair, fees, index_is_forward=without_index)

    @property
    def _hedge_side(self) -> Side:
        """Return SELL where coins come in, BUY where they are paid away."""
        return Side.SELL if self._pair.premium_coins > 0 else Side.BUY

    def assess(self) -> Assessment:
        """Return what the rules look at."""
        pair, config, when = self._pair, self._config, self._when
        sizes = [self._size(leg, side) for leg, side in self._legs]
        quoted = all(size >= 0 for size in sizes)
        if pair.hedge is not None and pair.premium_coins:
            sizes.append(pair.hedge.coins(self._hedge_side) / abs(pair.premium_coins))
        lots = [leg.instrument.coins(leg.instrument.lot_size, pair.forward) for leg, _ in self._legs]
        step = common_step((lot, 1.0) for lot in lots)
        return Assessment(
            action=Action.BUY,
            edge=EdgeType.CROSS_VENUE,
            venue_up=when.venue_up,
            in_gap=pair.oldest == 0,
            age_ms=(when.now - pair.oldest) / NS_PER_MS,
            span_ms=pair.span_ns / NS_PER_MS,
            seconds_to_expiry=((pair.bought.instrument.expiry_ns or 0) - when.now) / NS_PER_S,
            faults=(*when.faults, *self._faults()),
            stub=pair.bought.instrument.inverse and pair.bought.price(Side.BUY) >= 1.0,
            executable_forward=pair.hedgeable,
            quoted=quoted,
            quantity=executable_size(config.order_coins, tuple(sizes), config.depth_haircut, step),
            lot_coins=step,
            gross_bps=pair.gross_bps,
            net_bps=pair.net_bps,
            threshold_bps=max(config.threshold_cross_bps, config.min_spread_bps),
        )

    def _size(self, leg: Listing, side: Side) -> float:
        """Return the quoted size in coins."""
        amounts = leg.chain.ask_amount if side is Side.BUY else leg.chain.bid_amount
        return leg.instrument.coins(float(amounts[leg.row]), self._pair.forward)

    def _faults(self) -> tuple[str, ...]:
        faults = []
        for leg, side in self._legs:
            instrument = leg.instrument
            if leg.price(Side.SELL) >= leg.price(Side.BUY):
                faults.append(f"crossed quote of {instrument.instrument_id}")
            if instrument.inverse and instrument.is_call and leg.price(side) > 1.0:
                faults.append("inverse call above one coin")
        if abs(self._pair.net_bps) > self._config.unit_max_spread_bps:
            faults.append(f"edge of {self._pair.net_bps:.1f} bps")
        return tuple(faults)

    def _leg(self, leg: Listing, side: Side) -> Leg:
        price = leg.price(side)
        return Leg(
            venue=leg.chain.venue,
            symbol=leg.instrument.symbol,
            side=side,
            ratio=1.0,
            price=price,
            price_usd=price * (self._pair.forward if leg.instrument.inverse else 1.0),
        )

    def signal(self, assessment: Assessment) -> ArbitrageSignal:
        """Return the signal; what the legs pay at expiry cancels, so their value together is nothing."""
        pair = self._pair
        plan = None
        if pair.hedge is not None:
            coins = abs(pair.premium_coins) * assessment.quantity
            plan = Hedge(side=self._hedge_side, coins=coins, cost_usd=pair.hedge_cost_usd)
        return msgspec.structs.replace(
            blank_signal(self._trigger, self._config, self._when),
            target_market=pair.venues,
            edge_type=EdgeType.CROSS_VENUE,
            legs=tuple(self._leg(leg, side) for leg, side in self._legs),
            hedge=plan,
            spread_bps=pair.net_bps,
            gross_spread_bps=pair.gross_bps,
            quantity=assessment.quantity,
            forward=pair.forward,
            index=pair.index,
            index_is_forward=self._index_is_forward,
            value_usd=0.0,
            price_usd=pair.price_usd,
            fee_usd=pair.fee_usd,
            hedge_cost_usd=pair.hedge_cost_usd,
            allowance_usd=pair.allowance_usd,
            entry_cost_usd=pair.fee_usd + pair.hedge_cost_usd,
            hedge_delta=pair.premium_coins,
            taker_rate=NAN if self._fees is None else self._fees.taker_rate,
            threshold_bps=assessment.threshold_bps,
            book_age_ms=assessment.age_ms,
            leg_span_ms=assessment.span_ms,
        )
