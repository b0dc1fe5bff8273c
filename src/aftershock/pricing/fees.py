"""What venues take: a rate on the underlying, capped by a share of the option's price.

Rates and caps are fractions (3 bps is 0.0003, 12.5 % is 0.125) that come from the account's fee schedule;
nothing here has a default. Amounts are per coin of underlying. NaN in a price gives NaN, never a fee of zero.
"""

from __future__ import annotations

import math

import numpy as np

from aftershock.pricing.arrays import Real


def option_fee(taker_rate: float, cap_fraction: float, index: Real, premium_usd: Real) -> Real:
    """Return the fee of trading an option, in currency: `min(rate * index, cap * premium)`.

    Args:
        taker_rate: Fraction of the underlying's value.
        cap_fraction: Largest fraction of the premium that may be taken; infinite if there is no cap.
        index: Price of the underlying.
        premium_usd: Premium, in the currency of the index.
    """
    return _capped(taker_rate * index, cap_fraction, premium_usd)


def option_fee_coin(taker_rate: float, cap_fraction: float, premium_coin: Real) -> Real:
    """Return the fee of trading an inverse option, in coin: `min(rate, cap * premium)`."""
    return _capped(taker_rate + 0.0 * premium_coin, cap_fraction, premium_coin)


def perp_taker_fee(taker_rate: float, price: Real) -> Real:
    """Return the fee of trading one coin of a perpetual or future, in currency."""
    return taker_rate * price


def delivery_fee(delivery_rate: float, cap_fraction: float, index: Real, payoff_usd: Real) -> Real:
    """Return the fee of exercise or delivery at expiry, in currency: `min(rate * index, cap * payoff)`."""
    return _capped(delivery_rate * index, cap_fraction, payoff_usd)


def delivery_fee_coin(delivery_rate: float, cap_fraction: float, payoff_coin: Real) -> Real:
    """Return the fee of exercise or delivery of an inverse option, in coin: `min(rate, cap * payoff)`."""
    return _capped(delivery_rate + 0.0 * payoff_coin, cap_fraction, payoff_coin)


def _capped(fee: Real, cap_fraction: float, value: Real) -> Real:
    """Return the fee or the cap, whichever is less; unlike `min`, NaN if either is."""
    if math.isinf(cap_fraction):
        return fee + 0.0 * value
    least: Real = np.minimum(fee, cap_fraction * value)
    return least
