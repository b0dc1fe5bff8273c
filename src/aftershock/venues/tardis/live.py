"""Live data of tardis-machine: connections into one inbox, its items through one decoder, events out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from random import Random
from typing import Annotated

import msgspec
from msgspec import Meta

from aftershock.errors import AftershockError, UnreachableError
from aftershock.model.events import Event
from aftershock.model.table import InstrumentTable
from aftershock.venues.connection.clock import Clock
from aftershock.venues.connection.connection import Connection
from aftershock.venues.connection.inbox import Inbox, Tick
from aftershock.venues.connection.library import need_aiohttp
from aftershock.venues.connection.offset import ClockOffset
from aftershock.venues.connection.settings import ConnectionSettings
from aftershock.venues.tardis.codec import OptionRow, option_quotes
from aftershock.venues.tardis.live_decoder import LiveDecoder
from aftershock.venues.tardis.live_report import LiveReport
from aftershock.venues.tardis.option_terms import OptionTerms
from aftershock.venues.tardis.piece import MAX_BATCH
from aftershock.venues.tardis.subscription import LinkPlan

__all__ = ["LiveSettings", "LiveStream"]

_TICK_S = 1.0
_ADVICE = (
    "for live data start one (`npx tardis-machine`), or point AFTERSHOCK_TARDIS_MACHINE_WS_URL at one that runs; "
    "recorded data needs none (`aftershock replay`)"
)
# What the machine says in its close reason when the same request will fail again. Everything else is tried again.
_FINAL = ("not supported", "Invalid ", "t normalize data", "status code: 401", "status code: 403", "Cannot read prop")
_INTERNAL_ERROR = 1011


class LiveSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of a live stream.

    Attributes:
        connection: Of each connection; `data_within_s` holds for those that may not be quiet.
        stale_after_s: An exchange that must not be quiet is stale after so much silence.
        inbox_frames: Most messages that wait to be used.
        inbox_chars: Most characters that wait.
    """

    connection: ConnectionSettings = ConnectionSettings(data_within_s=60.0)
    stale_after_s: Annotated[float, Meta(gt=0, le=86_400)] = 15.0
    inbox_frames: Annotated[int, Meta(ge=2, le=10_000_000)] = 65_536
    inbox_chars: Annotated[int, Meta(ge=1024, le=1 << 32)] = 64 << 20


class LiveStream:
    """Events of some subscriptions, in the order of arrival, until it is closed.

    Market data, and `Stale`, `Gap`, `Restored` for what was lost, each for the stream (exchange, kind, all symbols).
    `ts_init` is our wall clock when the socket delivered the message. What waits when it is closed is still delivered.

    Attributes:
        name: What it is called in reports.
        report: What became of the messages so far.
    """

    def __init__(
        self,
        name: str,
        resolve: Callable[[], Awaitable[Sequence[LinkPlan]]],
        *,
        table: InstrumentTable,
        settings: LiveSettings,
        clock: Clock,
        random: Random,
        explain: Callable[[UnreachableError], Awaitable[AftershockError]],
    ) -> None:
        """Prepare; nothing is asked before the iteration begins.

        Args:
            name: What it is called in reports.
            resolve: Finds out which connections to open.
            table: Says what a venue's liquidation feed means.
            settings: Bounds.
            clock: What stamps and deadlines come from.
            random: Jitter.
            explain: Turns the refusal of a connection into the error to raise.
        """
        self.name = name
        self.report = LiveReport(path=name, kind="normalized", format="live")
        self._resolve, self._explain = resolve, explain
        self._table, self._settings, self._clock, self._random = table, settings, clock, random
        self._inbox = Inbox(settings.inbox_frames, settings.inbox_chars)
        self._connections: list[Connection] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._decoder: LiveDecoder | None = None
        self._closed = False

    @property
    def reconnects(self) -> int:
        """Return how often connections were opened again."""
        return sum(connection.reconnects for connection in self._connections)

    @property
    def connections(self) -> int:
        """Return the number of connections."""
        return len(self._connections)

    @property
    def gaps(self) -> int:
        """Return the number of gaps told so far."""
        return 0 if self._decoder is None else self._decoder.continuity.gaps

    @property
    def losses(self) -> dict[str, int]:
        """Return how often connections were lost, by reason."""
        found: dict[str, int] = {}
        for connection in self._connections:
            for reason, count in connection.losses.items():
                found[reason] = found.get(reason, 0) + count
        return found

    @property
    def option_terms(self) -> dict[tuple[str, str], OptionTerms]:
        """Return strike, type and expiry by (venue, symbol), of options seen so far whose names can't be parsed."""
        return {} if self._decoder is None else self._decoder.names.unparsed

    def venue_offset(self, exchange: str) -> ClockOffset | None:
        """Return how far an exchange's clock seems to be from ours; None while that is not known."""
        clock = None if self._decoder is None else self._decoder.venue_clocks.get(exchange)
        return None if clock is None else clock.offset

    def recorder_offset(self, exchange: str) -> ClockOffset | None:
        """Return the same of the clock of tardis-machine."""
        clock = None if self._decoder is None else self._decoder.recorder_clocks.get(exchange)
        return None if clock is None else clock.offset

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Iterate over what arrives; called once.

        Raises:
            UsageError: An exchange, a symbol or a data type does not exist; says which do.
            UnreachableError: tardis-machine or the Tardis API does not answer, or refuses for good.
        """
        need_aiohttp()
        plans = await self._resolve()
        try:
            if not self._closed:
                self._open(plans)
                async for event in self._events():
                    yield event
        finally:
            await self.close()

    async def close(self) -> None:
        """Let go of all connections; may be called at any time, and again."""
        self._closed = True
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._inbox.end()

    # --- connections --------------------------------------------------------------------------------------------

    def _open(self, plans: Sequence[LinkPlan]) -> None:
        self._decoder = LiveDecoder(
            plans,
            self._table,
            self.report,
            stale_after_s=self._settings.stale_after_s,
            drop=lambda link, reason: self._connections[link].drop(reason),
        )
        loop = asyncio.get_running_loop()
        for link, plan in enumerate(plans):
            settings = self._settings.connection
            if plan.quiet:
                settings = msgspec.structs.replace(settings, data_within_s=0.0)
            connection = Connection(
                plan.url,
                self._inbox,
                link=link,
                settings=settings,
                clock=self._clock,
                random=self._random,
                is_final=_is_final,
                who="tardis-machine",
                advice=_ADVICE,
            )
            self._connections.append(connection)
            self._tasks.append(loop.create_task(self._keep(connection)))
        self._tasks.append(loop.create_task(self._tick()))

    async def _keep(self, connection: Connection) -> None:
        try:
            await connection.run()
        except UnreachableError as error:
            self._inbox.end(await self._explain(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours belongs to whoever listens
            self._inbox.end(error)

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(_TICK_S)
            self._inbox.put(0, Tick(self._clock.wall_ns()))

    # --- events -------------------------------------------------------------------------------------------------

    async def _events(self) -> AsyncIterator[Event]:
        """Yield until the end; option rows of one stream that wait together come as one batch."""
        decoder, inbox = self._decoder, self._inbox
        if decoder is None:
            return
        packed = _Packed()
        while True:
            taken = inbox.take_now()
            if taken is None:
                for event in packed.flush():
                    yield event
                taken = await inbox.take()
                if taken is None:
                    break
            for event in decoder.item(*taken):
                for ready in packed.add(event):
                    yield ready
        for event in decoder.ended(self._clock.wall_ns()):
            yield event
        if inbox.error is not None:
            raise inbox.error


class _Packed:
    """Joins option rows of one stream that follow each other."""

    def __init__(self) -> None:
        self._held: list[OptionRow] = []

    def add(self, event: Event) -> Iterator[Event]:
        """Take an event; yield what can't be joined with what follows."""
        if not isinstance(event, OptionRow):
            yield from self.flush()
            yield event
            return
        if self._held:
            last = self._held[-1]
            if event.stream != last.stream or event.ts_init < last.ts_init or len(self._held) >= MAX_BATCH:
                yield from self.flush()
        self._held.append(event)

    def flush(self) -> Iterator[Event]:
        """Yield what is held."""
        if self._held:
            yield option_quotes(self._held)
            self._held = []


def _is_final(code: int, reason: str) -> bool:
    return code == _INTERNAL_ERROR and any(words in reason for words in _FINAL)
