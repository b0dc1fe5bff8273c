"""What the simulated Backpack sums up of its prints: tickers, and the streams of tickers and candles, each second."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from aftershock.model.units import NS_PER_S
from aftershock.sim.servers.backpack_candles import Candle, bounds
from aftershock.sim.servers.backpack_market import BackpackMarket
from aftershock.sim.servers.backpack_stamps import micros

__all__ = ["Summaries", "statistics"]

_SPANS_S = {"1d": 86_400, "1w": 7 * 86_400}
_CANDLE, _TICKER = "kline", "ticker"


def statistics(market: BackpackMarket, symbol: str, span: str = "1d") -> dict[str, str]:
    """Return a ticker of the REST interface over a `1d` or `1w` that rolls by the minute."""
    told = market.candles.since(symbol, market.now_ns // NS_PER_S - _SPANS_S[span])
    book = market.books.get(symbol)
    flat = (None if book is None else book.mid) or Decimal(0)
    row = told or Candle(0, 0, flat, flat, flat, flat)
    change = row.close - row.open
    return {
        "symbol": symbol,
        "firstPrice": str(row.open),
        "lastPrice": str(row.close),
        "priceChange": str(change),
        "priceChangePercent": f"{change / row.open if row.open else 0:.6f}",
        "high": str(row.high),
        "low": str(row.low),
        "volume": str(row.volume),
        "quoteVolume": str(row.quote_volume),
        "trades": str(row.trades),
    }


class Summaries:
    """What streams of tickers and candles are told each second."""

    def __init__(self, market: BackpackMarket) -> None:
        self._market = market
        self._told: dict[tuple[str, str], tuple[int, int, bool]] = {}

    def due(self, wanted: Iterable[tuple[str, str, str]]) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield kind, name behind it and data of what is to be sent now.

        Args:
            wanted: Kind, symbol and interval of every stream that somebody listens to.
        """
        for kind, symbol, interval in sorted(set(wanted)):
            if kind == _TICKER:
                yield kind, symbol, self._ticker(symbol)
            elif kind == _CANDLE:
                for data in self._candle(symbol, interval):
                    yield kind, f"{interval}.{symbol}", data

    def _stamps(self, kind: str, symbol: str) -> dict[str, Any]:
        return {"e": kind, "E": micros(self._market.now_ns), "s": symbol}

    def _ticker(self, symbol: str) -> dict[str, Any]:
        row = statistics(self._market, symbol)
        prices = {"o": row["firstPrice"], "c": row["lastPrice"], "h": row["high"], "l": row["low"]}
        volumes = {"v": row["volume"], "V": row["quoteVolume"], "n": int(row["trades"])}
        return self._stamps(_TICKER, symbol) | prices | volumes

    def _candle(self, symbol: str, interval: str) -> Iterator[dict[str, Any]]:
        """Yield the last word on a candle that ended, and the present one if anything traded since it was told."""
        now_s = self._market.now_ns // NS_PER_S
        key, start_s = (symbol, interval), bounds(interval, now_s)[0]
        told = self._told.get(key, (start_s, 0, False))
        for row in self._market.candles.between(symbol, interval, told[0], start_s):
            state = row.start_s, row.trades, row.end_s <= now_s
            if row.start_s > told[0] or state != told:
                yield self._stamps(_CANDLE, symbol) | row.update(closed=state[2])
                self._told[key] = state
        self._told[key] = max(self._told.get(key, told), (start_s, 0, False))
