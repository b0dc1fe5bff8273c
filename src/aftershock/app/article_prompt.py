"""The question that the article asks of its model: whole data, indented, for each liquidation.

Its wording is the article's, spelling included, because its length is what is counted here. The chain is made up: as
many options as one likes, of sixteen fields each, valued by Black-76 so that the figures are as long as true ones.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from aftershock.pricing import greeks

__all__ = ["ANSWER", "article_prompt"]

_FORWARD, _SIGMA, _DAYS = 48_500.0, 0.55, 7.0
_STRIKE_STEP = 250.0

ANSWER = json.dumps(
    {
        "spread_pct": 0.42,
        "confidence": 0.78,
        "action": "BUY",
        "reasoning": (
            "The liquidation price of 48500 sits below the 49000 call strike while implied volatility on Backpack "
            "at 0.52 has not yet adjusted to the cascade in the liquidation feed. Time decay over the remaining seven "
            "days is small compared with the spread, and the top of book shows enough size to fill without moving the "
            "price. Main risk is that the move reverses before the quote is updated, and that liquidity thins out when "
            "more positions are closed."
        ),
    },
    indent=2,
)
"""An answer of the form that the article asks for, with a reasoning of usual length."""


def article_prompt(options: int) -> str:
    """Return the prompt with a chain of so many options."""
    liquidation = {
        "market": "FTX-RESTART",
        "symbol": "BTC-PERP",
        "price": 48_500.0,
        "size": 12.5,
        "side": "SELL",
        "buffer_size": 7,
    }
    context = {
        "symbol": "BTC-PERP",
        "current_price": 48_500.0,
        "price_volatility_30s": 41.870345118,
        "cumulative_volume_30s": 86.25,
        "liquidation_count_30s": 7,
        "price_momentum": -0.0021604938,
    }
    return f"""Analyze cross-market arbitrage opportunity:

LQUIDATION DATA (FTX-Restart):
{json.dumps(liquidation, indent=2)}

OPTIONS CHAIN (Backpack):
{json.dumps({"options": _chain(options)} if options else {}, indent=2)}

MARKET CONTEXT:
{json.dumps(context, indent=2)}

Consider:
1. Spread between liquidation price and options strike
2. Time decay (theta) impact
3. Implied volatility arb between markets
4. Liquidity constraints

Return JSON with: spread_pct, confidence (0-1), action (BUY/SELL/HOLD), reasoning
"""


def _chain(options: int) -> list[dict[str, Any]]:
    """Return calls and puts by turns on strikes around the forward."""
    number = np.arange(options)
    strikes = _FORWARD + _STRIKE_STEP * (number // 2 - options // 4)
    strikes = np.maximum(strikes, _STRIKE_STEP)
    is_call = number % 2 == 0
    sigma = _SIGMA + 0.3 * np.log(strikes / _FORWARD) ** 2
    valued = greeks(_FORWARD, strikes, _DAYS / 365.0, sigma, is_call)
    chain = []
    for i in range(options):
        price, kind = float(valued.price[i]), "C" if is_call[i] else "P"
        chain.append(
            {
                "symbol": f"BTC-27NOV26-{strikes[i]:.0f}-{kind}",
                "underlying": "BTC",
                "expiry": "2026-11-27T08:00:00Z",
                "strike": float(strikes[i]),
                "option_type": "call" if is_call[i] else "put",
                "bid_price": round(0.985 * price, 1),
                "ask_price": round(1.015 * price, 1),
                "bid_size": round(0.5 + 1.37 * (i % 11), 1),
                "ask_size": round(0.7 + 1.13 * (i % 13), 1),
                "mark_price": round(price, 2),
                "implied_volatility": round(float(sigma[i]), 4),
                "delta": round(float(valued.delta[i]), 4),
                "gamma": round(float(valued.gamma[i]), 6),
                "theta": round(float(valued.theta[i]), 2),
                "vega": round(float(valued.vega[i]) / 100, 2),
                "open_interest": round(12.5 + 7.31 * (i % 97), 1),
            }
        )
    return chain
