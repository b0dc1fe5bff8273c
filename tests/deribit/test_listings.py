"""Options that open while a stream goes on are subscribed, and what expires is settled against the venue's price."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from aftershock.errors import UnreachableError
from aftershock.model.events import Event, OptionQuotes, Settlement
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NS_PER_S, utc_ns
from aftershock.sim.servers.sandbox import Sandbox
from aftershock.venues.connection.venue_plan import Answer
from aftershock.venues.deribit.adapter import DeribitAdapter
from aftershock.venues.deribit.chain import Chain
from aftershock.venues.deribit.client import DeribitClient
from aftershock.venues.deribit.instruments import read_instruments
from aftershock.venues.deribit.listings import Listings
from aftershock.venues.deribit.settlements import Settlements, price_of
from aftershock.venues.deribit.subscriptions import Subscriptions
from aftershock.venues.tardis.live_report import LiveReport
from tests.connection.fakes import FakeClock
from tests.deribit.said import CALL, NOW_MS, OTHER, PERPETUAL, PUT, mark, told
from tests.deribit.test_client import heard, run
from tests.deribit.test_instruments import GOOD, OPTION

EXPIRY = utc_ns(2026, 6, 26, 8)


def listening() -> tuple[DeribitAdapter, Listings, LiveReport]:
    report, subscriptions = LiveReport(path="Deribit", kind="native", format="live"), Subscriptions()
    subscriptions.add([f"quote.{PERPETUAL}"])
    listings = Listings(("BTC",), report)
    listings.indices["BTC", EXPIRY] = "btc_usd"
    return DeribitAdapter(InstrumentTable(), report, subscriptions, listings), listings, report


def say(reader: DeribitAdapter, name: str, state: str) -> list[str]:
    """Return the channels that are subscribed upon a change of an instrument's state."""
    text = told("instrument.state.option.BTC", {"instrument_name": name, "timestamp": NOW_MS, "state": state})
    answers = [each for each in reader.decode(0, text, NOW_MS) if isinstance(each, Answer)]
    assert all(each.paced for each in answers), "hundreds are listed at once"
    return [channel for each in answers for channel in json.loads(each.text)["params"]["channels"]]


def test_an_option_that_opens_is_subscribed_once_and_the_first_of_an_expiry_with_its_ticker() -> None:
    reader, listings, report = listening()

    assert say(reader, OTHER, "created") == []
    assert say(reader, OTHER, "started") == [f"ticker.{OTHER}.agg2", f"quote.{OTHER}"]
    assert say(reader, OTHER, "open") == []
    assert say(reader, "BTC-26JUN26-95000-P", "open") == ["quote.BTC-26JUN26-95000-P"], "its expiry is known"
    assert listings.indices["BTC", utc_ns(2026, 9, 25, 8)] == "btc_usd"
    assert report.notes == []
    assert report.dropped == {}


def test_what_is_of_another_coin_no_option_or_in_an_unknown_state_is_not_subscribed() -> None:
    reader, _, report = listening()

    assert say(reader, "ETH-25SEP26-9000-C", "open") == []
    assert say(reader, "BTC-25SEP26", "open") == []
    assert say(reader, "no name", "open") == []
    assert say(reader, OTHER, "dream\x1bing") == []
    assert report.notes == [f"Deribit says of {OTHER} that it is dream\ufffding: not taken as open"]


def test_an_option_that_opened_while_nobody_listened_is_known_by_its_mark_but_what_was_left_out_stays_so() -> None:
    reader, listings, _ = listening()
    odd = read_instruments(
        [GOOD, OPTION | {"instrument_type": "linear"}, OPTION | {"instrument_name": PUT, "state": "dreaming"}], "BTC"
    )
    assert odd.refused == {CALL: "settlement unclear", PUT: "not open"}
    nothing = Chain(asset="BTC", asked_ns=0, answered_ns=0, rows=(), instruments=(), fees=(), left_out={})
    listings.know(nothing, odd)

    answers = [each for each in reader.decode(0, mark(OTHER, CALL, PUT, "ETH-25SEP26-9000-C"), NOW_MS)
               if isinstance(each, Answer)]  # fmt: skip
    (answer,) = answers
    assert json.loads(answer.text)["params"]["channels"] == [f"ticker.{OTHER}.agg2", f"quote.{OTHER}"]
    assert reader.decode(0, mark(OTHER, CALL, PUT, ms=1_000), NOW_MS) == []

    assert say(reader, PUT, "open") == [f"quote.{PUT}"], "it was not open then, and is now"
    assert say(reader, CALL, "open") == []


def test_a_new_session_asks_for_what_was_added_too_and_not_for_what_has_expired() -> None:
    subscriptions = Subscriptions()
    subscriptions.add([f"quote.{PERPETUAL}", "quote.BTC-26JUN26-90000-C", "markprice.options.btc_usd"])
    subscriptions.add([f"quote.{OTHER}"])

    (text,) = subscriptions.requests(EXPIRY)
    channels = json.loads(text)["params"]["channels"]
    assert channels == [f"quote.{PERPETUAL}", "markprice.options.btc_usd", f"quote.{OTHER}"]


@pytest.mark.sockets
def test_an_option_that_the_sandbox_lists_later_is_quoted_without_a_restart() -> None:
    async def main(box: Sandbox, client: DeribitClient) -> None:
        market = box.deribit.market
        symbol = market.instruments("option")[0]["instrument_name"]
        listed = market.instruments

        def but_one(kind: str | None = None) -> list[dict[str, Any]]:
            return [each for each in listed(kind) if each["instrument_name"] != symbol]

        market.instruments = but_one  # type: ignore[method-assign]
        stream = client.stream(perpetuals=False)
        quoted: list[str] = []

        def enough(found: list[Event]) -> bool:
            event = found[-1]
            assert isinstance(event, OptionQuotes)
            if len(found) == 1:
                assert symbol not in event.symbols
            elif len(found) % 20 == 0:  # again and again: whoever is slow may not be listening to it yet
                market.instruments = listed  # type: ignore[method-assign]
                state = {"instrument_name": symbol, "timestamp": market.now_ns // 1_000_000, "state": "started"}
                market.emit("instrument.state", "option.BTC", state)
            quoted.extend(event.symbols[:1] if symbol in event.symbols else [])
            return bool(quoted)

        await heard(stream, enough)
        assert not [note for note in stream.report.notes if "subscribe" in note]

    run(main)


# --- settlements ----------------------------------------------------------------------------------------------------


def deliveries(*pairs: tuple[str, float]) -> dict[str, Any]:
    return {"data": [{"date": date, "delivery_price": price} for date, price in pairs], "records_total": 9}


def test_the_price_of_an_expiry_is_that_of_its_day_and_of_no_other(shared_data: Path) -> None:
    text = (shared_data / "wire" / "deribit" / "docs_get_delivery_prices.json").read_text(encoding="utf-8")
    document = json.loads(text)["result"]
    assert price_of(document, utc_ns(2019, 12, 20, 8)) == 7175.988445532345
    assert price_of(document, utc_ns(2019, 12, 22, 8)) is None


@pytest.mark.parametrize("document", [None, [], {"data": 7}, {"data": [{"date": "2026-06-26"}]}])
def test_what_are_no_delivery_prices_is_said(document: object) -> None:
    with pytest.raises(UnreachableError, match="no delivery prices"):
        price_of(document, EXPIRY)


def test_an_expiry_is_settled_once_when_the_venue_has_its_price_and_failures_are_asked_again() -> None:
    async def main() -> None:
        clock = FakeClock(EXPIRY - 60 * NS_PER_S)
        answers: list[Any] = [
            UnreachableError("Deribit does not answer"), deliveries(("2026-06-25", 1.0)),
            deliveries(("2026-06-26", 0.0)), deliveries(("2026-06-26", 91_000.5), ("2026-06-25", 1.0)),
        ]  # fmt: skip
        asked: list[str] = []

        async def ask(index: str) -> Any:
            asked.append(index)
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        told: list[Event] = []

        def tell(events: Sequence[Event]) -> None:
            told.extend(events)

        report = LiveReport(path="Deribit", kind="native", format="live")
        task = asyncio.ensure_future(Settlements({("BTC", EXPIRY): "btc_usd"}, ask, clock, report).run(tell))
        await clock.advance(59)
        assert asked == [], "it has not expired yet"
        await clock.advance(600)
        task.cancel()

        assert len(asked) == 4
        assert told == [
            Settlement(ts_event=EXPIRY, ts_init=told[0].ts_init, venue="deribit", family="BTC", expiry_ns=EXPIRY,
                       price=91_000.5)
        ]  # fmt: skip
        assert report.notes == ["a settlement was asked for in vain: Deribit does not answer"]

    asyncio.run(main())


def test_a_price_that_never_comes_is_given_up_and_told() -> None:
    async def main() -> None:
        clock = FakeClock(EXPIRY + 7 * 3_600 * NS_PER_S)
        report = LiveReport(path="Deribit", kind="native", format="live")

        async def ask(_index: str) -> Any:
            raise AssertionError

        settlements = Settlements({("BTC", EXPIRY): "btc_usd"}, ask, clock, report)
        await settlements.look(lambda _: None)
        await settlements.look(lambda _: None)
        assert report.notes == ["the settlement of Deribit's BTC at 2026-06-26 08:00 UTC was not to be had"]

    asyncio.run(main())
