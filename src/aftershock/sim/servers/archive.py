"""One recorded morning of long ago: 2022-11-01 of `ftx` and `deribit`, a first day of a month, free without a key.

It is the simulated market, dated back by whole days, so that what needs FTX's own id and dates has something to read.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec

from aftershock.model.events import DerivativeTicker, Event, Liquidation, OptionQuotes, Quote, StreamId, Trade
from aftershock.model.order import total_order
from aftershock.model.units import NS_PER_DAY, utc_ns
from aftershock.sim.market.endless import EndlessMarket
from aftershock.sim.market.listing import INVERSE, deribit_date
from aftershock.sim.market.tardis_files import write_tardis_files
from aftershock.sim.servers.tape import RESTART, Tape
from aftershock.sim.servers.terms import Terms, terms_of

__all__ = ["ARCHIVE_DAY_NS", "ARCHIVE_EXCHANGES", "Archive"]

ARCHIVE_DAY_NS = utc_ns(2022, 11, 1)
ARCHIVE_EXCHANGES = ("deribit", "ftx")
_DRAWN_NS = utc_ns(2026, 10, 5)
_BACK_NS = _DRAWN_NS - ARCHIVE_DAY_NS
_VENUES = {RESTART: "ftx", INVERSE: INVERSE}


class Archive:
    """Seven minutes from midnight on; drawn when somebody asks.

    Attributes:
        seed: Of the market.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._lock = threading.Lock()
        self._events: list[Event] = []
        self.terms: dict[tuple[str, str], Terms] = {}

    def events(self) -> list[Event]:
        """Return everything by receive time; takes a moment the first time."""
        with self._lock:
            if not self._events:
                self._draw()
            return self._events

    def past(self, exchange: str, from_ns: int, to_ns: int) -> Iterator[Event]:
        """Iterate over an exchange's events between two receive times."""
        if to_ns <= ARCHIVE_DAY_NS or from_ns >= ARCHIVE_DAY_NS + NS_PER_DAY or exchange not in ARCHIVE_EXCHANGES:
            return iter(())
        return (event for event in self.events() if from_ns <= event.ts_init < to_ns and venue_of(event) == exchange)

    def write_data_sets(self, folder: Path) -> None:
        """Write the day as CSV data sets, by group of instruments, into an existing folder."""
        write_tardis_files(folder, total_order(self.events()))

    def _draw(self) -> None:
        episode = next(EndlessMarket(self.seed, _DRAWN_NS).episodes())
        tape = Tape(self.seed)
        names = {
            symbol: symbol.replace(deribit_date(each.expiry_ns), deribit_date(each.expiry_ns - _BACK_NS))
            for (venue, symbol), each in terms_of(episode.surface.listing).items()
            if venue == INVERSE
        }
        self.terms = {
            (venue, names[symbol]): msgspec.structs.replace(each, expiry_ns=each.expiry_ns - _BACK_NS)
            for (venue, symbol), each in terms_of(episode.surface.listing).items()
            if venue == INVERSE
        }
        dated = {
            future.symbol: f"BTC-{deribit_date(future.expiry_ns - _BACK_NS)}"
            for future in episode.surface.listing.futures
        }
        drawn: list[Event] = []
        while episode.next_place() is not None:
            drawn += tape.add(episode.pop())
        self._events = [_dated_back(event, names, dated) for event in drawn if venue_of(event) in _VENUES]


def venue_of(event: Event) -> str:
    """Return the exchange of an event, empty for what belongs to none."""
    return event.stream.venue if isinstance(event, OptionQuotes) else getattr(event, "venue", "")


def _dated_back(event: Event, names: dict[str, str], dated: dict[str, str]) -> Event:
    clocks = {"ts_event": event.ts_event - _BACK_NS, "ts_init": event.ts_init - _BACK_NS}
    if isinstance(event, OptionQuotes):
        return msgspec.structs.replace(
            event,
            **clocks,
            symbols=[names[symbol] for symbol in event.symbols],
            row_ts_event=event.row_ts_event - _BACK_NS,
            row_ts_init=event.row_ts_init - _BACK_NS,
            stream=StreamId(event.stream.venue, event.stream.kind, event.stream.symbol),
        )
    if isinstance(event, Quote | Trade | Liquidation | DerivativeTicker):
        symbol = dated.get(event.symbol, event.symbol)
        return msgspec.structs.replace(event, **clocks, venue=_VENUES[event.venue], symbol=symbol)
    return event
