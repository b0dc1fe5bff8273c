"""What an option is truly worth: the efficient forward, a smile that answers to the shock, and Black-76.

The base world's smile is a family of SVI slices (SSVI, Gatheral and Jacquier 2014) moved by a skew-stickiness ratio
and by a response of the level to the shock; the shifted world adds what no SVI fits.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.random import Generator

from aftershock.model.units import NS_PER_S, NS_PER_YEAR
from aftershock.pricing.hot import price_delta_vega
from aftershock.sim.market.grid import Floats, Ints, at, from_start, ornstein_uhlenbeck
from aftershock.sim.market.listing import CARRY_PER_YEAR, Listing
from aftershock.sim.market.params import World
from aftershock.sim.market.path import Path

__all__ = ["Surface", "Values", "draw_surface"]

_RESPONSE_DAYS = 7.0
_LEVEL_STEP_NS = NS_PER_S


class Values(msgspec.Struct, frozen=True):
    """Truth about some options at some moments: value in the price's unit, delta, vega in USD for 1.00, forward."""

    value: Floats
    delta: Floats
    vega: Floats
    forward: Floats


class Surface(msgspec.Struct, frozen=True, kw_only=True):
    """The true surface of one episode.

    Attributes:
        listing: The options.
        clock, log_price: Efficient log price, impact included; `offsets` the clock from its start.
        anchor: Log price that stickiness is measured from; `onset_ns` from when the level answers to moves.
        stickiness: R* of this episode.
        level_clock, level: Vol level in fractions, by second.
        vol_shift, shift_from_ns, shift_ramp_s: A further true shift from a moment on.
        theta, rho, eta: SSVI by expiry.
        slopes: Slope of each smile at the money.
        response: Answer of the level per unit of move by expiry (7 days: 1).
        bump: float64[e, 3]: height, place and width, in standard deviations, of what is not SVI.
        up_response, down_response: Fractions of volatility per unit of log move.
    """

    listing: Listing
    clock: Ints
    offsets: Floats
    log_price: Floats
    anchor: float
    onset_ns: int
    onset_log: float
    stickiness: float
    level_clock: Ints
    level: Floats
    vol_shift: float
    shift_from_ns: int
    shift_ramp_s: float
    atm: Floats
    rho: float
    eta: float
    slopes: Floats
    response: Floats
    bump: Floats
    up_response: float
    down_response: float

    def log_at(self, moments: Ints | int) -> Floats:
        """Return the efficient log price at some moments."""
        return at(moments, self.clock, self.log_price, self.offsets)

    def forward(self, moments: Ints | int, expiry: Ints | int) -> Floats:
        """Return the forward of an expiry at some moments."""
        tau = (self.listing.expiries_ns[expiry] - moments) / NS_PER_YEAR
        forward: Floats = np.exp(self.log_at(moments) + CARRY_PER_YEAR * tau)
        return forward

    def sigma(self, moments: Ints, options: Ints, log_price: Floats) -> tuple[Floats, Floats, Floats]:
        """Return true volatility, forward and time to expiry of options[i] at moments[i]."""
        listing = self.listing
        expiry = listing.expiry[options]
        tau = (listing.expiries_ns[expiry] - moments) / NS_PER_YEAR
        forward = np.exp(log_price + CARRY_PER_YEAR * tau)
        k = np.log(listing.strike[options] / forward)
        atm = self.atm[expiry]
        theta = atm * atm * tau
        scaled = self.eta / np.sqrt(theta) * k
        variance = 0.5 * theta * (1.0 + self.rho * scaled + np.sqrt((scaled + self.rho) ** 2 + 1.0 - self.rho**2))
        height, place, width = self.bump[expiry].T
        z = k / np.sqrt(theta)
        sigma = np.sqrt(variance / tau) + height * np.exp(-0.5 * ((z - place) / width) ** 2)
        move = np.where(moments >= self.onset_ns, log_price - self.onset_log, 0.0)
        answer = np.where(move > 0, self.up_response, -self.down_response) * move
        shifted = np.clip((moments - self.shift_from_ns) / (self.shift_ramp_s * NS_PER_S), 0.0, 1.0)
        sigma = (
            sigma
            + self.stickiness * self.slopes[expiry] * (log_price - self.anchor)
            + self.response[expiry] * (answer + self.vol_shift * shifted + at(moments, self.level_clock, self.level))
        )
        return np.maximum(sigma, 0.05), forward, tau

    def values(self, moments: Ints, options: Ints, vol_error: Floats | float = 0.0) -> Values:
        """Return the true value of options[i] at moments[i], flat arrays of one length.

        Args:
            moments: int64[n], ns.
            options: int64[n].
            vol_error: Added to the true volatility: a maker's own view.
        """
        sigma, forward, tau = self.sigma(moments, options, self.log_at(moments))
        listing = self.listing
        value, delta, vega = price_delta_vega(
            forward, listing.strike[options], np.maximum(tau, 1e-9), np.maximum(sigma + vol_error, 0.03),
            listing.is_call[options],
        )  # fmt: skip
        value = np.where(listing.inverse[options], value / forward, value)
        return Values(value, delta, vega, forward)


def draw_surface(
    rng: Generator,
    world: World,
    listing: Listing,
    path: Path,
    log_price: Floats,
    start_ns: int,
    level_start: float,
    vol_shift: float = 0.0,
) -> Surface:
    """Draw the surface of one episode.

    Args:
        rng: Source of randomness.
        world: Its parameters.
        listing: The options.
        path: Price before impact; its clock and onset.
        log_price: Price with impact.
        start_ns: Start of the fine window.
        level_start: Vol level then, a fraction.
        vol_shift: Planned true shift at the shock, a fraction.
    """
    seconds = np.arange(start_ns, int(path.clock[-1]) + _LEVEL_STEP_NS, _LEVEL_STEP_NS, dtype=np.int64)
    wander = ornstein_uhlenbeck(rng.standard_normal(len(seconds)), seconds, world.vol_half_life_s)
    level = level_start + 0.01 * world.vol_sd_points * (wander - wander[0])
    days = np.maximum((listing.expiries_ns - start_ns) / (86_400 * NS_PER_S), 0.02)
    tau = days / 365.0
    atm = world.atm_vol * (1.0 + 0.03 * np.log(days / _RESPONSE_DAYS))
    theta = atm * atm * tau
    # d sigma / dk at the money of SSVI: rho * eta / (2 sqrt(tau)) * ... = rho * phi * theta / (2 sigma tau).
    slopes = world.skew_rho * world.skew_eta * np.sqrt(theta) / (2.0 * atm * tau)
    bump = np.zeros((len(days), 3))
    bump[:, 2] = 1.0
    if world.smile_bump_points:
        bump[:, 0] = 0.01 * world.smile_bump_points * rng.choice([-1.0, 1.0], size=len(days))
        bump[:, 1] = rng.uniform(-1.2, 1.2, size=len(days))
        bump[:, 2] = rng.uniform(0.15, 0.5, size=len(days))
    shock = 0.01 * world.vol_shock_points * float(rng.uniform(-1.0, 1.0)) if path.shock_bps else 0.0
    anchor = float(at(start_ns, path.clock, log_price))
    return Surface(
        listing=listing,
        clock=path.clock,
        offsets=from_start(path.clock),
        log_price=log_price,
        anchor=anchor,
        onset_ns=path.onset_ns,
        onset_log=float(at(path.onset_ns, path.clock, log_price)),
        stickiness=float(rng.uniform(*world.stickiness)),
        level_clock=seconds,
        level=level,
        vol_shift=vol_shift + shock,
        shift_from_ns=path.onset_ns,
        shift_ramp_s=2.0,
        atm=atm,
        rho=world.skew_rho,
        eta=world.skew_eta,
        slopes=slopes,
        response=np.clip(np.sqrt(_RESPONSE_DAYS / days), 0.3, 1.5),
        bump=bump,
        up_response=world.vol_response,  # points per 1 % is fraction per unit
        down_response=2.0 * world.vol_response,
    )
