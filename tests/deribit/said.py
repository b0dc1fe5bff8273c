"""What Deribit says, and what our adapter makes of it, without a socket."""

from __future__ import annotations

import json
from typing import Any

from aftershock.model.events import OPTION_COLUMNS, Event
from aftershock.model.table import InstrumentTable
from aftershock.venues.connection.packed import OptionRow
from aftershock.venues.deribit.adapter import DeribitAdapter
from aftershock.venues.tardis.live_report import LiveReport

MS = 1_000_000
NOW_MS = 1_780_000_000_000
CALL, PUT, OTHER = "BTC-26JUN26-90000-C", "BTC-26JUN26-90000-P", "BTC-25SEP26-90000-C"
PERPETUAL = "BTC-PERPETUAL"


def adapter() -> tuple[DeribitAdapter, LiveReport]:
    report = LiveReport(path="Deribit", kind="native", format="live")
    return DeribitAdapter(InstrumentTable(), report), report


def told(channel: str, data: object) -> str:
    """Return a notification."""
    params = {"channel": channel, "data": data}
    return json.dumps({"jsonrpc": "2.0", "method": "subscription", "params": params})


def quote(symbol: str, bid: float, ask: float, ms: int = 0) -> str:
    data = {"instrument_name": symbol, "timestamp": NOW_MS + ms, "best_bid_price": bid, "best_bid_amount": 1.0,
            "best_ask_price": ask, "best_ask_amount": 2.0}  # fmt: skip
    return told(f"quote.{symbol}", data)


def mark(*symbols: str, ms: int = 0, iv: float = 0.5) -> str:
    rows = [{"instrument_name": each, "timestamp": NOW_MS + ms, "mark_price": 0.05, "iv": iv} for each in symbols]
    return told("markprice.options.btc_usd", rows)


def ticker(symbol: str, bid: float, ask: float, ms: int = 0, **more: Any) -> str:
    data = {"instrument_name": symbol, "timestamp": NOW_MS + ms, "best_bid_price": bid, "best_bid_amount": 1.0,
            "best_ask_price": ask, "best_ask_amount": 2.0, "bid_iv": 49.0, "ask_iv": 51.0, "mark_iv": 50.0,
            "mark_price": 0.05, "underlying_price": 91_000.0, "underlying_index": "SYN.BTC-26JUN26"} | more  # fmt: skip
    return told(f"ticker.{symbol}.agg2", data)


def cells(event: object) -> dict[str, float]:
    """Return the values of an option's row by column."""
    assert isinstance(event, OptionRow)
    return dict(zip(OPTION_COLUMNS, event.values, strict=True))


def say(reader: DeribitAdapter, text: str, link: int = 0) -> list[Event]:
    """Return the events of a message that came at once."""
    return [each for each in reader.decode(link, text, NOW_MS * MS) if isinstance(each, Event)]
