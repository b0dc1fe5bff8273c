"""The total order of events: receive time, then priority, then stream, then as they came.

Live, events come in the order of arrival. Files keep that order within each file only, so rows that carry one receive
time in different files are put in order by this rule; a run in process that must equal a replay uses it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple, TypeVar

from aftershock.model.events import (
    BookSnapshot,
    ClockStep,
    DerivativeTicker,
    Event,
    Gap,
    Halt,
    Liquidation,
    OptionQuotes,
    OrderUpdate,
    Priority,
    Quote,
    Restored,
    Resume,
    ReviewReply,
    Settlement,
    Stale,
    StreamId,
    Timer,
    Trade,
)
from aftershock.model.symbols import parse_symbol

__all__ = ["MAX_SAME_STAMP", "Place", "in_order", "option_place", "option_stream", "place", "total_order"]

MAX_SAME_STAMP = 65_536
"""Most items with one receive time that are put in order; what exceeds them is put in order by itself."""

_MAX_NAMES = 65_536
_T = TypeVar("_T")


class Place(NamedTuple):
    """Where an event stands; places compare as their events follow each other.

    Attributes:
        ts_init: Receive time, ns UTC; of the first row if it is a batch.
        priority: Order among equal times.
        stream: Order among equal priorities.
    """

    ts_init: int
    priority: Priority
    stream: StreamId


_PUBLIC = (Quote, Trade, Liquidation, DerivativeTicker, BookSnapshot)
_OF_A_STREAM = (Gap, Stale, Restored)
_OF_AN_INSTRUMENT: dict[type[Event], tuple[Priority, str]] = {
    DerivativeTicker: (Priority.INDEX_AND_MARK, "derivative_ticker"),
    Quote: (Priority.BOOK, "quotes"),
    BookSnapshot: (Priority.BOOK, "book_snapshot"),
    Trade: (Priority.TRADE, "trades"),
    Liquidation: (Priority.LIQUIDATION, "liquidations"),
}
_OF_NO_STREAM: dict[type[Event], tuple[Priority, str]] = {
    Halt: (Priority.STATUS, "control"),
    Resume: (Priority.STATUS, "control"),
    Timer: (Priority.TIMER, "timer"),
    ReviewReply: (Priority.REPLY, "reply"),
    OrderUpdate: (Priority.ORDER_AND_FILL, "order"),
}


@lru_cache(maxsize=_MAX_NAMES)
def option_stream(venue: str, symbol: str) -> StreamId:
    """Return the stream of an option's quotes: that of its underlying."""
    parsed = parse_symbol(venue, symbol)
    underlying = parsed.base if parsed is not None else symbol.replace("_", "-").split("-", 1)[0]
    return StreamId(venue=venue, kind="option_quotes", symbol=underlying)


def option_place(ts_init: int, stream: StreamId) -> Place:
    """Return the place of option rows that were received at `ts_init`."""
    return Place(ts_init, Priority.BOOK, stream)


def place(event: Event) -> Place:
    """Return where an event stands; of a batch, where its first row does.

    Raises:
        TypeError: Events of its type are never put in order.
    """
    if isinstance(event, _PUBLIC):
        priority, kind = _OF_AN_INSTRUMENT[type(event)]
        return Place(event.ts_init, priority, StreamId(event.venue, kind, event.symbol))
    if isinstance(event, OptionQuotes):
        return option_place(int(event.row_ts_init[0]), event.stream)
    if isinstance(event, Settlement):
        return Place(event.ts_init, Priority.EXPIRY, StreamId(event.venue, "settlement", event.family))
    if isinstance(event, _OF_A_STREAM):
        return Place(event.ts_init, Priority.STATUS, event.stream)
    if isinstance(event, ClockStep):
        return Place(event.ts_init, Priority.STATUS, StreamId("", "clock", event.source))
    if type(event) in _OF_NO_STREAM:
        priority, kind = _OF_NO_STREAM[type(event)]
        return Place(event.ts_init, priority, StreamId("", kind, ""))
    raise TypeError(f"{type(event).__name__} has no place in the total order: give it one in model.order")


def in_order(items: Iterable[_T], place_of: Callable[[_T], Place]) -> Iterator[_T]:
    """Put items of one moment each, whose times don't decrease, in order; equal places stay as they are."""
    held: list[_T] = []
    now = 0
    for item in items:
        ts_init = place_of(item).ts_init
        if held and (ts_init != now or len(held) >= MAX_SAME_STAMP):
            yield from _sorted(held, place_of)
            held = []
        now = ts_init
        held.append(item)
    yield from _sorted(held, place_of)


def _sorted(held: list[_T], place_of: Callable[[_T], Place]) -> list[_T]:
    if len(held) > 1:
        held.sort(key=place_of)
    return held


def total_order(events: Iterable[Event]) -> Iterator[Event]:
    """Put the events of each moment in the order in which files would give them.

    Args:
        events: Receive times don't decrease, within batches and from one event to the next.

    Yields:
        The same events; a batch of option rows is cut where the receive time changes.

    Raises:
        ValueError: A time is before that of what came before it.
    """
    return (event for _, event in in_order(_placed(events), itemgetter(0)))


def _placed(events: Iterable[Event]) -> Iterator[tuple[Place, Event]]:
    latest = -(2**63)
    for event in events:
        for part in event.moments() if isinstance(event, OptionQuotes) else (event,):
            at = place(part)
            if at.ts_init < latest:
                raise ValueError(
                    f"{at.stream} comes at {at.ts_init}, after an event at {latest}: give events by receive time"
                )
            latest = at.ts_init
            yield at, part
