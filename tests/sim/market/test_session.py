"""A seed is the same market for ever, whoever makes it and however many episodes are drawn."""

from __future__ import annotations

import hashlib
from itertools import islice

import numpy as np
import pytest

from aftershock.model.events import Event, OptionQuotes
from aftershock.sim.market.params import WorldName
from aftershock.sim.market.session import Session


def digest(events: list[Event]) -> str:
    found = hashlib.sha256()
    for event in events:
        if isinstance(event, OptionQuotes):
            found.update(repr((event.ts_event, event.ts_init, event.symbols)).encode())
            for name in sorted(event.columns):
                found.update(event.columns[name].tobytes())
        else:
            found.update(repr(event).encode())
    return found.hexdigest()


@pytest.mark.parametrize("world", ["base", "shifted"])
def test_a_seed_gives_the_same_bytes_of_events_again(world: WorldName) -> None:
    first, again, other = (digest(list(Session(seed, world=world, count=1).events())) for seed in (4, 4, 5))
    assert first == again
    assert first != other


def test_the_price_is_the_same_whoever_makes_the_markets() -> None:
    fast, slow = (list(Session(6, makers=makers, count=2).episodes()) for makers in ("fast", "slow"))
    for a, b in zip(fast, slow, strict=True):
        assert np.array_equal(a.log_price, b.log_price)
        assert np.array_equal(a.perps.log_mid, b.perps.log_mid)
        assert np.array_equal(a.surface.level, b.surface.level)
        assert a.script == b.script


def test_each_episode_has_its_own_chance_and_begins_where_the_last_one_ended() -> None:
    first, second = islice(Session(6, count=2).episodes(), 2)
    assert second.clock[0] == first.end_ns + 15 * 10**9  # what is late of the first has arrived by then
    assert second.log_price[0] == pytest.approx(first.log_price[-1], abs=1e-3)
    n = 200
    assert not np.array_equal(np.diff(first.log_price[-n:]), np.diff(second.log_price[-n:]))


def test_two_seeds_share_no_chance() -> None:
    a, b = (next(Session(seed, count=1).episodes()) for seed in (6, 7))
    steps_a, steps_b = np.diff(a.log_price[-3_000:]), np.diff(b.log_price[-3_000:])
    assert abs(float(np.corrcoef(steps_a, steps_b)[0, 1])) < 0.08


def test_a_session_of_decoys_is_not_the_same_chance_as_the_seed_s_own() -> None:
    own = next(Session(6, count=1).episodes())
    decoy = next(Session(6, count=1, decoys=("D9",)).episodes())
    assert decoy.plan.kind == "D9"
    assert not np.array_equal(own.log_price[-100:], decoy.log_price[-100:])


def test_a_slower_feed_is_the_same_market_seen_later() -> None:
    near, far = (next(Session(6, count=1, feed_ms=ms).episodes()) for ms in (5.0, 200.0))
    assert np.array_equal(near.log_price, far.log_price)
    assert near.truth.opportunities() == far.truth.opportunities()
    assert far.ways.least_ns > 20 * near.ways.least_ns


def test_the_shifted_world_of_a_seed_is_not_its_base_world() -> None:
    base, shifted = (next(Session(6, count=1, world=world).episodes()) for world in ("base", "shifted"))
    assert Session(6).world != Session(6, world="shifted").world
    assert not np.array_equal(base.log_price, shifted.log_price)
