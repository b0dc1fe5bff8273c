"""What reaches us: late, in order, conflated, and wrong in exactly the way that a fault's name says."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest

from aftershock.model import events as ev
from aftershock.sim.market.episode import Episode
from aftershock.sim.market.feeds import OptionFeed
from aftershock.sim.market.listing import INVERSE, LINEAR, PERPS
from tests.sim.market.worlds import FINE_NS, ONSET_NS, SECOND_NS, make_episode, seen_episode

MS = 10**6


def drain(episode: Episode, until_ns: int | None = None) -> list[ev.Event]:
    events = []
    while (place := episode.next_place()) is not None and (until_ns is None or place.ts_init < until_ns):
        events.append(episode.pop())
    return events


@lru_cache(maxsize=16)
def told(kind: str, seed: int = 7) -> tuple[Episode, tuple[ev.Event, ...]]:
    episode = make_episode(kind, seed)
    return episode, tuple(drain(episode))


def fault_of(kind: str, seed: int = 7) -> tuple[int, int]:
    script = told(kind, seed)[0].script
    return script.fault_from_ns, script.fault_to_ns


def rows(kind: str, venue: str, seed: int = 7) -> list[tuple[int, int, str, float, float]]:
    """Return (sent, received, symbol, bid, ask) of every option row of a venue."""
    return [
        (te, ti, symbol, bid, ask)
        for event in told(kind, seed)[1]
        if isinstance(event, ev.OptionQuotes) and event.stream.venue == venue
        for te, ti, symbol, bid, ask in zip(
            event.row_ts_event.tolist(), event.row_ts_init.tolist(), event.symbols,
            event.columns["bid"].tolist(), event.columns["ask"].tolist(), strict=True,
        )
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["plain", "S5", "D10", "D15", "D19"])
def test_nothing_arrives_before_it_happened_and_all_streams_are_in_order(kind: str) -> None:
    _, events = told(kind)
    assert all(event.ts_event <= event.ts_init for event in events)
    assert all(a.ts_init <= b.ts_init for a, b in pairwise(events))
    last: dict[object, int] = {}
    for event in events:
        name = event.stream if isinstance(event, ev.OptionQuotes) else (
            type(event), getattr(event, "venue", ""), getattr(event, "symbol", "")
        )  # fmt: skip
        if not isinstance(event, ev.Liquidation):  # whose stamps are those of the orders
            assert event.ts_event >= last.get(name, 0)
        last[name] = event.ts_event
    assert len(last) >= 8


@pytest.mark.slow
def test_a_feed_takes_about_40_ms_and_half_as_long_if_asked() -> None:
    def median_ms(feed_ms: float | None) -> float:
        ways = []
        for seed in range(5):
            quotes = [e for e in drain(make_episode("plain", seed, feed_ms=feed_ms), FINE_NS + 10 * SECOND_NS)
                      if isinstance(e, ev.Quote)]  # fmt: skip
            by_venue = {perp.venue: [q.ts_init - q.ts_event for q in quotes if q.venue == perp.venue] for perp in PERPS}
            ways += [float(np.median(each)) / 1e6 for each in by_venue.values()]
        return float(np.median(ways))

    assert 28 < median_ms(None) < 57  # a lognormal of sigma 0.5, twenty draws
    assert median_ms(20.0) == pytest.approx(median_ms(None) / 2, rel=0.05)


def test_options_are_conflated_to_100_ms_near_the_shock_and_to_a_second_elsewhere() -> None:
    for venue in (INVERSE, LINEAR):
        sent = np.unique([te for te, *_ in rows("plain", venue)])
        near = sent[(sent > ONSET_NS - 2 * SECOND_NS) & (sent < ONSET_NS + 40 * SECOND_NS)]
        far = sent[(sent > FINE_NS) & (sent < ONSET_NS - 10 * SECOND_NS)]
        assert np.diff(near).min() == 100 * MS
        assert set((np.diff(near) % (100 * MS)).tolist()) == {0}
        assert np.diff(far).min() >= SECOND_NS
        assert set((np.diff(far) % SECOND_NS).tolist()) == {0}


def test_a_row_shows_the_top_of_the_book_at_its_moment() -> None:
    episode, events = told("S1", 2)
    checked = 0
    for event in events:
        if not isinstance(event, ev.OptionQuotes) or event.ts_event % 3 != 0:
            continue
        for i, symbol in enumerate(event.symbols):
            option = episode.surface.listing.position[event.stream.venue, symbol]
            for asks, column in ((True, "ask"), (False, "bid")):
                ladder = episode.books.ladder(option, event.ts_event, asks=asks)
                best = ladder[0].price if ladder else np.nan
                assert np.array_equal(best, event.columns[column][i], equal_nan=True)
                checked += 1
    assert checked > 200


def test_every_option_is_shown_at_the_start() -> None:
    episode, events = told("plain")
    first = [e for e in events if isinstance(e, ev.OptionQuotes)]
    for venue in (INVERSE, LINEAR):
        batch = next(e for e in first if e.stream.venue == venue)
        live = [o for o in episode.books.of if episode.surface.listing.venues[o] == venue]
        assert len(batch.symbols) == len(live)


def test_the_rows_show_a_fill_of_ours_after_it_happened_and_not_before() -> None:
    plain, traded = make_episode(), make_episode()
    moment = ONSET_NS + 20 * SECOND_NS + 37 * MS
    option = next(
        o for o in sorted(traded.books.of)
        if traded.surface.listing.venues[o] == INVERSE and len(traded.books.ladder(o, moment, asks=True)) >= 3
    )  # fmt: skip
    symbol = traded.surface.listing.symbols[option]
    before = drain(plain, moment), drain(traded, moment)
    fills = traded.trade_option(option, 1e6, 9.0, moment, buying=True)
    assert fills
    after = drain(plain), drain(traded)

    def asks(events: list[ev.Event]) -> list[tuple[int, float]]:
        return [
            (e.ts_event, float(e.columns["ask"][e.symbols.index(symbol)]))
            for e in events
            if isinstance(e, ev.OptionQuotes) and e.stream.venue == INVERSE and symbol in e.symbols
        ]

    assert asks(before[0]) == asks(before[1])
    unaware = [row for row in asks(after[1]) if row[0] < moment]
    assert unaware == [row for row in asks(after[0]) if row[0] < moment]  # on their way when it happened
    tick, price = next(row for row in asks(after[1]) if row[0] >= moment)
    assert tick - moment < 100 * MS
    assert np.isnan(price) or price > max(fill.price for fill in fills)
    assert asks(after[1])[-1] == asks(after[0])[-1]  # makers come back


def test_rows_on_their_way_still_arrive_when_a_fill_changes_the_book() -> None:
    sent = next(
        e for e in told("S1", 2)[1]
        if isinstance(e, ev.OptionQuotes) and e.stream.venue == INVERSE and e.ts_event > ONSET_NS + SECOND_NS
    )  # fmt: skip
    traded = make_episode("S1", 2)
    moment = sent.ts_event + MS
    drain(traded, moment)
    symbol = next(s for s in sent.symbols if traded.books.ladder(option_of(traded, s), moment, asks=True))
    assert traded.trade_option(option_of(traded, symbol), 0.1, 9.0, moment, buying=True)
    arrived = next(
        e for e in drain(traded)
        if isinstance(e, ev.OptionQuotes) and e.stream.venue == INVERSE and e.ts_event == sent.ts_event
    )  # fmt: skip
    assert arrived.symbols == sent.symbols
    assert np.array_equal(arrived.columns["ask"], sent.columns["ask"], equal_nan=True)


def option_of(episode: Episode, symbol: str) -> int:
    return episode.surface.listing.position[INVERSE, symbol]


def test_a_fill_in_the_last_moment_of_an_episode_changes_nothing_that_is_still_to_come() -> None:
    episode = make_episode()
    drain(episode, episode.end_ns - SECOND_NS)
    option = next(o for o in sorted(episode.books.of) if episode.books.ladder(o, episode.end_ns, asks=True))
    assert episode.trade_option(option, 0.1, 1e9, episode.end_ns, buying=True)
    drain(episode)


# --- faults, each by the name that its decoy has in `script` ------------------------------------------------------


def crossed(kind: str) -> list[int]:
    """Return the moments of rows that are crossed though the book is not: makers' own quotes cross now and then."""
    episode, _ = told(kind)
    found = []
    for venue in (INVERSE, LINEAR):
        for te, _, symbol, bid, ask in rows(kind, venue):
            if bid >= ask:
                option = episode.surface.listing.position[venue, symbol]
                bids, asks = (episode.books.ladder(option, te, asks=side) for side in (False, True))
                if not bids or not asks or bids[0].price < asks[0].price:
                    found.append(te)
    return found


def test_crossed_books_are_crossed_while_the_fault_lasts_and_at_no_other_time() -> None:
    begin, end = fault_of("D7")
    found = crossed("D7")
    assert found
    assert all(begin <= te < end for te in found)
    assert crossed("plain") == []


def option_moments(kind: str, begin: int, end: int) -> int:
    return sum(begin <= te < end for venue in (INVERSE, LINEAR) for te, *_ in rows(kind, venue))


def test_a_gap_loses_rows_and_says_so_and_a_frozen_feed_loses_them_in_silence() -> None:
    for kind, announced in (("D8", 2), ("D9", 0)):
        begin, end = fault_of(kind)
        assert option_moments(kind, begin, end) == 0
        assert option_moments(kind, begin - 60 * SECOND_NS, begin) > 0
        assert option_moments(kind, end, end + 60 * SECOND_NS) > 0
        _, events = told(kind)
        gaps = [e for e in events if isinstance(e, ev.Gap)]
        assert len(gaps) == announced
        assert all((gap.from_ts, gap.to_ts) == (begin, end) and gap.ts_init >= end for gap in gaps)
        perps = [e for e in events if isinstance(e, ev.Quote) and e.venue == PERPS[0].venue]
        assert any(begin <= e.ts_event < end for e in perps)  # the other sockets live


def test_a_delayed_feed_arrives_half_a_second_to_five_seconds_late_while_it_lasts() -> None:
    begin, end = fault_of("D10")
    for venue in (INVERSE, LINEAR):
        inside = [(ti - te) / 1e9 for te, ti, *_ in rows("D10", venue) if begin <= te < end]
        before = [(ti - te) / 1e9 for te, ti, *_ in rows("D10", venue) if te < begin - SECOND_NS]
        assert inside
        assert min(inside) >= 0.5
        assert max(inside) < 6.0
        assert max(before) < 0.5


def test_a_clock_that_is_off_stamps_one_venue_250_ms_ahead() -> None:
    begin, end = fault_of("D11")
    ways: dict[str, tuple[list[int], list[int]]] = {perp.venue: ([], []) for perp in PERPS}
    for event in told("D11")[1]:
        if isinstance(event, ev.Quote) and event.venue in ways and "-27" not in event.symbol:
            inside = begin + SECOND_NS <= event.ts_init < end
            outside = event.ts_init < begin
            if inside or outside:
                ways[event.venue][inside].append(event.ts_init - event.ts_event)
    for v, perp in enumerate(PERPS):
        without, within = (float(np.median(each)) / 1e6 for each in ways[perp.venue])
        assert within - without == pytest.approx(-250.0 if v == 0 else 0.0, abs=5.0)


@pytest.mark.parametrize("seed", [7, 8])
def test_a_wrong_unit_shows_prices_ten_times_or_a_hundred_times_off(seed: int) -> None:
    episode, _ = told("D12", seed)
    begin, end = fault_of("D12", seed)
    listing, factors = episode.surface.listing, []
    for venue in (INVERSE, LINEAR):
        for te, _, symbol, _, ask in rows("D12", venue, seed):
            option = listing.position[venue, symbol]
            true = episode.books.ladder(option, te, asks=True)
            if true and ask == ask and ask != true[0].price:  # noqa: PLR0124  NaN
                assert begin <= te < end
                factors.append(ask / true[0].price)
    assert factors
    assert {min((0.01, 0.1, 10.0), key=lambda f, x=x: abs(np.log(x / f))) for x in factors} <= {0.01, 0.1, 10.0}  # type: ignore[misc]
    assert max(abs(np.log10(x) - round(float(np.log10(x)))) for x in factors) < 1e-6


def test_a_wrong_mapping_shows_the_quotes_of_another_option() -> None:
    episode, _ = told("D13")
    listing, wrong, by_other = episode.surface.listing, 0, 0
    for venue in (INVERSE, LINEAR):
        for te, _, symbol, _, ask in rows("D13", venue):
            true = episode.books.ladder(listing.position[venue, symbol], te, asks=True)
            if not true or ask != ask or ask == true[0].price:  # noqa: PLR0124  NaN
                continue
            wrong += 1
            others = [episode.books.ladder(o, te, asks=True) for o in episode.books.of]
            by_other += any(ladder and ladder[0].price == ask for ladder in others)
    assert wrong > 5
    assert by_other == wrong


def test_perpetuals_that_are_down_fall_silent_are_reported_and_come_back() -> None:
    begin, end = fault_of("D19")
    _, events = told("D19")
    for v, perp in enumerate(PERPS):
        inside = [e for e in events if isinstance(e, ev.Quote) and e.venue == perp.venue and e.symbol == perp.symbol
                  and begin <= e.ts_event < end]  # fmt: skip
        assert bool(inside) == (v >= 2)
    stale = [e for e in events if isinstance(e, ev.Stale)]
    back = [e for e in events if isinstance(e, ev.Restored)]
    assert [e.stream.venue for e in stale] == [e.stream.venue for e in back] == [p.venue for p in PERPS[:2]]
    assert all(begin < e.ts_init < begin + 2 * SECOND_NS for e in stale)
    assert all(e.ts_init >= end for e in back)


def test_a_healthy_feed_reports_no_trouble() -> None:
    assert not [e for e in told("plain")[1] if isinstance(e, ev.Gap | ev.Stale | ev.Restored)]


def test_an_error_of_the_feed_is_none_of_the_market() -> None:
    clean, broken = seen_episode("D1").books, told("D7")[0].books
    moment = ONSET_NS + SECOND_NS
    assert all(
        not ladder or not bids or ladder[0].price > bids[0].price
        for books in (clean, broken)
        for option in books.of
        for ladder in [books.ladder(option, moment, asks=True)]
        for bids in [books.ladder(option, moment, asks=False)]
    )


def test_each_venue_s_options_are_a_stream_of_their_own() -> None:
    feeds: list[OptionFeed] = told("plain")[0].feeds
    assert [feed.stream.venue for feed in feeds] == [INVERSE, LINEAR]
