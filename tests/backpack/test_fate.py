"""Whatever comes back, an order is sent once, and nobody is told that it was refused while it may stand."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import msgspec
import pytest
from aiohttp import web

from aftershock.errors import UnreachableError
from aftershock.model.orders import Side
from aftershock.venues.backpack.client import BackpackOptionsClient
from aftershock.venues.backpack.orders import BatchRefusal, NewOrder
from aftershock.venues.backpack.refusals import BackpackError, UnknownFateError
from tests.backpack.toy import PERP, SEED, Answer, Toy, ids, left_but, refused, run, taken_but

pytestmark = pytest.mark.sockets

ORDER = NewOrder(symbol=PERP, side=Side.BUY, quantity="0.01", client_id=7)
TIMED_OUT = b'{"code": "TIMEOUT", "message": "took too long"}'
OPEN_ENDS: dict[str, Answer] = {
    "500": taken_but(500),
    "503 MAINTENANCE": taken_but(503, b'{"code": "MAINTENANCE", "message": "down"}', "application/json"),
    "504 page": taken_but(504, b"<html><body>Gateway Timeout</body></html>", "text/html"),
    "408": taken_but(408),
    "TIMEOUT in a 400": taken_but(400, TIMED_OUT, "application/json"),
    "200 without a body": taken_but(200),
    "200 of a web page": taken_but(200, b"<html>hello</html>", "text/html"),
    "200 of no order": taken_but(200, b'{"what": 1}', "application/json"),
    "200 cut": taken_but(200, b'{"id": "1", "sym', "application/json"),
    "202 without a body": taken_but(202),
    "202 of a web page": taken_but(202, b"<html>soon</html>", "text/html"),
    "201": taken_but(201),
    "303": taken_but(303),
}


@pytest.mark.parametrize("what", OPEN_ENDS)
def test_an_answer_that_leaves_open_what_became_of_an_order_makes_the_client_look_it_up(what: str) -> None:
    toy = Toy()
    toy.answers, toy.hidden = [OPEN_ENDS[what]], 1

    async def main(client: BackpackOptionsClient) -> None:
        state = await client.execute(ORDER)
        assert (state.status, state.client_id) == ("Filled", 7)

    run(toy, main)
    assert len(toy.sent) == 1


@pytest.mark.parametrize("what", OPEN_ENDS)
def test_an_order_that_is_never_found_is_of_unknown_fate_and_sent_once(what: str) -> None:
    toy = Toy()
    toy.answers, toy.hidden = [OPEN_ENDS[what]], 10**6

    async def main(client: BackpackOptionsClient) -> None:
        with pytest.raises(UnknownFateError, match=r"client id 7 nothing was found within 8 s.*don't send it again"):
            await client.execute(ORDER)

    run(toy, main)
    assert len(toy.sent) == 1
    assert len(toy.asked) >= 4


def test_a_look_up_that_fails_too_is_tried_again_and_never_says_that_nothing_was_sent() -> None:
    toy = Toy()
    toy.answers = [taken_but(502)]
    toy.refused_asks = [web.Response(status=502), refused(503, "MAINTENANCE"), web.Response(status=401)]

    async def main(client: BackpackOptionsClient) -> None:
        assert (await client.execute(ORDER)).status == "Filled"
        toy.answers, toy.refused_asks = [taken_but(502)], [web.Response(status=502) for _ in range(10_000)]
        with pytest.raises(UnknownFateError) as raised:
            await client.execute(msgspec.structs.replace(ORDER, client_id=8))
        assert not isinstance(raised.value, UnreachableError)

    run(toy, main)
    assert len(toy.sent) == 2


def test_an_order_of_an_earlier_file_of_ids_is_not_taken_for_the_one_that_was_lost() -> None:
    toy = Toy()
    old: dict[str, Any] = {"symbol": PERP, "side": "Bid", "clientId": 7, "quantity": "0.01"}
    toy.take(old, createdAt="2024-05-01T12:00:00.123")
    toy.take(old | {"quantity": "2"})
    toy.take(old | {"side": "Ask"})
    toy.answers = [left_but(500)]

    async def main(client: BackpackOptionsClient) -> None:
        with pytest.raises(UnknownFateError):
            await client.execute(ORDER)

    run(toy, main)


def test_an_odd_row_of_the_history_does_not_hide_the_order() -> None:
    toy = Toy()
    toy.taken = [{"id": 3}]
    toy.answers = [taken_but(500)]

    async def main(client: BackpackOptionsClient) -> None:
        assert (await client.execute(ORDER)).client_id == 7

    run(toy, main)


@pytest.mark.parametrize(("status", "code"), [(400, "INVALID_ORDER"), (403, ""), (425, "TOO_EARLY"), (429, "")])
def test_a_refusal_is_told_at_once_and_nothing_is_looked_up(status: int, code: str) -> None:
    toy = Toy()
    toy.answers = [lambda _toy, _sent: refused(status, code)]

    async def main(client: BackpackOptionsClient) -> None:
        with pytest.raises(BackpackError) as raised:
            await client.execute(ORDER)
        assert (raised.value.status, raised.value.code) == (status, code)

    run(toy, main)
    assert toy.asked == []


def test_an_order_that_could_not_be_sent_says_so() -> None:
    async def main() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # and nobody listens
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            async with BackpackOptionsClient(secret_key=SEED, rest_url=url, environment={}) as client:
                with pytest.raises(UnreachableError, match="does not answer"):
                    await client.execute(ORDER)

    asyncio.run(main())


@pytest.mark.parametrize("status", [200, 500])
def test_orders_of_a_batch_whose_answer_says_nothing_are_looked_up(status: int) -> None:
    toy = Toy()
    toy.answers = [taken_but(status)]
    orders = [msgspec.structs.replace(ORDER, client_id=number) for number in (1, 2, 3)]

    async def main(client: BackpackOptionsClient) -> None:
        assert ids(await client.execute_batch(orders)) == [1, 2, 3]

    run(toy, main)
    assert len(toy.sent) == 1


def test_only_those_of_a_batch_that_are_not_told_are_looked_up_and_the_error_keeps_the_others() -> None:
    toy = Toy()
    orders = [msgspec.structs.replace(ORDER, client_id=number) for number in (1, 2, 3, 4)]

    def answer(venue: Toy, sent: Any) -> web.StreamResponse:
        timed_out = {"operation": "Err", "code": "TIMEOUT", "message": "took too long"}
        no = {"operation": "Err", "code": "INVALID_ORDER", "message": "<no>\n\x1b[31m"}
        venue.take(sent[1])
        return web.json_response([{"operation": "Ok", **venue.take(sent[0])}, timed_out, no, {"operation": "Ok"}])

    toy.answers = [answer]

    async def main(client: BackpackOptionsClient) -> None:
        with pytest.raises(UnknownFateError, match="under client id 4 nothing was found") as raised:
            await client.execute_batch(orders)
        first, second, third, fourth = raised.value.known
        assert ids([first, second]) == [1, 2]
        assert isinstance(third, BatchRefusal)
        assert "\x1b" not in third.message
        assert fourth is None

    run(toy, main)
    assert len(toy.sent) == 1


@pytest.mark.parametrize("answer", [left_but(500), left_but(200), left_but(200, b"<html>")])
def test_a_cancellation_without_a_clear_answer_ends_with_what_became_of_the_order(answer: Answer) -> None:
    toy = Toy()

    async def main(client: BackpackOptionsClient) -> None:
        await client.execute(ORDER)
        toy.taken[0]["status"] = "New"
        toy.answers = [answer]
        with pytest.raises(UnknownFateError, match="was not seen to end"):
            await client.cancel(PERP, client_id=7)
        toy.taken[0]["status"] = "Cancelled"
        toy.answers = [answer]
        assert (await client.cancel(PERP, client_id=7)).status == "Cancelled"

    run(toy, main)
    assert len(toy.sent) == 3


def test_a_cancellation_with_202_is_under_way_whatever_the_body() -> None:
    toy = Toy()
    toy.answers = [left_but(202, b"<html>soon</html>")]

    async def main(client: BackpackOptionsClient) -> None:
        assert (await client.cancel(PERP, client_id=7)).status == "Cancelling"

    run(toy, main)
