"""A model that answers as a test says, and a run in which its answers come in as they would live."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec

from aftershock.core.config import EngineConfig, ReviewConfig
from aftershock.core.engine import Effect, Engine
from aftershock.model.events import EndOfInput, Event, ReviewReply, Timer
from aftershock.model.signals import ReviewRequest
from aftershock.model.units import NAN
from tests.core.market import engine_of, millis, of_type

__all__ = ["Answer", "Mode", "Reviewed", "reply_to", "reviewed_run", "with_review"]

_NEVER = 2**63
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
    config: EngineConfig,
    events: Iterable[Event],
    answer: Callable[[ReviewRequest], Sequence[Answer]],
    *,
    with_timers: bool = False,
) -> Reviewed:
    """Run events to their end; each question is answered so long after it was asked, but never before it was heard.

    With timers the engine is called at its deadlines, as a live shell does.
    """
    shell = _Shell(engine_of(config), answer, with_timers=with_timers)
    for event in events:
        shell.let_pass(event.ts_init)
        shell.take(event)
    shell.let_pass(_NEVER)
    shell.effects += shell.engine.process(EndOfInput(ts_event=shell.last, ts_init=shell.last))
    return Reviewed(shell.engine, shell.inputs, shell.effects)


class _Shell:
    """An engine, answers on their way, and all that went in and came out."""

    def __init__(
        self, engine: Engine, answer: Callable[[ReviewRequest], Sequence[Answer]], *, with_timers: bool
    ) -> None:
        self.engine = engine
        self.inputs: list[Event] = []
        self.effects: list[Effect] = []
        self.last = 0
        self._answer = answer
        self._with_timers = with_timers
        self._under_way: list[tuple[int, int, ReviewReply]] = []
        self._count = 0

    def take(self, event: Event) -> None:
        """Process an event, and send the questions that come of it."""
        self.last = event.ts_init
        self.inputs.append(event)
        said = self.engine.process(event)
        self.effects += said
        for request in of_type(ReviewRequest, said):
            for answer in self._answer(request):
                for turn in range(answer.times):
                    ts = max(request.ts_init + millis(answer.after_ms + turn), self.last + 1)
                    self._count += 1
                    heapq.heappush(self._under_way, (ts, self._count, reply_to(request.request_id, answer, ts)))

    def let_pass(self, now: int) -> None:
        """Take the answers and the deadlines before a moment."""
        while True:
            answered = self._under_way[0][0] if self._under_way else _NEVER
            due = self.engine.next_deadline if self._with_timers and now < _NEVER else None
            deadline = _NEVER if due is None else max(due, self.last)
            if min(answered, deadline) >= now:
                return
            if answered <= deadline:
                self.take(heapq.heappop(self._under_way)[2])
            else:
                self.take(Timer(ts_event=deadline, ts_init=deadline, key="due"))
