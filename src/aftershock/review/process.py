"""The gateway as the program sees it: a process of its own that is asked without waiting, and may die without harm."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

import msgspec

from aftershock.model.review import Fallback
from aftershock.model.signals import ReviewRequest
from aftershock.model.units import NS_PER_MS, NS_PER_S
from aftershock.review.config import GatewayConfig
from aftershock.review.job import Outcome
from aftershock.review.lane import LaneReport
from aftershock.review.messages import Ask, Ended, FromGateway, Paid, Ready, Said, Start, Stop, encode, read_frame
from aftershock.review.providers import Provider

__all__ = ["GatewayProcess"]

_DECODER = msgspec.msgpack.Decoder(FromGateway)
_MOST_STARTS = 5
_FIRST_PAUSE_S = 0.2
_END_S = 5.0
_GRACE_S = 0.02
_MOST_UNREAD = 1 << 22
"""Bytes of questions that a process which hangs may leave unread; a question is about a kilobyte."""
_ENVIRONMENT = ("PATH", "HOME", "LANG", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "SYSTEMROOT", "TMPDIR")
"""All that the process gets: keys come through its socket, and proxies are nobody's business here."""


def _nothing(request: ReviewRequest, fallback: Fallback, detail: str) -> Outcome:
    return Outcome(
        request_id=request.request_id,
        trigger_id=request.trigger_id,
        fallback=fallback,
        detail=detail,
        latency_ms=0.0,
    )


class _Asked(NamedTuple):
    trigger_id: str
    on_outcome: Callable[[Outcome], None]
    timer: asyncio.TimerHandle
    at_ns: int


class GatewayProcess:
    """Starts the gateway, hands it questions, and tells its outcomes.

    A process that dies answers nothing more: what it was asked falls back at once, and it is started again, a few
    times. Whoever waits for an outcome has a deadline of its own all the same.

    Attributes:
        lanes: How the providers did, as last told.
        calls: Requests to providers so far; `spent_usd` what they cost, NaN if one has no price; `is_estimate` whether
            a provider did not say what it counted.
        ended: The last word of the gateway; None before.
        deaths: How often the process ended unasked.
    """

    def __init__(
        self,
        config: GatewayConfig,
        providers: Sequence[tuple[Provider, str]],
    ) -> None:
        """Take whom to ask, each with its key."""
        self._start = Start(config, tuple(providers))
        self._open: dict[str, _Asked] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._life: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._stopping = False
        self.lanes: tuple[LaneReport, ...] = ()
        self.calls, self.spent_usd, self.is_estimate = 0, 0.0, False
        self.ended: Ended | None = None
        self.deaths = 0

    async def start(self) -> None:
        """Start the process; it may be asked at once."""
        await self._spawn()
        self._life = asyncio.ensure_future(self._live())

    async def ready(self, timeout_s: float) -> tuple[LaneReport, ...]:
        """Return how the providers answered the known question; what is known so far if that takes too long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ready.wait(), timeout_s)
        return self.lanes

    @property
    def pid(self) -> int | None:
        """Return the process; None while there is none."""
        return None if self._process is None else self._process.pid

    @property
    def is_running(self) -> bool:
        """Tell whether questions are taken."""
        return self._writer is not None and not self._stopping

    def ask(self, request: ReviewRequest, deadline_ns: int, on_outcome: Callable[[Outcome], None]) -> None:
        """Hand over a question, and who gets its outcome: always, and once."""
        if request.request_id in self._open:
            on_outcome(_nothing(request, Fallback.SHED, "the same question is out already"))
            return
        # The gateway tells its outcome in time; a process that starts, hangs or swaps does not keep anybody waiting.
        now_ns = time.monotonic_ns()
        left_s = max(deadline_ns - now_ns, 0) / NS_PER_S + _GRACE_S
        timer = asyncio.get_running_loop().call_later(left_s, self._expire, request.request_id)
        self._open[request.request_id] = _Asked(request.trigger_id, on_outcome, timer, now_ns)
        if self._writer is None or self._stopping:
            self._fall_back(request.request_id, "the gateway is not running")
        elif self._writer.transport.get_write_buffer_size() > _MOST_UNREAD:
            self._fall_back(request.request_id, "the gateway process does not read", Fallback.SHED)
        else:
            self._writer.write(encode(Ask(request, deadline_ns)))

    async def stop(self, patience_s: float = 0.0) -> Ended | None:
        """End; requests that are out may come back for so long. Returns the gateway's last word, None without one."""
        self._stopping = True
        if self._writer is not None:
            self._writer.write(encode(Stop(patience_s)))
        if self._life is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._life), patience_s + _END_S)
            self._life.cancel()
            await asyncio.gather(self._life, return_exceptions=True)
        await self._reap()
        self._fall_back_all("the gateway ended first")
        return self.ended

    # --- the process --------------------------------------------------------------------------------------------

    async def _spawn(self) -> None:
        ours, theirs = socket.socketpair()
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "aftershock.review.child",
                str(theirs.fileno()),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                env=environment,
            )
        self._reader, self._writer = await asyncio.open_connection(sock=ours)
        self._writer.write(encode(self._start))

    async def _live(self) -> None:
        """Listen to one process after the other."""
        pause_s = _FIRST_PAUSE_S
        while True:
            await self._listen()
            await self._reap()
            self._fall_back_all("the gateway process ended")
            if self._stopping or self.ended is not None:
                self._ready.set()
                return
            self.deaths += 1
            if self.deaths >= _MOST_STARTS:
                self._ready.set()
                return
            await asyncio.sleep(pause_s)
            pause_s *= 2
            await self._spawn()

    async def _listen(self) -> None:
        while (frame := await read_frame(self._reader)) is not None:
            message = _DECODER.decode(frame)
            if isinstance(message, Said):
                asked = self._open.pop(message.outcome.request_id, None)
                if asked is not None:
                    asked.timer.cancel()
                    asked.on_outcome(message.outcome)
            elif isinstance(message, Paid):
                self.calls += 1
                self.spent_usd += message.cost_usd
                self.is_estimate |= message.is_estimate
            elif isinstance(message, Ready):
                self.lanes = message.lanes
                self._ready.set()
            else:
                self.ended, self.lanes = message, message.lanes

    async def _reap(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._process is not None:
            with suppress(ProcessLookupError):
                if self._process.returncode is None:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._process.wait(), 1.0)
                if self._process.returncode is None:
                    self._process.kill()
            await self._process.wait()
            self._process = None

    # --- outcomes -----------------------------------------------------------------------------------------------

    def _fall_back_all(self, detail: str) -> None:
        for request_id in list(self._open):
            self._fall_back(request_id, detail)

    def _expire(self, request_id: str) -> None:
        self._fall_back(request_id, "the gateway process did not answer by the deadline", Fallback.DEADLINE)

    def _fall_back(self, request_id: str, detail: str, fallback: Fallback = Fallback.STOPPED) -> None:
        asked = self._open.pop(request_id)
        asked.timer.cancel()
        asked.on_outcome(
            Outcome(
                request_id=request_id,
                trigger_id=asked.trigger_id,
                fallback=fallback,
                detail=detail,
                latency_ms=(time.monotonic_ns() - asked.at_ns) / NS_PER_MS,
            )
        )
