"""Every number of the simulated world, and how the shifted world draws them anew.

The base world's figures are those of the project's domain notes, or a judgement that `docs/simulation.md` names as
one. The shifted world multiplies each by a factor from U(0.5, 1.5) per seed, and breaks what the engine may rely on:
a smile that no SVI fits, skew-stickiness outside the band, volatility shocks beyond it, bases that jump, slower feeds.
"""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np
from numpy.random import Generator

__all__ = ["FAST", "MAKER_SETS", "SLOW", "MakerSet", "World", "draw_world"]

MakerName = Literal["fast", "slow"]
WorldName = Literal["base", "shifted"]


class MakerSet(msgspec.Struct, frozen=True, kw_only=True):
    """Six option makers and three competing takers of one venue class; tuples are per maker or per taker.

    Attributes:
        delay_ms: From a move to the maker's sight of it.
        threshold: Requotes when |delta| times the move, bps, exceeds this.
        timer_ms: Its loop: it looks once per so long.
        half_spread_bps: At the money, calm.
        pull_chance: Takes its quotes out on a fast move, with this chance.
        protected: Chance that a maker has market-maker protection at the venue.
        taker_ms: Reaction of each taker to a true edge above its cost.
        attention: Chance that a taker watches an option.
    """

    delay_ms: tuple[float, ...]
    threshold: tuple[float, ...]
    timer_ms: tuple[float, ...]
    half_spread_bps: tuple[float, ...]
    pull_chance: tuple[float, ...]
    protected: float
    taker_ms: tuple[float, ...]
    attention: float


FAST = MakerSet(
    delay_ms=(3.0, 4.0, 6.0, 10.0, 30.0, 250.0),
    threshold=(1.0, 1.0, 1.0, 1.0, 1.5, 2.0),
    timer_ms=(5.0, 5.0, 10.0, 10.0, 100.0, 500.0),
    half_spread_bps=(5.0, 5.0, 5.0, 5.5, 6.5, 9.0),
    pull_chance=(0.6, 0.6, 0.5, 0.4, 0.3, 0.1),
    protected=1.0,
    taker_ms=(1.0, 5.0, 20.0),
    attention=0.95,
)
SLOW = MakerSet(
    delay_ms=(80.0, 100.0, 120.0, 200.0, 500.0, 2000.0),
    threshold=(1.5, 1.5, 1.5, 2.0, 2.0, 3.0),
    timer_ms=(100.0, 100.0, 200.0, 250.0, 500.0, 2000.0),
    half_spread_bps=(6.0, 6.0, 7.0, 8.0, 9.0, 12.0),
    pull_chance=(0.5, 0.5, 0.4, 0.3, 0.2, 0.05),
    protected=0.5,
    taker_ms=(50.0, 150.0, 400.0),
    attention=0.5,
)
MAKER_SETS: dict[MakerName, MakerSet] = {"fast": FAST, "slow": SLOW}


class World(msgspec.Struct, frozen=True, kw_only=True):
    """One world: volatilities are annual fractions, half-lives and times seconds unless a name says otherwise.

    Attributes:
        sigma: By regime: calm, active, stress.
        regime_share: Chance of each regime before the planned shock.
        jump_per_hour: News by regime; sizes are exponential with mean `jump_mean_bps`.
        shock_least_bps: Planned shocks are this plus an exponential of the same mean.
        ramp_s, ramp_sd_ln: Lognormal time over which news is delivered.
        stress_chance: A jump beyond 40 bps leads to stress with this chance, for `stress_s` on average.
        depth: Depth factor by regime.
        basis_sd_bps, basis_half_life_s: Ornstein-Uhlenbeck basis of each perpetual.
        basis_jump_bps, basis_jumps: Shifted world only: jumps of bases per episode.
        perp_half_spread_bps: Range, calm; divided by the depth factor in stress.
        perp_depth_coins: Median top size, calm.
        atm_vol, skew_rho, skew_eta: The SSVI surface (a family of SVI slices).
        vol_sd_points, vol_half_life_s: Of the at-the-money level.
        vol_response: Vol points per 1 % of move up; twice that down.
        stickiness: Range of the skew-stickiness ratio, drawn per episode.
        smile_bump_points: Height of what is not SVI.
        vol_shock_points: Further shift at a shock, uniform in +- this.
        widening_bps: Spreads widen by 1 + min(4, |5 s move| / this).
        pull_move_bps: A 5 s move that makes makers pull; `pull_s` for how long.
        stall_per_hour, stall_stress_factor, stall_s: Makers that stand still.
        maker_vol_error_points: Of a maker's own view of volatility.
        size_sd_ln: Of quoted sizes around their medians.
        clip_coins, clip_sd_ln: What a taker takes at a time, lognormal.
        protection_s: Range for which protection keeps a maker out after three fills.
        retail_per_episode: Resting orders of others in the wings.
        feed_ms, feed_sd_ln: Lognormal way of a feed to us, drawn per venue and episode.
        jitter_ln: Of single messages around it.
        wire_ms: Way of an order back is the order latency; this is that of a fill report.
        bump_ms: Speed bump by option venue (inverse, linear).
        liquidation_impact: Factor on the square-root law.
        liquidation_rate: Factor on the base rate.
    """

    sigma: tuple[float, float, float] = (0.35, 0.70, 2.00)
    regime_share: tuple[float, float, float] = (0.75, 0.20, 0.05)
    jump_per_hour: tuple[float, float, float] = (0.2, 0.5, 6.0)
    jump_mean_bps: float = 40.0
    shock_least_bps: float = 18.0
    ramp_s: float = 2.0
    ramp_sd_ln: float = 0.8
    stress_chance: float = 0.5
    stress_s: float = 180.0
    depth: tuple[float, float, float] = (1.0, 0.3, 0.08)
    basis_sd_bps: float = 1.5
    basis_half_life_s: float = 120.0
    basis_jump_bps: float = 0.0
    basis_jumps: float = 0.0
    perp_half_spread_bps: tuple[float, float] = (0.05, 0.5)
    perp_depth_coins: float = 12.0
    atm_vol: float = 0.46
    skew_rho: float = -0.25
    skew_eta: float = 0.6
    vol_sd_points: float = 3.0
    vol_half_life_s: float = 7_200.0
    vol_response: float = 0.4
    stickiness: tuple[float, float] = (0.5, 2.0)
    smile_bump_points: float = 0.0
    vol_shock_points: float = 0.0
    widening_bps: float = 25.0
    pull_move_bps: float = 15.0
    pull_s: tuple[float, float] = (1.0, 21.0)
    stall_per_hour: float = 0.5
    stall_stress_factor: float = 10.0
    stall_s: tuple[float, float] = (0.5, 20.0)
    maker_vol_error_points: float = 0.15
    size_sd_ln: float = 1.2
    clip_coins: float = 2.0
    clip_sd_ln: float = 0.8
    protection_s: tuple[float, float] = (0.1, 5.0)
    retail_per_episode: float = 3.0
    feed_ms: float = 40.0
    feed_sd_ln: float = 0.5
    jitter_ln: float = 0.15
    wire_ms: float = 10.0
    bump_ms: tuple[float, float] = (10.0, 0.0)
    liquidation_impact: float = 1.0
    liquidation_rate: float = 1.0


_NOT_SCALED = ("regime_share", "stress_chance", "stickiness", "skew_rho", "depth", "basis_jumps")
"""Shares and chances keep their meaning; what is drawn from its own range is not scaled as well."""


def draw_world(rng: Generator, name: WorldName) -> World:
    """Return the base world, or one shifted world.

    Args:
        rng: Source of the factors; not touched for the base world.
        name: Which.
    """
    base = World()
    if name == "base":
        return base
    scaled = {field: _scaled(rng, getattr(base, field)) for field in base.__struct_fields__ if field not in _NOT_SCALED}
    return msgspec.structs.replace(
        base,
        **{
            **scaled,
            "stickiness": (-0.5, 3.0),
            "skew_rho": float(rng.uniform(-0.45, 0.1)),
            "smile_bump_points": float(rng.uniform(0.5, 1.5)),
            "vol_shock_points": float(rng.uniform(1.0, 4.0)),
            "basis_jump_bps": float(rng.uniform(2.0, 6.0)),
            "basis_jumps": 2.0,
            "feed_ms": float(base.feed_ms * rng.uniform(1.5, 3.0)),
            "feed_sd_ln": float(base.feed_sd_ln * rng.uniform(1.0, 1.8)),
        },
    )


def _scaled(rng: Generator, value: float | tuple[float, ...]) -> float | tuple[float, ...]:
    if isinstance(value, tuple):
        factor = float(rng.uniform(0.5, 1.5))  # one factor: a range stays a range, an order stays an order
        return tuple(float(np.round(each * factor, 12)) for each in value)
    return float(value * rng.uniform(0.5, 1.5))
