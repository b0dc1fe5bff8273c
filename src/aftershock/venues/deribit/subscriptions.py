"""What a stream of Deribit asks for, and what the venue's answers say became of it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from aftershock.model.events import StreamId
from aftershock.model.symbols import parse_symbol
from aftershock.venues.connection.text import printable
from aftershock.venues.connection.venue_plan import Confirmed, Withheld
from aftershock.venues.deribit.messages import Frame
from aftershock.venues.deribit.rows import VENUE

__all__ = ["Subscriptions", "request"]

_CHANNELS_A_MESSAGE = 200
_FIRST = 100
"""Numbers below are of requests that subscribe to nothing."""
_NAMED = 5


def request(method: str, number: int, **params: object) -> str:
    """Return a request of JSON-RPC."""
    return msgspec.json.encode({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).decode()


class Subscriptions:
    """Channels by the number of the request that asks for them.

    A channel stands once the answer to its request names it: Deribit leaves out what it does not know, without a word.
    """

    def __init__(self) -> None:
        self._channels: list[str] = []
        self._asked: dict[int, tuple[str, ...]] = {}
        self._next = _FIRST

    def add(self, channels: Sequence[str]) -> list[str]:
        """Take more channels; return the requests for them."""
        self._channels += channels
        return self._requests(channels)

    def requests(self, now_ns: int = 0) -> list[str]:
        """Return the requests for all channels, of a session that has none; what has expired by then is forgotten."""
        self._asked.clear()
        self._channels = [each for each in self._channels if not _expired(each, now_ns)]
        return self._requests(self._channels)

    def _requests(self, channels: Sequence[str]) -> list[str]:
        found = []
        for i in range(0, len(channels), _CHANNELS_A_MESSAGE):
            chunk = self._asked[self._next] = tuple(channels[i : i + _CHANNELS_A_MESSAGE])
            found.append(request("public/subscribe", self._next, channels=chunk))
            self._next += 1
        return found

    def answered(self, frame: Frame) -> tuple[list[Confirmed | Withheld], str]:
        """Return what the answer to one of these requests says of streams that may be quiet, and a note on the rest."""
        channels = self._asked.get(-1 if frame.id is None else frame.id, ())
        if not channels:
            return [], ""
        standing = _standing(frame)
        missing = [each for each in channels if each not in standing]
        found: list[Confirmed | Withheld] = [Confirmed(_quiet([each for each in channels if each in standing]))]
        if not missing:
            return found, ""
        why = "" if frame.error is None else f" ({frame.error.code} {printable(frame.error.message)})"
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        named = ", ".join(map(printable, missing[:_NAMED]))
        found.append(Withheld(_quiet(missing), f"the venue does not subscribe this{why}"))
        return found, f"Deribit does not subscribe {named}{more}{why}"


def _expired(channel: str, now_ns: int) -> bool:
    parsed = parse_symbol(VENUE, [*channel.split("."), ""][1].upper())
    return parsed is not None and parsed.expiry_ns is not None and parsed.expiry_ns <= now_ns


def _standing(frame: Frame) -> frozenset[str]:
    try:
        return frozenset() if frame.error is not None else frozenset(msgspec.json.decode(frame.result, type=list[str]))
    except msgspec.MsgspecError:
        return frozenset()


def _quiet(channels: Sequence[str]) -> tuple[StreamId, ...]:
    """Return the streams of channels that may be quiet: prints, and the liquidations among them."""
    symbols = [each.split(".")[1].upper() for each in channels if each.startswith("trades.")]
    return tuple(StreamId(VENUE, kind, symbol) for symbol in symbols for kind in ("trades", "liquidations"))
