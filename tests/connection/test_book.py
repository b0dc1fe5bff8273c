"""An order book equals the venue's whenever it says that it is whole, whatever is lost, repeated or out of order."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.venues.connection.book import BookSync, Delta, Outcome, Snapshot


class Venue:
    """A server's book: every change has a number."""

    def __init__(self, random: Random) -> None:
        self.random, self.last = random, 100
        self.bids = {99.0 - i: 1.0 for i in range(5)}
        self.asks = {101.0 + i: 1.0 for i in range(5)}
        self.states = {self.last: self.state()}

    def state(self) -> tuple[object, object]:
        return tuple(sorted(self.bids.items(), reverse=True)), tuple(sorted(self.asks.items()))

    def snapshot(self) -> Snapshot:
        return Snapshot(self.last, tuple(self.bids.items()), tuple(self.asks.items()))

    def step(self) -> Delta:
        first = self.last + 1
        self.last += self.random.randint(1, 3)
        bids: list[tuple[float, float]] = []
        asks: list[tuple[float, float]] = []
        for side, changes, start in ((self.bids, bids, 80), (self.asks, asks, 101)):
            price, amount = float(start + self.random.randrange(20)), float(self.random.randrange(4))
            changes.append((price, amount))
            if amount:
                side[price] = amount
            else:
                side.pop(price, None)
        self.states[self.last] = self.state()
        return Delta(first, self.last, tuple(bids), tuple(asks))


def synced() -> tuple[Venue, BookSync]:
    venue, book = Venue(Random(1)), BookSync()
    assert book.snapshot(venue.snapshot()) is Outcome.APPLIED
    return venue, book


def check(venue: Venue, book: BookSync) -> None:
    if book.whole:
        assert book.last is not None
        assert (book.bids(), book.asks()) == venue.states[book.last]


def test_deltas_from_before_the_snapshot_are_kept_and_applied_from_its_number_on() -> None:
    venue, book = Venue(Random(1)), BookSync()
    early = [venue.step() for _ in range(3)]
    snapshot = venue.snapshot()
    late = [venue.step() for _ in range(3)]
    assert [book.delta(delta) for delta in (*early, *late)] == [Outcome.WAITING] * 6
    assert book.snapshot(snapshot) is Outcome.APPLIED
    assert book.last == venue.last
    check(venue, book)


def test_a_missing_delta_is_a_gap_that_says_what_is_missing_until_a_snapshot_closes_it() -> None:
    venue, book = synced()
    last, lost, after = venue.last, venue.step(), venue.step()
    assert book.delta(after) is Outcome.GAP
    assert not book.whole
    assert book.missing == (last + 1, lost.last)
    assert book.snapshot(venue.snapshot()) is Outcome.APPLIED
    check(venue, book)


def test_a_delta_that_was_only_late_closes_the_gap_without_a_snapshot() -> None:
    venue, book = synced()
    one, two, three = (venue.step() for _ in range(3))
    assert [book.delta(delta) for delta in (two, three, one)] == [Outcome.GAP, Outcome.WAITING, Outcome.APPLIED]
    assert book.last == venue.last
    check(venue, book)


def test_a_duplicate_changes_nothing() -> None:
    venue, book = synced()
    delta = venue.step()
    assert [book.delta(delta), book.delta(delta)] == [Outcome.APPLIED, Outcome.DUPLICATE]
    check(venue, book)


def test_a_snapshot_from_before_what_is_known_does_not_make_the_book_whole() -> None:
    venue, book = synced()
    old = venue.snapshot()
    venue.step()
    after = venue.step()
    assert book.delta(after) is Outcome.GAP
    assert book.snapshot(old) is Outcome.WAITING
    assert not book.whole


def test_a_crossed_book_is_dropped_and_only_a_newer_snapshot_brings_it_back() -> None:
    venue, book = synced()
    old = venue.snapshot()
    wrong = Delta(venue.last + 1, venue.last + 1, ((200.0, 1.0),), ())
    assert book.delta(wrong) is Outcome.CROSSED
    assert not book.whole
    assert book.snapshot(old) is Outcome.WAITING
    venue.step()
    assert book.snapshot(venue.snapshot()) is Outcome.APPLIED
    check(venue, book)


def test_a_crossed_snapshot_is_no_book() -> None:
    book = BookSync()
    assert book.snapshot(Snapshot(1, ((101.0, 1.0),), ((100.0, 1.0),))) is Outcome.CROSSED
    assert not book.whole


def test_removing_a_level_that_is_not_there_is_no_fault() -> None:
    venue, book = synced()
    assert book.delta(Delta(venue.last + 1, venue.last + 1, ((1.0, 0.0),), ())) is Outcome.APPLIED


@pytest.mark.parametrize("level", [(float("nan"), 1.0), (-1.0, 1.0), (0.0, 1.0), (1.0, float("inf")), (1.0, -1.0)])
def test_a_number_that_is_no_price_or_amount_breaks_the_book_until_a_snapshot(level: tuple[float, float]) -> None:
    venue, book = synced()
    assert book.delta(Delta(venue.last + 1, venue.last + 1, (level,), ())) is Outcome.BROKEN
    assert not book.whole
    assert book.snapshot(venue.snapshot()) is Outcome.WAITING


def test_numbers_that_start_anew_need_word_of_it() -> None:
    venue, book = synced()
    book.lost()
    assert book.missing == (0, None)
    assert book.snapshot(Snapshot(3, ((99.0, 1.0),), ((101.0, 1.0),))) is Outcome.APPLIED
    assert book.last == 3
    assert venue.last > 3


def test_kept_deltas_are_bounded() -> None:
    book = BookSync()
    for number in range(25_000):
        book.delta(Delta(number, number, (), ()))
    assert len(book._waiting) <= 10_000


@given(
    seed=st.integers(0, 10**9), faults=st.lists(st.sampled_from(["fine", "lose", "twice", "swap", "wait"]), max_size=60)
)
def test_whatever_happens_on_the_way_a_whole_book_is_the_venues_and_a_resync_ends_at_its_present(
    seed: int, faults: list[str]
) -> None:
    random = Random(seed)
    venue, book = Venue(random), BookSync()
    held: list[Delta] = []
    for fault in faults:
        delta = venue.step()
        arrivals = {"fine": [delta], "lose": [], "twice": [delta, delta], "swap": [], "wait": [delta]}[fault]
        if fault == "swap":
            held.append(delta)
        for each in arrivals:
            book.delta(each)
            check(venue, book)
        if fault != "swap":
            for each in held:
                book.delta(each)
                check(venue, book)
            held.clear()
        if fault == "wait" and not book.whole:
            book.snapshot(venue.snapshot())
            check(venue, book)
            assert book.whole
    book.snapshot(venue.snapshot())
    assert book.whole
    assert (book.bids(), book.asks()) == venue.state()
