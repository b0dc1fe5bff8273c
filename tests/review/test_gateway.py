"""The deadline path against scripted providers."""

from __future__ import annotations

import asyncio
import time

import pytest

from aftershock.model.review import Fallback
from aftershock.model.signals import Action
from aftershock.review.answer import Failure
from aftershock.review.config import GatewayConfig
from aftershock.review.providers import Capability
from aftershock.review.transport import Lost
from tests.review.fakes import (
    OpenPurse,
    ScriptedTransport,
    answer,
    asked,
    completion,
    desk,
    in_loop,
    provider,
    raw,
    until,
)

GOOD = raw(completion(answer()))
HOLD = raw(completion(answer("HOLD", 0.2, ["quote_old"])))


@in_loop
async def test_a_question_gets_the_models_verdict_with_its_cost() -> None:
    async with desk(ScriptedTransport(v1=[GOOD]), provider(base_url="http://127.0.0.1:9/v1")) as gateway:
        said = await gateway.outcome(asked())

        assert said.verdict is not None
        assert (said.verdict.action, said.verdict.probability) == ("BUY", 0.8)
        assert (said.provider, said.model, said.fallback) == ("one", "some-model", None)
        assert said.cost_usd == pytest.approx(430e-6)
        assert gateway.purse.open == 0
        (record,) = gateway.records
        assert record.usage is not None
        assert record.answered_by == "some-model"
        assert "some-model" in record.request
        assert (record.total_ms or 0) >= (record.first_byte_ms or 0) >= (record.queued_ms or 0) > 0


@in_loop
async def test_at_the_deadline_the_fallback_is_told_and_the_late_answer_is_recorded_and_paid_for() -> None:
    async with desk(ScriptedTransport(v1=[0.3, GOOD])) as gateway:
        started = time.monotonic()
        said = await gateway.outcome(asked(), within_s=0.1)
        waited = time.monotonic() - started

        assert said.fallback is Fallback.DEADLINE
        assert said.verdict is None
        assert 0.1 <= waited < 0.25
        await until(lambda: bool(gateway.records))
        (record,) = gateway.records
        assert record.too_late
        assert record.verdict is not None
        assert gateway.gateway.late == 1
        assert gateway.purse.spent_usd > 0


@in_loop
async def test_what_is_late_already_is_never_sent() -> None:
    transport = ScriptedTransport(v1=[GOOD])
    async with desk(transport) as gateway:
        assert (await gateway.outcome(asked(), within_s=-1.0)).fallback is Fallback.DEADLINE
        assert transport.sent == []
        assert gateway.records[0].fallback == "deadline"


@in_loop
async def test_of_those_that_wait_the_newest_goes_first_and_the_oldest_is_pushed_out() -> None:
    transport = ScriptedTransport(v1=[0.05, GOOD, 0.0, GOOD])
    config = GatewayConfig(queue=2, cache_s=0.0)
    async with desk(transport, provider(max_concurrent=1), config=config) as gateway:
        first, oldest, middle, newest = (asked(name) for name in ("first", "oldest", "middle", "newest"))
        for each in (first, oldest, middle, newest):
            gateway.ask(each, 2.0)
        for each in (first, oldest, middle, newest):
            await gateway.wait_for(each)

        assert gateway.told == ["oldest", "first", "newest", "middle"]
        assert gateway.outcomes["oldest/review"].fallback is Fallback.SHED
        assert transport.most_in_flight == 1


@in_loop
async def test_what_expires_in_the_queue_is_dropped_before_it_is_sent() -> None:
    transport = ScriptedTransport(v1=[0.2, GOOD])
    async with desk(transport, provider(max_concurrent=1)) as gateway:
        running, waiting = asked(), asked()
        gateway.ask(running, 2.0)
        gateway.ask(waiting, 0.05)
        assert (await gateway.wait_for(waiting)).fallback is Fallback.DEADLINE
        await gateway.wait_for(running)
        await asyncio.sleep(0.02)

        assert len(transport.sent) == 1


@in_loop
async def test_a_trigger_is_asked_about_once() -> None:
    transport = ScriptedTransport(v1=[0.05, GOOD])
    async with desk(transport) as gateway:
        one = asked("shock")
        again = asked("shock")
        gateway.ask(one, 1.0)
        await gateway.wait_for(one)
        assert len(transport.sent) == 1
        gateway.outcomes.clear()
        gateway.ask(one, 1.0)
        gateway.outcomes.clear()
        gateway.ask(again, 1.0)
        assert gateway.outcomes["shock/review"].fallback is Fallback.SHED


@in_loop
async def test_a_broken_connection_is_tried_again_while_there_is_time() -> None:
    transport = ScriptedTransport(v1=[Lost("the connection broke", was_sent=True), GOOD])
    async with desk(transport) as gateway:
        said = await gateway.outcome(asked(), within_s=5.0)

        assert said.verdict is not None
        assert len(transport.sent) == 2
        assert said.cost_is_estimate, "the first request may have been read, and charged for"
        assert [record.fallback for record in gateway.records] == ["unreachable", ""]


@in_loop
async def test_nothing_is_tried_again_inside_a_short_deadline() -> None:
    transport = ScriptedTransport(v1=[raw(b"", 500), GOOD])
    async with desk(transport) as gateway:
        assert (await gateway.outcome(asked(), within_s=0.1)).fallback is Fallback.HTTP
        assert len(transport.sent) == 1


@in_loop
async def test_another_provider_answers_for_one_that_fails() -> None:
    transport = ScriptedTransport(a=[raw(b"", 503)], b=[HOLD])
    providers = [provider(name, base_url=f"http://127.0.0.1:9/{name}") for name in ("a", "b")]
    async with desk(transport, *providers) as gateway:
        said = await gateway.outcome(asked(), within_s=0.5)

        assert said.provider == "b"
        assert transport.sent == ["a", "b"]


@in_loop
async def test_retry_after_closes_the_limiter_and_nobody_sleeps_past_a_deadline() -> None:
    transport = ScriptedTransport(v1=[raw(b"", 429, retry_after="30"), GOOD])
    async with desk(transport) as gateway:
        assert (await gateway.outcome(asked(), within_s=0.5)).fallback is Fallback.HTTP
        started = time.monotonic()
        said = await gateway.outcome(asked(), within_s=5.0)

        assert said.fallback is Fallback.RATE
        assert time.monotonic() - started < 0.5, "known at once to take too long"
        assert len(transport.sent) == 1


@in_loop
async def test_a_refused_key_is_not_tried_again_until_a_person_acts() -> None:
    for status in (401, 402, 403, 404):
        transport = ScriptedTransport(v1=[raw(b"", status), GOOD])
        async with desk(transport) as gateway:
            assert (await gateway.outcome(asked())).fallback is Fallback.HTTP
            said = await gateway.outcome(asked())

            assert said.fallback is Fallback.BREAKER
            assert f"HTTP {status}" in said.detail
            assert gateway.gateway.report()[0].state == "needs_a_person"
            assert len(transport.sent) == 1


@in_loop
async def test_a_provider_that_fails_is_left_alone_and_comes_back_by_a_canary() -> None:
    transport = ScriptedTransport(v1=[*[raw(b"", 500)] * 5, HOLD, GOOD])
    async with desk(transport) as gateway:
        (lane,) = gateway.lanes
        for _ in range(5):
            await gateway.outcome(asked(), within_s=0.2)
        assert (await gateway.outcome(asked())).fallback is Fallback.BREAKER
        assert len(transport.sent) == 5
        lane.breaker._opens_s = 0.0  # the pause is over

        assert (await gateway.outcome(asked())).fallback is Fallback.BREAKER, "a canary goes first"
        await until(lambda: lane.breaker.is_closed)
        assert (await gateway.outcome(asked())).verdict is not None
        assert [record.trigger_id.startswith("canary") for record in gateway.records].count(True) == 1


@in_loop
async def test_a_canary_that_wants_a_trade_that_nobody_should_keeps_the_provider_out() -> None:
    transport = ScriptedTransport(v1=[*[raw(b"", 500)] * 5, GOOD])
    async with desk(transport) as gateway:
        (lane,) = gateway.lanes
        for _ in range(5):
            await gateway.outcome(asked(), within_s=0.2)
        lane.breaker._opens_s = 0.0
        await gateway.outcome(asked())
        await until(lambda: len(transport.sent) == 6)
        await asyncio.sleep(0.02)

        assert not lane.breaker.is_closed


@pytest.mark.parametrize("proves_nothing", ["no money", "the other side"])
@in_loop
async def test_a_canary_that_proves_nothing_is_followed_by_another(proves_nothing: str) -> None:
    flipped = raw(completion(answer("SELL")))
    transport = ScriptedTransport(v1=[*[raw(b"", 500)] * 5, *([] if proves_nothing == "no money" else [flipped]), HOLD])
    purse = OpenPurse()
    async with desk(transport, purse=purse) as gateway:
        (lane,) = gateway.lanes
        for _ in range(5):
            await gateway.outcome(asked(), within_s=0.2)
        lane.breaker._opens_s = 0.0
        if proves_nothing == "no money":
            purse.refuses = Failure(Fallback.BUDGET, "the cap for a day is spent")
        await gateway.outcome(asked())
        await asyncio.sleep(0.02)
        assert not lane.breaker.is_closed
        purse.refuses, lane.breaker._opens_s = None, 0.0

        await gateway.outcome(asked())
        await until(lambda: lane.breaker.is_closed)


@in_loop
async def test_a_request_that_the_end_cuts_off_is_paid_for_and_on_record() -> None:
    async with desk(ScriptedTransport(v1=[30.0, GOOD])) as gateway:
        gateway.ask(asked("cut"), 60.0)
        await until(lambda: gateway.transport.in_flight == 1)
        await gateway.gateway.stop()

        (record,) = gateway.records
        assert (record.trigger_id, record.fallback, record.cost_usd) == ("cut", "stopped", 0.001)
        assert gateway.purse.spent_usd == 0.001


@in_loop
async def test_without_money_nothing_is_sent() -> None:
    transport = ScriptedTransport(v1=[GOOD])
    purse = OpenPurse(Failure(Fallback.BUDGET, "the cap for a day is spent"))
    async with desk(transport, purse=purse) as gateway:
        said = await gateway.outcome(asked())

        assert (said.fallback, said.detail) == (Fallback.BUDGET, "the cap for a day is spent")
        assert transport.sent == []


@in_loop
async def test_the_same_figures_are_not_paid_for_twice_within_their_time() -> None:
    transport = ScriptedTransport(v1=[GOOD])
    async with desk(transport, config=GatewayConfig(cache_s=5.0)) as gateway:
        await gateway.outcome(asked("one"))
        said = await gateway.outcome(asked("two"))
        other = await gateway.outcome(asked("three", venues=2.0))

        assert said.verdict is not None
        assert said.cost_usd == 0.0
        assert other.verdict is not None
        assert len(transport.sent) == 2
        assert [record.from_cache for record in gateway.records] == [False, True, False]


@in_loop
async def test_a_model_that_names_the_other_side_is_no_answer_and_is_not_asked_again() -> None:
    transport = ScriptedTransport(v1=[raw(completion(answer("SELL")))])
    async with desk(transport) as gateway:
        said = await gateway.outcome(asked(action=Action.BUY), within_s=5.0)

        assert said.fallback is Fallback.SEMANTIC
        assert len(transport.sent) == 1


@in_loop
async def test_another_model_than_asked_for_is_noticed() -> None:
    transport = ScriptedTransport(v1=[raw(completion(answer(), model="cheap-model-7b"))])
    async with desk(transport) as gateway:
        said = await gateway.outcome(asked())

        assert said.model == "cheap-model-7b"
        assert gateway.gateway.report()[0].other_models == 1


@in_loop
async def test_the_probe_finds_out_what_a_provider_can_be_held_to() -> None:
    transport = ScriptedTransport(v1=[raw(b"", 400), raw(b"", 422), HOLD])
    async with desk(transport, provider(capability=Capability.SCHEMA)) as gateway:
        (report,) = await gateway.gateway.probe()

        assert report.capability == "text"
        assert report.state == "closed"
        assert len(transport.sent) == 3


@in_loop
async def test_the_end_answers_everything_and_leaves_no_money_set_aside() -> None:
    transport = ScriptedTransport(v1=[30.0, GOOD])
    async with desk(transport, provider(max_concurrent=1)) as gateway:
        running, waiting = asked(), asked()
        gateway.ask(running, 60.0)
        gateway.ask(waiting, 60.0)
        await asyncio.sleep(0.01)
        await gateway.gateway.stop()
        late = await gateway.outcome(asked())

        assert {gateway.outcomes[each.request_id].fallback for each in (running, waiting)} == {Fallback.STOPPED}
        assert late.fallback is Fallback.STOPPED
        assert gateway.purse.open == 0


@in_loop
async def test_without_a_provider_it_says_so() -> None:
    async with desk(ScriptedTransport()) as gateway:
        gateway.gateway._lanes.clear()

        assert (await gateway.outcome(asked())).fallback is Fallback.NO_KEY


@in_loop
async def test_no_more_is_in_flight_than_the_provider_bears_and_too_many_halves_it() -> None:
    transport = ScriptedTransport(v1=[0.02, GOOD, 0.02, GOOD, 0.02, GOOD, 0.02, raw(b"", 429), GOOD])
    async with desk(transport, provider(max_concurrent=4), config=GatewayConfig(queue=100, cache_s=0.0)) as gateway:
        questions = [asked() for _ in range(12)]
        for each in questions:
            gateway.ask(each, 0.5)
        for each in questions:
            await gateway.wait_for(each)

        assert transport.most_in_flight <= 4
        assert gateway.lanes[0].limits.allowed < 4


@in_loop
async def test_a_recording_that_takes_no_more_ends_the_asking_and_not_the_engine() -> None:
    transport = ScriptedTransport(v1=[GOOD])
    async with desk(transport) as gateway:

        def full(_: object) -> None:
            raise OSError("no space")

        gateway.gateway._on_record = full
        said = await gateway.outcome(asked())
        after = await gateway.outcome(asked())

        assert (said.fallback, after.fallback) == (Fallback.STOPPED, Fallback.STOPPED)
        assert isinstance(gateway.gateway.failure, OSError)
        assert len(transport.sent) == 1


@in_loop
async def test_a_key_that_a_provider_says_back_is_not_recorded() -> None:
    body = b'{"error": {"message": "Incorrect API key provided: sk-secret-of-one"}}'
    async with desk(ScriptedTransport(v1=[raw(body, 401)])) as gateway:
        await gateway.outcome(asked())

        assert "sk-secret" not in str(gateway.records)
        assert "sk-secret" not in repr(gateway.lanes)
