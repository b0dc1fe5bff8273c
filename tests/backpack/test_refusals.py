"""What a refusal says for people: the venue's words, never a web page, and no end of asking what time it is."""

from __future__ import annotations

import pytest
from aiohttp import web

from aftershock.errors import UnreachableError
from aftershock.venues.backpack.client import BackpackOptionsClient
from aftershock.venues.backpack.refusals import BackpackError
from tests.backpack.toy import PERP, Toy, refused, run

pytestmark = pytest.mark.sockets


def test_a_venue_that_says_expired_to_the_time_too_is_asked_for_it_once() -> None:
    toy = Toy()
    expired = refused(400, "INVALID_CLIENT_REQUEST", "Request has expired")
    toy.replies = {"/api/v1/capital": expired}
    toy.replies["/api/v1/time"] = refused(400, "INVALID_CLIENT_REQUEST", "Request has expired")

    async def main(client: BackpackOptionsClient) -> None:
        with pytest.raises(BackpackError, match=r"Request has expired.*: set this machine's clock"):
            await client.balances()

    run(toy, main)
    assert toy.asked == ["/api/v1/capital", "/api/v1/time"]


PAGE = "<!DOCTYPE html>\n<html><script>alert(1)</script><body>Just a moment</body></html>"


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=403, text=PAGE, content_type="text/html"),
        web.Response(status=403, text=f"  \n{PAGE}"),
        web.json_response({"code": "NO", "message": PAGE}, status=403),
        web.Response(status=200, text=PAGE, content_type="text/html"),
        web.Response(status=403, body=b"\xef\xbb\xbf<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"),
    ],
)
def test_a_web_page_is_named_and_not_shown(answer: web.Response) -> None:
    toy = Toy()
    toy.refused_asks = [answer]

    async def main(client: BackpackOptionsClient) -> None:
        with pytest.raises(UnreachableError, match="a web page") as raised:
            await client._rest.get("/api/v1/depth", {"symbol": PERP}, attempts=1)
        assert not set("<>") & set(str(raised.value))

    run(toy, main)
