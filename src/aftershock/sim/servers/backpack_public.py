"""What anybody may ask the simulated Backpack: markets, books, prints, candles, marks, predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from aftershock.model.units import NS_PER_MS, NS_PER_S
from aftershock.sim.servers.backpack_candles import INTERVALS
from aftershock.sim.servers.backpack_errors import ApiError
from aftershock.sim.servers.backpack_listing import OPTION, PERP, TYPES, prediction_events
from aftershock.sim.servers.backpack_market import BackpackMarket
from aftershock.sim.servers.backpack_params import choice, flag, number, page
from aftershock.sim.servers.backpack_stamps import micros, second
from aftershock.sim.servers.backpack_ticker import statistics
from aftershock.sim.servers.faults import Faults

__all__ = ["PublicAnswers"]

_DEPTHS = ("5", "10", "20", "50", "100", "500", "1000")
_PRICES, _SPANS = ("Last", "Index", "Mark"), ("1d", "1w")
_HOUR_NS = 3_600 * NS_PER_S


class PublicAnswers:
    """Answers that need no signature."""

    def __init__(self, market: BackpackMarket, faults: Faults, *, options: bool) -> None:
        self._market, self._faults = market, faults
        self._types = (*TYPES, OPTION) if options else TYPES

    def routes(self) -> dict[str, Callable[[web.Request], Any]]:
        """Return what answers, by the path below `/api/v1/`."""
        return {
            "markets": self._markets,
            "market": self._listed,
            "depth": self._depth,
            "ticker": self._ticker,
            "tickers": self._tickers,
            "trades": self._trades,
            "trades/history": self._trades,
            "klines": self._klines,
            "markPrices": self._mark_prices,
            "openInterest": self._open_interest,
            "fundingRates": self._funding_rates,
            "prediction": self._predictions,
            "prediction/tags": lambda _: [{"slug": "crypto", "title": "Crypto"}],
            "assets": lambda _: [],
            "securities": lambda _: [],
            "market-sessions": lambda _: [],
            "collateral": lambda _: [],
            "status": lambda _: {"status": "Ok", "message": None},
        }

    def _documents(self) -> list[dict[str, Any]]:
        found = self._market.documents()
        if self._faults.strikes("backpack-new-type"):
            found.append({**found[0], "symbol": "BTC_USDC_SWAPTION", "marketType": "SWAPTION"})
        if self._faults.strikes("backpack-new-state"):
            found = [{**each, "orderBookState": "Auction"} if each["symbol"] == PERP else each for each in found]
        if self._faults.strikes("backpack-nulls"):
            found = [{**each, "baseSymbol": None} if each["marketType"] == OPTION else each for each in found]
        if self._faults.strikes("backpack-wrong-types"):
            found = [{**each, "filters": {"price": {"tickSize": 0.1}, "quantity": 7}} for each in found]
        return found

    def _markets(self, request: web.Request) -> Any:  # noqa: ANN401 - a document
        wanted = request.query.getall("marketType", ["SPOT", "PERP"])
        for each in wanted:
            choice({"marketType": each}, "marketType", self._types)
        return [each for each in self._documents() if each["marketType"] in {*wanted, "SWAPTION"}]

    def _listed(self, request: web.Request) -> dict[str, Any]:
        return self._market.listed(request.query.get("symbol"))

    def _depth(self, request: web.Request) -> Any:  # noqa: ANN401 - a document
        symbol, limit = self._listed(request)["symbol"], choice(request.query, "limit", _DEPTHS, "1000")
        book = self._market.books.get(symbol)
        last = 0 if book is None else book.last
        if self._faults.strikes("backpack-old-snapshot"):
            last -= 1_000
        bids, asks = ([], []) if book is None else book.levels(int(limit or "1000"))
        return {"asks": asks, "bids": bids, "lastUpdateId": str(last), "timestamp": micros(self._market.now_ns)}

    def _tickers(self, request: web.Request) -> Any:  # noqa: ANN401 - a document
        choice(request.query, "interval", _SPANS)
        return [statistics(self._market, symbol, request.query.get("interval", "1d")) for symbol in self._market.books]

    def _ticker(self, request: web.Request) -> Any:  # noqa: ANN401 - a document
        choice(request.query, "interval", _SPANS)
        return statistics(self._market, self._listed(request)["symbol"], request.query.get("interval", "1d"))

    def _trades(self, request: web.Request) -> Any:  # noqa: ANN401 - a document
        latest = [*self._market.trades.get(self._listed(request)["symbol"], ())][::-1]
        return page(latest, request.query)

    def _klines(self, request: web.Request) -> Any:  # noqa: ANN401 - a document
        symbol, interval = self._listed(request)["symbol"], choice(request.query, "interval", INTERVALS)
        start_s = number(request.query, "startTime")
        end_s = number(request.query, "endTime", self._market.now_ns // NS_PER_S)
        if interval is None or start_s is None or end_s is None:
            raise ApiError("INVALID_CLIENT_REQUEST", "failed to parse parameter: Expect `interval` and `startTime`")
        if choice(request.query, "priceType", _PRICES) not in (None, "Last"):
            raise ApiError("NOT_IMPLEMENTED", "The sandbox has candles of last prices only")
        return [each.document(" ") for each in self._market.candles.between(symbol, interval, start_s, end_s)]

    def _mark_prices(self, request: web.Request) -> Any:  # noqa: ANN401 - a document
        kind, wanted = choice(request.query, "marketType", self._types), request.query.get("symbol")
        types = {each["symbol"]: each["marketType"] for each in self._market.documents()}
        names = [
            symbol
            for symbol in self._market.marks
            if types.get(symbol) not in (None, "SPOT")
            and (kind is None or types[symbol] == kind)
            and wanted in (None, symbol)
        ]
        found = []
        for symbol in names:
            mark = self._market.mark(symbol)
            row: dict[str, Any] = {"symbol": symbol, "markPrice": mark["p"]}
            if "i" in mark:
                row |= {"indexPrice": mark["i"], "fundingRate": mark["f"], "nextFundingTimestamp": mark["n"]}
            if "underlyingPrice" in mark:
                row["underlyingPrice"] = mark["underlyingPrice"]
            found.append(row)
        return found

    def _open_interest(self, request: web.Request) -> Any:  # noqa: ANN401 - a document
        wanted = request.query.get("symbol")
        now = self._market.now_ns // NS_PER_MS
        return [
            {"symbol": each["symbol"], "openInterest": "10", "timestamp": now}
            for each in self._market.documents()
            if each["marketType"] != "SPOT" and wanted in (None, each["symbol"])
        ]

    def _funding_rates(self, request: web.Request) -> Any:  # noqa: ANN401 - a document
        """Return the rates of the hours that ended since the market was first quoted, the latest first."""
        symbol, began_ns = self._listed(request)["symbol"], self._market.began_ns
        ended = range(self._market.now_ns // _HOUR_NS, (began_ns or self._market.now_ns) // _HOUR_NS, -1)
        rows = [
            {
                "symbol": symbol,
                "intervalEndTimestamp": second(hour * _HOUR_NS),
                "fundingRate": self._market.funding_rate,
            }
            for hour in ended
        ]
        return page(rows if symbol == PERP else [], request.query)

    def _predictions(self, request: web.Request) -> Any:  # noqa: ANN401 - a document
        asked, resolved = request.query, flag(request.query, "resolved")
        found = [
            event
            for event in prediction_events(self._market.now_ns, self._market.opening())
            if asked.get("symbol") in (None, *(each["marketSymbol"] for each in event["predictionMarkets"]))
            and asked.get("tagSlug") in (None, *(each["slug"] for each in event["tags"]))
            and asked.get("eventSlug") in (None, event["slug"])
            and asked.get("seriesSlug") in (None, *(each["slug"] for each in event["series"]))
            and resolved in (None, event["resolved"])
        ]
        return page(found, asked)
