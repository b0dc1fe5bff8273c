"""Every number that a decision depends on, with its bounds; NaN and infinity are out of bounds."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from aftershock.core.calibration import Calibration

__all__ = ["EngineConfig", "ExecutionConfig", "ReviewConfig", "RiskConfig", "TriggerConfig"]

_Seconds = Annotated[float, Meta(ge=0, le=1e6)]
_PositiveSeconds = Annotated[float, Meta(gt=0, le=1e6)]
_Bps = Annotated[float, Meta(ge=0, le=1e4)]
_Fraction = Annotated[float, Meta(ge=0, le=1)]
_Count = Annotated[int, Meta(ge=1, le=1000)]
_Positive = Annotated[float, Meta(gt=0, le=1e12)]
_Stickiness = Annotated[float, Meta(ge=-10, le=10)]


class TriggerConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What opens a trigger.

    Attributes:
        armed: Which triggers may open. `probe`: a timer of key `probe:COIN` opens one, whatever the market does.
        window_s: Length of the window of liquidations and of the price move.
        min_move_bps: Smallest price move.
        min_move_sigmas: The same in standard deviations over the window, where the history allows (cascade).
        min_imbalance: Smallest |long - short| / (long + short) of liquidated notional.
        min_intensity_ratio: Liquidation intensity over its long-run rate.
        calm_intensity_ratio: A cascade ends after `calm_s` below it.
        intensity_half_life_s: Of the exponential kernel.
        base_rate_floor_hz: Least long-run rate, so that one print on a quiet market is no burst.
        saturation: Share of a throttled feed's slots that counts as saturated.
        refractory_s: After a trigger, its series opens no other for so long.
        price_move_life_s: A price-move trigger is judged for so long.
        history_s: Returns older than the window needed before sigma counts.
    """

    armed: tuple[Literal["cascade", "price-move", "probe"], ...] = ("cascade", "price-move")
    window_s: _PositiveSeconds = 30.0
    min_move_bps: _Bps = 15.0
    min_move_sigmas: Annotated[float, Meta(ge=0, le=100)] = 3.0
    min_imbalance: _Fraction = 0.6
    min_intensity_ratio: _Positive = 10.0
    calm_intensity_ratio: _Positive = 3.0
    calm_s: _Seconds = 20.0
    intensity_half_life_s: _PositiveSeconds = 5.0
    base_rate_floor_hz: _Positive = 0.02
    saturation: _Fraction = 0.8
    refractory_s: _Seconds = 60.0
    price_move_life_s: _Seconds = 30.0
    history_s: _Seconds = 300.0


class RiskConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The minimal gate before an order.

    Attributes:
        max_quantity_coins: Largest order, coins by underlying are not distinguished.
        max_premium_usd: Largest premium of one order.
        collar_value_fraction: A price may differ from the robust value by so much of it, or ...
        collar_value_bps: ... by so much of the forward, whichever is larger.
        duplicate_s: The same legs and side are not ordered again within so long.
    """

    max_quantity_coins: _Positive = 10.0
    max_premium_usd: _Positive = 250_000.0
    collar_value_fraction: _Positive = 0.10
    collar_value_bps: _Bps = 50.0
    duplicate_s: _Seconds = 60.0


class ExecutionConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From approved order to hedged position; `docs/execution.md` says how each figure enters.

    Attributes:
        legs_deadline_ms: After the first fill of a package, a leg that the venue says nothing more about is given up.
        hedge_limit_bps: Limit of a hedge, from the microprice; also the share of a hedge that may stay unfilled.
        hedge_attempts: Most orders for one hedge.
        hedge_deadline_ms: After the fill, an option that is not hedged is unwound.
        unwind_attempts: Most orders to unwind one instrument.
        unwind_deadline_ms: After so long a person is called.
    """

    legs_deadline_ms: _Positive = 1_000.0
    hedge_limit_bps: _Bps = 20.0
    hedge_attempts: _Count = 3
    hedge_deadline_ms: _Positive = 1_000.0
    unwind_attempts: _Count = 3
    unwind_deadline_ms: _Positive = 5_000.0


class ReviewConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a language model's second opinion may do; `docs/review.md`.

    Attributes:
        mode: Nobody is asked (`off`), asked beside the decision (`shadow`), or before it (`veto`, `gate`).
        deadline_ms: An order waits no longer for an answer (`veto`, `gate`).
        shadow_deadline_ms: An answer that nobody waits for is of no use after so long.
        min_probability: Less than this is a refusal (`gate`).
        full_size_probability: Below it an order that may go is shrunk in proportion; 0 never shrinks.
        on_fallback: Without an answer: what the mode says (`veto` acts on the rules, `gate` rejects), or always one.
    """

    mode: Literal["off", "shadow", "veto", "gate"] = "off"
    deadline_ms: _Positive = 100.0
    shadow_deadline_ms: _Positive = 15_000.0
    min_probability: _Fraction = 0.5
    full_size_probability: _Fraction = 0.0
    on_fallback: Literal["mode", "rule", "reject"] = "mode"


class EngineConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration of the engine; `docs/decision.md` says how each figure enters.

    Attributes:
        forward: Where the forward comes from: perpetual and future quotes, the venue's own underlying price, or parity.
        options_feed: Whether an option row confirms its whole stream, or only itself.
        clocks: `one` if the input carries one time twice: latency is then not known.
        forward_venues: Venues whose perpetuals make the forward; empty for all.
        liquidation_venues: Number of liquidation venues subscribed.
        order_coins: Size wanted, coins.
        cross_short_margin: Initial margin of an option sold on another venue, a fraction of the forward.
        capital_rate_per_year: What margin and premium that stand on two venues until expiry cost.
        stable_haircut_bps: Allowance where the legs of a cross-venue pair are quoted in different currencies.
        settlement_basis_bps: Allowance for two venues that settle on two indices.
        min_spread_bps: Floor under every threshold.
        max_latency_ms: Most data time between cause and decision.
        max_quiet_move_bps, max_feed_lag_ms, min_peers, maker_lag_ms, static_needs_trigger: Guards of a live or a
            simulated feed, off by default: see "Guards" in `docs/decision.md`.
        edges: Kinds of edge that are looked for; what is left out is not scanned.
        stickiness_low, stickiness_high: Skew-stickiness ratios at the two ends of the robust band.
        overshoot_intensity_share: Exhaustion (edge D) means an intensity below this share of its maximum since the
            opening, and a series that kept within `overshoot_calm_bps` for `overshoot_calm_s`.
        overshoot_response_per_move: Expected rise of volatility in vol points per unit of |r|: 40 is 0.4 for 1 %.
        overshoot_down_factor: The same is multiplied by this where the forward fell.
        dislocation_hold_ms: A perpetual (edge E) must have stood away from the others for so long.
        calibration: Fitted on simulated markets; None leaves everything uncalibrated.
    """

    forward: Literal["quotes", "underlying", "parity"] = "quotes"
    options_feed: Literal["stream", "poll"] = "stream"
    clocks: Literal["one", "two"] = "two"
    forward_venues: tuple[str, ...] = ()
    liquidation_venues: Annotated[int, Meta(ge=0, le=1000)] = 1

    trigger: TriggerConfig = TriggerConfig()
    risk: RiskConfig = RiskConfig()
    execution: ExecutionConfig = ExecutionConfig()
    review: ReviewConfig = ReviewConfig()

    min_forward_venues: _Count = 3
    perp_max_age_ms: _Positive = 500.0
    index_max_age_ms: _Positive = 10_000.0
    max_clock_step_ms: _Positive = 200.0
    basis_tau_s: _PositiveSeconds = 120.0
    carry_tau_s: _PositiveSeconds = 300.0
    basis_lag_s: Annotated[float, Meta(ge=0, le=60)] = 5.0
    basis_history_s: _Seconds = 30.0
    max_dispersion_bps: _Bps = 5.0
    max_dispersion_move_share: _Fraction = 0.25

    option_max_age_ms: _Positive = 2_000.0
    leg_span_ms: _Positive = 250.0
    smile_lag_s: Annotated[float, Meta(ge=0, le=14)] = 2.0
    smile_max_age_s: _PositiveSeconds = 600.0
    reevaluate_ms: _Positive = 100.0
    reevaluate_bps: _Bps = 0.0
    reevaluate_calm_ms: _Positive = 1_000.0
    max_quiet_move_bps: _Positive = 1e4
    max_feed_lag_ms: _Positive = 1e9
    min_peers: Annotated[int, Meta(ge=0, le=100)] = 0
    maker_lag_ms: Annotated[float, Meta(ge=0, le=10_000)] = 0.0
    unexplained_fraction: _Fraction = 0.25
    unexplained_bps: _Bps = 3.0
    static_needs_trigger: bool = False
    static_neighbours: Annotated[int, Meta(ge=1, le=20)] = 3
    expiry_window_s: _Seconds = 1_800.0

    vol_up_points: Annotated[float, Meta(ge=0, le=100)] = 1.0
    vol_up_per_move: Annotated[float, Meta(ge=0, le=1e4)] = 40.0
    vol_down_points: Annotated[float, Meta(ge=0, le=100)] = 0.5
    vol_down_per_move: Annotated[float, Meta(ge=0, le=1e4)] = 10.0

    order_coins: _Positive = 1.0
    depth_haircut: _Fraction = 0.5
    hedge_impact_bps: _Bps = 0.5
    threshold_buy_bps: _Bps = 2.0
    threshold_sell_bps: _Bps = 4.0
    threshold_static_bps: _Bps = 1.0

    threshold_cross_bps: _Bps = 3.0
    cross_short_margin: _Fraction = 0.15
    capital_rate_per_year: Annotated[float, Meta(ge=0, le=10)] = 0.10
    stable_haircut_bps: _Bps = 10.0
    settlement_basis_bps: _Bps = 1.0

    min_spread_bps: _Bps = 0.0
    max_latency_ms: _Positive = 1_000.0

    unit_max_spread_bps: _Positive = 200.0
    unit_min_ratio: _Positive = 0.2
    unit_max_ratio: _Positive = 5.0
    unit_min_iv: _Positive = 0.05
    unit_max_iv: _Positive = 5.0
    stub_ask_over_value: _Positive = 3.0
    sd_vol_points: _Positive = 1.0
    sd_basis_bps: _Bps = 3.0

    edges: tuple[Literal["A", "B", "C", "D", "E"], ...] = ("A", "B", "C", "D", "E")
    stickiness_low: _Stickiness = 0.0
    stickiness_high: _Stickiness = 2.0
    overshoot_intensity_share: _Fraction = 0.5
    overshoot_calm_bps: _Bps = 5.0
    overshoot_calm_s: _PositiveSeconds = 5.0
    overshoot_response_per_move: Annotated[float, Meta(ge=0, le=1e4)] = 40.0
    overshoot_down_factor: Annotated[float, Meta(ge=0, le=100)] = 2.0
    threshold_overshoot_bps: _Bps = 8.0
    dislocation_hold_ms: Annotated[float, Meta(ge=0, le=1e6)] = 250.0
    threshold_dislocation_bps: _Bps = 4.0
    calibration: Calibration | None = None
