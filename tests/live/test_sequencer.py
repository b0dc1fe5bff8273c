"""Our clock on events: strictly increasing, and a step back is an event of its own."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from aftershock.app.live.sequencer import Sequencer
from aftershock.model.events import ClockStep, OptionQuotes
from tests.core.market import T0, Row, option_quotes, perp_quote

QUOTE = perp_quote(T0, "bybit", 60_000.0)


def option_batch(*symbols: str) -> OptionQuotes:
    return option_quotes([Row(ts=T0, symbol=symbol, bid=0.01, ask=0.02) for symbol in symbols])


@given(readings=st.lists(st.integers(0, 50), min_size=1, max_size=60))
def test_times_strictly_increase_whatever_the_clock_does(readings: list[int]) -> None:
    sequencer = Sequencer()
    stamps = [event.ts_init for reading in readings for event in sequencer.stamp(QUOTE, T0 + reading)]
    assert stamps == sorted(set(stamps))
    assert all(stamp >= T0 for stamp in stamps)


@given(readings=st.lists(st.integers(0, 50), min_size=2, max_size=60))
def test_each_step_back_is_told_once_and_by_how_much(readings: list[int]) -> None:
    sequencer = Sequencer()
    events = [event for reading in readings for event in sequencer.stamp(QUOTE, T0 + reading)]
    steps = [event.step_ns for event in events if isinstance(event, ClockStep)]
    assert steps == [before - after for before, after in pairwise(readings) if after < before]


def test_a_clock_that_runs_gives_its_own_time() -> None:
    sequencer = Sequencer()
    assert [sequencer.stamp(QUOTE, T0 + i)[0].ts_init for i in (0, 5, 9)] == [T0, T0 + 5, T0 + 9]


def test_all_rows_of_a_batch_carry_the_moment_of_its_receipt() -> None:
    (batch,) = Sequencer().stamp(option_batch("BTC-6MAR26-60000-C", "BTC-6MAR26-60000-P"), T0 + 7)
    assert isinstance(batch, OptionQuotes)
    assert batch.ts_init == T0 + 7
    assert batch.row_ts_init.tolist() == [T0 + 7, T0 + 7]
    assert batch.row_ts_event.tolist() == [T0, T0]


def test_parts_of_one_batch_share_their_time_until_something_else_comes() -> None:
    sequencer = Sequencer()
    part = option_batch("BTC-6MAR26-60000-C")
    times = [sequencer.stamp(each, T0)[0].ts_init for each in (part, part, QUOTE, part)]
    assert times == [T0, T0, T0 + 1, T0 + 2]
