"""A run of the engine over events of this process, which gives what a replay of their files would give.

Files lose the order of rows that carry one receive time, and their readers drop a trade or liquidation that repeats
one with an id. Both are done to the events here, by the same rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec
import numpy as np

from aftershock.app.drive import Drive
from aftershock.app.latency import LatencyHistogram
from aftershock.app.outcome import Effect, Outcome
from aftershock.core.config import EngineConfig
from aftershock.core.engine import Engine
from aftershock.core.stats import EngineStats
from aftershock.model.events import Event, Liquidation, OptionQuotes, Trade
from aftershock.model.instruments import Kind
from aftershock.model.order import total_order
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NS_PER_DAY
from aftershock.venues.connection.recent_ids import RecentIds
from aftershock.venues.tardis import merge
from aftershock.venues.tardis.piece import Piece, option_piece, piece_of

__all__ = ["InProcessResult", "run_in_process"]


class InProcessResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a run gave.

    Attributes:
        outcome: The effects.
        stats: The engine's counts; only `events` may differ from a replay's, as it depends on where batches are cut.
        repeats: Trades and liquidations that were dropped as repetitions.
        deciding, all_events: Durations, as `Drive` has them.
        last_ts: `ts_init` of the last event, ns.
        interrupted: True once the run was stopped.
    """

    outcome: Outcome
    stats: EngineStats
    repeats: int
    deciding: LatencyHistogram
    all_events: LatencyHistogram
    last_ts: int
    interrupted: bool


def run_in_process(
    events: Iterable[Event],
    config: EngineConfig,
    table: InstrumentTable,
    *,
    on_effect: Callable[[Effect], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> InProcessResult:
    """Run a fresh engine over events.

    Args:
        events: By receive time; within a moment in any order, as `total_order` puts them.
        config: Whole: nothing is inferred. `ReplayResult.settings.config` is what a replay of the files inferred.
        table: Instruments.
        on_effect: Gets each effect as it happens.
        should_stop: Asked between events; once true, the run ends after the current moment.

    Raises:
        ValueError: A receive time goes back.
    """
    engine, outcome = Engine(config, table), Outcome(config)
    feed = _Feed(events, table)
    drive = Drive(engine, merge([feed]), should_stop=should_stop)
    for effect in drive.effects():
        outcome.add(effect)
        on_effect(effect)
    return InProcessResult(
        outcome=outcome,
        stats=engine.stats,
        repeats=feed.repeats,
        deciding=drive.deciding,
        all_events=drive.all_events,
        last_ts=drive.last_ts,
        interrupted=drive.interrupted,
    )


class _Feed:
    """Events as a source of `merge`, which joins option rows to batches as it does those of files."""

    def __init__(self, events: Iterable[Event], table: InstrumentTable) -> None:
        self.index = 0
        self.rows_read = 0
        self.repeats = 0
        self._events = events
        self._table = table
        self._recent: dict[tuple[type, str, Kind | None], RecentIds] = {}
        self._day = 0

    def pieces(self) -> Iterator[Piece]:
        """Iterate over the events in the total order, without repetitions."""
        row = 0
        for event in total_order(self._events):
            if isinstance(event, OptionQuotes):
                yield option_piece(event, np.arange(row + 1, row + len(event) + 1))
                row += len(event)
                continue
            row += 1
            if isinstance(event, Trade | Liquidation) and self._repeats(event):
                self.repeats += 1
            else:
                yield piece_of(event, row)

    def _repeats(self, event: Trade | Liquidation) -> bool:
        """Tell whether the file that would hold the event had the same row lately."""
        row_id = event.trade_id if isinstance(event, Trade) else event.liquidation_id
        if not row_id:
            return False
        day = event.ts_init // NS_PER_DAY
        if day != self._day:  # files are a day's
            self._recent.clear()
            self._day = day
        instrument = self._table.resolve(event.venue, event.symbol)
        file = type(event), event.venue, None if instrument is None else instrument.kind
        side = event.side if isinstance(event, Trade) else event.liquidated.value
        row = event.venue, event.symbol, event.ts_event, side, repr(event.price), repr(event.amount)
        return self._recent.setdefault(file, RecentIds()).repeats(row_id, *row)
