"""From figures to cases: what is evaluated, packages and pairs that were found, and what was held, once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aftershock.core.case import EmptyCase, Moment, SpokenCase
from aftershock.core.cross_case import CrossVenueCase
from aftershock.core.cross_pair import PairPricer
from aftershock.core.dislocation_case import DislocationCase, assess_dislocation
from aftershock.core.hedge import cheapest_hedge
from aftershock.core.moments import is_suspect
from aftershock.core.overshoot import is_exhausted, overshoot_figures
from aftershock.core.overshoot_case import OvershootEvaluation
from aftershock.core.package_case import PackageCase
from aftershock.core.quote_case import Evaluation, QuoteCase
from aftershock.core.rules import UnitLimits
from aftershock.core.speaker import Speaker
from aftershock.core.triggers import BestSoFar
from aftershock.model.signals import EdgeType, Reason
from aftershock.model.units import BPS, NAN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from aftershock.core.asset import AssetState
    from aftershock.core.case import Case
    from aftershock.core.chain import Chain
    from aftershock.core.config import EngineConfig
    from aftershock.core.cross_pair import CrossPair
    from aftershock.core.dislocation import Dislocation
    from aftershock.core.fees import FeeBook
    from aftershock.core.held import Held, Reviews
    from aftershock.core.package import Package
    from aftershock.core.stale_quotes import ArmedChain
    from aftershock.core.stats import EngineStats
    from aftershock.core.triggers import OpenTrigger

__all__ = ["Decider"]


class Decider:
    """Makes a case of each opportunity and lets the speaker decide it."""

    def __init__(self, config: EngineConfig, fees: FeeBook, stats: EngineStats, reviews: Reviews) -> None:
        self._config = config
        self._fees = fees
        self._stats = stats
        self._pricer = PairPricer(config, fees)
        self._speaker = Speaker(config, reviews)
        self._unit_limits = UnitLimits(
            config.unit_max_spread_bps,
            config.unit_min_ratio,
            config.unit_max_ratio,
            config.unit_min_iv,
            config.unit_max_iv,
        )

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
            stale.suspect = is_suspect(armed.chain, asset, config)
            stale.series = asset.consolidated
            effects += self._on_evaluation(trigger, stale, armed.candidates(figures), asset)
        if overshoot:
            figures = overshoot_figures(armed, config, forwards, now, index, fees, hedge, positions)
            over = OvershootEvaluation(trigger, config, when, armed, figures, index, fees, hedge, self._unit_limits)
            effects += self._on_evaluation(trigger, over, armed.overshot_candidates(figures), asset)
        return effects

    def _on_evaluation(
        self, trigger: OpenTrigger, evaluation: Evaluation, candidates: list[tuple[int, bool]], asset: AssetState
    ) -> list[Any]:
        """Judge the candidates of an evaluation; keep its best quote while there was none."""
        effects: list[Any] = []
        for case in evaluation.cases(candidates):
            effects += self._speaker.decide(trigger, case, asset)
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
        case = PackageCase(trigger, self._config, when, chain, package, asset, fees)
        return self._speaker.decide(trigger, case, asset)

    def on_dislocation(self, trigger: OpenTrigger, when: Moment, found: Dislocation, asset: AssetState) -> list[Any]:
        """Judge a perpetual that stands away from the others."""
        case = DislocationCase(trigger, self._config, when, found, asset.book.index_price)
        return self._speaker.decide(trigger, case, asset)

    def would_order(self, when: Moment, found: Dislocation) -> bool:
        """Tell whether a perpetual that stands away passes every check before the risk gate."""
        return self._speaker.would_order(assess_dislocation(found, self._config, when))

    def on_cross_venue(self, trigger: OpenTrigger, when: Moment, pair: CrossPair, asset: AssetState) -> list[Any]:
        """Judge the same option on two venues."""
        fees = self._fees.of(pair.bought.instrument, when.now)
        without_index = not asset.book.index_price > 0
        case = CrossVenueCase(trigger, self._config, when, pair, fees, index_is_forward=without_index)
        return self._speaker.decide(trigger, case, asset)

    def on_nothing(self, trigger: OpenTrigger, when: Moment, asset: AssetState, *, evaluable: bool) -> list[Any]:
        """Say the one HOLD of a trigger that had no opportunity."""
        best = trigger.best
        if best is not None:
            return self._speaker.decide(trigger, SpokenCase(best.assessment, best.signal, when), asset)
        empty = EmptyCase(trigger, self._config, when, asset, evaluable=evaluable)
        return self._speaker.decide(trigger, empty, asset)

    def on_settled(self, trigger: OpenTrigger, held: Held, when: Moment, asset: AssetState) -> list[Any]:
        """Say what becomes of what was held: the same legs and side, judged by the figures of this moment."""
        case, gone = self._again(trigger, held.case, when, asset)
        return self._speaker.settle(trigger, held, case, () if not gone else (Reason.NO_EDGE,))

    def _again(self, trigger: OpenTrigger, case: Case, when: Moment, asset: AssetState) -> tuple[Case, bool]:
        """Return a case at another moment, and whether what made the rules look for it is over."""
        now = when.now
        if isinstance(case, QuoteCase):
            over = case.of.edge_type is EdgeType.VOL_OVERSHOOT and not is_exhausted(trigger, asset, self._config, now)
            return self._quote_again(trigger, case, when, asset), over
        if isinstance(case, PackageCase):
            chain, row = case.listings[0]
            return case.again(when, self._fees.of(chain.instruments[row], now)), False
        if isinstance(case, CrossVenueCase):
            chain, row = case.listings[0]
            return case.again(when, asset, self._pricer, self._fees.of(chain.instruments[row], now)), False
        if isinstance(case, DislocationCase):
            return case.again(when, asset), not asset.dislocations.stands(case.found, now)
        return case, True

    def _quote_again(self, trigger: OpenTrigger, case: QuoteCase, when: Moment, asset: AssetState) -> QuoteCase:
        """Evaluate one option and side again; when the rules look at it next stays as it is."""
        config, now, index, armed = self._config, when.now, asset.book.index_price, case.of.armed
        positions = np.array([case.position], dtype=np.int64)
        trigger.evaluations += 1
        self._stats.evaluations += 1
        fees = self._fees.of(armed.chain.instruments[int(armed.rows[0])], now)
        hedge = cheapest_hedge(asset.book, self._fees, now, config.hedge_impact_bps)
        forwards = self._forwards(trigger, armed, asset, now)
        evaluation: Evaluation
        if case.of.edge_type is EdgeType.VOL_OVERSHOOT:
            figures = overshoot_figures(armed, config, forwards, now, index, fees, hedge, positions)
            evaluation = OvershootEvaluation(
                trigger, config, when, armed, figures, index, fees, hedge, self._unit_limits
            )
        else:
            figures = armed.evaluate(config, forwards, now, index, fees, hedge, positions, in_passing=True)
            evaluation = Evaluation(trigger, config, when, armed, figures, index, fees, hedge, self._unit_limits)
            evaluation.suspect = is_suspect(armed.chain, asset, config)
            evaluation.series = asset.consolidated
        (again,) = evaluation.cases([(0, case.buying)])
        return again
