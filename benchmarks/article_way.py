"""Baseline A: the article's way from a liquidation to a signal, written anew.

For each liquidation: keep a 30 s list, compute four figures of context, write liquidation, whole chain and context as
indented JSON into a prompt, ask the model, parse its JSON, filter by spread and latency. The model is a stub in the
process that answers at once; neither HTTP nor the encoding of the request body is counted, which favours the baseline.
"""

from __future__ import annotations

import json
import time
from typing import Any

import msgspec
import numpy as np

from aftershock.model.events import OptionQuotes

__all__ = ["ArticleEngine", "StubModel", "chain_document"]

_REPLY = json.dumps(
    {
        "choices": [
            {
                "message": {
                    "content": json.dumps(
                        {
                            "spread_pct": 0.0012,
                            "confidence": 0.61,
                            "action": "HOLD",
                            "reasoning": "the spread does not cover the costs",
                        }
                    )
                }
            }
        ]
    }
)
_WINDOW_S = 30.0
_CHARACTERS_PER_TOKEN = 4
_USD_PER_TOKEN = (0.42e-6, 0.84e-6)


class Verdict(msgspec.Struct, frozen=True):
    """What the article calls a signal."""

    asset: str
    spread_pct: float
    confidence: float
    latency_ms: float
    action: str


class StubModel:
    """A chat model without a network: the same reply, at once."""

    def __init__(self) -> None:
        self.cost_usd = 0.0

    async def post(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Answer a request; its text is not looked at."""
        del payload
        reply: dict[str, Any] = json.loads(_REPLY)
        return reply


class ArticleEngine:
    """The article's loop body, step by step."""

    def __init__(
        self, model: StubModel, chain: dict[str, Any], *, min_spread_bps: float, max_latency_ms: float
    ) -> None:
        self._model = model
        self._chain = chain
        self._min_spread_bps = min_spread_bps
        self._max_latency_ms = max_latency_ms
        self._recent: dict[str, list[dict[str, Any]]] = {}
        self.executed: list[Verdict] = []

    async def process_liquidation_event(self, event: dict[str, Any]) -> Verdict:
        """Take a liquidation through the whole way."""
        symbol, now = event["symbol"], time.time()
        recent = self._recent.setdefault(symbol, [])
        recent.append({**event, "timestamp": now})
        self._recent[symbol] = recent = [kept for kept in recent if kept["timestamp"] > now - _WINDOW_S]
        verdict = await self._ask({"market": "FTX-RESTART", **event, "buffer_size": len(recent)}, _context(recent))
        if verdict.spread_pct * 1e4 >= self._min_spread_bps and verdict.latency_ms <= self._max_latency_ms:
            self.executed.append(verdict)
        return verdict

    async def _ask(self, liquidation: dict[str, Any], context: dict[str, Any]) -> Verdict:
        prompt = "\n\n".join(
            (
                "Is there an arbitrage between this liquidation and these options?",
                f"LIQUIDATION:\n{json.dumps(liquidation, indent=2)}",
                f"OPTIONS CHAIN:\n{json.dumps(self._chain, indent=2)}",
                f"CONTEXT:\n{json.dumps(context, indent=2)}",
                "Weigh spread, theta, volatility, liquidity. Answer JSON: spread_pct, confidence, action, reasoning.",
            )
        )
        started = time.perf_counter()
        reply = await self._model.post(
            {
                "model": "deepseek-v3.2",
                "messages": [{"role": "user", "content": prompt}],
                "temperature": 0.3,
                "max_tokens": 500,
            }
        )
        latency_ms = 1e3 * (time.perf_counter() - started)
        content = reply["choices"][0]["message"]["content"]
        for text, usd in zip((prompt, content), _USD_PER_TOKEN, strict=True):
            self._model.cost_usd += len(text) // _CHARACTERS_PER_TOKEN * usd
        answer = json.loads(content)
        return Verdict(liquidation["symbol"], answer["spread_pct"], answer["confidence"], latency_ms, answer["action"])


def _context(recent: list[dict[str, Any]]) -> dict[str, Any]:
    prices, sizes = [kept["price"] for kept in recent], [kept["size"] for kept in recent]
    return {
        "symbol": recent[-1]["symbol"],
        "current_price": prices[-1],
        "price_volatility_30s": float(np.std(prices)) if len(prices) > 1 else 0.0,
        "cumulative_volume_30s": float(np.sum(sizes)),
        "liquidation_count_30s": len(recent),
        "price_momentum": float((prices[-1] - prices[0]) / prices[0]),
    }


def chain_document(quotes: OptionQuotes) -> dict[str, Any]:
    """Return a chain the way a venue's REST answer would hold it: 16 figures per option."""
    columns = {name: column.tolist() for name, column in quotes.columns.items()}
    return {
        "symbol": quotes.stream.symbol,
        "options": [
            {"symbol": symbol, **{name: column[at] for name, column in columns.items()}}
            for at, symbol in enumerate(quotes.symbols)
        ],
    }
