"""The key and the fees of an account: applied as documented, refused in one sentence, never shown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from aftershock.errors import ConfigError, UnreachableError
from aftershock.model.instruments import Kind
from aftershock.sim.servers.sandbox import Sandbox
from aftershock.venues.connection.clock import Clock
from aftershock.venues.deribit.account import account_fees
from aftershock.venues.deribit.client import DeribitClient
from aftershock.venues.deribit.instruments import read_instruments
from tests.connection.fakes import FakeClock, Hasty, serving, turns
from tests.deribit.test_instruments import GOOD

PERPETUAL = GOOD | {
    "instrument_name": "BTC-PERPETUAL", "kind": "future", "settlement_period": "perpetual", "quote_currency": "USD",
    "taker_commission": 0.0005, "maker_commission": 0.0,
}  # fmt: skip
LISTED = read_instruments([GOOD, PERPETUAL], "BTC")


def fee(kind: str, taker: object, maker: float = 0.5, how: str = "relative", index: str = "btc_usd") -> dict[str, Any]:
    return {"kind": kind, "index_name": index, "value": {"default": {"type": how, "taker": taker, "maker": maker}}}


def summaries(*fees: object) -> dict[str, Any]:
    return {"summaries": [{"currency": "BTC", "fees": list(fees)}, {"currency": "ETH", "fees": None}]}


def rates(document: object) -> tuple[dict[Kind, tuple[float, float]], tuple[str, ...]]:
    fees, notes = account_fees(LISTED, document)
    return {each.kind: (each.taker_rate, each.maker_rate) for each in fees}, notes


def test_a_relative_fee_is_a_share_of_the_base_fee_and_a_fixed_one_is_a_rate() -> None:
    found, notes = rates(summaries(fee("option", 0.625, 0.5), fee("perpetual", 0.00035, -0.0001, "fixed")))

    assert found[Kind.OPTION] == pytest.approx((0.625 * 0.0003, 0.5 * 0.0003))
    assert found[Kind.PERPETUAL] == (0.00035, -0.0001)
    assert notes == ()


@pytest.mark.parametrize(
    ("odd", "note"),
    [
        (fee("option", "x"), "a fee of the account can't be read (Expected `float`, got `str`"),
        (fee("option", 0.5, how="tiered"), "btc_usd: tiered"),
        (fee("option", 0.5, how="fixed"), "btc_usd: fixed 0.5"),
        (fee("option", float("nan")), "btc_usd: relative nan"),
        (7, "can't be read"),
    ],
)
def test_a_fee_that_can_not_be_one_leaves_the_base_fee_and_is_told(odd: object, note: str) -> None:
    found, notes = rates(summaries(odd))
    assert found[Kind.OPTION] == (0.0003, 0.0003)
    assert len(notes) == 1
    assert note in notes[0]


def test_an_account_without_discounts_pays_the_base_fees_and_one_that_can_not_be_read_says_so() -> None:
    base = {Kind.OPTION: (0.0003, 0.0003), Kind.PERPETUAL: (0.0005, 0.0)}
    assert rates(summaries()) == (base, ())
    assert rates(summaries(fee("option", 0.1, index="eth_usd"))) == (base, ())
    found, notes = rates([])
    assert found == base
    assert len(notes) == 1


def test_the_recorded_summaries_of_an_account_are_read(shared_data: Path) -> None:
    text = (shared_data / "wire" / "deribit" / "http_get_account_summaries.json").read_text(encoding="utf-8")
    found, notes = rates(json.loads(text)["result"])
    assert found[Kind.OPTION] == pytest.approx((0.625 * 0.0003, 0.625 * 0.0003))
    assert found[Kind.PERPETUAL] == (0.00035, -0.0001)
    assert notes == ()


# --- over HTTP ------------------------------------------------------------------------------------------------------

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
KEY = {"DERIBIT_CLIENT_ID": "my-id-1234", "DERIBIT_CLIENT_SECRET": "my-secret-5678"}


def ask(handle: Handler, environment: dict[str, str], clock: Clock | None = None) -> list[BaseException]:
    """Ask for the fees of an account three times; return what was raised."""
    raised: list[BaseException] = []

    async def main() -> None:
        async with serving(handle) as place, asyncio.timeout(20):
            client = DeribitClient(http_url=f"http://{place}/api/v2", environment=environment, clock=clock or Hasty())
            for _ in range(3):
                try:
                    await client.fees(LISTED)
                except (ConfigError, UnreachableError) as error:
                    raised.append(error)
            assert "my-secret" not in f"{client!r}"

    asyncio.run(main())
    return raised


def error(code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "error": {"code": code, "message": message}}


@pytest.mark.sockets
def test_a_token_is_asked_for_once_with_the_secret_in_the_body_and_again_when_it_is_taken_back() -> None:
    seen: list[str] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        seen.append(request.path.rsplit("/", 1)[1])
        assert "my-secret" not in str(request.url)
        if seen[-1] == "auth":
            asked = await request.json()
            assert asked["params"] == {
                "grant_type": "client_credentials", "client_id": "my-id-1234", "client_secret": "my-secret-5678",
            }  # fmt: skip
            return web.json_response({"result": {"access_token": f"token{len(seen)}", "expires_in": 900}})
        if len(seen) == 4:
            return web.json_response(error(13_009, "unauthorized"), status=400)
        assert request.headers["Authorization"] == ("bearer token1" if len(seen) < 5 else "bearer token5")
        return web.json_response({"result": summaries()})

    assert ask(handle, KEY) == []
    summary = "get_account_summaries"
    assert seen == ["auth", summary, summary, summary, "auth", summary]


@pytest.mark.sockets
def test_a_wrong_key_is_refused_in_one_sentence_and_never_shown() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        said = await request.text()
        return web.json_response(error(13_004, f"invalid_credentials {said}"), status=400)

    for each in ask(handle, KEY):
        assert isinstance(each, ConfigError)
        assert "does not take the key of DERIBIT_CLIENT_ID" in str(each)
        shown = f"{each} {each.__cause__}"
        assert "my-secret" not in shown
        assert "my-id" not in shown


@pytest.mark.sockets
@pytest.mark.parametrize("status", [200, 400])
def test_the_venue_s_own_error_is_shown_whatever_the_status_escaped_capped_and_without_the_key(status: int) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("auth"):
            return web.json_response({"result": {"access_token": "a-long-token-91", "expires_in": 900}})
        words = f"forbidden \x1b[31m {request.headers['Authorization']} {'x' * 999}"
        return web.json_response(error(13_021, words), status=status)

    raised = ask(handle, KEY)
    assert len(raised) == 3
    for each in raised:
        assert "13021 forbidden" in str(each)
        assert "\x1b" not in str(each)
        assert "a-long-token" not in str(each)
        assert len(str(each)) < 300


@pytest.mark.sockets
def test_what_is_no_token_is_said() -> None:
    async def handle(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"result": {"access_token": None}})

    assert "no token" in str(ask(handle, KEY)[0])


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, "set DERIBIT_CLIENT_ID and DERIBIT_CLIENT_SECRET"),
        ({"DERIBIT_CLIENT_SECRET": "my-secret-5678"}, "set DERIBIT_CLIENT_ID and DERIBIT_CLIENT_SECRET"),
        (KEY | {"DERIBIT_CLIENT_SECRET": "my secret"}, "DERIBIT_CLIENT_SECRET holds no key"),
    ],
)
def test_half_a_key_or_none_is_said_before_anything_is_asked(environment: dict[str, str], says: str) -> None:
    client = DeribitClient(environment=environment, clock=Hasty())
    with pytest.raises(ConfigError, match=says):
        asyncio.run(client.fees(LISTED))


def test_a_file_with_the_secret_must_be_its_owner_s_alone(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("my-secret-5678\n", encoding="utf-8")
    secret.chmod(0o644)
    environment = {"DERIBIT_CLIENT_ID": "my-id-1234", "DERIBIT_CLIENT_SECRET_FILE": str(secret)}
    client = DeribitClient(environment=environment, clock=Hasty())
    assert client.has_key
    with pytest.raises(ConfigError, match="others may read"):
        asyncio.run(client.fees(LISTED))


@pytest.mark.sockets
def test_the_sandbox_s_account_has_its_own_fees() -> None:
    async def main() -> None:
        async with Sandbox(5) as box, asyncio.timeout(30):
            client = DeribitClient(environment=box.environment, clock=Hasty())
            assert client.has_key
            listed = await client.listed("BTC")
            fees, notes = await client.fees(listed)
            found = {each.kind: each for each in fees}
            assert notes == ()
            assert found[Kind.OPTION].taker_rate == pytest.approx(0.625 * 3e-4)
            assert found[Kind.OPTION].cap_fraction == 0.125
            assert found[Kind.PERPETUAL].source == "the account's fees"
            assert found[Kind.FUTURE].source != "the account's fees"

    asyncio.run(main())


@pytest.mark.sockets
def test_lists_of_instruments_are_asked_for_once_a_second_after_fifty() -> None:
    async def handle(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"result": []})

    async def main() -> None:
        clock = FakeClock()
        async with serving(handle) as place, asyncio.timeout(20):
            client = DeribitClient(http_url=f"http://{place}/api/v2", environment={}, clock=clock)
            for _ in range(25):
                await client.listed("BTC")  # of the coin and of USDC
            clock.slept.clear()
            asking = asyncio.ensure_future(client.listed("BTC"))
            await turns()
            assert 1.0 in [round(each, 3) for each in clock.slept]
            asking.cancel()

    asyncio.run(main())
