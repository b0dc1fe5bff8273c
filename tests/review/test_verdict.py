from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.model.review import Fallback, ReviewCode
from aftershock.review.answer import Failure
from aftershock.review.record import Verdict
from aftershock.review.verdict import read_verdict
from tests.review.fakes import answer


def test_an_agreed_answer_becomes_a_verdict() -> None:
    assert read_verdict(answer("SELL", 0.7, ["edge_wide", "depth_good"]), "SELL") == Verdict(
        action="SELL", probability=0.7, reasons=("edge_wide", "depth_good")
    )


@pytest.mark.parametrize("fence", ["```json\n{}\n```", "```\n{}\n```", "  ```JSON\n{}```  ", "\n{}\n"])
def test_code_fences_are_taken_off(fence: str) -> None:
    assert read_verdict(fence.replace("{}", answer("HOLD")), "BUY") == Verdict(
        action="HOLD", probability=0.8, reasons=("fresh_shock",)
    )


@pytest.mark.parametrize(
    ("content", "fallback"),
    [
        (answer("SELL"), Fallback.SEMANTIC),
        (answer("buy"), Fallback.INVALID),
        (answer("BUY_MORE"), Fallback.INVALID),
        (answer(probability=42), Fallback.INVALID),
        (answer(probability=-0.1), Fallback.INVALID),
        ('{"action": "BUY", "probability": NaN, "reasons": []}', Fallback.INVALID),
        ('{"action": "BUY", "probability": 1e999, "reasons": []}', Fallback.INVALID),
        ('{"action": "BUY", "probability": "0.8", "reasons": []}', Fallback.INVALID),
        ('{"action": "BUY", "reasons": []}', Fallback.INVALID),
        (answer(reasons=["because"]), Fallback.INVALID),
        (answer(reasons=["fresh_shock"] * 4), Fallback.INVALID),
        ('{"action": "BUY", "probability": 0.8, "reasons": [], "size": 100}', Fallback.INVALID),
        (f"Sure! {answer()}", Fallback.INVALID),
        (f"{answer()}{answer()}", Fallback.INVALID),
        ("[" * 3_000, Fallback.INVALID),
        (answer().ljust(5_000), Fallback.INVALID),
    ],
)
def test_what_was_not_agreed_is_no_verdict(content: str, fallback: Fallback) -> None:
    read = read_verdict(content, "BUY")

    assert isinstance(read, Failure)
    assert read.fallback is fallback


@given(st.text(max_size=200) | st.dictionaries(st.text(max_size=5), st.floats() | st.text()).map(json.dumps))
def test_no_text_raises_or_flips_a_side(content: str) -> None:
    read = read_verdict(content, "BUY")

    assert isinstance(read, Failure) or read.action in ("BUY", "HOLD")


@given(
    st.sampled_from(["BUY", "SELL", "HOLD"]), st.floats(0, 1), st.lists(st.sampled_from(list(ReviewCode)), max_size=3)
)
def test_every_agreed_answer_is_read_unless_it_flips(action: str, probability: float, codes: list[ReviewCode]) -> None:
    read = read_verdict(answer(action, probability, codes), "BUY")

    if action == "SELL":
        assert isinstance(read, Failure)
    else:
        assert read == Verdict(action=action, probability=probability, reasons=tuple(code.value for code in codes))
