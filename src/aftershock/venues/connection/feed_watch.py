"""Feeds judged as time goes on: those that went silent and must not, and those whose venue's clock can't be right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from aftershock.model.events import Event
from aftershock.model.units import NS_PER_S
from aftershock.venues.connection.continuity import Continuity, Feed
from aftershock.venues.connection.offset import ClockOffset, VenueClock

__all__ = ["VenueClocks", "silent"]


def silent(continuity: Continuity, feeds: Iterable[Feed], stale_after_ns: int, now_ns: int) -> Iterator[Event]:
    """Tell which feeds, of those that must not be quiet, were so for too long."""
    for feed in feeds:
        silent_ns = now_ns - feed.heard_ns
        if feed.heard_ns and feed.hole is None and silent_ns > stale_after_ns:
            yield from continuity.lost(feed, feed.heard_ns, now_ns, f"nothing came for {silent_ns / NS_PER_S:.0f} s")


class VenueClocks:
    """Receive time against the time that messages carry, by venue.

    Attributes:
        by_venue: The clocks seen so far.
    """

    def __init__(self) -> None:
        """Start without any."""
        self.by_venue: dict[str, VenueClock] = {}
        self._noted: set[str] = set()

    def observe(self, venue: str, ts_event: int, received_ns: int) -> None:
        """Take the two times of a message, ns UTC."""
        clock = self.by_venue.get(venue)
        if clock is None:
            clock = self.by_venue[venue] = VenueClock()
        clock.observe(ts_event, received_ns)

    def offset(self, venue: str) -> ClockOffset | None:
        """Return how far a venue's clock seems to be from ours; None while that is not known."""
        clock = self.by_venue.get(venue)
        return None if clock is None else clock.offset

    def judge(
        self,
        continuity: Continuity,
        feeds_of: Callable[[str], Iterable[Feed]],
        note: Callable[[str], None],
        now_ns: int,
    ) -> Iterator[Event]:
        """Doubt the feeds of a venue whose clock is ahead: its lag can't be known. One behind fails the guard of lag.

        Args:
            continuity: Of the feeds.
            feeds_of: Gives the feeds of a venue.
            note: Gets a sentence, once, about each clock that is off.
            now_ns: Our time.
        """
        for venue, clock in self.by_venue.items():
            offset = clock.offset
            if offset is None:
                continue
            if offset.is_off and venue not in self._noted:
                self._noted.add(venue)
                note(offset.text(venue))
            for feed in feeds_of(venue):
                if offset.is_ahead:
                    yield from continuity.doubt(feed, now_ns, offset.text(venue))
                else:
                    yield from continuity.trust(feed, now_ns)
