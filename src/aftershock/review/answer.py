"""What came back, by type: a completion, or the one reason why it is none. Nothing that a server sends raises here.

Servers answer in JSON or as server-sent events whatever was asked for, put blank lines before an answer to keep the
connection, errors into a 200, and web pages anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from aftershock.model.review import Fallback
from aftershock.review.usage import Usage

__all__ = ["Completion", "Failure", "read_answer", "read_usage"]

_MOST_TOKENS = 10_000_000
_LONGEST_NAME = 120
_PASSING = (408, 409, 425, 429)


class Failure(NamedTuple):
    """No usable answer.

    Attributes:
        fallback: Why.
        detail: One sentence without a word of the server's.
        usage: What it cost all the same; None if nothing was counted.
        completion: What there was of one.
        again: Whether the same provider may do better the next time.
    """

    fallback: Fallback
    detail: str
    usage: Usage | None = None
    completion: Completion | None = None
    again: bool = False


class Completion(NamedTuple):
    """A model's answer.

    Attributes:
        content: Its text.
        finish_reason: `stop`, `length`, ...; empty if the server does not say.
        model, completion_id, fingerprint: As the server says, printable and not long.
        usage: What it counted; None if it does not say.
    """

    content: str
    finish_reason: str
    model: str
    completion_id: str
    fingerprint: str
    usage: Usage | None


def read_answer(status: int, body: bytes) -> Completion | Failure:
    """Read an answer.

    Args:
        status: Of HTTP.
        body: As it came, whole.
    """
    if status != 200:
        again = status in _PASSING or status >= 500
        return Failure(Fallback.HTTP, f"the provider answered with HTTP {status}", again=again)
    text = body.strip()
    if not text:
        return Failure(Fallback.EMPTY, "the provider's answer has no body", again=True)
    if text[:1] == b"<":
        return Failure(Fallback.INVALID, "the provider sent a web page instead of an answer")
    documents = list(_events(text)) if text[:1] != b"{" else [text]
    if not documents:
        return Failure(Fallback.INVALID, "the provider's answer is neither JSON nor server-sent events")
    parts = []
    for document in documents:
        try:
            part = msgspec.json.decode(document)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Failure(Fallback.INVALID, "the provider's answer is no JSON")
        if not isinstance(part, dict):
            return Failure(Fallback.INVALID, "the provider's answer is JSON of another form")
        if part.get("error") is not None:
            usage = _usage_among([part])
            return Failure(Fallback.HTTP, "the provider put an error into a good answer", usage, again=True)
        parts.append(part)
    return _completion(parts)


def _events(text: bytes) -> Iterator[bytes]:
    """Iterate over the data of server-sent events; comments and blank lines are there to keep a connection."""
    for line in text.splitlines():
        if line.startswith(b"data:"):
            data = line[5:].strip()
            if data and data != b"[DONE]":
                yield data


def _completion(parts: list[dict[str, Any]]) -> Completion | Failure:
    """Put the pieces of one answer together."""
    usage = _usage_among(parts)
    contents: list[str] = []
    finish, seen = "", False
    for part in parts:
        choices = part.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            continue
        seen = True
        message = choice.get("message", choice.get("delta"))
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, str):
            contents.append(content)
        finish = _name(choice.get("finish_reason")) or finish
    if not seen:
        return Failure(Fallback.EMPTY, "the provider's answer has no choices", usage)
    first = parts[0]
    completion = Completion(
        "".join(contents),
        finish,
        next((name for part in parts if (name := _name(part.get("model")))), ""),
        _name(first.get("id")),
        _name(first.get("system_fingerprint")),
        usage,
    )
    if finish == "length":
        return Failure(Fallback.TRUNCATED, "the model's answer was cut off at its greatest length", usage, completion)
    if not completion.content.strip():
        return Failure(Fallback.EMPTY, "the model's answer is empty", usage, completion, again=True)
    return completion


def _usage_among(parts: list[dict[str, Any]]) -> Usage | None:
    return next((usage for part in reversed(parts) if (usage := read_usage(part.get("usage"))) is not None), None)


def read_usage(raw: object) -> Usage | None:
    """Return what a provider counted; None if it does not say, or says what can't be."""
    if not isinstance(raw, dict):
        return None
    read, written = _count(raw.get("prompt_tokens")), _count(raw.get("completion_tokens"))
    if read is None or written is None:
        return None
    prompt, output = raw.get("prompt_tokens_details"), raw.get("completion_tokens_details")
    cached = _count(prompt.get("cached_tokens")) if isinstance(prompt, dict) else None
    if cached is None:
        cached = _count(raw.get("prompt_cache_hit_tokens"))
    thoughts = _count(output.get("reasoning_tokens")) if isinstance(output, dict) else None
    return Usage(
        input_tokens=read,
        output_tokens=written,
        cached_tokens=min(cached or 0, read),
        reasoning_tokens=min(thoughts or 0, written),
    )


def _count(value: object) -> int | None:
    return value if type(value) is int and 0 <= value <= _MOST_TOKENS else None


def _name(value: object) -> str:
    if not isinstance(value, str):
        return ""
    return "".join(c for c in value[:_LONGEST_NAME] if c.isascii() and c.isprintable())
