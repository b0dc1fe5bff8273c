"""A script against the simulated Backpack, as anybody would write it: it signs, sends and believes what it is told."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp

from aftershock.sim.servers.sandbox import Sandbox
from aftershock.venues.backpack.signing import Signer


class Script:
    """Requests and one subscription.

    Attributes:
        position: Coins, by the fills of orders that it knows.
        working: Ids of orders that it believes open.
        heard: Every update of an order that came.
    """

    def __init__(self, box: Sandbox, session: aiohttp.ClientSession) -> None:
        self._box, self._session, self._signer = box, session, Signer(box.backpack.keys.secret)
        self.position = 0.0
        self.working: set[str] = set()
        self.heard: list[dict[str, Any]] = []

    @classmethod
    @asynccontextmanager
    async def on(cls, box: Sandbox) -> AsyncIterator[Self]:
        """Open it, with its account's stream."""
        async with aiohttp.ClientSession() as session:
            script = cls(box, session)
            listening = asyncio.ensure_future(script._listen())
            await asyncio.sleep(0.2)
            try:
                yield script
            finally:
                listening.cancel()

    async def ask(self, method: str, path: str, instruction: str, params: dict[str, Any]) -> tuple[int, Any]:
        """Send a signed request; return the status and the document, None for an empty body."""
        headers = self._signer.headers(instruction, params, time.time_ns() // 1_000_000)
        sent: dict[str, Any] = {"params": params} if method == "GET" else {"json": params}
        url = self._box.urls["backpack_rest"] + path
        async with self._session.request(method, url, headers=headers, **sent) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    async def execute(self, order: dict[str, Any]) -> dict[str, Any]:
        """Send an order, and watch its id from then on."""
        status, document = await self.ask("POST", "/api/v1/order", "orderExecute", order)
        assert status == 200, document
        self.working.add(document["id"])
        found: dict[str, Any] = document
        return found

    async def cancel(self, symbol: str, order_id: str) -> None:
        """Cancel an order: what answers without an error is done."""
        status, _ = await self.ask("DELETE", "/api/v1/order", "orderCancel", {"symbol": symbol, "orderId": order_id})
        assert status < 300
        self.working.discard(order_id)

    async def _listen(self) -> None:
        headers = self._signer.headers("subscribe", {}, time.time_ns() // 1_000_000)
        signature = [headers[name] for name in ("X-API-Key", "X-Signature", "X-Timestamp", "X-Window")]
        async with self._session.ws_connect(self._box.urls["backpack_ws"]) as socket:
            await socket.send_json({"method": "SUBSCRIBE", "params": ["account.orderUpdate"], "signature": signature})
            async for message in socket:
                data = json.loads(message.data)["data"]
                self.heard.append(data)
                if data["e"] == "orderFill" and data["i"] in self.working:
                    self.position += float(data["l"]) * (1 if data["S"] == "Bid" else -1)
