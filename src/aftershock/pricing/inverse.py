"""Inverse options, quoted and settled in the coin, next to linear ones in its quote currency.

An inverse call pays `max(S_T - K, 0)/S_T` coin. Seen at its own forward F it is a linear option whose premium
is paid in coin: `premium_usd = premium_coin * F`. See C. Alexander, A. Imeraj, "Inverse options in a
Black-Scholes world" (2021). All amounts are per coin of underlying. Forwards and strikes are positive, or
NaN, which gives NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from aftershock.pricing.arrays import FloatArray, Real


def premium_usd(premium_coin: Real, forward: Real) -> Real:
    """Convert a premium in coin into the forward's currency."""
    return premium_coin * forward


def premium_coin(premium_usd: Real, forward: Real) -> Real:
    """Convert a premium in the forward's currency into coin."""
    return premium_usd / forward


def payoff_usd(settlement: ArrayLike, strike: ArrayLike, is_call: ArrayLike) -> FloatArray:
    """Return what a linear option pays at expiry: `max(S_T - K, 0)`, puts `max(K - S_T, 0)`."""
    gain = np.subtract(settlement, strike)
    paid: FloatArray = np.maximum(np.where(is_call, gain, -gain), 0.0)
    return paid[()]


def payoff_coin(settlement: ArrayLike, strike: ArrayLike, is_call: ArrayLike) -> FloatArray:
    """Return what an inverse option pays at expiry, in coin. A put's is not bounded: it grows as 1/S_T."""
    paid: FloatArray = np.divide(payoff_usd(settlement, strike, is_call), settlement)
    return paid


def hedge_delta_inverse(delta: Real, premium_coin: Real) -> Real:
    """Return the coins to be short against one long inverse option so that its value in *currency* is hedged.

    The premium x was paid in coin, whose price moves too: N(d1) - x for calls and N(d1) - 1 - x for puts.

    Args:
        delta: Black-76 delta, undiscounted.
        premium_coin: Premium paid, in coin.
    """
    return delta - premium_coin


def parity_forward_inverse(call_coin: Real, put_coin: Real, strike: Real) -> Real:
    """Return the forward at which put-call parity holds in coin, `K/(1 - (c - p))`, for c - p < 1."""
    return strike / (1.0 - (call_coin - put_coin))


def parity_forward_linear(call_usd: Real, put_usd: Real, strike: Real) -> Real:
    """Return the forward at which put-call parity holds in currency, `K + (C - P)`."""
    return strike + (call_usd - put_usd)
