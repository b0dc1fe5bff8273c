"""What happens when: the episodes of a seed, what is planted in each, and in what order."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.random import Generator

from aftershock.model.units import NS_PER_S, utc_ns

__all__ = [
    "AFTER_S",
    "BEFORE_S",
    "DECOYS",
    "EPISODES",
    "PLANTS",
    "SPACING_S",
    "START_NS",
    "EpisodePlan",
    "plan_decoys",
    "plan_seed",
]

START_NS = utc_ns(2026, 10, 5, 8) + 600 * NS_PER_S
"""Ten minutes after an expiry: the next one is a day away, and 15 minutes away at the shock of the last episode."""
EPISODES = 20
SPACING_S = 4_260
BEFORE_S, AFTER_S = 120, 300

PLANTS = ("S1", "S1", "S1", "S2", "S3", "S4", "S5", "S6")
"""Stalled maker (three of eight), parity leg, vertical or butterfly, cross-venue, vol overshoot, perp dislocation."""
DECOYS = tuple(f"D{number}" for number in range(1, 20))
"""Those that take turns in a seed. D20, hostile names, comes in sessions of decoys alone: one more kind in turn would
make another market of every seed."""
_PLAIN = 6
_DECOYS_PER_SEED = 6
_WITHOUT_SHOCK = ("S3", "S4", "S6", "D2")
_NEAR_EXPIRY = "D18"


class EpisodePlan(msgspec.Struct, frozen=True, kw_only=True):
    """One planned trigger.

    Attributes:
        index: Place in the seed.
        kind: `S1` to `S6`, `plain`, or `D1` to `D20`.
        start_ns: First moment of the fine window, `BEFORE_S` before the planned onset.
        shock: False if the whole market stays where it is.
    """

    index: int
    kind: str
    start_ns: int
    shock: bool


def plan_seed(rng: Generator, seed: int, count: int = EPISODES) -> tuple[EpisodePlan, ...]:
    """Return a seed's episodes: eight plants, six plain shocks and six decoys of twenty, in random order.

    Args:
        rng: Source of the order.
        seed: Says which decoys it is the turn of.
        count: Episodes wanted; fewer than 20 take the last of the drawn order.
    """
    turn = [DECOYS[(seed * _DECOYS_PER_SEED + j) % len(DECOYS)] for j in range(_DECOYS_PER_SEED)]
    kinds = [*PLANTS, *["plain"] * _PLAIN, *turn]
    return _schedule(rng, kinds, count)


def plan_decoys(rng: Generator, kinds: tuple[str, ...], count: int = EPISODES) -> tuple[EpisodePlan, ...]:
    """Return episodes of nothing but the named decoys, in turn: for those of which none may be ordered."""
    return _schedule(rng, [kinds[i % len(kinds)] for i in range(count)], count)


def _schedule(rng: Generator, kinds: list[str], count: int) -> tuple[EpisodePlan, ...]:
    order = [kinds[i] for i in rng.permutation(len(kinds)).tolist()]
    if _NEAR_EXPIRY in order:  # only the last episode is near an expiry
        order.remove(_NEAR_EXPIRY)
        order.append(_NEAR_EXPIRY)
    order = order[-count:]
    first = EPISODES - count if order[-1] == _NEAR_EXPIRY else 0
    return tuple(
        EpisodePlan(
            index=i,
            kind=kind,
            start_ns=START_NS + ((first + i + 1) * SPACING_S - AFTER_S - BEFORE_S) * NS_PER_S,
            shock=kind not in _WITHOUT_SHOCK,
        )
        for i, kind in enumerate(order)
    )


def generator(*words: int) -> Generator:
    """Return an independent stream for a tuple of non-negative integers."""
    return Generator(np.random.PCG64(np.random.SeedSequence(words)))
