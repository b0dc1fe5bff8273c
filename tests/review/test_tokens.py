"""The rule that counts tokens, beside what OpenAI's own vocabularies count."""

from __future__ import annotations

import pytest

from aftershock.app.article_prompt import ANSWER, article_prompt
from aftershock.app.costs import our_prompt
from aftershock.review.canary import canary
from aftershock.review.prompt import question
from aftershock.review.tokens import estimate_tokens

OURS = question(canary(0))

# Counted on 2026-11-27 with the encoders cl100k_base and o200k_base of @dqbd/tiktoken 1.0.22.
COUNTED = [
    (article_prompt(0), 226, 226),
    (article_prompt(16), 3_103, 3_087),
    (article_prompt(100), 18_228, 18_128),
    (article_prompt(400), 71_446, 71_046),
    (ANSWER, 128, 126),
    (OURS[1], 72, 72),
    ("\U0001f680" * 50, 150, 100),
]


@pytest.mark.parametrize(("text", "cl100k", "o200k"), COUNTED)
def test_an_estimate_is_near_what_a_vocabulary_counts(text: str, cl100k: int, o200k: int) -> None:
    off = 0.35 if not text.isascii() else 0.08 if text == ANSWER else 0.025

    assert estimate_tokens(text) == pytest.approx(cl100k, rel=off)
    assert estimate_tokens(text) == pytest.approx(o200k, rel=off)


@pytest.mark.parametrize(("options", "cl100k"), [(0, 226), (16, 3_103), (100, 18_228), (400, 71_446)])
def test_a_quarter_of_the_characters_is_far_too_few(options: int, cl100k: int) -> None:
    assert 0.20 < 1 - (len(article_prompt(options)) // 4) / cl100k < 0.40


def test_our_question_is_not_longer_than_it_was_planned() -> None:
    ours = our_prompt()

    assert ours.input_tokens <= 400 + 115
    assert ours.output_tokens <= 40


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("123", 1), ("1234", 2), ("123456789", 3), ("word", 1), (" \n  ", 1), ('":{"', 2)]
)
def test_digits_go_by_threes_and_marks_by_three(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens
