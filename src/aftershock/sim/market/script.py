"""What is planted in an episode of each kind: opportunities S1 to S6 and decoys D1 to D20 (domain notes, 4.2)."""

from __future__ import annotations

from enum import StrEnum

import msgspec
from numpy.random import Generator

from aftershock.model.units import NS_PER_S
from aftershock.sim.market.listing import INVERSE, LINEAR, PERPS
from aftershock.sim.market.makers import Outage
from aftershock.sim.market.perps import Dislocation

__all__ = ["FeedFault", "PlantedQuote", "Script", "Stall", "write_script"]


class FeedFault(StrEnum):
    """What goes wrong between the venues and us."""

    NONE = "none"
    CROSSED = "crossed"
    GAP = "gap"
    FROZEN = "frozen"
    DELAYED = "delayed"
    CLOCK = "clock"
    UNIT = "unit"
    MAPPING = "mapping"
    SIDE_FLIPPED = "side_flipped"
    DUPLICATED = "duplicated"
    SATURATED = "saturated"
    PERPS_DOWN = "perps_down"
    HOSTILE = "hostile"


class Stall(msgspec.Struct, frozen=True, kw_only=True):
    """A planted stall of one maker at one venue; `coins` overrides what it shows (a size nobody can trade)."""

    venue: str
    maker: int
    outage: Outage
    coins: float | None = None


class PlantedQuote(msgspec.Struct, frozen=True, kw_only=True):
    """A quote of nobody in particular on options of a choice.

    Attributes:
        choose: `month` (30 days, inverse), `any`, `both` (listed on both venues), `expiring`.
        count: How many options.
        from_ns, to_ns: While it stands.
        how: `stale` (two-sided at the value of `from_ns`), `cheap` (one side off by `off_bps` beyond the cost), `error`
            (ten times off), `spoof` (as cheap, but gone before any order).
        off_bps: Net edge of the last two.
        coins: Size.
    """

    choose: str
    count: int
    from_ns: int
    to_ns: int
    how: str
    off_bps: float = 0.0
    coins: float = 5.0


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that an episode's kind decides.

    Attributes:
        shock_bps: Signed; None to draw it as for any shock.
        least_shock_bps: A drawn shock is at least this.
        reverts_after_s: See `draw_path`.
        in_time: Makers react within 50 ms and have no outage.
        stalls, quotes, dislocations: Planted.
        overshoot_points: Makers' volatility runs over by so much after the shock, halving every `overshoot_s`.
        vol_shift_points: True volatility shifts at the shock.
        fault, fault_from_ns, fault_to_ns: On the feeds.
        unhedgeable: No edge counts while the fault lasts: there is nothing to hedge with.
    """

    shock_bps: float | None = None
    least_shock_bps: float = 0.0
    reverts_after_s: float | None = None
    in_time: bool = False
    stalls: tuple[Stall, ...] = ()
    quotes: tuple[PlantedQuote, ...] = ()
    dislocations: tuple[Dislocation, ...] = ()
    overshoot_points: float = 0.0
    overshoot_s: float = 60.0
    vol_shift_points: float = 0.0
    fault: FeedFault = FeedFault.NONE
    fault_from_ns: int = 0
    fault_to_ns: int = 0
    unhedgeable: bool = False


def write_script(rng: Generator, kind: str, onset: int, *, shock: bool) -> Script:  # noqa: C901, PLR0911, PLR0912
    """Return what is planted in one episode; every draw is made here.

    Args:
        rng: Source of randomness.
        kind: `S1` to `S6`, `plain`, `D1` to `D20`.
        onset: When the planned shock begins, ns.
        shock: False if the kind has none.
    """
    size: float | None = None if shock else 0.0

    def s(low: float, high: float) -> int:
        return int(rng.uniform(low, high) * NS_PER_S)

    def stall(low: float, high: float, coins: float | None = None, venue: str = "") -> Stall:
        venue = venue or (INVERSE if rng.random() < 0.6 else LINEAR)
        begin = onset - s(0.05, 0.3)
        outage = Outage(from_ns=begin, to_ns=onset + s(low, high), stalled=True)
        return Stall(venue=venue, maker=int(rng.integers(0, 4)), outage=outage, coins=coins)

    def quote(choose: str, how: str, first: float, last: tuple[float, float], **more: float) -> PlantedQuote:
        begin = onset + int(first * NS_PER_S)
        count = int(more.pop("count", 1))
        return PlantedQuote(
            choose=choose,
            count=count,
            from_ns=begin,
            to_ns=begin + s(*last),
            how=how,
            **more,
        )

    def off(low: float, high: float, seconds: tuple[float, float]) -> Dislocation:
        sign = 1.0 if rng.random() < 0.5 else -1.0
        return Dislocation(
            venue=int(rng.integers(0, len(PERPS))), from_ns=onset, to_ns=onset + s(*seconds),
            size_bps=sign * float(rng.uniform(low, high)),
        )  # fmt: skip

    def faulty(fault: FeedFault, before: float, after: tuple[float, float], **more: bool) -> Script:
        return Script(
            shock_bps=size, fault=fault, fault_from_ns=onset - int(before * NS_PER_S), fault_to_ns=onset + s(*after),
            **more,  # type: ignore[arg-type]
        )  # fmt: skip

    small = float(rng.uniform(15.5, 19.0)) * (1.0 if rng.random() < 0.5 else -1.0)
    if kind == "S1":
        return Script(shock_bps=size, stalls=(stall(1.5, 8.0),))
    if kind == "S2":
        return Script(shock_bps=size, least_shock_bps=35.0, quotes=(quote("month", "stale", -0.1, (2.0, 8.0)),))
    if kind == "S3":
        return Script(shock_bps=size, quotes=(quote("any", "cheap", 0.0, (1.0, 6.0), off_bps=rng.uniform(8, 30)),))
    if kind == "S4":
        return Script(shock_bps=size, quotes=(quote("both", "cheap", 0.0, (1.0, 6.0), off_bps=rng.uniform(12, 30)),))
    if kind == "S5":
        return Script(
            shock_bps=size, least_shock_bps=25.0, overshoot_points=float(rng.uniform(3.0, 7.0)),
            overshoot_s=float(rng.uniform(15.0, 30.0)),
        )  # fmt: skip
    if kind == "S6":
        return Script(shock_bps=size, dislocations=(off(30.0, 80.0, (3.0, 15.0)),))
    if kind == "D1":
        return Script(shock_bps=size, in_time=True)
    if kind == "D2":
        return Script(shock_bps=size, dislocations=(off(4.0, 11.0, (3.0, 15.0)),))
    if kind == "D3":
        return Script(shock_bps=small, in_time=True, stalls=(stall(1.5, 8.0),))
    if kind == "D4":
        return Script(
            shock_bps=size, in_time=True, stalls=(stall(1.5, 8.0, 0.04, INVERSE), stall(1.5, 8.0, 0.004, LINEAR))
        )
    if kind == "D5":
        spoof = quote("any", "spoof", 0.3, (5.0, 10.0), count=4, off_bps=rng.uniform(10, 30), coins=20.0)
        return Script(shock_bps=size, in_time=True, quotes=(spoof,))
    if kind == "D6":
        return Script(shock_bps=size, in_time=True, quotes=(quote("any", "error", 0.2, (3.0, 10.0), count=2),))
    if kind == "D7":
        return faulty(FeedFault.CROSSED, 0.0, (2.0, 5.0), in_time=True)
    if kind == "D8":
        return faulty(FeedFault.GAP, 0.5, (2.0, 6.0), in_time=True)
    if kind == "D9":
        return faulty(FeedFault.FROZEN, 0.3, (5.0, 15.0), in_time=True)
    if kind == "D10":
        return faulty(FeedFault.DELAYED, 1.0, (10.0, 20.0), in_time=True)
    if kind == "D11":
        return faulty(FeedFault.CLOCK, 60.0, (200.0, 250.0))
    if kind == "D12":
        return faulty(FeedFault.UNIT, float(rng.uniform(1.0, 90.0)), (200.0, 250.0), in_time=True)
    if kind == "D13":
        return faulty(FeedFault.MAPPING, 115.0, (200.0, 250.0), in_time=True)
    if kind == "D14":
        fault = FeedFault.SIDE_FLIPPED if rng.random() < 0.5 else FeedFault.DUPLICATED
        return faulty(fault, 10.0, (60.0, 90.0), in_time=True)
    if kind == "D15":
        return faulty(FeedFault.SATURATED, 10.0, (60.0, 90.0), in_time=True)
    if kind == "D16":
        return Script(shock_bps=size, in_time=True, vol_shift_points=-float(rng.uniform(2.5, 5.0)))
    if kind == "D17":
        reverts = float(rng.uniform(0.05, 0.15))
        return Script(shock_bps=size, least_shock_bps=25.0, reverts_after_s=reverts, stalls=(stall(0.6, 1.5),))
    if kind == "D18":
        expiring = quote("expiring", "stale", -0.1, (2.0, 8.0), count=3)
        return Script(shock_bps=size, in_time=True, quotes=(expiring,))
    if kind == "D19":
        down = faulty(FeedFault.PERPS_DOWN, 5.0, (60.0, 90.0), unhedgeable=True)
        return msgspec.structs.replace(down, stalls=(stall(1.5, 8.0),))
    if kind == "D20":
        return faulty(FeedFault.HOSTILE, 5.0, (30.0, 60.0), in_time=True)
    return Script(shock_bps=size)


def in_time_ms(milliseconds: float) -> float:
    """Return a maker's delay or timer where makers react in time."""
    return min(milliseconds, 50.0)
