"""`VenueStream`: live data of a venue that we decode ourselves, whatever the venue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import msgspec

from aftershock.errors import AftershockError
from aftershock.model.events import Event
from aftershock.venues.connection.backoff import Backoff
from aftershock.venues.connection.book import BookSync
from aftershock.venues.connection.clock import Clock, within
from aftershock.venues.connection.connection import Connection
from aftershock.venues.connection.inbox import Given, Item, Lost, Opened
from aftershock.venues.connection.live_base import LiveBase
from aftershock.venues.connection.offset import ClockOffset
from aftershock.venues.connection.settings import LiveSettings
from aftershock.venues.connection.venue_decoder import VenueDecoder
from aftershock.venues.connection.venue_plan import VenueLink, VenuePlan
from aftershock.venues.tardis.live_report import LiveReport

if TYPE_CHECKING:
    from aftershock.venues.tardis.option_terms import OptionTerms

__all__ = ["VenueStream"]

_RESYNC_S, _RESYNC_CAP_S = 2.0, 30.0
_SETTLE_S = 1.0
"""How long a subscription may take to stand where the venue does not say so."""


class VenueStream(LiveBase):
    """Events of one venue, in the order of arrival, until it is closed.

    Market data, `Stale`, `Gap`, `Restored` for what was lost, each for its stream; books as `BookSnapshot` of their top
    levels, and a hole in their numbers as a gap that ends when the book is the venue's again.

    Attributes:
        name: What it is called in reports.
        report: What became of the messages so far.
        option_terms: Strike, type and expiry by (venue, symbol), of options whose names can't be parsed.
    """

    def __init__(
        self,
        name: str,
        resolve: Callable[[], Awaitable[VenuePlan]],
        *,
        settings: LiveSettings,
        clock: Clock,
        random: Random,
        report: LiveReport | None = None,
        option_terms: Mapping[tuple[str, str], OptionTerms] | None = None,
        on_close: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Prepare; nothing is asked before the iteration begins.

        Args:
            name: What it is called in reports.
            resolve: Finds out which connections to open.
            settings: Bounds.
            clock: What stamps and deadlines come from.
            random: Jitter.
            report: Where the adapter counts; else a new one.
            option_terms: Kept up to date by whoever gives it.
            on_close: Lets go of what the plan needs beside the connections.
        """
        super().__init__(name, settings=settings, clock=clock, random=random)
        self.report = report or LiveReport(path=name, kind="native", format="live")
        self.option_terms: Mapping[tuple[str, str], OptionTerms] = {} if option_terms is None else option_terms
        self._resolve, self._on_close = resolve, on_close
        self._plan: VenuePlan | None = None
        self._decoder: VenueDecoder | None = None
        self._speakers: dict[int, asyncio.Task[None]] = {}
        self._resyncs: dict[tuple[int, str], asyncio.Task[None]] = {}
        self._eager: dict[tuple[int, str], asyncio.Event] = {}
        self._sending: set[asyncio.Task[None]] = set()

    @property
    def gaps(self) -> int:
        """Return the number of gaps told so far."""
        return 0 if self._decoder is None else self._decoder.continuity.gaps

    @property
    def book_gaps(self) -> dict[str, int]:
        """Return how often books were found broken, by what was wrong."""
        found: dict[str, int] = {}
        for state in self._decoder.links if self._decoder is not None else ():
            for outcome, count in state.books.gaps.items():
                found[outcome] = found.get(outcome, 0) + count
        return found

    def venue_offset(self, exchange: str) -> ClockOffset | None:
        """Return how far the venue's clock seems to be from ours; None while that is not known."""
        return None if self._decoder is None else self._decoder.clocks.offset(exchange)

    def book(self, symbol: str) -> BookSync | None:
        """Return a book that is kept."""
        for state in self._decoder.links if self._decoder is not None else ():
            if state.books.keeps(symbol):
                return state.books.book(symbol)
        return None

    async def close(self) -> None:
        """Let go of all connections; may be called at any time, and again."""
        tasks = [*self._speakers.values(), *self._resyncs.values(), *self._sending]
        self._speakers, self._resyncs = {}, {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await super().close()
        if self._on_close is not None:
            await self._on_close()

    # --- what a stream is of ------------------------------------------------------------------------------------

    async def _prepare(self) -> Sequence[Connection]:
        plan = self._plan = await self._resolve()
        self._decoder = VenueDecoder(plan, self.report, self, stale_after_s=self._settings.stale_after_s)
        for work in plan.background:
            self._spawn(self._guarded(partial(work, self._tell)))
        return [self._connection(link, each) for link, each in enumerate(plan.links)]

    def _connection(self, link: int, plan: VenueLink) -> Connection:
        settings = self._settings.connection
        books = {stream for symbol in plan.books for stream in plan.book_stream("", symbol)}
        if not books and plan.quiet.issuperset(plan.streams):
            settings = msgspec.structs.replace(settings, data_within_s=0.0)
        return Connection(
            plan.url,
            self._inbox,
            link=link,
            settings=settings,
            clock=self._clock,
            random=self._random,
            hello=lambda: self._hello(link, plan),
            is_final=plan.is_final,
            who=plan.who,
            advice=plan.advice,
        )

    async def _events(self) -> AsyncIterator[Event]:
        for event in self._plan.first if self._plan is not None else ():
            yield event
        async for event in super()._events():
            yield event

    def _item(self, link: int, item: Item) -> Sequence[Event]:
        if self._decoder is None:
            return ()
        if isinstance(item, Lost):
            self._forget_resyncs(link)
        found = self._decoder.item(link, item)
        if isinstance(item, Opened) and self._plan is not None:
            for symbol in self._plan.links[link].books:
                if not self._plan.adapter.resync(symbol):
                    self._resync(link, symbol, settle=True)
        return found

    def _ended(self, ts_ns: int) -> Iterator[Event]:
        return iter(()) if self._decoder is None else self._decoder.ended(ts_ns)

    # --- what the decoder asks for ------------------------------------------------------------------------------

    def send(self, link: int, text: str, *, paced: bool = False) -> None:
        """Send a text, at once or when the connection's limiter lets it."""
        task = asyncio.get_running_loop().create_task(self._sent(link, text, paced=paced))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def drop(self, link: int, reason: str, wait_s: float) -> None:
        """Give up a connection."""
        self._connections[link].drop(reason, wait_s)

    def want_book(self, link: int, symbol: str) -> None:
        """Ask for a whole book, unless that is being done."""
        eager = self._eager.get((link, symbol))
        if eager is not None:
            eager.set()
        self._resync(link, symbol, settle=False)

    def have_book(self, link: int, symbol: str) -> None:
        """Note that a book is whole: nothing more needs to be asked."""
        task = self._resyncs.pop((link, symbol), None)
        if task is not None:
            task.cancel()

    def fail(self, error: AftershockError) -> None:
        """End the stream."""
        self._inbox.end(error)

    # --- how ----------------------------------------------------------------------------------------------------

    async def _sent(self, link: int, text: str, *, paced: bool) -> None:
        limiter = self._plan.links[link].limiter if self._plan is not None else None
        if paced and limiter is not None:
            await limiter.take()
        await self._connections[link].send(text)

    def _tell(self, events: Sequence[Event]) -> None:
        self._inbox.put(0, Given(self._clock.wall_ns(), 0, tuple(events)))

    async def _guarded(self, work: Callable[[], Awaitable[Any]]) -> None:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - a fault of ours belongs to whoever listens
            self._inbox.end(error)

    def _hello(self, link: int, plan: VenueLink) -> Sequence[str]:
        """Return what to send at once; what must be paced, and the heartbeat, is sent beside the reading."""
        old = self._speakers.pop(link, None)
        if old is not None:
            old.cancel()
        texts = list(plan.hello())
        paced = texts if plan.limiter is not None else []
        if paced or plan.heartbeat is not None:
            speaking = self._guarded(partial(self._speak, link, plan, paced))
            self._speakers[link] = asyncio.get_running_loop().create_task(speaking)
        return [] if plan.limiter is not None else texts

    async def _speak(self, link: int, plan: VenueLink, texts: Sequence[str]) -> None:
        connection = self._connections[link]
        for text in texts:
            if plan.limiter is not None:
                await plan.limiter.take()
            await connection.send(text)
        while plan.heartbeat is not None:
            await self._clock.sleep(plan.heartbeat.every_s)
            await connection.send(plan.heartbeat.text)

    # --- books --------------------------------------------------------------------------------------------------

    def _resync(self, link: int, symbol: str, *, settle: bool) -> None:
        task = self._resyncs.get((link, symbol))
        if task is None or task.done():
            work = self._guarded(partial(self._whole_again, link, symbol, settle=settle))
            self._resyncs[link, symbol] = asyncio.get_running_loop().create_task(work)

    def _forget_resyncs(self, link: int) -> None:
        for key in [key for key in self._resyncs if key[0] == link]:
            self._resyncs.pop(key).cancel()

    async def _whole_again(self, link: int, symbol: str, *, settle: bool) -> None:
        """Ask for a book until it is the venue's."""
        decoder, plan = self._decoder, self._plan
        if decoder is None or plan is None:
            return
        state, limiter = decoder.links[link], plan.links[link].limiter
        backoff = Backoff(_RESYNC_S, _RESYNC_CAP_S, self._random)
        if settle:
            await self._settled(link, symbol)
        while not state.books.whole(symbol):
            number, texts = state.number, plan.adapter.resync(symbol)
            for text in texts:
                if limiter is not None:
                    await limiter.take()
                await self._connections[link].send(text)
            if not texts:
                try:
                    update = await plan.adapter.snapshot(symbol)
                except AftershockError as error:
                    self.report.note(f"the book of {symbol} was refused: {error}")
                else:
                    self._inbox.put(link, Given(self._clock.wall_ns(), number, update))
            await self._clock.sleep(backoff.next_s())

    async def _settled(self, link: int, symbol: str) -> None:
        """Wait until the first change of a book shows that its subscription stands; not for long, as few may come."""
        seen = self._eager[link, symbol] = asyncio.Event()
        try:
            with suppress(TimeoutError):
                await within(self._clock, _SETTLE_S, _set(seen))
        finally:
            self._eager.pop((link, symbol), None)


async def _set(event: asyncio.Event) -> None:
    await event.wait()
