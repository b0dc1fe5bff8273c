"""Open triggers, and the two detectors of shocks: a price move and a liquidation cascade."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from aftershock.model.signals import Reason, TriggerKind
from aftershock.model.units import BPS, NAN

if TYPE_CHECKING:
    from aftershock.core.case import CaseKey
    from aftershock.core.config import TriggerConfig
    from aftershock.core.forward import Bases, ExpiryKey
    from aftershock.core.held import TriggerReview
    from aftershock.core.rules import Assessment
    from aftershock.core.stale_quotes import ArmedChain
    from aftershock.core.window import WindowFigures
    from aftershock.model.signals import Action, ArbitrageSignal

__all__ = ["BestSoFar", "CascadeVerdict", "Decided", "OpenTrigger", "assess_cascade", "is_degraded", "log_or_nan"]


class Decided(msgspec.Struct):
    """The last word on an opportunity."""

    action: Action
    reason: Reason


class BestSoFar(msgspec.Struct, frozen=True):
    """The quote with the largest net edge, as it was then."""

    assessment: Assessment
    signal: ArbitrageSignal


class OpenTrigger(msgspec.Struct, kw_only=True):
    """A trigger while it is open: mutable state of the engine.

    Attributes:
        trigger_id, kind, asset, series: As in `TriggerOpened`.
        opened: `ts_init` of the opening.
        direction: +1 up, -1 down.
        degraded: It may not lead to an order.
        source_market: Venues that it came from.
        closes: Moment of its end; moved on by a cascade that lasts.
        cause_ts, cause_ts_event: Newest event that fed it.
        reference: Log price that its move is measured from; `extreme` the farthest since.
        bases: Frozen at the opening.
        armed: What it watches, by (venue, underlying).
        decided: Last decision per opportunity.
        best: Of the quotes without an edge, the one with the largest net edge so far.
        peak_hz: Largest intensity of liquidations since the opening (cascade).
        away_bps: How far a perpetual stands from the others (dislocation); NaN for other kinds.
        review: Its question to a model, once there was one.
    """

    trigger_id: str
    kind: TriggerKind
    asset: str
    series: str
    opened: int
    direction: int
    source_market: str
    closes: int
    cause_ts: int
    cause_ts_event: int
    reference: float
    extreme: float
    expiry_scope: ExpiryKey | None = None
    degraded: bool = False
    bases: Bases | None = None
    armed: dict[tuple[str, str], ArmedChain] = {}
    decided: dict[CaseKey, Decided] = {}
    decisions: int = 0
    evaluations: int = 0
    best: BestSoFar | None = None
    peak_hz: float = 0.0
    away_bps: float = NAN
    review: TriggerReview | None = None

    def feed(self, ts_init: int, ts_event: int) -> None:
        """Note an event that fed the trigger."""
        self.cause_ts, self.cause_ts_event = ts_init, ts_event

    def move_bps(self, log_price: float) -> float:
        """Return the move since the reference, NaN if unknown."""
        return BPS * (log_price - self.reference)


class CascadeVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether liquidations make a cascade, and what could not be tested."""

    opens: bool
    direction: int
    not_evaluable: tuple[str, ...]
    features: dict[str, float]


def assess_cascade(
    figures: WindowFigures,
    config: TriggerConfig,
    *,
    min_venues: int,
    venues_known: bool,
    move_bps: float,
    sigma_bps: float,
) -> CascadeVerdict:
    """Test the conditions of a cascade; those without inputs are listed and do not refuse.

    Args:
        figures: The window now.
        config: Limits.
        min_venues: Venues that must have printed.
        venues_known: Whether the number of subscribed venues is known.
        move_bps: Move of the consolidated forward over the window, NaN if unknown.
        sigma_bps: Its standard deviation over a window, NaN if unknown.
    """
    direction = -1 if figures.imbalance > 0 else 1  # liquidated longs sell
    if not figures.sized:
        direction = 1 if move_bps > 0 else -1  # who was liquidated is not known in money: the move says it
    burst = figures.intensity_ratio >= config.min_intensity_ratio or figures.saturated
    one_sided = abs(figures.imbalance) >= config.min_imbalance or not figures.sized
    enough_venues = len(figures.venues) >= min_venues
    needed = config.min_move_bps
    missing = ["hour_of_week"]
    if sigma_bps == sigma_bps:  # noqa: PLR0124  not NaN
        needed = max(needed, config.min_move_sigmas * sigma_bps)
    else:
        missing.append("history")
    if move_bps == move_bps:  # noqa: PLR0124  not NaN
        moved = direction * move_bps >= needed
    else:
        missing.append("forward")
        moved = True
    if not figures.sized:
        missing.append("notional")
    if not venues_known:
        missing.append("venues")
        enough_venues = True
    features = {
        "count_30s": float(figures.count),
        "long_usd_30s": figures.long_usd,
        "short_usd_30s": figures.short_usd,
        "imbalance": figures.imbalance,
        "venues": float(len(figures.venues)),
        "saturated": float(figures.saturated),
        "intensity_hz": figures.intensity_hz,
        "base_rate_hz": figures.base_rate_hz,
        "intensity_ratio": figures.intensity_ratio,
        "move_bps": move_bps,
        "needed_move_bps": needed,
        "sigma_bps": sigma_bps,
    }
    return CascadeVerdict(
        opens=burst and one_sided and moved and enough_venues,
        direction=direction,
        not_evaluable=tuple(missing),
        features=features,
    )


def is_degraded(not_evaluable: tuple[str, ...]) -> bool:
    """Tell whether a missing condition forbids orders: all but the one that has alternatives do."""
    return any(name != "hour_of_week" for name in not_evaluable)


def log_or_nan(price: float) -> float:
    """Return ln(price), NaN unless positive and finite."""
    return math.log(price) if 0 < price < math.inf else NAN
