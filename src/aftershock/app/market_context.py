"""The liquidations of the last 30 seconds by symbol, and the figures of them under the names that the article has."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from itertools import pairwise
from typing import Any

from aftershock.model.events import Liquidation
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NAN, NS_PER_S

__all__ = ["WINDOW_S", "MarketContext"]

WINDOW_S = 30
_MOST = 10_000
"""Liquidations kept of one symbol: more within half a minute would be counted and not described."""


class MarketContext:
    """Keeps what was liquidated lately.

    Attributes:
        buffer: By symbol, oldest first: dicts of `market`, `price`, `size` (the venue's own unit), `coins`, `side` (of
            the forced order) and `timestamp` (our clock, seconds since 1970).
    """

    def __init__(self, table: InstrumentTable) -> None:
        """Take the instruments: they say what a size is in coins."""
        self._table = table
        self.buffer: defaultdict[str, deque[dict[str, Any]]] = defaultdict(lambda: deque(maxlen=_MOST))

    def add(self, event: Liquidation) -> None:
        """Take a liquidation."""
        instrument = self._table.resolve(event.venue, event.symbol)
        kept = self.buffer[event.symbol]
        kept.append(
            {
                "market": event.venue,
                "price": event.price,
                "size": event.amount,
                "side": {"long": "sell", "short": "buy"}.get(event.liquidated.value, "unknown"),
                "timestamp": event.ts_init / NS_PER_S,
                "coins": NAN if instrument is None else instrument.coins(event.amount, event.price),
                "is_market_price": event.price_kind.is_market_price,
            }
        )
        _forget(kept, event.ts_init)

    def describe(self, symbol: str, now: int) -> dict[str, Any]:
        """Return the figures of a symbol; what can't be known is None.

        `price_volatility_30s` is realised volatility, the root of the sum of squared log returns from print to print;
        `price_momentum` the last price over the first, less one. Both are fractions, of the market that printed last,
        and rest only on prices that are fills: bankruptcy and order prices are no market. `cumulative_volume_30s` is
        coins, `liquidation_count_30s` prints, `current_price` that of the last one.

        Args:
            symbol: As the venue names it.
            now: Our clock, ns UTC.
        """
        kept = self.buffer.get(symbol)
        if kept is not None:
            _forget(kept, now)
        if not kept:
            return {"symbol": symbol, "no_historical_data": True}
        last = kept[-1]
        prices = [each["price"] for each in kept if each["is_market_price"] and each["market"] == last["market"]]
        returns = [math.log(after / before) for before, after in pairwise(prices)]
        coins = math.fsum(each["coins"] for each in kept)
        return {
            "symbol": symbol,
            "current_price": last["price"],
            "price_volatility_30s": math.sqrt(math.fsum(r * r for r in returns)) if returns else None,
            "cumulative_volume_30s": coins if math.isfinite(coins) else None,
            "liquidation_count_30s": len(kept),
            "price_momentum": prices[-1] / prices[0] - 1.0 if returns else None,
        }


def _forget(kept: deque[dict[str, Any]], now: int) -> None:
    oldest = now / NS_PER_S - WINDOW_S
    while kept and kept[0]["timestamp"] <= oldest:
        kept.popleft()
