"""Makers quote what they can have seen, when their loop turns, and neither while pulled nor while stalled."""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

from aftershock.sim.market.episode import Episode
from aftershock.sim.market.makers import Group, Outage, Track, crossings, draw_outages, quote_track, requote_moments
from aftershock.sim.market.params import FAST, MAKER_SETS, SLOW, MakerName, World
from aftershock.sim.market.path import Path
from tests.sim.market.worlds import (
    END_NS,
    FINE_NS,
    ONSET_NS,
    PRICE,
    SECOND_NS,
    path_of,
    rng,
    seen_episode,
    surface_of,
)

MS = 10**6


def maker_tracks(episode: Episode) -> Iterator[tuple[int, Track]]:
    for book in episode.books.groups:
        for maker, track in enumerate(book.tracks):
            if not track.planted:
                yield maker, track


def moments_of(outages: list[Outage], crossed: list[int], timer_ms: int = 1) -> tuple[list[int], list[int]]:
    moments, empty = requote_moments(
        np.array(crossed, dtype=np.int64), 0, 100 * SECOND_NS, outages, delay_ns=0, timer_ns=timer_ms * MS,
        phase_ns=0, refresh=np.zeros(0, dtype=np.int64),
    )  # fmt: skip
    return moments.tolist(), empty.tolist()


def seconds(*values: float) -> list[int]:
    return [int(v * SECOND_NS) for v in values]


@pytest.mark.parametrize("makers", ["fast", "slow"])
def test_nobody_quotes_on_a_price_that_it_cannot_have_seen_yet(makers: MakerName) -> None:
    chosen = MAKER_SETS[makers]
    for maker, track in maker_tracks(seen_episode(makers=makers)):
        late = track.moments - track.seen
        assert (late == chosen.delay_ms[maker] * MS).all()


def test_a_quote_surrounds_the_value_that_was_seen_and_not_that_of_its_moment() -> None:
    episode = seen_episode("S1")
    spread = 0.0
    for book in episode.books.groups:
        for track in book.tracks[:6]:
            j = int(np.searchsorted(track.moments, ONSET_NS + 3 * SECOND_NS)) - 1
            options = book.group.options
            value = episode.surface.values(np.full(len(options), int(track.seen[j])), options)
            # Its view of volatility is wrong by a normal error of 0.15 points.
            slack = 5 * 0.0015 * value.vega / np.where(book.group.venue == "deribit", value.forward, 1.0)
            both = ~np.isnan(track.bid[j]) & ~np.isnan(track.ask[j])
            assert (track.bid[j] < value.value + slack)[both].all()
            assert (track.ask[j] > value.value - slack)[both].all()
            assert (track.bid[j] < track.ask[j])[both].all()
            spread += float(both.sum())
    assert spread > 100


def test_prices_stand_on_ticks_and_sizes_on_lots() -> None:
    for kind in ("plain", "S1"):
        for book in seen_episode(kind).books.groups:
            inverse = book.group.venue == "deribit"
            for track in book.tracks[:6]:
                for prices in (track.bid, track.ask):
                    shown = prices[~np.isnan(prices)]
                    if inverse:
                        fine = np.round(shown / 0.0001)
                        assert np.abs(shown - fine * 0.0001).max(initial=0) < 1e-9
                        coarse = shown[shown > 0.005 + 1e-9]
                        assert np.abs(coarse - np.round(coarse / 0.0005) * 0.0005).max(initial=0) < 1e-9
                    else:
                        assert np.abs(shown - np.round(shown / 5) * 5).max(initial=0) < 1e-9
                    assert (shown > 0).all()
                lot = 0.1 if inverse else 0.01
                for sizes in (track.bid_coins, track.ask_coins):
                    assert np.abs(sizes - np.round(sizes / lot) * lot).max() < 1e-9
                    assert sizes.min() >= lot - 1e-9


def test_a_maker_requotes_at_its_first_turn_after_it_saw_the_move() -> None:
    moments, _ = requote_moments(
        np.array([1_000_000_123], dtype=np.int64), 0, 2 * SECOND_NS, [], delay_ns=80 * MS, timer_ns=100 * MS,
        phase_ns=30 * MS, refresh=np.zeros(0, dtype=np.int64),
    )  # fmt: skip
    assert moments.tolist() == [0, 30 * MS, 1_130 * MS]  # 1,080.000123 ms waits for the turn at 1,130


def test_a_stalled_maker_leaves_its_old_quotes_and_requotes_as_it_wakes() -> None:
    stall = Outage(from_ns=10 * SECOND_NS, to_ns=20 * SECOND_NS, stalled=True)
    moments, empty = moments_of([stall], seconds(5, 12, 15, 25))
    assert moments == seconds(0, 5, 20, 25, 30, 60, 90)
    assert not any(empty)


def test_a_pulled_maker_shows_nothing_until_it_is_back() -> None:
    pull = Outage(from_ns=10 * SECOND_NS, to_ns=20 * SECOND_NS, stalled=False)
    moments, empty = moments_of([pull], seconds(5, 12, 25))
    assert moments == seconds(0, 5, 10, 20, 25, 30, 60, 90)
    assert [m for m, e in zip(moments, empty, strict=True) if e] == seconds(10)


def test_a_pull_within_a_stall_takes_effect_once_the_maker_can_move() -> None:
    stall = Outage(from_ns=10 * SECOND_NS, to_ns=15 * SECOND_NS, stalled=True)
    pull = Outage(from_ns=12 * SECOND_NS, to_ns=22 * SECOND_NS, stalled=False)
    moments, empty = moments_of([stall, pull], seconds(5, 13, 18, 25))
    assert list(zip(moments, empty, strict=True)) == list(
        zip(seconds(0, 5, 15, 22, 25, 30, 60, 90), [0, 0, 1, 0, 0, 0, 0, 0], strict=True)
    )


def test_a_pull_that_is_over_before_the_maker_can_move_leaves_no_trace() -> None:
    stall = Outage(from_ns=10 * SECOND_NS, to_ns=15 * SECOND_NS, stalled=True)
    pull = Outage(from_ns=11 * SECOND_NS, to_ns=14 * SECOND_NS, stalled=False)
    moments, empty = moments_of([stall, pull], seconds(5))
    assert moments == seconds(0, 5, 15, 30, 60, 90)
    assert not any(empty)


def test_the_planted_stall_of_s1_stands_still_for_as_long_as_it_was_planted() -> None:
    for seed in range(6):
        episode = seen_episode("S1", seed)
        (stall,) = episode.script.stalls
        for book in episode.books.groups:
            if book.group.venue != stall.venue:
                continue
            moments = book.tracks[stall.maker].moments
            assert not ((moments >= stall.outage.from_ns) & (moments < stall.outage.to_ns)).any()
            before = int(np.searchsorted(moments, stall.outage.from_ns, side="right")) - 1
            after = moments[before + 1]
            if not np.isnan(book.tracks[stall.maker].ask[before]).all():
                assert after <= stall.outage.to_ns + 2 * SECOND_NS  # its slowest turn


def test_a_move_must_leave_the_band_before_anybody_requotes() -> None:
    moments = np.arange(6, dtype=np.int64)
    log_price = np.array([0.0, 0.9e-4, 1.1e-4, 1.9e-4, 2.2e-4, 0.5e-4])
    assert crossings(moments, log_price, 0, 1.0).tolist() == [0, 2, 4, 5]


def test_spreads_widen_with_the_move_of_five_seconds_up_to_five_times() -> None:
    # Half-spreads in units of the price, from the middle of the quote: 1 + min(4, |move| / 25).
    for moved, factor in ((0.0, 1.0), (25.0, 2.0), (50.0, 3.0), (100.0, 5.0), (400.0, 5.0)):
        assert quoted_half_bps(moved) / quoted_half_bps(0.0) == pytest.approx(factor, rel=0.05)


def quoted_half_bps(moved: float) -> float:
    """Return the mean half-spread of the linear venue's options at the money, whose ticks are small."""
    surface = surface_of(0.0)
    options = np.flatnonzero(np.array(surface.listing.venues) == "okex-options")
    group = Group(venue="okex-options", bucket=2, options=options)
    moments = np.array([ONSET_NS + 60 * SECOND_NS], dtype=np.int64)
    n = len(surface.clock)
    track = quote_track(
        rng(1), World(), SLOW, 0, surface, group, moments, np.zeros(1, dtype=np.int64), delay_ns=80 * MS,
        vol_error=lambda _seen, chosen: np.zeros(len(chosen)), moves_5s_bps=np.full(n, moved), depth=np.ones(n),
    )  # fmt: skip
    half = (track.ask - track.bid)[0] / 2
    return float(np.nanmean(half)) - 2.5  # rounding outwards costs half a tick on average


@pytest.mark.parametrize(("depth", "share"), [(1.0, 1.0), (0.5, 0.5), (0.25, 0.25), (0.02, 2.0**-6)])
def test_sizes_shrink_with_the_depth_of_the_market(depth: float, share: float) -> None:
    assert quoted_coins(depth) == pytest.approx(share * quoted_coins(1.0), rel=0.02)


def quoted_coins(depth: float) -> float:
    surface = surface_of(0.0)
    options = np.flatnonzero(np.array(surface.listing.venues) == "okex-options")
    n = len(surface.clock)
    track = quote_track(
        rng(1), World(), SLOW, 0, surface, Group(venue="okex-options", bucket=2, options=options),
        np.array([ONSET_NS], dtype=np.int64), np.zeros(1, dtype=np.int64), delay_ns=80 * MS,
        vol_error=lambda _seen, chosen: np.zeros(len(chosen)), moves_5s_bps=np.zeros(n), depth=np.full(n, depth),
    )  # fmt: skip
    return float(track.bid_coins.sum() + track.ask_coins.sum())


def stepped(bps: float) -> Path:
    base = path_of(np.zeros(1))
    return path_of(math.log(PRICE) + np.where(base.clock > ONSET_NS, bps / 1e4, 0.0))


def test_makers_pull_on_a_fast_move_with_their_chance_for_one_to_21_seconds() -> None:
    path = stepped(40.0)
    start = int(np.searchsorted(path.clock, FINE_NS))
    moves = np.where((path.clock > ONSET_NS) & (path.clock <= ONSET_NS + 5 * SECOND_NS), 40.0, 0.0)
    for chance in (0.0, 0.4, 1.0):
        pulled, lengths = 0, []
        for seed in range(300):
            pulls = [
                each
                for each in draw_outages(
                    rng(seed), World(stall_per_hour=0.0), path, moves, start, delay_ns=80 * MS, pull_chance=chance
                )
                if not each.stalled
            ]
            pulled += bool(pulls)
            lengths += [(each.to_ns - each.from_ns) / SECOND_NS for each in pulls]
            assert all(each.from_ns >= ONSET_NS + 80 * MS for each in pulls)
        assert pulled / 300 == pytest.approx(chance, abs=0.09)
        if lengths:
            assert min(lengths) >= 1.0
            assert max(lengths) <= 21.0
            assert np.mean(lengths) == pytest.approx(11.0, abs=1.5)


def test_a_slow_move_makes_nobody_pull() -> None:
    path = stepped(40.0)
    start = int(np.searchsorted(path.clock, FINE_NS))
    moves = np.full(len(path.clock), 15.0)  # the limit itself
    for seed in range(20):
        assert not draw_outages(rng(seed), World(stall_per_hour=0.0), path, moves, start, delay_ns=0, pull_chance=1.0)


def test_stalls_come_at_their_rate_and_ten_times_as_often_in_stress() -> None:
    path = stepped(0.0)
    start = int(np.searchsorted(path.clock, FINE_NS))
    stressed = msgspec.structs.replace(path, regime=np.full(len(path.clock), 2, dtype=np.int8))
    hours = (END_NS - FINE_NS) / 3_600e9
    for each, factor in ((path, 1.0), (stressed, 10.0)):
        found = [
            stall
            for seed in range(600)
            for stall in draw_outages(
                rng(1_000 + seed), World(), each, np.zeros(len(each.clock)), start, delay_ns=0, pull_chance=1.0
            )
        ]
        assert all(stall.stalled for stall in found)
        assert len(found) / 600 == pytest.approx(0.5 * factor * hours, rel=0.5 / math.sqrt(factor))  # 3 errors
        assert all(0.5 <= (stall.to_ns - stall.from_ns) / SECOND_NS <= 20.0 for stall in found)


def test_a_decoy_that_is_quoted_in_time_has_no_outage_and_no_maker_slower_than_50_ms() -> None:
    episode = seen_episode("D1")
    for _, track in maker_tracks(episode):
        assert (track.moments - track.seen).max() <= 50 * MS
        assert not np.isnan(track.ask).all(axis=1).any()


def test_fast_makers_requote_more_often_than_slow_ones() -> None:
    assert FAST.timer_ms < SLOW.timer_ms
    fast = sum(len(track.moments) for _, track in maker_tracks(seen_episode(makers="fast")))
    slow = sum(len(track.moments) for _, track in maker_tracks(seen_episode(makers="slow")))
    assert fast > 1.5 * slow
