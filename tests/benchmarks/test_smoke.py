"""Benchmarks still fit the engine that they time."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks import decision, replay
from benchmarks.article_way import ArticleEngine, StubModel, chain_document
from benchmarks.market import SPOT, START_NS, Market
from benchmarks.plain_numpy import PlainNumpy
from benchmarks.report import show
from tests.repository.tree import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_the_decision_benchmark_times_whole_chains_and_prints_ratios_against_both_baselines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show(lambda: decision.measure(events=4, events_per_trigger=4), [])

    printed = capsys.readouterr().out
    for baseline in ("A: the article's way", "B: plain NumPy, nine scenarios"):
        assert re.search(rf"^{baseline} / engine, 10 quotes stale +[\d.,]+ x +[\d.,]+ x$", printed, re.MULTILINE)
    assert re.search(r"^whole chain, 10 quotes stale +4 ", printed, re.MULTILINE)
    assert re.search(r"^load average: [\d.]+", printed, re.MULTILINE)


def test_the_chain_of_the_decision_benchmark_is_500_options_quoted_on_both_sides() -> None:
    quotes = Market.listed().quotes(START_NS, SPOT)

    assert len(set(quotes.symbols)) == 500
    assert (quotes.columns["bid"] > 0).all()
    assert (quotes.columns["ask"] > quotes.columns["bid"]).all()


def test_both_ways_of_finding_the_stale_quotes_see_an_edge_only_when_quotes_are_stale() -> None:
    market = Market.listed()
    after = SPOT * 1.0025

    stale = PlainNumpy.of(market, quoted_at=decision.quoted_at(market, 10, after))
    fresh = PlainNumpy.of(market, quoted_at=decision.quoted_at(market, 0, after))

    best, net_bps, *_ = stale.evaluate(after)
    assert best in market.stale_candidates(10)
    assert net_bps > 0
    assert fresh.evaluate(after)[1] < 0


def test_the_article_baseline_puts_every_option_of_the_chain_into_its_prompt() -> None:
    seen: list[str] = []

    class Listening(StubModel):
        async def post(self, payload: dict[str, object]) -> dict[str, object]:
            seen.append(str(payload["messages"]))
            return await super().post(payload)

    market = Market.listed()
    chain = chain_document(market.quotes(START_NS, SPOT))
    engine = ArticleEngine(Listening(), chain, min_spread_bps=50.0, max_latency_ms=100.0)

    verdict = asyncio.run(
        engine.process_liquidation_event({"symbol": "BTC-PERP", "price": SPOT, "size": 1.0, "side": "SELL"})
    )

    assert verdict.action == "HOLD"
    assert all(symbol in seen[0] for symbol in market.symbols)


def test_the_replay_benchmark_says_where_its_recording_belongs_if_it_is_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFTERSHOCK_DATA", str(tmp_path))

    made = replay.measure()

    assert isinstance(made, str)
    assert "AFTERSHOCK_DATA" in made


@pytest.mark.subprocess
def test_python_m_benchmarks_lists_what_there_is() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--list"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "decision",
        "replay",
        "sockets",
        "venues",
        "review",
        "memory",
        "pricing",
        "iv_accuracy",
    ]
