"""ccxt, which is not ours, reads the sandbox's Deribit; only the address is changed."""

from __future__ import annotations

import json

import pytest

from aftershock.sim.servers.sandbox import Sandbox
from tests.peers.conftest import in_environment

pytestmark = [pytest.mark.sockets, pytest.mark.subprocess, pytest.mark.slow]

CODE = """
import asyncio, json, os
import ccxt, ccxt.pro
HTTP, WS = os.environ["HTTP"].removesuffix("/api/v2"), os.environ["WS"]
found = {}
venue = ccxt.deribit({"urls": {"api": {"rest": HTTP}}})
markets = venue.load_markets()
found["kinds"] = sorted({each["type"] for each in markets.values()})
chain = venue.fetch_option_chain("BTC")
found["chain"] = len(chain)
some = next(name for name, each in chain.items() if each["bidPrice"])
found["greeks"] = venue.fetch_greeks(some)["delta"]
book = venue.fetch_order_book("BTC/USD:BTC")
found["book"] = [book["bids"][0][0], book["asks"][0][0]]
found["trades"] = len(venue.fetch_trades("BTC/USD:BTC"))

async def main():
    live = ccxt.pro.deribit({"urls": {"api": {"rest": HTTP, "ws": WS}}})
    await live.load_markets()
    ticker = await asyncio.wait_for(live.watch_ticker("BTC/USD:BTC"), 20)
    found["ticker"] = ticker["bid"]
    seen = await asyncio.wait_for(live.watch_order_book("BTC/USD:BTC"), 20)
    found["live"] = [seen["bids"][0][0], seen["asks"][0][0]]
    await live.close()
asyncio.run(main())
print(json.dumps(found))
"""


def test_ccxt_reads_chain_greeks_and_books(box: Sandbox) -> None:
    said = in_environment("ccxt", CODE, {"HTTP": box.urls["deribit_http"], "WS": box.urls["deribit_ws"]})
    found = json.loads(said.strip().splitlines()[-1])

    assert {"option", "swap"} <= set(found["kinds"])
    assert found["chain"] > 20
    assert -1 < found["greeks"] < 1
    assert found["book"][0] < found["book"][1]
    assert found["trades"] > 0
    assert found["ticker"] > 0
    assert found["live"][0] < found["live"][1]
