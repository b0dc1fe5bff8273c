"""Events of one moment have one order, whoever puts them into it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.model import events as ev
from aftershock.model.events import Event, Priority, StreamId
from aftershock.model.order import Place, option_stream, place, total_order
from tests.core.market import Row, index_price, liquidation, option_quotes, perp_quote
from tests.venues.files import flat

DOCUMENTED = (
    ev.Gap(ts_event=1, ts_init=5, stream=StreamId("deribit", "", ""), from_ts=1, to_ts=5),
    index_price(5, 60_000.0),
    ev.Settlement(ts_event=5, ts_init=5, venue="deribit", family="BTC", expiry_ns=5, price=60_000.0),
    perp_quote(5, "bybit", 60_000.0),
    option_quotes([Row(ts=5, symbol="BTC-6MAR26-60000-C", bid=0.01)]),
    option_quotes([Row(ts=5, symbol="ETH-6MAR26-2000-C", bid=0.01)], underlying="ETH"),
    ev.Trade(ts_event=1, ts_init=5, venue="bybit", symbol="BTCUSDT", price=1.0, amount=1.0, side="buy"),
    liquidation(5),
    ev.Timer(ts_event=5, ts_init=5, key="a"),
    ev.ReviewReply(ts_event=5, ts_init=5, request_id="a", action="HOLD", probability=0.5),
    ev.OrderUpdate(ts_event=5, ts_init=5, client_id="a", status="accepted"),
)
"""One moment in the order that docs/inputs.md gives; of the books, bybit comes before deribit by its name."""


def as_text(events: list[Event]) -> list[object]:
    return flat(events)


@given(order=st.permutations(range(len(DOCUMENTED))))
def test_a_moment_comes_in_the_documented_order_however_it_was_given(order: list[int]) -> None:
    given_order = [DOCUMENTED[i] for i in order]
    assert as_text(list(total_order(given_order))) == as_text(list(DOCUMENTED))


def test_equal_places_stay_as_they_came() -> None:
    quotes = [perp_quote(5, "bybit", 60_000.0 + i) for i in (3, 1, 2)]
    assert list(total_order(quotes)) == quotes


def test_times_are_never_exchanged() -> None:
    events: list[Event] = [liquidation(4), index_price(5, 1.0), liquidation(5), index_price(6, 1.0)]
    assert list(total_order(events)) == events


def test_a_batch_is_cut_where_another_event_belongs_between_its_rows() -> None:
    rows = [Row(ts=ts, symbol=f"BTC-6MAR26-{60_000 + i}-C", bid=0.01) for i, ts in enumerate((4, 5, 5))]
    ordered = list(total_order([option_quotes(rows), index_price(5, 1.0)]))
    assert as_text(ordered) == as_text([option_quotes(rows[:1]), index_price(5, 1.0), option_quotes(rows[1:])])


@given(stamps=st.lists(st.integers(1, 6), min_size=1, max_size=12).map(sorted))
def test_the_moments_of_a_batch_are_its_rows_cut_by_time(stamps: list[int]) -> None:
    batch = option_quotes([Row(ts=ts, symbol=f"BTC-6MAR26-{i + 1}-C", bid=0.01) for i, ts in enumerate(stamps)])
    moments = list(batch.moments())
    assert flat(moments) == flat([batch])
    assert [moment.ts_init for moment in moments] == sorted(dict.fromkeys(stamps))
    assert all(len(set(moment.row_ts_init.tolist())) == 1 for moment in moments)


@pytest.mark.parametrize(
    "events",
    [
        [liquidation(5), index_price(4, 1.0)],
        [option_quotes([Row(ts=4, symbol="BTC-6MAR26-1-C"), Row(ts=6, symbol="BTC-6MAR26-2-C")]), liquidation(5)],
    ],
    ids=["events", "rows of a batch"],
)
def test_a_time_that_goes_back_is_refused(events: list[Event]) -> None:
    with pytest.raises(ValueError, match="give events by receive time"):
        list(total_order(events))


def test_places_compare_by_time_then_priority_then_stream() -> None:
    near, far = StreamId("a", "quotes", "x"), StreamId("b", "quotes", "a")
    ascending = [
        Place(1, Priority.LIQUIDATION, far),
        Place(2, Priority.STATUS, far),
        Place(2, Priority.BOOK, near),
        Place(2, Priority.BOOK, far),
        Place(2, Priority.TRADE, near),
    ]
    assert all(before < after for before, after in pairwise(ascending))


@pytest.mark.parametrize("kind", [kind for kind in Event.__subclasses__() if kind.__module__ == ev.__name__])
def test_every_type_of_event_has_a_place_or_is_the_end(kind: type[Event]) -> None:
    """A new event without a place would stop a run in process at its first one."""
    if kind is ev.EndOfInput:
        with pytest.raises(TypeError, match="no place"):
            place(ev.EndOfInput(ts_event=1, ts_init=1))
        return
    examples = [
        *DOCUMENTED,
        ev.BookSnapshot(ts_event=1, ts_init=5, venue="bybit", symbol="BTCUSDT", bids=(), asks=()),
        ev.Stale(ts_event=1, ts_init=5, stream=StreamId("deribit", "quotes", "a")),
        ev.Restored(ts_event=1, ts_init=5, stream=StreamId("deribit", "quotes", "a")),
        ev.ClockStep(ts_event=1, ts_init=5, step_ns=3, source="a.csv"),
        ev.Halt(ts_event=1, ts_init=5, reason="a"),
        ev.Resume(ts_event=1, ts_init=5, reason="a"),
    ]
    example = next(event for event in examples if type(event) is kind)
    assert place(example).ts_init == 5


@pytest.mark.parametrize(
    ("venue", "symbol", "underlying"),
    [
        ("deribit", "BTC-28APR23-30000-C", "BTC"),
        ("deribit", "SOL_USDC-28APR23-20-P", "SOL"),
        ("okex-options", "BTC-USD_UM-261030-90000-C", "BTC"),
        ("bybit-options", "ETH-28APR23-2000-C-USDT", "ETH"),
    ],
)
def test_an_options_stream_is_that_of_its_underlying(venue: str, symbol: str, underlying: str) -> None:
    assert option_stream(venue, symbol) == StreamId(venue, "option_quotes", underlying)
