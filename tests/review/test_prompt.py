from __future__ import annotations

import hashlib
import json
import math
import re

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from aftershock.model.orders import Leg, Side
from aftershock.model.review import ReviewCode
from aftershock.model.signals import Action
from aftershock.review.prompt import FIELDS, PROMPT_VERSION, SYSTEM, question, record
from aftershock.review.providers import BUNDLED, Capability
from aftershock.review.wire import body_of
from tests.review.fakes import asked, provider, signal


def test_the_fixed_text_is_the_one_of_its_version() -> None:
    """A new wording makes old answers incomparable: it gets a new version, and its digest here."""
    digest = hashlib.sha256(SYSTEM.encode()).hexdigest()[:16]

    assert (PROMPT_VERSION, digest) == ("2026-11-27.1", "74b74a597c4f0b5d")


def test_the_text_names_every_place_of_the_record_and_every_reason() -> None:
    named = re.search(r"JSON array: ([^.]*)\.", SYSTEM)

    assert named is not None
    assert tuple(named.group(1).split(", ")) == FIELDS == tuple(record(asked()))
    assert all(code.value in SYSTEM for code in ReviewCode)


def test_providers_that_give_json_only_if_the_word_is_there_find_it() -> None:
    assert "json" in SYSTEM


def test_the_record_holds_the_figures_of_the_decision_by_place() -> None:
    _, user = question(asked(iv_price=0.4127, top_size_coins=12.5))
    figures = dict(zip(FIELDS, json.loads(user), strict=True))

    assert figures["side"] == "BUY"
    assert figures["edge"] == "A"
    assert figures["net_bps"] == 6
    assert figures["threshold_bps"] == 2
    assert figures["move_bps"] == -42
    assert figures["iv"] == 0.413
    assert figures["size"] == 12.5
    assert figures["fair_iv"] is None


def test_a_question_is_the_same_bytes_every_time() -> None:
    one, other = asked("t"), asked("t")

    assert body_of(provider(), "m", *question(one)) == body_of(provider(), "m", *question(other))


@given(st.text(min_size=1, max_size=40), st.floats(), st.floats())
def test_no_text_from_outside_reaches_a_prompt(hostile: str, figure: float, other: float) -> None:
    """D20: symbols, venues, assets and names of scenarios may hold anything; the prompt holds numbers and our words."""
    request = asked()
    leg = Leg(venue=hostile, symbol=hostile, side=Side.BUY, ratio=1.0, price=figure, price_usd=other)
    hidden = signal(
        Action.BUY,
        trigger_id=hostile,
        signal_id=hostile,
        source_market=hostile,
        target_market=hostile,
        asset=hostile,
        scenario=hostile,
        legs=(leg,),
        spread_bps=figure,
    )
    request = msgspec.structs.replace(
        request, request_id=hostile, trigger_id=hostile, signal=hidden, features={hostile: figure, "venues": other}
    )

    system, user = question(request)

    assert system == SYSTEM
    words = [value for value in json.loads(user) if isinstance(value, str)]
    assert words == ["BUY", "A", "price_move", words[3]]
    assert words[3] in ("C", "P", "-")


def test_numbers_that_are_none_are_null() -> None:
    _, user = question(asked(iv_price=math.nan, iv_value=math.inf))

    assert "NaN" not in user
    assert "inf" not in user.lower()


def test_each_provider_is_asked_in_its_own_dialect() -> None:
    system, user = question(asked())
    bodies = {name: json.loads(body_of(each, each.model, system, user)) for name, each in BUNDLED.items()}

    assert all(body["messages"][0] == {"role": "system", "content": SYSTEM} for body in bodies.values())
    assert all(body["temperature"] == 0 for body in bodies.values())
    assert bodies["deepseek"]["thinking"] == {"type": "disabled"}
    assert bodies["google"]["reasoning_effort"] == "none"
    assert bodies["openai"]["response_format"]["json_schema"]["strict"] is True
    assert bodies["deepseek"]["response_format"] == {"type": "json_object"}
    assert "response_format" not in bodies["anthropic"]
    assert bodies["openai"]["max_completion_tokens"] == bodies["holysheep"]["max_tokens"] == 80
    assert BUNDLED["holysheep"].model == "deepseek-v3.2"
    assert BUNDLED["openai"].capability is Capability.SCHEMA
