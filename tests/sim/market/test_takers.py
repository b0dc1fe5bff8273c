"""Competing takers are late by their reaction, want an edge, and meet the venue's protection."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

from aftershock.sim.market.book import MARKET
from aftershock.sim.market.episode import Episode
from aftershock.sim.market.params import FAST, SLOW, MakerName, MakerSet, World
from aftershock.sim.market.session import Session
from aftershock.sim.market.takers import Protection
from tests.sim.market.worlds import ONSET_NS, SECOND_NS, make_episode, rng, seen_episode

SETS: dict[MakerName, MakerSet] = {"fast": FAST, "slow": SLOW}


def takes(episode: Episode) -> Iterator[tuple[int, bool, int, float, float]]:
    """Iterate over (option, asks, moment, coins, price) of what the market took."""
    for book in episode.books.groups:
        for (maker, row, c, asks), taken in book._taken.items():
            track = book.tracks[maker]
            price = float((track.ask if asks else track.bid)[row, c])
            for each in taken:
                yield int(book.group.options[c]), asks, each.moment, each.coins, price


@pytest.mark.parametrize("makers", ["fast", "slow"])
def test_no_taker_takes_before_its_reaction_to_the_first_edge(makers: MakerName) -> None:
    least_ns = SETS[makers].taker_ms[0] * np.exp(-0.2 * 5) * 1e6  # five standard deviations of its reaction
    seen = 0
    for kind, seed in (("S1", 2), ("plain", 7), ("S3", 1)):
        episode = seen_episode(kind, seed, makers)
        first = {
            key: min(int(each.moments[each.edge_bps > 0][0]) for each in rows)
            for key, rows in episode.truth.stale.items()
        }
        for option, asks, moment, _, _ in takes(episode):
            assert moment - first[option, asks] >= least_ns
            seen += 1
    assert seen > 10


@pytest.mark.slow
@pytest.mark.parametrize("makers", ["fast", "slow"])
def test_takers_want_a_true_edge(makers: MakerName) -> None:
    edges = np.array(
        [
            episode.truth.edge_now(option, price, moment, asks=asks)
            for kind, seed in (("S1", 2), ("S1", 3), ("plain", 7), ("S5", 1))
            for episode in [seen_episode(kind, seed, makers)]
            for option, asks, moment, _, price in takes(episode)
        ]
    )
    assert len(edges) > 100
    # They know an edge at the samples of the truth, at most 240 to a quote: since the last the price may have moved on.
    assert (edges <= 0).mean() < 0.03
    assert edges.min() > -3.0


def test_no_taker_gets_more_than_a_quote_holds() -> None:
    episode = seen_episode("S1", 2)
    for book in episode.books.groups:
        for (maker, row, c, asks), taken in book._taken.items():
            track = book.tracks[maker]
            coins = float((track.ask_coins if asks else track.bid_coins)[row, c])
            assert sum(each.coins for each in taken) <= coins + 1e-9
            begin = int(track.moments[row])
            end = int(track.moments[row + 1]) if row + 1 < len(track.moments) else episode.end_ns
            assert all(begin <= each.moment < end for each in taken)


@pytest.mark.slow
def test_takers_leave_spoofs_and_errors_alone() -> None:
    for kind in ("D5", "D6"):
        for seed in range(3):
            for book in seen_episode(kind, seed).books.groups:
                for maker, _, _, _ in book._taken:
                    assert book.tracks[maker].fillable
                    assert not book.tracks[maker].busted


def test_greedy_takers_leave_less_than_others() -> None:
    def alive(*, greedy: bool) -> int:
        found = 0
        for episode in Session(3, count=2, greedy=greedy).episodes():
            each = episode.truth.opportunities()
            edges = episode.truth.alive_bps(each, [o.start_ns + 500 * 10**6 for o in each])
            found += int((edges > 0).sum())
        return found

    assert alive(greedy=True) < 0.5 * alive(greedy=False)


def protection(share: float = 1.0) -> tuple[Episode, Protection]:
    episode = make_episode("D1", 1)
    makers = msgspec.structs.replace(SLOW, protected=share)
    return episode, Protection(rng(1), World(), makers, episode.truth)


def out(episode: Episode, moment: int, maker: int = 2) -> bool:
    return episode.books.out.is_out("deribit", maker, moment, MARKET)


def test_three_fills_within_a_second_take_a_maker_out_for_up_to_five_seconds() -> None:
    episode, guard = protection()
    for ms in (0, 400, 900):
        assert not out(episode, ONSET_NS + ms * 10**6)
        guard.on_fill("deribit", 2, ONSET_NS + ms * 10**6)
    third = ONSET_NS + 900 * 10**6
    assert out(episode, third)
    assert out(episode, third + SECOND_NS // 10 - 1)
    assert not out(episode, third + 5 * SECOND_NS)
    assert not out(episode, third, maker=1)
    assert not episode.books.out.is_out("okex-options", 2, third)


def test_three_slow_fills_take_nobody_out() -> None:
    episode, guard = protection()
    for s in (0, 1, 2):
        guard.on_fill("deribit", 2, ONSET_NS + s * SECOND_NS + s)
    assert not out(episode, ONSET_NS + 2 * SECOND_NS + 2)


def test_fills_that_come_later_count_for_nothing_now() -> None:
    episode, guard = protection()
    for s in (50, 60):  # takers ran through the episode first
        guard.on_fill("deribit", 2, ONSET_NS + s * SECOND_NS)
    guard.on_fill("deribit", 2, ONSET_NS)
    assert not out(episode, ONSET_NS)


def test_a_maker_without_protection_stays() -> None:
    episode, guard = protection(0.0)
    for ms in (0, 1, 2, 3):
        guard.on_fill("deribit", 2, ONSET_NS + ms)
    assert not out(episode, ONSET_NS + 3)
