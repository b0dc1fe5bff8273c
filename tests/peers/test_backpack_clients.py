"""Three clients of Backpack that are not ours trade on its sandbox; only the address is changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from aftershock.sim.servers.sandbox import Sandbox
from aftershock.venues.backpack.signing import Signer, batch_text, signed_text
from tests.peers.conftest import in_environment

pytestmark = [pytest.mark.sockets, pytest.mark.subprocess, pytest.mark.slow]

Script = Callable[[str, str], Any]
SEED = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

HEAD = """
import json, os
REST, WS = os.environ["REST"], os.environ["WS"]
KEY, SECRET = os.environ["KEY"], os.environ["SECRET"]
found = {}
"""


@pytest.fixture(name="run")
def _run(box: Sandbox) -> Script:
    """Run code beside one of the clients; its `found` comes back."""

    def run(name: str, code: str) -> Any:
        keys = box.backpack.keys
        variables = {"REST": box.urls["backpack_rest"], "WS": box.urls["backpack_ws"], "KEY": keys.public,
                     "SECRET": keys.secret}  # fmt: skip
        said = in_environment(name, HEAD + code + "\nprint(json.dumps(found, default=str))\n", variables)
        return json.loads(said.strip().splitlines()[-1])

    return run


def test_ccxt_reads_and_trades(run: Script) -> None:
    found = run(
        "ccxt",
        """
import ccxt
venue = ccxt.backpack({"apiKey": KEY, "secret": SECRET, "urls": {"api": {"public": REST, "private": REST}}})
found["markets"] = sorted(venue.load_markets())
PERP = "BTC/USDC:USDC"
book = venue.fetch_order_book(PERP)
found["book"] = [book["bids"][0], book["asks"][0]]
found["balance"] = venue.fetch_balance()["USDC"]["free"]
taken = venue.create_order(PERP, "limit", "buy", 0.01, book["asks"][0][0] + 10, {"timeInForce": "IOC"})
found["taken"] = [taken["status"], taken["filled"]]
low = round(book["bids"][0][0] - 500, 1)
limit = {"symbol": PERP, "type": "limit", "side": "buy", "amount": 0.01}
many = venue.create_orders([limit | {"price": low - n} for n in (0, 1)])
found["open"] = len(venue.fetch_open_orders(PERP))
found["cancelled"] = [venue.cancel_order(each["id"], PERP)["status"] for each in many]
found["position"] = [[p["symbol"], float(p["contracts"])] for p in venue.fetch_positions()]
found["trades"] = venue.fetch_my_trades(PERP)[0]["amount"]
found["prints"] = len(venue.fetch_trades(PERP))
""",
    )

    assert {"BTC/USDC", "BTC/USDC:USDC"} <= set(found["markets"])
    assert found["book"][0][0] < found["book"][1][0]
    assert found["balance"] > 90_000
    assert found["taken"] == ["closed", 0.01]
    assert (found["open"], found["cancelled"]) == (2, ["canceled", "canceled"])
    assert [symbol for symbol, held in found["position"] if held >= 0.01] == ["BTC/USDC:USDC"]
    assert found["trades"] == 0.01
    assert found["prints"] > 0


def test_ccxt_pro_hears_books_prints_and_its_orders(run: Script) -> None:
    found = run(
        "ccxt",
        """
import asyncio, ccxt.pro
async def main():
    urls = {"api": {"public": REST, "private": REST, "ws": {"public": WS, "private": WS}}}
    # without this it shows no book before ten changes came
    options = {"watchOrderBook": {"snapshotDelay": 0}}
    venue = ccxt.pro.backpack({"apiKey": KEY, "secret": SECRET, "urls": urls, "options": options})
    await venue.load_markets()
    PERP = "BTC/USDC:USDC"
    book = await asyncio.wait_for(venue.watch_order_book(PERP), 20)
    found["book"] = [book["bids"][0][0], book["asks"][0][0]]
    hearing = asyncio.ensure_future(venue.watch_orders(PERP))
    await asyncio.sleep(1)
    await venue.create_order(PERP, "market", "buy", 0.001)
    found["orders"] = [each["symbol"] for each in await asyncio.wait_for(hearing, 20)]
    found["prints"] = (await asyncio.wait_for(venue.watch_trades(PERP), 20))[0]["symbol"]
    await venue.close()
asyncio.run(main())
""",
    )

    assert found["book"][0] < found["book"][1]
    assert found["orders"]
    assert found["prints"] == "BTC/USDC:USDC"


@pytest.mark.parametrize("way", ["sync", "async"])
def test_bpx_py_reads_and_trades(way: str, run: Script) -> None:
    code = """
from bpx.base.base_public import BasePublic
from bpx.base.base_account import BaseAccount
BasePublic.BASE_URL = BaseAccount.BPX_API_URL = REST + "/"
"""
    calls = """
found["depth"] = WAIT public.get_depth("BTC_USDC_PERP")
found["balances"] = WAIT account.get_balances()
found["order"] = WAIT account.execute_order("BTC_USDC_PERP", "Bid", "Market", quantity="0.001")
low = str(round(float(found["depth"]["bids"][-1][0]) - 500, 1))
limit = dict(time_in_force="GTC", quantity="0.001", price=low)
found["resting"] = WAIT account.execute_order("BTC_USDC_PERP", "Bid", "Limit", **limit)
found["cancelled"] = WAIT account.cancel_order("BTC_USDC_PERP", order_id=found["resting"]["id"])
found["positions"] = WAIT account.get_open_positions()
"""
    if way == "sync":
        code += "from bpx.public import Public\nfrom bpx.account import Account\n"
        code += "public, account = Public(), Account(KEY, SECRET)\n" + calls.replace("WAIT ", "")
    else:
        body = "".join(f"    {line}\n" for line in calls.strip().replace("WAIT ", "await ").splitlines())
        code += "import asyncio\nfrom bpx.async_.public import Public\nfrom bpx.async_.account import Account\n"
        code += f"async def main():\n    public, account = Public(), Account(KEY, SECRET)\n{body}asyncio.run(main())\n"

    found = run("bpx", code)

    assert found["depth"]["bids"]
    assert float(found["balances"]["USDC"]["available"]) > 90_000
    assert (found["order"]["status"], found["order"]["executedQuantity"]) == ("Filled", "0.00100")
    assert (found["resting"]["status"], found["cancelled"]["status"]) == ("New", "Cancelled")
    assert [each["symbol"] for each in found["positions"]] == ["BTC_USDC_PERP"]


def test_backpack_exchange_sdk_reads_and_trades(run: Script) -> None:
    found = run(
        "sdk",
        """
from backpack_exchange_sdk.authenticated import AuthenticationClient
from backpack_exchange_sdk.public import PublicClient
public, account = PublicClient(base_url=REST + "/"), AuthenticationClient(KEY, SECRET, base_url=REST + "/")
found["markets"] = len(public.get_markets())
found["depth"] = public.get_depth("BTC_USDC_PERP")
found["account"] = account.get_account()
found["order"] = account.execute_order("Market", "Bid", "BTC_USDC_PERP", quantity="0.001")
low = str(round(float(found["depth"]["bids"][-1][0]) - 500, 1))
limit = dict(orderType="Limit", side="Bid", symbol="BTC_USDC_PERP", quantity="0.001", price=low, timeInForce="GTC")
found["batch"] = account.execute_batch_orders([limit, limit])
found["open"] = len(account.get_open_orders(symbol="BTC_USDC_PERP"))
found["cancelled"] = len(account.cancel_open_orders("BTC_USDC_PERP"))
""",
    )

    assert found["markets"] > 3
    assert found["account"]["futuresTakerFee"] == "5"
    assert found["order"]["status"] == "Filled"
    assert [each["operation"] for each in found["batch"]] == ["Ok", "Ok"]
    assert (found["open"], found["cancelled"]) == (2, 2)


def cases() -> list[dict[str, Any]]:
    """Return random orders; prices, sizes, flags, ids."""
    rng = Random(20_260_803)
    found = []
    for _ in range(200):
        order: dict[str, Any] = {
            "symbol": rng.choice(["BTC_USDC_PERP", "SOL_USDC", "AAPL.US_USDC_RFQ"]),
            "side": rng.choice(["Bid", "Ask"]),
            "orderType": rng.choice(["Limit", "Market"]),
        }
        optional = {
            "price": f"{rng.uniform(0.001, 1e6):.4f}",
            "quantity": f"{rng.uniform(1e-6, 1e4):.6f}",
            "clientId": rng.randrange(2**32),
            "postOnly": rng.random() < 0.5,
            "reduceOnly": rng.random() < 0.5,
            "timeInForce": rng.choice(["GTC", "IOC", "FOK"]),
        }
        found.append(order | {key: value for key, value in optional.items() if rng.random() < 0.7})
    return found


@pytest.mark.parametrize("name", ["bpx", "sdk"])
def test_our_signatures_are_those_of_other_clients(name: str, run: Script) -> None:
    orders = cases()
    sign = {
        "bpx": "from bpx.account import Account\nclient = Account(KEY, SECRET)\n"
        "sign = lambda order: client._sign(order, 'orderExecute', 1614550000000, 5000)\n",
        "sdk": "from backpack_exchange_sdk.authenticated import AuthenticationClient\n"
        "client = AuthenticationClient(KEY, SECRET)\n"
        "sign = lambda order: client._generate_signature('orderExecute', 1614550000000, order)['X-Signature']\n",
    }[name]
    keys = f"SECRET = {SEED!r}\nKEY = {Signer(SEED).public_key!r}\n"
    code = f"{keys}{sign}found = [sign(order) for order in json.loads({json.dumps(json.dumps(orders))})]\n"

    theirs = run(name, code)

    signer = Signer(SEED)
    ours = [signer.sign(signed_text("orderExecute", order, 1_614_550_000_000, 5_000)) for order in orders]
    assert ours == theirs
    assert signer.sign(batch_text("orderExecute", orders[:1], 1_614_550_000_000, 5_000)) == theirs[0]
