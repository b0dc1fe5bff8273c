"""Candles of the simulated Backpack, out of its prints: seconds for an hour, minutes for a week."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from aftershock.model.units import NS_PER_S
from aftershock.sim.servers.backpack_stamps import second

__all__ = ["INTERVALS", "Candle", "Candles", "bounds"]

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_FIRST_MONDAY = 4 * _DAY
_MONTH = "1month"
_LENGTHS = {
    "1s": 1, "1m": _MINUTE, "3m": 3 * _MINUTE, "5m": 5 * _MINUTE, "15m": 15 * _MINUTE, "30m": 30 * _MINUTE,
    "1h": _HOUR, "2h": 2 * _HOUR, "4h": 4 * _HOUR, "6h": 6 * _HOUR, "8h": 8 * _HOUR, "12h": 12 * _HOUR, "1d": _DAY,
    "3d": 3 * _DAY, "1w": 7 * _DAY,
}  # fmt: skip
INTERVALS = (*_LENGTHS, _MONTH)
"""The venue's names; weeks begin on Monday, months on their first day."""
_KEPT = {1: _HOUR, _MINUTE: 7 * _DAY // _MINUTE}
"""How many candles are kept by their length in seconds."""


class Candle(msgspec.Struct):
    """What traded from `start_s` up to `end_s`, seconds UTC; volumes in coins or contracts, and in the quote asset."""

    start_s: int
    end_s: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = Decimal(0)
    quote_volume: Decimal = Decimal(0)
    trades: int = 0

    def join(self, later: Candle) -> None:
        """Take what came later."""
        self.high, self.low, self.close = max(self.high, later.high), min(self.low, later.low), later.close
        self.volume += later.volume
        self.quote_volume += later.quote_volume
        self.trades += later.trades

    def document(self, between: str) -> dict[str, str]:
        """Return it as the REST interface lists it; `between` stands between days and times."""
        start, end = (second(at_s * NS_PER_S, between) for at_s in (self.start_s, self.end_s))
        prices = {"open": str(self.open), "high": str(self.high), "low": str(self.low), "close": str(self.close)}
        volumes = {"volume": str(self.volume), "quoteVolume": str(self.quote_volume), "trades": str(self.trades)}
        return {"start": start, "end": end, **prices, **volumes}

    def update(self, *, closed: bool) -> dict[str, Any]:
        """Return it as the socket sends it, without the stamps of the message."""
        row = self.document("T")
        prices = {key: row[name] for key, name in (("o", "open"), ("c", "close"), ("h", "high"), ("l", "low"))}
        return {"t": row["start"], "T": row["end"], **prices, "v": row["volume"], "n": self.trades, "X": closed}


class Candles:
    """Of all markets."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, int], dict[int, Candle]] = {}

    def add(self, symbol: str, at_ns: int, price: Decimal, quantity: Decimal) -> None:
        """Take a print."""
        at_s = at_ns // NS_PER_S
        for length, most in _KEPT.items():
            rows = self._rows.setdefault((symbol, length), {})
            start_s = at_s - at_s % length
            printed = Candle(start_s, start_s + length, price, price, price, price, quantity, price * quantity, 1)
            if start_s in rows:
                rows[start_s].join(printed)
            else:
                rows[start_s] = printed
                while len(rows) > most:
                    del rows[next(iter(rows))]

    def between(self, symbol: str, interval: str, from_s: int, to_s: int) -> list[Candle]:
        """Return the candles that begin in a span, both ends included, oldest first; none where nothing traded."""
        found: dict[int, Candle] = {}
        rows = self._rows.get((symbol, 1 if interval == "1s" else _MINUTE), {})
        for row in sorted(rows.values(), key=lambda each: each.start_s):
            start_s, end_s = bounds(interval, row.start_s)
            if not from_s <= start_s <= to_s:
                continue
            if start_s in found:
                found[start_s].join(row)
            else:
                found[start_s] = msgspec.structs.replace(row, start_s=start_s, end_s=end_s)
        return list(found.values())

    def since(self, symbol: str, from_s: int) -> Candle | None:
        """Return all that traded since a minute as one candle; None if nothing did."""
        rows = self.between(symbol, "1m", from_s, 1 << 60)
        if not rows:
            return None
        first, *later = rows
        for each in later:
            first.join(each)
        return first


def bounds(interval: str, at_s: int) -> tuple[int, int]:
    """Return when the candle around a moment begins and ends, seconds UTC."""
    if interval == _MONTH:
        first = datetime.fromtimestamp(at_s, tz=UTC).replace(day=1, hour=0, minute=0, second=0)
        after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
        return int(first.timestamp()), int(after.timestamp())
    length = _LENGTHS[interval]
    offset_s = _FIRST_MONDAY if interval == "1w" else 0
    start_s = at_s - (at_s - offset_s) % length
    return start_s, start_s + length
