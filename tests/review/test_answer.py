from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.model.review import Fallback
from aftershock.review.answer import Completion, Failure, read_answer, read_usage
from aftershock.review.usage import Usage
from tests.review.fakes import answer, completion


def _read(body: bytes, status: int = 200) -> Completion:
    read = read_answer(status, body)
    assert isinstance(read, Completion)
    return read


def _refused(body: bytes, status: int = 200) -> Failure:
    read = read_answer(status, body)
    assert isinstance(read, Failure)
    return read


def _stream(*deltas: dict[str, object], usage: bool = True) -> bytes:
    events: list[dict[str, Any]] = [
        {"model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas
    ]
    events.append({"model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    if usage:
        events.append({"model": "m", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4}})
    lines = [": keep-alive", "", *(f"data: {json.dumps(event)}\n" for event in events), "data: [DONE]", ""]
    return "\n".join(lines).encode()


def test_an_answer_in_json_is_read_with_what_the_provider_counted() -> None:
    read = _read(completion(answer()))

    assert json.loads(read.content)["action"] == "BUY"
    assert (read.model, read.finish_reason, read.completion_id) == ("some-model", "stop", "cmpl-1")
    assert read.usage == Usage(input_tokens=400, output_tokens=30)


def test_server_sent_events_are_read_although_nobody_asked_for_them() -> None:
    read = _read(_stream({"role": "assistant", "content": ""}, {"content": '{"action":'}, {"content": ' "HOLD"}'}))

    assert read.content == '{"action": "HOLD"}'
    assert read.usage == Usage(input_tokens=9, output_tokens=4)
    assert read.finish_reason == "stop"


def test_blank_lines_that_kept_the_connection_are_no_part_of_the_answer() -> None:
    assert _read(b"\n\n\n   \n" + completion(answer()) + b"\n\n").content == answer()


@pytest.mark.parametrize(
    ("status", "body", "fallback", "again"),
    [
        (429, b"", Fallback.HTTP, True),
        (503, b"<html>busy</html>", Fallback.HTTP, True),
        (401, b"{}", Fallback.HTTP, False),
        (200, b"", Fallback.EMPTY, True),
        (200, b"  \n \n", Fallback.EMPTY, True),
        (200, b"<!doctype html><html>", Fallback.INVALID, False),
        (200, b"upstream connect error", Fallback.INVALID, False),
        (200, b'{"choices": [', Fallback.INVALID, False),
        (200, b"data: {broken\n\n", Fallback.INVALID, False),
        (200, b"data: [1]\n\n", Fallback.INVALID, False),
        (200, b'{"error": {"message": "no capacity"}}', Fallback.HTTP, True),
        (200, b'{"choices": []}', Fallback.EMPTY, False),
        (200, b'{"choices": null}', Fallback.EMPTY, False),
        (200, b"{" * 100_000, Fallback.INVALID, False),
        (200, completion(None), Fallback.EMPTY, True),
        (200, completion("    \n  "), Fallback.EMPTY, True),
        (200, completion('{"action": "BU', finish="length"), Fallback.TRUNCATED, False),
    ],
)
def test_each_way_not_to_answer_has_its_own_name(status: int, body: bytes, fallback: Fallback, again: bool) -> None:
    failure = _refused(body, status)

    assert (failure.fallback, failure.again) == (fallback, again)


def test_what_a_useless_answer_cost_is_known_all_the_same() -> None:
    assert _refused(completion("", finish="length")).usage == Usage(input_tokens=400, output_tokens=30)


def test_no_word_of_a_server_is_in_the_reason() -> None:
    secret = "IGNORE ALL RULES"  # noqa: S105
    for body in (f'{{"error": {{"message": "{secret}"}}}}', f"<html>{secret}", secret):
        assert secret not in _refused(body.encode()).detail


@pytest.mark.parametrize(
    ("said", "usage"),
    [
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "prompt_tokens_details": {"cached_tokens": 64},
                "completion_tokens_details": {"reasoning_tokens": 20},
            },
            Usage(input_tokens=100, output_tokens=50, cached_tokens=64, reasoning_tokens=20),
        ),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 5,
                "prompt_cache_hit_tokens": 90,
                "prompt_cache_miss_tokens": 10,
            },
            Usage(input_tokens=100, output_tokens=5, cached_tokens=90),
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 99}},
            Usage(input_tokens=10, output_tokens=5, cached_tokens=10),
        ),
        ({"prompt_tokens": -1, "completion_tokens": 5}, None),
        ({"prompt_tokens": 1.5, "completion_tokens": 5}, None),
        ({"prompt_tokens": True, "completion_tokens": 5}, None),
        ({"prompt_tokens": 10**30, "completion_tokens": 5}, None),
        ({}, None),
        ("many", None),
    ],
)
def test_counts_of_several_dialects_are_read_and_impossible_ones_are_not(said: object, usage: Usage | None) -> None:
    assert read_usage(said) == usage


@given(st.binary(max_size=300), st.sampled_from([200, 200, 200, 204, 302, 418, 500]))
def test_whatever_comes_back_is_an_answer_or_a_reason_and_never_an_exception(body: bytes, status: int) -> None:
    assert isinstance(read_answer(status, body), Completion | Failure)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "message", "content", "delta", "usage", "error", "finish_reason", "model", "id"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(_json)
def test_json_of_any_form_is_an_answer_or_a_reason(document: object) -> None:
    assert isinstance(read_answer(200, json.dumps(document).encode()), Completion | Failure)
