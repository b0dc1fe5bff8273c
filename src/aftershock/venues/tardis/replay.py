"""The past over tardis-machine's replay, WebSocket or HTTP: one request, its messages as events, its end in words.

A request is never repeated: what came would come twice. The machine hides most troubles of its source behind silence
(up to 30 attempts with growing waits), hence the deadline of ours; over HTTP it can fail inside a 200, hence the look
at the last line; only a close with 1000 says that a replay is whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from aftershock.errors import AftershockError, UnreachableError
from aftershock.model.events import Event
from aftershock.model.order import in_order
from aftershock.model.table import InstrumentTable
from aftershock.venues.connection.clock import Clock
from aftershock.venues.connection.library import need_aiohttp
from aftershock.venues.connection.opening import NotOpenedError, open_socket
from aftershock.venues.connection.settings import ConnectionSettings
from aftershock.venues.connection.text import place_of, printable
from aftershock.venues.tardis.arrival import Arrival
from aftershock.venues.tardis.messages import BrokenMessageError, FailureMessage, decode
from aftershock.venues.tardis.ndjson import MessageReader, packed
from aftershock.venues.tardis.option_terms import OptionNames
from aftershock.venues.tardis.piece import Piece
from aftershock.venues.tardis.replay_plan import ReplayPlan
from aftershock.venues.tardis.report import Broken, FileReport

if TYPE_CHECKING:
    import aiohttp

__all__ = ["Replay"]

T = TypeVar("T")

_NORMAL, _MAX_LINE = 1000, 4 << 20
_SETTINGS = ConnectionSettings()
_WATCH_S = 0.25


class Replay:
    """Events of a span of the past in the total order; iterate over it once.

    Attributes:
        report: What became of the messages so far.
    """

    def __init__(
        self,
        resolve: Callable[[], Awaitable[ReplayPlan]],
        *,
        over: Literal["ws", "http"],
        table: InstrumentTable,
        clock: Clock,
        silence_s: float,
        explain: Callable[[UnreachableError], Awaitable[AftershockError]],
    ) -> None:
        """Prepare; nothing is asked before the iteration begins.

        Args:
            resolve: Finds out what to ask.
            over: Which side of the machine.
            table: Says what a venue's liquidation feed means.
            clock: What the deadline runs on.
            silence_s: Longest wait for the first and for each further message.
            explain: Turns a refusal into the error to raise.
        """
        self.report = FileReport(path="replay of tardis-machine", kind="normalized", format=over)
        self._resolve, self._over, self._clock, self._silence_s = resolve, over, clock, silence_s
        self._explain = explain
        self._reader = MessageReader(
            None, self.report, table, Arrival("the replay", self.report), OptionNames(), None, None
        )

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Iterate.

        Raises:
            UsageError: An exchange, a symbol or a data type does not exist.
            UnreachableError: The machine does not answer, refuses, falls silent, or broke off; what came before it was
                delivered.
        """
        need_aiohttp()
        plan = await self._resolve()
        self._reader.accepts = lambda each: plan.wants(each.exchange, str(each.__struct_config__.tag), each.symbol)
        lines = self._over_socket(plan) if self._over == "ws" else self._over_http(plan)
        moment = _Moment()
        failure: UnreachableError | None = None
        try:
            async with aclosing(lines):  # the connection ends with whoever stops to iterate
                async for line in lines:
                    for piece in self._pieces(line):
                        for event in moment.add(piece):
                            yield event
            if self.report.incomplete:  # a failure in so many words, before an end that looks like a good one
                failure = UnreachableError(f"{self.report.incomplete}, after {self.report.rows:,} messages")
        except UnreachableError as error:
            failure = error
        for piece in self._reader.open_gaps():
            for event in moment.add(piece):
                yield event
        for event in moment.flush():
            yield event
        if failure is not None:
            self.report.incomplete = str(failure)
            raise await self._explain(failure)

    def _pieces(self, line: str) -> Iterator[Piece]:
        try:
            yield from self._reader.line(line, self.report.rows + 1)
        except BrokenMessageError as error:
            self.report.drop(error.reason, self.report.rows, line)

    # --- lines ------------------------------------------------------------------------------------------------------

    async def _over_socket(self, plan: ReplayPlan) -> AsyncGenerator[str, None]:
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=None, sock_connect=None)
        kinds, where = aiohttp.WSMsgType, f"tardis-machine at {place_of(plan.url)}"
        connected, trace = asyncio.Event(), aiohttp.TraceConfig()

        async def stands(*_: object) -> None:
            connected.set()

        trace.on_connection_create_end.append(stands)
        async with aiohttp.ClientSession(timeout=timeout, trace_configs=[trace]) as session:
            try:
                socket = await open_socket(session, plan.url, _SETTINGS, self._clock, connected)
            except NotOpenedError as error:
                raise UnreachableError(
                    f"{where} {error}: start one (`npx tardis-machine`) or check its address"
                ) from error
            silence = _Silence(self._clock, self._silence_s)
            try:
                while True:
                    message = await silence.during(socket.receive())
                    if message.type is kinds.TEXT:
                        silence.ends()
                        yield message.data
                    elif message.type is kinds.BINARY:
                        silence.ends()
                        self.report.rows += 1
                        self.report.drop(Broken.ENCODING, self.report.rows, "a binary frame")
                    elif message.type is kinds.PING:
                        await socket.pong(message.data)
                    elif message.type is kinds.CLOSE:
                        code, said = int(message.data or 1005), printable(str(message.extra or ""))
                        if code != _NORMAL:
                            raise UnreachableError(_broken(where, said or f"closed with {code}", self.report.rows))
                        return
                    elif message.type in {kinds.CLOSED, kinds.CLOSING, kinds.ERROR}:
                        raise UnreachableError(_broken(where, "the connection broke", self.report.rows))
            finally:
                silence.stop()
                await socket.close()

    async def _over_http(self, plan: ReplayPlan) -> AsyncGenerator[str, None]:
        import aiohttp
        from yarl import URL

        where = f"tardis-machine at {place_of(plan.url)}"
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_SETTINGS.connect_s)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            silence = _Silence(self._clock, self._silence_s)
            try:
                response = await silence.during(session.get(URL(plan.url, encoded=True), allow_redirects=False))
                async with response:
                    if response.status != 200:
                        said = printable((await silence.during(response.content.read(2_000))).decode(errors="replace"))
                        raise UnreachableError(f"{where} says no with HTTP {response.status} ({said})")
                    rest = b""
                    while chunk := await silence.during(response.content.readany()):
                        silence.ends()
                        *whole, rest = (rest + chunk).split(b"\n")
                        for line in whole:
                            yield line.decode("utf-8", errors="replace")
                        if len(rest) > _MAX_LINE:
                            raise UnreachableError(_broken(where, "a line of more than 4 MiB", self.report.rows))
                    if rest.strip():
                        raise UnreachableError(_broken(where, _last_words(rest), self.report.rows))
                    if "Content-Length" not in response.headers and not _is_chunked(response):
                        raise UnreachableError(_broken(where, "an end can't be told from a break", self.report.rows))
            except (aiohttp.ClientError, OSError) as error:
                why = printable(str(getattr(error, "os_error", None) or error) or type(error).__name__)
                raise UnreachableError(
                    f"{where} does not answer or broke off ({why}): start one, or check where it is"
                ) from error
            finally:
                silence.stop()


class _Silence:
    """Interrupts waits that last too long together, without a timer for each message.

    Pings and their answers are no end of a silence: a machine sends them all the while. Time in which nobody waits,
    since what came is being used, does not count.
    """

    def __init__(self, clock: Clock, longest_s: float) -> None:
        self._clock, self._longest_s = clock, longest_s
        self._since = self._waited_s = 0.0
        self._waiting: asyncio.Future[Any] | None = None
        self._struck = False
        self._watch = asyncio.ensure_future(self._run())

    async def during(self, work: Awaitable[T]) -> T:
        """Wait for some work.

        Raises:
            UnreachableError: It took too long.
        """
        self._since = self._clock.monotonic() - self._waited_s
        waiting = asyncio.ensure_future(work)
        self._waiting = waiting
        try:
            return await waiting
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._struck or (task is not None and task.cancelling()):
                raise
            raise UnreachableError(
                f"tardis-machine sent nothing for {self._longest_s:g} s: it tries its source again and again without "
                "saying so; look at its log, its key and its network, or wait longer"
            ) from None
        finally:
            self._waiting = None
            self._waited_s = self._clock.monotonic() - self._since

    def ends(self) -> None:
        """Note that data came."""
        self._waited_s = 0.0

    def stop(self) -> None:
        """Watch no longer."""
        self._watch.cancel()

    async def _run(self) -> None:
        while True:
            await self._clock.sleep(min(self._longest_s, _WATCH_S * 4))
            waiting = self._waiting
            # What was waited for may have come in this very turn: then there is nothing to interrupt.
            if waiting is not None and self._clock.monotonic() - self._since >= self._longest_s and waiting.cancel():
                self._struck = True
                return


class _Moment:
    """Puts what was received at one moment into the total order, and joins option rows."""

    def __init__(self) -> None:
        self._held: list[Piece] = []

    def add(self, piece: Piece) -> Iterator[Event]:
        """Take a piece; yield the moments that are over."""
        if self._held and piece.ts_init != self._held[0].ts_init:
            yield from self.flush()
        self._held.append(piece)

    def flush(self) -> Iterator[Event]:
        """Yield what is held."""
        held, self._held = self._held, []
        for piece in packed(in_order(held, lambda each: each.place)):
            yield piece.event


def _is_chunked(response: aiohttp.ClientResponse) -> bool:
    return "chunked" in response.headers.get("Transfer-Encoding", "").lower()


def _last_words(rest: bytes) -> str:
    """Return what the machine wrote instead of an end."""
    text = rest.decode("utf-8", errors="replace")
    try:
        message = decode(text)
    except BrokenMessageError:
        return "the last line is cut short"
    return printable(message.message) if isinstance(message, FailureMessage) else "the last line has no end"


def _broken(where: str, why: str, rows: int) -> str:
    return f"{where} broke the replay off after {rows:,} messages ({why}): ask for the rest again"
