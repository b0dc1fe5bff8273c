"""From figures to decisions: judge cases, ask the risk gate, and speak only when something changed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from aftershock.core.calibration import calibrated, spoken
from aftershock.core.case import Case, EmptyCase, Moment, SpokenCase
from aftershock.core.cross_case import CrossVenueCase
from aftershock.core.dislocation_case import DislocationCase, assess_dislocation
from aftershock.core.hedge import cheapest_hedge
from aftershock.core.overshoot import is_exhausted, overshoot_figures
from aftershock.core.overshoot_case import OvershootEvaluation
from aftershock.core.package_case import PackageCase
from aftershock.core.quote_case import Evaluation
from aftershock.core.risk import RiskGate
from aftershock.core.rules import Assessment, Limits, UnitLimits, judge
from aftershock.core.triggers import BestSoFar, Decided
from aftershock.model.orders import ApprovedOrder, OrderIntent, RefusedOrder
from aftershock.model.signals import Action, ArbitrageSignal, EdgeType, Reason
from aftershock.model.units import BPS, NAN, NS_PER_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from aftershock.core.asset import AssetState
    from aftershock.core.chain import Chain
    from aftershock.core.config import EngineConfig
    from aftershock.core.cross_venue import CrossPair
    from aftershock.core.dislocation import Dislocation
    from aftershock.core.fees import FeeBook
    from aftershock.core.package import Package
    from aftershock.core.stale_quotes import ArmedChain
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
        self._limits = Limits(
            config.option_max_age_ms, config.leg_span_ms, config.max_latency_ms, config.expiry_window_s
        )
        self._unit_limits = UnitLimits(
            config.unit_max_spread_bps,
            config.unit_min_ratio,
            config.unit_max_ratio,
            config.unit_min_iv,
            config.unit_max_iv,
        )

    def moment(self, trigger: OpenTrigger, asset: AssetState, now: int, ts_event: int, *, venue_up: bool) -> Moment:
        """Return what holds for every option at this moment: the venue's state and the dispersion gate."""
        dispersion, most = 0.0, math.inf
        if self._config.forward == "quotes" and trigger.bases is not None:
            held = asset.book.consolidated(now, trigger.bases)
            share = self._config.max_dispersion_move_share * abs(trigger.move_bps(held.log_price))
            dispersion = held.dispersion_bps
            most = min(self._config.max_dispersion_bps, share)
        return Moment(now=now, ts_event=ts_event, venue_up=venue_up, dispersion_bps=dispersion, max_dispersion_bps=most)

    def on_quotes(
        self, trigger: OpenTrigger, when: Moment, armed: ArmedChain, positions: NDArray[np.int64], asset: AssetState
    ) -> list[Any]:
        """Evaluate options of a trigger and return the decisions that changed, with their orders."""
        config, now, index = self._config, when.now, asset.book.index_price
        overshoot = "D" in config.edges and is_exhausted(trigger, asset, config, now)
        if len(positions) == 0 or not (overshoot or "A" in config.edges):
            return []
        trigger.evaluations += len(positions)
        self._stats.evaluations += len(positions)
        fees = self._fees.of(armed.chain.instruments[int(armed.rows[0])], now)
        hedge = cheapest_hedge(asset.book, self._fees, now, config.hedge_impact_bps)
        forwards = self._forwards(trigger, armed, asset, now)
        effects: list[Any] = []
        if "A" in config.edges:
            figures = armed.evaluate(config, forwards, now, index, fees, hedge, positions)
            stale = Evaluation(trigger, config, when, armed, figures, index, fees, hedge, self._unit_limits)
            stale.suspect = self.suspect(armed.chain, asset)
            stale.series = asset.consolidated
            effects += self._on_evaluation(trigger, stale, armed.candidates(figures))
        if overshoot:
            figures = overshoot_figures(armed, config, forwards, now, index, fees, hedge, positions)
            over = OvershootEvaluation(trigger, config, when, armed, figures, index, fees, hedge, self._unit_limits)
            effects += self._on_evaluation(trigger, over, armed.overshot_candidates(figures))
        return effects

    def suspect(self, chain: Chain, asset: AssetState) -> bool:
        """Tell whether a chain's feed is late, or said nothing while the consolidated series moved on."""
        quiet = abs(asset.consolidated.last - chain.seen_log_price) * BPS
        # A series that is not there says nothing against the chain.
        return chain.lag_ns > self._config.max_feed_lag_ms * NS_PER_MS or quiet > self._config.max_quiet_move_bps

    def _on_evaluation(
        self, trigger: OpenTrigger, evaluation: Evaluation, candidates: list[tuple[int, bool]]
    ) -> list[Any]:
        """Judge the candidates of an evaluation; keep its best quote while there was none."""
        effects: list[Any] = []
        for case in evaluation.cases(candidates):
            effects += self._decide(trigger, case)
        if trigger.decisions == 0:
            self._note_best(evaluation)
        return effects

    def _forwards(self, trigger: OpenTrigger, armed: ArmedChain, asset: AssetState, now: int) -> list[float]:
        held = asset.book.consolidated(now, trigger.bases) if self._config.forward == "quotes" else None
        forwards = []
        for each in armed.expiries:
            expiry = armed.chain.expiries.get(each.expiry_ns)
            live = expiry is not None and each.expiry_ns > now
            forwards.append(
                asset.forward(armed.chain, expiry, now, trigger.bases, held) if live and expiry is not None else NAN
            )
        return forwards

    @staticmethod
    def _note_best(evaluation: Evaluation) -> None:
        """Keep the quote with the largest net edge, for the HOLD of a trigger without opportunities."""
        figures, trigger = evaluation.figures, evaluation.trigger
        for side, buying in ((figures.buy, True), (figures.sell, False)):
            net_bps = BPS * side.net / figures.forward
            net_bps[np.isnan(net_bps)] = -np.inf
            at = int(np.argmax(net_bps))
            best = trigger.best
            if net_bps[at] > -np.inf and (best is None or net_bps[at] > best.assessment.net_bps):
                (case,) = evaluation.cases([(at, buying)])
                assessment = case.assess()
                trigger.best = BestSoFar(assessment, case.signal(assessment))

    def on_package(
        self, trigger: OpenTrigger, when: Moment, chain: Chain, package: Package, asset: AssetState
    ) -> list[Any]:
        """Judge a static package."""
        fees = self._fees.of(chain.instruments[package.legs[0].row], when.now)
        return self._decide(trigger, PackageCase(trigger, self._config, when, chain, package, asset, fees))

    def on_dislocation(self, trigger: OpenTrigger, when: Moment, found: Dislocation, asset: AssetState) -> list[Any]:
        """Judge a perpetual that stands away from the others."""
        return self._decide(trigger, DislocationCase(trigger, self._config, when, found, asset.book.index_price))

    def would_order(self, when: Moment, found: Dislocation) -> bool:
        """Tell whether a perpetual that stands away passes every check before the risk gate."""
        return not judge(self._calibrated(assess_dislocation(found, self._config, when)), self._limits)

    def _calibrated(self, assessment: Assessment) -> Assessment:
        return calibrated(assessment, self._config.calibration, self._config.min_spread_bps)

    def on_cross_venue(self, trigger: OpenTrigger, when: Moment, pair: CrossPair, asset: AssetState) -> list[Any]:
        """Judge the same option on two venues."""
        fees = self._fees.of(pair.bought.instrument, when.now)
        without_index = not asset.book.index_price > 0
        case = CrossVenueCase(trigger, self._config, when, pair, fees, index_is_forward=without_index)
        return self._decide(trigger, case)

    def on_nothing(self, trigger: OpenTrigger, when: Moment, asset: AssetState, *, evaluable: bool) -> list[Any]:
        """Say the one HOLD of a trigger that had no opportunity."""
        best = trigger.best
        if best is not None:
            return self._decide(trigger, SpokenCase(best.assessment, best.signal, when))
        return self._decide(trigger, EmptyCase(trigger, self._config, when, asset, evaluable=evaluable))

    def _decide(self, trigger: OpenTrigger, case: Case) -> list[Any]:
        assessment = self._calibrated(case.assess())
        against = judge(assessment, self._limits)
        last = trigger.decided.get(case.key)
        wanted = Decided(Action.HOLD, against[0]) if against else Decided(assessment.action, Reason.EDGE)
        if last == wanted:
            return []
        signal = msgspec.structs.replace(
            spoken(case.signal(assessment), assessment, self._config.calibration),
            signal_id=f"{trigger.trigger_id}/{trigger.decisions + 1}",
            also=tuple(against[1:]),
        )
        order = None if against else self._ask(signal, assessment)
        verdict = Decided(Action.HOLD, Reason.RISK_LIMIT) if isinstance(order, RefusedOrder) else wanted
        if last == verdict:
            return []
        trigger.decided[case.key] = verdict
        trigger.decisions += 1
        said = msgspec.structs.replace(signal, action=verdict.action, reason=verdict.reason)
        return [said] if order is None else [said, order]

    def _ask(self, signal: ArbitrageSignal, assessment: Assessment) -> ApprovedOrder | RefusedOrder:
        """Put an intent to the risk gate."""
        room = (assessment.net_bps - assessment.threshold_bps) / BPS * signal.forward
        selling_one = len(signal.legs) == 1 and assessment.action is Action.SELL
        intent = OrderIntent(
            intent_id=f"{signal.signal_id}/order",
            trigger_id=signal.trigger_id,
            edge="" if signal.edge_type is None else signal.edge_type.value,
            legs=signal.legs,
            quantity=signal.quantity,
            limit_usd=signal.price_usd - room if selling_one else signal.price_usd + room,
            hedge=signal.hedge,
        )
        price_usd, value_usd = signal.price_usd, signal.value_usd
        if signal.edge_type is EdgeType.DISLOCATION:  # the pair is worth next to nothing, the perpetual its fair price
            price_usd, value_usd = signal.legs[0].price_usd, signal.forward
        return self._gate.check(
            intent, signal.ts_init, price_usd=price_usd, value_usd=value_usd, forward=signal.forward
        )
