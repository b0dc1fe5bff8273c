"""The sandbox's answers, and the real venue's, hold against Backpack's own OpenAPI document."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from aftershock.model.orders import Side
from aftershock.sim.servers.sandbox import Sandbox
from aftershock.venues.backpack.client import BackpackOptionsClient
from aftershock.venues.backpack.orders import NewOrder
from aftershock.venues.backpack.signing import Signer
from tests.conftest import REPOSITORY
from tests.peers.conftest import environment_of
from tests.sandbox.box import until_quoted

pytestmark = [pytest.mark.sockets, pytest.mark.subprocess, pytest.mark.slow]

OVERLAY = REPOSITORY / "src" / "aftershock" / "sim" / "servers" / "backpack_overlay.json"
PERP = "BTC_USDC_PERP"
PUBLIC = [
    ("/api/v1/markets", {}), ("/api/v1/markets", {"marketType": "OPTION"}), ("/api/v1/markets", {"marketType": "RFQ"}),
    ("/api/v1/market", {"symbol": PERP}), ("/api/v1/depth", {"symbol": PERP}), ("/api/v1/ticker", {"symbol": PERP}),
    ("/api/v1/tickers", {}), ("/api/v1/trades", {"symbol": PERP}), ("/api/v1/markPrices", {}),
    ("/api/v1/openInterest", {}), ("/api/v1/prediction", {}), ("/api/v1/prediction/tags", {}), ("/api/v1/status", {}),
    ("/api/v1/fundingRates", {"symbol": PERP}), ("/api/v1/trades/history", {"symbol": PERP, "offset": "1"}),
    ("/api/v1/klines", {"symbol": PERP, "interval": "1m", "startTime": "1700000000"}),
]  # fmt: skip
PRIVATE = [
    ("/api/v1/account", "accountQuery", {}), ("/api/v1/capital", "balanceQuery", {}),
    ("/api/v1/capital/collateral", "collateralQuery", {}), ("/api/v1/position", "positionQuery", {}),
    ("/api/v1/orders", "orderQueryAll", {}), ("/wapi/v1/history/fills", "fillHistoryQueryAll", {}),
    ("/wapi/v1/history/orders", "orderHistoryQueryAll", {}),
    ("/api/v1/account/limits/order", "maxOrderQuantity", {"symbol": PERP, "side": "Bid"}),
]  # fmt: skip
RECORDED = {
    "rest_markets_2026-09-13_subset.json": ("GET", "/api/v1/markets"),
    "rest_markPrices_2026-09-13_subset.json": ("GET", "/api/v1/markPrices"),
    "rest_openInterest_2026-09-13.json": ("GET", "/api/v1/openInterest"),
    "rest_tickers_2026-09-13_subset.json": ("GET", "/api/v1/tickers"),
    "rest_balance.json": ("GET", "/api/v1/capital"),
    "rest_status.json": ("GET", "/api/v1/status"),
    "rest_order_market_filled.json": ("POST", "/api/v1/order"),
}


@pytest.fixture(name="wrong")
def _wrong(shared_data: Path) -> Callable[..., list[list[str]]]:
    """Return what is wrong with documents, one list for each."""
    spec, python = shared_data / "spec" / "backpack-openapi.yml", environment_of("sdk")

    def wrong(documents: list[dict[str, Any]], write: Path | None = None) -> list[list[str]]:
        asked = {"spec": str(spec), "overlay": str(OVERLAY), "documents": documents, "write": write and str(write)}
        done = subprocess.run(
            [str(python), str(REPOSITORY / "tests" / "peers" / "spec.py")], input=json.dumps(asked),
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        found: list[list[str]] = json.loads(done.stdout)
        return found

    return wrong


async def answers(box: Sandbox) -> list[dict[str, Any]]:
    """Trade a little, then ask for everything."""
    signer, found = Signer(box.backpack.keys.secret), []
    rest = box.urls["backpack_rest"]
    async with BackpackOptionsClient(environment=box.environment) as client, aiohttp.ClientSession() as session:
        chain = await client.get_options_chain("BTC")
        for symbol, quantity in ((PERP, "0.01"), ("BTC_USDC", "0.01"), (chain.options[0].symbol, "1")):
            await client.execute(NewOrder(symbol=symbol, side=Side.BUY, quantity=quantity))
        bid = box.backpack.market.books[PERP].best_bid
        assert bid is not None
        resting = NewOrder(symbol=PERP, side=Side.BUY, quantity="0.01", price=str(bid - 900), time_in_force="GTC")
        await client.execute_batch([resting, resting])
        for path, params in PUBLIC:
            async with session.get(rest + path, params=params) as answer:
                document = {"document": await answer.json(), "overlay": True, "method": "GET", "path": path}
                found.append(document)
        for path, instruction, params in PRIVATE:
            headers = signer.headers(instruction, params, box.backpack.market.now_ns // 1_000_000)
            async with session.get(rest + path, params=params, headers=headers) as answer:
                found.append({"document": await answer.json(), "overlay": True, "method": "GET", "path": path})
    return found


def test_what_the_sandbox_answers_is_what_the_document_says(wrong: Callable[..., list[list[str]]]) -> None:
    async def main() -> list[dict[str, Any]]:
        async with Sandbox(5, warm_up_s=60, warm_up_takes_s=2) as box:
            await until_quoted(box)
            return await answers(box)

    documents = asyncio.run(main())

    assert all(each["document"] for each in documents if each["path"] != "/api/v1/fundingRates")
    said = wrong(documents)
    assert {each["path"]: errors for each, errors in zip(documents, said, strict=True) if errors} == {}


def test_the_real_answers_hold_against_the_patched_document(
    shared_data: Path, wrong: Callable[..., list[list[str]]]
) -> None:
    folder = shared_data / "wire" / "backpack"
    documents = [
        {"document": json.loads((folder / name).read_text()), "overlay": False, "method": method, "path": path}
        for name, (method, path) in RECORDED.items()
    ]

    assert wrong(documents) == [[]] * len(RECORDED)


def test_the_official_document_still_knows_no_options(wrong: Callable[..., list[list[str]]]) -> None:
    """If this fails, Backpack's document has changed: look at what it says of options, and drop the overlay."""
    official, extended = wrong(
        [{"schema": "MarketType", "document": "OPTION", "overlay": overlay} for overlay in (False, True)]
    )

    assert official
    assert extended == []


HOOKS = """
import base64, json, os, time
import schemathesis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
KEY = Ed25519PrivateKey.from_private_bytes(base64.b64decode(os.environ["SECRET"]))
INSTRUCTIONS = json.loads(os.environ["INSTRUCTIONS"])

def text(value):
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

@schemathesis.hook
def before_call(context, case, kwargs):
    instruction = INSTRUCTIONS.get(f"{case.method} {case.path}")
    if instruction is None:
        return
    params = case.query if case.method == "GET" else case.body
    many = params if isinstance(params, list) else [params if isinstance(params, dict) else {}]
    parts = ["&".join([f"instruction={instruction}", *(f"{k}={text(each[k])}" for k in sorted(each))])
             for each in many if isinstance(each, dict)]
    now = str(int(time.time() * 1000))
    signed = "&".join(parts) + f"&timestamp={now}&window=5000"
    case.headers = {**(case.headers or {}), "X-API-Key": os.environ["KEY"], "X-Timestamp": now, "X-Window": "5000",
                    "X-Signature": base64.b64encode(KEY.sign(signed.encode("utf-8", "replace"))).decode()}
"""
FUZZED = ("markets", "market", "depth", "ticker", "tickers", "trades", "trades/history", "markPrices", "openInterest",
          "klines", "fundingRates", "prediction", "order", "orders", "account", "capital", "position",
          "account/limits/order")  # fmt: skip


def test_no_request_that_the_document_allows_or_forbids_is_a_fault_of_the_server(
    tmp_path: Path, wrong: Callable[..., list[list[str]]]
) -> None:
    spec, python = tmp_path / "spec.json", environment_of("sdk")
    wrong([], spec)
    document = json.loads(spec.read_text())
    document["paths"] = {f"/api/v1/{name}": document["paths"][f"/api/v1/{name}"] for name in FUZZED}
    order = document["components"]["schemas"]["OrderExecutePayload"]["properties"]
    # No chance would find a market's name: some orders shall get through.
    order["symbol"] = {"type": "string", "enum": [PERP, "BTC_USDC", "ETH_USDC_PERP", "NO_SUCH"]}
    order["quantity"] = {"enum": ["0.01", "1", "0.000001", "-1", "1e999", "", None]}
    order["price"] = {"enum": ["90000.1", "1", "999999", "0", "NaN", None]}
    spec.write_text(json.dumps(document))
    (tmp_path / "hooks.py").write_text(HOOKS)
    instructions = {f"GET {path}": instruction for path, instruction, _ in PRIVATE} | {
        "GET /api/v1/order": "orderQuery", "POST /api/v1/order": "orderExecute", "POST /api/v1/orders": "orderExecute",
        "DELETE /api/v1/order": "orderCancel", "DELETE /api/v1/orders": "orderCancelAll",
    }  # fmt: skip
    most = os.environ.get("AFTERSHOCK_FUZZ_EXAMPLES", "20")

    async def main() -> tuple[int, str]:
        async with Sandbox(5, warm_up_s=60, warm_up_takes_s=1) as box:
            await until_quoted(box)
            box.backpack.rest.per_minute = 10**9
            command = [
                str(python), "-m", "schemathesis.cli", "run", str(spec), "--url", box.urls["backpack_rest"],
                "--phases", "coverage,fuzzing", "--checks", "not_a_server_error", "--max-examples", most, "--seed", "1",
                "--generation-database", "none",
            ]  # fmt: skip
            keys = box.backpack.keys
            variables = {"KEY": keys.public, "SECRET": keys.secret, "INSTRUCTIONS": json.dumps(instructions),
                         "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(tmp_path)}  # fmt: skip
            child = await asyncio.create_subprocess_exec(
                *command, env={**os.environ, **variables}, cwd=tmp_path, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
            out, _ = await child.communicate()
            said = out.decode()
            assert box.backpack.account.orders, f"some of the orders were good ones: {said[-2_000:]}"
            return child.returncode or 0, said

    code, said = asyncio.run(main())
    assert code == 0, said[-3_000:]
    tested = re.search(r"(\d+) generated", said)
    assert tested is not None, said[-1_000:]
    assert int(tested[1]) > 300
