"""What reaches us: the venues' public feeds as model events, late, conflated, and now and then wrong."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.random import Generator

from aftershock.model import events as ev
from aftershock.model.order import Place, option_place
from aftershock.model.units import BPS, NAN, NS_PER_MS, NS_PER_S, NS_PER_US
from aftershock.sim.market.book import Books, GroupBook
from aftershock.sim.market.grid import Floats, Ints
from aftershock.sim.market.listing import INVERSE, PERPS, Listing
from aftershock.sim.market.params import World
from aftershock.sim.market.perps import Perps
from aftershock.sim.market.script import FeedFault, Script
from aftershock.sim.market.surface import Surface

__all__ = ["OptionFeed", "Ways", "fault_events", "future_events", "index_events", "perp_events"]

_TICK_NS = 100 * NS_PER_MS
_CALM_TICK_NS = 1_000 * NS_PER_MS
_SIZE_FACTOR = 2.0
_CLOCK_STEP_NS = 250 * NS_PER_MS
_UNITS = (0.01, 0.1, 10.0)


class Ways:
    """How long messages are on their way to us: one lognormal draw per venue and episode, jitter on each message."""

    def __init__(self, rng: Generator, world: World, feed_ms: float | None) -> None:
        self._rng = rng
        self._jitter = world.jitter_ln
        self._median_ms = world.feed_ms if feed_ms is None else feed_ms
        self._sd = world.feed_sd_ln
        self._base: dict[str, float] = {}
        self._least = 2**62

    @property
    def least_ns(self) -> int:
        """Return how long the fastest message took: before that nobody could have known."""
        return self._least

    def arrival(self, stream: str, sent: Ints) -> Ints:
        """Return when messages that were sent at ascending moments arrive, in order, in whole microseconds."""
        if stream not in self._base:
            self._base[stream] = self._median_ms * float(np.exp(self._sd * self._rng.standard_normal()))
        way_ms = self._base[stream] * np.exp(self._jitter * self._rng.standard_normal(len(sent)))
        arrived = sent + (way_ms * NS_PER_MS).astype(np.int64)
        if len(sent):
            self._least = min(self._least, int(way_ms.min() * NS_PER_MS))
        arrived -= arrived % NS_PER_US
        return np.maximum.accumulate(arrived) if len(sent) else arrived


def perp_events(
    rng: Generator, perps: Perps, ways: Ways, script: Script, from_ns: int, hot_ns: tuple[int, int]
) -> list[ev.Event]:
    """Return the quotes of all perpetuals."""
    events: list[ev.Event] = []
    for venue, perp in enumerate(PERPS):
        quotes = perps.quotes(rng, venue, from_ns, hot_ns)
        arrived = ways.arrival(perp.venue, quotes.moments)
        sent = quotes.moments
        if script.fault is FeedFault.CLOCK and venue == 0:
            inside = (sent >= script.fault_from_ns) & (sent < script.fault_to_ns)
            sent = sent + np.where(inside, _CLOCK_STEP_NS, 0)
        keep = np.ones(len(sent), dtype=np.bool_)
        if script.fault is FeedFault.PERPS_DOWN and venue < 2:
            keep = (sent < script.fault_from_ns) | (sent >= script.fault_to_ns)
        columns = (sent, arrived, quotes.bid, quotes.bid_amount, quotes.ask, quotes.ask_amount)
        for te, ti, b, bs, a, az in zip(*(column[keep].tolist() for column in columns), strict=True):
            events.append(
                ev.Quote(
                    ts_event=te, ts_init=ti, venue=perp.venue, symbol=perp.symbol, bid=b, bid_amount=bs, ask=a,
                    ask_amount=az,
                )
            )  # fmt: skip
    return events


def index_events(surface: Surface, ways: Ways, from_ns: int) -> list[ev.Event]:
    """Return the inverse venue's index, once a second at most."""
    clock = surface.clock[np.searchsorted(surface.clock, from_ns) :]
    keep = np.flatnonzero(np.diff(clock // NS_PER_S, prepend=-1) > 0)
    sent = clock[keep]
    prices = np.round(np.exp(surface.log_at(sent - 300 * NS_PER_MS)), 2)
    perp = PERPS[-1]
    return [
        ev.DerivativeTicker(ts_event=te, ts_init=ti, venue=perp.venue, symbol=perp.symbol, index_price=p)
        for te, ti, p in zip(sent.tolist(), ways.arrival("index", sent).tolist(), prices.tolist(), strict=True)
    ]


def future_events(rng: Generator, surface: Surface, perps: Perps, ways: Ways, from_ns: int) -> list[ev.Event]:
    """Return the quotes of the dated futures, five times a second."""
    listing = surface.listing
    events: list[ev.Event] = []
    for future in listing.futures:
        sent = np.arange(from_ns, int(surface.clock[-1]), 200 * NS_PER_MS, dtype=np.int64)
        expiry = int(np.searchsorted(listing.expiries_ns, future.expiry_ns))
        mid = surface.forward(sent, expiry)
        depth = np.interp(
            (sent - perps.clock[0]).astype(np.float64), (perps.clock - perps.clock[0]).astype(np.float64),
            perps.half_spread_bps[-1],
        )  # fmt: skip
        half = np.maximum(depth, 0.4) / BPS * mid
        bid = np.round(np.floor((mid - half) / future.tick) * future.tick, 1)
        ask = np.round(np.ceil((mid + half) / future.tick) * future.tick, 1)
        ask = np.where(ask > bid, ask, bid + future.tick)
        sizes = np.round(40_000.0 * np.exp(0.5 * rng.standard_normal((2, len(sent)))), -1) * 10.0
        arrived = ways.arrival(INVERSE, sent)
        for te, ti, b, a, bs, az in zip(
            *(c.tolist() for c in (sent, arrived, bid, ask, sizes[0], sizes[1])), strict=True
        ):
            events.append(
                ev.Quote(
                    ts_event=te, ts_init=ti, venue=INVERSE, symbol=future.symbol, bid=b, bid_amount=bs, ask=a,
                    ask_amount=az,
                )
            )  # fmt: skip
    return events


def fault_events(script: Script, way_ns: int) -> list[ev.Event]:
    """Return what our own connection noticed: gaps, silent streams and their return."""
    start, end = script.fault_from_ns, script.fault_to_ns
    events: list[ev.Event] = []
    if script.fault is FeedFault.GAP:
        for venue in (INVERSE, "okex-options"):
            stream = ev.StreamId(venue, "option_quotes", "BTC")
            ts = _micro(end + way_ns)
            events.append(
                ev.Gap(
                    ts_event=ts, ts_init=ts, stream=stream, from_ts=start, to_ts=end, detail="sequence numbers missing"
                )
            )
    if script.fault is FeedFault.PERPS_DOWN:
        for perp in PERPS[:2]:
            stream = ev.StreamId(perp.venue, "quotes", perp.symbol)
            down, up = _micro(start + way_ns + NS_PER_S), _micro(end + way_ns)
            events.append(ev.Stale(ts_event=down, ts_init=down, stream=stream, detail="no message for a second"))
            events.append(ev.Restored(ts_event=up, ts_init=up, stream=stream))
    return events


def _micro(ts: int) -> int:
    return ts - ts % NS_PER_US


class _Rows(msgspec.Struct):
    """Rows of one group still to be sent: by tick, option by option."""

    tick: Ints
    column: Ints
    cells: Floats
    next: int = 0


class OptionFeed:
    """The option stream of one venue: changed rows once per 100 ms around the shock, once a second else.

    Rows are built group by group, when asked for.

    Attributes:
        stream: Its id.
    """

    def __init__(
        self,
        rng: Generator,
        surface: Surface,
        books: Books,
        venue: str,
        ways: Ways,
        script: Script,
        start: int,
        hot_ns: tuple[int, int],
    ) -> None:
        self.stream = ev.StreamId(venue, "option_quotes", "BTC")
        self._surface = surface
        self._listing: Listing = surface.listing
        self._books = books
        self._groups = [book for book in books.groups if book.group.venue == venue]
        self._phase = int(rng.integers(0, 100)) * NS_PER_MS
        self._start = start
        end = int(surface.clock[-1])
        first, last = (min(max(moment, start), end) for moment in hot_ns)
        ticks = self._phase + np.concatenate(
            (
                np.arange(start, first, _CALM_TICK_NS, dtype=np.int64),
                np.arange(first, last, _TICK_NS, dtype=np.int64),
                np.arange(last, end, _CALM_TICK_NS, dtype=np.int64),
            )
        )
        ticks = ticks[ticks < end]
        self._ticks = ticks
        self._lost = np.zeros(len(ticks), dtype=np.bool_)
        self._arrival = ways.arrival(f"{venue} options", ticks)
        self._script = script
        self._apply_timing(rng)
        self._wrong = _wrong_options(rng, self._groups, self._listing, script)
        self._last: list[Floats] = [np.full((len(book.group.options), 4), -1.0) for book in self._groups]
        self._rows = [self._build(g, 0, self._last[g]) for g in range(len(self._groups))]
        self._absent = np.full(len(self._listing), NAN)
        self._sent = -1
        self._settle()

    def _apply_timing(self, rng: Generator) -> None:
        script, ticks = self._script, self._ticks
        inside = (ticks >= script.fault_from_ns) & (ticks < script.fault_to_ns)
        if script.fault in {FeedFault.GAP, FeedFault.FROZEN}:
            self._lost = inside
        elif script.fault is FeedFault.DELAYED:
            late = int(rng.uniform(0.5, 5.0) * NS_PER_S)
            late -= late % NS_PER_US
            self._arrival = np.maximum.accumulate(self._arrival + np.where(inside, late, 0))

    @property
    def next_place(self) -> Place | None:
        """Return where the next message stands, None without any."""
        return self._place

    def _settle(self) -> None:
        """Find the next message."""
        waiting = [int(rows.tick[rows.next]) for rows in self._rows if rows.next < len(rows.tick)]
        self._tick = min(waiting) if waiting else -1
        self._place = option_place(int(self._arrival[self._tick]), self.stream) if waiting else None

    def pop(self) -> ev.OptionQuotes:
        """Return the next message."""
        tick = self._sent = self._tick
        options: list[int] = []
        cells: list[Floats] = []
        for g, rows in enumerate(self._rows):
            first = rows.next
            while rows.next < len(rows.tick) and rows.tick[rows.next] == tick:
                rows.next += 1
            if rows.next > first:
                columns = rows.column[first : rows.next]
                options += self._groups[g].group.options[columns].tolist()
                cells.append(rows.cells[first : rows.next])
                self._last[g][columns] = rows.cells[first : rows.next]
        self._settle()
        return self._message(tick, options, np.concatenate(cells))

    def rebuild(self, option: int, moment: int) -> None:
        """Build the rows of an option's group anew from a moment on: somebody traded there."""
        g = next(i for i, book in enumerate(self._groups) if option in book.column)
        first = max(int(np.searchsorted(self._ticks, moment)), self._sent + 1)
        under_way = self._rows[g]  # rows that left before stay as they are
        last = max(under_way.next, int(np.searchsorted(under_way.tick, first)))
        kept = slice(under_way.next, last)
        columns, cells = under_way.column[kept], under_way.cells[kept]
        known = self._last[g].copy()
        for c, row in zip(columns.tolist(), cells, strict=True):
            known[c] = row
        built = self._build(g, first, known)
        self._rows[g] = _Rows(
            tick=np.concatenate((under_way.tick[kept], built.tick)),
            column=np.concatenate((columns, built.column)),
            cells=np.concatenate((cells, built.cells)),
        )
        self._settle()

    def _build(self, g: int, first: int, known: Floats) -> _Rows:
        """Return the rows of a group from a tick on: what differs from what was sent last."""
        book = self._groups[g]
        changes = book.changes(self._books.out)
        ticks = np.unique(np.searchsorted(self._ticks, changes))
        ticks = np.unique(np.concatenate(([first], ticks)))
        ticks = ticks[(ticks >= first) & (ticks < len(self._ticks))]
        if self._script.fault_to_ns:  # what was lost or wrong for a while shows again afterwards
            again = np.searchsorted(self._ticks, (self._script.fault_from_ns, self._script.fault_to_ns))
            ticks = np.unique(np.concatenate((ticks, again[(again >= first) & (again < len(self._ticks))])))
        ticks = ticks[~self._lost[ticks]]
        if not len(ticks):
            return _Rows(tick=ticks, column=ticks, cells=np.zeros((0, 4)))
        tops = book.tops(self._ticks[ticks], self._books.out)
        unit = 1.0 if book.group.venue == INVERSE else 0.01
        cells = np.stack(
            (tops.bid, np.round(tops.bid_coins / unit, 2), tops.ask, np.round(tops.ask_coins / unit, 2)), axis=2
        )
        cells = self._distort(book, ticks, cells)
        before = np.concatenate((known[None], cells[:-1]))
        same = (cells == before) | (np.isnan(cells) & np.isnan(before))
        # Sizes alone are news only if they change a lot, or appear or vanish.
        with np.errstate(all="ignore"):
            ratio = cells[:, :, 1::2] / before[:, :, 1::2]
        same[:, :, 1::2] |= (ratio < _SIZE_FACTOR) & (ratio > 1.0 / _SIZE_FACTOR)
        row, column = np.nonzero(~same.all(axis=2))
        return _Rows(tick=ticks[row], column=column, cells=cells[row, column])

    def _distort(self, book: GroupBook, ticks: Ints, cells: Floats) -> Floats:
        """Apply what the feed gets wrong."""
        script = self._script
        moments = self._ticks[ticks]
        inside = (moments >= script.fault_from_ns) & (moments < script.fault_to_ns)
        for option, what in self._wrong.items():
            c = book.column.get(option)
            if c is None:
                continue
            if script.fault is FeedFault.UNIT:
                cells[inside, c, 0] *= what
                cells[inside, c, 2] *= what
            elif script.fault is FeedFault.CROSSED:
                tick = 0.0005 if book.group.venue == INVERSE else 5.0
                cells[inside, c, 0] = np.round(cells[inside, c, 2] + tick * np.round(what), 4)
            elif script.fault is FeedFault.MAPPING:
                other = self._books.of[int(what)]
                tops = other.tops(moments, self._books.out)
                o = other.column[int(what)]
                unit = 1.0 if book.group.venue == INVERSE else 0.01
                wrong = np.stack(
                    (tops.bid[:, o], tops.bid_coins[:, o] / unit, tops.ask[:, o], tops.ask_coins[:, o] / unit), axis=1
                )
                cells[inside, c] = np.round(wrong, 4)[inside]
        return cells

    def _message(self, tick: int, options: list[int], cells: Floats) -> ev.OptionQuotes:
        moment, arrived = int(self._ticks[tick]), int(self._arrival[tick])
        listing, n = self._listing, len(options)
        order = sorted(range(n), key=options.__getitem__)
        picked = np.array(options, dtype=np.int64)[order]
        cells = cells[order]
        columns = dict.fromkeys(ev.OPTION_COLUMNS, self._absent[:n])
        columns["bid"], columns["bid_amount"] = cells[:, 0].copy(), cells[:, 1].copy()
        columns["ask"], columns["ask_amount"] = cells[:, 2].copy(), cells[:, 3].copy()
        expiry = listing.expiry[picked]
        columns["underlying_price"] = np.round(self._surface.forward(moment, expiry), 2)
        return ev.OptionQuotes(
            ts_event=moment,
            ts_init=arrived,
            stream=self.stream,
            symbols=[listing.symbols[i] for i in picked.tolist()],
            row_ts_event=np.full(n, moment, dtype=np.int64),
            row_ts_init=np.full(n, arrived, dtype=np.int64),
            columns=columns,
            underlying_index=[""] * n,
        )


def _wrong_options(rng: Generator, groups: list[GroupBook], listing: Listing, script: Script) -> dict[int, float]:
    """Choose the options that the feed gets wrong, and how: a factor, ticks of crossing, or whose quotes they show."""
    if script.fault not in {FeedFault.UNIT, FeedFault.CROSSED, FeedFault.MAPPING}:
        return {}
    options = np.array(sorted(o for book in groups for o in book.column), dtype=np.int64)
    count = 8 if script.fault is not FeedFault.MAPPING else 4
    picked = sorted(rng.choice(options, size=min(count, len(options)), replace=False).tolist())
    wrong: dict[int, float] = {}
    for option in picked:
        if script.fault is FeedFault.UNIT:
            wrong[option] = float(rng.choice(_UNITS))
        elif script.fault is FeedFault.CROSSED:
            wrong[option] = float(rng.integers(1, 5))
        else:
            near = [o for o in options.tolist() if o != option and listing.is_call[o] == listing.is_call[option]]
            near.sort(key=lambda o: (abs(int(listing.expiry[o]) - int(listing.expiry[option])),
                                     abs(float(listing.strike[o]) - float(listing.strike[option])), o))  # fmt: skip
            wrong[option] = float(near[int(rng.integers(0, min(3, len(near))))])
    return wrong


def in_order(events: list[ev.Event]) -> Iterator[ev.Event]:
    """Iterate over events by receive time, equal ones as given."""
    yield from sorted(events, key=lambda event: event.ts_init)
