"""What is listed: each row for itself, each type for itself; what is odd is kept, counted, and not traded."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from aftershock.errors import UsageError
from aftershock.venues.backpack.client import BackpackOptionsClient
from aftershock.venues.backpack.markets import MarketType, read_markets, typed_option
from aftershock.venues.backpack.refusals import BackpackError
from tests.backpack.toy import PERP, Toy, refused, run

FILTERS: dict[str, Any] = {"price": {"tickSize": "0.1"}, "quantity": {"stepSize": "0.001"}}
MARKET: dict[str, Any] = {
    "symbol": PERP, "baseSymbol": "BTC", "quoteSymbol": "USDC", "marketType": "PERP", "orderBookState": "Open",
    "visible": True, "filters": FILTERS,
}  # fmt: skip
OPTION: dict[str, Any] = MARKET | {
    "symbol": "X1", "marketType": "OPTION", "strikePrice": "90000", "expiry": "2026-12-25T08:00:00Z",
    "optionType": "Call", "contractMultiplier": "0.01", "settlementAsset": "USDC",
}  # fmt: skip


@pytest.mark.parametrize(
    ("state", "tradable"),
    [("Open", True), ("LimitOnly", True), ("PostOnly", False), ("CancelOnly", False), ("Closed", False), (None, False)],
)
def test_a_book_is_tradable_if_an_order_can_take_from_it(state: str | None, tradable: bool) -> None:
    (market,), _ = read_markets([MARKET | {"orderBookState": state}])
    assert market.tradable is tradable


@pytest.mark.parametrize(
    "change",
    [
        {"strikePrice": "Infinity"}, {"strikePrice": "nan"}, {"strikePrice": "1e999"}, {"strikePrice": "-1"},
        {"contractMultiplier": "inf"}, {"contractMultiplier": "0"}, {"expiry": "1960-01-01T00:00:00"},
        {"expiry": "soon"}, {"expiry": None}, {"optionType": None},
    ],
)  # fmt: skip
def test_terms_that_can_be_none_make_no_option(change: dict[str, Any]) -> None:
    (market,), broken = read_markets([OPTION | change])
    assert typed_option(market) is None
    assert not market.tradable
    assert broken == 0


@pytest.mark.parametrize(
    "change",
    [
        {"filters": None}, {"filters": {"price": None, "quantity": None}}, {"filters": {}},
        {"filters": {"price": {"tickSize": None}, "quantity": {"stepSize": "1"}}},
        {"filters": {"price": {"tickSize": "inf"}, "quantity": {"stepSize": "1"}}},
        {"filters": {"price": {"tickSize": "0"}, "quantity": {"stepSize": "1"}}}, {"visible": None},
    ],
)  # fmt: skip
def test_a_null_makes_no_row_unreadable_but_steps_that_are_not_known_make_it_not_tradable(
    change: dict[str, Any],
) -> None:
    (market,), broken = read_markets([MARKET | change])
    assert (market.symbol, market.type, market.tradable) == (PERP, MarketType.PERP, False)
    assert broken == 0


@pytest.mark.parametrize(
    "change", [{"filters": 7}, {"baseSymbol": None}, {"visible": "yes"}, {"strikePrice": 90_000}, {"marketType": 3}]
)
def test_an_odd_row_is_kept_counted_and_not_traded_and_the_others_are_read(change: dict[str, Any]) -> None:
    (odd, whole), broken = read_markets([MARKET | change, MARKET | {"symbol": "ETH_USDC_PERP"}])
    assert (odd.symbol, odd.tradable) == (PERP, False)
    assert whole.tradable
    assert broken == 1


@given(row=st.dictionaries(st.sampled_from(sorted(OPTION)), st.none() | st.text(max_size=5) | st.integers()))
def test_no_row_raises(row: dict[str, Any]) -> None:
    found, broken = read_markets([row, MARKET])
    assert broken <= 1
    assert found[-1].tradable


class Listing(Toy):
    """Lists markets by type; refuses some types."""

    def __init__(self, rows: list[dict[str, Any]], statuses: dict[str, int]) -> None:
        super().__init__()
        self.rows, self.statuses = rows, statuses

    async def serve(self, request: web.Request) -> web.StreamResponse:
        kind = request.query.get("marketType", "")
        if request.path == "/api/v1/markets":
            if kind in self.statuses:
                return refused(self.statuses[kind], "NO", f"no {kind}")
            return web.json_response([row for row in self.rows if row["marketType"] == kind])
        if request.path == "/api/v1/tickers":
            return refused(404, "NO")
        if request.path == "/api/v1/depth":
            return web.json_response({"bids": [], "asks": [], "lastUpdateId": "1", "timestamp": 1})
        return web.json_response([])


NO_OPTIONS = {"OPTION": 400, "OPTIONS": 400}


@pytest.mark.sockets
@pytest.mark.parametrize("status", [401, 403, 404, 422, 451, 500])
def test_a_type_that_is_refused_stops_the_listing_of_no_other(status: int) -> None:
    toy = Listing([MARKET], {"PREDICTION": status, "OPTIONS": status, "OPTION": 400})

    async def main(client: BackpackOptionsClient) -> None:
        found = await client.capabilities()
        assert found.markets == {"PERP": 1}
        assert f"marketType=PREDICTION answered with HTTP {status}" in found.text()
        assert "tickers answered with HTTP 404" in found.text()
        assert [each.symbol for each in await client.instruments("BTC")] == [PERP]

    run(toy, main)


@pytest.mark.sockets
def test_a_type_that_matters_and_is_not_answered_is_never_taken_for_empty() -> None:
    async def perps(client: BackpackOptionsClient) -> None:
        with pytest.raises(BackpackError, match="no PERP"):
            await client.instruments("BTC")

    async def options(client: BackpackOptionsClient) -> None:
        with pytest.raises(BackpackError, match="no OPTION"):
            await client.get_options_chain("BTC")

    run(Listing([MARKET], {"PERP": 500, **NO_OPTIONS}), perps)
    run(Listing([MARKET], {"OPTION": 503, "OPTIONS": 400}), options)


@pytest.mark.sockets
def test_a_coin_is_found_by_typed_fields_and_never_by_parts_of_a_name() -> None:
    rows = [MARKET, MARKET | {"symbol": "BTC_OLD", "baseSymbol": "WBTC"}, OPTION]

    async def main(client: BackpackOptionsClient) -> None:
        for named in ("BTC", "btc", PERP, f"{PERP}.backpack", "BTC-PERP", "X1"):
            assert (await client.get_options_chain(named)).underlying == "BTC"
        for named, coin in (("BTC_OLD", "WBTC"), ("DOGE", "DOGE")):
            with pytest.raises(UsageError, match=f"lists no options of {coin}:"):
                await client.get_options_chain(named)
        for named in ("BTC_USDC_261225", "BTC-FOO", "", "\x1b[31m"):
            with pytest.raises(UsageError, match="no coin or market is called") as raised:
                await client.get_options_chain(named)
            assert "\x1b" not in str(raised.value)

    run(Listing(rows, {"OPTIONS": 400}), main)
