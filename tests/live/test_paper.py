"""The paper venue: what an order gets from the last quotes that were known when it arrived."""

from __future__ import annotations

import math

import pytest

from aftershock.app.live.paper import NEVER, PaperVenue
from aftershock.model.events import BookSnapshot, Event, Gap, OrderUpdate, Stale, StreamId
from aftershock.model.orders import ApprovedOrder, Fill, Leg, OrderIntent, Side
from aftershock.model.table import InstrumentTable
from tests.core.market import EXPIRY_NS, PERPETUALS, T0, Row, millis, option_quotes, perp_quote, raw_quote

CALL, PUT = "BTC-6MAR26-60000-C", "BTC-6MAR26-60000-P"


def order(*legs: Leg, quantity: float = 1.0, limit_usd: float = 0.0, intent_id: str = "t/1/order") -> ApprovedOrder:
    intent = OrderIntent(
        intent_id=intent_id, trigger_id="t", edge="A", legs=legs, quantity=quantity, limit_usd=limit_usd
    )
    return ApprovedOrder(ts_init=T0, intent=intent)


def leg(
    symbol: str = CALL, side: Side = Side.BUY, price: float = 0.0305, venue: str = "deribit", ratio: float = 1.0
) -> Leg:
    return Leg(venue=venue, symbol=symbol, side=side, ratio=ratio, price=price, price_usd=price * 60_000.0)


def quote(bid: float, ask: float, size: float = 5.0, symbol: str = CALL, ts: int = T0) -> Event:
    return option_quotes([Row(ts=ts, symbol=symbol, bid=bid, ask=ask, bid_amount=size, ask_amount=size)])


@pytest.fixture(name="venue")
def _venue() -> PaperVenue:
    venue = PaperVenue(InstrumentTable(), 20.0)
    venue.see(quote(0.0295, 0.0305))
    return venue


def answers(venue: PaperVenue, after_ms: float = 20.0) -> list[Event]:
    return list(venue.advance(T0 + millis(after_ms)))


def fills(events: list[Event]) -> list[tuple[float, float]]:
    return [(event.quantity, event.price) for event in events if isinstance(event, Fill)]


def test_an_order_arrives_when_its_latency_is_over(venue: PaperVenue) -> None:
    assert venue.due == NEVER
    venue.send(order(leg()), T0)
    assert venue.due == T0 + millis(20)
    assert answers(venue, 19.9) == []
    fill, end = answers(venue)
    assert isinstance(fill, Fill)
    assert isinstance(end, OrderUpdate)
    assert (fill.client_id, fill.trade_id, fill.quantity, fill.price) == ("t/1/order/1", "t/1/order/1/1", 1.0, 0.0305)
    assert math.isnan(fill.fee)
    assert (end.client_id, end.status) == ("t/1/order/1", "expired")
    assert venue.due == NEVER


@pytest.mark.parametrize(
    ("ask", "got"),
    [(0.0304, [(1.0, 0.0304)]), (0.0305, [(1.0, 0.0305)]), (0.0306, [])],
    ids=["better", "at its limit", "beyond it"],
)
def test_it_meets_the_quote_of_that_moment(venue: PaperVenue, ask: float, got: list[tuple[float, float]]) -> None:
    venue.send(order(leg()), T0)
    venue.see(quote(0.0295, ask))
    assert fills(answers(venue)) == got


def test_the_limit_of_a_single_leg_is_what_the_whole_order_allows(venue: PaperVenue) -> None:
    venue.send(order(leg(), limit_usd=0.0310 * 60_000.0), T0)
    venue.see(quote(0.0295, 0.0309))
    assert fills(answers(venue)) == [(1.0, 0.0309)]


def test_no_more_is_filled_than_is_quoted(venue: PaperVenue) -> None:
    venue.send(order(leg(), quantity=8.0), T0)
    assert fills(answers(venue)) == [(5.0, 0.0305)]


def test_what_one_order_took_is_not_there_for_the_next_while_the_price_stands(venue: PaperVenue) -> None:
    venue.send(order(leg(), quantity=4.0), T0)
    venue.send(order(leg(), quantity=4.0, intent_id="t/2/order"), T0)
    assert fills(answers(venue)) == [(4.0, 0.0305), (1.0, 0.0305)]

    venue.see(quote(0.0295, 0.0305))
    venue.send(order(leg(), quantity=4.0, intent_id="t/3/order"), T0)
    assert fills(answers(venue)) == [], "the same quote again"

    venue.see(quote(0.0295, 0.0306))
    venue.see(quote(0.0295, 0.0305))
    venue.send(order(leg(), quantity=4.0, intent_id="t/4/order"), T0)
    assert fills(answers(venue)) == [(4.0, 0.0305)], "a new one at the old price"


def test_each_leg_is_an_order_of_its_own(venue: PaperVenue) -> None:
    venue.see(quote(0.0280, 0.0290, symbol=PUT))
    venue.send(order(leg(), leg(PUT, Side.SELL, 0.0280, ratio=2.0)), T0)
    got = [(e.symbol, e.side, e.quantity, e.price) for e in answers(venue) if isinstance(e, Fill)]
    assert got == [(CALL, Side.BUY, 1.0, 0.0305), (PUT, Side.SELL, 2.0, 0.0280)]


def test_a_contract_that_counts_dollars_is_ordered_and_filled_in_dollars(venue: PaperVenue) -> None:
    symbol = PERPETUALS["deribit"]
    venue.see(raw_quote(T0, "deribit", symbol, 59_990.0, 60_000.0, 12_000.0))
    venue.send(order(leg(symbol, Side.SELL, 59_995.0), quantity=0.5), T0)
    assert fills(answers(venue)) == [], "59,990 is below the limit"

    venue.send(order(leg(symbol, Side.SELL, 59_900.0), quantity=0.5), T0)
    ((coins, price),) = fills(answers(venue))
    assert price == 59_990.0
    assert coins * price == pytest.approx(12_000.0), "29,950 dollars wanted, 12,000 bid"


def test_contracts_are_counted_in_coins(venue: PaperVenue) -> None:
    venue.see(perp_quote(T0, "okex-swap", 60_000.0, coins=2.0))
    venue.send(order(leg(PERPETUALS["okex-swap"], Side.BUY, 60_001.0, "okex-swap"), quantity=3.0), T0)
    assert fills(answers(venue)) == [(2.0, 60_000.5)]


def test_a_book_is_walked_level_by_level(venue: PaperVenue) -> None:
    asks = ((60_000.0, 1.0), (60_010.0, 1.0), (60_020.0, 5.0))
    venue.see(BookSnapshot(ts_event=T0, ts_init=T0, venue="bybit", symbol="BTCUSDT", bids=(), asks=asks))
    venue.send(order(leg("BTCUSDT", Side.BUY, 60_015.0, "bybit"), quantity=4.0), T0)
    assert fills(answers(venue)) == [(1.0, 60_000.0), (1.0, 60_010.0)]


@pytest.mark.parametrize("kind", [Gap, Stale])
def test_quotes_that_were_lost_or_went_silent_fill_nothing(venue: PaperVenue, kind: type[Event]) -> None:
    stream = StreamId("deribit", "option_quotes", "BTC")
    more = {"from_ts": T0, "to_ts": T0} if kind is Gap else {}
    venue.see(kind(ts_event=T0, ts_init=T0, stream=stream, **more))  # type: ignore[call-arg]
    venue.send(order(leg()), T0)
    assert [type(event) for event in answers(venue)] == [OrderUpdate]


def test_a_gap_of_another_stream_changes_nothing(venue: PaperVenue) -> None:
    stream = StreamId("deribit", "quotes", "BTC-PERPETUAL")
    venue.see(Gap(ts_event=T0, ts_init=T0, stream=stream, from_ts=T0, to_ts=T0))
    venue.send(order(leg()), T0)
    assert fills(answers(venue)) == [(1.0, 0.0305)]


def test_a_side_without_price_or_size_fills_nothing(venue: PaperVenue) -> None:
    for empty in (quote(0.0295, math.nan), quote(0.0295, 0.0305, math.nan)):
        venue.see(empty)
        venue.send(order(leg()), T0)
        assert fills(answers(venue)) == []


def test_what_expired_or_nobody_knows_is_rejected(venue: PaperVenue) -> None:
    venue.send(order(leg()), EXPIRY_NS)
    venue.send(order(leg("nonsense")), EXPIRY_NS)
    said = list(venue.advance(EXPIRY_NS + millis(20)))
    assert [(each.status, each.detail) for each in said if isinstance(each, OrderUpdate)] == [
        ("rejected", "expired"),
        ("rejected", "unknown instrument"),
    ]
