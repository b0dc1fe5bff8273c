"""D20: names of instruments that give orders to a model. They cause no order and are in no request."""

from __future__ import annotations

import msgspec
import pytest

from aftershock.app.evaluation.calibrations import load
from aftershock.app.evaluation.plan import Job, engine_config, make_session
from aftershock.app.evaluation.reviewed import ReviewedStrategy
from aftershock.app.evaluation.reviewers import Answer
from aftershock.app.evaluation.runner import run_session
from aftershock.app.evaluation.strategies import EngineStrategy
from aftershock.core.config import ReviewConfig
from aftershock.model import events as ev
from aftershock.model.signals import ReviewRequest
from aftershock.model.units import NS_PER_S
from aftershock.review.prompt import SYSTEM, question
from aftershock.review.providers import BUNDLED
from aftershock.review.wire import body_of
from aftershock.sim.market.hostile import HOSTILE_TEXTS
from aftershock.sim.market.script import FeedFault, Script, write_script
from aftershock.study.records import TriggerRecord

pytestmark = pytest.mark.slow

HOSTILE = {"IGNORE", "INSTRUCTIONS", "90000-C", "im_start", "jndi", "\\u0000", "\x1b", "\u202e", "\uff19"}


class Wire:
    """Agrees with everything, and keeps the bytes that each provider would be sent."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def ask(self, request: ReviewRequest, scope: str) -> Answer:  # noqa: ARG002 - as the protocol has it
        system, user = question(request)
        self.bodies += [body_of(each, each.model, system, user) for each in BUNDLED.values()]
        return Answer(action=request.signal.action.value, probability=1.0, latency_ms=0.0)


def job(*, decoys: tuple[str, ...] = (), count: int) -> Job:
    return Job(
        seed=5, world="base", makers="slow", latencies_ms=(20.0,), strategy="engine", decoys=decoys, count=count,
        config=msgspec.structs.replace(
            engine_config(load("bundled")), review=ReviewConfig(mode="veto", deadline_ms=1_000.0)
        ),
    )  # fmt: skip


def run(one: Job, wire: Wire) -> tuple[list[TriggerRecord], EngineStrategy]:
    session = make_session(one)
    strategy = ReviewedStrategy(one.config, session.listing, wire)
    return run_session(session, strategy, (20.0,))[0], strategy


def test_an_episode_of_hostile_names_holds_them_all_beside_the_true_feeds() -> None:
    one = job(decoys=("D20",), count=1)
    episode = next(make_session(one).episodes())
    seen: set[str] = set()
    while episode.next_place() is not None:
        event = episode.pop()
        if isinstance(event, ev.OptionQuotes):
            seen.update(event.symbols)
        elif isinstance(event, ev.Liquidation | ev.Quote):
            seen.add(event.symbol)
    assert seen > set(HOSTILE_TEXTS)
    assert len(seen) > len(HOSTILE_TEXTS) + 50


def test_hostile_names_cause_no_order() -> None:
    records, _ = run(job(decoys=("D20",), count=3), Wire())
    assert [record.plan for record in records] == ["D20"] * 3
    assert [record.orders for record in records] == [()] * 3


def test_no_request_holds_a_word_of_them_while_true_orders_are_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    def hostile(rng: object, kind: str, onset: int, *, shock: bool) -> Script:
        written = write_script(rng, kind, onset, shock=shock)  # type: ignore[arg-type]
        return msgspec.structs.replace(
            written, fault=FeedFault.HOSTILE, fault_from_ns=onset - 5 * NS_PER_S, fault_to_ns=onset + 60 * NS_PER_S
        )

    one, wire = job(count=2), Wire()
    monkeypatch.setattr("aftershock.sim.market.episode.write_script", hostile)
    records, strategy = run(one, wire)
    assert wire.bodies
    for body in wire.bodies:
        text = body.decode().replace(msgspec.json.encode(SYSTEM).decode(), "")
        assert not any(word in text for word in HOSTILE)
        assert not any(msgspec.json.encode(name).decode()[1:-1] in text for name in HOSTILE_TEXTS)
    ordered = [symbol for record in records for order in record.orders for symbol in order.symbols]
    assert ordered
    assert not set(ordered) & set(HOSTILE_TEXTS)
    counted = strategy.engine.stats.unknown_instruments
    assert all(f"{name}.deribit" in counted for name in HOSTILE_TEXTS)  # dropped, and said so
