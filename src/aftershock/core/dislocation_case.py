"""Edge E as a case: two perpetual legs, the venue that stands away and the one that takes the other side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from aftershock.core.case import CaseKey, Moment, blank_signal
from aftershock.core.rules import Assessment, confidence, executable_size
from aftershock.model.orders import Leg, Side
from aftershock.model.signals import Action, EdgeType
from aftershock.model.units import BPS, NAN, NS_PER_MS

if TYPE_CHECKING:
    from aftershock.core.asset import AssetState
    from aftershock.core.config import EngineConfig
    from aftershock.core.dislocation import Dislocation
    from aftershock.core.forward import TopOfBook
    from aftershock.core.triggers import OpenTrigger
    from aftershock.model.signals import ArbitrageSignal

__all__ = ["DislocationCase", "assess_dislocation"]

_LEAST_COINS = 1e-3


def assess_dislocation(found: Dislocation, config: EngineConfig, when: Moment) -> Assessment:
    """Return what the rules look at; needs no trigger, so that it can be asked before one opens."""
    faults = (f"edge of {found.net_bps:.1f} bps",) if abs(found.net_bps) > config.unit_max_spread_bps else ()
    coins = (found.top.coins(to_sell=not found.buying), found.other.top.coins(to_sell=found.buying))
    step = _step(found)
    return Assessment(
        action=Action.BUY if found.buying else Action.SELL,
        venue_up=when.venue_up,
        age_ms=(when.now - min(found.top.confirmed, found.other.top.confirmed)) / NS_PER_MS,
        span_ms=found.span_ns / NS_PER_MS,
        faults=faults,
        quoted=all(each >= 0 for each in coins),
        quantity=executable_size(config.order_coins, coins, config.depth_haircut, step),
        lot_coins=step,
        gross_bps=BPS * found.gross / found.fair,
        net_bps=found.net_bps,
        threshold_bps=max(config.threshold_dislocation_bps, config.min_spread_bps),
        edge=EdgeType.DISLOCATION,
    )


def _step(found: Dislocation) -> float:
    """Return the order step in coins: the larger of the lots that are known, else a thousandth of a coin."""
    lots = [_lot_coins(found.top, found.price), _lot_coins(found.other.top, found.other.price)]
    return max([lot for lot in lots if lot > 0], default=_LEAST_COINS)


class DislocationCase:
    """One venue and side with a positive net edge."""

    key: CaseKey = ()  # its trigger has one opportunity

    def __init__(
        self, trigger: OpenTrigger, config: EngineConfig, when: Moment, found: Dislocation, index: float
    ) -> None:
        self._trigger, self._config, self._when = trigger, config, when
        self._found, self._index = found, index

    @property
    def found(self) -> Dislocation:
        """Return what it is about."""
        return self._found

    def again(self, when: Moment, asset: AssetState) -> DislocationCase:
        """Return the same legs at another moment."""
        found = asset.dislocations.again(self._found, asset.book.consolidated(when.now), when.now)
        return DislocationCase(self._trigger, self._config, when, found, asset.book.index_price)

    def assess(self) -> Assessment:
        """Return what the rules look at."""
        return assess_dislocation(self._found, self._config, self._when)

    def signal(self, assessment: Assessment) -> ArbitrageSignal:
        """Return the signal; its price is that of the pair, its value what the pair costs at fair prices."""
        found, other, config = self._found, self._found.other, self._config
        own, opposite = (Side.BUY, Side.SELL) if found.buying else (Side.SELL, Side.BUY)
        pair = found.price - other.price if found.buying else other.price - found.price
        entry = found.fee_usd + other.cost_usd
        return msgspec.structs.replace(
            blank_signal(self._trigger, config, self._when),
            target_market=found.venue,
            edge_type=EdgeType.DISLOCATION,
            legs=(_leg(found.top, found.price, own), _leg(other.top, other.price, opposite)),
            spread_bps=assessment.net_bps,
            gross_spread_bps=assessment.gross_bps,
            quantity=assessment.quantity,
            forward=found.fair,
            index=self._index if self._index > 0 else found.fair,
            index_is_forward=not self._index > 0,
            value_usd=pair + found.gross,
            price_usd=pair,
            fee_usd=found.fee_usd + other.fee_usd,
            hedge_cost_usd=other.slippage_usd,
            entry_cost_usd=entry,
            exit_cost_usd=entry + 0.5 * (found.top.ask - found.top.bid),
            taker_rate=found.fee_usd / found.price if found.price > 0 else NAN,
            threshold_bps=assessment.threshold_bps,
            book_age_ms=assessment.age_ms,
            leg_span_ms=assessment.span_ms,
            confidence=confidence(found.net, vega_sd=0.0, basis_sd=found.fair * config.sd_basis_bps / BPS),
        )


def _lot_coins(top: TopOfBook, price: float) -> float:
    lot = top.instrument.lot_size
    return top.instrument.coins(lot, price) if lot > 0 else NAN


def _leg(top: TopOfBook, price: float, side: Side) -> Leg:
    instrument = top.instrument
    return Leg(venue=instrument.venue, symbol=instrument.symbol, side=side, ratio=1.0, price=price, price_usd=price)
