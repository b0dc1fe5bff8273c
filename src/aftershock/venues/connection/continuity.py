"""Which streams are whole, and the bounds of each hole, as events.

A feed is what fails together: one venue's streams on one connection. A stream may come over several feeds; it is stale
while one of them is down, and restored when the last of them is back.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from aftershock.model.events import Event, Gap, Restored, Stale, StreamId

__all__ = ["Continuity", "Feed"]


class _Hole(msgspec.Struct):
    from_ns: int
    reason: str


class Feed(msgspec.Struct, kw_only=True):
    """State of one feed.

    Attributes:
        streams: What it carries.
        heard_ns: When its last message came, ns UTC; before the first one, when it was opened; 0 before that.
        doubted: True while its clock is off.
    """

    streams: tuple[StreamId, ...]
    heard_ns: int = 0
    hole: _Hole | None = None
    doubted: bool = False


class Continuity:
    """Turns losses and returns of feeds into `Stale`, `Gap` and `Restored`.

    A loss gives `Stale` at once. The first message after it gives `Gap`, from the last frame before the loss to that
    message, then `Restored`, and only then may the message itself be used: so nothing is decided inside a gap.

    Attributes:
        gaps: Gaps told so far.
    """

    def __init__(self) -> None:
        self._down: dict[StreamId, int] = {}
        self.gaps = 0

    def heard(self, feed: Feed, ts_ns: int) -> Sequence[Event]:
        """Note a message; return what has to be told before it."""
        hole = feed.hole
        feed.heard_ns = ts_ns
        if hole is None:
            return ()
        feed.hole = None
        gaps = self._gaps(feed, hole.from_ns, ts_ns, hole.reason)
        return [*gaps, *(Restored(ts_event=ts_ns, ts_init=ts_ns, stream=stream) for stream in self._up(feed))]

    def lost(self, feed: Feed, from_ns: int, ts_ns: int, reason: str) -> Sequence[Event]:
        """Note that a feed went down; one that is down already stays so, from the earlier of both moments.

        Args:
            feed: Which.
            from_ns: When the last frame before the loss came.
            ts_ns: Now.
            reason: For people.
        """
        if feed.hole is not None:
            feed.hole.from_ns = min(feed.hole.from_ns, from_ns)
            return ()
        feed.hole = _Hole(from_ns, reason)
        return self._stale(feed, ts_ns, reason)

    def doubt(self, feed: Feed, ts_ns: int, reason: str) -> Sequence[Event]:
        """Note that a feed's times can't be right: its streams are stale until it is trusted again."""
        if feed.doubted:
            return ()
        feed.doubted = True
        return self._stale(feed, ts_ns, reason)

    def trust(self, feed: Feed, ts_ns: int) -> Sequence[Event]:
        """Note that a feed's times are right again."""
        if not feed.doubted:
            return ()
        feed.doubted = False
        return [Restored(ts_event=ts_ns, ts_init=ts_ns, stream=stream) for stream in self._up(feed)]

    def skipped(self, feed: Feed, from_ns: int, to_ns: int, reason: str) -> Sequence[Event]:
        """Note a hole that is over when it is noticed: a gap, unless a wider one is open."""
        return () if feed.hole is not None else self._gaps(feed, from_ns, to_ns, reason)

    def ended(self, feed: Feed, ts_ns: int) -> Sequence[Event]:
        """Note that nothing more will come: an open hole ends as a gap, and its streams stay stale."""
        hole, feed.hole = feed.hole, None
        return () if hole is None else self._gaps(feed, hole.from_ns, ts_ns, hole.reason)

    def _stale(self, feed: Feed, ts_ns: int, reason: str) -> Sequence[Event]:
        fresh = []
        for stream in feed.streams:
            self._down[stream] = self._down.get(stream, 0) + 1
            if self._down[stream] == 1:
                fresh.append(stream)
        return [Stale(ts_event=ts_ns, ts_init=ts_ns, stream=stream, detail=reason) for stream in fresh]

    def _up(self, feed: Feed) -> Sequence[StreamId]:
        back = []
        for stream in feed.streams:
            self._down[stream] -= 1
            if not self._down[stream]:
                del self._down[stream]
                back.append(stream)
        return back

    def _gaps(self, feed: Feed, from_ns: int, ts_ns: int, reason: str) -> Sequence[Event]:
        self.gaps += len(feed.streams)
        from_ns = min(from_ns, ts_ns)  # the wall clock may have stepped back in between
        return [
            Gap(ts_event=from_ns, ts_init=ts_ns, stream=stream, from_ts=from_ns, to_ts=ts_ns, detail=reason)
            for stream in feed.streams
        ]
