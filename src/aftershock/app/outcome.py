"""What a run gave: every effect is counted as it comes, and the whole becomes one JSON document."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import Any

from aftershock.app.plain import plain, plain_signal, ranked
from aftershock.core.config import EngineConfig
from aftershock.core.triggers import is_degraded
from aftershock.model.orders import ApprovedOrder, PackageResult, RefusedOrder
from aftershock.model.signals import (
    Action,
    Alarm,
    ArbitrageSignal,
    EdgeType,
    Reason,
    ReviewRequest,
    TriggerClosed,
    TriggerOpened,
)
from aftershock.model.units import BPS, iso_utc

__all__ = ["Effect", "Outcome", "effect_document"]

Effect = (
    TriggerOpened
    | TriggerClosed
    | ArbitrageSignal
    | Alarm
    | ReviewRequest
    | ApprovedOrder
    | RefusedOrder
    | PackageResult
)


_NAMED_BY_FIRST_LEG = (EdgeType.STALE_QUOTE, EdgeType.VOL_OVERSHOOT, EdgeType.DISLOCATION)


def effect_document(effect: Effect) -> dict[str, Any]:
    """Return one effect as JSON values."""
    return plain_signal(effect) if isinstance(effect, ArbitrageSignal) else plain(effect)


class Outcome:
    """Keeps the effects of a run in the order in which they came."""

    def __init__(self, config: EngineConfig) -> None:
        self._config = config
        self.opened: list[TriggerOpened] = []
        self.closed: dict[str, TriggerClosed] = {}
        self.signals: list[ArbitrageSignal] = []
        self.alarms: list[Alarm] = []
        self.approved: list[ApprovedOrder] = []
        self.refused: list[RefusedOrder] = []
        self.results: list[PackageResult] = []
        self.reviews: list[ReviewRequest] = []

    def add(self, effect: Effect) -> None:
        """Take one effect.

        Raises:
            TypeError: It is of a kind that this version does not report.
        """
        if isinstance(effect, ArbitrageSignal):
            self.signals.append(effect)
        elif isinstance(effect, TriggerOpened):
            self.opened.append(effect)
        elif isinstance(effect, TriggerClosed):
            self.closed[effect.trigger_id] = effect
        elif isinstance(effect, Alarm):
            self.alarms.append(effect)
        elif isinstance(effect, ApprovedOrder):
            self.approved.append(effect)
        elif isinstance(effect, RefusedOrder):
            self.refused.append(effect)
        elif isinstance(effect, PackageResult):
            self.results.append(effect)
        elif isinstance(effect, ReviewRequest):
            self.reviews.append(effect)
        else:
            raise TypeError(f"the engine gave a {type(effect).__qualname__}, which nobody reports")

    def decisions(self) -> dict[str, int]:
        """Return the number of decisions by action, zero included."""
        counts = Counter(signal.action for signal in self.signals)
        return {action.value: counts[action] for action in Action}

    def hold_reasons(self) -> dict[str, int]:
        """Return the number of HOLDs by reason, most frequent first."""
        return ranked(Counter(s.reason.value for s in self.signals if s.action is Action.HOLD))

    def document(self) -> dict[str, Any]:
        """Return the JSON names that speak of triggers, decisions, orders and alarms."""
        return {
            "triggers": self._triggers(),
            "degraded": self._degraded(),
            "decisions": self.decisions(),
            "hold_reasons": self.hold_reasons(),
            "signals": [plain_signal(signal) for signal in self.signals],
            "floor": self.floor(),
            "orders": {
                "approved": plain(self.approved),
                "refused": plain(self.refused),
                "results": plain(self.results),
            },
            "alarms": {
                "count": len(self.alarms),
                "by_code": ranked(Counter(alarm.code for alarm in self.alarms)),
                "list": plain(self.alarms),
            },
        }

    def _triggers(self) -> dict[str, Any]:
        return {
            "count": len(self.opened),
            "by_kind": ranked(Counter(trigger.kind.value for trigger in self.opened)),
            "by_series": ranked(Counter(trigger.series or trigger.asset for trigger in self.opened)),
            "list": [self._trigger(trigger) for trigger in self.opened],
        }

    def _trigger(self, trigger: TriggerOpened) -> dict[str, Any]:
        closed = self.closed.get(trigger.trigger_id)
        return {
            **plain(trigger),
            "time": iso_utc(trigger.ts_init),
            "closed_ts": None if closed is None else str(closed.ts_init),
            "evaluations": None if closed is None else closed.evaluations,
            "decisions": None if closed is None else closed.decisions,
        }

    def _degraded(self) -> dict[str, Any]:
        degraded = [trigger for trigger in self.opened if trigger.profile == "degraded"]
        return {
            "count": len(degraded),
            "by_condition": ranked(
                Counter(name for trigger in degraded for name in trigger.not_evaluable if is_degraded((name,)))
            ),
            "trigger_ids": [trigger.trigger_id for trigger in degraded],
        }

    def floor(self) -> dict[str, Any]:
        """Say what `min_spread_bps` took away: edges that would have passed their own type's threshold.

        The implied move is what the forward must have moved under a standing quote for its net edge to reach the
        floor: (floor + entry cost) / |delta|, the median over the priced decisions with |delta| of 0.1 and more.
        """
        floor = self._config.min_spread_bps
        removed = [
            s for s in self.signals if s.reason is Reason.BELOW_MIN_SPREAD and self._own(s) <= s.spread_bps < floor
        ]
        moves = [
            (floor + BPS * s.entry_cost_usd / s.forward) / abs(s.delta)
            for s in self.signals
            if s.edge_type is EdgeType.STALE_QUOTE and abs(s.delta) >= 0.1 and s.entry_cost_usd / s.forward >= 0
        ]
        return {
            "min_spread_bps": floor,
            "edges_removed": len(removed),
            "implied_move_bps": median(moves) if floor > 0 and moves else None,
        }

    def _own(self, signal: ArbitrageSignal) -> float:
        """Return the threshold of a decision's own type, without the floor."""
        config = self._config
        buys = bool(signal.legs) and signal.legs[0].side.value == "buy"
        if config.calibration is not None and signal.edge_type is not None:
            # The first leg of a package does not tell its side, nor does a HOLD: its easier side then stands for it.
            sides = ("BUY" if buys else "SELL",) if signal.edge_type in _NAMED_BY_FIRST_LEG else ("BUY", "SELL")
            known = [config.calibration.of(signal.edge_type.value, side) for side in sides]
            thresholds = [each.threshold_bps for each in known if each is not None]
            if thresholds:
                return min(thresholds)
        if signal.edge_type is EdgeType.VOL_OVERSHOOT:
            return config.threshold_overshoot_bps
        if signal.edge_type is EdgeType.DISLOCATION:
            return config.threshold_dislocation_bps
        if signal.edge_type is EdgeType.CROSS_VENUE:
            return config.threshold_cross_bps
        if signal.edge_type is not EdgeType.STALE_QUOTE:
            return config.threshold_static_bps
        return config.threshold_buy_bps if buys else config.threshold_sell_bps
