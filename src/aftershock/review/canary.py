"""A question with a known answer: it tells whether a provider answers, in what form, and with some sense."""

from __future__ import annotations

from aftershock.model.orders import Leg, Side
from aftershock.model.review import ReviewMode
from aftershock.model.signals import Action, ArbitrageSignal, EdgeType, Reason, ReviewRequest, TriggerKind

__all__ = ["ANSWER", "canary"]

ANSWER = "HOLD"


def canary(number: int) -> ReviewRequest:
    """Return a question about a trade that nobody should want: no edge, an old quote, next to no size."""
    signal = ArbitrageSignal(
        signal_id="canary",
        trigger_id=f"canary-{number}",
        trigger_kind=TriggerKind.PRICE_MOVE,
        ts_event=0,
        ts_init=0,
        source_market="",
        target_market="",
        asset="",
        action=Action.BUY,
        reason=Reason.EDGE,
        edge_type=EdgeType.STALE_QUOTE,
        legs=(Leg(venue="", symbol="C", side=Side.BUY, ratio=1.0, price=0.01, price_usd=600.0),),
        spread_bps=0.1,
        threshold_bps=2.0,
        gross_spread_bps=4.0,
        quantity=0.1,
        delta=0.03,
        vega_per_vol_point=2.0,
        book_age_ms=1_900.0,
        leg_span_ms=0.0,
        latency_ms=990.0,
    )
    features = {
        "top_size_coins": 0.1,
        "quote_spread_bps": 60.0,
        "moneyness_pct": 38.0,
        "days_to_expiry": 0.1,
        "theta_per_day_usd": -900.0,
        "iv_price": 1.9,
        "iv_value": 1.91,
        "move_bps": 15.0,
        "intensity_ratio": 1.0,
        "imbalance": 0.1,
        "venues": 1.0,
        "liquidated_usd": 1_000.0,
    }
    return ReviewRequest(
        request_id=f"canary-{number}",
        trigger_id=f"canary-{number}",
        ts_init=0,
        expires_ns=0,
        mode=ReviewMode.SHADOW,
        signal=signal,
        features=features,
    )
