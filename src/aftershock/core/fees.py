"""Fee schedules at hand: looked up once a day per contract type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aftershock.model.units import NS_PER_DAY

if TYPE_CHECKING:
    from aftershock.model.instruments import FeeSchedule, Instrument
    from aftershock.model.table import InstrumentTable

__all__ = ["FeeBook"]


class FeeBook:
    """Caches the table's answers; schedules change at midnight UTC."""

    def __init__(self, table: InstrumentTable) -> None:
        self._table = table
        self._day = -1
        self._known: dict[tuple[str, str, bool], FeeSchedule | None] = {}

    def of(self, instrument: Instrument, ts: int) -> FeeSchedule | None:
        """Return the schedule that holds at a time, or None: then no edge can be net."""
        day = ts // NS_PER_DAY
        if day != self._day:
            self._known.clear()
            self._day = day
        key = (instrument.venue, instrument.kind.value, instrument.inverse)
        if key not in self._known:
            self._known[key] = self._table.fee(instrument, ts)
        return self._known[key]
