"""Edge D as a case: an option and side, as in edge A, but against an expected price and net of the way out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from aftershock.core.overshoot import expected_shift
from aftershock.core.quote_case import Evaluation, QuoteCase, Row
from aftershock.model.signals import EdgeType

if TYPE_CHECKING:
    from aftershock.core.rules import Assessment
    from aftershock.model.signals import ArbitrageSignal

__all__ = ["OvershootCase", "OvershootEvaluation"]


class OvershootEvaluation(Evaluation):
    """One evaluation of a chain for edge D; what it waits for takes minutes, so its cause has no age."""

    edge_type = EdgeType.VOL_OVERSHOOT

    def __init__(self, *args: Any) -> None:  # noqa: ANN401  those of `Evaluation`
        super().__init__(*args)
        threshold = max(self.config.threshold_overshoot_bps, self.config.min_spread_bps)
        self.threshold_bps = {True: threshold, False: threshold}
        self.latency_ms = 0.0

    def case(self, at: int, row: Row, *, buying: bool) -> QuoteCase:
        """Return the case of one option and side."""
        return OvershootCase(self, at, row, buying=buying)


class OvershootCase(QuoteCase):
    """The at-th option of an evaluation for edge D, bought or sold."""

    def __init__(self, evaluation: Evaluation, at: int, row: Row, *, buying: bool) -> None:
        super().__init__(evaluation, at, row, buying=buying)
        self.key = (evaluation.edge_type.value, *self.key)

    def _explained(self, row: Row) -> bool:
        """An overshot quote is new, not left over; but one that made no sense before makes none now."""
        armed, config = self._of.armed, self._of.config
        return armed.is_sound(config, self._position, row.forward) and not armed.is_contradicted(config, self._position)

    def _scenario(self) -> str:
        armed = self._of.armed
        before = armed.expiries[int(armed.expiry_of[self._position])].before
        if before is None:
            return ""
        shift = expected_shift(math.log(self._figures.forward / before.forward), self._of.config)
        return f"R=1 ds={100.0 * shift:+.2f}"

    def signal(self, assessment: Assessment) -> ArbitrageSignal:
        """Return the signal; fee and hedge between gross and net are those of both ways."""
        signal = super().signal(assessment)
        return msgspec.structs.replace(signal, fee_usd=2.0 * signal.fee_usd, hedge_cost_usd=2.0 * signal.hedge_cost_usd)
