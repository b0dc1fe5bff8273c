"""The bounded queue between the reader of a socket and whoever uses what it read."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import NamedTuple, TypeAlias

import msgspec

__all__ = ["Frame", "Given", "Inbox", "Item", "Lost", "Opened", "Skipped", "Tick"]


class Frame(NamedTuple):
    """A text message.

    Attributes:
        text: As it came.
        received_ns: Our wall clock when the socket delivered it, ns UTC.
    """

    text: str
    received_ns: int


class Opened(NamedTuple):
    """The connection stands, and what it subscribes to has been sent."""

    at_ns: int
    number: int


class Lost(NamedTuple):
    """The connection is gone; another will be opened.

    Attributes:
        from_ns: When the last frame of any kind came, ns UTC; all that was sent before it has come too.
        at_ns: When the loss was noticed.
        reason: For people.
    """

    from_ns: int
    at_ns: int
    reason: str


class Skipped(NamedTuple):
    """Frames that came and were not handed on.

    Attributes:
        from_ns: When the last one before them came, ns UTC.
        to_ns: When the last of them came.
        frames: How many.
        reason: For people.
        overflow: True if there was no room for them; False if they were no text.
    """

    from_ns: int
    to_ns: int
    frames: int
    reason: str
    overflow: bool = False


class Tick(NamedTuple):
    """Time goes on, also where nothing comes."""

    at_ns: int


class Given(NamedTuple):
    """What came by another way than the connection, e.g. a snapshot over HTTP.

    Attributes:
        at_ns: When, ns UTC.
        number: Of the opening of the connection that it belongs to; 0 if to none.
        what: It.
    """

    at_ns: int
    number: int
    what: object


Item: TypeAlias = Frame | Opened | Lost | Skipped | Tick | Given


class _Overflow(msgspec.Struct):
    from_ns: int
    to_ns: int
    count: int = 0


class Inbox:
    """Queue of what connections delivered, in the order of receipt; each item goes with the number of its connection.

    Once it is full, by number or by size, new frames are dropped until half of it is free again; then one `Skipped` for
    each connection that lost some takes their place. Old frames are never dropped: what was received first is whole.

    Attributes:
        frames: Frames that came, dropped ones included.
        dropped: Frames that did not fit.
        error: What it was ended with.
    """

    def __init__(self, max_frames: int = 65_536, max_chars: int = 64 << 20) -> None:
        """Take the bounds."""
        self._max_frames, self._max_chars = max_frames, max_chars
        self._queue: deque[tuple[int, Item]] = deque()
        self._chars = 0
        self._kept_ns: dict[int, int] = {}
        self._overflows: dict[int, _Overflow] = {}
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False
        self.error: BaseException | None = None
        self.frames = 0
        self.dropped = 0

    def __len__(self) -> int:
        """Return the number of items that wait."""
        return len(self._queue)

    def offer(self, link: int, frame: Frame) -> None:
        """Take a frame, if there is room for it."""
        if self._ended:
            return
        self.frames += 1
        if self._overflows:
            roomy = len(self._queue) <= self._max_frames // 2 and self._chars <= self._max_chars // 2
        else:
            roomy = len(self._queue) < self._max_frames and self._chars < self._max_chars
        if not roomy:
            self._drop(link, frame)
            return
        self._kept_ns[link] = frame.received_ns
        self._chars += len(frame.text)
        self.put(link, frame)

    def put(self, link: int, item: Item) -> None:
        """Take what may not be lost; after the end nothing is taken."""
        if self._ended:
            return
        if self._overflows:
            self._tell_overflows()
        self._queue.append((link, item))
        self._wake()

    def end(self, error: BaseException | None = None) -> None:
        """Take nothing more; whoever takes gets what waits, then None. The first end counts."""
        if not self._ended:
            self._ended, self.error = True, error
            self._wake()

    def take_now(self) -> tuple[int, Item] | None:
        """Return the next item and the number of its connection, or None if nothing waits."""
        if not self._queue:
            if not self._overflows:
                return None
            self._tell_overflows()
        link, item = self._queue.popleft()
        if isinstance(item, Frame):
            self._chars -= len(item.text)
        return link, item

    async def take(self) -> tuple[int, Item] | None:
        """Return the next item as soon as there is one; None after the end."""
        while (taken := self.take_now()) is None:
            if self._ended:
                return None
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return taken

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _drop(self, link: int, frame: Frame) -> None:
        self.dropped += 1
        now = frame.received_ns
        overflow = self._overflows.setdefault(link, _Overflow(self._kept_ns.get(link, now), now))
        overflow.to_ns = now
        overflow.count += 1

    def _tell_overflows(self) -> None:
        overflows, self._overflows = self._overflows, {}
        for link, lost in overflows.items():
            reason = f"{lost.count:,} frames came faster than they were used"
            self._queue.append((link, Skipped(lost.from_ns, lost.to_ns, lost.count, reason, overflow=True)))
