"""A model that answers as a test says, and a run in which its answers come in as they would live."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec

from aftershock.core.config import EngineConfig, ReviewConfig
from aftershock.core.engine import Effect, Engine
from aftershock.model.events import EndOfInput, Event, ReviewReply
from aftershock.model.signals import ReviewRequest
from aftershock.model.units import NAN
from tests.core.market import engine_of, millis

__all__ = ["Answer", "Mode", "Reviewed", "reply_to", "reviewed_run", "with_review"]

Mode = Literal["off", "shadow", "veto", "gate"]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a model says and when; `times` more than once repeats itself, a millisecond later each time."""

    action: str = ""
    probability: float = NAN
    fallback: str = ""
    after_ms: float = 20.0
    times: int = 1
    reason_codes: tuple[str, ...] = ()


class Reviewed(msgspec.Struct, frozen=True):
    """A run: the engine, all its inputs with the answers among them, and what it said."""

    engine: Engine
    inputs: list[Event]
    effects: list[Effect]


def with_review(config: EngineConfig, mode: Mode, **settings: float | str) -> EngineConfig:
    review = msgspec.convert({"mode": mode, **settings}, ReviewConfig)
    return msgspec.structs.replace(config, review=review)


def reply_to(request_id: str, answer: Answer, ts: int) -> ReviewReply:
    return ReviewReply(
        ts_event=ts,
        ts_init=ts,
        request_id=request_id,
        action=answer.action,
        probability=answer.probability,
        fallback=answer.fallback,
        reason_codes=answer.reason_codes,
    )


def reviewed_run(
    config: EngineConfig, events: Iterable[Event], answer: Callable[[ReviewRequest], Sequence[Answer]]
) -> Reviewed:
    """Run events to their end; each question is answered so long after it was asked, but never before it was heard."""
    engine, inputs, effects = engine_of(config), list[Event](), list[Effect]()
    waiting: list[tuple[int, int, ReviewReply]] = []
    last = count = 0

    def take(event: Event) -> None:
        nonlocal last, count
        last = event.ts_init
        if not isinstance(event, EndOfInput):
            inputs.append(event)
        said = engine.process(event)
        effects.extend(said)
        for request in said:
            if not isinstance(request, ReviewRequest):
                continue
            for each in answer(request):
                for turn in range(each.times):
                    ts = max(request.ts_init + millis(each.after_ms + turn), last + 1)
                    count += 1
                    heapq.heappush(waiting, (ts, count, reply_to(request.request_id, each, ts)))

    for event in events:
        while waiting and waiting[0][0] < event.ts_init:
            take(heapq.heappop(waiting)[2])
        take(event)
    while waiting:
        take(heapq.heappop(waiting)[2])
    take(EndOfInput(ts_event=last, ts_init=last))
    return Reviewed(engine, inputs, effects)
