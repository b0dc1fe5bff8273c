"""Settlements of expiries: asked for after 08:00 UTC, until the venue has the price of that day."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from aftershock.errors import UnreachableError
from aftershock.model.events import Settlement
from aftershock.model.units import NS_PER_S
from aftershock.venues.connection.clock import Clock
from aftershock.venues.connection.venue_plan import Tell
from aftershock.venues.deribit.rows import VENUE
from aftershock.venues.tardis.report import FileReport

__all__ = ["Settlements", "price_of"]

_EVERY_S = 30.0
_GIVE_UP_S = 6 * 3_600.0


class _Delivery(msgspec.Struct, frozen=True):
    date: str
    delivery_price: float


class _Deliveries(msgspec.Struct, frozen=True):
    data: list[_Delivery]


def price_of(document: Any, expiry_ns: int) -> float | None:  # noqa: ANN401 - a document
    """Return the price of an expiry's day out of a result of `get_delivery_prices`; None if it is not there.

    Raises:
        UnreachableError: It is no such result.
    """
    try:
        found = msgspec.convert(document, _Deliveries).data
    except msgspec.ValidationError as error:
        raise UnreachableError(f"Deribit answers with what are no delivery prices ({error}): try again") from error
    day = f"{datetime.fromtimestamp(expiry_ns // NS_PER_S, tz=UTC):%Y-%m-%d}"
    return next((each.delivery_price for each in found if each.date == day and each.delivery_price > 0), None)


class Settlements:
    """Tells each expiry's settlement once."""

    def __init__(
        self,
        indices: Mapping[tuple[str, int], str],
        ask: Callable[[str], Awaitable[Any]],
        clock: Clock,
        report: FileReport,
    ) -> None:
        """Take what settles against which index; both may grow.

        Args:
            indices: Price index of each (family, expiry in ns UTC).
            ask: Returns the delivery prices of an index.
            clock: What time it is.
            report: Where is noted what is not to be had.
        """
        self._indices, self._ask, self._clock, self._report = indices, ask, clock, report
        self._done: dict[tuple[str, int], None] = {}

    async def run(self, tell: Tell) -> None:
        """Look every half a minute whether something expired, for ever."""
        while True:
            await self._clock.sleep(_EVERY_S)
            await self.look(tell)

    async def look(self, tell: Tell) -> None:
        """Tell the settlements of what has expired."""
        now = self._clock.wall_ns()
        due = [each for each in self._indices if each[1] <= now and each not in self._done]
        for family, expiry_ns in due:
            index = self._indices[family, expiry_ns]
            if not index or now - expiry_ns > _GIVE_UP_S * NS_PER_S:
                self._done[family, expiry_ns] = None
                self._report.note(f"the settlement of Deribit's {family} at {_shown(expiry_ns)} was not to be had")
                continue
            try:
                price = price_of(await self._ask(index), expiry_ns)
            except UnreachableError as error:
                self._report.note(f"a settlement was asked for in vain: {error}")
                continue
            if price is not None:
                self._done[family, expiry_ns] = None
                tell([Settlement(ts_event=expiry_ns, ts_init=self._clock.wall_ns(), venue=VENUE, family=family,
                                 expiry_ns=expiry_ns, price=price)])  # fmt: skip


def _shown(expiry_ns: int) -> str:
    return f"{datetime.fromtimestamp(expiry_ns // NS_PER_S, tz=UTC):%Y-%m-%d %H:%M} UTC"
