"""Messages with something wrong in them, as faults ask."""

from __future__ import annotations

from datetime import datetime, timedelta

from aftershock.sim.servers.faults import Faults
from aftershock.sim.servers.normalized import Message

__all__ = ["spoil"]

_OFF = timedelta(seconds=5)
_NEEDED = {"trade": "price", "liquidation": "amount", "option_summary": "strikePrice"}


def spoil(message: Message, faults: Faults) -> Message:
    """Return the message, or what a fault makes of it."""
    fields = message.fields
    ahead, behind = faults.on("clock-ahead"), faults.on("clock-behind")
    if ahead or behind:
        faults.strikes("clock-ahead" if ahead else "clock-behind")
        moment = datetime.fromisoformat(fields["timestamp"]) + (_OFF if ahead else -_OFF)
        fields = {**fields, "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"}
    if fields["type"] == "book_snapshot" and fields["bids"][0] and fields["asks"][0] and faults.strikes("crossed"):
        fields = {**fields, "bids": fields["asks"], "asks": fields["bids"]}
    if fields["type"] in _NEEDED and faults.strikes("absent-keys"):
        fields = {key: value for key, value in fields.items() if key != _NEEDED[fields["type"]]}
    if faults.strikes("unknown-instrument"):
        fields = {**fields, "symbol": "NEVER-LISTED"}
    if faults.strikes("control-characters"):
        fields = {**fields, "symbol": f"{fields['symbol']}\x00\x1b[31m\u202e"}
    return message if fields is message.fields else Message(message.exchange, str(fields["symbol"]), fields)
