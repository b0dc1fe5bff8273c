"""What the engine says: triggers, decisions with their reasons, alarms."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from aftershock.model.orders import Hedge, Leg
from aftershock.model.review import Reviewed, ReviewMode
from aftershock.model.units import NAN, NS_PER_S

__all__ = [
    "Action",
    "Alarm",
    "Alignment",
    "ArbitrageSignal",
    "EdgeType",
    "Reason",
    "ReviewRequest",
    "TriggerClosed",
    "TriggerKind",
    "TriggerOpened",
]


class Action(StrEnum):
    """The side of the option or package; HOLD is everything else."""

    BUY = "BUY"
    SELL = "SELL"
    HOLD = "HOLD"


class Reason(StrEnum):
    """Why: a closed list. `edge` belongs to BUY and SELL, every other code to HOLD."""

    EDGE = "edge"
    """Executable at a profit above its threshold."""
    NO_EDGE = "no_edge"
    """No quote is on the wrong side of its robust value."""
    FEES = "fees"
    """Gross edge positive, gone after fees and hedge."""
    BELOW_MIN_SPREAD = "below_min_spread"
    """Net edge positive, below its threshold."""
    STALE_DATA = "stale_data"
    """A quote was not confirmed recently enough."""
    DESYNC = "desync"
    """Legs confirmed too far apart in time."""
    THIN = "thin"
    """The size at the price is below the venue's smallest order."""
    NO_SIZE = "no_size"
    """The feed gives no size."""
    DISPERSION = "dispersion"
    """Perpetual venues disagree: a local dislocation."""
    RISK_LIMIT = "risk_limit"
    """A risk limit refused it."""
    VENUE_DOWN = "venue_down"
    """A stream stopped confirming its state, or trading is halted."""
    GAP = "gap"
    """Messages of a stream that it rests on were lost."""
    UNIT_CHECK = "unit_check"
    """Figures that only a mistake of unit or data would explain."""
    STUB_QUOTE = "stub_quote"
    """A quote at a stub level, not meant to trade."""
    EXPIRY_WINDOW = "expiry_window"
    """Too close to expiry: settlement averaging."""
    NO_CHAIN = "no_chain"
    """No option chain of this asset."""
    NO_FORWARD = "no_forward"
    """No forward for the expiry."""
    NO_EXECUTABLE_FORWARD = "no_executable_forward"
    """The forward is a mark, nothing to hedge with at a known price."""
    NOT_EVALUABLE = "not_evaluable"
    """The inputs do not allow a condition to be tested."""
    NOT_PRICEABLE = "not_priceable"
    """What was handed over is no chain that can be priced."""
    MODEL_UNSURE = "model_unsure"
    """The reviewing model refused."""
    EDGE_GONE_IN_REVIEW = "edge_gone_in_review"
    """The edge went while waiting for the model."""
    BUDGET = "budget"
    """The review budget is spent."""


class EdgeType(StrEnum):
    """Kinds of opportunity."""

    STALE_QUOTE = "A"
    PARITY_INVERSE = "B1"
    PARITY_LINEAR = "B2"
    VERTICAL = "B3"
    BOX = "B5"
    BUTTERFLY = "B4"
    CALENDAR = "B6"
    """A flag, never an order."""
    CROSS_VENUE = "C"

    VOL_OVERSHOOT = "D"
    """Statistical: a volatility expected to come back, not one that must."""
    DISLOCATION = "E"
    """Statistical: one perpetual venue expected to come back to the others."""

    @property
    def is_statistical(self) -> bool:
        """Whether the price only is expected to come back; the other kinds rest on bounds or on robust values."""
        return self in (EdgeType.VOL_OVERSHOOT, EdgeType.DISLOCATION)


class TriggerKind(StrEnum):
    """What opened a trigger."""

    CASCADE = "cascade"
    PRICE_MOVE = "price_move"
    STATIC = "static"

    DISLOCATION = "dislocation"
    PROBE = "probe"
    """A moment that the shell chose, not the market: for comparison."""


class Alignment(msgspec.Struct, frozen=True, kw_only=True):
    """Strikes next to a price in one expiry of a chain; None where none lies within the tolerance."""

    venue: str
    expiry_ns: int
    price: float
    price_source: str
    atm_strike: float | None
    itm_strike: float | None
    otm_strike: float | None


class TriggerOpened(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="trigger_opened"):
    """A trigger with all that it was judged by.

    Attributes:
        trigger_id: Unique and equal in every replay.
        kind: Cascade, price move, static, dislocation or probe.
        asset: Underlying coin.
        series: Price series whose move counts; empty for static and dislocation.
        ts_init: Moment, our clock.
        profile: `full`, or `degraded` when a condition could not be tested.
        not_evaluable: Conditions that the inputs do not allow.
        features: Figures by name; NaN where not evaluable.
        venues: Liquidation venues that printed in the window.
        alignment: Strikes next to the price, nearest expiry; None without a chain.
    """

    trigger_id: str
    kind: TriggerKind
    asset: str
    series: str
    ts_init: int
    profile: str
    not_evaluable: tuple[str, ...] = ()
    features: dict[str, float] = {}
    venues: tuple[str, ...] = ()
    alignment: Alignment | None = None


class TriggerClosed(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="trigger_closed"):
    """The end of a trigger, with the number of evaluations it cost."""

    trigger_id: str
    ts_init: int
    evaluations: int
    decisions: int


class Alarm(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="alarm"):
    """Something a person should look at; `code` is stable, `detail` one sentence."""

    ts_init: int
    code: str
    detail: str


class ArbitrageSignal(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="signal"):
    """One decision and all that justifies it.

    Attributes:
        signal_id: Unique and equal in every replay.
        trigger_id: What opened it; `trigger_kind` its kind.
        ts_event: Venue clock of the event that completed the decision.
        ts_init: Our clock of that event.
        source_market: Venue or venues of the trigger.
        target_market: Venue of the legs; `bought+sold` if they are on two.
        asset: Underlying coin.
        action: BUY, SELL or HOLD.
        reason: Closed code; `also` holds further ones.
        edge_type: Kind of opportunity; None for a trigger without any.
        legs: Option legs (dislocation: perpetual legs) with the prices used.
        spread_bps: Robust net edge after entry cost (vol overshoot: after entry and exit) for `quantity`, 1e-4 of the
            forward; negative if so, NaN if nothing could be priced.
        gross_spread_bps: Before costs, likewise.
        quantity: Executable size, coins.
        forward: Quote currency per coin, of the legs' expiry.
        index: Index price; the forward stands in where `index_is_forward`.
        value_usd: Robust value used (Vlo to buy, Vhi to sell), or the package's locked-in value.
        price_usd: Executable price of the package.
        scenario: Smile scenario that set the value.
        fee_usd, hedge_cost_usd, entry_cost_usd, exit_cost_usd: Per coin; the first two are what lies between gross
            and net, the last two are always one way each.
        allowance_usd: Set aside per coin for a stablecoin, two indices and capital; NaN where nothing is.
        delta, hedge_delta, vega_per_vol_point: Of the option or package, per coin.
        taker_rate: Option fee rate used.
        book_age_ms: Oldest confirmation among the legs.
        leg_span_ms: Between the first and the last confirmed leg.
        confidence: P(PnL at fill > 0 given a fill); see `calibrated`.
        p_fill, p_profit_h: NaN until calibrated.
        arbitrage_score: 0 to 100 from expected value over its risk; NaN until calibrated.
        latency_ms, feed_lag_ms: Data time from cause to decision; NaN where the input has one clock.
        review: What a model's review did to it; None if it waited for none.
    """

    signal_id: str
    trigger_id: str
    trigger_kind: TriggerKind
    ts_event: int
    ts_init: int
    source_market: str
    target_market: str
    asset: str
    action: Action
    reason: Reason
    also: tuple[Reason, ...] = ()
    edge_type: EdgeType | None = None
    legs: tuple[Leg, ...] = ()
    hedge: Hedge | None = None
    spread_bps: float = NAN
    gross_spread_bps: float = NAN
    quantity: float = NAN
    forward: float = NAN
    index: float = NAN
    index_is_forward: bool = False
    value_usd: float = NAN
    price_usd: float = NAN
    scenario: str = ""
    fee_usd: float = NAN
    hedge_cost_usd: float = NAN
    entry_cost_usd: float = NAN
    exit_cost_usd: float = NAN
    delta: float = NAN
    hedge_delta: float = NAN
    vega_per_vol_point: float = NAN
    taker_rate: float = NAN
    allowance_usd: float = NAN
    threshold_bps: float = NAN
    book_age_ms: float = NAN
    leg_span_ms: float = NAN
    confidence: float = NAN
    calibrated: bool = False
    p_fill: float = NAN
    p_profit_h: float = NAN
    arbitrage_score: float = NAN
    latency_ms: float = NAN
    feed_lag_ms: float = NAN
    review: Reviewed | None = None

    @property
    def spread_pct(self) -> float:
        """Return `spread_bps` in percent of the forward."""
        return self.spread_bps / 100.0

    @property
    def timestamp(self) -> float:
        """Return `ts_init` in seconds since the epoch."""
        return self.ts_init / NS_PER_S


class ReviewRequest(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="review_request"):
    """A question about the first order of a trigger; its answer holds for the whole trigger.

    Attributes:
        request_id: Deterministic, equal in every replay.
        trigger_id: What opened it.
        ts_init: Moment, our clock.
        expires_ns: An answer after this moment of our clock changes nothing.
        mode: Of the engine at that moment.
        signal: The decision as it stands: BUY or SELL with every figure.
        features: Further figures by name; NaN where unknown.
    """

    request_id: str
    trigger_id: str
    ts_init: int
    expires_ns: int
    mode: ReviewMode
    signal: ArbitrageSignal
    features: dict[str, float] = {}
