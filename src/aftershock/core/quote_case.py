"""An edge on one option as a case: one option and side among the evaluated ones of a trigger."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from aftershock.core.case import CaseKey, Moment, blank_signal, latency_ms
from aftershock.core.quote_edges import DELTA_MARGIN
from aftershock.core.rules import Assessment, UnitLimits, confidence, executable_size, unit_faults
from aftershock.model.orders import Hedge, Leg, Side
from aftershock.model.signals import Action, ArbitrageSignal, EdgeType
from aftershock.model.units import BPS, NAN, NS_PER_MS, NS_PER_S
from aftershock.pricing.hot import iv_within

if TYPE_CHECKING:
    from aftershock.core.config import EngineConfig
    from aftershock.core.hedge import HedgeQuote
    from aftershock.core.series import LogPriceSeries
    from aftershock.core.stale_quotes import ArmedChain, EdgeFigures
    from aftershock.core.triggers import OpenTrigger
    from aftershock.model.instruments import FeeSchedule

__all__ = ["Evaluation", "QuoteCase"]


class Row(NamedTuple):
    """Figures of one option and side, as plain floats."""

    forward: float
    tau: float
    price_usd: float
    value_usd: float
    gross: float
    fee: float
    hedge_cost: float
    net: float
    delta: float
    hedge_delta: float
    vega: float


class Evaluation:
    """One evaluation of a chain for edge A: what its cases have in common."""

    edge_type = EdgeType.STALE_QUOTE

    def __init__(  # noqa: PLR0913, PLR0917  what its cases have in common
        self,
        trigger: OpenTrigger,
        config: EngineConfig,
        when: Moment,
        armed: ArmedChain,
        figures: EdgeFigures,
        index: float,
        fees: FeeSchedule | None,
        hedge: HedgeQuote | None,
        limits: UnitLimits,
    ) -> None:
        self.trigger, self.config, self.when, self.armed, self.figures = trigger, config, when, armed, figures
        self.index, self.fees, self.hedge, self.limits = index, fees, hedge, limits
        latency = latency_ms(trigger, when.now, config)
        self.latency_ms = 0.0 if latency != latency else latency  # noqa: PLR0124  one clock: off
        self.threshold_bps = {
            True: max(config.threshold_buy_bps, config.min_spread_bps),
            False: max(config.threshold_sell_bps, config.min_spread_bps),
        }
        self.suspect = False
        self.series: LogPriceSeries | None = None
        self.executable = hedge is not None and config.forward == "quotes"

    def case(self, at: int, row: Row, *, buying: bool) -> QuoteCase:
        """Return the case of one option and side."""
        return QuoteCase(self, at, row, buying=buying)

    def cases(self, wanted: list[tuple[int, bool]]) -> list[QuoteCase]:
        """Return a case for each (index, buying), in order; their figures leave the arrays all at once."""
        figures, cases = self.figures, {}
        for buying, side in ((True, figures.buy), (False, figures.sell)):
            indices = [at for at, buys in wanted if buys is buying]
            columns = (
                figures.forward,
                figures.tau,
                side.price_usd,
                side.value_usd,
                side.gross,
                side.fee,
                side.hedge_cost,
                side.net,
                side.delta,
                side.hedge_delta,
                side.vega,
            )
            for at, row in zip(indices, np.stack(columns)[:, indices].T.tolist() if indices else (), strict=True):
                cases[at, buying] = self.case(at, Row(*row), buying=buying)
        return [cases[each] for each in wanted]


class QuoteCase:
    """The at-th option of an evaluation, bought or sold."""

    def __init__(self, evaluation: Evaluation, at: int, row: Row, *, buying: bool) -> None:
        self._of = evaluation
        self._figures = row
        self._buying = buying
        armed = evaluation.armed
        self._position = int(evaluation.figures.positions[at])
        self._row = int(armed.rows[self._position])
        self._instrument = armed.chain.instruments[self._row]
        self.key: CaseKey = (armed.chain.venue, armed.chain.underlying, self._row, buying)

    @property
    def of(self) -> Evaluation:
        """Return the evaluation that it belongs to."""
        return self._of

    @property
    def position(self) -> int:
        """Return its position among what the trigger watches of its chain; `buying` tells the side."""
        return self._position

    @property
    def buying(self) -> bool:
        """Return whether its ask is lifted."""
        return self._buying

    @property
    def _hedge_side(self) -> Side:
        return Side.SELL if (self._figures.hedge_delta > 0) == self._buying else Side.BUY

    def assess(self) -> Assessment:
        """Return what the rules look at."""
        of, instrument, row, buying = self._of, self._instrument, self._figures, self._buying
        when, chain, limits = of.when, of.armed.chain, of.limits
        bids, bid_amounts, asks, ask_amounts = chain.cells[:4]
        bid, ask = bids[self._row], asks[self._row]
        quote = ask if buying else bid
        amount = ask_amounts[self._row] if buying else bid_amounts[self._row]
        net_bps = BPS * row.net / row.forward
        confirmed = chain.confirmed(self._row)
        is_call = instrument.is_call is True
        plausible_iv = iv_within(
            row.price_usd,
            row.forward,
            instrument.strike,
            row.tau,
            limits.min_iv,
            limits.max_iv,
            is_call=is_call,
        )
        stub_level = of.config.stub_ask_over_value * row.value_usd
        return Assessment(
            action=Action.BUY if buying else Action.SELL,
            venue_up=when.venue_up,
            in_gap=confirmed == 0,
            age_ms=math.inf if of.suspect else (when.now - confirmed) / NS_PER_MS,
            latency_ms=of.latency_ms,
            has_forward=row.forward > 0,
            dispersion_bps=when.dispersion_bps,
            max_dispersion_bps=when.max_dispersion_bps,
            seconds_to_expiry=((instrument.expiry_ns or 0) - when.now) / NS_PER_S,
            faults=unit_faults(
                bid=bid,
                ask=ask,
                price=row.price_usd,
                value=row.value_usd,
                delta=row.delta,
                plausible_iv=plausible_iv,
                spread_bps=net_bps,
                inverse_call_price=quote if instrument.inverse and is_call else NAN,
                limits=limits,
            )
            + (() if self._explained(row) else ("price that no stale quote explains",)),
            stub=buying and (row.price_usd > stub_level or (instrument.inverse and quote >= 1.0)),
            executable_forward=of.executable,
            quoted=amount >= 0,
            quantity=self._size(amount),
            lot_coins=instrument.coins(instrument.lot_size, row.forward),
            evaluable=of.fees is not None and row.value_usd == row.value_usd,
            gross_bps=BPS * row.gross / row.forward,
            net_bps=net_bps,
            threshold_bps=of.threshold_bps[buying],
            edge=of.edge_type,
        )

    def _explained(self, row: Row) -> bool:
        of = self._of
        if of.armed.is_contradicted(of.config, self._position):
            return False
        standing = of.armed.explains(of.config, self._position, row.price_usd, row.forward, buying=self._buying)
        return standing and self._moved_enough(row)

    def _moved_enough(self, row: Row) -> bool:
        """Tell whether the forward moved far enough, since the quote's maker looked at it, to leave such an edge.

        A quote that was fair then is wrong now by no more than delta times the move.
        """
        of, config, series = self._of, self._of.config, self._of.series
        if not (config.maker_lag_ms > 0 and row.gross > 0) or series is None:
            return True
        since = of.armed.chain.changed_cells[self._row] - int(config.maker_lag_ms * NS_PER_MS)
        least, most = series.extremes(since)
        then = least if (row.delta > 0) == self._buying else most
        moved = abs(series.last - then) * row.forward
        room = config.unexplained_bps / BPS * row.forward
        return not row.gross > (abs(row.delta) + DELTA_MARGIN) * moved + room

    def _size(self, amount: float) -> float:
        """Return the executable size in coins, limited by the quote and by what the hedge would meet."""
        coins_per_unit = self._instrument.coins(1.0, self._figures.forward)
        hedge, hedge_delta = self._of.hedge, abs(self._figures.hedge_delta)
        sizes: tuple[float, ...] = (amount,)
        if hedge is not None and hedge_delta > 0:
            sizes = (amount, hedge.coins(self._hedge_side) / hedge_delta / coins_per_unit)
        config = self._of.config
        lots = executable_size(
            config.order_coins / coins_per_unit, sizes, config.depth_haircut, self._instrument.lot_size
        )
        return lots * coins_per_unit

    def _scenario(self) -> str:
        """Name the scenario that set the value."""
        of = self._of
        return of.armed.scenario(of.config, self._position, self._figures.forward, buying=self._buying)

    def signal(self, assessment: Assessment) -> ArbitrageSignal:
        """Return the signal with its waterfall."""
        of, instrument, row = self._of, self._instrument, self._figures
        config, chain, hedge, forward = of.config, of.armed.chain, of.hedge, row.forward
        bid, _, ask, _ = (cell[self._row] for cell in chain.cells[:4])
        vega_per_point = row.vega / 100.0
        half_spread = 0.5 * (ask - bid) * (forward if instrument.inverse else 1.0)
        leg = Leg(
            venue=chain.venue,
            symbol=instrument.symbol,
            side=Side.BUY if self._buying else Side.SELL,
            ratio=1.0,
            price=ask if self._buying else bid,
            price_usd=row.price_usd,
        )
        plan = None
        if hedge is not None:
            coins = abs(row.hedge_delta) * assessment.quantity
            plan = Hedge(side=self._hedge_side, coins=coins, cost_usd=row.hedge_cost)
        return msgspec.structs.replace(
            blank_signal(of.trigger, config, of.when),
            target_market=chain.venue,
            edge_type=of.edge_type,
            legs=(leg,),
            hedge=plan,
            spread_bps=assessment.net_bps,
            gross_spread_bps=assessment.gross_bps,
            quantity=assessment.quantity,
            forward=forward,
            index=of.index if of.index > 0 else forward,
            index_is_forward=not of.index > 0,
            value_usd=row.value_usd,
            price_usd=leg.price_usd,
            scenario=self._scenario(),
            fee_usd=row.fee,
            hedge_cost_usd=row.hedge_cost,
            entry_cost_usd=row.fee + row.hedge_cost,
            exit_cost_usd=half_spread + row.fee + row.hedge_cost,
            delta=row.delta,
            hedge_delta=row.hedge_delta,
            vega_per_vol_point=vega_per_point,
            taker_rate=NAN if of.fees is None else of.fees.taker_rate,
            threshold_bps=assessment.threshold_bps,
            book_age_ms=assessment.age_ms,
            leg_span_ms=0.0,
            confidence=confidence(
                row.net,
                vega_sd=vega_per_point * config.sd_vol_points,
                basis_sd=abs(row.hedge_delta) * forward * config.sd_basis_bps / BPS,
            ),
        )
