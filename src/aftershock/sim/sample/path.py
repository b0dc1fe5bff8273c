"""The hidden market: index and volatility on a 10 ms grid, from diffusion and the story's shocks."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from aftershock.model.units import BPS, NS_PER_S, NS_PER_YEAR
from aftershock.sim.sample.story import DURATION_S, Shock

__all__ = ["Market", "make_market"]

STEP_S = 0.01
LEAD_S = 30.0
"""The grid starts so long before the sample: readers with a lag always find a value."""
_START_PRICE = 90_000.0
_VOLATILITY = 0.35
_VOL_DECAY_S = 400.0
_GIVE_BACK_S = 20.0
_STRESS_S = 12.0


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """What only the generator knows; each array has one value per 10 ms.

    Attributes:
        log_index: Natural logarithm of the index, USD per coin.
        vol_points: Rise of the eight-day volatility over its level at the start, points.
        stress: 0 when calm to 1 in the middle of a shock: books thin, messages come faster.
    """

    log_index: NDArray[np.float64]
    vol_points: NDArray[np.float64]
    stress: NDArray[np.float64]

    def at(self, series: NDArray[np.float64], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a series at some moments, the last grid value before each."""
        index = ((seconds + LEAD_S) / STEP_S).astype(np.int64)
        return series[np.clip(index, 0, len(series) - 1)]


def make_market(rng: Generator, shocks: tuple[Shock, ...]) -> Market:
    """Build the hidden market.

    Args:
        rng: Source of the diffusion.
        shocks: The story.
    """
    seconds = np.arange(-LEAD_S, DURATION_S + 5.0, STEP_S)
    stress = np.zeros_like(seconds)
    vol_points = np.zeros_like(seconds)
    moved_bps = np.zeros_like(seconds)
    for shock in shocks:
        done_bps = np.zeros_like(seconds)
        for gulp in shock.gulps:
            done_bps += gulp.move_bps * np.clip((seconds - gulp.start_s) / gulp.length_s, 0, 1)
        after = np.maximum(seconds - shock.end_s, 0.0)
        back = np.sign(shock.move_bps) * shock.given_back_bps * (1 - np.exp(-after / _GIVE_BACK_S))
        moved_bps += done_bps - back
        share_done = done_bps / shock.move_bps
        vol_points += shock.vol_points * share_done * np.exp(-after / _VOL_DECAY_S)
        force = min(1.0, abs(shock.move_bps) / 60.0)
        stress = np.maximum(stress, force * (share_done > 0) * np.exp(-after / _STRESS_S))
    sd_of_step = _VOLATILITY * np.sqrt(STEP_S * NS_PER_S / NS_PER_YEAR)
    diffusion = np.cumsum(rng.standard_normal(len(seconds)) * sd_of_step * (1 + 0.5 * stress))
    log_index = np.log(_START_PRICE) + diffusion + moved_bps / BPS
    return Market(log_index=log_index, vol_points=vol_points, stress=stress)
