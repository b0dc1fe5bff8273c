"""A case: one opportunity as the rules see it, and the signal that it becomes once it is to be spoken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from aftershock.core.rules import Assessment
from aftershock.model.signals import Action, ArbitrageSignal, Reason, TriggerKind
from aftershock.model.units import NAN, NS_PER_MS

if TYPE_CHECKING:
    from aftershock.core.asset import AssetState
    from aftershock.core.config import EngineConfig
    from aftershock.core.triggers import OpenTrigger

__all__ = ["Case", "CaseKey", "EmptyCase", "Moment", "SpokenCase", "blank_signal", "latency_ms"]

CaseKey = tuple[object, ...]

_OWN_CAUSE = (TriggerKind.STATIC, TriggerKind.DISLOCATION)


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """When a decision is made, and what holds for every option then.

    Attributes:
        now, ts_event: Our clock and the venue's, ns.
        venue_up: False while halted, or while the chain's stream is silent.
        dispersion_bps: Of the consolidated forward; 0 where it does not apply.
        max_dispersion_bps: Limit at this move; infinite where it does not apply.
        faults: What speaks against every static package now.
    """

    now: int
    ts_event: int
    venue_up: bool
    dispersion_bps: float
    max_dispersion_bps: float
    faults: tuple[str, ...] = ()


class Case(Protocol):
    """What the decider asks of an opportunity."""

    @property
    def key(self) -> CaseKey:
        """Identify the opportunity within its trigger: type, legs, side."""
        ...

    def assess(self) -> Assessment:
        """Return what the rules look at."""
        ...

    def signal(self, assessment: Assessment) -> ArbitrageSignal:
        """Return the whole signal, still saying HOLD."""
        ...


def latency_ms(trigger: OpenTrigger, now: int, config: EngineConfig) -> float:
    """Return data time since the cause; NaN where the input has one clock, or the trigger is its own cause."""
    if config.clocks == "one" or trigger.kind in _OWN_CAUSE:
        return NAN
    return (now - trigger.cause_ts) / NS_PER_MS


def blank_signal(trigger: OpenTrigger, config: EngineConfig, when: Moment) -> ArbitrageSignal:
    """Return a signal with everything that does not depend on the opportunity."""
    return ArbitrageSignal(
        signal_id="",
        trigger_id=trigger.trigger_id,
        trigger_kind=trigger.kind,
        ts_event=when.ts_event,
        ts_init=when.now,
        source_market=trigger.source_market,
        target_market="",
        asset=trigger.asset,
        action=Action.HOLD,
        reason=Reason.NO_EDGE,
        latency_ms=latency_ms(trigger, when.now, config),
        feed_lag_ms=NAN if config.clocks == "one" else (when.now - trigger.cause_ts_event) / NS_PER_MS,
    )


class SpokenCase:
    """Figures kept from an earlier moment, spoken at this one."""

    key: CaseKey = ()

    def __init__(self, assessment: Assessment, signal: ArbitrageSignal, when: Moment) -> None:
        self._assessment = assessment
        self._signal = signal
        self._when = when

    def assess(self) -> Assessment:
        """Return the assessment of then."""
        return self._assessment

    def signal(self, _assessment: Assessment) -> ArbitrageSignal:
        """Return the figures of then at the time of now."""
        return msgspec.structs.replace(self._signal, ts_init=self._when.now, ts_event=self._when.ts_event)


class EmptyCase:
    """A trigger with nothing priced: the facts of its first chain, if it has one."""

    key: CaseKey = ()

    def __init__(
        self, trigger: OpenTrigger, config: EngineConfig, when: Moment, asset: AssetState, *, evaluable: bool
    ) -> None:
        self._trigger, self._config, self._when, self._asset = trigger, config, when, asset
        self._evaluable = evaluable

    def assess(self) -> Assessment:
        """Return which of the facts are missing."""
        asset, now = self._asset, self._when.now
        chains = [asset.chains[key] for key in sorted(asset.chains) if asset.chains[key].expiries]
        assessment = Assessment(
            action=Action.HOLD,
            has_chain=bool(chains),
            venue_up=self._when.venue_up,
            has_forward=False,
            quoted=False,
            evaluable=self._evaluable,
            quantity=0.0,
            lot_coins=0.0,
        )
        if chains:
            chain = chains[0]
            newest = max(int(chain.confirmed_rows(e.rows).max()) for e in chain.expiries.values())
            assessment.in_gap = newest == 0
            assessment.age_ms = (now - newest) / NS_PER_MS
            assessment.has_forward = any(
                asset.forward(chain, e, now, self._trigger.bases) > 0 for e in chain.expiries.values()
            )
            assessment.quoted = any(
                bool((chain.bid_amount[e.rows] >= 0).any() or (chain.ask_amount[e.rows] >= 0).any())
                for e in chain.expiries.values()
            )
        return assessment

    def signal(self, assessment: Assessment) -> ArbitrageSignal:
        """Return a signal that names the venue of the chain and its age."""
        blank = blank_signal(self._trigger, self._config, self._when)
        chains = [key for key in sorted(self._asset.chains) if self._asset.chains[key].expiries]
        if not chains:
            return blank
        return msgspec.structs.replace(blank, target_market=chains[0][0], book_age_ms=assessment.age_ms)
