"""The public liquidation feeds of four venues: biased sensors, each in its own way."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from operator import attrgetter

import msgspec
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from aftershock.model.events import Liquidation
from aftershock.model.liquidations import Completeness, Coverage, Liquidated, PriceKind, liquidated_side
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NS_PER_MS, NS_PER_S, NS_PER_US
from aftershock.sim.market.feed_table import FEEDS, Feed, Show
from aftershock.sim.market.liquidations import Liquidations

__all__ = ["FEEDS", "FeedFault", "liquidation_events"]

_MARGIN_SIGMA_LN = 0.25
_SATURATED_S = 5
_SATURATED_HZ = 100
_REPEATED_NS = 2 * NS_PER_S
_RECONNECT_NS = 300 * NS_PER_MS
_OTHER = {
    Liquidated.LONG: Liquidated.SHORT,
    Liquidated.SHORT: Liquidated.LONG,
    Liquidated.UNKNOWN: Liquidated.UNKNOWN,
}


class FeedFault(StrEnum):
    """What is wrong with the feeds of an episode."""

    NONE = "none"
    SIDE_FLIPPED = "side_flipped"
    """One venue says long where a short was liquidated, and the other way round."""
    DUPLICATED = "duplicated"
    """One venue sends its last two seconds again after a reconnect."""
    SATURATED = "saturated"
    """A throttled venue works off a hundred orders a second, and shows one."""


VenuePrice = Callable[[int, NDArray[np.int64]], NDArray[np.float64]]
Latency = Callable[[int, NDArray[np.int64]], NDArray[np.int64]]


class _Orders(msgspec.Struct, frozen=True, kw_only=True):
    """Forced orders of one venue as columns, in time order; `lots` are whole steps of the native amount."""

    ts_ns: NDArray[np.int64]
    parent: NDArray[np.int64]
    lots: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> _Orders:
        """Return some rows."""
        return _Orders(ts_ns=self.ts_ns[rows], parent=self.parent[rows], lots=self.lots[rows])


def liquidation_events(
    rng: Generator,
    liquidations: Liquidations,
    venue_price: VenuePrice,
    latency: Latency,
    fault: FeedFault = FeedFault.NONE,
) -> list[Liquidation]:
    """Return what the four public feeds show of an episode, in the order of receipt.

    Args:
        rng: Source of slot phases, margins and of what a fault hits. Faults other than a saturated feed draw last, so
            the same generator gives the same messages with and without them.
        liquidations: The truth; venues are indices of `FEEDS`.
        venue_price: Mid price of a venue, USD per coin, at some moments.
        latency: Receive times of what a venue sends at some moments, both not decreasing.
        fault: What is wrong.

    Raises:
        ValueError: At that date a venue's feed was another one than is emulated here.
    """
    messages = [
        _messages(rng, liquidations, venue, venue_price, latency, saturated=fault is FeedFault.SATURATED)
        for venue in range(len(FEEDS))
    ]
    talking = [venue for venue, said in enumerate(messages) if said]
    if talking and fault in (FeedFault.SIDE_FLIPPED, FeedFault.DUPLICATED):
        venue = talking[int(rng.integers(len(talking)))]
        if fault is FeedFault.SIDE_FLIPPED:
            messages[venue] = [
                msgspec.structs.replace(message, liquidated=_OTHER[message.liquidated]) for message in messages[venue]
            ]
        else:
            messages[venue] += _sent_again(rng, messages[venue])
    return sorted((message for said in messages for message in said), key=attrgetter("ts_init"))


def _messages(
    rng: Generator,
    liquidations: Liquidations,
    venue: int,
    venue_price: VenuePrice,
    latency: Latency,
    *,
    saturated: bool,
) -> list[Liquidation]:
    feed = FEEDS[venue]
    phase_ns = int(rng.integers(feed.slot_ms)) * NS_PER_MS
    # A margin for each parent, on this venue or not: what one venue draws does not depend on who was hit.
    margin = feed.margin_bps * 1e-4 * np.exp(_MARGIN_SIGMA_LN * rng.standard_normal(len(liquidations)))
    children = np.flatnonzero(liquidations.venue[liquidations.child_parent] == venue)
    orders = _orders(feed, liquidations, children, venue_price(venue, liquidations.child_ts_ns[children]))
    if saturated and feed.completeness is Completeness.THROTTLED:
        orders = _saturate(rng, feed, orders, phase_ns)
    if not len(orders.ts_ns):
        return []
    orders, sent_ns = _shown(feed, orders, phase_ns)
    coverage = _coverage(feed, int(orders.ts_ns[0]))
    side = liquidations.forced_side[orders.parent]
    if coverage.price_kind is PriceKind.FILL:
        price = venue_price(venue, orders.ts_ns)
    else:
        price = venue_price(venue, liquidations.ts_ns[orders.parent]) * np.exp(side * margin[orders.parent])
    # The venue stamps whole milliseconds, and never an earlier one than it happened in.
    event_ns = _up(orders.ts_ns, NS_PER_MS)
    # What is sent at one moment is one message, and received at one moment.
    sent_ns, message = np.unique(np.maximum(sent_ns, event_ns), return_inverse=True)
    received_ns = _up(latency(venue, sent_ns), NS_PER_US)[message]
    return _events(feed, coverage, orders, event_ns, received_ns, _ticks(feed, price, side), side)


def _events(
    feed: Feed,
    coverage: Coverage,
    orders: _Orders,
    event_ns: NDArray[np.int64],
    received_ns: NDArray[np.int64],
    price: NDArray[np.float64],
    side: NDArray[np.int8],
) -> list[Liquidation]:
    first_id = int(event_ns[0]) // NS_PER_MS
    liquidated = {1: liquidated_side("buy"), -1: liquidated_side("sell")}
    amount = np.round(orders.lots * feed.lot, 6)
    columns = (event_ns, received_ns, price, amount, side)
    return [
        Liquidation(
            ts_event=ts_event,
            ts_init=ts_init,
            venue=feed.venue,
            symbol=feed.symbol,
            price=at,
            amount=size,
            liquidated=liquidated[forced],
            price_kind=coverage.price_kind,
            completeness=coverage.completeness,
            liquidation_id=str(first_id + row) if feed.gives_ids else "",
        )
        for row, (ts_event, ts_init, at, size, forced) in enumerate(
            zip(*(column.tolist() for column in columns), strict=True)
        )
    ]


def _coverage(feed: Feed, ts_ns: int) -> Coverage:
    coverage = InstrumentTable().coverage(feed.venue, ts_ns)
    if coverage.completeness is not feed.completeness:
        raise ValueError(
            f"the feed of {feed.venue} was {coverage.completeness} at {ts_ns} ns, and {feed.completeness} is emulated:"
            " simulate a date from 26 February 2025 on"
        )
    return coverage


def _orders(feed: Feed, liquidations: Liquidations, children: NDArray[np.int64], mid: NDArray[np.float64]) -> _Orders:
    """Return one venue's fills in whole lots; rounding carries over within a parent, less than a lot is none."""
    parent = liquidations.child_parent[children]
    usd = liquidations.child_usd[children]
    exact = np.cumsum((usd / mid / feed.unit_coins if feed.unit_coins else usd) / feed.lot)
    begins = np.flatnonzero(np.diff(parent, prepend=-1))
    carried = np.concatenate((np.zeros(1), exact))[begins]
    exact -= np.repeat(carried, np.diff(begins, append=len(parent)))
    whole = np.rint(exact).astype(np.int64)
    lots = np.diff(whole, prepend=0)
    lots[begins] = whole[begins]
    orders = _Orders(ts_ns=liquidations.child_ts_ns[children], parent=parent, lots=lots)
    rows = np.flatnonzero(lots > 0)
    return orders.take(rows[np.argsort(orders.ts_ns[rows], kind="stable")])


def _saturate(rng: Generator, feed: Feed, orders: _Orders, phase_ns: int) -> _Orders:
    """Return the orders that a throttle can show while each fill is worked off as a hundred orders a second.

    Each fill becomes a queue that fills the next five slots evenly. Of a slot's hundred orders only the first and the
    last can be shown, so only the one that this feed shows is made.
    """
    slot_ns = feed.slot_ms * NS_PER_MS
    step_ns = slot_ns // _SATURATED_HZ
    slots = (orders.ts_ns - phase_ns) // slot_ns + np.arange(1, _SATURATED_S + 1)[:, np.newaxis]
    inside_ns = rng.integers(step_ns, size=slots.shape)
    if feed.show is Show.LATEST:
        inside_ns += slot_ns - step_ns
    ts_ns = (slots * slot_ns + phase_ns + inside_ns).ravel()
    queued = _Orders(
        ts_ns=ts_ns,
        parent=np.tile(orders.parent, _SATURATED_S),
        lots=np.tile(np.maximum(1, orders.lots // (_SATURATED_S * _SATURATED_HZ)), _SATURATED_S),
    )
    return queued.take(np.argsort(ts_ns, kind="stable"))


def _shown(feed: Feed, orders: _Orders, phase_ns: int) -> tuple[_Orders, NDArray[np.int64]]:
    """Return the orders that the feed shows, and when it sends them."""
    if feed.show is Show.EACH:
        return orders, orders.ts_ns
    slot_ns = feed.slot_ms * NS_PER_MS
    slot = (orders.ts_ns - phase_ns) // slot_ns
    ends_ns = (slot + 1) * slot_ns + phase_ns
    if feed.show is Show.BATCHES:
        return orders, ends_ns
    if feed.show is Show.LATEST:
        rows = np.flatnonzero(np.diff(slot, append=slot[-1] + 1))
        return orders.take(rows), ends_ns[rows]
    rows = np.flatnonzero(np.diff(slot, prepend=slot[0] - 1))
    return orders.take(rows), orders.ts_ns[rows]


def _ticks(feed: Feed, price: NDArray[np.float64], side: NDArray[np.int8]) -> NDArray[np.float64]:
    """Round to the tick that is worse for the forced order: up for a buy, down for a sell."""
    return np.round(side * np.ceil(side * price / feed.tick - 1e-9) * feed.tick, 6)


def _up(ts_ns: NDArray[np.int64], step_ns: int) -> NDArray[np.int64]:
    return -(-ts_ns // step_ns) * step_ns


def _sent_again(rng: Generator, messages: list[Liquidation]) -> list[Liquidation]:
    """Return copies of two seconds of messages, received one by one after a reconnect."""
    broke_ns = messages[int(rng.integers(len(messages)))].ts_init
    again = [message for message in messages if broke_ns - _REPEATED_NS < message.ts_init <= broke_ns]
    return [
        msgspec.structs.replace(message, ts_init=broke_ns + _RECONNECT_NS + row * NS_PER_US)
        for row, message in enumerate(again)
    ]
