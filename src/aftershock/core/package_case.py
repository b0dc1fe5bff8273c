"""A static package as a case: option legs, and the dated future where it needs one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from aftershock.core.case import CaseKey, Moment, blank_signal
from aftershock.core.lots import common_step
from aftershock.core.package_price import package_again
from aftershock.core.rules import Assessment, executable_size
from aftershock.model.orders import Hedge, Leg, Side
from aftershock.model.units import BPS, NAN, NS_PER_MS, NS_PER_S

if TYPE_CHECKING:
    from aftershock.core.asset import AssetState
    from aftershock.core.chain import Chain
    from aftershock.core.config import EngineConfig
    from aftershock.core.package import Package
    from aftershock.core.triggers import OpenTrigger
    from aftershock.model.instruments import FeeSchedule
    from aftershock.model.signals import ArbitrageSignal

__all__ = ["PackageCase"]


class PackageCase:
    """One package with a positive net edge."""

    key: CaseKey = ()  # a static trigger has one opportunity

    def __init__(
        self,
        trigger: OpenTrigger,
        config: EngineConfig,
        when: Moment,
        chain: Chain,
        package: Package,
        asset: AssetState,
        fees: FeeSchedule | None,
    ) -> None:
        self._trigger, self._config, self._when = trigger, config, when
        self._chain, self._package, self._asset, self._fees = chain, package, asset, fees
        self._forward = 0.5 * (package.forward.bid + package.forward.ask)
        self._first = chain.instruments[package.legs[0].row]

    @property
    def listings(self) -> tuple[tuple[Chain, int], ...]:
        """Return where its options are kept."""
        return tuple((self._chain, leg.row) for leg in self._package.legs)

    def again(self, when: Moment, fees: FeeSchedule | None) -> PackageCase:
        """Return the same legs at another moment; `fees` of that moment."""
        package = package_again(self._chain, self._package, self._asset, fees, when.now)
        return PackageCase(self._trigger, self._config, when, self._chain, package, self._asset, fees)

    def assess(self) -> Assessment:
        """Return what the rules look at."""
        package, config, when, first = self._package, self._config, self._when, self._first
        sizes, faults = [], []
        stub = False
        for row, side, ratio in package.legs:
            instrument = self._chain.instruments[row]
            bid, bid_amount, ask, ask_amount = (cell[row] for cell in self._chain.cells[:4])
            price = ask if side is Side.BUY else bid
            sizes.append((ask_amount if side is Side.BUY else bid_amount) / ratio)
            if bid >= ask:
                faults.append(f"crossed quote of {instrument.symbol}")
            if instrument.inverse and instrument.is_call and price > 1.0:
                faults.append("inverse call above one coin")
            stub |= side is Side.BUY and instrument.inverse and price >= 1.0
        if abs(package.net_bps) > config.unit_max_spread_bps:
            faults.append(f"edge of {package.net_bps:.1f} bps")
        coins_per_unit = first.coins(1.0, self._forward)
        future = self._asset.book.futures.get((*self._chain.key, first.expiry_ns or 0))
        if package.future_side is not None and future is not None:
            coins = future.coins(to_sell=package.future_side is Side.SELL)
            sizes.append(coins / package.future_coins / coins_per_unit)
        step = common_step((first.lot_size, leg.ratio) for leg in package.legs)
        native = executable_size(config.order_coins / coins_per_unit, tuple(sizes), config.depth_haircut, step)
        return Assessment(
            action=package.action,
            venue_up=when.venue_up,
            in_gap=package.oldest == 0,
            age_ms=(when.now - package.oldest) / NS_PER_MS,
            span_ms=package.span_ns / NS_PER_MS,
            seconds_to_expiry=((first.expiry_ns or 0) - when.now) / NS_PER_S,
            faults=(*when.faults, *faults),
            stub=stub,
            executable_forward=package.future_side is None or package.forward.executable,
            quoted=all(size >= 0 for size in sizes),
            quantity=native * coins_per_unit,
            lot_coins=first.coins(step, self._forward),
            gross_bps=package.gross_bps,
            net_bps=package.net_bps,
            threshold_bps=max(config.threshold_static_bps, config.min_spread_bps),
            edge=package.edge_type,
        )

    def _legs(self) -> tuple[Leg, ...]:
        to_usd = self._forward if self._first.inverse else 1.0
        legs = []
        for row, side, ratio in self._package.legs:
            price = self._chain.ask[row] if side is Side.BUY else self._chain.bid[row]
            symbol = self._chain.instruments[row].symbol
            legs.append(
                Leg(
                    venue=self._chain.venue,
                    symbol=symbol,
                    side=side,
                    ratio=ratio,
                    price=float(price),
                    price_usd=float(price) * to_usd,
                )
            )
        return tuple(legs)

    def signal(self, assessment: Assessment) -> ArbitrageSignal:
        """Return the signal; what the package locks in is its value."""
        package = self._package
        plan = None
        if package.future_side is not None:  # its fee is in `fee_usd`
            coins = package.future_coins * assessment.quantity
            plan = Hedge(side=package.future_side, coins=coins, cost_usd=0.0)
        return msgspec.structs.replace(
            blank_signal(self._trigger, self._config, self._when),
            target_market=self._chain.venue,
            edge_type=package.edge_type,
            legs=self._legs(),
            hedge=plan,
            spread_bps=package.net_bps,
            gross_spread_bps=package.gross_bps,
            quantity=assessment.quantity,
            forward=self._forward,
            index=package.forward.index,
            index_is_forward=not self._asset.book.index_price > 0,
            value_usd=package.gross_bps / BPS * self._forward + package.price_usd,
            price_usd=package.price_usd,
            fee_usd=package.fee_usd,
            hedge_cost_usd=0.0,
            entry_cost_usd=package.fee_usd,
            taker_rate=NAN if self._fees is None else self._fees.taker_rate,
            threshold_bps=assessment.threshold_bps,
            book_age_ms=assessment.age_ms,
            leg_span_ms=assessment.span_ms,
        )
