"""What a live run said so far, in constant memory: everything counted, the latest kept."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from aftershock.app.outcome import Effect
from aftershock.app.plain import plain, plain_signal, ranked
from aftershock.core.triggers import is_degraded
from aftershock.model.orders import ApprovedOrder, PackageResult, RefusedOrder
from aftershock.model.signals import Action, Alarm, ArbitrageSignal, ReviewRequest, TriggerClosed, TriggerOpened

__all__ = ["KEPT", "Tally"]

KEPT = 1_000
"""Latest triggers, signals, orders, results and alarms that are kept for the report; the journal has them all."""


class Tally:
    """Counts effects by kind.

    Attributes:
        signals: The latest decisions; `triggers`, `alarms`, `orders`, `refused`, `results`, `reviews` likewise.
        by_action_and_reason: Decisions, by action and code.
        results_by_status: What became of approved entries.
    """

    def __init__(self) -> None:
        self.signals: deque[ArbitrageSignal] = deque(maxlen=KEPT)
        self.triggers: deque[TriggerOpened] = deque(maxlen=KEPT)
        self.alarms: deque[Alarm] = deque(maxlen=KEPT)
        self.orders: deque[ApprovedOrder] = deque(maxlen=KEPT)
        self.refused: deque[RefusedOrder] = deque(maxlen=KEPT)
        self.results: deque[PackageResult] = deque(maxlen=KEPT)
        self.reviews: deque[ReviewRequest] = deque(maxlen=KEPT)
        self.by_action_and_reason: Counter[tuple[Action, str]] = Counter()
        self.results_by_status: Counter[str] = Counter()
        self._counts: Counter[type] = Counter()
        self._kinds: Counter[str] = Counter()
        self._series: Counter[str] = Counter()
        self._alarms: Counter[str] = Counter()
        self._orders: Counter[str] = Counter()
        self._degraded: Counter[str] = Counter()
        self._degraded_triggers = 0

    def add(self, effect: Effect) -> None:
        """Take one effect."""
        self._counts[type(effect)] += 1
        if isinstance(effect, ArbitrageSignal):
            self.signals.append(effect)
            self.by_action_and_reason[effect.action, effect.reason.value] += 1
        elif isinstance(effect, TriggerOpened):
            self._open(effect)
        elif isinstance(effect, Alarm):
            self.alarms.append(effect)
            self._alarms[effect.code] += 1
        elif isinstance(effect, ApprovedOrder):
            self.orders.append(effect)
            self._orders[effect.intent.purpose] += 1
        elif isinstance(effect, RefusedOrder):
            self.refused.append(effect)
        elif isinstance(effect, PackageResult):
            self.results.append(effect)
            self.results_by_status[effect.status] += 1
        elif isinstance(effect, ReviewRequest):
            self.reviews.append(effect)

    def _open(self, opened: TriggerOpened) -> None:
        self.triggers.append(opened)
        self._kinds[opened.kind.value] += 1
        self._series[opened.series or opened.asset] += 1
        if opened.profile == "degraded":
            self._degraded_triggers += 1
            self._degraded.update(name for name in opened.not_evaluable if is_degraded((name,)))

    @property
    def opened(self) -> int:
        """Return the number of triggers."""
        return self._counts[TriggerOpened]

    @property
    def open_triggers(self) -> int:
        """Return the number of triggers that are open now."""
        return self.opened - self._counts[TriggerClosed]

    @property
    def decided(self) -> int:
        """Return the number of decisions."""
        return self._counts[ArbitrageSignal]

    @property
    def approved(self) -> int:
        """Return the number of approved orders, hedges and unwinds included."""
        return self._counts[ApprovedOrder]

    @property
    def asked(self) -> int:
        """Return the number of questions to a model."""
        return self._counts[ReviewRequest]

    @property
    def alarmed(self) -> dict[str, int]:
        """Return the alarms by code, most frequent first."""
        return ranked(self._alarms)

    @property
    def kinds(self) -> dict[str, int]:
        """Return the triggers by kind, most frequent first."""
        return ranked(self._kinds)

    def decisions(self) -> dict[str, int]:
        """Return the number of decisions by action, zero included."""
        counts: Counter[Action] = Counter()
        for (action, _), count in self.by_action_and_reason.items():
            counts[action] += count
        return {action.value: counts[action] for action in Action}

    def hold_reasons(self) -> dict[str, int]:
        """Return the number of HOLDs by reason, most frequent first."""
        counts = {code: n for (action, code), n in self.by_action_and_reason.items() if action is Action.HOLD}
        return ranked(counts)

    def document(self) -> dict[str, Any]:
        """Return the JSON names that speak of triggers, decisions, orders and alarms, as a replay has them."""
        return {
            "triggers": {
                "count": self.opened,
                "by_kind": self.kinds,
                "by_series": ranked(self._series),
                "list": plain(list(self.triggers)),
            },
            "degraded": {"count": self._degraded_triggers, "by_condition": ranked(self._degraded)},
            "decisions": self.decisions(),
            "hold_reasons": self.hold_reasons(),
            "signals": [plain_signal(signal) for signal in self.signals],
            "signals_left_out": self.decided - len(self.signals),
            "orders": {
                "count": {"approved": ranked(self._orders), "refused": self._counts[RefusedOrder]},
                "approved": plain(list(self.orders)),
                "refused": plain(list(self.refused)),
                "results": plain(list(self.results)),
            },
            "alarms": {"count": self._counts[Alarm], "by_code": self.alarmed, "list": plain(list(self.alarms))},
        }
