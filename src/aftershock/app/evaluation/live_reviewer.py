"""Questions to a provider while the simulated market stands still: what an answer takes passes there afterwards."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from aftershock.app.evaluation.recorded import MISSING, Memory
from aftershock.app.evaluation.reviewers import Answer
from aftershock.errors import InputError
from aftershock.model.signals import ReviewRequest
from aftershock.model.units import NS_PER_S
from aftershock.review.config import GatewayConfig
from aftershock.review.job import Outcome
from aftershock.review.process import GatewayProcess
from aftershock.review.providers import Provider
from aftershock.review.record import ReviewRecord

__all__ = ["Live"]

_READY_S = 35.0
_LOOK_S = 0.02
_STOP_S = 2.0


class Live:
    """Asks through the gateway's own process, one question at a time, and answers from what it recorded.

    So a later run from the recording gets what this one got. Answers after the deadline are waited for (`late_s` of the
    gateway): they are paid for, and their probabilities are scored.

    Attributes:
        calls, spent_usd, is_estimate: Of everything sent, the known first question and repetitions included.
    """

    def __init__(self, config: GatewayConfig, providers: Sequence[tuple[Provider, str]]) -> None:
        """Take whom to ask; `config.recording` names the file that keeps the answers."""
        self._config, self._providers = config, tuple(providers)
        self._path = Path(config.recording)
        self._memory = Memory()
        self._read = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gateway", daemon=True)
        self._process: GatewayProcess | None = None
        self.calls, self.spent_usd, self.is_estimate = 0, 0.0, False

    def __enter__(self) -> Self:
        """Start the gateway and wait for its first, known question.

        Raises:
            InputError: The recording can't be written, or the gateway can't start.
        """
        if self._path.exists():
            self._read = self._path.stat().st_size  # what others were answered is theirs
        self._thread.start()
        self._process = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        if self._process.ended is not None and self._process.ended.failure:
            raise InputError(self._process.ended.failure)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the gateway."""
        process = self._process
        if process is not None:
            asyncio.run_coroutine_threadsafe(process.stop(_STOP_S), self._loop).result()
            self.calls, self.spent_usd, self.is_estimate = process.calls, process.spent_usd, process.is_estimate
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def ask(self, request: ReviewRequest, scope: str) -> Answer:
        """Ask and wait: for the answer, or for the record that says why there is none."""
        request_id = scope + request.request_id
        named = msgspec.structs.replace(request, request_id=request_id, trigger_id=scope + request.trigger_id)
        patience_ns = request.expires_ns - request.ts_init
        outcome = self._outcome(named, patience_ns)
        until = time.monotonic() + (self._config.late_s + 1.0 if outcome.fallback == "deadline" else 1.0)
        while not self._memory.has(request_id) and time.monotonic() < until:
            self._read_on()
            if not self._memory.has(request_id):
                time.sleep(_LOOK_S)
        found = self._memory.answer(request, request_id)
        if found is not None:
            return found
        why = MISSING if outcome.fallback is None else outcome.fallback.value
        return Answer(fallback=why, latency_ms=outcome.latency_ms, cost_usd=outcome.cost_usd)

    async def _start(self) -> GatewayProcess:
        process = GatewayProcess(self._config, self._providers)
        await process.start()
        await process.ready(_READY_S)
        return process

    def _outcome(self, request: ReviewRequest, patience_ns: int) -> Outcome:
        process, told = self._process, Future[Outcome]()
        if process is None:
            raise RuntimeError("the gateway was not started")
        deadline = time.monotonic_ns() + patience_ns
        self._loop.call_soon_threadsafe(process.ask, request, deadline, told.set_result)
        return told.result(timeout=patience_ns / NS_PER_S + _READY_S)

    def _read_on(self) -> None:
        """Take the lines that were written since the last look; one that is not whole yet waits."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._read)
                whole, _, rest = file.read().rpartition(b"\n")
        except OSError:
            return
        if not whole and not rest:
            return
        self._read += len(whole) + 1 if whole else 0
        for line in whole.split(b"\n"):
            if line.strip():
                self._memory.add(msgspec.json.decode(line, type=ReviewRecord))
