"""Our clock on live events: strictly increasing, whatever the machine's clock does."""

from __future__ import annotations

from typing import TypeVar

import msgspec
import numpy as np

from aftershock.model.events import ClockStep, Event, OptionQuotes, StreamId

__all__ = ["Sequencer"]

_BEFORE_ALL = -(2**63)
E = TypeVar("E", bound=Event)


class Sequencer:
    """Gives each event `max(previous + 1, wall clock)`.

    All rows of a batch of option quotes carry the moment of its receipt. Batches of one stream that follow each other
    and were received at one reading of the clock are one batch that was cut, and share its time.

    Attributes:
        last: `ts_init` that was given last, ns UTC; 0 before the first.
    """

    def __init__(self) -> None:
        self.last = 0
        self._reading = _BEFORE_ALL
        self._moment: tuple[StreamId, int] | None = None

    def stamp(self, event: Event, wall_ns: int) -> tuple[Event, ...]:
        """Return the event with our time, after a `ClockStep` if the clock went back since the event before it.

        Args:
            event: Its own `ts_init` is overwritten.
            wall_ns: Wall clock when it was received, ns UTC; events are given in the order of receipt.
        """
        step = self._step(wall_ns)
        moment = (event.stream, wall_ns) if isinstance(event, OptionQuotes) else None
        if step is None and moment is not None and moment == self._moment:
            return (_received(event, self.last),)
        self._moment = moment
        stamped = _received(event, self.next(wall_ns))
        return (stamped,) if step is None else (step, stamped)

    def next(self, wall_ns: int) -> int:
        """Return the time that an event would get now, and take it."""
        self.last = max(self.last + 1, wall_ns)
        return self.last

    def ahead(self, wall_ns: int) -> int:
        """Return the time that an event would get now, without taking it."""
        return max(self.last + 1, wall_ns)

    def _step(self, wall_ns: int) -> ClockStep | None:
        back, self._reading = self._reading - wall_ns, wall_ns
        if back <= 0:
            return None
        ts = self.next(wall_ns)
        return ClockStep(ts_event=ts, ts_init=ts, step_ns=back)


def _received(event: E, ts_init: int) -> E:
    if isinstance(event, OptionQuotes):
        rows = np.full(len(event), ts_init, dtype=np.int64)
        return msgspec.structs.replace(event, ts_init=ts_init, row_ts_init=rows)
    return msgspec.structs.replace(event, ts_init=ts_init)
