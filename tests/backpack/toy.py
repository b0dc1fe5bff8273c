"""A venue that answers orders as a test says, keeps what it took, and counts what it was sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from aiohttp import web

from aftershock.venues.backpack.client import BackpackOptionsClient
from aftershock.venues.connection.clock import Clock
from tests.connection.fakes import Hasty, serving

SEED = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
PERP = "BTC_USDC_PERP"
Answer = Callable[["Toy", Any], web.StreamResponse]


class Toy:
    """The venue.

    Attributes:
        answers: What is answered to the next requests that change something; else what became of the order.
        taken: Rows of orders that it carried out, oldest first.
        sent: Bodies of the requests that change something.
        asked: Paths of those that ask.
        hidden: How many look-ups find nothing yet.
        refused_asks: Answers to the next requests that ask.
        replies: Documents by path.
    """

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.taken: list[dict[str, Any]] = []
        self.sent: list[Any] = []
        self.asked: list[str] = []
        self.hidden = 0
        self.refused_asks: list[web.StreamResponse] = []
        self.replies: dict[str, Any] = {}

    def take(self, order: dict[str, Any], **changes: object) -> dict[str, Any]:
        """Carry an order out."""
        row = {
            "id": str(len(self.taken) + 1), "symbol": order["symbol"], "side": order["side"],
            "clientId": order.get("clientId"), "quantity": order["quantity"], "status": "Filled",
            "executedQuantity": order["quantity"],
        } | changes  # fmt: skip
        self.taken.append(row)
        return row

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if request.method != "GET":
            body = json.loads(await request.read())
            self.sent.append(body)
            answer = self.answers.pop(0) if self.answers else answered
            return answer(self, body)
        self.asked.append(request.path)
        if self.refused_asks:
            return self.refused_asks.pop(0)
        if request.path in self.replies:
            reply = self.replies[request.path]
            return reply if isinstance(reply, web.StreamResponse) else web.json_response(reply)
        if request.path == "/api/v1/orders":
            self.hidden -= 1
            return web.json_response([])
        return web.json_response(self.taken if self.hidden < 0 else [])


def answered(toy: Toy, body: Any) -> web.StreamResponse:
    """Carry out and say so."""
    if isinstance(body, list):
        return web.json_response([{"operation": "Ok", **toy.take(each)} for each in body])
    return web.json_response(toy.take(body))


def taken_but(status: int, body: str | bytes = b"", kind: str = "text/plain") -> Answer:
    """Carry out and answer with something else."""

    def answer(toy: Toy, sent: Any) -> web.StreamResponse:
        for each in sent if isinstance(sent, list) else [sent]:
            toy.take(each)
        return web.Response(status=status, body=body, content_type=kind)

    return answer


def left_but(status: int, body: str | bytes = b"", kind: str = "text/plain") -> Answer:
    """Carry nothing out and answer with something."""
    return lambda _toy, _sent: web.Response(status=status, body=body, content_type=kind)


def refused(status: int, code: str, message: str = "no") -> web.Response:
    """Return the venue's JSON of a refusal."""
    return web.json_response({"code": code, "message": message}, status=status)


@asynccontextmanager
async def client_of(toy: Toy, clock: Clock | None = None) -> AsyncIterator[BackpackOptionsClient]:
    async with serving(toy.serve) as place:
        client = BackpackOptionsClient(
            secret_key=SEED, rest_url=f"http://{place}", clock=clock or Hasty(), environment={}
        )
        async with client:
            yield client


def run(toy: Toy, main: Callable[[BackpackOptionsClient], Awaitable[object]], clock: Clock | None = None) -> None:
    async def inside() -> None:
        async with client_of(toy, clock) as client, asyncio.timeout(20):
            await main(client)

    asyncio.run(inside())


def ids(rows: Sequence[object]) -> list[int | None]:
    """Return the client ids of states."""
    return [cast("int | None", getattr(each, "client_id", None)) for each in rows]
