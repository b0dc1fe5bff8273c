"""The nouns of forced liquidations: their parameters, and one episode's parents and child fills."""

from __future__ import annotations

from enum import IntEnum

import msgspec
import numpy as np
from numpy.typing import NDArray

__all__ = ["LiquidationParams", "Liquidations", "Regime"]


class Regime(IntEnum):
    """State of the market, as the codes of a path's `regime` column."""

    CALM = 0
    ACTIVE = 1
    STRESS = 2


class LiquidationParams(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of liquidations and of their impact; defaults and sources are in docs/simulation.md.

    Attributes:
        mu_hz: Base rate per side.
        kappa_hz_per_bp: Rate added per basis point of adverse move beyond `d0_bps`.
        d0_bps: Adverse ten-second move that forces nobody out.
        alpha, beta: Each liquidation raises its side's rate by `alpha` per second, which decays at `beta` per second.
        stress_alpha: `alpha` of a liquidation that happens under stress.
        size_median_usd, size_sigma_ln, size_cap_usd: Lognormal notional of a parent, cut at the cap.
        children_mean: Mean number of child fills by regime, geometric from 1.
        impact_y, sigma_day_bps, volume_day_usd: The square-root law's constant, daily volatility and daily volume.
        memory_half_life_s: How long earlier liquidations of a side make further ones cheaper.
        permanent_share: Part of an impact that stays.
        fast_half_life_s, slow_half_life_s: Decay of the two halves of the rest.
    """

    mu_hz: float = 0.02
    kappa_hz_per_bp: float = 0.02
    d0_bps: float = 8.0
    alpha: float = 0.30
    beta: float = 0.5
    stress_alpha: float = 0.425
    size_median_usd: float = 5_000.0
    size_sigma_ln: float = 2.0
    size_cap_usd: float = 20e6
    children_mean: tuple[float, float, float] = (1.0, 4.0, 25.0)
    impact_y: float = 0.8
    sigma_day_bps: float = 240.0
    volume_day_usd: float = 20e9
    memory_half_life_s: float = 60.0
    permanent_share: float = 0.4
    fast_half_life_s: float = 15.0
    slow_half_life_s: float = 180.0

    def __post_init__(self) -> None:
        """Refuse parameters under which liquidations would breed without end, or mean nothing.

        Raises:
            ValueError: A branching ratio is 1 or more, a share is outside [0, 1], or a scale is not positive.
        """
        for name in ("beta", "size_median_usd", "size_cap_usd", "volume_day_usd", "memory_half_life_s",
                     "fast_half_life_s", "slow_half_life_s"):  # fmt: skip
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be above zero")
        for name in ("mu_hz", "kappa_hz_per_bp", "d0_bps", "alpha", "stress_alpha", "size_sigma_ln", "impact_y",
                     "sigma_day_bps"):  # fmt: skip
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)}: it must not be negative")
        for name in ("alpha", "stress_alpha"):
            ratio = getattr(self, name) / self.beta
            if not ratio < 1:
                raise ValueError(
                    f"branching ratio {name} / beta is {ratio:g}: it must be below 1, or cascades never end"
                )
        if not 0 <= self.permanent_share <= 1:
            raise ValueError(f"permanent_share is {self.permanent_share}: it must be between 0 and 1")
        if not min(self.children_mean) >= 1:
            raise ValueError(f"children_mean is {self.children_mean}: a parent has at least one child fill")

    @property
    def branching_ratio(self) -> float:
        """Return the mean number of direct successors of one liquidation outside stress."""
        return self.alpha / self.beta

    @property
    def stress_branching_ratio(self) -> float:
        """Return the mean number of direct successors of one liquidation under stress."""
        return self.stress_alpha / self.beta


class Liquidations(msgspec.Struct, frozen=True, kw_only=True):
    """One episode: m parents in time order and their child fills, parent by parent and in time order within each.

    Attributes:
        ts_ns: int64[m], when each position was taken over; its impact starts here.
        forced_side: int8[m], +1 a forced buy (a short was liquidated), -1 a forced sell (a long).
        usd: float64[m], notional.
        venue: int8[m], index of the venue hit.
        child_parent: int64[c], row of the parent.
        child_ts_ns: int64[c].
        child_usd: float64[c], summing to the parent's notional.
    """

    ts_ns: NDArray[np.int64]
    forced_side: NDArray[np.int8]
    usd: NDArray[np.float64]
    venue: NDArray[np.int8]
    child_parent: NDArray[np.int64]
    child_ts_ns: NDArray[np.int64]
    child_usd: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of parents."""
        return len(self.ts_ns)
