"""The engine with a second opinion in simulated time: what an answer does, when it comes, and what is kept of it."""

from __future__ import annotations

from functools import lru_cache

import msgspec
import pytest

from aftershock.app.evaluation.calibrations import load
from aftershock.app.evaluation.plan import Job, Review, engine_config, make_session
from aftershock.app.evaluation.pool import run_jobs
from aftershock.app.evaluation.reviewed import ReviewedStrategy
from aftershock.app.evaluation.reviewers import Answer
from aftershock.app.evaluation.runner import run_session
from aftershock.core.config import ReviewConfig
from aftershock.model.signals import ReviewRequest
from aftershock.study.records import OrderRecord, QuestionRecord, ReviewedRecord, TriggerRecord

pytestmark = pytest.mark.slow

LATENCY_MS = 300.0


class Fixed:
    """Says the same to everything, after a while; agrees unless told what to say."""

    def __init__(self, latency_ms: float, action: str = "", fallback: str = "") -> None:
        self._latency_ms, self._action, self._fallback = latency_ms, action, fallback

    def ask(self, request: ReviewRequest, scope: str) -> Answer:  # noqa: ARG002 - as the protocol has it
        action = "" if self._fallback else self._action or request.signal.action.value
        return Answer(action=action, probability=0.9, fallback=self._fallback, latency_ms=self._latency_ms)


def job(review: Review | None = None, *, mode: str = "veto", deadline_ms: float = 1_000.0) -> Job:
    config = engine_config(load("bundled"))
    if review is not None:
        config = msgspec.structs.replace(config, review=ReviewConfig(mode=mode, deadline_ms=deadline_ms))  # type: ignore[arg-type]
    return Job(
        seed=5, world="base", makers="slow", latencies_ms=(20.0,), strategy="engine", config=config, count=2,
        review=review,
    )  # fmt: skip


@lru_cache(maxsize=8)
def run(one: Job) -> list[TriggerRecord]:
    (records,) = run_jobs([one], processes=1)
    assert records is not None
    return records[0]


def ask(reviewer: Fixed, *, mode: str = "veto", deadline_ms: float = 1_000.0) -> list[TriggerRecord]:
    one = job(Review(reviewer="nobody"), mode=mode, deadline_ms=deadline_ms)
    session = make_session(one)
    (records,) = run_session(session, ReviewedStrategy(one.config, session.listing, reviewer), (20.0,))
    return records


def orders(records: list[TriggerRecord]) -> list[OrderRecord]:
    return [order for record in records for order in record.orders]


def outcomes(sent: list[OrderRecord]) -> list[object]:
    """Return what was ordered and what came of it; claims are computed again, and differ in their last digits."""
    return [
        (each.trigger, each.edge, each.legs, each.quantity, each.filled, each.decided_ms, repr(each.edge_bps))
        for each in sent
    ]


def questions(records: list[TriggerRecord]) -> list[QuestionRecord]:
    return [question for record in records for question in record.questions]


def touched(records: list[TriggerRecord]) -> list[ReviewedRecord]:
    return [each for record in records for each in record.reviewed]


def test_a_reviewer_that_agrees_at_once_changes_no_order() -> None:
    without, agreed = orders(run(job())), orders(ask(Fixed(0.0)))
    assert len(without) > 10
    assert outcomes(agreed) == outcomes(without)


@pytest.mark.parametrize("mode", ["veto", "gate"])
def test_a_reviewer_that_always_refuses_leaves_no_order(mode: str) -> None:
    refused = ask(Fixed(0.0, "HOLD"), mode=mode)
    assert orders(refused) == []
    assert questions(refused)
    assert {each.reason for each in touched(refused)} == {"model_unsure"}


def test_an_answer_comes_after_its_latency_and_the_order_waits_for_it() -> None:
    late, at_once = ask(Fixed(LATENCY_MS)), orders(run(job()))
    waited = [each.waited_ms for each in touched(late) if each.waited_ms > 0]
    assert waited
    assert max(waited) == LATENCY_MS
    assert orders(late)[0].decided_ms >= at_once[0].decided_ms + LATENCY_MS - 100.0
    assert any(each.lost_bps > 0 for each in touched(late))


def test_past_the_deadline_the_engine_decides_alone_at_that_moment() -> None:
    veto, gate = (ask(Fixed(5_000.0, "HOLD"), mode=mode, deadline_ms=250.0) for mode in ("veto", "gate"))
    assert {each.fallback for each in questions(veto)} == {"deadline"}
    assert {each.waited_ms for each in touched(veto) if each.waited_ms > 0} == {250.0}
    assert orders(veto)
    assert all(each.action == "HOLD" for each in questions(veto))  # a late answer is kept, and changes nothing
    assert orders(gate) == []


def test_a_reviewer_without_an_answer_leaves_the_rules_alone() -> None:
    silent = ask(Fixed(0.0, fallback="budget"))
    assert outcomes(orders(silent)) == outcomes(orders(run(job())))
    assert {each.fallback for each in touched(silent)} == {"budget"}


def test_the_stand_in_answers_the_same_every_time_and_is_marked() -> None:
    one = job(Review(reviewer="stand-in", latency_ms=LATENCY_MS))
    first = run(one)
    (again,) = run_jobs([one], processes=1)
    assert again is not None
    assert repr(again[0]) == repr(first)
    asked = questions(first)
    assert asked
    assert all(each.stand_in and each.is_estimate for each in asked)
    assert all(each.input_tokens and each.output_tokens and each.cost_usd > 0 for each in asked)
    assert {each.latency_ms for each in asked} == {LATENCY_MS}
