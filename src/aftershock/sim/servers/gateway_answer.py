"""A chat completion as OpenAI writes it, whole or in pieces, with what it is billed for."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import Any

import msgspec

from aftershock.sim.servers.gateway_tokens import cut

__all__ = ["Completion", "Tokens"]

_LONG = 1 << 16
"""A longer text comes as one piece."""


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer is billed for; thoughts are part of `completion`."""

    prompt: int
    cached: int
    completion: int
    reasoning: int = 0

    def document(self) -> dict[str, Any]:
        """Return `usage`, with the fields of OpenAI and those of DeepSeek."""
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.prompt + self.completion,
            "prompt_tokens_details": {"cached_tokens": self.cached, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": self.reasoning,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
            "prompt_cache_hit_tokens": self.cached,
            "prompt_cache_miss_tokens": self.prompt - self.cached,
        }


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, before it is written as one document or as a stream of chunks.

    Attributes:
        model: Who says to have answered.
        content: Text; None and no choice at all (`choices`) are things that go wrong.
        tokens: None leaves `usage` out.
        thoughts: Beside the content, if it was asked to think.
    """

    model: str
    content: str | None
    finish: str = "stop"
    tokens: Tokens | None = None
    thoughts: str | None = None
    choices: int = 1
    fingerprint: str = "stand-in"
    id: str = msgspec.field(default_factory=lambda: f"chatcmpl-{secrets.token_hex(14)}")
    created: int = msgspec.field(default_factory=lambda: int(time.time()))

    def document(self) -> dict[str, Any]:
        """Return it whole."""
        message: dict[str, Any] = {"role": "assistant", "content": self.content, "refusal": None, "annotations": []}
        if self.thoughts is not None:
            message["reasoning_content"] = self.thoughts
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish}
        found = self._head("chat.completion") | {"choices": [choice] * self.choices}
        return found if self.tokens is None else found | {"usage": self.tokens.document()}

    def chunks(self, *, with_usage: bool) -> Iterator[dict[str, Any]]:
        """Yield it piece by piece, a token each between the first and the last."""
        head: dict[str, Any] = self._head("chat.completion.chunk")
        if with_usage:
            head["usage"] = None
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "", "refusal": None}]
        deltas += [{"reasoning_content": piece} for piece in cut(self.thoughts or "")]
        content = self.content or ""
        deltas += [{"content": piece} for piece in (cut(content) if len(content) < _LONG else [content])]
        for finish, delta in [*((None, delta) for delta in deltas), (self.finish, {})]:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
            yield head | {"choices": [choice] * self.choices}
        if with_usage and self.tokens is not None:
            yield head | {"choices": [], "usage": self.tokens.document()}

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model,
                "system_fingerprint": self.fingerprint}  # fmt: skip
