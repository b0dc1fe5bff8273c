"""A request for a chat completion, read as strictly as OpenAI reads it, and how it says no."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

__all__ = ["ANSWER", "Asked", "Refusal", "read"]

ANSWER = frozenset({"action", "probability", "reasons"})
"""Properties of every answer."""
_PLACES = re.compile(r"JSON array: ([a-z_, ]+)\.")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TOKENS = Annotated[int, Meta(ge=1, le=1 << 20)]


class Refusal(Exception):  # noqa: N818 - an answer, not a fault of ours
    """An answer that says no."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Take the fields of the error object, the HTTP status and headers."""
        super().__init__(message)
        self.status, self.headers = status, headers or {}
        self.document = {"error": {"message": message, "type": kind, "param": param, "code": code}}

    def response(self) -> web.Response:
        """Return it as an answer."""
        return web.json_response(self.document, status=self.status, headers=self.headers)


class _Part(msgspec.Struct, frozen=True):
    type: str
    text: str = ""


class _Message(msgspec.Struct, frozen=True):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[_Part] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content or ())


class _Schema(msgspec.Struct, frozen=True):
    name: str
    schema: dict[str, Any] = {}
    strict: bool | None = None


class _Format(msgspec.Struct, frozen=True):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: _Schema | None = None


class _StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool = False


class _Thinking(msgspec.Struct, frozen=True):
    type: str = "disabled"


class Asked(msgspec.Struct, frozen=True):
    """A request; fields that are not here are taken and change nothing."""

    model: str
    messages: Annotated[list[_Message], Meta(min_length=1)]
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    max_tokens: _TOKENS | None = None
    max_completion_tokens: _TOKENS | None = None
    n: int | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    response_format: _Format | None = None
    thinking: _Thinking | None = None

    @property
    def most_tokens(self) -> int | None:
        """Return how long an answer may be."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def thinks(self) -> bool:
        """Tell whether thoughts were asked for."""
        return self.thinking is not None and self.thinking.type != "disabled"

    @property
    def prefix(self) -> str:
        """Return the text of the first message if it instructs; empty otherwise."""
        first = self.messages[0]
        return first.text if first.role in ("system", "developer") else ""

    @property
    def record(self) -> str:
        """Return the user's last message as a JSON object; an array's places have the names that the prefix gives them.

        A prefix names them in a sentence `JSON array: side, net_bps, ... .`, as a model would read it.
        """
        text = next((each.text for each in reversed(self.messages) if each.role == "user"), "")
        places = _PLACES.search(self.prefix)
        if places is None or not text.lstrip().startswith("["):
            return text
        try:
            values = msgspec.json.decode(text, type=list[object])
            return msgspec.json.encode(dict(zip(places.group(1).split(", "), values, strict=True))).decode()
        except (msgspec.MsgspecError, RecursionError, UnicodeError, ValueError):
            return text


def read(body: bytes) -> Asked:
    """Decode a request as strictly as the real service.

    Raises:
        Refusal: It says no.
    """
    try:
        asked = msgspec.json.decode(body, type=Asked)
        _check(asked)
    except msgspec.ValidationError as error:
        raise Refusal(400, f"Invalid request: {error}.") from error
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise Refusal(400, "We could not parse the JSON body of your request.") from error
    return asked


def _check(asked: Asked) -> None:
    if asked.max_tokens is not None and asked.max_completion_tokens is not None:
        raise Refusal(400, "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.")
    if asked.n not in (None, 1):
        raise Refusal(400, "Only n = 1 is supported.", param="n", code="unsupported_value")
    if asked.stream_options is not None and not asked.stream:
        raise Refusal(400, "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
                      param="stream_options")  # fmt: skip
    _check_format(asked)


def _check_format(asked: Asked) -> None:
    wanted = asked.response_format
    if wanted is None or wanted.type == "text":
        return
    if wanted.type == "json_object":
        if not any("json" in each.text.lower() for each in asked.messages):
            raise Refusal(400, "'messages' must contain the word 'json' in some form, to use 'response_format' of type "
                          "'json_object'.", param="messages")  # fmt: skip
        return
    described = wanted.json_schema
    if described is None:
        raise Refusal(400, "Missing required parameter: 'response_format.json_schema'.",
                      param="response_format.json_schema", code="missing_required_parameter")  # fmt: skip
    if not _NAME.fullmatch(described.name):
        raise Refusal(400, "Invalid 'response_format.json_schema.name': letters, digits, _ and - only.",
                      param="response_format.json_schema.name", code="invalid_value")  # fmt: skip
    wrong = _loose(described.schema, ()) if described.strict else None
    if wrong is not None:
        raise Refusal(400, f"Invalid schema for response_format '{described.name}': {wrong}", param="response_format")
    names = described.schema.get("properties")
    if not isinstance(names, dict) or names.keys() != ANSWER:
        # A model would fill in any schema; this one has a single answer, and a strict schema must not be broken.
        raise Refusal(400, "The stand-in answers action, probability and reasons: ask for these three properties.",
                      param="response_format")  # fmt: skip


def _loose(schema: object, path: tuple[str, ...]) -> str | None:
    """Return what strict mode does not allow about a schema, None if it is strict."""
    if isinstance(schema, list):
        return next(filter(None, (_loose(each, path) for each in schema)), None)
    if not isinstance(schema, dict):
        return None
    if schema.get("type") == "object":
        names, required = schema.get("properties"), schema.get("required")
        if schema.get("additionalProperties") is not False:
            return f"In context={path}, 'additionalProperties' is required to be supplied and to be false."
        if not isinstance(names, dict) or not isinstance(required, list) or sorted(map(str, required)) != sorted(names):
            return f"In context={path}, 'required' is required to be supplied and to include every key in properties."
    return next(filter(None, (_loose(each, (*path, key)) for key, each in schema.items())), None)
