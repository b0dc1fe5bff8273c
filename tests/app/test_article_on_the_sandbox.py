"""The article's own lines, unchanged, on the sandbox: addresses come from variables, names and calls are its own."""

from __future__ import annotations

import asyncio
import textwrap
from typing import Any

import pytest

from aftershock.sim.servers.sandbox import Sandbox

pytestmark = [pytest.mark.sockets, pytest.mark.slow]

# How the article puts its parts together, with the clients that are delivered by now.
CODE = textwrap.dedent(
    """
    from aftershock import ArbitrageEngine, OptionsChainAligner, TardisClient

    async def main():
        tardis_client = TardisClient(api_key="YOUR_TARDIS_KEY")
        engine = ArbitrageEngine(
            holysheep_client=None,
            tardis_client=tardis_client,
            backpack_client=None,
            min_spread_bps=50.0,
            max_latency_ms=100.0
        )
        seen = []
        async for event in tardis_client.get_liquidation_stream(exchanges=["ftx-restart"], symbols=None):
            seen.append(event)
            signals = await engine.process_liquidation_event({
                "symbol": event.symbol,
                "price": event.price,
                "size": event.amount,
                "side": "SELL"
            })
            if len(seen) == 3:
                break
        await engine.run(duration_seconds=2)
        return seen, engine.metrics, dict(engine.liquidation_buffer)
    """
)


def test_the_article_s_calls_work_on_the_simulated_venue(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def main() -> tuple[list[Any], dict[str, float], dict[str, Any]]:
        box = Sandbox(45, kinds=("S1",), shock_after_s=1.0, warm_up_s=100.0, warm_up_takes_s=1.0)
        async with box:
            for name, value in box.environment.items():
                monkeypatch.setenv(name, value)
            scope: dict[str, Any] = {}
            exec(compile(CODE, "article", "exec"), scope)  # noqa: S102 - the article's lines, as they are
            found: tuple[list[Any], dict[str, float], dict[str, Any]] = await asyncio.wait_for(scope["main"](), 60)
            return found

    seen, metrics, buffer = asyncio.run(main())

    assert {event.venue for event in seen if hasattr(event, "venue")} == {"ftx-restart"}
    assert {event.symbol for event in seen if hasattr(event, "symbol")} == {"BTC-PERP"}
    assert set(metrics) == {
        "total_signals", "buy_signals", "sell_signals", "hold_signals", "avg_latency_ms", "total_cost_usd",
    }  # fmt: skip
    assert metrics["total_signals"] == sum(metrics[f"{side}_signals"] for side in ("buy", "sell", "hold"))
    assert any(buffer.values())
    said = capsys.readouterr().out
    assert "ARBITRAGE ENGINE - FINAL REPORT" in said
    assert "Events:" in said
