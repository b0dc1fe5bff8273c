"""One request to one provider: paid for, sent, read, recorded."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import NamedTuple

from aftershock.model.review import Fallback
from aftershock.model.units import NS_PER_S
from aftershock.review.answer import Completion, Failure, read_answer
from aftershock.review.clock import Clock
from aftershock.review.job import Job
from aftershock.review.lane import Lane
from aftershock.review.prompt import PROMPT_VERSION, SCHEMA_VERSION
from aftershock.review.purse import Hold, Purse
from aftershock.review.record import ReviewRecord, Verdict
from aftershock.review.tokens import estimate_tokens
from aftershock.review.transport import Lost, Raw, Transport
from aftershock.review.usage import Usage
from aftershock.review.verdict import read_verdict
from aftershock.review.wire import MOST_OUTPUT_TOKENS, body_of, digest_of, headers_of

__all__ = ["Answered", "Call", "Caller"]

_LONGEST_KEPT = 64 << 10
_FORM_REFUSED = (400, 422)


class Call(NamedTuple):
    """A request that is ready to be sent.

    Attributes:
        lane, job: To whom, and for which question.
        body, digest: Its bytes.
        tokens: Estimate of the question's.
    """

    lane: Lane
    job: Job
    body: bytes
    digest: str
    tokens: int


class Answered(NamedTuple):
    """A usable answer.

    Attributes:
        verdict: It.
        model: Who gave it, as the provider says; what was asked for where it does not say.
    """

    verdict: Verdict
    model: str


class Caller:
    """Makes calls."""

    def __init__(
        self,
        transport: Transport,
        purse: Purse,
        clock: Clock,
        on_record: Callable[[ReviewRecord], None],
        *,
        late_s: float,
        stream: bool,
    ) -> None:
        """Take what sends, pays, measures and remembers; and how long a late answer is waited for."""
        self._transport, self._purse, self._clock, self._on_record = transport, purse, clock, on_record
        self._late_s, self._stream = late_s, stream

    def prepare(self, lane: Lane, job: Job) -> Call:
        """Return the bytes of a question for one provider."""
        body = body_of(lane.provider, lane.model, job.system, job.user, stream=self._stream)
        return Call(lane, job, body, digest_of(body), estimate_tokens(job.system) + estimate_tokens(job.user))

    async def make(self, call: Call) -> Answered | Failure:
        """Send a request and return what came of it; nothing that a provider does raises.

        Raises:
            InputError: Ledger or recording take no more.
        """
        lane, job = call.lane, call.job
        hold = self._purse.reserve(
            lane.provider.name,
            lane.model,
            call.tokens,
            MOST_OUTPUT_TOKENS,
            trigger_id=job.request.trigger_id,
            strategy=job.strategy,
        )
        if isinstance(hold, Failure):
            return hold
        job.sent += 1
        lane.requests += 1
        started = self._clock.monotonic_ns()
        raw: Raw | None = None
        try:
            left_s = max(0.0, job.left_s(started)) + self._late_s
            raw = await asyncio.wait_for(
                self._transport.post(lane.url, headers_of(lane.key), call.body), timeout=left_s
            )
            read = self._read(raw, job)
        except TimeoutError:
            read = Failure(Fallback.DEADLINE, "the provider did not answer, however late")
        except Lost as lost:
            read = Failure(Fallback.UNREACHABLE, str(lost), again=True)
            if not lost.was_sent:
                hold.release()
                return self._told(call, hold, started, None, read, None, 0.0)
        except asyncio.CancelledError:
            job.is_estimate = True
            ended = Failure(Fallback.STOPPED, "the gateway ended before the provider answered")
            self._told(call, hold, started, None, ended, None, hold.settle_unknown())
            raise
        usage, cost = self._pay(call, hold, raw, read)
        return self._told(call, hold, started, raw, read, usage, cost)

    def _read(self, raw: Raw, job: Job) -> tuple[Completion, Verdict] | Failure:
        if raw.is_cut:
            return Failure(Fallback.INVALID, "the provider's answer is far too long")
        completion = read_answer(raw.status, raw.body)
        if isinstance(completion, Failure):
            return completion
        verdict = read_verdict(completion.content, job.side)
        if isinstance(verdict, Failure):
            return verdict._replace(usage=completion.usage, completion=completion)
        if job.known_answer and verdict.action != job.known_answer:
            wrong = "the model would make a trade that nobody should"
            return Failure(Fallback.INVALID, wrong, completion.usage, completion)
        return completion, verdict

    def _pay(
        self, call: Call, hold: Hold, raw: Raw | None, read: tuple[Completion, Verdict] | Failure
    ) -> tuple[Usage | None, float]:
        """Settle by what the provider counted; by our count if it says nothing of an answer; an error is free."""
        if raw is None:
            call.job.is_estimate = True
            return None, hold.settle_unknown()
        completion = read.completion if isinstance(read, Failure) else read[0]
        usage = read.usage if isinstance(read, Failure) else read[0].usage
        if usage is None and raw.status != 200:
            hold.release()
            return None, 0.0
        if usage is None:
            written = 0 if completion is None else estimate_tokens(completion.content)
            usage = Usage(input_tokens=call.tokens, output_tokens=written, is_estimate=True)
            call.job.is_estimate = True
        return usage, hold.settle(usage)

    def _told(
        self,
        call: Call,
        hold: Hold,
        started: int,
        raw: Raw | None,
        read: tuple[Completion, Verdict] | Failure,
        usage: Usage | None,
        cost: float,
    ) -> Answered | Failure:
        """Tell the provider's limits and breaker, record it, and return what is left of it."""
        lane, job, now = call.lane, call.job, self._clock.monotonic_ns()
        now_s = now / NS_PER_S
        job.cost_usd += cost
        failure = read if isinstance(read, Failure) else None
        verdict = None if isinstance(read, Failure) else read[1]
        completion = read.completion if isinstance(read, Failure) else read[0]
        late = job.is_over()
        if failure is None and completion is not None:
            lane.on_completion(completion, (now - started) / NS_PER_S, in_time=not late, now_s=now_s)
        elif failure is not None:
            if raw is not None and raw.status in _FORM_REFUSED and not lane.answers and lane.weaken():
                failure = failure._replace(again=True)
            else:
                lane.on_failure(failure, raw, now_s, self._clock.wall_ns() / NS_PER_S)
        reply = b"" if raw is None else raw.body
        self._on_record(
            job.record(
                provider=lane.provider.name,
                model=lane.model,
                answered_by="" if completion is None else completion.model,
                prompt_version=PROMPT_VERSION,
                schema_version=SCHEMA_VERSION,
                request_sha256=call.digest,
                request=call.body.decode(),
                status=0 if raw is None else raw.status,
                headers={} if raw is None else raw.headers,
                reply=_without_key(reply[:_LONGEST_KEPT].decode("utf-8", "replace"), lane.key),
                reply_bytes=len(reply),
                completion_id="" if completion is None else completion.completion_id,
                fingerprint="" if completion is None else completion.fingerprint,
                finish_reason="" if completion is None else completion.finish_reason,
                usage=usage,
                price=hold.price,
                cost_usd=cost if math.isfinite(cost) else None,
                queued_ms=job.ms_since(started),
                connect_ms=None if raw is None else job.ms_since(raw.sent_ns),
                first_byte_ms=None if raw is None else job.ms_since(raw.first_byte_ns),
                total_ms=job.ms_since(now),
                verdict=verdict,
                fallback="" if failure is None else failure.fallback.value,
                detail="" if failure is None else failure.detail,
                too_late=late,
            )
        )
        if isinstance(read, Failure):
            return failure or read
        return Answered(read[1], read[0].model or lane.model)


def _without_key(text: str, key: str) -> str:
    """Return a reply that does not say our key back."""
    return text.replace(key, "[key]") if key else text
