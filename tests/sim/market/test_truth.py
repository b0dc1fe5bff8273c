"""The truth looks at every quote: no edge is lost to the shortcuts, and each is what arithmetic by hand gives."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from aftershock.sim.market.episode import Episode
from aftershock.sim.market.params import MakerName
from tests.sim.market.worlds import FINE_NS, ONSET_NS, SECOND_NS, make_episode, seen_episode

LOST_BPS = 0.3


def brute_force(episode: Episode, from_ns: int, to_ns: int, step_ns: int) -> dict[tuple[int, bool, int, int], float]:
    """Return the largest edge of every row of every maker on a dense grid: by (option, asks, maker, row)."""
    listing, perps = episode.surface.listing, episode.perps
    found: dict[tuple[int, bool, int, int], float] = {}
    fees = np.array([5.0, 5.0, 5.5, 5.0])[:, None]
    for moment in range(from_ns, to_ns, step_ns):
        hedge = float(np.interp(moment - perps.clock[0], perps.clock - perps.clock[0],
                                (fees + perps.half_spread_bps).min(axis=0))) / 1e4  # fmt: skip
        spot = float(np.exp(episode.surface.log_at(moment)))
        for book in episode.books.groups:
            options = book.group.options
            truth = episode.surface.values(np.full(len(options), moment, dtype=np.int64), options)
            inverse = book.group.venue == "deribit"
            unit = truth.forward if inverse else 1.0
            cap = 0.125 if inverse else 0.07
            for maker, track in enumerate(book.tracks):
                j = int(np.searchsorted(track.moments, moment, side="right")) - 1
                if j < 0 or not track.fillable or track.busted:
                    continue
                for asks, prices in ((True, track.ask[j]), (False, track.bid[j])):
                    sign = 1.0 if asks else -1.0
                    fee = np.minimum(0.0003 * spot, cap * prices * unit)
                    ratio = np.abs(truth.delta - (prices if inverse else 0.0))
                    usd = sign * (truth.value - prices) * unit - fee - ratio * hedge * spot
                    edges = 1e4 * usd / truth.forward
                    for c in np.flatnonzero(edges > 0).tolist():
                        key = (int(options[c]), asks, maker, j)
                        found[key] = max(found.get(key, 0.0), float(edges[c]))
        assert listing.expiries_ns[0] > moment
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "makers", "seed"),
    [
        ("plain", "slow", 7),
        ("S1", "slow", 2),
        ("S1", "fast", 3),
        ("S2", "slow", 4),
        ("S5", "slow", 5),
        ("D16", "slow", 6),
    ],
)
def test_no_edge_above_a_third_of_a_basis_point_is_missed(kind: str, makers: MakerName, seed: int) -> None:
    episode = seen_episode(kind, seed, makers)
    known = {
        (option, asks, each.maker, each.row): each
        for (option, asks), rows in episode.truth.stale.items()
        for each in rows
    }
    found = brute_force(episode, ONSET_NS - 5 * SECOND_NS, ONSET_NS + 15 * SECOND_NS, 50 * 10**6)
    assert len(found) > 20 or kind == "D16"  # nothing to find is what D16 is about
    # Where volatility runs over, rows under which the price hardly moves are looked at three times only.
    bound = 1.0 if kind == "S5" else LOST_BPS
    lost = {key: edge for key, edge in found.items() if key not in known and edge > bound}
    assert lost == {}
    for key, edge in found.items():
        if key in known and edge > 1.0:
            # The truth samples a row at most 240 times: what it misses between samples is small.
            assert float(known[key].edge_bps.max()) > edge - 1.5


@pytest.mark.slow
def test_no_edge_is_missed_in_the_quiet_before_the_shock() -> None:
    episode = seen_episode("plain", 8)
    known = {(o, a, e.maker, e.row) for (o, a), rows in episode.truth.stale.items() for e in rows}
    found = brute_force(episode, FINE_NS, ONSET_NS - 5 * SECOND_NS, 500 * 10**6)
    assert {key: edge for key, edge in found.items() if key not in known and edge > LOST_BPS} == {}


def test_an_edge_is_value_less_price_less_fee_less_hedge() -> None:
    episode = seen_episode()
    listing, moment = episode.surface.listing, FINE_NS + 30 * SECOND_NS
    for option in (0, 5, 20, len(listing) - 1, len(listing) - 9):
        one = np.array([moment], dtype=np.int64)
        worth = episode.surface.values(one, np.array([option]))
        value, forward, delta = float(worth.value[0]), float(worth.forward[0]), float(worth.delta[0])
        spot = math.exp(float(episode.surface.log_at(moment)))
        k = int(np.searchsorted(episode.clock, moment))
        assert episode.clock[k] == moment
        halves = episode.perps.half_spread_bps[:, k]
        hedge = min(5.0 + halves[0], 5.0 + halves[1], 5.5 + halves[2], 5.0 + halves[3]) / 1e4 * spot
        for asks, factor in ((True, 0.9), (False, 1.1)):
            price = value * factor
            if listing.inverse[option]:
                fee = min(0.0003 * spot, 0.125 * price * forward)
                usd = 0.1 * value * forward - fee - abs(delta - price) * hedge
            else:
                fee = min(0.0003 * spot, 0.07 * price)
                usd = 0.1 * value - fee - abs(delta) * hedge
            found = episode.truth.edge_now(option, price, moment, asks=asks)
            assert found == pytest.approx(1e4 * usd / forward, abs=1e-9)


def test_a_long_inverse_option_is_hedged_by_its_delta_less_its_premium_in_coin() -> None:
    episode = seen_episode()
    listing = episode.surface.listing
    for option in (0, len(listing) - 1):
        one = np.array([FINE_NS], dtype=np.int64)
        delta = float(episode.surface.values(one, np.array([option])).delta[0])
        expected = delta - 0.02 if listing.inverse[option] else delta
        assert episode.truth.hedge_ratio(FINE_NS, option, 0.02) == pytest.approx(expected)


def test_an_opportunity_is_at_least_a_lot_and_has_an_edge_throughout_its_peak() -> None:
    episode = seen_episode("S1", 2)
    found = episode.truth.opportunities()
    lots = episode.surface.listing.lot_coins()
    assert found
    for each in found:
        assert each.coins >= lots[each.option] - 1e-9
        assert each.peak_bps > 0
        assert each.start_ns <= each.end_ns <= episode.end_ns
    by_option: dict[tuple[int, bool], list[tuple[int, int]]] = {}
    for each in found:
        by_option.setdefault((each.option, each.asks), []).append((each.start_ns, each.end_ns))
    for spans in by_option.values():
        for (_, end), (begin, _) in pairwise(sorted(spans)):
            assert begin - end > 200_000_000  # nearer ones are one


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["S2", "S3", "S4"])
def test_a_planted_quote_is_found(kind: str) -> None:
    hits = 0
    for seed in range(5):
        episode = seen_episode(kind, seed)
        found = {o.option for o in episode.truth.opportunities()}
        hits += any(option in found for option in episode.planted)
    assert hits >= (2 if kind == "S2" else 5)


@pytest.mark.slow
def test_a_stalled_maker_is_an_opportunity_that_ends_with_the_stall() -> None:
    durations = []
    for seed in range(6):
        episode = seen_episode("S1", seed)
        (stall,) = episode.script.stalls
        for (option, _), rows in episode.truth.stale.items():
            if episode.books.of[option].group.venue != stall.venue:
                continue
            for each in rows:
                begin = int(episode.books.of[option].tracks[each.maker].moments[each.row])
                if each.maker == stall.maker and begin <= stall.outage.from_ns < int(each.moments[-1]):
                    durations.append((int(each.moments[-1]) - stall.outage.to_ns) / SECOND_NS)
    assert durations
    assert max(durations) <= 2.0


def test_there_is_nothing_to_gain_while_there_is_nowhere_to_hedge() -> None:
    for seed in range(3):
        episode = seen_episode("D19", seed)
        begin, end = episode.script.fault_from_ns, episode.script.fault_to_ns
        inside = [o for o in episode.truth.opportunities() if begin <= o.start_ns < end]
        assert [o for o in inside if abs(hedge_of(episode, o.option)) > 0.1] == []


def hedge_of(episode: Episode, option: int) -> float:
    one = np.array([ONSET_NS], dtype=np.int64)
    return float(episode.surface.values(one, np.array([option])).delta[0])


@pytest.mark.parametrize("kind", ["D1", "D4"])
def test_a_decoy_that_is_quoted_in_time_or_too_small_leaves_few_edges_for_a_lot(kind: str) -> None:
    alive, planted = 0, 0
    for seed in range(4):
        episode = seen_episode(kind, seed)
        for each in episode.truth.opportunities():
            edge = episode.truth.alive(
                each.option, each.start_ns + 100 * 10**6, episode.surface.listing.lot_coins()[each.option],
                asks=each.asks,
            )  # fmt: skip
            alive += bool(edge > 0)
        stalled = seen_episode("S1", seed).truth
        planted += sum(
            bool(stalled.alive(each.option, each.start_ns + 100 * 10**6, 0.1, asks=each.asks) > 0)
            for each in stalled.opportunities()
        )
    assert alive * 10 < planted


def test_the_truth_does_not_see_what_we_trade() -> None:
    episode = make_episode("S1", 2)
    before = episode.truth.opportunities()
    moments = [each.start_ns + 50 * 10**6 for each in before]
    alive = episode.truth.alive_bps(before, moments)
    for each, moment in zip(before, moments, strict=True):
        ladder = episode.books.ladder(each.option, moment, asks=each.asks, owner=1)
        if ladder:
            episode.trade_option(each.option, 0.1, ladder[0].price, moment, buying=each.asks)
    assert np.array_equal(alive, episode.truth.alive_bps(before, moments), equal_nan=True)
