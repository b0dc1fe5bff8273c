"""Losses as events: stale at once, a gap with bounds before the first message after it, then restored."""

from __future__ import annotations

from aftershock.core.streams import StreamStatus
from aftershock.model.events import Gap, Restored, Stale, StreamId
from aftershock.venues.connection.continuity import Continuity, Feed

QUOTES, PRINTS = StreamId("bybit", "quotes", ""), StreamId("bybit", "liquidations", "")


def test_a_loss_is_stale_at_once_and_a_gap_before_the_first_message_after_it() -> None:
    continuity, feed = Continuity(), Feed(streams=(QUOTES,))
    assert not continuity.heard(feed, 10)
    assert continuity.lost(feed, 10, 12, "gone") == [Stale(ts_event=12, ts_init=12, stream=QUOTES, detail="gone")]
    assert continuity.heard(feed, 20) == [
        Gap(ts_event=10, ts_init=20, stream=QUOTES, from_ts=10, to_ts=20, detail="gone"),
        Restored(ts_event=20, ts_init=20, stream=QUOTES),
    ]
    assert not continuity.heard(feed, 21)
    assert continuity.gaps == 1


def test_a_second_loss_inside_a_gap_changes_nothing_but_may_widen_it() -> None:
    continuity, feed = Continuity(), Feed(streams=(QUOTES,))
    continuity.lost(feed, 10, 12, "gone")
    assert not continuity.lost(feed, 8, 15, "gone again")
    assert not continuity.skipped(feed, 15, 16, "unreadable")
    gap = continuity.heard(feed, 20)[0]
    assert isinstance(gap, Gap)
    assert (gap.from_ts, gap.to_ts) == (8, 20)


def test_a_stream_over_two_connections_is_whole_only_when_both_are() -> None:
    continuity = Continuity()
    one, two = Feed(streams=(QUOTES,)), Feed(streams=(QUOTES, PRINTS))
    assert len(continuity.lost(one, 1, 2, "one")) == 1
    assert [event.stream for event in continuity.lost(two, 1, 3, "two") if isinstance(event, Stale)] == [PRINTS]
    assert [type(event) for event in continuity.heard(one, 5)] == [Gap]
    back = continuity.heard(two, 6)
    assert [event.stream for event in back if isinstance(event, Restored)] == [QUOTES, PRINTS]


def test_a_gap_that_is_open_at_the_end_ends_there_and_its_stream_stays_stale() -> None:
    continuity, feed = Continuity(), Feed(streams=(QUOTES,))
    continuity.lost(feed, 10, 12, "gone")
    assert [type(event) for event in continuity.ended(feed, 30)] == [Gap]
    assert not continuity.ended(feed, 31)


def test_a_gap_has_no_negative_length_when_the_clock_stepped_back() -> None:
    continuity, feed = Continuity(), Feed(streams=(QUOTES,))
    continuity.lost(feed, 10, 12, "gone")
    gap = continuity.heard(feed, 5)[0]
    assert isinstance(gap, Gap)
    assert (gap.from_ts, gap.to_ts) == (5, 5)


def test_silent_liquidations_do_not_silence_the_quotes_of_their_venue() -> None:
    status = StreamStatus()
    status.stale(PRINTS, "gone")
    assert status.quotes_up("bybit", "BTCUSDT")
    status.stale(QUOTES, "gone")
    assert not status.quotes_up("bybit", "BTCUSDT")
    status.restored(QUOTES)
    assert status.quotes_up("bybit", "BTCUSDT")
