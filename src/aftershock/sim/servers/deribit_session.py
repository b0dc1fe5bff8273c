"""One session of Deribit: what it subscribed to, what it may still ask, and whether somebody is there."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from aiohttp import web

from aftershock.model.units import NS_PER_MS
from aftershock.sim.servers.deribit_market import INDEX, PERPETUAL, DeribitMarket
from aftershock.sim.servers.deribit_rpc import RpcError
from aftershock.sim.servers.faults import Faults
from aftershock.sim.servers.outbox import Outbox

__all__ = ["Session"]

_CREDITS, _REFILL_PER_S = 50_000.0, 10_000.0
_OF_AN_INSTRUMENT = ("ticker", "incremental_ticker", "quote", "trades", "book")
_OF_ALL = {"markprice.options": INDEX, "deribit_price_index": INDEX, "instrument.state": "option.BTC"}
_LONGEST_HEARTBEAT_S, _SHORTEST_HEARTBEAT_S = 3_600, 10
_AFTER = 20


def _kind_and_symbol(name: str) -> tuple[str, str]:
    """Return what a channel is of: an instrument, an index, or a kind and a currency."""
    first, second, *rest = [*name.split("."), "", ""]
    if first in ("markprice", "instrument"):
        return f"{first}.{second}", ".".join(each for each in rest if each)
    return first, second


class Session:
    """One session.

    Attributes:
        authorized: Whether it proved who it is.
        outbox: What waits for it.
    """

    def __init__(self, market: DeribitMarket, faults: Faults, *, raw: bool, heartbeat_scale: float) -> None:
        """Take the market, what goes wrong, whether raw channels need no key, and the share of time heartbeats take."""
        self.authorized, self.outbox = False, Outbox[str]()
        self._market, self._faults, self._raw, self._scale = market, faults, raw, heartbeat_scale
        self._channels: dict[tuple[str, str], list[str]] = {}
        self._credits, self._at = _CREDITS, time.monotonic()
        self._every_s, self._tested, self._wake = 0.0, True, asyncio.Event()
        self._changes = 0

    def pay(self, cost: float) -> bool:
        """Take credits; False if there are not enough."""
        now = time.monotonic()
        self._credits = min(_CREDITS, self._credits + (now - self._at) * _REFILL_PER_S)
        self._at = now
        self._credits -= cost
        return self._credits >= 0

    def control(self, method: str, params: dict[str, Any]) -> Any:  # noqa: ANN401 - a document
        """Do what only a session can do.

        Raises:
            RpcError: There is no such method, or it is asked for wrongly.
        """
        if method in ("public/subscribe", "private/subscribe"):
            return self._subscribe(params.get("channels"))
        if method in ("public/unsubscribe", "private/unsubscribe", "public/unsubscribe_all"):
            names = params.get("channels") if method != "public/unsubscribe_all" else None
            for key, kept in list(self._channels.items()):
                self._channels[key] = [] if names is None else [name for name in kept if name not in names]
            return names or "ok"
        if method == "public/set_heartbeat":
            interval = params.get("interval")
            if not isinstance(interval, int) or not _SHORTEST_HEARTBEAT_S <= interval <= _LONGEST_HEARTBEAT_S:
                raise RpcError(-32602, "Invalid params", {"reason": "value out of range", "param": "interval"})
            self._every_s = interval * self._scale
            self._wake.set()
            return "ok"
        if method == "public/disable_heartbeat":
            self._every_s = 0.0
            return "ok"
        if method in ("private/enable_cancel_on_disconnect", "private/disable_cancel_on_disconnect"):
            return "ok"
        raise RpcError(-32601, "Method not found")

    def _subscribe(self, names: object) -> list[str]:
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise RpcError(-32602, "Invalid params", {"reason": "must be a list of texts", "param": "channels"})
        stands: list[str] = []
        known = {each["instrument_name"] for each in self._market.instruments()}
        for name in names:
            kind, symbol = _kind_and_symbol(name)
            if name.endswith(".raw") and not self._raw and not self.authorized:
                raise RpcError(13_778, "raw_subscriptions_not_available_for_unauthorized")
            if not (symbol in known if kind in _OF_AN_INSTRUMENT else symbol == _OF_ALL.get(kind)):
                continue  # the venue leaves out of its answer what it does not know
            stands.append(name)
            self._channels.setdefault((kind, symbol), []).append(name)
            self._first(name, kind, symbol)
        return stands

    def _first(self, name: str, kind: str, symbol: str) -> None:
        """Send how things stand."""
        market = self._market
        now = market.now_ns // NS_PER_MS
        if kind in ("ticker", "incremental_ticker"):
            self._send(name, market.ticker(symbol))
        elif kind == "quote":
            self._send(name, market.quote(symbol, now))
        elif kind == "book" and symbol == PERPETUAL:
            bids, asks = market.books[symbol].levels(10_000)
            sides = {
                side: [["new", float(p), float(q)] for p, q in levels]
                for side, levels in (("bids", bids), ("asks", asks))
            }
            self._send(name, {"type": "snapshot", "timestamp": now, "instrument_name": symbol,
                              "change_id": market.books[symbol].last, **sides})  # fmt: skip

    def offer(self, kind: str, symbol: str, data: Any) -> None:  # noqa: ANN401 - a document
        """Take what it subscribed to."""
        kinds = ("ticker", "incremental_ticker") if kind == "ticker" else (kind,)
        for each in kinds:
            for name in self._channels.get((each, symbol), ()):
                if kind == "book":
                    self._changes += 1
                    if self._changes > _AFTER and self._faults.strikes("deribit-book-gap"):
                        continue
                    if self._changes > _AFTER and self._faults.strikes("deribit-book-twice"):
                        self._send(name, data)
                self._send(name, data)

    def _send(self, name: str, data: Any) -> None:  # noqa: ANN401 - a document
        said = {"jsonrpc": "2.0", "method": "subscription", "params": {"channel": name, "data": data}}
        self.outbox.put(json.dumps(said))

    async def write(self, socket: web.WebSocketResponse) -> None:
        """Send what waits."""
        while not socket.closed:
            await socket.send_str(await self.outbox.take())

    async def beat(self) -> None:
        """Ask whether somebody is there, and end the session where nobody answers."""
        await self._wake.wait()
        while True:
            if self._every_s <= 0:
                self._wake.clear()
                await self._wake.wait()
            self._tested = False
            self.outbox.put(json.dumps({"jsonrpc": "2.0", "method": "heartbeat", "params": {"type": "test_request"}}))
            await asyncio.sleep(self._every_s)
            if not self._tested and self._every_s > 0:
                return

    def test(self) -> None:
        """Note that the client answered."""
        self._tested = True
