"""What the servers play: the same for a seed, in order, without an end, and on time."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.model.events import Event, Liquidation, OptionQuotes, Quote, Trade
from aftershock.model.units import NS_PER_DAY, NS_PER_S, utc_ns
from aftershock.sim.market.endless import ONSET_AFTER_NS, EndlessMarket
from aftershock.sim.servers.archive import ARCHIVE_DAY_NS, Archive, venue_of
from aftershock.sim.servers.pace import Pace
from aftershock.sim.servers.tape import Tape

BEGIN = utc_ns(2026, 11, 27, 5)


def played(seed: int, episodes: int = 2, begin_ns: int = BEGIN) -> list[Event]:
    tape = Tape(seed)
    found: list[Event] = []
    for episode in itertools.islice(EndlessMarket(seed, begin_ns).episodes(), episodes):
        while episode.next_place() is not None:
            found += tape.add(episode.pop())
    return found


@pytest.mark.slow
def test_one_seed_is_one_market_and_its_messages_come_in_order_across_episodes() -> None:
    first, again = played(3), played(3)

    received = [event.ts_init for event in first]
    assert received == sorted(received)
    assert [(type(a), a.ts_event, venue_of(a)) for a in first] == [(type(b), b.ts_event, venue_of(b)) for b in again]
    quotes = [event for event in first if isinstance(event, Quote)]
    assert quotes == [event for event in again if isinstance(event, Quote)]
    gaps = [b - a for a, b in itertools.pairwise(event.ts_init for event in quotes)]
    assert max(gaps) < 3 * NS_PER_S


@pytest.mark.slow
def test_no_stream_of_options_is_silent_for_long() -> None:
    events = [event for event in played(3) if isinstance(event, OptionQuotes)]
    for venue in ("deribit", "okex-options"):
        times = [event.ts_init for event in events if event.stream.venue == venue]
        assert max(b - a for a, b in itertools.pairwise(times)) < 5 * NS_PER_S


def test_the_first_shock_comes_when_it_was_asked_for() -> None:
    for seed in range(1, 6):
        episode = next(EndlessMarket(seed, BEGIN).episodes())
        assert 0 <= episode.onset_ns - BEGIN - ONSET_AFTER_NS < 5 * NS_PER_S


@pytest.mark.slow
def test_options_are_listed_anew_before_they_expire() -> None:
    market = EndlessMarket(2, utc_ns(2026, 11, 27, 5))
    first = market.listing
    begin = first.expiries_ns[0] - 2 * 3_600 * NS_PER_S
    market = EndlessMarket(2, int(begin))
    for episode in itertools.islice(market.episodes(), 20):
        assert int(episode.surface.listing.expiries_ns[0]) > episode.end_ns + 3_000 * NS_PER_S


@pytest.mark.slow
def test_the_simulated_venue_prints_a_liquidation_as_a_trade_too_and_never_alone_in_a_calm() -> None:
    events = played(4, episodes=3)
    echoes = [e for e in events if isinstance(e, Liquidation) and e.venue == "ftx-restart"]
    trades = {e.trade_id: e for e in events if isinstance(e, Trade) and e.venue == "ftx-restart"}
    others = [e.ts_init for e in events if isinstance(e, Liquidation) and e.venue != "ftx-restart"]

    assert echoes
    for echo in echoes:
        trade = trades[echo.liquidation_id]
        assert (trade.price, trade.amount) == (echo.price, echo.amount)
        assert sum(echo.ts_init - 5 * NS_PER_S <= ts <= echo.ts_init for ts in others) >= 4


def test_the_archive_is_one_morning_of_the_first_of_november_2022_under_real_names() -> None:
    events = Archive(4).events()

    assert {venue_of(event) for event in events} == {"ftx", "deribit"}
    assert all(ARCHIVE_DAY_NS <= event.ts_init < ARCHIVE_DAY_NS + NS_PER_DAY for event in events)
    names = Counter(symbol.split("-")[1] for e in events if isinstance(e, OptionQuotes) for symbol in e.symbols)
    assert {"2NOV22", "3NOV22"} <= set(names)


@given(
    speed=st.integers(1, 50),
    fast_s=st.integers(0, 10),
    wall_ns=st.integers(-20 * NS_PER_S, 20 * NS_PER_S),
    further_ns=st.integers(0, NS_PER_S),
)
def test_the_market_s_clock_never_goes_back_and_is_the_wall_clock_in_the_end(
    speed: int, fast_s: int, wall_ns: int, further_ns: int
) -> None:
    live = utc_ns(2026, 11, 27)
    pace = Pace(live_from_ns=live, fast_from_ns=live - fast_s * NS_PER_S, speed=speed)
    moment = live + wall_ns

    market = pace.market_ns(moment)
    assert pace.market_ns(moment + further_ns) >= market + further_ns
    assert market == moment or moment < live
    assert abs(pace.wall_ns(market) - moment) <= speed
