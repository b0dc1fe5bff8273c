"""Live data of tardis-machine: connections into one inbox, its items through one decoder, events out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from random import Random

import msgspec

from aftershock.errors import AftershockError, UnreachableError
from aftershock.model.events import Event
from aftershock.model.table import InstrumentTable
from aftershock.venues.connection.clock import Clock
from aftershock.venues.connection.connection import Connection
from aftershock.venues.connection.inbox import Item
from aftershock.venues.connection.live_base import LiveBase
from aftershock.venues.connection.offset import ClockOffset
from aftershock.venues.connection.settings import LiveSettings
from aftershock.venues.tardis.live_decoder import LiveDecoder
from aftershock.venues.tardis.live_report import LiveReport
from aftershock.venues.tardis.option_terms import OptionTerms
from aftershock.venues.tardis.subscription import LinkPlan

__all__ = ["LiveSettings", "LiveStream"]

_ADVICE = (
    "for live data start one (`npx tardis-machine`), or point AFTERSHOCK_TARDIS_MACHINE_WS_URL at one that runs; "
    "recorded data needs none (`aftershock replay`)"
)
# What the machine says in its close reason when the same request will fail again. Everything else is tried again.
_FINAL = ("not supported", "Invalid ", "t normalize data", "status code: 401", "status code: 403", "Cannot read prop")
_INTERNAL_ERROR = 1011


class LiveStream(LiveBase):
    """Events of some subscriptions, in the order of arrival, until it is closed.

    Market data, and `Stale`, `Gap`, `Restored` for what was lost, each for the stream (exchange, kind, all symbols).
    `ts_init` is our wall clock when the socket delivered the message. What waits when it is closed is still delivered.
    Iterating raises `UsageError` for an exchange, a symbol or a data type that does not exist, and `UnreachableError`
    where tardis-machine or the Tardis API does not answer, or refuses for good.

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
        super().__init__(name, settings=settings, clock=clock, random=random)
        self.report = LiveReport(path=name, kind="normalized", format="live")
        self._resolve, self._explain, self._table = resolve, explain, table
        self._decoder: LiveDecoder | None = None

    @property
    def gaps(self) -> int:
        """Return the number of gaps told so far."""
        return 0 if self._decoder is None else self._decoder.continuity.gaps

    @property
    def option_terms(self) -> dict[tuple[str, str], OptionTerms]:
        """Return strike, type and expiry by (venue, symbol), of options seen so far whose names can't be parsed."""
        return {} if self._decoder is None else self._decoder.names.unparsed

    def venue_offset(self, exchange: str) -> ClockOffset | None:
        """Return how far an exchange's clock seems to be from ours; None while that is not known."""
        return None if self._decoder is None else self._decoder.venue_clocks.offset(exchange)

    def recorder_offset(self, exchange: str) -> ClockOffset | None:
        """Return the same of the clock of tardis-machine."""
        return None if self._decoder is None else self._decoder.recorder_clocks.offset(exchange)

    async def _prepare(self) -> Sequence[Connection]:
        plans = await self._resolve()
        self._decoder = LiveDecoder(
            plans,
            self._table,
            self.report,
            stale_after_s=self._settings.stale_after_s,
            drop=lambda link, reason: self._connections[link].drop(reason),
        )
        return [self._connection(link, plan) for link, plan in enumerate(plans)]

    def _connection(self, link: int, plan: LinkPlan) -> Connection:
        settings = self._settings.connection
        if plan.quiet:
            settings = msgspec.structs.replace(settings, data_within_s=0.0)
        return Connection(
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

    def _item(self, link: int, item: Item) -> Sequence[Event]:
        return () if self._decoder is None else self._decoder.item(link, item)

    def _ended(self, ts_ns: int) -> Iterator[Event]:
        return iter(()) if self._decoder is None else self._decoder.ended(ts_ns)

    async def _explained(self, error: UnreachableError) -> AftershockError:
        return await self._explain(error)


def _is_final(code: int, reason: str) -> bool:
    return code == _INTERNAL_ERROR and any(words in reason for words in _FINAL)
