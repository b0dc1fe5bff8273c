"""Books: price before time, what is taken is gone until its maker requotes, and every latency has its own world."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from aftershock.sim.market.book import MARKET, SHOWN, Books, GroupBook, OutTimes
from aftershock.sim.market.makers import Group, Track
from tests.sim.market.worlds import END_NS, FINE_NS, ONSET_NS, SECOND_NS, make_episode, seen_episode

OPTION = 4
NEXT = 2


def track(rows: list[tuple[int, float, float]], coins: float = 1.0, **more: bool) -> Track:
    """Make a maker's rows (moment, bid, ask) in one option."""
    moments = np.array([row[0] for row in rows], dtype=np.int64)

    def column(values: list[float]) -> NDArray[np.float64]:
        return np.array(values)[:, None]

    sizes = np.full((len(rows), 1), coins)
    return Track(
        moments=moments, seen=moments, bid=column([r[1] for r in rows]), ask=column([r[2] for r in rows]),
        bid_coins=sizes, ask_coins=sizes.copy(), **more,
    )  # fmt: skip


def books_of(*tracks: Track, venue: str = "okex-options") -> Books:
    group = Group(venue=venue, bucket=1, options=np.array([OPTION]))
    return Books([GroupBook(group, list(tracks))], OutTimes())


def shown(books: Books, moment: int, *, asks: bool = True, owner: int = MARKET) -> list[tuple[float, int, float]]:
    return [(lv.price, lv.maker, lv.coins) for lv in books.ladder(OPTION, moment, asks=asks, owner=owner)]


def test_the_best_price_comes_first_and_the_older_of_equal_ones() -> None:
    books = books_of(
        track([(0, 90.0, 110.0), (50, 95.0, 105.0)]), track([(10, 95.0, 105.0)]), track([(5, 85.0, 100.0)])
    )
    assert [maker for _, maker, _ in shown(books, 60)] == [2, 1, 0]
    assert [price for price, _, _ in shown(books, 60)] == [100.0, 105.0, 105.0]
    assert [maker for _, maker, _ in shown(books, 60, asks=False)] == [1, 0, 2]


def test_a_quote_holds_from_its_moment_until_the_next_of_its_maker() -> None:
    books = books_of(track([(10, 90.0, 110.0), (20, math.nan, math.nan), (30, 91.0, 109.0)]))
    assert shown(books, 9) == []
    assert shown(books, 10) == shown(books, 19) == [(110.0, 0, 1.0)]
    assert shown(books, 20) == shown(books, 29) == []
    assert shown(books, 30) == [(109.0, 0, 1.0)]


def test_what_is_taken_is_gone_until_its_maker_requotes() -> None:
    books = books_of(track([(0, 90.0, 110.0), (100, 90.0, 110.0)], coins=2.0))
    book = books.of[OPTION]
    (level,) = books.ladder(OPTION, 50, asks=True)
    book.take(OPTION, level, 50, 1.5, asks=True)
    assert shown(books, 49) == [(110.0, 0, 2.0)]  # not before it happened
    assert shown(books, 50) == [(110.0, 0, 0.5)]
    assert shown(books, 50, asks=False) == [(90.0, 0, 2.0)]
    book.take(OPTION, level, 60, 0.5, asks=True)
    assert shown(books, 60) == []
    assert shown(books, 100) == [(110.0, 0, 2.0)]


def test_the_worlds_of_two_latencies_see_the_market_s_fills_and_their_own_only() -> None:
    books = books_of(track([(0, 90.0, 110.0)], coins=5.0), track([(0, 85.0, 115.0)]))
    book = books.of[OPTION]
    level = books.ladder(OPTION, 10, asks=True)[0]
    book.take(OPTION, level, 10, 1.0, asks=True, owner=MARKET)
    book.take(OPTION, level, 11, 2.0, asks=True, owner=SHOWN)
    book.stand_back(OPTION, 11, 0, asks=True, owner=SHOWN)
    book.take(OPTION, level, 12, 0.5, asks=True, owner=NEXT)
    books.out.add("okex-options", 1, 20, 30, SHOWN)
    assert shown(books, 12, owner=MARKET) == [(110.0, 0, 4.0), (115.0, 1, 1.0)]
    assert shown(books, 12, owner=SHOWN) == [(110.0, 0, 2.0), (120.0, 1, 1.0)]
    assert shown(books, 12, owner=NEXT) == [(110.0, 0, 3.5), (115.0, 1, 1.0)]
    assert [maker for _, maker, _ in shown(books, 25, owner=SHOWN)] == [0]
    assert [maker for _, maker, _ in shown(books, 25, owner=NEXT)] == [0, 1]


def test_after_a_fill_the_other_makers_stand_back_by_a_tick_for_two_seconds() -> None:
    for venue, prices, tick in (
        ("okex-options", (90.0, 110.0), 5.0),
        ("deribit", (0.02, 0.03), 0.0005),
        ("deribit", (0.002, 0.003), 0.0001),
    ):
        books = books_of(track([(0, *prices)]), track([(0, *prices)]), venue=venue)
        books.of[OPTION].stand_back(OPTION, 10, 0, asks=True, owner=SHOWN)
        books.of[OPTION].stand_back(OPTION, 10, 0, asks=False, owner=SHOWN)

        def best(maker: int, moment: int, *, asks: bool, of: Books = books) -> float:
            return {who: price for price, who, _ in shown(of, moment, asks=asks, owner=SHOWN)}[maker]

        assert best(0, 10, asks=True) == prices[1]
        assert best(1, 10, asks=True) == round(prices[1] + tick, 4)
        assert best(1, 10, asks=False) == round(prices[0] - tick, 4)
        assert best(1, 10 + 2 * SECOND_NS, asks=True) == prices[1]


def test_the_feeds_show_our_first_world_and_no_other() -> None:
    for owner, expected in ((MARKET, 2.0), (SHOWN, 2.0), (NEXT, 5.0)):
        books = books_of(track([(0, 90.0, 110.0)], coins=5.0))
        book = books.of[OPTION]
        book.take(OPTION, books.ladder(OPTION, 10, asks=True)[0], 10, 3.0, asks=True, owner=owner)
        tops = book.tops(np.array([9, 10], dtype=np.int64), books.out)
        assert tops.ask_coins[:, 0].tolist() == [5.0, expected]
        assert (10 in book.changes(books.out).tolist()) == (owner != NEXT)


@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(0, 40), st.sampled_from([math.nan, 80.0, 85.0, 90.0]),
                      st.sampled_from([math.nan, 95.0, 100.0, 105.0])),
            min_size=1, max_size=5, unique_by=lambda row: row[0],
        ),
        min_size=1, max_size=4,
    ),
    st.lists(st.tuples(st.integers(0, 45), st.booleans(), st.sampled_from([MARKET, SHOWN, NEXT]),
                       st.sampled_from([0.3, 1.0])), max_size=5),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40), st.integers(1, 10),
                       st.sampled_from([MARKET, SHOWN, NEXT])), max_size=2),
)  # fmt: skip
@settings(max_examples=150)
def test_the_tops_of_the_feed_are_the_best_of_the_ladders_in_our_world(
    rows: list[list[tuple[int, float, float]]],
    fills: list[tuple[int, bool, int, float]],
    outs: list[tuple[int, int, int, int]],
) -> None:
    books = books_of(*(track(sorted(each)) for each in rows))
    book = books.of[OPTION]
    for maker, begin, length, owner in outs:
        books.out.add("okex-options", maker, begin, begin + length, owner)
    for moment, asks, owner, coins in sorted(fills):
        ladder = books.ladder(OPTION, moment, asks=asks, owner=owner)
        if ladder:
            size = min(coins, ladder[0].coins)
            book.take(OPTION, ladder[0], moment, size, asks=asks, owner=owner)
            if owner:
                book.stand_back(OPTION, moment, ladder[0].maker, asks=asks, owner=owner)
    moments = np.arange(0, 46, dtype=np.int64)
    tops = book.tops(moments, books.out)
    for k, moment in enumerate(moments.tolist()):
        for asks, price, coins_of in ((True, tops.ask, tops.ask_coins), (False, tops.bid, tops.bid_coins)):
            ladder = books.ladder(OPTION, moment, asks=asks, owner=SHOWN)
            if not ladder:
                assert math.isnan(price[k, 0])
                assert math.isnan(coins_of[k, 0])
                continue
            best = ladder[0].price
            assert price[k, 0] == best
            taken = sum(level.coins for level in ladder if level.price == best)
            # Feeds print hundredths of a coin, and other worlds' fills are not in them.
            assert coins_of[k, 0] == pytest.approx(taken, abs=0.006)


@pytest.mark.parametrize("kind", ["plain", "S3", "D5"])
def test_the_tops_of_an_episode_are_the_best_of_its_ladders(kind: str) -> None:
    episode = seen_episode(kind)
    moments = np.linspace(FINE_NS, END_NS - 1, 25).astype(np.int64)
    for book in episode.books.groups:
        tops = book.tops(moments, episode.books.out)
        for option, c in book.column.items():
            for k, moment in enumerate(moments.tolist()):
                asks = episode.books.ladder(option, moment, asks=True, owner=SHOWN)
                bids = episode.books.ladder(option, moment, asks=False, owner=SHOWN)
                assert np.array_equal(tops.ask[k, c], asks[0].price if asks else math.nan, equal_nan=True)
                assert np.array_equal(tops.bid[k, c], bids[0].price if bids else math.nan, equal_nan=True)


def test_a_spoof_never_fills_and_is_no_opportunity() -> None:
    tried = 0
    for seed in range(4):
        episode = make_episode("D5", seed)
        for option in episode.planted:
            assert not [o for o in episode.truth.opportunities() if o.option == option and o.peak_bps > 8.0]
            for moment in np.arange(ONSET_NS, ONSET_NS + 8 * SECOND_NS, SECOND_NS // 5).tolist():
                for asks in (True, False):
                    best = episode.books.ladder(option, moment, asks=asks)
                    if not best or best[0].fillable:
                        continue
                    limit = best[0].price
                    if any(level.fillable and level.price == limit for level in best):
                        continue  # a maker happens to show the same price
                    tried += 1
                    assert best[0].coins == 20.0
                    assert episode.trade_option(option, 1.0, limit, moment, buying=asks, owner=NEXT) == []
    assert tried >= 10


def test_an_obvious_error_fills_but_is_taken_back_and_is_no_opportunity() -> None:
    tried = 0
    for seed in range(3):
        episode = make_episode("D6", seed)
        for option in episode.planted:
            moment = ONSET_NS + 2 * SECOND_NS
            for asks in (True, False):
                ladder = episode.books.ladder(option, moment, asks=asks)
                if not ladder or not ladder[0].busted:
                    continue
                tried += 1
                fills = episode.trade_option(option, 0.1, ladder[0].price, moment, buying=asks, owner=NEXT)
                assert [fill.busted for fill in fills] == [True]
                found = [o for o in episode.truth.opportunities() if (o.option, o.asks) == (option, asks)]
                assert not [o for o in found if o.peak_bps > 100.0]
    assert tried >= 3


def test_an_order_fills_at_its_limit_or_better_and_what_is_left_expires() -> None:
    episode = make_episode()
    moment = FINE_NS + 60 * SECOND_NS
    option = next(o for o in sorted(episode.books.of) if len(episode.books.ladder(o, moment, asks=True)) >= 3)
    ladder = episode.books.ladder(option, moment, asks=True)
    limit = ladder[0].price
    at_limit = sum(level.coins for level in ladder if level.price == limit)
    fills = episode.trade_option(option, 1e6, limit, moment, buying=True)
    assert sum(fill.coins for fill in fills) == pytest.approx(at_limit)
    assert {fill.price for fill in fills} == {limit}
    assert episode.books.ladder(option, moment, asks=True, owner=SHOWN)[0].price > limit
    assert episode.books.ladder(option, moment, asks=True, owner=NEXT)[0].price == limit
