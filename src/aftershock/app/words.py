"""The closed list of reasons in a person's words: what failed, and what would have to be different."""

from __future__ import annotations

from aftershock.model.review import Fallback
from aftershock.model.signals import EdgeType, Reason, TriggerKind

__all__ = ["CONDITIONS", "EDGES", "FALLBACKS", "LIMITS", "REASONS", "TRIGGERS", "UNTESTED"]

REASONS: dict[Reason, str] = {
    Reason.EDGE: "executable at a profit above its threshold, after every cost",
    Reason.NO_EDGE: "no quote is on the wrong side of its robust value",
    Reason.FEES: "positive before costs, gone after fees and hedge",
    Reason.BELOW_MIN_SPREAD: "positive after costs, but below its threshold",
    Reason.STALE_DATA: "a quote was not confirmed recently enough",
    Reason.DESYNC: "the legs were confirmed too far apart in time to be one price",
    Reason.THIN: "the size at that price is below the venue's smallest order",
    Reason.NO_SIZE: "the feed gives no size, so nothing says how much could be traded",
    Reason.DISPERSION: "the perpetual venues disagree: a local dislocation, not a move",
    Reason.RISK_LIMIT: "a risk limit refused the order",
    Reason.VENUE_DOWN: "a stream stopped confirming its state, or trading is halted",
    Reason.GAP: "messages of a stream that it rests on were lost",
    Reason.UNIT_CHECK: "figures that only a mistake of unit or data would explain",
    Reason.STUB_QUOTE: "a quote at a stub level, which is not meant to trade",
    Reason.EXPIRY_WINDOW: "too close to expiry, where settlement averages the index",
    Reason.NO_CHAIN: "no option chain of this asset in the inputs",
    Reason.NO_FORWARD: "no forward for the expiry",
    Reason.NO_EXECUTABLE_FORWARD: "the forward is a mark: nothing can be hedged at it",
    Reason.NOT_EVALUABLE: "the inputs do not allow a condition of the trigger to be tested",
    Reason.NOT_PRICEABLE: "what was handed over is no chain that can be priced",
    Reason.MODEL_UNSURE: "the reviewing model refused",
    Reason.EDGE_GONE_IN_REVIEW: "the edge went while waiting for the model",
    Reason.BUDGET: "the review budget is spent",
}

EDGES: dict[EdgeType, str] = {
    EdgeType.STALE_QUOTE: "stale quote against its robust value",
    EdgeType.PARITY_INVERSE: "put-call parity, settled in coin",
    EdgeType.PARITY_LINEAR: "put-call parity, settled in the quote currency",
    EdgeType.VERTICAL: "vertical spread outside its bounds",
    EdgeType.BOX: "box",
    EdgeType.VOL_OVERSHOOT: "volatility overshoot after a cascade (statistical)",
    EdgeType.DISLOCATION: "one perpetual venue away from the others (statistical)",
    EdgeType.BUTTERFLY: "butterfly: a bid above the hull of the asks around it",
    EdgeType.CALENDAR: "total variance that falls with expiry: a flag, not an order",
    EdgeType.CROSS_VENUE: "the same option dearer on another venue",
}

TRIGGERS: dict[TriggerKind, str] = {
    TriggerKind.CASCADE: "liquidation cascade",
    TriggerKind.PRICE_MOVE: "price move",
    TriggerKind.STATIC: "static package",
    TriggerKind.DISLOCATION: "local dislocation of a perpetual",
    TriggerKind.PROBE: "probe at a chosen time",
}

UNTESTED: dict[str, str] = {
    "desync": "not tested: an option of it was confirmed too long before the one that came",
    "unquoted": "tested, but an option of it has no bid or no ask, so there is no edge to speak of",
    "calendar_flag": "total variance that falls with expiry is a view on variance: flagged, never ordered",
}
"""Why a static test gave nothing."""

CONDITIONS: dict[str, str] = {
    "price_move": "the series has no price from nearly one trigger window ago to compare with",
    "probe": "there is no forward series of the coin to open a probe on",
    "cascade_hour_of_week": "no history says what is usual at this hour of the week (no reason to refuse orders)",
    "cascade_history": "too little history to say how large a usual move is",
    "cascade_forward": "no quotes of perpetuals, so nothing says whether the price moved",
    "cascade_notional": "contracts of unknown size: what was liquidated is not known in money",
    "cascade_venues": "the number of venues that liquidations come from is not known",
}
"""Conditions of triggers that the inputs did not allow to be tested."""

FALLBACKS: dict[Fallback, str] = {
    Fallback.DEADLINE: "no answer within the deadline",
    Fallback.SHED: "newer questions pushed it out of the queue",
    Fallback.BREAKER: "the provider failed too often lately, or refused the key or the account",
    Fallback.BUDGET: "the money for questions is spent",
    Fallback.RATE: "a limit of the provider left no time",
    Fallback.HTTP: "the provider answered with an error",
    Fallback.UNREACHABLE: "no connection to the provider, or it broke",
    Fallback.EMPTY: "the answer held nothing",
    Fallback.INVALID: "the answer was not of the agreed form",
    Fallback.TRUNCATED: "the answer was cut off at its greatest length",
    Fallback.SEMANTIC: "the answer made no sense: another side, or a probability out of bounds",
    Fallback.NO_KEY: "no provider has a key",
    Fallback.STOPPED: "the input or the gateway ended first",
}
"""Why there was no answer of a model."""

LIMITS: dict[str, str] = {
    "quantity": "more coins than one order may have",
    "premium": "more premium than one order may cost",
    "collar": "a price too far from the value",
    "duplicate": "the same legs were ordered a moment ago",
    "purpose": "an order that adds risk by way of the gate for those that take it away",
}
"""Risk limits that refuse an order."""
