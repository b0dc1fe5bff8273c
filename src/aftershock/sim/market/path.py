"""The efficient log price of one episode: diffusion by regime, ramped news, and the planned shock.

The hidden truth starts here. Liquidations and their impact come on top (`hawkes`), then every venue's own basis.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from aftershock.model.units import BPS, NS_PER_S, NS_PER_YEAR
from aftershock.sim.market.grid import Floats, Ints, at
from aftershock.sim.market.params import World

__all__ = ["CALM", "STRESS", "Path", "depth_factor", "draw_path", "moves_bps"]

CALM, ACTIVE, STRESS = 0, 1, 2
_STRESS_JUMP_BPS = 40.0


class Path(msgspec.Struct, frozen=True, kw_only=True):
    """What drives one episode.

    Attributes:
        clock: int64[n], ns.
        log_price: float64[n], before any liquidation's impact.
        regime: int8[n]: 0 calm, 1 active, 2 stress.
        onset_ns: When the planned shock begins.
        shock_bps: Its size, signed; 0 where none is planned.
        shock_ends_ns: When all of it is delivered.
    """

    clock: Ints
    log_price: Floats
    regime: NDArray[np.int8]
    onset_ns: int
    shock_bps: float
    shock_ends_ns: int


def draw_path(
    rng: Generator,
    world: World,
    clock: Ints,
    fine_ns: int,
    onset_ns: int,
    start_log: float,
    shock_bps: float,
    *,
    reverts_after_s: float | None = None,
) -> Path:
    """Draw the price of one episode.

    Args:
        rng: Source of randomness.
        world: Volatilities and news.
        clock: The grid.
        fine_ns: Start of the fine window; before it the market is calm.
        onset_ns: When the planned shock begins.
        start_log: Log price at the grid's start.
        shock_bps: Signed size of the shock, 0 for none.
        reverts_after_s: The whole shock is taken back so soon after it was delivered; None for never.
    """
    before = int(rng.choice(3, p=_shares(world)))
    size = shock_bps
    ramp_s = float(world.ramp_s * np.exp(world.ramp_sd_ln * rng.standard_normal()))
    if reverts_after_s is not None:
        ramp_s = min(ramp_s, 0.4)
    ends_ns = onset_ns + int(ramp_s * NS_PER_S)
    regime = np.where(clock >= fine_ns, before, CALM).astype(np.int8)
    if before == STRESS:  # it does not last
        regime[clock >= fine_ns + int(rng.exponential(world.stress_s) * NS_PER_S)] = ACTIVE
    if abs(size) > _STRESS_JUMP_BPS and rng.random() < world.stress_chance:
        calms = onset_ns + int(rng.exponential(world.stress_s) * NS_PER_S)
        regime[(clock >= onset_ns) & (clock < calms)] = STRESS
    sigma = np.array(world.sigma)[regime]
    steps = np.sqrt(np.diff(clock, prepend=clock[0]) / NS_PER_YEAR)
    log_price = start_log + np.cumsum(sigma * steps * rng.standard_normal(len(clock)))
    if size:
        log_price += _ramp(clock, onset_ns, ends_ns, size)
        if reverts_after_s is not None:
            back = ends_ns + int(reverts_after_s * NS_PER_S)
            log_price -= _ramp(clock, back, back + ends_ns - onset_ns, size)
    log_price += _news(rng, world, clock, onset_ns, regime)
    return Path(
        clock=clock, log_price=log_price, regime=regime, onset_ns=onset_ns, shock_bps=size, shock_ends_ns=ends_ns
    )


def _shares(world: World) -> Floats:
    shares: Floats = np.array(world.regime_share) / sum(world.regime_share)
    return shares


def _ramp(clock: Ints, begin: int, end: int, size_bps: float) -> Floats:
    share = np.clip((clock - begin) / max(end - begin, 1), 0.0, 1.0)
    ramp: Floats = share * size_bps / BPS
    return ramp


def _news(rng: Generator, world: World, clock: Ints, onset_ns: int, regime: NDArray[np.int8]) -> Floats:
    """Return unplanned news after the onset; before it the windows stay comparable."""
    hours = np.diff(clock, append=clock[-1]) / (3_600 * NS_PER_S) * (clock >= onset_ns)
    rate = np.array(world.jump_per_hour)[regime] * hours
    total = np.zeros(len(clock))
    for k in np.flatnonzero(rng.random(len(clock)) < rate).tolist():
        size = rng.exponential(world.jump_mean_bps) * (1.0 if rng.random() < 0.5 else -1.0)
        ramp_s = world.ramp_s * np.exp(world.ramp_sd_ln * rng.standard_normal())
        total += _ramp(clock, int(clock[k]), int(clock[k]) + int(ramp_s * NS_PER_S), float(size))
    return total


def moves_bps(clock: Ints, log_price: Floats, window_s: float) -> Floats:
    """Return the move over a window that ends at each moment, bps."""
    return BPS * (log_price - at(clock - int(window_s * NS_PER_S), clock, log_price))


def depth_factor(world: World, clock: Ints, log_price: Floats, regime: NDArray[np.int8]) -> Floats:
    """Return how deep books are, 1 when calm: less by regime, and far less while the price runs."""
    base = np.array(world.depth)[regime]
    short, longer = moves_bps(clock, log_price, 5.0), moves_bps(clock, log_price, 20.0)
    return np.maximum(base / (1.0 + (short / 15.0) ** 2 + (longer / 40.0) ** 2), 0.02)
