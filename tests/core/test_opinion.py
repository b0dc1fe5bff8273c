"""What a model's answer allows, mode by mode; what makes no sense is no answer."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.core.config import ReviewConfig
from aftershock.core.opinion import Verdict, opinion, without_answer
from aftershock.model.review import Fallback
from aftershock.model.signals import Action, Reason
from tests.core.market import T0
from tests.core.reviewer import Answer, reply_to


def verdict(
    action: str = "", probability: float = math.nan, fallback: str = "", proposed: Action = Action.BUY, **config: object
) -> Verdict:
    answer = Answer(action=action, probability=probability, fallback=fallback)
    settings = msgspec.convert({"mode": "veto", **config}, ReviewConfig)
    return opinion(reply_to("t/review", answer, T0), proposed, settings)


@pytest.mark.parametrize("mode", ["veto", "gate"])
def test_consent_lets_the_whole_order_go(mode: str) -> None:
    assert verdict("BUY", 0.8, mode=mode) == Verdict(probability=0.8)
    assert verdict("SELL", 0.8, proposed=Action.SELL, mode=mode) == Verdict(probability=0.8)


@pytest.mark.parametrize("mode", ["veto", "gate"])
@pytest.mark.parametrize("probability", [0.0, 0.9, 1.0])
def test_hold_refuses_however_probable(mode: str, probability: float) -> None:
    assert verdict("HOLD", probability, mode=mode) == Verdict(
        refusal=Reason.MODEL_UNSURE, share=0.0, probability=probability
    )


def test_a_gate_needs_its_probability_and_a_veto_none() -> None:
    assert verdict("BUY", 0.49, mode="gate").refusal is Reason.MODEL_UNSURE
    assert verdict("BUY", 0.50, mode="gate").refusal is None
    assert verdict("BUY", 0.01, mode="veto").refusal is None
    assert verdict("BUY", 0.7, mode="gate", min_probability=0.8).refusal is Reason.MODEL_UNSURE


def test_below_full_size_it_shrinks_in_proportion_and_never_grows() -> None:
    assert verdict("BUY", 0.4, full_size_probability=0.8).share == 0.5
    assert verdict("BUY", 0.8, full_size_probability=0.8).share == 1.0
    assert verdict("BUY", 1.0, full_size_probability=0.8).share == 1.0
    assert verdict("BUY", 0.4).share == 1.0


@pytest.mark.parametrize(
    ("action", "probability"),
    [
        ("SELL", 0.9),  # the other side
        ("buy", 0.9),
        ("", 0.9),
        ("STRONG BUY", 0.9),
        ("BUY", math.nan),
        ("BUY", -0.01),
        ("BUY", 1.01),
        ("BUY", math.inf),
        ("HOLD", math.nan),
        ("", math.nan),
    ],
)
def test_nonsense_is_no_answer(action: str, probability: float) -> None:
    assert verdict(action, probability) == Verdict(fallback=Fallback.SEMANTIC)
    refused = Verdict(refusal=Reason.MODEL_UNSURE, share=0.0, fallback=Fallback.SEMANTIC)
    assert verdict(action, probability, mode="gate") == refused


def test_a_fallback_counts_before_whatever_else_the_reply_says() -> None:
    assert verdict("HOLD", 0.1, "http") == Verdict(fallback=Fallback.HTTP)


def test_a_fallback_that_nobody_agreed_on_makes_no_sense() -> None:
    assert verdict(fallback="tired").fallback is Fallback.SEMANTIC


@pytest.mark.parametrize("fallback", Fallback)
def test_silence_is_consent_to_a_veto_and_refusal_to_a_gate_unless_told_otherwise(fallback: Fallback) -> None:
    reason = Reason.BUDGET if fallback is Fallback.BUDGET else Reason.MODEL_UNSURE
    acts, rejects = Verdict(fallback=fallback), Verdict(refusal=reason, share=0.0, fallback=fallback)
    assert without_answer(fallback, ReviewConfig(mode="veto")) == acts
    assert without_answer(fallback, ReviewConfig(mode="gate")) == rejects
    assert without_answer(fallback, ReviewConfig(mode="veto", on_fallback="reject")) == rejects
    assert without_answer(fallback, ReviewConfig(mode="gate", on_fallback="rule")) == acts


@given(
    st.text(max_size=5) | st.sampled_from(["BUY", "SELL", "HOLD"]),
    st.floats(),
    st.text(max_size=5) | st.sampled_from([each.value for each in Fallback]),
    st.floats(0.0, 1.0),
    st.sampled_from(["veto", "gate"]),
)
def test_whatever_comes_some_share_of_the_order_goes_or_none(
    action: str, probability: float, fallback: str, full: float, mode: str
) -> None:
    found = verdict(action, probability, fallback, mode=mode, full_size_probability=full)
    assert 0.0 <= found.share <= 1.0
    assert found.refusal in (None, Reason.MODEL_UNSURE, Reason.BUDGET)
