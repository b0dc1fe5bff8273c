"""Public answers and streams of the simulated Backpack: what it has is true, and what it has not it refuses."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from tests.connection.fakes import until
from tests.sandbox.box import sandbox, until_quoted

pytestmark = pytest.mark.sockets

PERP = "BTC_USDC_PERP"


def test_candles_tickers_and_predictions_answer_what_was_asked() -> None:
    async def main() -> None:
        async with sandbox() as box, aiohttp.ClientSession() as session, asyncio.timeout(30):
            await until_quoted(box)
            market = box.backpack.market
            await until(lambda: len(market.trades.get(PERP, ())) > 3)

            async def get(path: str, **params: str) -> tuple[int, Any]:
                url = f"{box.urls['backpack_rest']}/api/v1/{path}"
                async with session.get(url, params=params) as answer:
                    return answer.status, await answer.json()

            candle = {"symbol": PERP, "interval": "1h", "startTime": "0"}
            _, rows = await get("klines", **candle)
            _, ticker = await get("ticker", symbol=PERP)
            assert sum(int(row["trades"]) for row in rows) > 0
            assert ticker["firstPrice"] == rows[0]["open"]
            assert await get("klines", **candle, endTime="1") == (200, [])
            for more, code in (
                ({"interval": "7m"}, "INVALID_CLIENT_REQUEST"),
                ({"priceType": "Mark"}, "NOT_IMPLEMENTED"),
            ):
                status, refusal = await get("klines", **(candle | more))
                assert (status, refusal["code"]) == (400, code)

            _, latest = await get("trades/history", symbol=PERP, limit="3")
            _, rest = await get("trades/history", symbol=PERP, limit="2", offset="1")
            assert {each["id"] for each in rest} & {each["id"] for each in latest}
            assert (await get("fundingRates", symbol="BTC_USDC"))[1] == []
            market.began_ns -= 3 * 3_600 * 10**9
            _, rates = await get("fundingRates", symbol=PERP, limit="2")
            assert [each["fundingRate"] for each in rates] == [market.mark(PERP)["f"]] * 2
            assert rates[0]["intervalEndTimestamp"] > rates[1]["intervalEndTimestamp"]

            for name, right, wrong in (
                ("symbol", "BTCDUD_USDC_PREDICTION", PERP), ("tagSlug", "crypto", "sports"),
                ("resolved", "false", "true"),
            ):  # fmt: skip
                assert [len((await get("prediction", **{name: value}))[1]) for value in (right, wrong)] == [1, 0]

    asyncio.run(main())


def test_streams_that_are_never_sent_are_refused_and_the_others_are_sent() -> None:
    async def main() -> None:
        async with sandbox() as box, aiohttp.ClientSession() as session, asyncio.timeout(30):
            await until_quoted(box)
            async with session.ws_connect(box.urls["backpack_ws"]) as socket:
                for name in (f"openInterest.{PERP}", f"kline.7m.{PERP}", f"kline.{PERP}", "ticker.NO_SUCH"):
                    await socket.send_json({"method": "SUBSCRIBE", "params": [name]})
                    assert (await socket.receive_json())["error"]["message"] == "Invalid stream", name
                wanted = {f"ticker.{PERP}", f"kline.1m.{PERP}"}
                await socket.send_json({"method": "SUBSCRIBE", "params": sorted(wanted)})
                heard: dict[str, dict[str, Any]] = {}
                while heard.keys() != wanted:
                    message = await socket.receive_json()
                    heard[message["stream"]] = message["data"]
            assert set(heard[f"ticker.{PERP}"]) == {"e", "E", "s", "o", "c", "h", "l", "v", "V", "n"}
            assert set(heard[f"kline.1m.{PERP}"]) == {"e", "E", "s", "t", "T", "o", "c", "h", "l", "v", "n", "X"}
            assert heard[f"kline.1m.{PERP}"]["s"] == PERP

    asyncio.run(main())
