"""Option makers: when each requotes, pulls out or stands still, and what it then shows.

A maker sees the efficient price late, looks at it once per turn of its loop, and requotes an option when |delta| times
the move since its last sight exceeds its threshold. Options of a venue fall into groups by |delta|, so that a group
shares its moments; a quote is priced only at a moment at which somebody requotes.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec
import numpy as np
from numpy.random import Generator

from aftershock.model.units import BPS, NS_PER_MS, NS_PER_S
from aftershock.sim.market.grid import Floats, Ints, at
from aftershock.sim.market.params import MakerSet, World
from aftershock.sim.market.path import STRESS, Path
from aftershock.sim.market.surface import Surface

__all__ = ["Group", "Outage", "Track", "draw_outages", "group_options", "quote_track", "requote_moments"]

_BUCKETS = (0.15, 0.35, 0.65)
_BUCKET_DELTA = (0.1, 0.25, 0.5, 0.85)
_REFRESH_NS = 30 * NS_PER_S

# Half-spread at the money is 1: what the measured Deribit table says of the others.
_SPREAD_FACTOR = (0.35, 0.5, 1.0, 1.8)
_SIZE_COINS = (4.5, 6.0, 8.0, 4.0)


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Options of one venue that a maker requotes together: position in the listing, and their typical |delta|."""

    venue: str
    bucket: int
    options: Ints

    @property
    def delta(self) -> float:
        """Return the |delta| that thresholds are measured with."""
        return _BUCKET_DELTA[self.bucket]


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """A maker that does nothing from one moment to another: pulled (no quotes) or stalled (old quotes stand)."""

    from_ns: int
    to_ns: int
    stalled: bool


class Track(msgspec.Struct, kw_only=True):
    """What one maker shows in one group: row j holds from `moments[j]` to the next.

    Attributes:
        moments: int64[J], ns, ascending; `seen` the moment of the market that each row is priced on.
        bid, ask: float64[J, n] in the price's unit, NaN where nothing is shown.
        bid_coins, ask_coins: float64[J, n].
        fillable: False for a spoof, which is gone before an order gets there.
        busted: True for an obvious error, of which the venue takes trades back.
        planted: True for quotes that no maker of the set shows.
    """

    moments: Ints
    seen: Ints
    bid: Floats
    ask: Floats
    bid_coins: Floats
    ask_coins: Floats
    fillable: bool = True
    busted: bool = False
    planted: bool = False


def group_options(surface: Surface, moment: int) -> list[Group]:
    """Sort the live options of each venue into groups by |delta|, in a fixed order."""
    listing = surface.listing
    live = np.flatnonzero(listing.expiries_ns[listing.expiry] > moment)
    values = surface.values(np.full(len(live), moment, dtype=np.int64), live)
    bucket = np.digitize(np.abs(values.delta), _BUCKETS)
    groups = []
    for venue in dict.fromkeys(listing.venues):
        ours = np.array([listing.venues[i] == venue for i in live.tolist()])
        for b in range(len(_BUCKET_DELTA)):
            options = live[ours & (bucket == b)]
            if len(options):
                groups.append(Group(venue=venue, bucket=b, options=options))
    return groups


def crossings(clock: Ints, log_price: Floats, start: int, threshold_bps: float) -> Ints:
    """Return the moments at which the price has left a band around where it stood at the last such moment."""
    band = threshold_bps / BPS
    found = [start]
    held = float(log_price[start])
    low, high = held - band, held + band
    for k, x in enumerate(log_price[start:].tolist()):
        if not low < x < high:
            found.append(start + k)
            low, high = x - band, x + band
    return clock[np.array(found, dtype=np.int64)]


def draw_outages(
    rng: Generator, world: World, path: Path, moves_5s_bps: Floats, start: int, *, delay_ns: int, pull_chance: float
) -> list[Outage]:
    """Draw when one maker pulls its quotes (fast moves) or stands still (at random, more in stress)."""
    clock = path.clock
    found: list[Outage] = []
    fast = np.flatnonzero(np.abs(moves_5s_bps[start:]) > world.pull_move_bps) + start
    k = 0
    while k < len(fast):
        moment = int(clock[fast[k]]) + delay_ns
        if rng.random() < pull_chance:
            out_ns = int(rng.uniform(*world.pull_s) * NS_PER_S)
            found.append(Outage(from_ns=moment, to_ns=moment + out_ns, stalled=False))
            moment += out_ns
        else:
            moment += 5 * NS_PER_S  # it keeps quoting through this move
        k = int(np.searchsorted(fast, np.searchsorted(clock, moment)))
    return [*found, *_stalls(rng, world, path, start)]


def _stalls(rng: Generator, world: World, path: Path, start: int) -> list[Outage]:
    hours = np.diff(path.clock[start:], append=path.clock[-1]) / (3_600 * NS_PER_S)
    rate = world.stall_per_hour * np.where(path.regime[start:] == STRESS, world.stall_stress_factor, 1.0)
    expected = np.cumsum(rate * hours)
    stalls = []
    for level in np.sort(rng.uniform(0.0, expected[-1], size=rng.poisson(expected[-1]))).tolist():
        moment = int(path.clock[start + int(np.searchsorted(expected, level))])
        stalls.append(Outage(from_ns=moment, to_ns=moment + int(rng.uniform(*world.stall_s) * NS_PER_S), stalled=True))
    return stalls


def requote_moments(
    crossed: Ints, start_ns: int, end_ns: int, outages: list[Outage], *, delay_ns: int, timer_ns: int, phase_ns: int,
    refresh: Ints,
) -> tuple[Ints, Ints]:  # fmt: skip
    """Return the moments at which a maker changes what it shows, and which of them take everything out.

    Args:
        crossed: When the market moved enough for it.
        start_ns: First quotes.
        end_ns: End of the episode.
        outages: When it does nothing.
        delay_ns: Until it sees a move.
        timer_ns: Period of its loop; `phase_ns` its offset.
        phase_ns: See there.
        refresh: Further moments at which it requotes whatever happens.

    Returns:
        int64[J] ascending moments, and bool as int64[J], 1 where it shows nothing from then on.
    """
    wanted = crossed + delay_ns - phase_ns
    wanted = -(-wanted // timer_ns) * timer_ns + phase_ns
    regular = np.arange(start_ns + phase_ns % _REFRESH_NS, end_ns, _REFRESH_NS, dtype=np.int64)
    ends = np.array([o.to_ns for o in outages], dtype=np.int64)
    moments = np.unique(np.concatenate((np.array([start_ns], dtype=np.int64), wanted, regular, refresh, ends)))
    moments = moments[(moments >= start_ns) & (moments < end_ns)]
    out = np.zeros(len(moments), dtype=np.bool_)
    for o in outages:
        out |= (moments >= o.from_ns) & (moments < o.to_ns)
    moments = moments[~out]
    pulls = sorted(dict.fromkeys(_taken_out(outages, start_ns, end_ns)))
    empty = np.zeros(len(moments), dtype=np.int64)
    if pulls:
        moments = np.concatenate((moments, np.array(pulls, dtype=np.int64)))
        empty = np.concatenate((empty, np.ones(len(pulls), dtype=np.int64)))
        order = np.argsort(moments, kind="stable")
        moments, empty = moments[order], empty[order]
    return moments, empty


def _taken_out(outages: list[Outage], start_ns: int, end_ns: int) -> list[int]:
    """Return the moments at which a maker that pulls shows nothing any more: at once, or when it can move again."""
    stalls = sorted((o.from_ns, o.to_ns) for o in outages if o.stalled)
    moments = []
    for o in outages:
        if o.stalled:
            continue
        moment = o.from_ns
        for begin, end in stalls:
            if begin <= moment < end:
                moment = end
        if moment < o.to_ns and start_ns < moment < end_ns:
            moments.append(moment)
    return moments


def quote_track(  # noqa: PLR0913  one maker in one group: what it knows and how it quotes
    rng: Generator,
    world: World,
    makers: MakerSet,
    maker: int,
    surface: Surface,
    group: Group,
    moments: Ints,
    empty: Ints,
    *,
    delay_ns: int,
    vol_error: Callable[[Ints, Ints], Floats],
    moves_5s_bps: Floats,
    depth: Floats,
) -> Track:
    """Price what one maker shows in one group.

    Args:
        rng: Source of sizes.
        world: Widening and sizes.
        makers: The set.
        maker: Which of it.
        surface: The truth, which the maker sees `delay_ns` late and with its own error.
        group: The options.
        moments: int64[J], when it requotes.
        empty: int64[J], 1 where it shows nothing.
        delay_ns: How late it sees.
        vol_error: Error of its volatility by (moments seen, options), flat.
        moves_5s_bps: On the surface's clock.
        depth: Depth factor on it.
    """
    count, n = len(moments), len(group.options)
    seen = moments - delay_ns
    flat_seen, flat_options = np.repeat(seen, n), np.tile(group.options, count)
    values = surface.values(flat_seen, flat_options, vol_error(flat_seen, flat_options))
    value = values.value.reshape(count, n)
    forward = values.forward.reshape(count, n)
    inverse = bool(surface.listing.inverse[group.options[0]])
    fast = np.abs(at(seen, surface.clock, moves_5s_bps))
    widening = 1.0 + np.minimum(4.0, fast / world.widening_bps)
    half_bps = makers.half_spread_bps[maker] * _SPREAD_FACTOR[group.bucket] * widening
    half = half_bps[:, None] / BPS * (1.0 if inverse else forward)
    low, high = value - half, value + half
    down, up = _ticks(low, inverse=inverse), _ticks(high, inverse=inverse)
    decimals = 4 if inverse else 1
    bid = np.round(np.floor(low / down + 1e-9) * down, decimals)
    ask = np.round(np.ceil(high / up - 1e-9) * up, decimals)
    bid[bid < down] = np.nan
    shown = np.where(empty == 1, np.nan, 1.0)[:, None]
    lot = 0.1 if inverse else 0.01
    # A maker's usual size in an option, halved whenever the market's depth halves.
    halvings = np.exp2(np.round(np.log2(at(seen, surface.clock, depth))))[:, None]
    usual = _SIZE_COINS[group.bucket] * np.exp(world.size_sd_ln * rng.standard_normal((2, 1, n)))
    sizes = np.maximum(np.round(usual * halvings / lot), 1.0) * lot
    return Track(
        moments=moments,
        seen=seen,
        bid=bid * shown,
        ask=ask * shown,
        bid_coins=np.round(sizes[0], 2),
        ask_coins=np.round(sizes[1], 2),
    )


def _ticks(prices: Floats, *, inverse: bool) -> Floats:
    """Return the step of each price: an inverse venue's is coarser from 0.005 coins on."""
    ticks: Floats = np.where(prices < 0.005, 0.0001, 0.0005) if inverse else np.full_like(prices, 5.0)
    return ticks


def milliseconds(value: float) -> int:
    """Return whole nanoseconds, at least one microsecond."""
    return max(math.floor(value * NS_PER_MS), 1_000)
