"""A reply of each provider as its documentation shows it, whole, down to the verdict and what it cost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aftershock.review.answer import Completion, read_answer
from aftershock.review.prices import PriceTable
from aftershock.review.providers import BUNDLED
from aftershock.review.record import Verdict
from aftershock.review.usage import Usage
from aftershock.review.verdict import read_verdict
from tests.review.fakes import answer

NOON = 1_795_780_800_000_000_000
"""2026-11-27T12:00:00Z: no peak hour of anybody's."""


def chat(model: str, usage: dict[str, Any], content: str | None = None, **more: Any) -> dict[str, Any]:
    said = answer("HOLD", 0.31, ["edge_thin", "quote_old"]) if content is None else content
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_795_780_800,
        "model": model,
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": said}, "logprobs": None, "finish_reason": "stop"}
        ],
        "usage": usage,
        **more,
    }


OPENAI = chat(
    "gpt-4.1-2025-04-14",
    {
        "prompt_tokens": 1_400,
        "completion_tokens": 30,
        "total_tokens": 1_430,
        "prompt_tokens_details": {"cached_tokens": 1_024, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0},
    },
    service_tier="default",
    system_fingerprint="fp_51e1070cf2",
)
DEEPSEEK = chat(
    "deepseek-flash",
    {
        "prompt_tokens": 405,
        "completion_tokens": 30,
        "total_tokens": 435,
        "prompt_tokens_details": {"cached_tokens": 320},
        "prompt_cache_hit_tokens": 320,
        "prompt_cache_miss_tokens": 85,
    },
    system_fingerprint="fp_8802369eaa_prod0820",
)
GOOGLE = chat("gemini-2.5-flash", {"completion_tokens": 30, "prompt_tokens": 405, "total_tokens": 435})
ANTHROPIC = chat(
    "claude-sonnet-4.5",
    {"completion_tokens": 30, "prompt_tokens": 405, "total_tokens": 435},
    content=f"```json\n{answer('HOLD', 0.31, ['edge_thin', 'quote_old'])}\n```",
    system_fingerprint=None,
)
HOLYSHEEP = chat("deepseek-v3.2", {"prompt_tokens": 405, "completion_tokens": 30, "total_tokens": 435})


def streamed(document: dict[str, Any]) -> bytes:
    """Return an answer as the article's gateway may send it though nobody asked for a stream."""
    text = document["choices"][0]["message"]["content"]
    head = {name: document[name] for name in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    chunks: list[dict[str, Any]] = [
        {**head, "choices": [{"index": 0, "delta": {"content": text[at : at + 7]}, "finish_reason": None}]}
        for at in range(0, len(text), 7)
    ]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    chunks.append({**head, "choices": [], "usage": document["usage"]})
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    ("provider", "body", "usage", "usd"),
    [
        ("openai", json.dumps(OPENAI).encode(), Usage(input_tokens=1_400, cached_tokens=1_024, output_tokens=30),
         (376 * 2 + 1_024 * 0.5 + 30 * 8) / 1e6),
        ("deepseek", b"\n\n\n" + json.dumps(DEEPSEEK).encode(),
         Usage(input_tokens=405, cached_tokens=320, output_tokens=30), (85 * 0.15 + 320 * 0.003 + 30 * 0.60) / 1e6),
        ("google", json.dumps(GOOGLE).encode(), Usage(input_tokens=405, output_tokens=30),
         (405 * 0.30 + 30 * 2.50) / 1e6),
        ("anthropic", json.dumps(ANTHROPIC).encode(), Usage(input_tokens=405, output_tokens=30),
         (405 * 3 + 30 * 15) / 1e6),
        ("holysheep", json.dumps(HOLYSHEEP).encode(), Usage(input_tokens=405, output_tokens=30),
         (405 * 0.42 + 30 * 0.84) / 1e6),
        ("holysheep", streamed(HOLYSHEEP), Usage(input_tokens=405, output_tokens=30),
         (405 * 0.42 + 30 * 0.84) / 1e6),
    ],
)  # fmt: skip
def test_a_providers_own_reply_becomes_a_verdict_with_its_cost(
    provider: str, body: bytes, usage: Usage, usd: float
) -> None:
    read = read_answer(200, body)

    assert isinstance(read, Completion)
    assert read_verdict(read.content, "BUY") == Verdict(
        action="HOLD", probability=0.31, reasons=("edge_thin", "quote_old")
    )
    assert read.usage == usage
    price = PriceTable.bundled().price(provider, BUNDLED[provider].model, NOON)
    assert price is not None
    assert price.cost_usd(usage) == pytest.approx(usd, rel=1e-12)
