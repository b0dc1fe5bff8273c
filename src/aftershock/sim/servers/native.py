"""Events as the venues themselves print them, for those whose own dialect the sandbox speaks: FTX and Deribit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from aftershock.model.events import DerivativeTicker, Event, Liquidation, OptionQuotes, Quote, Trade
from aftershock.model.liquidations import Liquidated
from aftershock.model.units import NS_PER_MS, NS_PER_S
from aftershock.sim.servers.stamps import iso_micro

__all__ = ["CHANNELS", "Native", "Natives"]

CHANNELS = {"ftx": ("trades", "ticker"), "deribit": ("trades", "ticker", "quote")}
"""Channels of each dialect."""
_DIALECTS = {"ftx": "ftx", "ftx-restart": "ftx", "deribit": "deribit"}


class Native(NamedTuple):
    """One message of a venue: what Tardis files it under, receive time, fields."""

    exchange: str
    channel: str
    symbol: str
    ts_init: int
    fields: dict[str, Any]

    def json(self) -> bytes:
        """Return it as the venue sent it."""
        return msgspec.json.encode(self.fields)


class Natives:
    """Turns events into native messages; a liquidation and the trade that it is are one message."""

    def __init__(self) -> None:
        self._flagged: dict[str, str] = {}

    def of(self, event: Event) -> Iterator[Native]:
        """Yield the messages of an event; none for venues of another dialect."""
        if isinstance(event, OptionQuotes):
            if event.stream.venue == "deribit":
                yield from _option_tickers(event)
        elif isinstance(event, Trade | Liquidation | Quote | DerivativeTicker) and event.venue in _DIALECTS:
            if isinstance(event, Liquidation):
                self._flagged[event.venue] = event.liquidation_id
            elif isinstance(event, Trade) and self._flagged.get(event.venue) == event.trade_id:
                return
            write = _ftx if _DIALECTS[event.venue] == "ftx" else _deribit
            yield from write(event)


def _ftx(event: Trade | Liquidation | Quote | DerivativeTicker) -> Iterator[Native]:
    if isinstance(event, Quote):
        data: Any = {
            "bid": event.bid,
            "ask": event.ask,
            "bidSize": event.bid_amount,
            "askSize": event.ask_amount,
            "last": event.bid,
            "time": event.ts_event / NS_PER_S,
        }
        channel = "ticker"
    elif isinstance(event, Trade | Liquidation):
        channel = "trades"
        data = [
            {
                "id": int(_id(event)),
                "price": event.price,
                "size": event.amount,
                "side": _side(event),
                "liquidation": isinstance(event, Liquidation),
                "time": f"{iso_micro(event.ts_event)[:-1]}+00:00",
            }
        ]
    else:
        return
    fields = {"channel": channel, "market": event.symbol, "type": "update", "data": data}
    yield Native(event.venue, channel, event.symbol, event.ts_init, fields)


def _deribit(event: Trade | Liquidation | Quote | DerivativeTicker) -> Iterator[Native]:
    data: Any = {"instrument_name": event.symbol, "timestamp": event.ts_event // NS_PER_MS}
    if isinstance(event, Quote):
        channel = "quote"
        data |= {
            "best_bid_price": event.bid,
            "best_bid_amount": event.bid_amount,
            "best_ask_price": event.ask,
            "best_ask_amount": event.ask_amount,
        }
    elif isinstance(event, DerivativeTicker):
        channel = "ticker"
        data |= {"state": "open", "stats": {}, "index_price": event.index_price}
    else:
        channel = "trades"
        one = {
            **data,
            "trade_seq": int(_id(event) or 0),
            "trade_id": _id(event),
            "tick_direction": 0,
            "price": event.price,
            "amount": event.amount,
            "direction": _side(event),
        }
        data = [one | ({"liquidation": "T"} if isinstance(event, Liquidation) else {})]
    yield _notification(channel, event.symbol, event.ts_init, data)


def _option_tickers(event: OptionQuotes) -> Iterator[Native]:
    columns = event.columns
    for row, symbol in enumerate(event.symbols):
        value = {name: float(column[row]) for name, column in columns.items()}
        data: dict[str, Any] = {
            "underlying_index": event.underlying_index[row],
            "timestamp": int(event.row_ts_event[row]) // NS_PER_MS,
            "state": "open",
            "stats": {},
            "instrument_name": symbol,
            "greeks": {},
            # Deribit prints 0 for a side without a price
            "best_bid_price": _present(value["bid"]) or 0.0,
            "best_bid_amount": _present(value["bid_amount"]) or 0.0,
            "best_ask_price": _present(value["ask"]) or 0.0,
            "best_ask_amount": _present(value["ask_amount"]) or 0.0,
        }
        if (underlying := _present(value["underlying_price"])) is not None:
            data["underlying_price"] = underlying
        yield _notification("ticker", symbol, int(event.row_ts_init[row]), data)


def _notification(channel: str, symbol: str, ts_init: int, data: object) -> Native:
    name = f"{channel}.{symbol}" if channel == "quote" else f"{channel}.{symbol}.raw"
    fields = {"jsonrpc": "2.0", "method": "subscription", "params": {"channel": name, "data": data}}
    return Native("deribit", channel, symbol, ts_init, fields)


def _id(event: Trade | Liquidation) -> str:
    return event.trade_id if isinstance(event, Trade) else event.liquidation_id


def _side(event: Trade | Liquidation) -> str:
    if isinstance(event, Trade):
        return event.side
    return "sell" if event.liquidated is Liquidated.LONG else "buy"


def _present(value: float) -> float | None:
    return value if value == value else None  # noqa: PLR0124  not NaN
