"""A second opinion: what a model's answer may do, and the closed lists of what it may say."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from aftershock.model.units import NAN

__all__ = ["Fallback", "ReviewCode", "ReviewMode", "Reviewed"]


class ReviewMode(StrEnum):
    """What a model's answer may do. It can shrink or refuse an order, never create, enlarge or flip one."""

    OFF = "off"
    """Nobody is asked."""
    SHADOW = "shadow"
    """Asked and recorded; the order does not wait."""
    VETO = "veto"
    """The order waits; a refusal stops it, silence does not."""
    GATE = "gate"
    """The order waits; only consent lets it go."""


class ReviewCode(StrEnum):
    """Why a model agrees or refuses; it may name up to three."""

    FRESH_SHOCK = "fresh_shock"
    VENUES_AGREE = "venues_agree"
    EDGE_WIDE = "edge_wide"
    DEPTH_GOOD = "depth_good"
    EDGE_THIN = "edge_thin"
    DEPTH_THIN = "depth_thin"
    QUOTE_OLD = "quote_old"
    QUOTE_WIDE = "quote_wide"
    FEW_VENUES = "few_venues"
    REVERTING = "reverting"
    NEAR_EXPIRY = "near_expiry"
    FAR_STRIKE = "far_strike"
    VOL_UNUSUAL = "vol_unusual"
    DATA_DOUBT = "data_doubt"


class Fallback(StrEnum):
    """Why there is no answer of a model, and the rules alone (or a refusal, see the mode) stand in."""

    DEADLINE = "deadline"
    """Not answered in time."""
    SHED = "shed"
    """Pushed out of the queue by newer requests."""
    BREAKER = "breaker"
    """The provider failed too often lately, or refused the key or the account: not asked."""
    BUDGET = "budget"
    """The money for reviews is spent."""
    RATE = "rate"
    """A limit of the provider left no time, ours or told by it."""
    HTTP = "http"
    """The provider answered with an error."""
    UNREACHABLE = "unreachable"
    """No connection, or it broke."""
    EMPTY = "empty"
    """The answer holds nothing."""
    INVALID = "invalid"
    """The answer is not of the agreed form."""
    TRUNCATED = "truncated"
    """The answer was cut off at its greatest length."""
    SEMANTIC = "semantic"
    """The answer is of the agreed form and makes no sense: the other side, a probability out of bounds."""
    NO_KEY = "no_key"
    """No provider has a key."""
    STOPPED = "stopped"
    """The input or the gateway ended first."""


class Reviewed(msgspec.Struct, frozen=True, kw_only=True):
    """What a review did to a decision that waited for it.

    Attributes:
        request_id: Of the question.
        fallback: Why there was no answer; None if there was one.
        probability: The model's; NaN without an answer.
        waited_ms: From when the order had to wait to the decision, data time; 0 for one that came after the answer.
        lost_bps: Net edge then less net edge when decided; NaN if it can't be priced any more.
        size_share: Quantity left by the review, a fraction of what the rules wanted; 0 where it refused.
    """

    request_id: str
    fallback: Fallback | None = None
    probability: float = NAN
    waited_ms: float = NAN
    lost_bps: float = NAN
    size_share: float = 1.0
