"""Edge D, statistical: volatility that a cascade drove away from where it is expected to be, once it is exhausted.

Nothing forces the volatility back; what is sold here is insurance in a market that was just on fire. So the edge is
tested in the calm after a cascade only, against one central scenario, and net of the way in *and* out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aftershock.core.quote_edges import EdgeFigures
from aftershock.model.signals import TriggerKind
from aftershock.model.units import NS_PER_S
from aftershock.pricing.hot import price_delta_vega

if TYPE_CHECKING:
    from aftershock.core.asset import AssetState
    from aftershock.core.config import EngineConfig
    from aftershock.core.hedge import HedgeQuote
    from aftershock.core.stale_quotes import ArmedChain
    from aftershock.core.triggers import OpenTrigger
    from aftershock.model.instruments import FeeSchedule

__all__ = ["expected_shift", "is_exhausted", "overshoot_figures"]

_VOL_POINT = 0.01


def is_exhausted(trigger: OpenTrigger, asset: AssetState, config: EngineConfig, now: int) -> bool:
    """Tell whether a cascade has burnt out: its intensity well below the maximum, and the price calm since."""
    if trigger.kind is not TriggerKind.CASCADE or trigger.degraded:
        return False
    if not asset.window.intensity_hz(now) < config.overshoot_intensity_share * trigger.peak_hz:
        return False
    span = int(config.overshoot_calm_s * NS_PER_S)
    return asset.consolidated.range_bps(now, span) < config.overshoot_calm_bps


def expected_shift(move: float, config: EngineConfig) -> float:
    """Return the rise of volatility (a fraction) that a log move of the forward is expected to leave behind."""
    factor = config.overshoot_down_factor if move < 0 else 1.0
    return factor * config.overshoot_response_per_move * abs(move) * _VOL_POINT


def overshoot_figures(
    armed: ArmedChain,
    config: EngineConfig,
    forwards: list[float],
    now: int,
    index: float,
    fees: FeeSchedule | None,
    hedge: HedgeQuote | None,
    positions: NDArray[np.int64],
) -> EdgeFigures:
    """Hold both sides against what the position is expected to be closed at; arguments as of `ArmedChain.evaluate`.

    The central volatility is s0(ln(K/F)) + g r + the expected shift (R = 1). Closing a sale means buying at the ask,
    half a width above it; the width is taken in price, which to first order is vega times the width in volatility
    and needs no volatility to be solved for.
    """
    at = armed.frame(forwards, now, index, positions)
    moved, log_forward = armed.moves(forwards)
    shift = np.array([g * r + expected_shift(r, config) for g, r in moved])[at.expiry]
    sigma = armed.base_vols(at, log_forward) + shift
    value, delta, vega = price_delta_vega(at.forward, at.strike, at.tau, sigma, at.is_call)
    half_width = 0.5 * (at.ask - at.bid) * at.unit
    buy, sell = (
        at.side(sigma, exit_price, delta, vega, fees, hedge, buying=buying, ways=2)
        for buying, exit_price in ((True, value - half_width), (False, value + half_width))
    )
    return EdgeFigures(positions=positions, forward=at.forward, tau=at.tau, buy=buy, sell=sell)
