"""Questions to a model in a journal: they come back as they went in, and a run with its answers repeats itself."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from aftershock.app.explain import explain
from aftershock.app.live.journal import LiveInputs, LiveRecording, Terms, review_replies
from aftershock.app.live.tally import Tally
from aftershock.app.outcome import Outcome
from aftershock.app.records import End, decode_effect, decode_output, encode_effect, encode_stats
from aftershock.app.replay import Watch, run
from aftershock.app.settings import Settings, config_keys
from aftershock.app.verification import verify
from aftershock.app.words import FALLBACKS
from aftershock.cli.explain_text import explanation_text
from aftershock.core.config import EngineConfig
from aftershock.journal import JournalReader
from aftershock.model.events import ReviewReply
from aftershock.model.review import Fallback
from aftershock.model.signals import Reason, ReviewRequest
from tests.core.market import of_type
from tests.core.reviewer import Answer, Mode, Reviewed, reviewed_run, with_review
from tests.core.test_static_trigger import rows

YES = Answer(action="BUY", probability=0.75, after_ms=40.0, reason_codes=("edge_wide", "quote_old"))
NO = Answer(action="HOLD", probability=0.2, after_ms=40.0)
LATE = Answer(action="BUY", probability=0.9, after_ms=300.0)


def run_of(mode: Mode, *answers: Answer) -> tuple[EngineConfig, Reviewed]:
    """Return a run with one question: a call spread for less than nothing, its quotes repeated once in line."""
    config = with_review(EngineConfig(), mode)
    events = [*rows(low_ask=0.0210), *rows(400.0, low_ask=0.0410)]
    return config, reviewed_run(config, events, lambda _: answers, with_timers=True)


def journal_of(folder: Path, mode: Mode, *answers: Answer, named: str = "") -> Path:
    """Write the journal that a live shell would."""
    config, live = run_of(mode, *answers)
    with LiveRecording(folder, config, Terms()) as recording:
        for event in live.inputs:
            whom = {"provider": named, "model": named, "latency_ms": 39.5}
            replied = isinstance(event, ReviewReply)
            recording.add_input(msgspec.structs.replace(event, **whom) if replied else event)
        for effect in live.effects:
            recording.add_effect(effect)
        recording.finish(live.engine.stats, End(last_ts=live.inputs[-1].ts_init, interrupted=False))
    return folder


def test_a_question_survives_its_record_and_is_reported() -> None:
    _, live = run_of("veto", YES)
    (request,) = of_type(ReviewRequest, live.effects)
    kind, payload = encode_effect(request)
    assert kind == 9
    again = decode_effect(payload)
    assert isinstance(again, ReviewRequest)
    assert encode_effect(again) == (kind, payload)
    assert (again.request_id, again.signal.legs) == (request.request_id, request.signal.legs)
    outcome, tally = Outcome(EngineConfig()), Tally()
    for effect in live.effects:
        outcome.add(effect)
        tally.add(effect)
    assert outcome.reviews == [request]
    assert (tally.asked, list(tally.reviews)) == (1, [request])


def test_counts_of_questions_survive_the_last_record() -> None:
    _, live = run_of("gate", LATE)
    counts = decode_output(*encode_stats(live.engine.stats))
    assert getattr(counts, "review", None) == live.engine.stats.review
    assert (live.engine.stats.review.late, live.engine.stats.review.fallbacks) == (1, {"deadline": 1})


@pytest.mark.parametrize("mode", ["shadow", "veto", "gate"])
@pytest.mark.parametrize("answers", [(), (YES,), (NO,), (LATE,), (NO, YES)])
def test_a_live_journal_with_its_answers_gives_the_same_bytes_again(
    tmp_path: Path, mode: Mode, answers: tuple[Answer, ...]
) -> None:
    verified = verify(journal_of(tmp_path / "journal", mode, *answers))
    assert verified.comparison.held
    assert verified.comparison.mode == "exact"


def test_a_replay_of_a_live_journal_counts_questions_and_answers(tmp_path: Path) -> None:
    folder = journal_of(tmp_path / "journal", "veto", YES, NO)
    config, _ = run_of("veto")
    settings = Settings(config, dict.fromkeys(config_keys(), "test"))
    result = run(LiveInputs(JournalReader(folder)), settings, Watch())
    review = result.document()["review"]
    assert (review["requests"], review["held"], review["replies"], review["repeated"]) == (1, 1, 1, 1)


def test_an_explanation_tells_what_the_model_said_and_what_waiting_cost(tmp_path: Path) -> None:
    found = explain(journal_of(tmp_path / "journal", "veto", YES, named="deepseek-v3.2"), "best")
    assert found.question is not None
    assert found.answer is not None
    text = explanation_text(found)
    assert "second opinion\n  asked" in text
    assert "veto: its orders wait, 100 ms" in text
    assert "'deepseek-v3.2 deepseek-v3.2' said 'BUY', probability 0.75, because of 'edge_wide, quote_old'" in text
    assert "after 39.5 ms" in text
    assert "waited 40.0 ms, lost +0.000 bps of net edge meanwhile; it left 100.0 % of the size" in text
    document = found.document()
    assert document["signal"]["review"]["waited_ms"] == 40.0
    assert document["question"]["expires_ns"] == str(found.question.expires_ns)
    assert document["answer"]["action"] == "BUY"
    assert document["in_words"]["fallback"] is None


def test_an_explanation_tells_why_there_was_no_answer(tmp_path: Path) -> None:
    found = explain(journal_of(tmp_path / "journal", "gate"), "best")
    assert found.signal.reason is Reason.MODEL_UNSURE
    text = explanation_text(found)
    assert "stood in for it: deadline, no answer within the deadline" in text
    assert "it left 0.0 % of the size" in text
    assert found.document()["in_words"]["fallback"] == FALLBACKS[Fallback.DEADLINE]


def test_an_explanation_of_a_decision_that_did_not_wait_says_that_it_did_not(tmp_path: Path) -> None:
    text = explanation_text(explain(journal_of(tmp_path / "journal", "shadow", NO), "best"))
    assert "shadow: the order did not wait" in text
    assert "said 'HOLD'" in text
    assert "lost" not in text


def test_what_a_provider_calls_itself_can_not_write_on_the_terminal(tmp_path: Path) -> None:
    text = explanation_text(explain(journal_of(tmp_path / "journal", "veto", YES, named="\x1b[31mred"), "best"))
    assert "\x1b" not in text
    assert "\\x1b[31mred" in text


def test_a_decision_that_nobody_was_asked_about_has_no_second_opinion(tmp_path: Path) -> None:
    found = explain(journal_of(tmp_path / "journal", "off"), "best")
    assert "second opinion" not in explanation_text(found)
    assert found.document()["question"] is None


def test_answers_are_found_among_the_inputs(tmp_path: Path) -> None:
    folder = journal_of(tmp_path / "journal", "veto", YES, NO)
    assert [reply.action for reply in review_replies(JournalReader(folder))] == ["BUY", "HOLD"]


def test_every_fallback_has_words() -> None:
    assert list(FALLBACKS) == list(Fallback)
