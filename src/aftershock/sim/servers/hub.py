"""Plays the market against the clock, keeps what it played for a while, and hands it to whoever subscribed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator

import msgspec

from aftershock.model.events import Event, OptionQuotes
from aftershock.model.units import NS_PER_S
from aftershock.sim.servers.normalized import Message, TermsTable, data_types_of, normalized, rows_of
from aftershock.sim.servers.pace import Pace
from aftershock.sim.servers.terms import Terms

__all__ = ["Hub", "Interest", "Wanted"]

_KEPT_NS = 900 * NS_PER_S
_KEPT_EVENTS = 200_000
_STATES = frozenset({"quote", "book_ticker", "derivative_ticker", "option_summary"})
"""What a venue sends at once to whoever subscribes: how things stand."""
_YIELD_EVERY = 64


class Wanted(msgspec.Struct, frozen=True):
    """One exchange's data types and symbols; no symbols means all."""

    exchange: str
    data_types: frozenset[str]
    symbols: frozenset[str]

    def takes(self, exchange: str, symbol: str) -> bool:
        """Tell whether it asks for a symbol."""
        return exchange == self.exchange and (not self.symbols or symbol in self.symbols)


class Interest:
    """What one listener wants, and where to put it.

    Attributes:
        wanted: By what it may be reached.
    """

    def __init__(
        self,
        wanted: Iterable[Wanted],
        on_message: Callable[[Message, int], None],
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        """Take the listener.

        Args:
            wanted: Subscriptions.
            on_message: Gets each message and its receive time.
            on_event: Gets each event as well, for listeners that speak another dialect.
        """
        self.wanted = tuple(wanted)
        self._on_message, self.on_event = on_message, on_event
        self._exchanges = frozenset(each.exchange for each in self.wanted)

    def offer(self, event: Event, terms: TermsTable) -> None:
        """Take what it wants of an event."""
        if self.on_event is not None:
            self.on_event(event)
        venue = event.stream.venue if isinstance(event, OptionQuotes) else getattr(event, "venue", "")
        if venue not in self._exchanges:
            return
        for data_type in data_types_of(event):
            for exchange, symbol, row in rows_of(event):
                if self.wants(exchange, symbol, data_type):
                    self._on_message(normalized(event, row, data_type, terms, live=True), event.ts_init)

    def wants(self, exchange: str, symbol: str, data_type: str) -> bool:
        """Tell whether a message is for it."""
        return any(data_type in each.data_types and each.takes(exchange, symbol) for each in self.wanted)

    def send_states(self, states: dict[tuple[str, str, str], tuple[Event, int]], terms: TermsTable) -> None:
        """Send how things stand."""
        for (exchange, symbol, data_type), (event, row) in states.items():
            if self.wants(exchange, symbol, data_type):
                self._on_message(normalized(event, row, data_type, terms, live=True), event.ts_init)


class Hub:
    """The market as it goes on.

    Attributes:
        pace: When it plays what.
        terms: Of options, those of earlier listings included.
        played: Events so far.
    """

    def __init__(
        self, events: AsyncIterator[Event], terms: dict[tuple[str, str], Terms], pace: Pace, first_ns: int
    ) -> None:
        """Take the market.

        Args:
            events: In the order of their receipt, without an end.
            terms: Of options; may grow while events are drawn.
            pace: When to play what.
            first_ns: What comes before is skipped, but known as a state.
        """
        self.pace, self.terms, self.played = pace, terms, 0
        self._events, self._first_ns = events, first_ns
        self._states: dict[tuple[str, str, str], tuple[Event, int]] = {}
        self._past: deque[Event] = deque()
        self._interests: list[Interest] = []

    def join(self, interest: Interest) -> None:
        """Send an interest how things stand, and everything from now on."""
        interest.send_states(self._states, self.terms)
        self._interests.append(interest)

    def attach(self, interest: Interest) -> None:
        """Send an interest everything from now on, from before the market plays."""
        self._interests.append(interest)

    def state(self, exchange: str, symbol: str, data_type: str) -> tuple[Event, int] | None:
        """Return the event that says how a thing stands, and the row of it."""
        return self._states.get((exchange, symbol, data_type))

    def leave(self, interest: Interest) -> None:
        """Send it nothing more."""
        if interest in self._interests:
            self._interests.remove(interest)

    def past(self, from_ns: int, to_ns: int) -> Iterator[Event]:
        """Iterate over what was played between two receive times and is still kept."""
        return (event for event in list(self._past) if from_ns <= event.ts_init < to_ns)

    async def play(self, wall: Callable[[], int]) -> None:
        """Play until cancelled.

        Args:
            wall: Wall clock, ns UTC.
        """
        count = 0
        async for event in self._events:
            count += 1
            if event.ts_init >= self._first_ns:
                due = self.pace.wall_ns(event.ts_init)
                await asyncio.sleep(max(due - wall(), 0) / NS_PER_S)
                self._keep(event)
                self.played += 1
                for interest in tuple(self._interests):
                    interest.offer(event, self.terms)
            self._remember(event)
            if count % _YIELD_EVERY == 0:
                await asyncio.sleep(0)

    def _remember(self, event: Event) -> None:
        for data_type in data_types_of(event):
            if data_type in _STATES:
                for exchange, symbol, row in rows_of(event):
                    self._states[exchange, symbol, data_type] = event, row

    def _keep(self, event: Event) -> None:
        past = self._past
        past.append(event)
        while len(past) > _KEPT_EVENTS or past[0].ts_init < event.ts_init - _KEPT_NS:
            past.popleft()
