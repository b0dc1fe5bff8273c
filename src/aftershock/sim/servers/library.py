"""Everything that the sandbox has recorded: the archive, and what was played a while ago."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence

from aftershock.model.events import Event
from aftershock.sim.servers.archive import Archive, venue_of
from aftershock.sim.servers.hub import Hub
from aftershock.sim.servers.terms import Terms

__all__ = ["Library"]


class Library:
    """Looks up the past by exchange and receive time."""

    def __init__(self, hub: Hub, archive: Archive) -> None:
        self._hub, self._archive = hub, archive

    def past(self, exchanges: Sequence[str], from_ns: int, to_ns: int) -> Iterator[Event]:
        """Iterate over the events of some exchanges between two receive times, in their order."""
        wanted = frozenset(exchanges)
        flows = [self._archive.past(exchange, from_ns, to_ns) for exchange in dict.fromkeys(exchanges)]
        flows.append(event for event in self._hub.past(from_ns, to_ns) if venue_of(event) in wanted)
        return heapq.merge(*flows, key=lambda event: event.ts_init)

    def terms(self) -> dict[tuple[str, str], Terms]:
        """Return the terms of options in all that is recorded."""
        return {**self._archive.terms, **self._hub.terms}
