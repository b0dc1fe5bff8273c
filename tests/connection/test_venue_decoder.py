"""What a venue's messages become, whatever the venue: pure, without a socket."""

from __future__ import annotations

from aftershock.model.events import BookSnapshot, Event, Gap, Quote, Stale, StreamId
from aftershock.venues.connection.book import BookUpdate, Snapshot
from aftershock.venues.connection.inbox import Frame, Given, Lost, Opened, Skipped, Tick
from aftershock.venues.connection.venue_decoder import VenueDecoder
from tests.connection.toy_venue import QUOTES, TRADES, decoder, names, told

S = 1_000_000_000
T0 = 1_700_000_000 * S


def say(reader: VenueDecoder, second: float, what: str, **more: object) -> list[Event]:
    return list(reader.item(0, Frame(told(what, **more), T0 + round(second * S))))


def opened(reader: VenueDecoder, second: float = 0, number: int = 1) -> None:
    assert not reader.item(0, Opened(T0 + round(second * S), number))


def lost(reader: VenueDecoder, second: float) -> list[str]:
    return names(reader.item(0, Lost(T0 + round((second - 1) * S), T0 + round(second * S), "gone")))


def test_a_hole_in_a_book_is_a_gap_that_lasts_until_the_book_is_whole_again() -> None:
    reader, asked = decoder()
    opened(reader)
    assert names(say(reader, 1, "whole", n=5)) == ["BookSnapshot"]
    assert names(say(reader, 2, "book", n=6)) == ["BookSnapshot"]

    assert names(say(reader, 3, "book", n=8)) == ["Stale book_snapshot"]
    assert names(say(reader, 4, "quote")) == ["Quote"]
    assert say(reader, 5, "book", n=9) == []
    gap, restored, book = say(reader, 6, "whole", n=8)

    assert asked.books == ["have X", "want X", "want X", "have X"]
    assert isinstance(gap, Gap)
    assert (gap.from_ts, gap.to_ts) == (T0 + 2 * S, T0 + 6 * S)
    assert "7 to 7" in gap.detail
    assert names([restored]) == ["Restored book_snapshot"]
    assert isinstance(book, BookSnapshot)
    assert book.bids == ((10.0, 9.0),)
    assert reader.links[0].books.gaps == {"gap": 1}


def test_a_change_that_comes_twice_or_below_the_levels_told_is_no_news() -> None:
    reader, _ = decoder()
    opened(reader)
    say(reader, 1, "whole", n=5)
    say(reader, 2, "book", n=6)

    assert say(reader, 3, "book", n=6) == []


def test_best_bid_and_ask_of_a_book_are_told_and_fail_with_it_where_that_is_asked() -> None:
    reader, _ = decoder(streams=(TRADES,), book_quotes=True)
    opened(reader)

    _, quote = say(reader, 1, "whole", n=5)
    assert isinstance(quote, Quote)
    assert (quote.bid, quote.bid_amount, quote.ask, quote.ask_amount) == (10.0, 5.0, 11.0, 1.0)
    assert names(say(reader, 2, "book", n=9)) == ["Stale book_snapshot", "Stale quotes"]


def test_a_snapshot_from_before_a_reconnect_is_not_used() -> None:
    reader, _ = decoder()
    opened(reader, number=1)
    whole = BookUpdate("X", T0, T0, Snapshot(9, ((1.0, 1.0),), ()))
    assert lost(reader, 2) == ["Stale trades", "Stale quotes", "Stale book_snapshot"]
    assert reader.item(0, Given(T0 + 2 * S, 1, whole)) == []
    opened(reader, 3, number=2)
    assert reader.item(0, Given(T0 + 3 * S, 1, whole)) == []

    assert names(reader.item(0, Given(T0 + 4 * S, 2, whole))) == [
        "Gap book_snapshot",
        "Restored book_snapshot",
        "BookSnapshot",
    ]


def test_each_stream_is_restored_by_its_own_messages() -> None:
    reader, _ = decoder(confirms=True)
    opened(reader)
    lost(reader, 2)
    opened(reader, 3, number=2)

    assert names(say(reader, 4, "quote")) == ["Gap quotes", "Restored quotes", "Quote"]
    assert names(say(reader, 5, "stands")) == ["Gap trades", "Restored trades"]
    assert names(say(reader, 6, "trade", id="1")) == ["Trade"]


def test_a_quiet_stream_is_restored_by_any_message_where_the_venue_confirms_nothing() -> None:
    reader, _ = decoder()
    opened(reader)
    lost(reader, 2)
    opened(reader, 3, number=2)

    assert names(say(reader, 4, "quote")) == [
        *("Gap trades", "Restored trades", "Gap quotes", "Restored quotes"),
        "Quote",
    ]


def test_a_print_that_comes_again_after_a_reconnect_is_dropped_and_counted() -> None:
    reader, _ = decoder()
    opened(reader)
    say(reader, 1, "trade", id="1")
    lost(reader, 2)
    opened(reader, 3, number=2)

    assert "Trade" not in names(say(reader, 4, "trade", id="1"))
    assert "Trade" in names(say(reader, 5, "trade", id="2"))
    assert reader.report.dropped == {"duplicate": 1}


def test_silence_is_stale_only_where_it_must_not_be() -> None:
    reader, _ = decoder()
    opened(reader)
    say(reader, 1, "quote")

    assert reader.item(0, Tick(T0 + 15 * S)) == []
    (stale,) = reader.item(0, Tick(T0 + 17 * S))
    assert isinstance(stale, Stale)
    assert stale.stream == QUOTES


def test_a_venue_whose_clock_is_ahead_is_doubted_until_it_is_right() -> None:
    reader, _ = decoder()
    opened(reader)
    for second in range(1, 8):
        say(reader, second, "quote", at=T0 + (second + 5) * S)
    assert names(reader.item(0, Tick(T0 + 8 * S))) == ["Stale trades", "Stale quotes", "Stale book_snapshot"]
    for second in range(8, 30):
        say(reader, second, "quote")
    assert names(reader.item(0, Tick(T0 + 30 * S))) == ["Restored trades", "Restored quotes", "Restored book_snapshot"]
    assert len(reader.report.notes) == 1


def test_a_message_that_no_one_can_read_is_a_gap_of_all_and_five_in_a_row_end_the_connection() -> None:
    reader, asked = decoder()
    opened(reader)
    say(reader, 1, "quote")
    for second in range(2, 7):
        found = reader.item(0, Frame("<html>", T0 + second * S))
        assert names(found) == ["Gap trades", "Gap quotes", "Gap book_snapshot"]
        assert isinstance(found[0], Gap)
        assert found[0].from_ts == T0 + (second - 1) * S
    assert asked.dropped == [("5 messages in a row could not be read", 0.0)]
    assert reader.report.unreadable == 5


def test_what_was_never_asked_for_is_counted_and_what_did_not_fit_is_a_gap() -> None:
    reader, _ = decoder(streams=(TRADES,), books=())
    opened(reader)

    assert say(reader, 1, "quote") == []
    assert say(reader, 1, "book", n=1) == []
    assert reader.report.unused == {"unused:quotes": 1, "unused:book": 1}
    assert names(reader.item(0, Skipped(T0, T0 + S, 3, "no room", overflow=True))) == ["Gap trades"]
    assert reader.report.overflowed == 3


def test_answers_refusals_and_demands_for_peace_reach_the_connection() -> None:
    reader, asked = decoder()
    opened(reader)
    for what in ("ping", "leave", "unknown"):
        assert say(reader, 1, what) == []

    assert asked.sent == ["pong"]
    assert asked.dropped == [("too many requests", 45.0)]
    assert str(asked.errors[0]).startswith("the venue has no X")


def test_after_each_loss_the_venue_s_words_forget_the_quotes_of_that_connection() -> None:
    options = StreamId("toy", "option_quotes", "BTC")
    reader, asked = decoder(streams=(TRADES, QUOTES, options))
    losses = asked.toy.losses
    opened(reader)
    say(reader, 1, "quote")
    assert losses == []

    reader.item(0, Frame("<html>", T0 + 2 * S))
    assert losses == [0]
    reader.item(0, Skipped(T0, T0 + 3 * S, 3, "no room", overflow=True))
    assert losses == [0, 0]
    lost(reader, 4)
    assert losses == [0, 0, 0]

    opened(reader, 5, number=2)
    say(reader, 6, "quote")
    assert losses == [0, 0, 0]


def test_a_chain_that_is_silent_for_too_long_is_forgotten_but_a_silent_perpetual_forgets_none() -> None:
    options = StreamId("toy", "option_quotes", "BTC")
    for streams, losses in (((QUOTES,), []), ((options,), [0])):
        reader, asked = decoder(streams=streams, books=())
        opened(reader)
        assert names(reader.item(0, Tick(T0 + 17 * S))) == [f"Stale {streams[0].kind}"]
        assert asked.toy.losses == losses
