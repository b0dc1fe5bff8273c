"""What a normalizer printed, beside what our client made of it: the same facts, spelled without our codec."""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import Any

from aftershock.model.events import Event, Liquidation, OptionQuotes, Trade
from aftershock.model.liquidations import Liquidated

FIELDS = {
    "bestBidPrice": "bid",
    "bestBidAmount": "bid_amount",
    "bestBidIV": "bid_iv",
    "bestAskPrice": "ask",
    "bestAskAmount": "ask_amount",
    "bestAskIV": "ask_iv",
    "lastPrice": "last_price",
    "openInterest": "open_interest",
    "markPrice": "mark_price",
    "markIV": "mark_iv",
    "delta": "delta",
    "gamma": "gamma",
    "vega": "vega",
    "theta": "theta",
    "rho": "rho",
    "underlyingPrice": "underlying_price",
}
WHOSE = {Liquidated.LONG: "sell", Liquidated.SHORT: "buy", Liquidated.UNKNOWN: "unknown"}
Fact = tuple[Any, ...]


def nanoseconds(text: str) -> int:
    """Return ns UTC of an ISO time; the normalizers print no more than microseconds."""
    moment = datetime.fromisoformat(text)
    return int(moment.timestamp()) * 10**9 + moment.microsecond * 1_000


def fact_of_line(line: str) -> Fact:
    """Return what a printed message says, its receive time apart."""
    said = json.loads(line)
    head = (said["type"], said["exchange"], said["symbol"], nanoseconds(said["timestamp"]))
    if said["type"] != "option_summary":
        return (*head, said.get("id", ""), said["side"], float(said["price"]), float(said["amount"]))
    per_fraction = 100.0 if said["exchange"] == "deribit" else 1.0
    scales = {name: per_fraction if name.endswith("IV") else 1.0 for name in FIELDS}
    cells = tuple(float(said[name]) / scale if name in said else None for name, scale in scales.items())
    return (*head, said["underlyingIndex"], *cells)


def facts_of_event(event: Event) -> list[Fact]:
    """Return what an event says, one fact for each message that it was made of."""
    if isinstance(event, Trade):
        return [("trade", event.venue, event.symbol, event.ts_event, event.trade_id, event.side, event.price,
                 event.amount)]  # fmt: skip
    if isinstance(event, Liquidation):
        return [("liquidation", event.venue, event.symbol, event.ts_event, event.liquidation_id,
                 WHOSE[event.liquidated], event.price, event.amount)]  # fmt: skip
    if isinstance(event, OptionQuotes):
        return [
            ("option_summary", event.stream.venue, symbol, int(event.row_ts_event[row]), event.underlying_index[row],
             *(_present(float(event.columns[column][row])) for column in FIELDS.values()))
            for row, symbol in enumerate(event.symbols)
        ]  # fmt: skip
    return []


def _present(value: float) -> float | None:
    return None if math.isnan(value) else value
