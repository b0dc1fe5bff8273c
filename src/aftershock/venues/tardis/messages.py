"""Normalized messages of tardis-machine, one JSON text each, as structs: absent numbers are NaN, absent texts empty."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import msgspec

from aftershock.model.units import NAN
from aftershock.venues.tardis.report import Broken

__all__ = [
    "EXPECTABLE",
    "BookMessage",
    "BrokenMessageError",
    "DisconnectMessage",
    "ErrorMessage",
    "FailureMessage",
    "LiquidationMessage",
    "Message",
    "OptionMessage",
    "TickerMessage",
    "TopMessage",
    "TradeMessage",
    "UnusedMessage",
    "decode",
    "types_in",
]

EXPECTABLE = {
    "liquidations": frozenset({"liquidation"}),
    "trades": frozenset({"trade"}),
    "options": frozenset({"option_summary"}),
    "options_chain": frozenset({"option_summary"}),
    "quotes": frozenset({"book_ticker", "book_snapshot"}),
    "book_ticker": frozenset({"book_ticker"}),
    "derivative_ticker": frozenset({"derivative_ticker"}),
    "book_snapshot": frozenset({"book_snapshot"}),
}
"""Types of messages that a file must have if the user says what it is."""


class _Normalized(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", rename="camel"):
    exchange: str
    local_timestamp: str


class _Data(_Normalized, frozen=True, kw_only=True):
    symbol: str
    timestamp: str


class TradeMessage(_Data, frozen=True, kw_only=True, tag="trade"):
    """A trade; `side` is the taker's."""

    price: float
    amount: float
    side: str
    id: str = ""


class LiquidationMessage(_Data, frozen=True, kw_only=True, tag="liquidation"):
    """A liquidation; `side` is that of the forced order."""

    price: float
    amount: float
    side: str
    id: str = ""


class OptionMessage(_Data, frozen=True, kw_only=True, tag="option_summary"):
    """State of one option."""

    option_type: str
    strike_price: float
    expiration_date: str
    best_bid_price: float = NAN
    best_bid_amount: float = NAN
    best_bid_iv: float = msgspec.field(default=NAN, name="bestBidIV")
    best_ask_price: float = NAN
    best_ask_amount: float = NAN
    best_ask_iv: float = msgspec.field(default=NAN, name="bestAskIV")
    last_price: float = NAN
    open_interest: float = NAN
    mark_price: float = NAN
    mark_iv: float = msgspec.field(default=NAN, name="markIV")
    delta: float = NAN
    gamma: float = NAN
    vega: float = NAN
    theta: float = NAN
    rho: float = NAN
    underlying_price: float = NAN
    underlying_index: str = ""


class TickerMessage(_Data, frozen=True, kw_only=True, tag="derivative_ticker"):
    """What changed of a perpetual or future."""

    last_price: float = NAN
    open_interest: float = NAN
    funding_rate: float = NAN
    funding_timestamp: str = ""
    predicted_funding_rate: float = NAN
    index_price: float = NAN
    mark_price: float = NAN


class TopMessage(_Data, frozen=True, kw_only=True, tag="book_ticker"):
    """Best bid and ask as the venue prints them."""

    ask_amount: float = NAN
    ask_price: float = NAN
    bid_price: float = NAN
    bid_amount: float = NAN


class _Level(msgspec.Struct, frozen=True):
    price: float = NAN
    amount: float = NAN


class BookMessage(_Data, frozen=True, kw_only=True, tag="book_snapshot"):
    """Top of a reconstructed book; a request for quotes is answered with this, named `quote`."""

    name: str = ""
    bids: list[_Level] = []
    asks: list[_Level] = []


class DisconnectMessage(_Normalized, frozen=True, kw_only=True, tag="disconnect"):
    """The recorder lost the venue; the time is that of the last message before."""

    symbols: list[str] = []


class ErrorMessage(_Normalized, frozen=True, kw_only=True, tag="error"):
    """The recorder could not reach the venue."""

    details: str = ""


class UnusedMessage(msgspec.Struct, frozen=True):
    """A message of a type that is of no use here; its times and exchange are empty if it has none."""

    type: str
    exchange: str = ""
    local_timestamp: str = ""


class FailureMessage(msgspec.Struct, frozen=True):
    """What tardis-machine writes last if the answer breaks off: `message` says why."""

    message: str


Message: TypeAlias = (
    TradeMessage
    | LiquidationMessage
    | OptionMessage
    | TickerMessage
    | TopMessage
    | BookMessage
    | DisconnectMessage
    | ErrorMessage
)

_DECODER: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)
_USED = frozenset().union(*EXPECTABLE.values()) | {"disconnect", "error"}


class BrokenMessageError(Exception):
    """A line is no message; `reason` says how."""

    def __init__(self, reason: Broken) -> None:
        """Take the reason to count."""
        super().__init__(reason.value)
        self.reason = reason


def decode(line: str) -> Message | UnusedMessage | FailureMessage:
    """Decode one line.

    Raises:
        BrokenMessageError: It is no JSON, or a message that lacks a field or has one of the wrong type.
    """
    try:
        return _DECODER.decode(line)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        pass
    fields = _object(line)
    name = fields.get("type")
    if isinstance(name, str) and name not in _USED:
        exchange, local = fields.get("exchange"), fields.get("localTimestamp")
        return UnusedMessage(
            name, exchange if isinstance(exchange, str) else "", local if isinstance(local, str) else ""
        )
    if name is None and "message" in fields and ("url" in fields or "responseText" in fields):
        return FailureMessage(str(fields["message"]))
    raise BrokenMessageError(Broken.FIELD)


def _object(line: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.ValidationError as error:
        raise BrokenMessageError(Broken.FIELD) from error
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise BrokenMessageError(Broken.JSON) from error


def types_in(lines: Iterable[str]) -> set[str]:
    """Return the types of the messages in some lines.

    `native` stands for a venue's own message as `/replay` wraps it, `failure` for the machine's error answer, `truth`
    for what a simulation says about itself.
    """
    types = set()
    for line in lines:
        try:
            fields = _object(line)
        except BrokenMessageError:
            continue
        name = fields.get("type")
        if "SYNTHETIC" in fields:
            types.add("truth")
        elif isinstance(name, str) and ("exchange" in fields or name in _USED):
            types.add(name)
        elif "localTimestamp" in fields and "message" in fields:
            types.add("native")
        elif "message" in fields and ("url" in fields or "responseText" in fields):
            types.add("failure")
    return types
