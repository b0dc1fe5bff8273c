"""What was asked for stands once the venue says so, and what it does not subscribe is told."""

from __future__ import annotations

import json

from aftershock.model.events import Gap, StreamId
from aftershock.model.table import InstrumentTable
from aftershock.venues.connection.inbox import Frame, Lost, Opened
from aftershock.venues.connection.venue_decoder import VenueDecoder
from aftershock.venues.connection.venue_plan import VenueLink, VenuePlan
from aftershock.venues.deribit.adapter import DeribitAdapter
from aftershock.venues.deribit.subscriptions import Subscriptions
from aftershock.venues.tardis.live_report import LiveReport
from tests.connection.toy_venue import Asked, names
from tests.deribit.said import NOW_MS, PERPETUAL, quote, told

S = 1_000_000_000
T0 = NOW_MS * 1_000_000
PRINTS, FORCED, QUOTES = (StreamId("deribit", kind, PERPETUAL) for kind in ("trades", "liquidations", "quotes"))
TRADES = f"trades.{PERPETUAL}.100ms"


def listening() -> tuple[VenueDecoder, LiveReport, list[int]]:
    """Return a decoder of one connection, its report, and the numbers of its requests."""
    subscriptions, report = Subscriptions(), LiveReport(path="Deribit", kind="native", format="live")
    numbers = [json.loads(text)["id"] for text in subscriptions.add([f"quote.{PERPETUAL}", TRADES])]
    link = VenueLink(url="ws://127.0.0.1:9", who="Deribit", streams=(PRINTS, FORCED, QUOTES),
                     quiet=frozenset({PRINTS, FORCED}), confirms=True)  # fmt: skip
    adapter = DeribitAdapter(InstrumentTable(), report, subscriptions)
    reader = VenueDecoder(VenuePlan(venue="deribit", adapter=adapter, links=(link,)), report, Asked(), stale_after_s=15)
    reader.item(0, Opened(T0, 1))
    return reader, report, numbers


def say(reader: VenueDecoder, second: float, **message: object) -> list[str]:
    text = json.dumps({"jsonrpc": "2.0", **message})
    return names(reader.item(0, Frame(text, T0 + round(second * S))))


def test_prints_are_whole_again_when_the_venue_says_that_they_are_subscribed_and_not_before() -> None:
    reader, report, (number,) = listening()
    reader.item(0, Lost(T0 + S, T0 + 2 * S, "gone"))
    reader.item(0, Opened(T0 + 3 * S, 2))

    assert say(reader, 4, id=1, result="ok") == []
    restored = names(reader.item(0, Frame(quote(PERPETUAL, 1.0, 2.0), T0 + 5 * S)))
    assert restored == ["Gap quotes", "Restored quotes", "Quote"]
    answer = json.dumps({"id": number, "result": [f"quote.{PERPETUAL}", TRADES]})
    found = reader.item(0, Frame(answer, T0 + 6 * S))
    assert names(found) == ["Gap trades", "Restored trades", "Gap liquidations", "Restored liquidations"]
    assert isinstance(found[0], Gap)
    assert (found[0].from_ts, found[0].to_ts) == (T0 + S, T0 + 6 * S)
    assert report.notes == []


def test_what_the_venue_leaves_out_of_its_answer_is_named_and_its_silence_is_not_believed() -> None:
    reader, report, (number,) = listening()

    assert say(reader, 1, id=number, result=[f"quote.{PERPETUAL}"]) == ["Stale trades", "Stale liquidations"]
    assert report.notes == [f"Deribit does not subscribe {TRADES}"]

    trade = {"instrument_name": PERPETUAL, "timestamp": NOW_MS, "trade_id": "7", "price": 1.0, "amount": 10.0,
             "direction": "buy"}  # fmt: skip
    assert names(reader.item(0, Frame(told(TRADES, [trade]), T0 + 2 * S))) == ["Gap trades", "Restored trades", "Trade"]


def test_a_request_that_is_refused_names_what_it_asked_for_and_why() -> None:
    reader, report, (number,) = listening()
    error = {"code": -32602, "message": "Invalid \x1b[31mparams"}

    assert say(reader, 1, id=number, error=error) == ["Stale trades", "Stale liquidations"]
    (note,) = report.notes
    assert note == f"Deribit does not subscribe quote.{PERPETUAL}, {TRADES} (-32602 Invalid \ufffd[31mparams)"


def test_many_channels_are_asked_for_in_several_requests_and_a_few_of_those_missing_are_named() -> None:
    subscriptions = Subscriptions()
    texts = subscriptions.add([f"quote.X{i}" for i in range(450)])
    assert [len(json.loads(text)["params"]["channels"]) for text in texts] == [200, 200, 50]
    (more,) = subscriptions.add(["quote.Y"])
    assert json.loads(more)["id"] == json.loads(texts[-1])["id"] + 1
    again = [json.loads(text)["params"]["channels"] for text in subscriptions.requests()]
    assert [len(each) for each in again] == [200, 200, 51], "a new session asks for what was added, too"
