"""`ArbitrageEngine` has every name that the article has, with true meanings."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Mapping
from typing import Any

import pytest

import aftershock
from aftershock import ArbitrageEngine, ArbitrageSignal
from aftershock.app.live.config import LiveConfig
from aftershock.app.live.connect import Connected
from aftershock.app.live.journal import Terms
from aftershock.errors import ConfigError, InputError, UnreachableError
from aftershock.model.events import OptionQuotes
from aftershock.sim.market.session import Session
from tests.core.market import T0, millis
from tests.core.shock import batched, timeline
from tests.live.feed import Clock, FakeSource

METRICS = ("total_signals", "buy_signals", "sell_signals", "hold_signals", "avg_latency_ms", "total_cost_usd")
CONTEXT = ("symbol", "current_price", "price_volatility_30s", "cumulative_volume_30s", "liquidation_count_30s")
EVENT: dict[str, Any] = {"symbol": "BTC-PERP", "price": 60_000.0, "size": 2.0, "side": "SELL"}
NORMALIZED: dict[str, Any] = {
    "type": "liquidation",
    "symbol": "BTC-PERP",
    "exchange": "ftx",
    "id": "5312345002",
    "price": 20480,
    "amount": 1.5,
    "side": "sell",
    "timestamp": "2022-11-01T00:00:05.098533Z",
    "localTimestamp": "2022-11-01T00:00:05.123533Z",
}


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AFTERSHOCK_CONFIG", raising=False)


def give(engine: ArbitrageEngine, *events: Mapping[str, Any]) -> list[ArbitrageSignal]:
    async def all_of_them() -> list[ArbitrageSignal]:
        return [signal for event in events for signal in await engine.process_liquidation_event(event)]

    return asyncio.run(all_of_them())


class Model:
    """A model client that says what it cost."""

    def get_cost_report(self) -> dict[str, float]:
        return {"total_requests": 3, "total_cost_usd": 0.0126, "avg_cost_per_request": 0.0042}


class Chains:
    """A client of option chains that can fail."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[str] = []
        self._error = error

    async def get_options_chain(self, symbol: str) -> dict[str, str]:
        self.asked.append(symbol)
        if self._error is not None:
            raise self._error
        return {"symbol": symbol}


def test_the_names_of_the_article_exist() -> None:
    assert "ArbitrageEngine" in aftershock.__all__
    parameters = inspect.signature(ArbitrageEngine).parameters
    assert list(parameters)[:5] == [
        "holysheep_client",
        "tardis_client",
        "backpack_client",
        "min_spread_bps",
        "max_latency_ms",
    ]
    assert (parameters["min_spread_bps"].default, parameters["max_latency_ms"].default) == (50.0, 100.0)
    assert inspect.signature(ArbitrageEngine.run).parameters["duration_seconds"].default == 60

    engine = ArbitrageEngine(None, None, None)
    assert tuple(engine.metrics) == METRICS
    for name in ("holysheep", "tardis", "backpack", "liquidation_buffer", "options_cache", "cache_ttl_seconds"):
        assert hasattr(engine, name)
    for name in ("process_liquidation_event", "run"):
        assert inspect.iscoroutinefunction(getattr(engine, name))


def test_a_lone_liquidation_is_kept_and_decides_nothing() -> None:
    engine = ArbitrageEngine(None, None, None, clock=Clock(T0))
    assert give(engine, EVENT) == []
    assert set(engine.metrics.values()) == {0}
    (kept,) = engine.liquidation_buffer["BTC-PERP"]
    assert (kept["price"], kept["size"], kept["side"], kept["timestamp"]) == (60_000.0, 2.0, "sell", T0 / 1e9)
    assert kept["market"] == "ftx-restart"


def test_the_context_of_the_last_thirty_seconds_has_true_meanings() -> None:
    clock = Clock(T0)
    engine = ArbitrageEngine(None, None, None, clock=clock)
    assert engine.market_context("BTC-PERP") == {"symbol": "BTC-PERP", "no_historical_data": True}
    prices = (59_000.0, 60_000.0, 59_700.0, 59_850.0)
    for price in prices:
        give(engine, {**EVENT, "price": price})
        clock.now += millis(9_500)
    context = engine.market_context("BTC-PERP")
    assert tuple(context)[:5] == CONTEXT
    assert set(context) == {*CONTEXT, "price_momentum"}
    returns = [math.log(59_700 / 60_000), math.log(59_850 / 59_700)]
    assert context["current_price"] == 59_850.0
    assert context["liquidation_count_30s"] == 3, "the first is 38 s old"
    assert context["cumulative_volume_30s"] == 6.0
    assert context["price_momentum"] == pytest.approx(59_850 / 60_000 - 1)
    assert context["price_volatility_30s"] == pytest.approx(math.sqrt(sum(r * r for r in returns)))


def test_prices_that_are_no_fills_enter_neither_momentum_nor_volatility() -> None:
    engine = ArbitrageEngine(None, None, None, clock=Clock(T0))
    order = {**EVENT, "exchange": "binance-futures", "symbol": "BTCUSDT"}
    give(engine, order, {**order, "price": 61_000.0})
    context = engine.market_context("BTCUSDT")
    assert context["liquidation_count_30s"] == 2
    assert (context["price_momentum"], context["price_volatility_30s"]) == (None, None)


def test_a_normalized_message_of_tardis_is_understood() -> None:
    engine = ArbitrageEngine(None, None, None, clock=Clock(T0))
    give(engine, NORMALIZED)
    (kept,) = engine.liquidation_buffer["BTC-PERP"]
    assert (kept["market"], kept["price"], kept["size"], kept["side"]) == ("ftx", 20_480.0, 1.5, "sell")


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ([], r"a dict with symbol, price, size and side, not \[\]"),
        ({}, "side is buy, sell or unknown, not nothing"),
        ({**EVENT, "type": "trade"}, "of type 'trade'"),
        ({**EVENT, "side": "long"}, "not 'long'"),
        ({**EVENT, "side": 1}, "not 1"),
        ({**EVENT, "price": "60000"}, "price is a number above zero, not '60000'"),
        ({**EVENT, "price": math.nan}, "price is a number above zero, not nan"),
        ({**EVENT, "price": -1}, "price is a number"),
        ({**EVENT, "size": math.inf}, "size is a number above zero, not inf"),
        ({**EVENT, "size": True}, "size is a number above zero, not True"),
        ({key: EVENT[key] for key in ("symbol", "price", "side")}, "size is a number above zero, not nothing"),
        ({**EVENT, "symbol": ""}, "symbol is a short printable text"),
        ({**EVENT, "symbol": "BTC\x1b[2J"}, "symbol is a short printable text"),
        ({**EVENT, "symbol": "x" * 10_000}, r"symbol is a short printable text, not 'x+\.\.\."),
        ({**EVENT, "exchange": 7}, "exchange is a short printable text, not 7"),
        ({**EVENT, "timestamp": "yesterday"}, "timestamp is ISO 8601"),
        ({**EVENT, "timestamp": math.nan}, "timestamp is ISO 8601"),
    ],
)
def test_a_dict_that_is_no_liquidation_is_refused_in_one_sentence(event: Any, said: str) -> None:
    engine = ArbitrageEngine(None, None, None, clock=Clock(T0))
    with pytest.raises(InputError, match=said):
        give(engine, event)
    assert not engine.liquidation_buffer


@pytest.mark.parametrize("name", ["min_spread_bps", "max_latency_ms"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
def test_a_limit_out_of_bounds_is_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"`{name}`.*argument {name}"):
        ArbitrageEngine(None, None, None, **{name: value})  # type: ignore[arg-type]


def test_the_chain_is_asked_for_again_when_its_five_seconds_are_over() -> None:
    clock, chains = Clock(T0), Chains()
    engine = ArbitrageEngine(None, None, chains, clock=clock)
    give(engine, EVENT, EVENT)
    assert (chains.asked, engine.options_cache) == (["BTC-PERP"], {"BTC-PERP": {"symbol": "BTC-PERP"}})
    clock.now += millis(4_999)
    give(engine, EVENT)
    clock.now += millis(1)
    give(engine, EVENT)
    assert len(chains.asked) == 2


def test_a_chain_client_that_fails_ends_nothing_and_is_told_without_its_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine = ArbitrageEngine(None, None, Chains(RuntimeError("key=secret")))
    give(engine, EVENT)
    assert len(engine.liquidation_buffer["BTC-PERP"]) == 1
    asyncio.run(engine.run(duration_seconds=0.01))
    said = capsys.readouterr().out
    assert "options chain of Backpack: the client failed with RuntimeError" in said
    assert "secret" not in said


def test_without_clients_a_run_waits_and_the_report_says_what_was_off(capsys: pytest.CaptureFixture[str]) -> None:
    engine = ArbitrageEngine(None, None, None)
    result = asyncio.run(engine.run(duration_seconds=0.01))
    assert result.events_in == 0
    said = capsys.readouterr().out
    for part in (
        "FINAL REPORT",
        "Total Signals: 0",
        "Total Model Cost: $0.0000",
        "Cost per Signal: no signal",
        "market data of Tardis: no client was given",
        "options chain of Backpack: no client was given",
        "real orders: paper only",
    ):
        assert part in said


@pytest.mark.slow
def test_a_run_decides_and_reports_cost_and_return(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"TRIGGER__WINDOW_S": "6", "TRIGGER__HISTORY_S": "1", "BASIS_LAG_S": "1",
                        "BASIS_HISTORY_S": "2", "SMILE_LAG_S": "1", "MAX_QUIET_MOVE_BPS": "1e4"}.items():  # fmt: skip
        monkeypatch.setenv(f"AFTERSHOCK_{name}", value)
    clock = Clock(T0)
    events = [
        part
        for event in batched(timeline([]))
        for part in (event.moments() if isinstance(event, OptionQuotes) else (event,))
    ]
    engine = ArbitrageEngine(
        Model(), FakeSource(events, clock), None, min_spread_bps=0.0, max_latency_ms=1_000.0, clock=clock
    )
    result = asyncio.run(engine.run(duration_seconds=60))

    metrics = engine.metrics
    decisions = result.tally.decisions()
    assert metrics["total_signals"] == sum(decisions.values()) > 0
    assert (metrics["buy_signals"], metrics["sell_signals"], metrics["hold_signals"]) == tuple(decisions.values())
    assert metrics["avg_latency_ms"] > 0
    assert metrics["total_cost_usd"] == 0.0126
    said = capsys.readouterr().out
    assert said.count("ARBITRAGE SIGNAL  ") == metrics["buy_signals"] + metrics["sell_signals"] > 0
    assert "Total Model Cost: $0.0126" in said
    assert "Profit after fees" in said
    assert engine.liquidation_buffer


def test_the_floor_of_fifty_bps_is_the_default_of_the_article() -> None:
    engine = ArbitrageEngine(None, None, None)
    assert (engine.min_spread_bps, engine.max_latency_ms) == (50.0, 100.0)
    config = engine._settings.config
    assert (config.min_spread_bps, config.max_latency_ms) == (50.0, 100.0)


def test_a_run_connects_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERSHOCK_TARDIS_MACHINE_WS_URL", "ws://127.0.0.1:1")
    monkeypatch.setenv("AFTERSHOCK_LIVE__EXCHANGES", "ftx-restart")
    asked: list[tuple[LiveConfig, str]] = []

    async def connect(live: LiveConfig, environment: Mapping[str, str]) -> Connected:
        asked.append((live, environment["AFTERSHOCK_TARDIS_MACHINE_WS_URL"]))
        raise UnreachableError("nobody answers")

    engine = ArbitrageEngine(None, object(), None, connect=connect)
    with pytest.raises(UnreachableError, match="nobody answers"):
        asyncio.run(engine.run())
    assert [(live.exchanges, url) for live, url in asked] == [(("ftx-restart",), "ws://127.0.0.1:1")]


def test_contracts_that_a_connection_knows_are_known_to_the_engine() -> None:
    session = Session(1, count=1, decoys=("S1",))
    listed = next(each for each in session.listing.instruments if each.venue == "okex-options")

    async def connect(_live: LiveConfig, _environment: Mapping[str, str]) -> Connected:
        return Connected(sources=[FakeSource([])], terms=Terms(instruments=session.listing.instruments))

    engine = ArbitrageEngine(None, object(), None, connect=connect)
    asyncio.run(engine.run(duration_seconds=0.01))
    assert engine._table.resolve(listed.venue, listed.symbol) == listed


@pytest.mark.parametrize("seconds", [math.nan, -1.0, 1e9])
def test_a_length_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(ConfigError, match="duration_seconds"):
        asyncio.run(ArbitrageEngine(None, None, None).run(duration_seconds=seconds))
