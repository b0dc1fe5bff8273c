"""The listed options of the made-up venue, and the forward of each expiry."""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from aftershock.model.units import BPS, NS_PER_DAY, NS_PER_S, NS_PER_YEAR, utc_ns
from aftershock.sim.sample.story import DATE, START_NS

__all__ = ["EXPIRIES", "Contract", "Contracts", "Expiry", "contracts"]

_CARRY_PER_YEAR = 0.05
_EXPIRY_HOUR = 8


class Expiry(msgspec.Struct, frozen=True, kw_only=True):
    """One expiry of the chain.

    Attributes:
        day: Of October 2026, at 08:00 UTC.
        middle, spacing: Of its strikes, USD; 12 strikes from `middle - 6 * spacing` up.
        atm: Volatility at the forward before the first shock.
        has_future: True if a dated future is listed for it.
    """

    day: int
    middle: int
    spacing: int
    atm: float
    has_future: bool = False

    @property
    def name(self) -> str:
        """Return the part of a symbol that names the expiry; the day is not padded."""
        return f"{self.day}OCT26"

    @property
    def expiry_ns(self) -> int:
        """Return the moment of expiry."""
        return utc_ns(DATE[0], DATE[1], self.day, _EXPIRY_HOUR)

    @property
    def carry_bps(self) -> float:
        """Return how far the forward stands above the index, from the start's time to expiry."""
        return BPS * _CARRY_PER_YEAR * (self.expiry_ns - START_NS) / NS_PER_YEAR

    @property
    def vol_response(self) -> float:
        """Return volatility points per point of the eight-day volatility: short expiries move more."""
        days = (self.expiry_ns - START_NS) / NS_PER_DAY
        return min(1.5, math.sqrt(8.0 / days))


EXPIRIES = (
    Expiry(day=1, middle=90_250, spacing=250, atm=0.46),
    Expiry(day=2, middle=90_500, spacing=500, atm=0.45),
    Expiry(day=9, middle=91_000, spacing=1_000, atm=0.44),
    Expiry(day=30, middle=92_000, spacing=2_000, atm=0.45, has_future=True),
)


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """One option: its expiry by position, its strike and type, its symbol."""

    expiry: int
    strike: int
    is_call: bool

    @property
    def symbol(self) -> str:
        """Return the venue's name, e.g. `BTC-9OCT26-90000-C`."""
        return f"BTC-{EXPIRIES[self.expiry].name}-{self.strike}-{'C' if self.is_call else 'P'}"


class Contracts(msgspec.Struct, frozen=True, kw_only=True):
    """The chain as columns, one value per listed option."""

    listed: tuple[Contract, ...]
    strike: NDArray[np.float64]
    is_call: NDArray[np.bool_]
    expiry_s: NDArray[np.float64]
    log_carry: NDArray[np.float64]
    atm: NDArray[np.float64]
    vol_response: NDArray[np.float64]

    def tau_years(self, which: NDArray[np.int64], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the time to expiry of options `which` at some moments of the sample."""
        return (self.expiry_s[which] - seconds) * NS_PER_S / NS_PER_YEAR

    def atm_volatility(self, which: NDArray[np.int64], vol_points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the volatility at the forward after a rise of the eight-day volatility."""
        return self.atm[which] + self.vol_response[which] * vol_points / 100.0


def contracts() -> Contracts:
    """List the chain."""
    listed = tuple(
        Contract(expiry=i, strike=expiry.middle + step * expiry.spacing, is_call=is_call)
        for i, expiry in enumerate(EXPIRIES)
        for step in range(-6, 6)
        for is_call in (True, False)
    )
    of = [EXPIRIES[contract.expiry] for contract in listed]
    return Contracts(
        listed=listed,
        strike=np.array([float(contract.strike) for contract in listed]),
        is_call=np.array([contract.is_call for contract in listed]),
        expiry_s=np.array([(expiry.expiry_ns - START_NS) / NS_PER_S for expiry in of]),
        log_carry=np.array([expiry.carry_bps / BPS for expiry in of]),
        atm=np.array([expiry.atm for expiry in of]),
        vol_response=np.array([expiry.vol_response for expiry in of]),
    )
