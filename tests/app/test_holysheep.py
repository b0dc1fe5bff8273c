"""`HolySheepAPIClient`: the article's calls, with an edge that is computed and a model that may only refuse it."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import aftershock
from aftershock import ArbitrageEngine, HolySheepAPIClient
from aftershock.errors import ConfigError, UsageError
from aftershock.model.signals import Action, Reason
from aftershock.review.config import GatewayConfig
from tests.review.fakes import in_loop
from tests.sandbox.gateway import Served, serving

LIQUIDATION = {"market": "FTX-RESTART", "symbol": "BTC-PERP", "price": 60_000.0, "size": 2.0, "side": "SELL"}
CONTEXT = {"price_momentum": -0.004, "cumulative_volume_30s": 12.0, "current_price": 60_000.0}


def chain(**changes: Any) -> dict[str, Any]:
    """Return three calls of which the middle one is bid above the straight line through the others' asks."""
    expiry = (datetime.now(UTC) + timedelta(days=20)).replace(microsecond=0).isoformat()
    rows = []
    for strike, bid, ask in ((55_000, 6_400.0, 6_500.0), (60_000, 4_300.0, 4_400.0), (65_000, 1_800.0, 1_900.0)):
        for kind, shift in (("call", 0.0), ("put", strike - 60_000.0)):
            shown = {"bid": max(bid + shift, 1.0), "ask": max(ask + shift, 2.0)}
            rows.append({"strike": strike, "expiry": expiry, "type": kind, "bid_size": 5, "ask_size": 5, **shown})
    return {"options": [{**row, **changes} for row in rows]}


def client(served: Served, **more: Any) -> HolySheepAPIClient:
    return HolySheepAPIClient(api_key=served.key, base_url=served.url, environment={}, **more)


def test_the_names_and_defaults_of_the_article_exist() -> None:
    assert "HolySheepAPIClient" in aftershock.__all__
    assert HolySheepAPIClient.BASE_URL == "https://api.holysheep.ai/v1"
    assert next(iter(inspect.signature(HolySheepAPIClient).parameters)) == "api_key"
    assert HolySheepAPIClient(api_key="k", environment={}).model == "deepseek-v3.2"
    assert list(inspect.signature(HolySheepAPIClient.analyze_arbitrage_opportunity).parameters)[1:] == [
        "liquidation_data",
        "options_chain",
        "market_context",
    ]


def test_a_key_is_never_shown() -> None:
    made = HolySheepAPIClient(api_key="cr_secret", environment={})

    assert "cr_secret" not in repr(made)
    assert "cr_secret" not in repr(made.providers)


def test_a_key_that_is_none_and_an_address_that_is_not_safe_are_refused() -> None:
    with pytest.raises(ConfigError, match="api_key holds no key"):
        HolySheepAPIClient(api_key="two words", environment={})
    with pytest.raises(ConfigError, match="use https"):
        HolySheepAPIClient(api_key="k", base_url="http://example.com/v1", environment={})


def test_before_anything_was_asked_nothing_was_spent() -> None:
    report = HolySheepAPIClient(api_key="k", environment={}).get_cost_report()

    assert report == {"total_requests": 0, "total_cost_usd": 0.0, "avg_cost_per_request": 0.0}


@in_loop
async def test_it_is_to_be_entered_first() -> None:
    with pytest.raises(UsageError, match="async with"):
        await HolySheepAPIClient(api_key="k", environment={}).analyze_arbitrage_opportunity(LIQUIDATION, chain(), {})


@pytest.mark.sockets
@pytest.mark.subprocess
@in_loop
async def test_an_edge_is_computed_and_the_model_asked_about_it() -> None:
    config = GatewayConfig(providers=("holysheep",), probe=False)
    async with serving() as served, client(served, config=config) as model:
        signal = await model.analyze_arbitrage_opportunity(LIQUIDATION, chain(), CONTEXT)
        report = model.get_cost_report()

    assert signal.source_market == "FTX-RESTART"
    assert signal.asset == "BTC"
    assert signal.edge_type is not None
    assert 10 < signal.spread_bps < 50, "what the chain breaks the bound by, not what a model says"
    assert signal.review is not None
    assert signal.action in (Action.BUY, Action.SELL, Action.HOLD)
    assert report["total_requests"] == 1
    assert report["total_cost_usd"] > 0
    assert report["avg_cost_per_request"] == report["total_cost_usd"]


@pytest.mark.sockets
@pytest.mark.subprocess
@pytest.mark.parametrize("fault", ["gateway-401", "gateway-injection", "gateway-absurd", "gateway-html"])
@in_loop
async def test_without_the_models_consent_it_is_hold(fault: str) -> None:
    config = GatewayConfig(providers=("holysheep",), probe=False)
    async with serving(fault) as served, client(served, config=config, deadline_ms=1_000.0) as model:
        signal = await model.analyze_arbitrage_opportunity(LIQUIDATION, chain(), CONTEXT)

    assert (signal.action, signal.reason) == (Action.HOLD, Reason.MODEL_UNSURE)
    assert signal.review is not None
    assert signal.review.fallback is not None


@pytest.mark.sockets
@pytest.mark.subprocess
@pytest.mark.parametrize(
    "what",
    [
        None,
        {},
        [],
        "a chain",
        {"options": []},
        {"options": [1]},
        {"options": [{"strike": 1}]},
        chain(strike="many"),
        chain(strike=float("nan")),
        chain(expiry="2020-01-01"),
        chain(expiry="soon"),
        chain(type="straddle"),
        chain(bid="high"),
    ],
)
@in_loop
async def test_what_is_no_chain_is_hold_not_priceable_and_nobody_is_asked(what: object) -> None:
    async with (
        serving() as served,
        client(served, config=GatewayConfig(providers=("holysheep",), probe=False)) as model,
    ):
        signal = await model.analyze_arbitrage_opportunity(LIQUIDATION, what, CONTEXT)

        assert (signal.action, signal.reason) == (Action.HOLD, Reason.NOT_PRICEABLE)
        assert model.get_cost_report()["total_requests"] == 0


@pytest.mark.sockets
@pytest.mark.subprocess
@in_loop
async def test_the_engine_of_the_article_asks_it_in_shadow_and_counts_its_cost() -> None:
    async with serving() as served, client(served) as model:
        engine = ArbitrageEngine(model)
        await engine.process_liquidation_event({"symbol": "BTC-PERP", "price": 60_000.0, "size": 2.0, "side": "SELL"})
        result = await engine.run(duration_seconds=1)

    assert result.review.mode == "shadow"
    assert result.review.why_off == ""
    assert engine.metrics["total_cost_usd"] == model.get_cost_report()["total_cost_usd"]


def test_without_a_key_the_engine_of_the_article_asks_nobody_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOLYSHEEP_API_KEY", raising=False)
    engine = ArbitrageEngine(HolySheepAPIClient(environment={}))

    assert "HOLYSHEEP_API_KEY is not set" in engine._off["review by a language model"]
