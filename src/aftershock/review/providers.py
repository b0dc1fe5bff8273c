"""Who can be asked: address, model, what its answers can be held to, and which limits it sets."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from aftershock.errors import ConfigError

__all__ = ["BUNDLED", "Capability", "Provider", "checked_url"]

_Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]
_Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=40)]
_Model = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*$", max_length=120)]
_Field = Annotated[str, Meta(pattern=r"^[A-Z][A-Z0-9_]*$", max_length=64)]


class Capability(StrEnum):
    """What a provider holds its model's answers to."""

    SCHEMA = "schema"
    """A JSON schema, strictly."""
    JSON_OBJECT = "json_object"
    """Some JSON object."""
    TEXT = "text"
    """Nothing: the prompt alone asks for JSON."""


class Provider(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One OpenAI-compatible service.

    Attributes:
        name: As configuration, prices and records call it.
        base_url: Up to and without `/chat/completions`.
        keys: Variables that may hold its key, the first that is set counts; each also as `<name>_FILE`.
        model: Asked for unless configuration names another.
        capability: Most that `response_format` can ask for here; every answer is checked by us all the same.
        length_field: What the provider calls the greatest length of an answer.
        extra: Further fields of the body: what switches thinking off.
        max_concurrent: Most requests in flight.
        requests_per_minute, tokens_per_minute: Our own limits, below the provider's.
        needs_key: False for a local server.
        source: Where this is from, and of when.
    """

    name: _Name
    base_url: Annotated[str, Meta(max_length=300)]
    model: _Model
    keys: tuple[_Field, ...] = ()
    capability: Capability = Capability.TEXT
    length_field: _Field | Annotated[str, Meta(pattern=r"^[a-z_]+$", max_length=64)] = "max_tokens"
    extra: dict[str, Any] = {}
    max_concurrent: _Count = 64
    requests_per_minute: _Count = 600
    tokens_per_minute: _Count = 1_000_000
    needs_key: bool = True
    source: str = ""

    @property
    def url_variable(self) -> str:
        """Return the variable that replaces `base_url`."""
        return f"AFTERSHOCK_{self.name.upper().replace('-', '_').replace('.', '_')}_URL"


def checked_url(url: str, where: str) -> str:
    """Return an address without a slash at its end.

    Raises:
        ConfigError: A key could be read on the way: it is neither https nor on this machine, or names a user.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{where} is no web address: write https://host/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError(f"{where} holds a user, a query or a fragment: write https://host/v1, and the key apart")
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise ConfigError(f"{where} is not encrypted: the key could be read on the way; use https")
    return url.rstrip("/")


_NOTES = "facts of 2026-11-23, not tried against the live service"

BUNDLED = {
    each.name: each
    for each in (
        Provider(
            name="holysheep",
            base_url="https://api.holysheep.ai/v1",
            keys=("HOLYSHEEP_API_KEY",),
            model="deepseek-v3.2",
            capability=Capability.JSON_OBJECT,
            source=f"the article's gateway; nothing published on response_format, json_object assumed; {_NOTES}",
        ),
        Provider(
            name="openai",
            base_url="https://api.openai.com/v1",
            keys=("OPENAI_API_KEY",),
            model="gpt-4.1",
            capability=Capability.SCHEMA,
            length_field="max_completion_tokens",
            source=f"strict JSON schema; {_NOTES}",
        ),
        Provider(
            name="anthropic",
            base_url="https://api.anthropic.com/v1",
            keys=("ANTHROPIC_API_KEY",),
            model="claude-sonnet-4.5",
            capability=Capability.TEXT,
            source=f"its compatibility layer ignores response_format; {_NOTES}",
        ),
        Provider(
            name="google",
            base_url="https://generativelanguage.googleapis.com/v1beta/openai",
            keys=("GOOGLE_API_KEY", "GEMINI_API_KEY"),
            model="gemini-2.5-flash",
            capability=Capability.SCHEMA,
            extra={"reasoning_effort": "none"},
            source=f"thinking switched off by reasoning_effort; {_NOTES}",
        ),
        Provider(
            name="deepseek",
            base_url="https://api.deepseek.com",
            keys=("DEEPSEEK_API_KEY",),
            model="deepseek-flash",
            capability=Capability.JSON_OBJECT,
            extra={"thinking": {"type": "disabled"}},
            max_concurrent=500,
            source=f"json_object only, thinking is on by default; {_NOTES}",
        ),
    )
}
"""Providers that need no more than a key."""
