"""The deadline path: questions in, exactly one outcome for each, in time whatever the providers do.

A question is never sent once its deadline is over, never waits past it, and its outcome is told at the deadline even
if a request for it is still out; that request may go on a while, because it is paid for anyway and its answer is worth
recording. Questions that wait are taken newest first: of two shocks the later one is still worth an opinion.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Sequence
from random import Random

from aftershock.model.review import Fallback
from aftershock.model.signals import ReviewRequest
from aftershock.model.units import NS_PER_S
from aftershock.review.answer import Failure
from aftershock.review.cache import VerdictCache
from aftershock.review.call import Answered, Call, Caller
from aftershock.review.canary import ANSWER, canary
from aftershock.review.clock import Clock, SystemClock
from aftershock.review.config import GatewayConfig
from aftershock.review.job import Job, Outcome
from aftershock.review.lane import Lane, LaneReport
from aftershock.review.prompt import question
from aftershock.review.purse import Purse
from aftershock.review.record import ReviewRecord
from aftershock.review.transport import Transport
from aftershock.review.wire import MOST_OUTPUT_TOKENS

__all__ = ["Gateway"]

_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 8.0
_CANARY_S = 10.0
_FORMS = 3


class Gateway:
    """Asks providers for opinions.

    Attributes:
        fallbacks: How often each stood in for an answer.
        questions: Asked so far; `late` answers that came after their deadline.
        failure: What the recording or the ledger failed with: nothing is asked after it. None while all is well.
    """

    def __init__(
        self,
        lanes: Sequence[Lane],
        config: GatewayConfig,
        transport: Transport,
        purse: Purse,
        on_outcome: Callable[[Outcome], None],
        *,
        on_record: Callable[[ReviewRecord], None] = lambda _: None,
        clock: Clock | None = None,
        random: Random | None = None,
    ) -> None:
        """Take whom to ask and who listens; it needs a running loop.

        Args:
            lanes: Providers, the first that can be asked is.
            config: Queue, attempts, cache.
            transport: Sends.
            purse: Pays.
            on_outcome: Gets exactly one outcome for each question.
            on_record: Gets a record of each request, and of each question for which none was sent.
            clock: Clocks.
            random: For jitter.
        """
        self._lanes, self._config = list(lanes), config
        self._on_outcome, self._on_record = on_outcome, on_record
        self._clock, self._random = clock or SystemClock(), random or Random()  # noqa: S311 - jitter
        self._caller = Caller(transport, purse, self._clock, self._keep, late_s=config.late_s, stream=config.stream)
        self._cache = VerdictCache(int(config.cache_s * NS_PER_S))
        self._waiting: deque[Job] = deque()
        self._by_trigger: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = self._canaries = 0
        self._stopped = False
        self.fallbacks: Counter[Fallback] = Counter()
        self.questions = self.late = 0
        self.failure: BaseException | None = None

    # --- from outside -------------------------------------------------------------------------------------------

    def submit(self, request: ReviewRequest, deadline_ns: int) -> None:
        """Take a question; its outcome comes at once or later, by the deadline at the latest.

        Args:
            request: The question.
            deadline_ns: Monotonic clock.
        """
        now = self._clock.monotonic_ns()
        job = Job(request, question(request), deadline_ns, now, self._clock.wall_ns())
        self.questions += 1
        if self._stopped or self.failure is not None:
            self._give_up(job, Failure(Fallback.STOPPED, "the gateway has ended"))
        elif not self._lanes:
            self._give_up(job, Failure(Fallback.NO_KEY, "no provider has a key"))
        elif job.left_s(now) <= 0:
            self._give_up(job, Failure(Fallback.DEADLINE, "the question came after its deadline"))
        elif request.trigger_id in self._by_trigger:
            self._give_up(job, Failure(Fallback.SHED, "a question about the same trigger is out already"))
        else:
            self._by_trigger[request.trigger_id] = job
            job.timer = asyncio.get_running_loop().call_later(job.left_s(now), self._expire, job)
            if self._running < sum(lane.limits.allowed for lane in self._lanes):
                self._start(self._ask(job), job)
            else:
                self._queue(job)

    async def probe(self) -> list[LaneReport]:
        """Ask each provider a question with a known answer, all at once, and return how they did."""
        await asyncio.gather(*(self._probe(lane) for lane in self._lanes))
        return self.report()

    def report(self) -> list[LaneReport]:
        """Return how each provider did."""
        return [lane.report() for lane in self._lanes]

    async def stop(self, patience_s: float = 0.0) -> None:
        """Answer what waits, let requests that are out come back for so long, and end."""
        self._stopped = True
        ended = Failure(Fallback.STOPPED, "the gateway ended first")
        while self._waiting:
            self._give_up(self._waiting.pop(), ended)
        tasks = list(self._tasks)
        if tasks and patience_s > 0:
            await asyncio.wait(tasks, timeout=patience_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for job in list(self._by_trigger.values()):
            self._give_up(job, ended)

    # --- queue --------------------------------------------------------------------------------------------------

    def _queue(self, job: Job) -> None:
        self._waiting.append(job)
        if len(self._waiting) > self._config.queue:
            pushed_out = Failure(Fallback.SHED, "newer questions pushed it out of the queue")
            self._give_up(self._waiting.popleft(), pushed_out)

    def _start(self, work: Coroutine[None, None, None], job: Job | None = None) -> None:
        self._running += job is not None
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._done(done, job))

    def _done(self, task: asyncio.Task[None], job: Job | None) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:  # the ledger or the recording takes no more, or a fault of ours: ask nobody any more
            self.failure = self.failure or error
        if job is None:
            return
        self._running -= 1
        if not job.is_over():
            self._give_up(job, Failure(Fallback.STOPPED, "the gateway ended first"))
        while self._waiting and not self._stopped:
            newest = self._waiting.pop()
            if not newest.is_over():
                self._start(self._ask(newest), newest)
                return

    def _expire(self, job: Job) -> None:
        self._give_up(job, Failure(Fallback.DEADLINE, "no answer by the deadline"))

    # --- one question -------------------------------------------------------------------------------------------

    async def _ask(self, job: Job) -> None:
        tried: set[str] = set()
        failure: Failure | None = None
        for attempt in range(1, self._config.attempts + 1):
            picked = self._pick(job, tried)
            if isinstance(picked, Failure):
                failure = failure or picked
                break
            lane, wait_s = picked
            call = self._caller.prepare(lane, job)
            if (known := self._cache.find(call.digest, self._now_ns)) is not None:
                self._answer_from_cache(call, known)
                return
            said = await self._send(call, wait_s)
            if said is None or self.failure is not None:
                break
            if isinstance(said, Answered):
                self._cache.keep(call.digest, said, self._now_ns)
                self._answer(call, said)
                return
            failure = said
            if job.is_over() or failure.fallback in (Fallback.BUDGET, Fallback.SEMANTIC):
                break
            tried.add(lane.provider.name)
            if attempt == self._config.attempts or not await self._may_try_again(job, tried, failure, attempt):
                break
        if self.failure is not None:
            failure = Failure(Fallback.STOPPED, "the gateway can't go on")
        self._give_up(job, failure or Failure(Fallback.BREAKER, "nobody could be asked"))

    async def _may_try_again(self, job: Job, tried: set[str], failure: Failure, attempt: int) -> bool:
        """Tell whether somebody is left to ask; if everybody was asked, wait, longer each time, with jitter.

        False at once where waiting does not help, or leaves no time for an answer.
        """
        if len(tried) < len(self._lanes):
            return True
        if not failure.again:
            return False
        pause_s = min(_FIRST_PAUSE_S * 2 ** (attempt - 1), _LONGEST_PAUSE_S) * self._random.uniform(0.5, 1.0)
        fastest_s = min(lane.typical_s for lane in self._lanes)
        if pause_s + fastest_s >= job.left_s(self._now_ns):
            return False
        await self._clock.sleep(pause_s)
        tried.clear()
        return not job.is_over()

    async def _send(self, call: Call, wait_s: float) -> Answered | Failure | None:
        """Send a request once it may be; None if its deadline was over before."""
        call.lane.limits.start(call.tokens + MOST_OUTPUT_TOKENS, self._now_s)
        try:
            if wait_s > 0:
                await self._clock.sleep(wait_s)
            if call.job.is_over():
                return None
            said = await self._caller.make(call)
        finally:
            call.lane.limits.finish()
        if call.job.is_over() and isinstance(said, Answered):
            self.late += 1
        return said

    def _pick(self, job: Job, tried: set[str]) -> tuple[Lane, float] | Failure:
        """Return who is asked next, and after how long; or why nobody is."""
        failure = Failure(Fallback.BREAKER, "nobody is left to ask")
        now_s = self._now_s
        left_s = job.left_s(self._now_ns)
        tokens = len(job.user)  # more than it will be
        for lane in self._lanes:
            if lane.provider.name in tried:
                continue
            if not lane.breaker.is_closed:
                failure = Failure(Fallback.BREAKER, f"{lane.provider.name} is not asked: {lane.breaker.why}")
                if lane.breaker.sends_canary(now_s):
                    self._start(self._try(lane))
            elif not lane.limits.has_room:
                failure = Failure(Fallback.RATE, f"{lane.provider.name} has as many requests as it bears")
            elif (wait_s := lane.limits.ready_in_s(tokens, now_s)) >= left_s:
                failure = Failure(Fallback.RATE, f"{lane.provider.name} is to be asked again in {wait_s:.1f} s")
            else:
                return lane, wait_s
        return failure

    # --- canaries -----------------------------------------------------------------------------------------------

    async def _probe(self, lane: Lane) -> None:
        """Learn what a provider's answers can be held to: each form that it refuses gives way to a weaker one."""
        for _ in range(_FORMS):
            before = lane.provider.capability
            said = await self._ask_canary(lane)
            if isinstance(said, Answered) or lane.provider.capability is before:
                return

    async def _try(self, lane: Lane) -> None:
        said = await self._ask_canary(lane)
        if isinstance(said, Failure):  # one that was never sent, or made no sense, tells the breaker nothing by itself
            lane.breaker.on_unproved(said.detail, self._now_s)

    async def _ask_canary(self, lane: Lane) -> Answered | Failure:
        self._canaries += 1
        request = canary(self._canaries)
        now = self._now_ns
        deadline = now + int(_CANARY_S * NS_PER_S)
        job = Job(request, question(request), deadline, now, self._clock.wall_ns())
        job.known_answer = ANSWER
        return await self._caller.make(self._caller.prepare(lane, job))

    # --- outcomes -----------------------------------------------------------------------------------------------

    @property
    def _now_ns(self) -> int:
        return self._clock.monotonic_ns()

    @property
    def _now_s(self) -> float:
        return self._clock.monotonic_ns() / NS_PER_S

    def _answer(self, call: Call, said: Answered) -> None:
        self._tell(call.job, said, call.lane)

    def _answer_from_cache(self, call: Call, said: Answered) -> None:
        lane, job = call.lane, call.job
        self._keep(
            job.record(
                provider=lane.provider.name,
                model=lane.model,
                request_sha256=call.digest,
                cost_usd=0.0,
                total_ms=job.ms_since(self._now_ns),
                verdict=said.verdict,
                from_cache=True,
            )
        )
        self._answer(call, said)

    def _give_up(self, job: Job, failure: Failure) -> None:
        """Tell that there is no answer; does nothing if there was an outcome already."""
        if job.is_over():
            return
        self.fallbacks[failure.fallback] += 1
        if not job.sent and self.failure is None:
            self._keep(
                job.record(
                    fallback=failure.fallback.value,
                    detail=failure.detail,
                    cost_usd=0.0,
                    total_ms=job.ms_since(self._now_ns),
                )
            )
        self._tell(job, failure)

    def _tell(self, job: Job, said: Answered | Failure, lane: Lane | None = None) -> None:
        if job.is_over():
            return
        if job.timer is not None:
            job.timer.cancel()
        if self._by_trigger.get(job.request.trigger_id) is job:
            del self._by_trigger[job.request.trigger_id]
        job.outcome = Outcome(
            request_id=job.request.request_id,
            trigger_id=job.request.trigger_id,
            verdict=said.verdict if isinstance(said, Answered) else None,
            fallback=said.fallback if isinstance(said, Failure) else None,
            detail=said.detail if isinstance(said, Failure) else "",
            provider="" if lane is None else lane.provider.name,
            model=said.model if isinstance(said, Answered) else "",
            latency_ms=job.ms_since(self._now_ns),
            cost_usd=job.cost_usd,
            cost_is_estimate=job.is_estimate,
        )
        self._on_outcome(job.outcome)

    def _keep(self, record: ReviewRecord) -> None:
        try:
            self._on_record(record)
        except Exception as error:  # noqa: BLE001 - a disk that is full: what can't be recorded is not asked
            self.failure = self.failure or error
