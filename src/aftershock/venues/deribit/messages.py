"""What Deribit sends over its WebSocket, as structs: unknown fields are left alone, absent numbers are None."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

__all__ = [
    "LATEST_MS",
    "BookData",
    "Frame",
    "Greeks",
    "IndexData",
    "InstrumentState",
    "MarkPrice",
    "Millis",
    "QuoteData",
    "RpcError",
    "TickerData",
    "TradeData",
    "decode_frame",
]


LATEST_MS = 4_102_444_800_000
"""2100-01-01: a later time is none of an instrument or a message here."""
Millis = Annotated[int, msgspec.Meta(ge=0, le=LATEST_MS)]


class RpcError(msgspec.Struct, frozen=True):
    """Why a request failed; 10028 is too many requests, after which the session is closed."""

    code: int
    message: str = ""
    data: Any = None


class _Params(msgspec.Struct, frozen=True):
    channel: str = ""
    type: str = ""
    data: msgspec.Raw = msgspec.Raw()


class Frame(msgspec.Struct, frozen=True):
    """One text message: a notification (`method`), or the answer to a request (`id`).

    Attributes:
        method: `subscription` or `heartbeat`; empty for an answer.
        params: Channel and data of a notification; `type` of a heartbeat, where `test_request` wants an answer.
        id: Of the request.
        result: Of an answer.
        error: Of an answer.
    """

    method: str = ""
    params: _Params = _Params()
    id: int | None = None
    result: msgspec.Raw = msgspec.Raw()
    error: RpcError | None = None


class Greeks(msgspec.Struct, frozen=True):
    """Of an option, USD; the venue's own units."""

    delta: float | None = None
    gamma: float | None = None
    vega: float | None = None
    theta: float | None = None
    rho: float | None = None


class QuoteData(msgspec.Struct, frozen=True):
    """Best bid and ask."""

    instrument_name: str
    timestamp: Millis
    best_bid_price: float | None = None
    best_bid_amount: float | None = None
    best_ask_price: float | None = None
    best_ask_amount: float | None = None


class TickerData(QuoteData, frozen=True):
    """State of an instrument. Volatilities are percent, prices of an inverse option coin."""

    last_price: float | None = None
    mark_price: float | None = None
    index_price: float | None = None
    open_interest: float | None = None
    current_funding: float | None = None
    bid_iv: float | None = None
    ask_iv: float | None = None
    mark_iv: float | None = None
    underlying_price: float | None = None
    underlying_index: str = ""
    greeks: Greeks | None = None
    state: str = "open"


class TradeData(msgspec.Struct, frozen=True):
    """A trade; `direction` is the taker's. `liquidation` says who was liquidated: T taker, M maker, MT both."""

    instrument_name: str
    timestamp: Millis
    trade_id: str
    price: float
    amount: float
    direction: str
    liquidation: str = ""


class BookData(msgspec.Struct, frozen=True):
    """Book levels as (new | change | delete, price, amount); without `prev_change_id` it is the whole book."""

    instrument_name: str
    timestamp: Millis
    change_id: int
    bids: list[tuple[str, float, float]]
    asks: list[tuple[str, float, float]]
    prev_change_id: int | None = None
    type: str = ""


class MarkPrice(msgspec.Struct, frozen=True):
    """One option of `markprice.options.<index>`: its volatility is a FRACTION here."""

    instrument_name: str
    timestamp: Millis
    mark_price: float | None = None
    iv: float | None = None


class InstrumentState(msgspec.Struct, frozen=True):
    """What became of an instrument, of `instrument.state.<kind>.<currency>`."""

    instrument_name: str
    timestamp: Millis
    state: str


class IndexData(msgspec.Struct, frozen=True):
    """An index."""

    index_name: str
    timestamp: Millis
    price: float


_FRAMES = msgspec.json.Decoder(Frame)


def decode_frame(text: str | bytes) -> Frame:
    """Decode one message.

    Raises:
        msgspec.MsgspecError: It is no JSON-RPC.
    """
    return _FRAMES.decode(text)
