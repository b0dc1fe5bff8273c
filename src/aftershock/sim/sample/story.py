"""What happens when: shocks, stalled makers and decoys of one sample, in seconds since its start."""

from __future__ import annotations

from typing import Literal

import msgspec
from numpy.random import Generator

from aftershock.model.units import NS_PER_S, utc_ns

__all__ = ["DATE", "DURATION_S", "START_NS", "Decoy", "Gulp", "Plan", "Shock", "StallPlan", "plan"]

DATE = (2026, 10, 1)
START_NS = utc_ns(*DATE, 7) + 32 * 60 * NS_PER_S
"""28 minutes before the first expiry of the chain: near its settlement from the first row to the last."""
DURATION_S = 780.0


class Gulp(msgspec.Struct, frozen=True, kw_only=True):
    """One straight piece of a shock: `move_bps` (signed) from `start_s` over `length_s`."""

    start_s: float
    length_s: float
    move_bps: float


class Shock(msgspec.Struct, frozen=True, kw_only=True):
    """A move of the whole market.

    Attributes:
        name: As the truth file calls it.
        gulps: Its pieces, in order.
        liquidated: Whose positions are closed by force; empty for news without liquidations.
        vol_points: Rise of the eight-day volatility, in points.
        given_back_bps: Part of the move that comes back within minutes, unsigned.
    """

    name: str
    gulps: tuple[Gulp, ...]
    liquidated: Literal["long", "short", ""]
    vol_points: float
    given_back_bps: float

    @property
    def start_s(self) -> float:
        """Return when the first piece starts."""
        return self.gulps[0].start_s

    @property
    def end_s(self) -> float:
        """Return when the last piece is over."""
        return self.gulps[-1].start_s + self.gulps[-1].length_s

    @property
    def move_bps(self) -> float:
        """Return the whole move, signed, before anything is given back."""
        return sum(gulp.move_bps for gulp in self.gulps)


class StallPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A maker that stops requoting one option.

    Attributes:
        kind: As the truth file calls it.
        expiry: Which expiry of the chain, nearest first.
        is_call: Type of the option.
        least_delta, most_delta: Range of |delta| before the shock, from which the strike is drawn.
        start_s, end_s: While it stands still.
        size_coins: What the maker shows there; None for its usual size.
    """

    kind: str
    expiry: int
    is_call: bool
    least_delta: float
    most_delta: float
    start_s: float
    end_s: float
    size_coins: float | None = None


class Decoy(msgspec.Struct, frozen=True, kw_only=True):
    """A perpetual that leaves the others and comes back."""

    venue: str
    start_s: float
    end_s: float
    move_bps: float


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was planted."""

    shocks: tuple[Shock, ...]
    stalls: tuple[StallPlan, ...]
    decoys: tuple[Decoy, ...]


def plan(rng: Generator) -> Plan:
    """Draw sizes and times of the story; its order is always the same.

    Args:
        rng: Source of all draws.
    """
    crash = _forced(rng, "long liquidation cascade", 420.0, -1.0, "long", vol_points=1.6)
    news = Shock(
        name="news without liquidations, every maker in time",
        gulps=(Gulp(start_s=540.0 + rng.uniform(0, 3), length_s=2.5, move_bps=rng.uniform(21, 25)),),
        liquidated="",
        vol_points=0.2,
        given_back_bps=4.0,
    )
    squeeze = _forced(rng, "short squeeze", 650.0, 1.0, "short", vol_points=1.0)
    decoy_s = 250.0 + rng.uniform(0, 20)
    return Plan(
        shocks=(crash, news, squeeze),
        stalls=(*_stalls(rng, crash, stale_is_call=False), *_stalls(rng, squeeze, stale_is_call=True)),
        decoys=(Decoy(venue="bybit", start_s=decoy_s, end_s=decoy_s + 2.5, move_bps=-40.0),),
    )


def _forced(
    rng: Generator,
    name: str,
    around_s: float,
    sign: float,
    side: Literal["long", "short"],
    *,
    vol_points: float,
) -> Shock:
    """Draw a cascade: three gulps with pauses in which books refill, 75 to 95 bps together."""
    start, total = around_s + rng.uniform(0, 4), sign * rng.uniform(75, 95)
    offsets = (0.0, 0.74 + rng.uniform(0, 0.08), 1.7 + rng.uniform(0, 0.2))
    lengths, shares = (0.5, 0.5, 0.9), (0.36, 0.36, 0.28)
    gulps = tuple(
        Gulp(start_s=start + offset, length_s=length, move_bps=total * share)
        for offset, length, share in zip(offsets, lengths, shares, strict=True)
    )
    return Shock(name=name, gulps=gulps, liquidated=side, vol_points=vol_points, given_back_bps=18.0)


def _stalls(rng: Generator, shock: Shock, *, stale_is_call: bool) -> tuple[StallPlan, ...]:
    """Plant makers that miss a shock: asks of one option type stay too cheap, bids of the other too dear."""
    first, other = stale_is_call, not stale_is_call

    def stall(
        kind: str,
        expiry: int,
        is_call: bool,
        deltas: tuple[float, float],
        until_s: tuple[float, float],
        size: float | None = None,
    ) -> StallPlan:
        return StallPlan(
            kind=kind,
            expiry=expiry,
            is_call=is_call,
            least_delta=deltas[0],
            most_delta=deltas[1],
            start_s=shock.start_s - rng.uniform(0.05, 0.25),
            end_s=shock.start_s + rng.uniform(*until_s),
            size_coins=size,
        )

    return (
        stall("stalled maker", 2, first, (0.40, 0.60), (1.8, 2.8)),
        stall("stalled maker", 2, other, (0.40, 0.60), (1.8, 2.8)),
        stall("stalled maker", 3, first, (0.35, 0.60), (1.6, 2.4)),
        stall("stalled maker with the smallest size", 1, first, (0.40, 0.60), (1.8, 2.8), 0.1),
        stall("stalled maker minutes before expiry", 0, first, (0.25, 0.75), (1.4, 2.4)),
        stall("short stall, less than the fees", 3, other, (0.40, 0.60), (0.62, 0.72)),
    )
