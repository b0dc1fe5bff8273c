"""The bytes of a request: the same question always gives the same bytes, so that they can be counted, hashed, kept."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from aftershock.review.prompt import SCHEMA
from aftershock.review.providers import Capability, Provider

__all__ = ["MOST_OUTPUT_TOKENS", "body_of", "digest_of", "headers_of"]

MOST_OUTPUT_TOKENS = 80
"""A whole answer takes about 40."""


def body_of(provider: Provider, model: str, system: str, user: str, *, stream: bool = False) -> bytes:
    """Return the body of a chat completion.

    Args:
        provider: What it can be asked for.
        model: Whose answer is wanted.
        system: The fixed text, first so that a provider may cache it.
        user: The figures.
        stream: Whether the answer shall come in pieces.
    """
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
        "temperature": 0,
        provider.length_field: MOST_OUTPUT_TOKENS,
    }
    if provider.capability is Capability.SCHEMA:
        body["response_format"] = {"type": "json_schema", "json_schema": SCHEMA}
    elif provider.capability is Capability.JSON_OBJECT:
        body["response_format"] = {"type": "json_object"}
    if stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    return msgspec.json.encode({**body, **provider.extra})


def headers_of(key: str) -> dict[str, str]:
    """Return the headers of a request; no compression, so that no small answer can become a large one."""
    headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    return headers


def digest_of(body: bytes) -> str:
    """Return the SHA-256 of the exact bytes."""
    return hashlib.sha256(body).hexdigest()
