"""From figures to decisions: judge candidates, ask the risk gate, and speak only when something changed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from aftershock.core.draft import Candidate, Moment, draft_empty, draft_package, draft_stale_quote
from aftershock.core.hedge import HedgeQuote, cheapest_hedge
from aftershock.core.risk import RiskGate
from aftershock.core.rules import judge
from aftershock.core.triggers import Decided
from aftershock.model.orders import ApprovedOrder, OrderIntent, RefusedOrder
from aftershock.model.signals import Action, ArbitrageSignal, Reason
from aftershock.model.units import BPS, NAN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from aftershock.core.asset import AssetState
    from aftershock.core.chain import Chain
    from aftershock.core.config import EngineConfig
    from aftershock.core.fees import FeeBook
    from aftershock.core.packages import Package
    from aftershock.core.stale_quotes import ArmedChain, EdgeFigures
    from aftershock.core.stats import EngineStats
    from aftershock.core.triggers import OpenTrigger

__all__ = ["Decider"]


class Decider:
    """Judges opportunities; its only state is the risk gate's memory and the counters."""

    def __init__(self, config: EngineConfig, fees: FeeBook, stats: EngineStats) -> None:
        self._config = config
        self._fees = fees
        self._stats = stats
        self._gate = RiskGate(config.risk)

    def moment(self, trigger: OpenTrigger, asset: AssetState, now: int, ts_event: int, *, venue_up: bool) -> Moment:
        """Return what holds for every option at this moment: the venue's state and the dispersion gate."""
        dispersion, most = 0.0, math.inf
        if self._config.forward == "quotes" and trigger.bases is not None:
            held = asset.book.consolidated(now, trigger.bases)
            move = abs(trigger.move_bps(held.log_price))
            dispersion = held.dispersion_bps
            share = self._config.max_dispersion_move_share * move
            most = share if not share >= self._config.max_dispersion_bps else self._config.max_dispersion_bps
        return Moment(now=now, ts_event=ts_event, venue_up=venue_up, dispersion_bps=dispersion, max_dispersion_bps=most)

    def on_quotes(
        self, trigger: OpenTrigger, when: Moment, armed: ArmedChain, positions: NDArray[np.int64], asset: AssetState
    ) -> list[Any]:
        """Evaluate options of a trigger and return the decisions that changed, with their orders."""
        trigger.evaluations += len(positions)
        self._stats.evaluations += len(positions)
        if len(positions) == 0:
            return []
        config = self._config
        forwards = self._forwards(trigger, armed, asset, when.now)
        fees = self._fees.of(armed.chain.instruments[int(armed.rows[0])], when.now)
        hedge = cheapest_hedge(asset.book, self._fees, when.now, config.hedge_impact_bps)
        index = asset.book.index_price
        figures = armed.evaluate(config, forwards, when.now, index, fees, hedge, positions)
        effects: list[Any] = []
        for at, buying in self._candidates(armed, figures):
            candidate = draft_stale_quote(
                trigger,
                config,
                when,
                armed,
                figures,
                at,
                buying=buying,
                index=index,
                taker_rate=NAN if fees is None else fees.taker_rate,
                hedge=hedge,
                evaluable=fees is not None,
            )
            effects += self._decide(trigger, candidate)
        if trigger.decisions == 0:
            self._note_best(trigger, when, armed, figures, index, hedge)
        return effects

    def _forwards(self, trigger: OpenTrigger, armed: ArmedChain, asset: AssetState, now: int) -> list[float]:
        held = asset.book.consolidated(now, trigger.bases) if self._config.forward == "quotes" else None
        forwards = []
        for each in armed.expiries:
            expiry = armed.chain.expiries.get(each.expiry_ns)
            known = expiry is not None and each.expiry_ns > now
            forwards.append(
                asset.forward(armed.chain, expiry, now, trigger.bases, held) if known and expiry is not None else NAN
            )
        return forwards

    @staticmethod
    def _candidates(armed: ArmedChain, figures: EdgeFigures) -> list[tuple[int, bool]]:
        """Return (index, buying) of what has a gross edge now, or had one before."""
        found = []
        for at in np.flatnonzero(figures.buy.gross > 0).tolist():
            armed.known[int(figures.positions[at]), True] = True
        for at in np.flatnonzero(figures.sell.gross > 0).tolist():
            armed.known[int(figures.positions[at]), False] = True
        if not armed.known:
            return []
        index_of = {position: at for at, position in enumerate(figures.positions.tolist())}
        for position, buying in armed.known:
            if position in index_of:
                found.append((index_of[position], buying))
        return sorted(found, key=lambda each: (each[0], not each[1]))

    def _note_best(
        self,
        trigger: OpenTrigger,
        when: Moment,
        armed: ArmedChain,
        figures: EdgeFigures,
        index: float,
        hedge: HedgeQuote | None,
    ) -> None:
        """Keep the quote with the largest net edge, for the HOLD of a trigger without opportunities."""
        for side, buying in ((figures.buy, True), (figures.sell, False)):
            bps = BPS * side.net / figures.forward
            bps = np.where(np.isnan(bps), -np.inf, bps)
            at = int(np.argmax(bps))
            best = trigger.best
            if bps[at] > -np.inf and (best is None or bps[at] > best.assessment.net_bps):
                fees = self._fees.of(armed.chain.instruments[int(armed.rows[0])], when.now)
                trigger.best = draft_stale_quote(
                    trigger,
                    self._config,
                    when,
                    armed,
                    figures,
                    at,
                    buying=buying,
                    index=index,
                    taker_rate=NAN if fees is None else fees.taker_rate,
                    hedge=hedge,
                    evaluable=fees is not None,
                )

    def on_package(
        self, trigger: OpenTrigger, when: Moment, chain: Chain, package: Package, asset: AssetState
    ) -> list[Any]:
        """Judge a static package."""
        return self._decide(trigger, draft_package(trigger, self._config, when, chain, package, asset, self._fees))

    def on_nothing(self, trigger: OpenTrigger, when: Moment, asset: AssetState, *, evaluable: bool) -> list[Any]:
        """Say the one HOLD of a trigger that had no opportunity."""
        best = trigger.best
        if best is None:
            return self._decide(trigger, draft_empty(trigger, self._config, when, asset, evaluable=evaluable))
        # The figures are of the best moment; the decision is of this one.
        signal = msgspec.structs.replace(best.signal, ts_init=when.now, ts_event=when.ts_event)
        return self._decide(trigger, Candidate(assessment=best.assessment, signal=signal))

    def _decide(self, trigger: OpenTrigger, candidate: Candidate) -> list[Any]:
        config, assessment = self._config, candidate.assessment
        against = judge(
            assessment,
            max_age_ms=config.option_max_age_ms,
            max_span_ms=config.leg_span_ms,
            max_latency_ms=config.max_latency_ms,
            expiry_window_s=config.expiry_window_s,
        )
        key = (assessment.action.value, *(f"{leg.side.value} {leg.symbol}.{leg.venue}" for leg in assessment.legs))
        last = trigger.decided.get(key)
        signal = msgspec.structs.replace(
            candidate.signal, signal_id=f"{trigger.trigger_id}/{trigger.decisions + 1}", also=tuple(against[1:])
        )
        order: ApprovedOrder | RefusedOrder | None = None
        if against:
            verdict = Decided(Action.HOLD, against[0])
        else:
            verdict = Decided(assessment.action, Reason.EDGE)
            if last != verdict:
                order = self._ask(signal, candidate)
                if isinstance(order, RefusedOrder):
                    verdict = Decided(Action.HOLD, Reason.RISK_LIMIT)
        if last == verdict:
            return []
        trigger.decided[key] = verdict
        trigger.decisions += 1
        spoken = msgspec.structs.replace(signal, action=verdict.action, reason=verdict.reason)
        return [spoken] if order is None else [spoken, order]

    def _ask(self, signal: ArbitrageSignal, candidate: Candidate) -> ApprovedOrder | RefusedOrder:
        """Put an intent to the risk gate."""
        assessment = candidate.assessment
        room = (assessment.net_bps - assessment.threshold_bps) / BPS * signal.forward
        selling_one = len(signal.legs) == 1 and assessment.action is Action.SELL
        intent = OrderIntent(
            intent_id=f"{signal.signal_id}/order",
            trigger_id=signal.trigger_id,
            edge="" if assessment.edge_type is None else assessment.edge_type.value,
            legs=signal.legs,
            quantity=signal.quantity,
            limit_usd=signal.price_usd - room if selling_one else signal.price_usd + room,
            hedge=signal.hedge,
        )
        return self._gate.check(
            intent, signal.ts_init, price_usd=signal.price_usd, value_usd=signal.value_usd, forward=signal.forward
        )
