"""Edge A as a case: one option and side among the evaluated ones of a trigger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from aftershock.core.case import CaseKey, Moment, blank_signal, latency_ms
from aftershock.core.rules import Assessment, UnitLimits, confidence, executable_size, unit_faults
from aftershock.model.orders import Hedge, Leg, Side
from aftershock.model.signals import Action, ArbitrageSignal, EdgeType
from aftershock.model.units import BPS, NAN, NS_PER_MS, NS_PER_S
from aftershock.pricing.hot import iv_within

if TYPE_CHECKING:
    from aftershock.core.config import EngineConfig
    from aftershock.core.hedge import HedgeQuote
    from aftershock.core.stale_quotes import ArmedChain, EdgeFigures
    from aftershock.core.triggers import OpenTrigger
    from aftershock.model.instruments import FeeSchedule

__all__ = ["Evaluation", "QuoteCase"]


class Evaluation(msgspec.Struct, frozen=True):
    """One evaluation of a chain: what its cases have in common."""

    trigger: OpenTrigger
    config: EngineConfig
    when: Moment
    armed: ArmedChain
    figures: EdgeFigures
    index: float
    fees: FeeSchedule | None
    hedge: HedgeQuote | None


class QuoteCase:
    """The at-th option of an evaluation, bought or sold."""

    def __init__(self, evaluation: Evaluation, at: int, *, buying: bool) -> None:
        self._of = evaluation
        self._at = at
        self._buying = buying
        figures, armed = evaluation.figures, evaluation.armed
        self._side = figures.buy if buying else figures.sell
        self._position = int(figures.positions[at])
        self._row = int(armed.rows[self._position])
        self._instrument = armed.chain.instruments[self._row]
        self._forward = float(figures.forward[at])
        self._hedge_delta = float(self._side.hedge_delta[at])

    @property
    def key(self) -> CaseKey:
        """Return venue, row and side."""
        return (*self._of.armed.chain.key, self._row, self._buying)

    @property
    def _hedge_side(self) -> Side:
        return Side.SELL if (self._hedge_delta > 0) == self._buying else Side.BUY

    def assess(self) -> Assessment:
        """Return what the rules look at."""
        of, at, instrument, forward = self._of, self._at, self._instrument, self._forward
        config, when, chain = of.config, of.when, of.armed.chain
        bid, bid_amount, ask, ask_amount = (cell[self._row] for cell in chain.cells[:4])
        quote, amount = (ask, ask_amount) if self._buying else (bid, bid_amount)
        price, value = float(self._side.price_usd[at]), float(self._side.value_usd[at])
        net_bps = BPS * float(self._side.net[at]) / forward
        confirmed = chain.confirmed(self._row)
        latency = latency_ms(of.trigger, when.now, config)
        limits = UnitLimits(config.unit_max_spread_bps, config.unit_min_ratio, config.unit_max_ratio)
        plausible_iv = iv_within(
            price,
            forward,
            instrument.strike,
            float(of.figures.tau[at]),
            config.unit_min_iv,
            config.unit_max_iv,
            is_call=instrument.is_call is True,
        )
        return Assessment(
            action=Action.BUY if self._buying else Action.SELL,
            venue_up=when.venue_up,
            in_gap=confirmed == 0,
            age_ms=(when.now - confirmed) / NS_PER_MS,
            latency_ms=0.0 if latency != latency else latency,  # noqa: PLR0124  one clock: off
            has_forward=forward > 0,
            dispersion_bps=when.dispersion_bps,
            max_dispersion_bps=when.max_dispersion_bps,
            seconds_to_expiry=((instrument.expiry_ns or 0) - when.now) / NS_PER_S,
            faults=unit_faults(
                bid=bid,
                ask=ask,
                price=price,
                value=value,
                delta=float(self._side.delta[at]),
                plausible_iv=plausible_iv,
                spread_bps=net_bps,
                inverse_call_price=quote if instrument.inverse and instrument.is_call else NAN,
                limits=limits,
            ),
            stub=self._buying and (price > config.stub_ask_over_value * value or (instrument.inverse and quote >= 1.0)),
            executable_forward=of.hedge is not None and config.forward == "quotes",
            quoted=amount >= 0,
            quantity=self._size(amount),
            lot_coins=instrument.coins(instrument.lot_size, forward),
            evaluable=of.fees is not None and value == value,  # noqa: PLR0124  no smile, no value
            gross_bps=BPS * float(self._side.gross[at]) / forward,
            net_bps=net_bps,
            threshold_bps=max(
                config.threshold_buy_bps if self._buying else config.threshold_sell_bps, config.min_spread_bps
            ),
        )

    def _size(self, amount: float) -> float:
        """Return the executable size in coins, limited by the quote and by what the hedge would meet."""
        coins_per_unit = self._instrument.coins(1.0, self._forward)
        hedge, hedge_delta = self._of.hedge, abs(self._hedge_delta)
        sizes: tuple[float, ...] = (amount,)
        if hedge is not None and hedge_delta > 0:
            sizes = (amount, hedge.coins(self._hedge_side) / hedge_delta / coins_per_unit)
        config = self._of.config
        lots = executable_size(
            config.order_coins / coins_per_unit, sizes, config.depth_haircut, self._instrument.lot_size
        )
        return lots * coins_per_unit

    def signal(self, assessment: Assessment) -> ArbitrageSignal:
        """Return the signal with its waterfall."""
        of, at, instrument, forward, side = self._of, self._at, self._instrument, self._forward, self._side
        config, chain, hedge = of.config, of.armed.chain, of.hedge
        bid, _, ask, _ = (cell[self._row] for cell in chain.cells[:4])
        fee, hedge_cost = float(side.fee[at]), float(side.hedge_cost[at])
        vega_per_point = float(side.vega[at]) / 100.0
        half_spread = 0.5 * (ask - bid) * (forward if instrument.inverse else 1.0)
        leg = Leg(
            venue=chain.venue,
            symbol=instrument.symbol,
            side=Side.BUY if self._buying else Side.SELL,
            ratio=1.0,
            price=ask if self._buying else bid,
            price_usd=float(side.price_usd[at]),
        )
        plan = None
        if hedge is not None:
            coins = abs(self._hedge_delta) * assessment.quantity
            plan = Hedge(side=self._hedge_side, coins=coins, cost_usd=hedge_cost)
        return msgspec.structs.replace(
            blank_signal(of.trigger, config, of.when),
            target_market=chain.venue,
            edge_type=EdgeType.STALE_QUOTE,
            legs=(leg,),
            hedge=plan,
            spread_bps=assessment.net_bps,
            gross_spread_bps=assessment.gross_bps,
            quantity=assessment.quantity,
            forward=forward,
            index=of.index if of.index > 0 else forward,
            index_is_forward=not of.index > 0,
            value_usd=float(side.value_usd[at]),
            price_usd=leg.price_usd,
            scenario=of.armed.scenario(config, self._position, forward, buying=self._buying),
            fee_usd=fee,
            hedge_cost_usd=hedge_cost,
            entry_cost_usd=fee + hedge_cost,
            exit_cost_usd=half_spread + fee + hedge_cost,
            delta=float(side.delta[at]),
            hedge_delta=self._hedge_delta,
            vega_per_vol_point=vega_per_point,
            taker_rate=NAN if of.fees is None else of.fees.taker_rate,
            threshold_bps=assessment.threshold_bps,
            book_age_ms=assessment.age_ms,
            leg_span_ms=0.0,
            confidence=confidence(
                float(side.net[at]),
                vega_sd=vega_per_point * config.sd_vol_points,
                basis_sd=abs(self._hedge_delta) * forward * config.sd_basis_bps / BPS,
            ),
        )
