"""Pricing: arrays in, arrays out; no instruments, no I/O, no clock, no state, no BLAS."""

from __future__ import annotations

from aftershock.pricing.black76 import Greeks, greeks, price, rho_spot, vega_per_vol_point
from aftershock.pricing.fees import (
    delivery_fee,
    delivery_fee_coin,
    option_fee,
    option_fee_coin,
    perp_taker_fee,
)
from aftershock.pricing.implied_vol import implied_vol
from aftershock.pricing.inverse import (
    hedge_delta_inverse,
    parity_forward_inverse,
    parity_forward_linear,
    payoff_coin,
    payoff_usd,
    premium_coin,
    premium_usd,
)
from aftershock.pricing.normal import norm_cdf, norm_pdf
from aftershock.pricing.robust import RobustValues, VolShock, robust_values
from aftershock.pricing.smile import FitStatus, Smile, SmileMethod, fit_smile
from aftershock.pricing.status import IVStatus

__all__ = [
    "FitStatus",
    "Greeks",
    "IVStatus",
    "RobustValues",
    "Smile",
    "SmileMethod",
    "VolShock",
    "delivery_fee",
    "delivery_fee_coin",
    "fit_smile",
    "greeks",
    "hedge_delta_inverse",
    "implied_vol",
    "norm_cdf",
    "norm_pdf",
    "option_fee",
    "option_fee_coin",
    "parity_forward_inverse",
    "parity_forward_linear",
    "payoff_coin",
    "payoff_usd",
    "perp_taker_fee",
    "premium_coin",
    "premium_usd",
    "price",
    "rho_spot",
    "robust_values",
    "vega_per_vol_point",
]
